"""What cannot both be so is found once, goes when it is no longer so, and waits until a person has looked."""

from datetime import timedelta
from uuid import uuid4

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.ahead import Contrary, Origin, Says
from adsum.attendance.ahead_tables import Contradiction
from adsum.attendance.contradictions import find_contradictions, note_contradiction
from adsum.attendance.foreseen import foresee
from adsum.attendance.rules import Reason, Status
from adsum.timetable.models import ClassSession
from tests.kit.marking import act, mark_students
from tests.kit.world import NINE, World, cancel_class

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = NINE + 18 * HOUR


class Week:
    """A student, two groups of theirs, and somebody who marks."""

    def __init__(self, world: World) -> None:
        self.world, self.one, self.two = world, world.group(), world.group()
        self.team = world.person(Role.ATTENDANCE_TEAM)
        self.alice = world.student(groups=[self.one, self.two])

    def attended(self, group: object, after: timedelta, status: Status = Status.PRESENT) -> ClassSession:
        session = self.world.session(group, starts_at=NINE + after)  # type: ignore[arg-type]
        mark_students(session, [self.alice], status, by=self.team, at=session.starts_at)
        return session

    def changed(self, session: ClassSession, *after: timedelta) -> None:
        """So many changes of the mark, at these times after nine."""
        for n, later in enumerate(after):
            status = (Status.LATE, Status.PRESENT)[n % 2]
            mark_students(session, [self.alice], status, by=self.team, at=NINE + later, reason_code=Reason.SCAN_TROUBLE)


def found() -> list[tuple[str, int]]:
    return sorted(Contradiction.objects.values_list("kind", "session"))


def away(student: Person, session: ClassSession, says: Says, by: Person) -> None:
    foresee(Origin.ABSENCE, uuid4(), student, {session.pk: says}, act=act(by, NINE - DAY))


@pytest.mark.parametrize(
    ("says", "status", "is_one"),
    [
        (Says.AUTHORISED, Status.PRESENT, True),
        (Says.TOLD, Status.LATE, True),
        (Says.ON_PLACEMENT, Status.PRESENT, True),
        (Says.ELSEWHERE, Status.PRESENT, False),
        (Says.AUTHORISED, Status.ABSENT, False),
        (None, Status.PRESENT, False),
    ],
)
def test_present_although_away(world: World, says: Says | None, status: Status, is_one: bool):
    week = Week(world)
    session = week.attended(week.one, 0 * HOUR, status)
    if says:
        away(week.alice, session, says, week.team)
    assert find_contradictions(at=NIGHT) == is_one
    assert found() == ([(Contrary.PRESENT_ALTHOUGH_AWAY, session.pk)] if is_one else [])


@pytest.mark.parametrize(
    ("apart", "status", "is_one"),
    [
        (59 * MINUTE, Status.PRESENT, True),
        (0 * MINUTE, Status.LATE, True),
        (60 * MINUTE, Status.PRESENT, False),  # one after the other
        (30 * MINUTE, Status.ABSENT, False),
    ],
)
def test_two_rooms_at_once(world: World, apart: timedelta, status: Status, is_one: bool):
    week = Week(world)
    first = week.attended(week.one, 0 * HOUR)
    second = week.attended(week.two, apart, status)
    find_contradictions(at=NIGHT)
    assert found() == ([(Contrary.TWO_ROOMS, second.pk)] if is_one else [])
    assert not is_one or Contradiction.objects.get().other == first


def test_whoever_left_the_first_early_may_have_been_in_both(world: World):
    week = Week(world)
    session = world.session(week.one)
    left = NINE + 20 * MINUTE
    mark_students(session, [week.alice], Status.LEFT_EARLY, by=week.team, at=left, left_at=left)
    week.attended(week.two, 30 * MINUTE)
    assert find_contradictions(at=NIGHT) == 0


@pytest.mark.parametrize(
    ("after", "is_one"), [((HOUR, 2 * HOUR, 3 * HOUR), True), ((HOUR, 2 * HOUR), False), ((HOUR, 14 * HOUR, 26 * HOUR), False)]
)
def test_three_changes_in_a_day(world: World, after: tuple[timedelta, ...], is_one: bool):
    week = Week(world)
    session = week.attended(week.one, 0 * HOUR)
    week.changed(session, *after)
    find_contradictions(at=NIGHT + DAY)
    assert found() == ([(Contrary.MANY_CHANGES, session.pk)] if is_one else [])


def test_it_is_found_once_and_goes_when_it_is_no_longer_so(world: World):
    week = Week(world)
    session = week.attended(week.one, 0 * HOUR)
    away(week.alice, session, Says.TOLD, week.team)
    assert [find_contradictions(at=NIGHT), find_contradictions(at=NIGHT + DAY)] == [1, 0]
    mark_students(session, [week.alice], Status.ABSENT, by=week.team, at=NIGHT, reason_code=Reason.NOT_IN_CLASS)
    find_contradictions(at=NIGHT + DAY)
    assert found() == []


def test_one_that_was_looked_at_does_not_come_back(world: World):
    week = Week(world)
    session = week.attended(week.one, 0 * HOUR)
    away(week.alice, session, Says.TOLD, week.team)
    find_contradictions(at=NIGHT)
    note_contradiction(Contradiction.objects.get(), by=week.team, at=NIGHT)
    assert find_contradictions(at=NIGHT + DAY) == 0
    assert Contradiction.objects.get().seen_by == week.team


def test_a_cancelled_class_contradicts_nothing(world: World):
    week = Week(world)
    session = week.attended(week.one, 0 * HOUR)
    away(week.alice, session, Says.TOLD, week.team)
    cancel_class(session, at=NINE, actor="system:test")
    assert find_contradictions(at=NIGHT) == 0
