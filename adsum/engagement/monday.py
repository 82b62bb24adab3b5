"""Whom a tutor looks at first this week. Pure; the page prints the same rule.

Never a score: what is formal or overdue always appears, however many there are; then, up to five in all, students with a
reminder, with misses in a row, and those whom nobody has been in contact with. Source: docs/rules.md G.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

MOST = 5
MISSES = 2
"""So many classes missed in a row are a reason."""
SILENT = timedelta(days=14)
"""So long without contact over any channel is one."""


class Reason(StrEnum):
    """Why somebody is among them, the strongest first."""

    OVERDUE = "overdue"
    """A step of their case was due before today."""
    FORMAL = "formal"
    """A formal stage is open."""
    DUE = "due"
    """A step of their case is due this week."""
    REMINDED = "reminded"
    """A reminder is open."""
    MISSES = "misses"
    SILENT = "silent"


ALWAYS = frozenset({Reason.OVERDUE, Reason.FORMAL})
"""Appear beyond five, too."""
FORMAL_FROM = 2
"""The first stage that is formal."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one student."""

    student: int
    misses: int = 0
    """Classes missed in a row, up to now."""
    last: datetime | None = None
    """When they were last in contact, over any channel."""
    stage: int | None = None
    """The highest stage that is open."""
    due_on: date | None = None
    """When the next step of their case is due."""


def reason_of(one: Known, *, today: date, at: datetime) -> Reason | None:
    """The strongest reason why a tutor should look at this student now; None where there is none."""
    if one.due_on is not None and one.due_on < today:
        return Reason.OVERDUE
    if one.stage is not None and one.stage >= FORMAL_FROM:
        return Reason.FORMAL
    if one.due_on is not None and one.due_on < today + timedelta(days=7):
        return Reason.DUE
    if one.stage is not None:
        return Reason.REMINDED
    if one.misses >= MISSES:
        return Reason.MISSES
    if one.last is not None and at - one.last >= SILENT:
        return Reason.SILENT
    return None


def first(known: Iterable[Known], *, today: date, at: datetime) -> list[tuple[Known, Reason]]:
    """Those to look at this week, in order: by reason; then the earliest due, the most misses, the longest without contact."""
    order = list(Reason)
    found = [(one, reason) for one in known if (reason := reason_of(one, today=today, at=at)) is not None]
    found.sort(
        key=lambda pair: (
            order.index(pair[1]),
            pair[0].due_on or date.max,
            -pair[0].misses,
            pair[0].last or datetime.max.replace(tzinfo=at.tzinfo),
            pair[0].student,
        )
    )
    always = sum(reason in ALWAYS for _one, reason in found)
    return found[: max(MOST, always)]
