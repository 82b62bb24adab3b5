"""One's own calendar, as the apps that subscribe to it read it."""

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from icalendar import Calendar

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.checkin import class_changes as changes
from adsum.integrations.files.calendars import _timezone, calendar_of
from adsum.timetable import services
from adsum.timetable.calendar_table import CalendarKey
from adsum.timetable.changes import Wanted
from adsum.timetable.models import ClassSession
from adsum.timetable.rules import ClassStatus
from adsum.web.request_log import RequestLog, WithoutSecrets
from tests.kit.world import LONDON, NINE, World

pytestmark = pytest.mark.django_db
CANCELLED = Wanted(status=ClassStatus.CANCELLED)


@pytest.fixture
def lecturer(world: World) -> Person:
    return world.lecturer("Ada Lecturer")


@pytest.fixture
def session(world: World, lecturer: Person) -> ClassSession:
    return world.session(world.group(world.module("Algorithms", code="CS201"), students=1), staff=[lecturer])


def events(person: Person, at: datetime = NINE) -> list[Any]:
    return list(Calendar.from_ical(calendar_of(person, at=at)).walk("VEVENT"))


def student_of(session: ClassSession) -> Person:
    return session.groups.get().places.get().person


def test_nothing_beyond_title_module_room_time_and_status(session: ClassSession, lecturer: Person):
    (event,) = events(student_of(session))
    assert set(event) == {"UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "LOCATION", "STATUS"}
    assert (event["SUMMARY"], event["LOCATION"], event["STATUS"]) == ("Algorithms (CS201)", "C2.01", "CONFIRMED")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (NINE, NINE + timedelta(hours=1))
    assert event["DTSTART"].params["TZID"] == "Europe/London"
    assert event["UID"].startswith(str(session.ref))
    assert [e["UID"] for e in events(lecturer)] == [event["UID"]], "whoever teaches it has it too"


def test_a_change_keeps_the_uid_and_raises_the_sequence(session: ClassSession, lecturer: Person):
    student, later = student_of(session), NINE + timedelta(hours=3)
    seen = [events(student)[0]]
    changes.change(session, Wanted(times=(later, later + timedelta(hours=1))), by=lecturer, at=NINE)
    seen += events(student)
    changes.change(session, CANCELLED, by=lecturer, at=NINE + timedelta(minutes=1))
    seen += events(student)
    assert len({event["UID"] for event in seen}) == 1
    assert [event["SEQUENCE"] for event in seen] == [0, 1, 2]
    assert seen[1]["DTSTART"].dt == later
    assert seen[1]["DTSTAMP"].dt == NINE
    assert (seen[2]["STATUS"], seen[2]["SUMMARY"]) == ("CANCELLED", "Cancelled: Algorithms (CS201)")


def test_a_class_that_is_online_is_in_no_room(session: ClassSession, lecturer: Person):
    changes.change(session, changes.ONLINE, by=lecturer, at=NINE)
    assert [event["LOCATION"] for event in events(student_of(session))] == ["Online"]


def test_only_ones_own_classes_and_only_around_now(session: ClassSession, world: World, lecturer: Person):
    world.session(world.group(students=1))
    world.session(session.groups.get(), starts_at=NINE - timedelta(days=61), staff=[lecturer])
    assert len(events(lecturer)) == 1
    assert events(world.student()) == []


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Dublin", "Asia/Kolkata", "Australia/Sydney"])
def test_the_zone_is_right_at_every_minute_around_both_changes(zone: str):
    """Pitfall 22, as an app sees it that knows no more of the zone than what the calendar tells."""
    info = ZoneInfo(zone)
    component = _timezone(info, datetime(2026, 9, 1, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC))
    own = component.to_tz(lookup_tzid=False)
    for start in (datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 10, 1, tzinfo=UTC)):
        for minute in range(0, 40 * 24 * 60, 15):
            at = start + timedelta(minutes=minute)
            civil = at.astimezone(info).replace(tzinfo=None)
            if civil.replace(tzinfo=info, fold=1).utcoffset() != civil.replace(tzinfo=info).utcoffset():
                continue  # an hour that comes twice: written as what it was first
            assert civil.replace(tzinfo=own).utcoffset() == at.astimezone(info).utcoffset(), at


