"""When data is over, and when a person must say so first. Pure: a data-protection officer can read it."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from adsum.core.declared import LIVES, After, Keep


class State(StrEnum):
    """How far a run of retention, or an erasure, has come."""

    WAITING = "waiting"
    """For a person to approve it."""
    APPROVED = "approved"
    DECLINED = "declined"
    DONE = "done"


class Asked(StrEnum):
    """Why a person must approve a run."""

    FIRST = "first"
    MORE = "more"


class Ground(StrEnum):
    """Why something of a student is kept although somebody may want it gone."""

    HOLD = "hold"
    """A legal hold."""
    SPONSOR = "sponsor"
    """Sponsor records are kept for at least a year after sponsorship ends (UKVI, Appendix D)."""
    ENROLLED = "enrolled"
    """The student is still enrolled, and the university needs it."""
    CLAIMS = "claims"
    """A case or a decision may still be complained of or reviewed (the Adjudicator: twelve months; claims: six years)."""


BY_RELATIONSHIP = tuple(keep for keep, life in LIVES.items() if life.after == After.RELATIONSHIP)
"""Classes that end with the student's time here, in the order in which they end; what says who they were comes last."""
HOLDS_THE_PERSON = (Keep.CASES, Keep.COMPLIANCE, Keep.RIGHTS)
"""While one of these holds something of a student, it stays known who they were."""
MORE_THAN_LAST = 1.2
"""A run that is about more students than the last by so much is looked at by a person first."""
FEW = 10
"""So few students more than the last time are never too many."""
SPONSOR_YEAR = timedelta(days=365)
CLAIMS_YEAR = timedelta(days=365)
"""How long the Adjudicator may be asked to look at a decision."""


class Left(NamedTuple):
    """A student whose last enrolment is over."""

    on: date
    sponsored: bool = False
    sponsored_until: date | None = None
    """The day on which sponsorship ended, where it was later."""


def over_on(keep: Keep, left: Left) -> date:
    """The first day on which this class of a student's data is over."""
    days = LIVES[keep].days_for(sponsored=left.sponsored)
    ends = left.on + timedelta(days=days + 1)
    if left.sponsored and keep in {Keep.COMPLIANCE, Keep.ATTENDANCE, Keep.MESSAGES}:
        ends = max(ends, max(left.sponsored_until or left.on, left.on) + SPONSOR_YEAR + timedelta(days=1))
    return ends


def over(left: Left, on: date, *, done: Collection[str] = (), holding: bool = False) -> list[Keep]:
    """The classes of a student that are over that day and not ended yet. `holding`: a longer class still holds something of
    them; without that, who they were is over together with their attendance."""
    ended: list[Keep] = [
        keep for keep in BY_RELATIONSHIP if keep not in done and keep != Keep.ACCOUNTS and on >= over_on(keep, left)
    ]
    if Keep.ACCOUNTS in done:
        return ended
    attendance_is_over = Keep.ATTENDANCE in done or Keep.ATTENDANCE in ended
    held = holding and not all(keep in done or keep in ended for keep in HOLDS_THE_PERSON)
    return [*ended, Keep.ACCOUNTS] if attendance_is_over and not held else ended


def must_be_asked(students: int, last: int | None) -> Asked | None:
    """Whether a person must approve a run about so many students. `last`: how many the last one was about; None: there was
    none."""
    if not students:
        return None
    if last is None:
        return Asked.FIRST
    return Asked.MORE if students > max(last * MORE_THAN_LAST, last + FEW) else None


def grounds_of(keep: Keep, *, held: bool, left: Left | None, on: date) -> Ground | None:
    """Why a class of a student's data may not be erased at their wish; None: it may."""
    if held:
        return Ground.HOLD
    if left is None:
        return Ground.ENROLLED if keep in BY_RELATIONSHIP and keep != Keep.CONTACT else None
    sponsored = keep in {Keep.ATTENDANCE, Keep.COMPLIANCE} and left.sponsored
    if sponsored and on <= max(left.sponsored_until or left.on, left.on) + SPONSOR_YEAR:
        return Ground.SPONSOR
    return Ground.CLAIMS if keep in {Keep.CASES, Keep.COMPLIANCE} and on <= left.on + CLAIMS_YEAR else None


def sums(parts: Collection[Mapping[str, int]]) -> dict[str, int]:
    """Counts of parts, added up."""
    total: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total
