"""Classes of one student, written as a line: "P.A" is present, no class, absent."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adsum.attendance.counting import Calendar, Counted, Counting, Days, Period, TermDays
from adsum.attendance.rules import Status
from adsum.engagement.rules import Doubt, Rule, RuleSet, Seen, Trigger

LONDON = ZoneInfo("Europe/London")
TERM = TermDays(date(2026, 9, 21), date(2026, 12, 11), "2026/7")
SPRING = TermDays(date(2027, 1, 11), date(2027, 4, 30), "2026/7")
CALENDAR = Calendar(
    LONDON, (TERM, SPRING), (Days(date(2026, 12, 12), date(2027, 1, 10)), Days(date(2027, 3, 22), date(2027, 4, 9)))
)
MONDAY = date(2026, 9, 28)
"""The Monday of the second week of the autumn term."""

LETTERS = {
    "P": Status.PRESENT,
    "L": Status.LATE,
    "A": Status.ABSENT,
    "U": Status.AUTHORISED,
    "?": Status.PENDING,
    "N": Status.NOT_OBSERVED,
    "C": Status.CANCELLED,
    "R": Status.REMOTE,
    "S": Status.SWAPPED,
}


def instant(on: date, hour: int = 12) -> datetime:
    """An hour of a civil day."""
    return datetime(on.year, on.month, on.day, hour, tzinfo=LONDON)


def lesson(on: date, status: Status, *, session: int = 1, doubts: Iterable[Doubt] = (), hour: int = 10, **counted: Any) -> Seen:
    """One class, of an hour, on a day."""
    starts = instant(on, hour)
    made = Counted(status, **{"counting": Counting(), **counted})
    return Seen(session, 1, starts, starts + timedelta(hours=1), on, made, None, frozenset(doubts))


def classes(line: str, *, first: date = MONDAY, doubts: dict[int, Doubt] | None = None, **counted: Any) -> list[Seen]:
    """One class for each letter, on the days from `first` on (Monday to Friday; "." is a day without one; "|" and spaces are
    only there to read). Their ids count from 1; `doubts` are by id."""
    found, on = list[Seen](), first
    for letter in line:
        if letter in "| ":
            continue
        if letter != ".":
            pk = len(found) + 1
            found.append(
                lesson(on, LETTERS[letter], session=pk, doubts=[doubts[pk]] if doubts and pk in doubts else (), **counted)
            )
        on += timedelta(days=3 if on.weekday() == 4 else 1)
    return found


# A small set of rules

NUDGE = Rule("0a", 0, Trigger.MISSED_IN_A_ROW, 2)
SILENT = Rule("0b", 0, Trigger.NO_CHECK_IN_DAYS, 7)
BELOW = Rule("1a", 1, Trigger.PERCENT_BELOW, 80, Period.FOUR_WEEKS)
WEEKS = Rule("1b", 1, Trigger.WEEKS_WITHOUT, 2)
MEETING = Rule("2a", 2, Trigger.PERCENT_BELOW, 80, Period.FOUR_WEEKS, wait_days=14)
PANEL = Rule("3a", 3, Trigger.PERCENT_BELOW, 40, Period.FOUR_WEEKS, wait_days=14, no_reply=True)
RULES = RuleSet(1, (NUDGE, SILENT, BELOW, WEEKS, MEETING, PANEL))
