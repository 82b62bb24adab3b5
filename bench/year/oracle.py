"""The rules said a second time, as plainly as possible and apart from Adsum's own: what they say of a record decides whether an
alert was right. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

ATTENDED = {"present", "late", "left_early", "attended_other_group", "attended_remote"}
MISSED = {"absent_unauthorised", "absent_pending"}
FEWEST = 4


class Mark(NamedTuple):
    """One class on a record, in order of time."""

    on: date
    status: str
    doubtful: bool = False
    """Under query, under decision, in an outage, or known more than 14 days later: not used against anybody."""

    @property
    def came(self) -> bool:
        return self.status in ATTENDED

    @property
    def missed(self) -> bool:
        return self.status in MISSED and not self.doubtful

    @property
    def counts(self) -> bool:
        return self.came or self.missed


def holds(code: str, record: Sequence[Mark], today: date, is_term: Callable[[date], bool]) -> bool:
    """Whether the rule of UK taught with this code holds of a record on that day."""
    if code == "0a":
        return len(_row(record)) >= 2
    if code == "0b":
        row = _row(record)
        last = max((one.on for one in record if one.came), default=None)
        begin = last or (row[0].on if row else today)
        days = sum(is_term(begin + timedelta(days=n)) for n in range(1, (today - begin).days + 1))
        return days >= 7 and len([one for one in row if last is None or one.on > last]) >= 2
    below = {"1a": 80, "2a": 80, "2b": 60, "3a": 40}.get(code)
    if below is not None:
        counted = [one for one in record if one.counts]
        weeks = sorted({_monday(one.on) for one in counted if is_term(_monday(one.on))})[-4:]
        lately = [one for one in counted if _monday(one.on) in weeks]
        came = sum(one.came for one in lately)
        once = below == 80 and len(lately) - came < 2
        return len(lately) >= FEWEST and not once and 100 * came < below * len(lately)
    wanted = {"1b": 2, "2c": 3, "3b": 4}[code]
    row = _row(record)
    last = max((one.on for one in record if one.came), default=date.min + timedelta(days=7))
    whole = [one for one in row if _monday(one.on) > _monday(last) and _monday(one.on) + timedelta(days=7) <= today]
    return len(whole) >= 2 and len({_monday(one.on) for one in whole}) >= wanted


def _row(record: Iterable[Mark]) -> list[Mark]:
    """The classes missed since one was attended."""
    row = list[Mark]()
    for one in record:
        if one.came:
            row = []
        elif one.missed:
            row.append(one)
    return row


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
