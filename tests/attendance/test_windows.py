"""When check-in of a class is open, how late a scan is, and which classes an outage touches. No database."""

from datetime import datetime, timedelta

import pytest

from adsum.attendance.rules import Moment, OpenFor, Reach, Windows, minutes_late
from tests.kit.world import LONDON, NINE

HOUR = timedelta(hours=1)


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


# Outages

WINDOW = OpenFor.of(Windows(), starts_at=NINE, ends_at=NINE + HOUR)
"""Check-in from 8:50 until 9:30."""
ROOMS = [(1, 10), (2, 20)]
"""Rooms 1 and 2, on the sites 10 and 20."""


def at(text: str) -> datetime:
    hour, minute = text.split(":")
    return NINE.replace(hour=int(hour), minute=int(minute))


@pytest.mark.parametrize(
    ("start", "end", "site", "room", "covers"),
    [
        ("8:00", "8:50", None, None, False),  # ended as check-in opened
        ("8:00", "8:51", None, None, True),
        ("9:29", "9:40", None, None, True),
        ("9:30", "9:40", None, None, False),  # began when check-in had closed
        ("8:00", None, None, None, True),
        ("9:30", None, None, None, False),
        ("9:00", "9:10", 10, None, True),
        ("9:00", "9:10", 30, None, False),
        ("9:00", "9:10", None, 2, True),
        ("9:00", "9:10", None, 3, False),
    ],
)
def test_what_an_outage_touches(start: str, end: str | None, site: int | None, room: int | None, covers: bool):
    assert Reach(at(start), at(end) if end else None, site, room).covers(WINDOW, ROOMS) == covers


def test_a_class_in_no_room_is_touched_by_the_whole_university_alone():
    assert Reach(NINE, None).covers(WINDOW, [])
    assert not Reach(NINE, None, site=10).covers(WINDOW, [])
    assert not Reach(NINE, None, room=1).covers(WINDOW, [])
