"""No work is ever without an owner: who does it, for every way in which a tutor may be missing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.engagement.models import Fallback, Leave
from adsum.engagement.owners import owner_of, owners_of, wellbeing_of
from adsum.timetable.models import Enrolment
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
TODAY = NINE.date()
DAY = timedelta(days=1)


class Staff:
    """A student of Computing, which is in Science; a tutor, a deputy, and who is named where."""

    def __init__(self, world: World) -> None:
        self.science = world.department("SC", "Science")
        self.computing = world.department("CS", "Computing", parent=self.science)
        self.student = world.student()
        self.administrator = world.person(Role.ADMINISTRATOR)
        self.team = world.person(Role.ATTENDANCE_TEAM)
        self.tutor, self.deputy = world.person(Role.TUTOR), world.person(Role.TUTOR)
        self.named, self.above, self.of_all = (world.person(Role.DEPARTMENT) for _ in range(3))
        self.enrolment = world.enrol(self.student, self.computing, tutor=self.tutor)
        for department, person in ((self.computing, self.named), (self.science, self.above), (None, self.of_all)):
            Fallback.objects.create(department=department, person=person, duty=Fallback.Duty.CASES)

    def away(self, person: Person, deputy: Person | None = None, *, first: Any = TODAY, last: Any = TODAY) -> None:
        Leave.objects.create(person=person, deputy=deputy, starts_on=first, ends_on=last)

    def left(self, person: Person) -> None:
        Person.objects.filter(pk=person.pk).update(is_active=False)

    def no_role(self, person: Person) -> None:
        RoleGrant.objects.filter(person=person).update(ends_on=TODAY - DAY)

    def no_tutor(self) -> None:
        Enrolment.objects.update(tutor=None)

    def nobody_named(self) -> None:
        Fallback.objects.all().delete()


def away_with_deputy(s: Staff) -> None:
    s.away(s.tutor, s.deputy)


def deputy_away_too(s: Staff) -> None:
    s.away(s.tutor, s.deputy)
    s.away(s.deputy, s.team)


def deputy_left(s: Staff) -> None:
    s.away(s.tutor, s.deputy)
    s.left(s.deputy)


def deputies_in_a_circle(s: Staff) -> None:
    s.away(s.tutor, s.deputy)
    s.away(s.deputy, s.tutor)


def two_have_left(s: Staff) -> None:
    s.no_tutor()
    s.left(s.named)


def only_the_university(s: Staff) -> None:
    s.no_tutor()
    s.left(s.named)
    s.left(s.above)


def only_the_team(s: Staff) -> None:
    s.no_tutor()
    s.nobody_named()


def only_an_administrator(s: Staff) -> None:
    only_the_team(s)
    s.left(s.team)
    s.away(s.administrator)


CASES: list[tuple[str, Callable[[Staff], Any], str]] = [
    ("the tutor", lambda s: None, "tutor"),
    ("the tutor was away until yesterday", lambda s: s.away(s.tutor, first=TODAY - DAY, last=TODAY - DAY), "tutor"),
    ("away, with a deputy", away_with_deputy, "deputy"),
    ("away, the deputy has left", deputy_left, "named"),
    ("away, the deputy too, with a deputy", deputy_away_too, "team"),
    ("each the other's deputy", deputies_in_a_circle, "named"),
    ("away without a deputy", lambda s: s.away(s.tutor), "named"),
    ("the tutor has left", lambda s: s.left(s.tutor), "named"),
    ("the tutor's roles have ended", lambda s: s.no_role(s.tutor), "named"),
    ("no tutor", lambda s: s.no_tutor(), "named"),
    ("no enrolment", lambda s: Enrolment.objects.all().delete(), "of_all"),
    ("the department's person has left", two_have_left, "above"),
    ("only the university's person", only_the_university, "of_all"),
    ("nobody named", only_the_team, "team"),
    ("only an administrator, who is away", only_an_administrator, "administrator"),
]


@pytest.mark.parametrize(("prepare", "owner"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_who_owns_the_work(world: World, prepare: Callable[[Staff], Any], owner: str):
    staff = Staff(world)
    prepare(staff)
    assert owner_of(staff.student, NINE) == getattr(staff, owner)


def test_a_member_of_staff_never_owns_the_work_on_themselves_nor_what_they_may_not_decide(world: World):
    staff = Staff(world)
    assert owner_of(staff.student, NINE, besides=[staff.tutor.pk]) == staff.named
    Enrolment.objects.update(person=staff.tutor)
    assert owner_of(staff.tutor, NINE) == staff.named


def test_a_university_without_an_open_account_says_what_to_do(world: World):
    student = world.student()
    with pytest.raises(AdsumError, match="Name a person"):
        owner_of(student, NINE)


def test_many_students_cost_no_more_queries_than_one(world: World, django_assert_num_queries: Any):
    staff = Staff(world)
    others = [world.student() for _ in range(3)]
    with django_assert_num_queries(6):
        owners_of([staff.student.pk], NINE)
    with django_assert_num_queries(6):
        assert len(owners_of([staff.student.pk, *(one.pk for one in others)], NINE)) == 4


def test_the_wellbeing_contact_is_named_by_itself(world: World):
    staff = Staff(world)
    assert wellbeing_of(staff.student, NINE) is None, "who takes cases is not asked about wellbeing"
    Fallback.objects.create(department=staff.science, person=staff.deputy, duty=Fallback.Duty.WELLBEING)
    assert wellbeing_of(staff.student, NINE) == staff.deputy