@pytest.mark.parametrize("day", [datetime(2027, 3, 27, 9, tzinfo=LONDON), datetime(2026, 10, 26, 9, tzinfo=LONDON)])
def test_nine_is_nine_before_and_after_the_clocks_change(world: World, lecturer: Person, day: datetime):
    group = world.group()
    for n in range(3):
        world.session(group, starts_at=(day + timedelta(days=n)).astimezone(UTC), staff=[lecturer])
    found = events(lecturer, at=day)
    assert [event["DTSTART"].dt.hour for event in found] == [9, 9, 9]
    assert [event["DTSTART"].dt.astimezone(UTC) for event in found] == list(
        ClassSession.objects.order_by("starts_at").values_list("starts_at", flat=True)
    )


# Its address


def address(client: Client, person: Person) -> str:
    client.force_login(person)
    page = client.post("/calendar/", {"action": "renew"}, follow=True)
    return str(urlsplit(page.context["address"]).path)


def told(answer: Any) -> list[str]:
    """The words of a page, without its address."""
    return [word for word in re.sub(r"<[^>]*>", " ", answer.content.decode()).split() if "/calendar/" not in word]


def test_an_address_works_without_a_sign_in_until_it_is_renewed_or_removed(client: Client, session: ClassSession):
    app, first = Client(), address(client, student_of(session))
    with time_machine.travel(NINE, tick=False):
        answer = app.get(first)
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
        assert answer["Cache-Control"] == "private, max-age=900"
        assert not answer.cookies
        assert b"Algorithms" in answer.content
        assert app.get(first, headers={"If-None-Match": answer["ETag"]}).status_code == 304
        second = address(client, student_of(session))
        assert [app.get(one).status_code for one in (first, second)] == [404, 200]
        client.post("/calendar/", {"action": "remove"})
        gone, wrong = app.get(second), app.get("/calendar/nothing.ics")
    assert (gone.status_code, wrong.status_code) == (404, 404)
    assert told(gone) == told(wrong), "told apart by nothing"


def test_a_change_changes_the_etag(client: Client, session: ClassSession, lecturer: Person):
    path = address(client, lecturer)
    with time_machine.travel(NINE, tick=False):
        before = client.get(path)["ETag"]
        changes.change(session, CANCELLED, by=lecturer, at=NINE)
        assert client.get(path, headers={"If-None-Match": before}).status_code == 200


def test_the_address_can_be_read_again_and_the_table_does_not_tell_it(client: Client, lecturer: Person, settings):
    path = address(client, lecturer)
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    assert len(secret) == 32, "192 random bits"
    assert secret in client.get("/calendar/").content.decode()
    key = CalendarKey.objects.get()
    assert secret not in f"{key.fingerprint} {key.sealed}"
    settings.SECRET_KEY = "another" * 8
    assert client.get(path).status_code == 200, "and works although it cannot be shown any more"


def test_whoever_has_left_has_no_calendar(client: Client, lecturer: Person):
    path = address(client, lecturer)
    Person.objects.filter(pk=lecturer.pk).update(is_active=False)
    assert client.get(path).status_code == 404


def test_too_many_readings_are_refused_for_a_while(client: Client, world: World, monkeypatch: pytest.MonkeyPatch):
    from adsum.web import calendars

    monkeypatch.setattr(calendars, "MOST_READS", 3)
    path, other = address(client, world.student()), address(client, world.person(Role.LECTURER))
    assert [client.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert client.get(path)["Retry-After"] == "3600"
    assert client.get(other).status_code == 200


def test_the_log_does_not_tell_the_address(rf, settings):
    assert RequestLog.format_request(rf.get("/calendar/secret.ics")) == "GET /calendar/….ics"
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", ("Not Found", "/calendar/secret.ics"), None)
    assert WithoutSecrets().filter(record)
    assert record.getMessage() == "Not Found: /calendar/….ics"
    assert "adsum.web.request_log.WithoutSecrets" in str(settings.LOGGING)


@pytest.mark.parametrize("rows", [1, 3])
def test_it_costs_the_same_for_one_class_as_for_three(world: World, lecturer: Person, rows: int, django_assert_num_queries):
    for n in range(rows):
        world.session(starts_at=NINE + timedelta(days=n), staff=[lecturer])
    with django_assert_num_queries(2):
        calendar_of(lecturer, at=NINE)


def test_removing_what_is_not_there_does_nothing(lecturer: Person):
    services.remove_calendar(lecturer, at=NINE)
