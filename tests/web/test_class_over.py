"""The pages of a class that is over: what they offer, and what asks for a fresh proof.
The rules: tests/attendance/test_class_over.py."""

from datetime import date, timedelta

import pytest

from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import ReportedPeriod
from adsum.attendance.reported import report_period
from adsum.attendance.rules import Status
from adsum.checkin import class_changes as changes
from adsum.checkin.class_changes import CANCELLED
from adsum.timetable.models import ClassReport, ClassSession
from tests.kit.marking import mark_students
from tests.kit.room import Room, notices
from tests.kit.signing_in import prove
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
MARCH = NINE + timedelta(days=110)
SOON = NINE + timedelta(hours=1, minutes=5)


def test_the_page_offers_only_what_can_be_said(room: Room):
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
    close_registers([room.session], at=SOON)
    room.sign_in(room.lecturer, MARCH)
    page = room.client.get(room.url("class_change")).content.decode()
    assert "Only the attendance or the timetabling team can say that now" in page
    assert "its time and its groups stay" in page
    assert not any(f'value="{action}"' in page for action in ("cancel", "restore", "move", "add_group", "drop_group"))
    answer = room.client.post(room.url("class_change"), {"action": "cancel"}, follow=True)
    assert "Only the attendance or the timetabling team" in notices(answer)
    assert not ClassSession.objects.get().cancelled


def test_the_team_proves_that_it_is_they(room: Room):
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
    close_registers([room.session], at=SOON)
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM), MARCH)
    said = {"action": "cancel", "reason": "Fire drill"}
    answer = room.client.post(room.url("class_change"), said)
    assert (answer.status_code, ClassSession.objects.get().cancelled) == (403, False)
    assert 'name="reason" value="Fire drill"' in answer.content.decode()
    prove(room.client)
    assert room.client.post(room.url("class_change"), said).status_code == 302
    assert ClassSession.objects.get().cancelled


@pytest.mark.parametrize(("address", "sent"), [("/imports/missing/", {"decision": "cancelled"}), ("", {"decision": "undo"})])
def test_timetabling_proves_that_it_is_they(room: Room, address: str, sent: dict[str, str]):
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
    if address:
        close_registers([room.session], at=SOON)
        ClassSession.objects.update(suspect_since=NINE)
        sent = {**sent, "session": str(room.session.ref)}
    else:
        changes.change(room.session, CANCELLED, by=room.lecturer, at=NINE)
        close_registers([ClassSession.objects.get()], at=SOON)
        address = f"/imports/reports/{ClassReport.objects.get().ref}/decide/"
    before = ClassSession.objects.get().status
    room.sign_in(room.world.person(Role.TIMETABLING), MARCH)
    assert (room.client.post(address, sent).status_code, ClassSession.objects.get().status) == (403, before)
    prove(room.client)
    assert room.client.post(address, sent).status_code == 302
    assert ClassSession.objects.get().status != before


def test_a_missing_class_of_reported_days_stays_in_the_list(room: Room):
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
    close_registers([room.session], at=SOON)
    ClassSession.objects.update(suspect_since=NINE)
    day = date(2026, 11, 23)
    report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=room.lecturer, at=MARCH)
    room.sign_in(room.world.person(Role.TIMETABLING), MARCH)
    answer = room.client.post("/imports/missing/", {"decision": "cancelled", "session": room.session.ref}, follow=True)
    assert "has been reported to another authority" in notices(answer)
    assert (ClassSession.objects.get().cancelled, ClassSession.objects.get().suspect_since) == (False, NINE)
