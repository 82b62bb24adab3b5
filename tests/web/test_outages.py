"""Outages in the pages: shown before they are declared, told to those they touch, ended by a button."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Department, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Outage
from adsum.attendance.outages import declare_outage, withdraw_outage
from adsum.attendance.rules import Status
from adsum.timetable.models import Room as Place
from adsum.timetable.models import Site
from tests.kit.marking import mark_students
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.signing_in import prove
from tests.kit.world import NINE

GIVEN = {"reason": "The network was down", "starts_at": "2026-11-23T08:55", "ends_at": ""}
PAGE = "/office/outages/"


def words(answer: Any) -> str:
    """The page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def team(room: Room) -> Room:
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM))
    prove(room.client)
    return room


def test_it_is_shown_before_it_is_declared(team: Room):
    assert f'href="{PAGE}"' in team.client.get("/office/queries/").content.decode()
    page = words(team.client.post(PAGE, {**GIVEN, "step": "preview"}))
    assert "Classes 1 Students 3 Registers closed already 0 Absences that become not observed 0" in page
    assert Outage.objects.count() == 0
    answer = team.client.post(PAGE, {**GIVEN, "step": "declare"}, follow=True)
    assert "Nobody is marked absent for it" in notices(answer)
    outage = Outage.objects.get()
    assert (outage.starts_at, outage.ends_at) == (NINE - timedelta(minutes=5), None), "London time, in winter UTC"
    assert "The whole university · 23 Nov 2026, 08:55 – not known yet" in words(answer)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reason": ""}, "Say what happened"),
        ({"starts_at": "soon"}, "Enter a valid date/time"),
        ({"ends_at": "2026-11-23T08:00"}, "ends after it begins"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_lost(team: Room, wrong: dict[str, str], says: str):
    answer = team.client.post(PAGE, {**GIVEN, **wrong, "step": "declare"})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert Outage.objects.count() == 0


def test_site_and_room_are_one_too_many(team: Room):
    where = {"site": str(Site.objects.create(name="North").pk), "room": str(Place.objects.get().pk)}
    assert "not both" in team.client.post(PAGE, {**GIVEN, **where, "step": "preview"}).content.decode()


def test_students_and_lecturers_are_told_why(team: Room):
    declare_outage(by=team.lecturer, at=FIVE_PAST, starts_at=NINE, ends_at=None, reason="Fire alarm")
    team.sign_in(team.alice)
    assert "Check-in is out of order: Fire alarm. Nothing counts against you" in words(team.client.get("/today/"))
    page = words(team.client.get(f"/record/classes/{team.session.ref}/"))
    assert "Since 23 November, 09:00: Fire alarm." in page
    team.sign_in(team.lecturer)
    register = words(team.client.get(team.url("class_register")))
    assert "Whoever has no mark when the register closes is not observed, not absent." in register


def test_it_is_ended_with_one_button(team: Room):
    outage = declare_outage(by=team.lecturer, at=FIVE_PAST, starts_at=NINE, ends_at=None, reason="Fire alarm")
    assert "It is over" in words(team.client.get(PAGE))
    assert "Ended." in notices(team.client.post(f"{PAGE}{outage.ref}/end/", follow=True))
    assert Outage.objects.get().ends_at == FIVE_PAST
    assert "It is over" not in words(team.client.get(PAGE))


def test_a_mistake_is_withdrawn_once_it_is_clear_what_comes_back(team: Room):
    mark_students(team.session, [team.alice], Status.PRESENT, by=team.lecturer, at=FIVE_PAST)
    close_registers([team.session], at=team.session.ends_at)
    outage = declare_outage(by=team.lecturer, at=FIVE_PAST, starts_at=NINE, ends_at=None, reason="Fire alarm")
    planned = declare_outage(by=team.lecturer, at=FIVE_PAST, starts_at=NINE + timedelta(days=9), ends_at=None, reason="Works")
    page = team.client.get(PAGE).content.decode()
    assert all(f"{PAGE}{one.ref}/withdraw/" in page for one in (outage, planned))
    asked = words(team.client.get(f"{PAGE}{outage.ref}/withdraw/"))
    assert "Students who are absent again 2 Registers to complete again 0" in asked
    answer = team.client.post(f"{PAGE}{outage.ref}/withdraw/", follow=True)
    assert "Withdrawn." in notices(answer)
    assert "withdrawn by" in words(answer)
    assert set(team.marks().values()) == {Status.PRESENT, Status.ABSENT}
    assert "withdrawn already" in notices(team.client.get(f"{PAGE}{outage.ref}/withdraw/", follow=True))
    team.sign_in(team.alice)
    assert "Fire alarm" not in words(team.client.get("/today/"))


def test_the_student_of_an_empty_register_reads_of_the_outage_until_it_is_withdrawn(team: Room):
    outage = declare_outage(by=team.lecturer, at=FIVE_PAST, starts_at=NINE, ends_at=None, reason="Fire alarm")
    close_registers([team.session], at=team.session.ends_at)
    team.sign_in(team.alice, team.session.ends_at)
    page = f"/record/classes/{team.session.ref}/"
    assert "Check-in was out of order (Fire alarm)" in words(team.client.get(page))
    withdraw_outage(outage, by=team.lecturer, at=team.session.ends_at)
    assert "out of order (Fire alarm)" not in (told := words(team.client.get(page)))
    assert "No register was taken in this class" in told


def test_a_team_of_one_department_cannot_declare_it_for_all(team: Room):
    person = team.world.person()
    RoleGrant.objects.create(person=person, role=Role.ATTENDANCE_TEAM, department=Department.objects.get(code="CS"))
    team.sign_in(person)
    assert f'href="{PAGE}"' not in team.client.get("/office/queries/").content.decode(), "no door that leads nowhere"
    assert team.client.get(PAGE).status_code == 404
    assert team.client.post(PAGE, {**GIVEN, "step": "declare"}).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_the_same_for_one_outage_and_three(team: Room, rows: int):
    for n in range(rows):
        for ends_at in (NINE, None):
            declare_outage(by=team.lecturer, at=FIVE_PAST, starts_at=NINE - timedelta(hours=n + 1), ends_at=ends_at, reason="X")
    team.client.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        page = team.client.get(PAGE).content.decode()
    assert page.count("declared by") == 2 * rows
    assert len(queries) == 9
