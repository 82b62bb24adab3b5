"""How much is taught remotely, and how much in a classroom in daytime. Pure. Sources: docs/rules.md B 12 and 13, B rules 8 and
9."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from adsum.core.clock import monday_of
from adsum.timetable.rules import Delivery

DAYTIME = time(8), time(18)
AMBER_FROM = Decimal("0.9")
"""Of what is allowed: 18 of 20 per cent."""


class Light(StrEnum):
    """How near a share is to what is allowed."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Share(NamedTuple):
    """Minutes taught, and how many of them remotely. What a student may choose to join remotely counts as remote."""

    taught: int = 0
    remote: int = 0

    @property
    def percent(self) -> float | None:
        """None while nothing was taught."""
        return round(100 * self.remote / self.taught, 1) if self.taught else None

    def light(self, allowed: Decimal) -> Light:
        """Red beyond what is allowed, exactly and not as it is rounded; amber from nine tenths of it on."""
        if self.remote * 100 > allowed * self.taught:
            return Light.RED
        return Light.AMBER if self.taught and self.remote * 100 >= AMBER_FROM * allowed * self.taught else Light.GREEN

    def plus(self, other: "Share") -> "Share":
        return Share(self.taught + other.taught, self.remote + other.remote)


def share_of(classes: Iterable[tuple[int, str]]) -> Share:
    """Of classes with their minutes and how they are taught."""
    found = Share()
    for minutes, delivery in classes:
        found = found.plus(Share(minutes, 0 if delivery == Delivery.IN_PERSON else minutes))
    return found


def daytime_minutes(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> int:
    """Minutes of a class between 08:00 and 18:00 from Monday to Friday, by the clock on the wall."""
    first, last = starts_at.astimezone(zone), ends_at.astimezone(zone)
    if first.weekday() > 4 or first.date() != last.date():
        return 0
    begin = max(first, datetime.combine(first.date(), DAYTIME[0], tzinfo=zone))
    end = min(last, datetime.combine(first.date(), DAYTIME[1], tzinfo=zone))
    return max(0, int((end - begin).total_seconds() // 60))


class Lesson(NamedTuple):
    """A class that is held in a classroom."""

    pk: int
    on: date
    minutes: int
    """In daytime."""


def weeks_below(lessons: Iterable[Lesson], weeks: Iterable[date], hours: Decimal) -> list[tuple[date, int]]:
    """The weeks, by their Mondays, with fewer minutes in a classroom in daytime than guidance asks for, and how many."""
    minutes = dict.fromkeys(weeks, 0)
    for _pk, on, length in set(lessons):
        monday = monday_of(on)
        if monday in minutes:
            minutes[monday] += length
    return [(monday, found) for monday, found in sorted(minutes.items()) if found < hours * 60]


def weeks_between(first: date, last: date) -> list[date]:
    """The Mondays of the weeks from one day to another."""
    monday = monday_of(first)
    return [monday + timedelta(weeks=n) for n in range((monday_of(last) - monday).days // 7 + 1)]
