"""Periods reported outside, as the officers who report enter them."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Correction, MarkChange, ReportedPeriod
from adsum.attendance.queries import raise_query
from adsum.attendance.reported import report_period
from adsum.attendance.rules import Source, Status
from adsum.audit.models import AccessLog
from tests.kit.marking import mark_students
from tests.kit.reading import text_of
from tests.kit.room import Room, notices
from tests.kit.world import NINE

PAGE = "/office/amendments/periods/"
AFTER = NINE + timedelta(days=1)
DAY = {"starts_on": "2026-11-23", "ends_on": "2026-11-23"}


@pytest.fixture
def slc(room: Room) -> Person:
    return room.world.person(Role.COMPLIANCE_SLC, name="Owain Hartley")


@pytest.fixture
def ukvi(room: Room) -> Person:
    return room.world.person(Role.COMPLIANCE_UKVI, name="Mei Castellan")


def send(room: Room, who: Person, step: str = "report", **data: str) -> Any:
    room.sign_in(who, AFTER)
    return room.client.post(PAGE, {"body": "slc", "step": step, **DAY, **data}, follow=True)


def test_an_officer_sees_what_a_report_locks_and_locks_it(room: Room, slc: Person) -> None:
    mark_students(room.session, [room.alice, room.bob], Status.ABSENT, by=room.lecturer, at=NINE)
    raise_query(room.session, room.alice, at=NINE + timedelta(minutes=5))
    shown = send(room, slc, "preview", student=f" {room.alice.number} ")
    assert "This is what it locks Classes 1 Of these not observed 0 Open queries 1" in text_of(shown)
    assert not ReportedPeriod.objects.exists()
    assert AccessLog.objects.get().subject == room.alice.actor, "counted is looked at"
    told = send(room, slc, student=room.alice.username.upper(), reference="CoC 17")
    assert "Only the attendance team changes these marks now" in notices(told)
    period = ReportedPeriod.objects.get()
    assert (period.body, period.student, period.reference, period.reported_by) == ("slc", room.alice, "CoC 17", slc)
    assert f"Student Loans Company · {room.alice.number} · CoC 17" in text_of(room.client.get(PAGE))
    room.sign_in(room.lecturer, AFTER)
    amend = {"status": "present", "reason_code": "seen_in_class", "reason": "On the paper list"}
    assert "has been reported to another authority" in notices(room.post("amend_marks", student=room.alice.ref, **amend))
    assert notices(room.post("amend_marks", student=room.bob.ref, **amend)) != ""
    assert room.marks() == {"Alice": "absent_unauthorised", "Bob": "present"}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"student": "b9999999"}, "No single student has exactly this number or e-mail. Check it."),
        ({"ends_on": "2026-11-22"}, "The last day comes before the first. Check the dates."),
        ({"ends_on": "2026-11-25"}, "These days are not over yet. Choose a last day that has come."),
        ({"starts_on": ""}, "Say from which day on."),
        ({"body": "ukvi"}, "Select a valid choice."),
    ],
)
@pytest.mark.parametrize("step", ["preview", "report"])
def test_what_cannot_be_reported_is_said(room: Room, slc: Person, data: dict[str, str], told: str, step: str) -> None:
    answer = send(room, slc, step, **data)
    assert (answer.status_code, told in text_of(answer)) == (422, True)
    assert not ReportedPeriod.objects.exists()


def test_each_officer_sees_their_own_authority(room: Room, slc: Person, ukvi: Person) -> None:
    """Who is sponsored is not for whoever looks after loans to know, nor the other way round."""
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE)
    day = room.session.starts_on
    period = report_period(ReportedPeriod.Body.UKVI, starts_on=day, ends_on=day, by=ukvi, at=AFTER, student=room.alice)
    change = MarkChange.objects.create(
        session=room.session, student=room.alice, after=Status.PRESENT, source=Source.STAFF, at=AFTER
    )
    correction = Correction.objects.create(change=change, period=period)
    for officer, sees in ((slc, False), (ukvi, True)):
        room.sign_in(officer, AFTER)
        assert (room.alice.number in text_of(room.client.get(PAGE))) is sees
        assert (room.alice.number in text_of(room.client.get(reverse("amendments")))) is sees
        noted = room.client.post(reverse("correction_seen", args=[correction.pk]))
        assert noted.status_code == (302 if sees else 404)
        taken_back = room.client.post(reverse("withdraw_period", args=[period.ref]))
        assert taken_back.status_code == (302 if sees else 404)
    assert "1 correction" in text_of(room.client.get(PAGE))


def test_a_period_entered_by_mistake_is_withdrawn(room: Room, slc: Person) -> None:
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE)
    send(room, slc)
    told = room.client.post(reverse("withdraw_period", args=[ReportedPeriod.objects.get().ref]), follow=True)
    assert "It locks nothing any more" in notices(told)
    assert "withdrawn by Owain Hartley, 24 Nov 2026" in text_of(room.client.get(PAGE))
    room.sign_in(room.lecturer, AFTER)
    room.post("amend_marks", student=room.alice.ref, status="present", reason_code="seen_in_class", reason="On the paper list")
    assert room.marks() == {"Alice": "present"}


@pytest.mark.parametrize("periods", [1, 3])
def test_the_list_costs_the_same_for_one_and_for_three(
    room: Room, slc: Person, periods: int, django_assert_num_queries: Any
) -> None:
    day = room.session.starts_on
    for _ in range(periods):
        report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=slc, at=AFTER, student=room.alice)
    room.sign_in(slc, AFTER)
    room.client.get(PAGE)
    with django_assert_num_queries(7):
        room.client.get(PAGE)
