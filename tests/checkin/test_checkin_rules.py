"""What becomes of an attempt: the rules as tables."""

from datetime import datetime, timedelta

import pytest

from adsum.attendance.rules import Moment, OpenFor, Source, Windows, may_replace, minutes_late
from adsum.checkin.rules import OpeningFacts, Refusal, Ticket, judge
from tests.kit.world import LONDON, NINE

MINUTE = 60_000
STARTS = int(NINE.timestamp() * 1000)
FACTS = OpeningFacts(
    opens_ms=STARTS - 10 * MINUTE,
    late_until_ms=STARTS + 30 * MINUTE,
    stopped_ms=None,
    cancelled=False,
    frozen=False,
    expected=True,
)


def ticket(minute: float = 2, *, person: int = 0, refusal: Refusal | None = None, minutes: int = 10) -> Ticket:
    seen = STARTS + int(minute * MINUTE)
    return Ticket(
        id=bytes(16),
        opening=1,
        epoch=1,
        slot=0,
        counter=0,
        first_seen_ms=seen,
        age_ms=0,
        network=0,
        typed=False,
        new_device=False,
        device=bytes(16),
        person=person,
        expires_ms=seen + minutes * MINUTE,
        refusal=refusal,
    )


def facts(**changed: object) -> OpeningFacts:
    from dataclasses import replace

    return replace(FACTS, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scanned", "confirmed", "given", "verdict"),
    [
        pytest.param(ticket(2), 3, FACTS, None, id="in time"),
        pytest.param(ticket(-10), -9, FACTS, None, id="the moment it opens"),
        pytest.param(ticket(-11), -9, FACTS, Refusal.TOO_EARLY, id="a minute too early"),
        pytest.param(ticket(29), 38, FACTS, None, id="scanned in time, signed in after the end: counts"),
        pytest.param(ticket(30), 31, FACTS, Refusal.CLOSED, id="scanned at the end"),
        pytest.param(ticket(2), 13, FACTS, Refusal.TICKET_EXPIRED, id="sign-in outlasted the ticket, still open"),
        pytest.param(ticket(25), 36, FACTS, Refusal.CLOSED, id="sign-in outlasted the ticket and the class"),
        pytest.param(ticket(2), 3, facts(cancelled=True), Refusal.CANCELLED, id="cancelled"),
        pytest.param(ticket(2), 3, facts(frozen=True), Refusal.PAUSED, id="frozen"),
        pytest.param(ticket(2), 3, facts(expected=False), Refusal.NOT_EXPECTED, id="another group"),
        pytest.param(ticket(2, person=5), 3, FACTS, None, id="scanned while signed in"),
        pytest.param(ticket(2, person=6), 3, FACTS, Refusal.TICKET_USED, id="scanned by someone else, signed in"),
        pytest.param(ticket(2, refusal=Refusal.STALE_CODE), 3, FACTS, Refusal.STALE_CODE, id="a refused scan stays refused"),
        pytest.param(ticket(2), 9, facts(stopped_ms=STARTS + 5 * MINUTE), None, id="scanned before it was stopped"),
        pytest.param(ticket(6), 9, facts(stopped_ms=STARTS + 5 * MINUTE), Refusal.CLOSED, id="scanned after it was stopped"),
    ],
)
def test_whether_a_scan_counts(scanned: Ticket, confirmed: float, given: OpeningFacts, verdict: Refusal | None) -> None:
    assert judge(scanned, person=5, facts=given, now_ms=STARTS + int(confirmed * MINUTE)) == verdict


@pytest.mark.parametrize(
    ("minute", "moment"),
    [
        (-10.001, Moment.TOO_EARLY),
        (-10, Moment.PRESENT),
        (0, Moment.PRESENT),
        (14.999, Moment.PRESENT),
        (15, Moment.LATE),
        (29.999, Moment.LATE),
        (30, Moment.CLOSED),
        (90, Moment.CLOSED),
    ],
)
def test_present_late_closed(minute: float, moment: Moment) -> None:
    window = OpenFor.of(Windows(), starts_at=NINE, ends_at=NINE + timedelta(hours=2))
    assert window.moment(NINE + timedelta(minutes=minute)) == moment


def test_check_in_never_outlasts_the_class() -> None:
    window = OpenFor.of(Windows(), starts_at=NINE, ends_at=NINE + timedelta(minutes=20))
    assert window.moment(NINE + timedelta(minutes=20)) == Moment.CLOSED


@pytest.mark.parametrize(
    "starts", [datetime(2026, 3, 29, 1, 0, tzinfo=LONDON), datetime(2026, 10, 25, 1, 0, tzinfo=LONDON)], ids=["forward", "back"]
)
def test_windows_are_minutes_of_real_time_on_both_clock_changes(starts: datetime) -> None:
    """Pitfall 22: a window on the night the clocks change."""
    window = OpenFor.of(Windows(), starts_at=starts, ends_at=starts + timedelta(hours=3))
    assert (window.late_until.timestamp() - starts.timestamp()) == 30 * 60
    assert window.moment(datetime.fromtimestamp(starts.timestamp() + 14 * 60, LONDON)) == Moment.PRESENT


@pytest.mark.parametrize(("minute", "late"), [(-5, 0), (0, 0), (0.9, 0), (16, 16), (29.9, 29)])
def test_minutes_late_are_whole_and_never_negative(minute: float, late: int) -> None:
    assert minutes_late(starts_at=NINE, at=NINE + timedelta(minutes=minute)) == late


def test_a_person_outranks_an_absence_outranks_a_scan_outranks_an_import_outranks_the_system() -> None:
    order = [Source.SYSTEM, Source.IMPORT, Source.SCAN, Source.ABSENCE, Source.STAFF]
    for low, current in enumerate(order):
        for high, new in enumerate(order):
            assert may_replace(current=current, new=new) == (high >= low)
