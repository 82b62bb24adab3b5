"""Silent weeks: planted students, each out of touch or not, and why."""

from datetime import timedelta

import pytest

from adsum.accounts.models import Person
from adsum.attendance.rules import Status
from adsum.attendance.weighing import Act
from adsum.engagement.case_rules import Channel, Reply, Way
from adsum.engagement.contacts import log_contact, record_contact
from adsum.engagement.silence import silent_among
from adsum.timetable.models import Enrolment
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def _away(world: World, name: str, statuses: str) -> Person:
    """Had a class on each of the last days, the latest last: P came, A did not."""
    group = world.group()
    student = world.student(name, groups=[group])
    world.enrol(student)
    lecturer = world.lecturer()
    for back, letter in enumerate(reversed(statuses), start=1):
        session = world.session(group, starts_at=NINE - back * 5 * DAY, staff=[lecturer])
        status = Status.PRESENT if letter == "P" else Status.ABSENT
        mark_students(session, [student], status, by=lecturer, at=session.starts_at)
    return student


def _silent(weeks: int = 2) -> list[str]:
    return [one.student.family_name for one in silent_among(Person.objects.all(), weeks=weeks, at=NINE)]


def test_who_came_to_no_class_and_spoke_to_nobody(world: World):
    team = world.person()
    _away(world, "Ann Came", "AAP")
    _away(world, "Ben Silent", "PAA")
    _away(world, "Cat Never", "AAA")
    met = _away(world, "Dan Called", "AAA")
    log_contact(met, Way.CALL, Reply.SPOKE, act=Act(team, NINE - 3 * DAY))
    handed_in = _away(world, "Eve Submitted", "AAA")
    record_contact(handed_in, Channel.SUBMISSION, NINE - 3 * DAY, act=Act(team, NINE))
    opened = _away(world, "Fay Browsed", "AAA")
    record_contact(opened, Channel.VLE, NINE - 3 * DAY, act=Act(team, NINE))
    world.enrol(world.student("Gus Idle"))
    assert _silent() == ["Browsed", "Never", "Silent"], "never first; opening a page is no contact; without classes, no silence"
    assert _silent(3) == ["Browsed", "Never"]


def test_on_leave_is_not_silent(world: World):
    away = _away(world, "Ann Away", "AAA")
    leave = {"status": Enrolment.Status.SUSPENDED, "starts_on": (NINE - 20 * DAY).date()}
    Enrolment.objects.create(person=away, course=Enrolment.objects.get().course, **leave)
    assert _silent() == []


def test_it_costs_the_same_for_one_and_three(world: World, django_assert_num_queries):
    for _ in range(2):
        _away(world, "Ann Away", "AAA")
        with django_assert_num_queries(10):
            _silent()
