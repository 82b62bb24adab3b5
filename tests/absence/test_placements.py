"""Placements: by hand and by file; classes that expect nobody meanwhile, and expect them again afterwards."""

from datetime import date, timedelta

import pytest

from adsum.absence.linking import sweep
from adsum.absence.models import Placement
from adsum.absence.placements import Stay, end_placement, place
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.known import foreseen_in
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.core.errors import AdsumError
from adsum.integrations.imports.placements_csv import bring_placements
from tests.kit.marking import act, mark_students
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TODAY = NINE.date()


class Ward(World):
    """Alice has a class this morning and one in a week."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = self.group()
        self.alice, self.bob = self.student(groups=[self.l1]), self.student(groups=[self.l1])
        self.enrol(self.alice)
        self.ada, self.team = self.lecturer(), self.person(Role.ATTENDANCE_TEAM)
        self.now, self.later = (self.session(self.l1, starts_at=NINE + days * DAY, staff=[self.ada]) for days in (0, 7))

    def goes(self, first: date = TODAY, last: date = TODAY + 10 * DAY) -> Placement:
        return place(self.alice, Stay(first, last, "Ward 7"), act=act(self.team, NINE - DAY))

    @property
    def away(self) -> set[int]:
        found = foreseen_in([self.now.pk, self.later.pk])
        return {session for session, student in found if student == self.alice.pk}


@pytest.fixture
def ward(db: None) -> Ward:
    return Ward()


def test_no_class_of_the_time_expects_them_and_none_counts(ward: Ward):
    ward.goes()
    assert ward.away == {ward.now.pk, ward.later.pk}
    mark_students(ward.now, [ward.bob], Status.PRESENT, by=ward.ada, at=NINE)
    close_registers([ward.now], at=ward.now.ends_at + timedelta(hours=1))
    assert not Mark.objects.filter(student=ward.alice).exclude(status=Status.NOT_EXPECTED).exists()


def test_ended_early_the_rest_expects_them_again(ward: Ward):
    placement = ward.goes()
    end_placement(placement, last_day=TODAY + 3 * DAY, act=act(ward.team, NINE))
    assert ward.away == {ward.now.pk}
    end_placement(placement, last_day=TODAY - DAY, act=act(ward.team, NINE))
    assert ward.away == set(), "taken back whole"


def test_a_class_that_comes_into_the_time_later_follows(ward: Ward):
    ward.goes()
    new = ward.session(ward.l1, starts_at=NINE + 2 * DAY, staff=[ward.ada])
    sweep(today=TODAY, at=NINE)
    assert (new.pk, ward.alice.pk) in foreseen_in([new.pk])


@pytest.mark.parametrize(
    ("first", "last", "code"), [(TODAY, TODAY - DAY, "ends_first"), (TODAY, TODAY + 600 * DAY, "too_long")]
)
def test_dates_that_do_not_fit(ward: Ward, first: date, last: date, code: str):
    with pytest.raises(AdsumError) as refused:
        ward.goes(first, last)
    assert refused.value.code == code


def test_a_file_says_it_anew_and_refuses_by_line(ward: Ward):
    lines = [
        "id,student,starts_on,ends_on,where",
        f"p1,{ward.alice.number},2026-11-23,2026-12-20,Ward 7",
        f"p2,{ward.alice.number},2026-12-20,2026-11-23,Ward 7",
        f"p1,{ward.bob.number},2026-11-23,2026-12-20,Ward 7",
        "p3,nobody,2026-11-23,2026-12-20,Ward 7",
        f"p4,{ward.bob.number},2026-11-23,,Ward 7",
    ]
    by = act(ward.team, NINE - DAY)
    done = bring_placements("\n".join(lines).encode(), "p.csv", act=by)
    assert (done.placements, [line for line, _why in done.problems]) == (1, [3, 4, 5, 6])
    assert ward.away == {ward.now.pk, ward.later.pk}
    again = f"id,student,starts_on,ends_on,where\np1,{ward.alice.number},2026-11-23,2026-11-24,Ward 7\n"
    bring_placements(again.encode(), "p.csv", act=by)
    assert ward.away == {ward.now.pk}
    assert Placement.objects.count() == 1
