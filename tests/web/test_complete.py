"""Registers to complete: the lecturer's first page, the department's list, and saying why there is none."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, Register
from adsum.attendance.rules import Status
from tests.kit.room import Room, notices
from tests.kit.world import NINE

DAY = timedelta(days=1)
CLOSED = NINE + DAY + timedelta(hours=1)
"""Tuesday, 10:00."""


@pytest.fixture
def unobserved(room: Room) -> Room:
    close_registers([room.session], at=CLOSED)
    room.sign_in(room.lecturer, at=CLOSED)
    return room


def test_the_lecturer_is_asked_on_their_first_page(unobserved: Room):
    page = unobserved.client.get("/teaching/").content.decode()
    assert "Registers to complete" in page
    assert "On Friday 27 November it goes to your department." in page
    assert unobserved.url("class_register") in page
    unobserved.sign_in(unobserved.lecturer, at=CLOSED + 3 * DAY)
    assert "Your department has been asked too." in unobserved.client.get("/teaching/").content.decode()


def test_marking_the_rest_completes_it(unobserved: Room):
    page = unobserved.register()
    assert "Mark all 3 students without a mark absent?" in page
    unobserved.post("mark_students", student=str(unobserved.alice.ref), status="present")
    assert "Mark all 2 students without a mark absent?" in unobserved.register()
    told = notices(unobserved.post("mark_rest"))
    assert "2 students marked absent." in told
    assert unobserved.marks() == {"Alice": Status.PRESENT, "Bob": Status.ABSENT, "Cara": Status.ABSENT}
    assert "Registers to complete" not in unobserved.client.get("/teaching/").content.decode()


def test_saying_why_needs_a_choice_and_words_for_another_reason(unobserved: Room):
    assert unobserved.client.post(unobserved.url("explain_register"), {}).status_code == 422
    answer = unobserved.client.post(unobserved.url("explain_register"), {"why": "other", "note": ""})
    assert answer.status_code == 422
    assert "Say in a few words" in answer.content.decode()
    told = notices(unobserved.post("explain_register", why="not_held", note="Snow"))
    assert "Nobody is asked for this register any more" in told
    page = unobserved.register()
    assert "Ada Lecturer said why on 24 November: The class did not take place: Snow." in page
    assert set(Mark.objects.values_list("status", flat=True)) == {Status.NOT_OBSERVED}
    assert "Registers to complete" not in unobserved.client.get("/teaching/").content.decode()


def test_a_register_with_marks_needs_no_explanation(room: Room):
    assert "has marks, or is still open" in notices(room.post("explain_register", why="not_held"))


def test_the_department_is_asked_after_three_working_days(unobserved: Room):
    team = unobserved.world.person(Role.ATTENDANCE_TEAM)
    for days, shown in ((2, False), (3, True)):
        unobserved.sign_in(team, at=CLOSED + days * DAY)
        assert ("Algorithms" in unobserved.client.get("/office/registers/").content.decode()) == shown
    early = "/office/registers/?who=lecturer"
    assert "Algorithms" not in unobserved.client.get(early).content.decode()
    unobserved.sign_in(team, at=CLOSED + 2 * DAY)
    page = unobserved.client.get(early).content.decode()
    assert "The lecturer, until Fri 27 Nov" in page


def test_other_departments_are_not_shown(unobserved: Room):
    """T-AZ-2: two departments, no foreign row or count."""
    from adsum.accounts.models import Department, RoleGrant

    history = Department.objects.create(code="HI", name="History")
    for department, shown in ((history, False), (unobserved.session.module.department, True)):
        staff = unobserved.world.person()
        RoleGrant.objects.create(person=staff, role=Role.DEPARTMENT, department=department)
        unobserved.sign_in(staff, at=CLOSED + 5 * DAY)
        assert ("Algorithms" in unobserved.client.get("/office/registers/").content.decode()) == shown


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_register_and_three(unobserved: Room, rows: int):
    for n in range(1, rows):
        session = unobserved.world.session(
            unobserved.group, starts_at=NINE + n * timedelta(hours=2), staff=[unobserved.lecturer]
        )
        close_registers([session], at=CLOSED)
    unobserved.sign_in(unobserved.world.person(Role.ATTENDANCE_TEAM), at=CLOSED + 5 * DAY)
    unobserved.client.get("/office/registers/")
    with CaptureQueriesContext(connection) as queries:
        page = unobserved.client.get("/office/registers/").content.decode()
    assert page.count("/explain/") == rows == Register.objects.count()
    assert len(queries) == 8
