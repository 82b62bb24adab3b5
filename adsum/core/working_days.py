"""Working days: Monday to Friday, without the bank holidays of the nation the university is in. Days are civil ones.

Pure: which holidays there are is read by `core.holidays`. Beyond the last of them nobody knows, and so no day is counted there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from adsum.core.errors import AdsumError

_DAY = timedelta(days=1)
BEYOND = "%(file)s knows no bank holidays after %(last)s"


class BeyondHolidays(AdsumError):
    """A day was asked about of which the file of bank holidays says nothing."""

    def __init__(self, message: str) -> None:
        super().__init__("beyond_holidays", message)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days people work, and counting in them. Whatever is asked about a weekday after `until` raises BeyondHolidays."""

    holidays: Mapping[date, str] = field(default_factory=dict)
    """By day, what the holiday is called."""
    until: date | None = None
    """The last day that the file knows of; None: there is no file, and only weekends are free."""
    file: str = ""
    beyond: object = BEYOND
    """What is said of a later day: the words, which may be translated when they are said."""

    def is_one(self, day: date) -> bool:
        if day.weekday() >= 5:
            return False
        if self.until is not None and day > self.until:
            raise BeyondHolidays(str(self.beyond) % {"file": self.file, "last": self.until.isoformat()})
        return day not in self.holidays

    def after(self, day: date, count: int) -> date:
        """The working day that is `count` working days after `day`; `day` itself never counts. `count` is at least 1."""
        while count:
            day += _DAY
            count -= self.is_one(day)
        return day

    def passed(self, since: date, day: date) -> int:
        """How many working days lie after `since`, up to and including `day`; 0 when it is not later."""
        return sum(self.is_one(since + n * _DAY) for n in range(1, (day - since).days + 1))

    def latest_with(self, count: int, day: date) -> date:
        """The latest day since which `count` working days have passed on `day`: what began then, or earlier, is due."""
        while not (self.is_one(day) and (count := count - 1) == 0):
            day -= _DAY
        return day - _DAY


def read(text: str, nation: str, *, file: str = "", beyond: object = BEYOND) -> WorkingDays:
    """The working days of one nation from the text of such a file. Raises ValueError when it is not one, or lacks it."""
    try:
        found: dict[str, Any] = json.loads(text)
        holidays = {date.fromisoformat(one["date"]): str(one["title"]) for one in found[nation]["events"]}
        return WorkingDays(holidays, max(holidays), file, beyond)
    except (KeyError, TypeError, ValueError) as failure:
        raise ValueError(f"no bank holidays of {nation} in this file: {failure!r}") from failure
