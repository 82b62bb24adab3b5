"""The worklist of queries, and what a student reads of the days."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Department, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Query
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Status
from adsum.checkin.rules import Refusal
from adsum.timetable.models import ClassSession
from tests.kit.marking import mark_students
from tests.kit.room import Room, notices
from tests.kit.world import NINE

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PAGE, TOGETHER = "/office/queries/", "/office/queries/together/"


def words(answer: Any) -> str:
    """The page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def asked(room: Room) -> Room:
    """Three students whose scans came after check-in had closed, all absent, have asked on the Monday; the team looks."""
    mark_students(room.session, [room.world.student(groups=[room.group])], Status.PRESENT, by=room.lecturer, at=NINE)
    for student in (room.alice, room.bob, room.cara):
        room.scan(student, Refusal.CLOSED)
    close_registers([room.session], at=NINE + 2 * HOUR)
    for student in (room.alice, room.bob, room.cara):
        room.sign_in(student, at=NINE + 3 * HOUR)
        room.client.post(f"/record/classes/{room.session.ref}/query/", {"text": "I was there"})
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM), at=NINE + 4 * HOUR)
    return room


def test_what_failed_is_attached_by_itself(asked: Room):
    assert {query.evidence["refusal"] for query in Query.objects.all()} == {"closed"}


def test_the_student_reads_both_days(asked: Room):
    asked.sign_in(asked.alice, at=NINE + 4 * HOUR)
    page = words(asked.client.get(f"/record/classes/{asked.session.ref}/"))
    assert "from Thursday 26 November the attendance team too. You have an answer by Monday 30 November." in page


@pytest.mark.parametrize(
    ("days", "who", "shown"),
    [
        (0, "", True),
        (0, "lecturer", True),
        (0, "team", False),
        (3, "team", True),
        (3, "lecturer", False),
        (7, "late", False),
        (8, "late", True),
    ],
)
def test_whose_it_is(asked: Room, days: int, who: str, shown: bool):
    asked.sign_in(asked.world.person(Role.ATTENDANCE_TEAM), at=NINE + 4 * HOUR + days * DAY)
    page = words(asked.client.get(f"{PAGE}?who={who}"))
    assert ("Alice Abel" in page) == shown
    assert ("late" in page.partition("Answer by")[2].partition("What they tried")[2]) == (shown and days == 8)


def test_by_cause_and_department(asked: Room):
    assert "Alice Abel" in words(asked.client.get(f"{PAGE}?cause=closed"))
    assert "Alice Abel" not in words(asked.client.get(f"{PAGE}?cause=stale_code"))
    elsewhere = Department.objects.create(code="HI", name="History")
    assert "Alice Abel" not in words(asked.client.get(f"{PAGE}?department={elsewhere.pk}"))


def test_another_department_sees_and_answers_none(asked: Room):
    staff = asked.world.person()
    RoleGrant.objects.create(
        person=staff, role=Role.DEPARTMENT, department=Department.objects.create(code="HI", name="History")
    )
    asked.sign_in(staff, at=NINE + 4 * HOUR)
    page = words(asked.client.get(PAGE))
    assert "0 open" in page
    assert "look alike" not in page
    refs = [str(ref) for ref in Query.objects.values_list("ref", flat=True)]
    answer = asked.client.post(TOGETHER, {"query": refs, "status": "present", "reason": "x"}, follow=True)
    assert "still open" in notices(answer)
    assert set(Query.objects.values_list("state", flat=True)) == {"open"}


def test_a_cancelled_class_leaves_nothing_to_answer(asked: Room):
    ClassSession.objects.update(status="cancelled")
    assert "0 open" in words(asked.client.get(PAGE))
    about = words(asked.client.get(f"/classes/{asked.session.ref}/students/{asked.alice.ref}/"))
    assert "I was there" in about
    assert "counts for nobody, so there is nothing to answer" in about
    assert "Send the answer" not in about
    asked.sign_in(asked.alice, at=NINE + 4 * HOUR)
    page = words(asked.client.get(f"/record/classes/{asked.session.ref}/"))
    assert "This class was cancelled, so it counts for nobody." in page
    assert "The class has been cancelled since, so it counts for nobody and there is nothing to answer." in page
    assert "You have an answer by" not in page
    assert "Under query" not in page
    assert "declined" not in page


def test_those_that_look_alike_are_upheld_together(asked: Room):
    page = words(asked.client.get(PAGE))
    assert "3 students · After check-in had closed" in page
    refs = [str(ref) for ref in Query.objects.values_list("ref", flat=True)]
    preview = asked.client.post(TOGETHER, {"query": refs})
    assert preview.status_code == 200
    assert "Uphold all 3" in words(preview)
    assert asked.client.post(TOGETHER, {"query": refs, "status": "present", "reason": ""}).status_code == 422
    told = notices(asked.client.post(TOGETHER, {"query": refs, "status": "late", "reason": "Clock of the room"}, follow=True))
    assert "3 queries upheld: Late." in told
    assert set(asked.marks().values()) == {Status.LATE, Status.PRESENT}
    assert "No query waits" in words(asked.client.get(PAGE))


@pytest.mark.parametrize("rows", [3, 6])
def test_the_list_costs_the_same_for_three_queries_and_six(room: Room, rows: int):
    for _ in range(rows):
        raise_query(room.session, room.world.student(groups=[room.group]), at=NINE)
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM))
    room.client.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        page = room.client.get(PAGE).content.decode()
    assert page.count('type="checkbox" name="query"') == rows
    assert len(queries) == 14
