"""What is foreseen of a student: what closing and registers make of it, and how marks follow when it changes."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.rules import Role
from adsum.attendance.ahead import Origin, Says, Word
from adsum.attendance.ahead_tables import Foreseen
from adsum.attendance.closing import close_registers
from adsum.attendance.foreseen import foresee, foreseen_in
from adsum.attendance.known import known_before
from adsum.attendance.models import Mark, MarkChange, Register
from adsum.attendance.outages import declare_outage
from adsum.attendance.record import own_classes
from adsum.attendance.rules import Reason, Source, Status
from adsum.attendance.services import accept_foreseen
from adsum.audit.models import Event
from adsum.timetable.models import ClassSession
from tests.kit.marking import act, mark_rest_absent, mark_students, marks
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
REQUEST, OTHER = UUID(int=1), UUID(int=2)


class Away:
    """A class of alice, who is away, and bob, who comes."""

    def __init__(self, world: World) -> None:
        group = world.group()
        self.lecturer, self.team = world.lecturer(), world.person(Role.ATTENDANCE_TEAM)
        self.alice, self.bob = world.student(groups=[group]), world.student(groups=[group])
        self.session = world.session(group, staff=[self.lecturer])
        self.over = self.session.ends_at + 20 * MINUTE

    def foresee(self, *says: Says, ref: UUID = REQUEST, at: timedelta = DAY) -> None:
        wanted = dict.fromkeys([self.session.pk] if says else [], *says) if says else {}
        foresee(Origin.ABSENCE, ref, self.alice, wanted, act=act(self.team, NINE + at))

    def bob_comes(self) -> None:
        mark_students(self.session, [self.bob], Status.PRESENT, by=self.lecturer, at=NINE)

    def close(self, *, observed: bool = True) -> None:
        if observed:
            self.bob_comes()
        close_registers([self.session], at=self.over)

    @property
    def mark(self) -> tuple[str, str] | None:
        found = Mark.objects.filter(session=self.session, student=self.alice).first()
        return (found.status, found.source) if found else None


@pytest.mark.parametrize(
    ("says", "status", "word"),
    [
        (Says.TOLD, Status.PENDING, Word.TOLD),
        (Says.UNDER_DECISION, Status.PENDING, Word.UNDER_DECISION),
        (Says.AUTHORISED, Status.AUTHORISED, Word.AUTHORISED),
        (Says.ELSEWHERE, Status.SWAPPED, Word.ELSEWHERE),
        (Says.ON_PLACEMENT, None, Word.NOT_EXPECTED),
        (Says.SUSPENDED, None, Word.NOT_EXPECTED),
    ],
)
def test_what_closing_makes_of_it(world: World, says: Says, status: Status | None, word: Word):
    away = Away(world)
    away.foresee(says, at=-DAY)
    assert away.mark is None, "a proposal is no mark"
    assert known_before([away.session]).word(away.session.pk, away.alice.pk) == word
    away.close()
    assert away.mark == ((status, Source.SYSTEM) if status else None)
    assert Register.objects.get(session=away.session).state == Register.State.CLOSED
    (own,) = own_classes(away.alice, ClassSession.objects.filter(pk=away.session.pk))
    assert own.status == (status or Status.NOT_EXPECTED)


def test_in_a_class_that_was_not_observed_everyone_is_not_observed(world: World):
    away = Away(world)
    away.foresee(Says.AUTHORISED)
    away.close(observed=False)
    assert away.mark == (Status.NOT_OBSERVED, Source.SYSTEM)
    away.foresee(Says.TOLD)
    assert away.mark == (Status.NOT_OBSERVED, Source.SYSTEM)


@pytest.mark.parametrize("order", list(permutations((Says.TOLD, Says.AUTHORISED, Says.ON_PLACEMENT))))
def test_of_several_the_strongest_applies_in_whatever_order_they_came(world: World, order: tuple[Says, ...]):
    away = Away(world)
    for n, says in enumerate(order):
        away.foresee(says, ref=UUID(int=10 + n))
    assert {key: one.says for key, one in foreseen_in([away.session.pk]).items()} == {
        (away.session.pk, away.alice.pk): Says.ON_PLACEMENT
    }


def test_the_same_again_does_nothing(world: World):
    away = Away(world)
    away.foresee(Says.TOLD)
    before = Event.objects.count(), Foreseen.objects.get().pk
    away.foresee(Says.TOLD)
    assert (Event.objects.count(), Foreseen.objects.get().pk) == before


# Marks of closed registers follow


def test_a_mark_follows_all_the_way_and_back(world: World):
    away = Away(world)
    away.close()
    assert away.mark == (Status.ABSENT, Source.SYSTEM)
    for says, expected in [
        (Says.TOLD, Status.PENDING),
        (Says.AUTHORISED, Status.AUTHORISED),
        (Says.UNDER_DECISION, Status.PENDING),
    ]:
        away.foresee(says)
        assert away.mark == (expected, Source.ABSENCE)
    away.foresee()
    assert away.mark == (Status.ABSENT, Source.SYSTEM), "refused: as closing had it"
    assert not Foreseen.objects.exists()
    steps = MarkChange.objects.filter(student=away.alice, by=away.team)
    assert set(steps.values_list("reason_code", flat=True)) == {Reason.ABSENCE_DECIDED}
    assert len(steps) == 4
    assert Mark.objects.get(student=away.alice).changed_at == steps.latest("pk").at


def test_what_closing_had_foreseen_becomes_absent_when_it_is_refused(world: World):
    away = Away(world)
    away.foresee(Says.UNDER_DECISION, at=-DAY)
    away.close()
    away.foresee()
    assert away.mark == (Status.ABSENT, Source.SYSTEM)


def test_a_refused_absence_from_a_class_that_an_outage_touched_is_not_observed(world: World):
    away = Away(world)
    away.foresee(Says.UNDER_DECISION, at=-DAY)
    away.close()
    ends = away.session.ends_at
    declare_outage(by=away.team, at=away.over + MINUTE, starts_at=NINE, ends_at=ends, reason="Fire")
    away.foresee()
    assert away.mark == (Status.NOT_OBSERVED, Source.SYSTEM)


def test_two_requests_for_one_class_the_second_still_holds(world: World):
    away = Away(world)
    away.close()
    away.foresee(Says.AUTHORISED, ref=REQUEST)
    away.foresee(Says.TOLD, ref=OTHER)
    assert away.mark == (Status.AUTHORISED, Source.ABSENCE)
    away.foresee(ref=REQUEST)
    assert away.mark == (Status.PENDING, Source.ABSENCE)


def test_a_placement_told_afterwards_takes_the_absence_away(world: World):
    away = Away(world)
    away.close()
    away.foresee(Says.ON_PLACEMENT)
    assert away.mark is None
    away.foresee()
    assert away.mark is None, "who was not expected does not become absent afterwards"


@pytest.mark.parametrize(
    ("status", "reason", "follows"),
    [
        (Status.ABSENT, None, True),  # a lecturer noted that the student was not there
        (Status.PRESENT, None, False),
        (Status.LATE, None, False),
        (Status.AUTHORISED, None, False),
    ],
)
def test_a_persons_first_mark_follows_only_where_it_says_absent(
    world: World, status: Status, reason: Reason | None, follows: bool
):
    away = Away(world)
    mark_students(away.session, [away.alice], status, by=away.lecturer, at=NINE, reason_code=reason)
    away.close()
    away.foresee(Says.UNDER_DECISION)
    assert away.mark == ((Status.PENDING, Source.ABSENCE) if follows else (status, Source.STAFF))
    away.foresee()
    assert away.mark == (status, Source.STAFF), "and comes back as the person made it"


def test_what_a_person_amended_stays(world: World):
    away = Away(world)
    away.close()
    away.foresee(Says.AUTHORISED)
    why: dict[str, Any] = {"by": away.team, "at": away.over + DAY, "reason_code": Reason.NOT_IN_CLASS}
    mark_students(away.session, [away.alice], Status.ABSENT, **why)
    away.foresee(Says.TOLD)
    assert away.mark == (Status.ABSENT, Source.STAFF)


# In the register


def test_one_tap_accepts_and_a_decision_still_changes_it(world: World):
    away = Away(world)
    away.foresee(Says.TOLD, at=-DAY)
    (made,) = marks(accept_foreseen(away.session, [away.alice.pk, away.bob.pk], act=act(away.lecturer, NINE)))
    assert (made.status, made.source) == (Status.PENDING, Source.ABSENCE)
    assert not Mark.objects.filter(student=away.bob).exists(), "nothing is foreseen of him"
    away.foresee(Says.AUTHORISED, at=2 * MINUTE)
    assert away.mark == (Status.AUTHORISED, Source.ABSENCE)
    away.foresee(at=3 * MINUTE)
    assert away.mark is None, "the class is still on"


def test_the_rest_are_absent_but_for_those_of_whom_something_is_foreseen(world: World):
    away = Away(world)
    carol = world.student()
    world.place(carol, *away.session.groups.all())
    away.foresee(Says.AUTHORISED, at=-DAY)
    foresee(Origin.PLACEMENT, OTHER, carol, {away.session.pk: Says.ON_PLACEMENT}, act=act(away.team, NINE - DAY))
    assert mark_rest_absent(away.session, by=away.lecturer, at=NINE + MINUTE) == 2
    assert away.mark == (Status.AUTHORISED, Source.ABSENCE)
    assert dict(Mark.objects.values_list("student", "status")) == {away.alice.pk: Status.AUTHORISED, away.bob.pk: Status.ABSENT}


def test_a_register_that_nobody_took_is_completed_with_what_was_foreseen(world: World):
    away = Away(world)
    away.foresee(Says.AUTHORISED, at=-DAY)
    away.close(observed=False)
    mark_rest_absent(away.session, by=away.lecturer, at=away.over + MINUTE)
    assert away.mark == (Status.AUTHORISED, Source.ABSENCE)
    assert Register.objects.get(session=away.session).state == Register.State.CLOSED
    away.foresee()
    assert away.mark == (Status.ABSENT, Source.SYSTEM)


@pytest.mark.parametrize("classes", [1, 4])
def test_telling_of_many_classes_costs_little_more_than_of_one(world: World, classes: int):
    away = Away(world)
    group = away.session.groups.get()
    more = [world.session(group, starts_at=NINE + n * DAY) for n in range(1, classes)]
    away.foresee(Says.TOLD, at=-DAY)  # the student has an alias from here on
    close_registers([away.session, *more], at=NINE + 9 * DAY)
    Mark.objects.update(status=Status.ABSENT)
    Register.objects.update(state=Register.State.CLOSED)
    wanted = dict.fromkeys([away.session.pk, *(one.pk for one in more)], Says.AUTHORISED)
    with CaptureQueriesContext(connection) as queries:
        foresee(Origin.ABSENCE, OTHER, away.alice, wanted, act=act(away.team, NINE + 9 * DAY))
    assert set(Mark.objects.filter(student=away.alice).values_list("status", flat=True)) == {Status.AUTHORISED}
    reads_and_writes = [q for q in queries.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(reads_and_writes) == 16
