"""Check-in is open longer for a student who has an adjustment, everywhere a scan can come in, and for no other."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.attendance.adjustments import Arrangement
from adsum.attendance.ahead_tables import Adjustment
from adsum.attendance.models import Mark
from adsum.attendance.rules import OpenFor, Windows
from adsum.checkin import adjusting, kiosks, services
from adsum.checkin.kiosks import Answer
from adsum.checkin.models import Opening, Scan
from adsum.checkin.own_windows import extra_minutes_in, shown_until
from adsum.checkin.reports import open_now_for
from adsum.checkin.rules import Refusal
from adsum.checkin.writer import record_scans
from tests.kit.marking import decide_held
from tests.kit.open_class import Room
from tests.kit.phones import Gates, refusal
from tests.kit.scans import attempt
from tests.kit.world import LONDON, NINE, in_thread

MINUTE = timedelta(minutes=1)
SPRING, AUTUMN = datetime(2026, 3, 29, 0, 50, tzinfo=UTC), datetime(2026, 10, 25, 0, 50, tzinfo=UTC)
"""Ten minutes before the clocks change in London."""
TWENTY = Arrangement(datetime(2026, 1, 1, tzinfo=UTC).date(), extra_minutes=20)


def adjust(room: Room, student: Person, what: Arrangement = TWENTY) -> Adjustment:
    return adjusting.make(student, what, by=room.lecturer, at=NINE - timedelta(days=30))


def class_at(room: Room, starts_at: datetime) -> Opening:
    session = room.world.session(room.group, starts_at=starts_at, minutes=120, staff=[room.lecturer])
    return services.open_checkin(session, by=room.lecturer, at=starts_at)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("starts_at", [NINE + timedelta(days=1), SPRING, AUTUMN], ids=["any day", "spring", "autumn"])
@pytest.mark.parametrize(
    ("minute", "with_adjustment", "without"),
    [
        (14, "present", "present"),
        (30, "present", "closed"),
        (34, "present", "closed"),
        (35, "late", "closed"),
        (49, "late", "closed"),
        (50, "closed", "closed"),
    ],
)
async def test_a_scan_counts_by_the_students_own_window(
    room: Room, gates: Gates, starts_at: datetime, minute: int, with_adjustment: str, without: str
) -> None:
    await in_thread(adjust, room, room.alice)
    opening = await in_thread(class_at, room, starts_at)
    gates.state.at = starts_at + minute * MINUTE
    await gates.tell()
    for student, expected in ((room.alice, with_adjustment), (room.bob, without)):
        phone = gates.phone(student)
        await phone.scan(opening)
        page = await phone.tap()
        if expected == "closed":
            assert refusal(page) == "closed"
            continue
        mark = await in_thread(Mark.objects.get, student=student)
        assert (mark.status, mark.minutes_late) == (expected, minute if expected == "late" else 0)


@pytest.mark.django_db(transaction=True)
async def test_no_scan_asks_the_database_for_adjustments(room: Room, gates: Gates) -> None:
    await in_thread(adjust, room, room.alice)
    await gates.tell()
    await gates.state.roster(gates.state.known.by_pk[room.opening.pk])
    asked = await gates.state.read(lambda: CaptureQueriesContext(connections["default"]).__enter__())
    for student in (room.alice, room.bob):
        phone = gates.phone(student)
        await phone.scan(room.opening)
        assert "You’re in" in (await phone.tap()).text
    assert await gates.state.read(lambda: len(asked)) == 0
    await gates.state.read(lambda: asked.__exit__(None, None, None))


@pytest.mark.django_db(transaction=True)
async def test_an_adjustment_that_is_made_or_ended_in_mid_class_is_heeded(room: Room, gates: Gates) -> None:
    gates.wait(minutes=26)
    made = await in_thread(adjust, room, room.alice)
    await gates.tell()
    assert gates.state.known.by_pk[room.opening.pk].window(room.alice.pk).late_until == NINE + 50 * MINUTE
    await in_thread(adjusting.end, made, last_day=NINE.date() - timedelta(days=1), by=room.lecturer, at=NINE)
    await gates.tell()
    entry = gates.state.known.by_pk[room.opening.pk]
    assert (entry.extra, entry.shown_until) == ({}, NINE + 30 * MINUTE)


@pytest.mark.django_db
def test_the_screen_stays_as_long_as_one_of_its_own_students_may_scan():
    room = Room()
    adjust(room, room.world.student("Carol Case"))  # of another class
    assert shown_until(room.opening) == NINE + 30 * MINUTE
    adjust(room, room.alice)
    adjust(room, room.bob, Arrangement(NINE.date(), extra_minutes=120))
    assert shown_until(room.opening) == NINE + 60 * MINUTE, "the class is over then"


@pytest.mark.django_db
def test_typed_codes_are_taken_as_long():
    room = Room()
    adjust(room, room.alice)
    for student, minute, found in [(room.alice, 49, True), (room.alice, 50, False), (room.bob, 49, False)]:
        assert bool(open_now_for(student.pk, NINE + minute * MINUTE)) is found


@pytest.mark.django_db
def test_the_kiosk_keeps_to_each_students_window():
    room = Room()
    adjust(room, room.alice)
    kiosk = kiosks.open_kiosk(room.opening, by=room.lecturer, at=NINE).kiosk
    at = NINE + 32 * MINUTE
    assert kiosks.enter(kiosk, room.bob.number, at=at).answer == Answer.CLOSED
    entered = kiosks.enter(kiosk, room.alice.number, at=at)
    assert (entered.answer, entered.status) == (Answer.IN, "present")


@pytest.mark.django_db
def test_a_held_scan_counts_by_the_students_window():
    room = Room()
    adjust(room, room.alice)
    for student in (room.alice, room.bob):
        given = attempt(room.opening, student, verdict=Refusal.OTHER_BROWSER, first_seen_at=NINE + 20 * MINUTE)
        record_scans([given])
        decide_held(Scan.objects.get(ref=given.ref), accept=True, by=room.lecturer, at=NINE + 40 * MINUTE)
    assert dict(Mark.objects.values_list("student", "status")) == {room.alice.pk: "present", room.bob.pk: "late"}


@pytest.mark.django_db
@pytest.mark.parametrize("adjusted", [False, True])
def test_reading_the_adjustments_of_many_classes_costs_two_queries_and_one_without_any(adjusted: bool):
    room = Room()
    sessions = [room.session, *(room.world.session(room.group, starts_at=NINE + n * MINUTE) for n in range(1, 4))]
    if adjusted:
        adjust(room, room.alice)
    with CaptureQueriesContext(connection) as queries:
        found = extra_minutes_in(sessions)
    assert [bool(extra) for extra in found.values()] == [adjusted] * 4
    assert len(queries) == 1 + adjusted


@pytest.mark.parametrize("starts_at", [SPRING, AUTUMN])
def test_minutes_are_real_ones_on_both_clock_changes(starts_at: datetime):
    civil = starts_at.astimezone(LONDON)
    ends_at = starts_at + 40 * MINUTE
    window = OpenFor.of(Windows(), starts_at=civil, ends_at=ends_at).longer(20, ends_at=ends_at)
    assert window.present_until == starts_at + 35 * MINUTE
    assert window.late_until == ends_at, "never past the end of the class"
    assert (
        OpenFor.of(Windows(), starts_at=civil, ends_at=ends_at).longer(0, ends_at=ends_at).late_until == starts_at + 30 * MINUTE
    )
