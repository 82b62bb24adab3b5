"""What is known of a class, now and at any moment before: each thing that may happen to it, through its own verb."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.outages import declare_outage, withdraw_outage
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Status
from adsum.engagement.observed import Observations, observed
from adsum.engagement.policies import studies_of
from adsum.engagement.rules import Doubt, Seen, Studies
from adsum.timetable.models import Enrolment
from tests.kit.marking import answer_query, mark_students
from tests.kit.world import NINE, World, cancel_class

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLOSED = NINE + 2 * HOUR
pytestmark = pytest.mark.django_db


class Taught:
    """One class of two students, one of whom came; its register is closed."""

    def __init__(self, world: World) -> None:
        self.lecturer, self.team = world.lecturer(), world.person(Role.ATTENDANCE_TEAM)
        group = world.group()
        self.came, self.missed = world.student(groups=[group]), world.student(groups=[group])
        self.session = world.session(group, staff=[self.lecturer])
        mark_students(self.session, [self.came], Status.PRESENT, by=self.lecturer, at=NINE + HOUR / 4, seen_at=NINE)
        close_registers([self.session], at=CLOSED)

    def known(self, student: Person, at: datetime | None = None) -> Seen | None:
        found = observed([student.pk], since=NINE - DAY, until=NINE + DAY, known_at=at)[student.pk]
        return found[0] if found else None

    def status(self, student: Person, at: datetime | None = None) -> str:
        seen = self.known(student, at)
        return seen.counted.status if seen is not None else ""


@pytest.fixture
def taught(world: World) -> Taught:
    return Taught(world)


def test_a_class_as_it_was_closed(taught: Taught) -> None:
    seen = taught.known(taught.missed)
    assert seen is not None
    assert (seen.session, seen.starts_at, seen.on, seen.closed_at) == (taught.session.pk, NINE, NINE.date(), CLOSED)
    assert (seen.counted.status, seen.counted.minutes, seen.missed, seen.doubts) == (Status.ABSENT, 60, True, frozenset())
    assert taught.status(taught.came) == Status.PRESENT
    assert taught.status(taught.missed, CLOSED - HOUR) == ""  # nobody knew yet
    assert taught.status(taught.missed, CLOSED) == Status.ABSENT


def test_an_amendment_is_known_from_its_own_moment(taught: Taught) -> None:
    later = CLOSED + DAY
    mark_students(
        taught.session,
        [taught.missed],
        Status.PRESENT,
        by=taught.lecturer,
        at=later,
        seen_at=NINE,
        reason_code=Reason.SEEN_IN_CLASS,
    )
    assert taught.status(taught.missed, later - HOUR) == Status.ABSENT
    assert taught.status(taught.missed, later) == taught.status(taught.missed) == Status.PRESENT


def test_a_query_is_a_doubt_while_it_is_open(taught: Taught) -> None:
    query = raise_query(taught.session, taught.missed, at=CLOSED + HOUR, text="I was there")
    open_now = taught.known(taught.missed)
    answer_query(query, by=taught.lecturer, at=CLOSED + 5 * HOUR, reason="Not seen")
    assert open_now is not None
    assert open_now.doubts == {Doubt.UNDER_QUERY}
    for hours, doubts in ((0, set()), (1, {Doubt.UNDER_QUERY}), (4, {Doubt.UNDER_QUERY}), (5, set())):
        seen = taught.known(taught.missed, CLOSED + hours * HOUR)
        assert seen is not None
        assert seen.doubts == doubts


def test_an_outage_is_a_doubt_from_the_moment_it_is_declared(taught: Taught) -> None:
    mark_students(
        taught.session, [taught.missed], Status.ABSENT, by=taught.lecturer, at=CLOSED + HOUR, reason_code=Reason.OTHER
    )
    outage = declare_outage(
        by=taught.team, at=CLOSED + 2 * HOUR, starts_at=NINE - HOUR, ends_at=NINE + HOUR, reason="No network"
    )
    declared = taught.known(taught.missed)
    assert declared is not None
    assert declared.doubts >= {Doubt.OUTAGE}
    before = taught.known(taught.missed, CLOSED + HOUR)
    assert before is not None
    assert before.missed
    withdraw_outage(outage, by=taught.team, at=CLOSED + 3 * HOUR)
    after = taught.known(taught.missed)
    assert after is not None
    assert Doubt.OUTAGE not in after.doubts


def test_a_class_cancelled_afterwards_counted_until_then(taught: Taught) -> None:
    cancel_class(taught.session, at=CLOSED + DAY, actor="system:test")
    assert taught.status(taught.missed) == ""
    assert taught.status(taught.missed, CLOSED + DAY - HOUR) == Status.ABSENT
    assert taught.status(taught.missed, CLOSED + DAY) == ""


def test_as_many_queries_for_one_student_as_for_all(world: World) -> None:
    group = world.group(students=12)
    sessions = [world.session(group, starts_at=NINE + n * DAY) for n in range(4)]
    students = [*group.places.values_list("person", flat=True)]
    mark_students(sessions[0], [Person.objects.get(pk=students[0])], Status.PRESENT, by=world.lecturer(), at=NINE)
    close_registers(sessions, at=NINE + 5 * DAY)
    assert queries_for(students[:1]) == queries_for(students) == (5, 6)


def queries_for(students: list[int]) -> tuple[int, int]:
    """How many queries are asked for these students, as they are known now and then."""
    found = []
    for known_at in (None, NINE + 6 * DAY):
        with CaptureQueriesContext(connection) as asked:
            observed(students, since=NINE - DAY, until=NINE + 9 * DAY, known_at=known_at)
        found.append(len(asked))
    return found[0], found[1]


def test_students_of_a_class_share_what_is_known_of_it(taught: Taught, world: World) -> None:
    third = world.student(groups=[taught.session.groups.get()])
    mark_students(taught.session, [third], Status.ABSENT, by=taught.lecturer, at=NINE + HOUR)
    found = Observations(since=NINE - DAY, until=NINE + DAY).of([taught.missed.pk, third.pk])
    assert found[taught.missed.pk][0] is found[third.pk][0]


def test_who_studies_what(world: World) -> None:
    parent = world.department("SCI", "Science")
    computing = world.department(parent=parent)
    enrolled, suspended, gone, unknown = (world.student() for _ in range(4))
    for one in (enrolled, suspended, gone):
        world.enrol(one, computing)
    course = Enrolment.objects.get(person=suspended).course
    Enrolment.objects.create(
        person=suspended, course=course, status=Enrolment.Status.SUSPENDED, starts_on=NINE.date(), ends_on=NINE.date()
    )
    Enrolment.objects.filter(person=gone).update(ends_on=NINE.date() - DAY)
    everyone = [enrolled.pk, suspended.pk, gone.pk, unknown.pk]
    own = (Studies(frozenset({parent.pk, computing.pk}), "", "full_time"),)
    assert studies_of(everyone, NINE.date()) == {enrolled.pk: own, unknown.pk: ()}
    assert suspended.pk in studies_of(everyone, NINE.date() + DAY)
