"""Adjustments and contradictions as the attendance team works with them."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adsum.accounts.rules import Role
from adsum.attendance.adjustments import Arrangement, adjust
from adsum.attendance.ahead import Contrary
from adsum.attendance.ahead_tables import Adjustment, Contradiction
from adsum.checkin.models import GateState
from tests.kit.reading import words
from tests.kit.room import Room, notices
from tests.kit.world import NINE

PAGE = "/office/adjustments/"
TODAY = NINE.date()


@pytest.fixture
def team(room: Room) -> Room:
    """The team of Computing, in whose courses alice is; bob is in another department's."""
    room.world.enrol(room.alice, room.world.department("CS"))
    room.world.enrol(room.bob, room.world.department("HI", "History"))
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM, name="Tom Team", department=room.world.department("CS")))
    return room


def make(room: Room, **given: Any) -> Any:
    plain = {"number": room.alice.number, "starts_on": str(TODAY), "extra_minutes": "20"}
    return room.client.post(PAGE, plain | given, follow=True)


def test_made_seen_and_ended(team: Room):
    make(team)
    before = GateState.objects.get().rosters_version
    Adjustment.objects.all().delete()
    answer = make(team, ends_on=str(TODAY + timedelta(days=10)), exempt_from="lab", instruction="Seat near the door")
    assert "It applies from now on." in notices(answer)
    page = words(answer.content.decode())
    assert "Not expected in: Lab · 20 more minutes to check in · Seat near the door" in page
    assert "1 ends soon, or is to be looked at again" in page
    made = Adjustment.objects.get()
    assert (made.student, str(made.made_by)) == (team.alice, "Tom Team")
    assert "Ended." in notices(team.client.post(reverse("end_adjustment", args=[made.ref]), follow=True))
    made.refresh_from_db()
    assert not made.holds_on(TODAY)
    assert GateState.objects.get().rosters_version == before + 2, "every gate reads it anew, both times"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"number": "nobody"}, "No student of yours has this number."),
        ({"extra_minutes": ""}, "Say what the adjustment is"),
        ({"extra_minutes": "121"}, "less than or equal to 120"),
        ({"ends_on": "2026-11-01"}, "ends on or after its first day"),
        ({"review_on": "2026-11-01"}, "The review is between the first day and the last."),
        ({"starts_on": ""}, "Say from which day."),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_lost(team: Room, given: dict[str, str], said: str):
    answer = make(team, **given, instruction="Seat near the door") if given != {"extra_minutes": ""} else make(team, **given)
    assert answer.status_code == 422
    assert said in words(answer.content.decode())
    assert not Adjustment.objects.exists()


def test_students_of_other_departments_do_not_exist_here(team: Room):
    assert "No student of yours" in words(make(team, number=team.bob.number).content.decode())
    other = adjust(team.bob, Arrangement(TODAY, by_hand=True), actor="system:test", at=NINE)
    assert "Bob Baker" not in words(team.client.get(PAGE).content.decode())
    assert team.client.post(reverse("end_adjustment", args=[other.ref])).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(team: Room, count: int):
    for n in range(count):
        student = team.alice if not n else team.world.student()
        if n:
            team.world.enrol(student, team.world.department("CS"))
        adjust(student, Arrangement(date(2026, 9, 1), by_hand=True, review_on=TODAY), actor="system:test", at=NINE)
    team.client.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        page = team.client.get(PAGE).content.decode()
    assert page.count("review due</span>") == count
    assert len(queries) == 7


def test_contradictions_wait_until_somebody_has_looked(team: Room):
    other = team.world.session(team.world.group(), title="Databases")
    one = Contradiction.objects.create(
        kind=Contrary.TWO_ROOMS, student=team.alice, session=team.session, other=other, found_at=NINE
    )
    page = words(team.client.get("/office/contradictions/").content.decode())
    assert "Alice Abel" in page
    assert "Marked as there in two classes at the same time" in page
    assert "Databases" in page
    answer = team.client.post(reverse("contradiction_seen", args=[one.pk]), follow=True)
    assert "No contradictions" in words(answer.content.decode())
    assert team.client.post(reverse("contradiction_seen", args=[one.pk])).status_code == 404


def test_a_file_brings_adjustments_in(room: Room):
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM))
    rows = f"id,student,starts_on,extra_minutes\na1,{room.alice.number},{TODAY},20\na2,nobody,{TODAY},20\n"
    page = room.client.post(PAGE + "file/", {"file": SimpleUploadedFile("a.csv", rows.encode())}).content.decode()
    assert "1 adjustment read" in words(page)
    assert "1 line could not be used" in words(page)
    assert "20 more minutes to check in" in words(room.client.get(PAGE).content.decode())


def test_a_file_is_for_a_team_over_the_whole_university(team: Room):
    assert team.client.get(PAGE + "file/").status_code == 404
