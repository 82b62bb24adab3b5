"""What is known of a student before a class: what is foreseen, and the adjustments that hold for them. Pure.

Sources: docs/rules.md A (absence requests, standing adjustments)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from adsum.attendance.rules import Status


class Word(StrEnum):
    """What teachers and tutors are told of it, and no more: never a reason, never that a student is suspended."""

    TOLD = "told"
    UNDER_DECISION = "under_decision"
    AUTHORISED = "authorised"
    NOT_EXPECTED = "not_expected"
    ELSEWHERE = "elsewhere"


class _Meaning(NamedTuple):
    at_close: Status | None
    word: Word


class Says(StrEnum):
    """What is foreseen of a student in a class, the weakest first: of several, the last in this order applies."""

    TOLD = "told"
    UNDER_DECISION = "under_decision"
    AUTHORISED = "authorised"
    ELSEWHERE = "elsewhere"
    """In another class then, as agreed."""
    ON_PLACEMENT = "on_placement"
    SUSPENDED = "suspended"

    @property
    def priority(self) -> int:
        return list(Says).index(self)

    @property
    def at_close(self) -> Status | None:
        """What closing makes of it where nothing else is known. None: no mark, for the student is not expected."""
        return _MEANS[self].at_close

    @property
    def word(self) -> Word:
        return _MEANS[self].word


_MEANS = {
    Says.TOLD: _Meaning(Status.PENDING, Word.TOLD),
    Says.UNDER_DECISION: _Meaning(Status.PENDING, Word.UNDER_DECISION),
    Says.AUTHORISED: _Meaning(Status.AUTHORISED, Word.AUTHORISED),
    Says.ELSEWHERE: _Meaning(Status.SWAPPED, Word.ELSEWHERE),
    Says.ON_PLACEMENT: _Meaning(None, Word.NOT_EXPECTED),
    Says.SUSPENDED: _Meaning(None, Word.NOT_EXPECTED),
}


class Origin(StrEnum):
    """What foresees it."""

    ABSENCE = "absence"
    PLACEMENT = "placement"
    SUSPENSION = "suspension"
    SWAP = "swap"


class Contrary(StrEnum):
    """What cannot both be so."""

    PRESENT_ALTHOUGH_AWAY = "present_although_away"
    TWO_ROOMS = "two_rooms"
    MANY_CHANGES = "many_changes"


MOST_EXTRA = 120
"""Minutes that an adjustment may add to a window."""


class Adjusts(Protocol):
    """An adjustment, as far as classes feel it."""

    @property
    def extra_minutes(self) -> int: ...
    @property
    def by_hand(self) -> bool: ...
    @property
    def exempt_from(self) -> str: ...
    @property
    def other_contact(self) -> bool: ...
    @property
    def instruction(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the adjustments of one student come to in one class."""

    extra_minutes: int = 0
    """How much longer a scan counts as in time, and as late."""
    by_hand: bool = False
    """Staff mark this student; a scan is welcome too."""
    exempt: bool = False
    """Not expected in classes of this kind."""
    other_contact: bool = False
    instructions: tuple[str, ...] = ()
    """What teachers are asked to do besides."""


NO_ALLOWANCE = Allowance()


def allowance(adjustments: Iterable[Adjusts], kind: str) -> Allowance:
    """The sum of a student's adjustments in a class of this kind: the longest window, and everything else that any says."""
    found = list(adjustments)
    return Allowance(
        extra_minutes=max((one.extra_minutes for one in found), default=0),
        by_hand=any(one.by_hand for one in found),
        exempt=any(one.exempt_from == kind for one in found if one.exempt_from),
        other_contact=any(one.other_contact for one in found),
        instructions=tuple(one.instruction for one in found if one.instruction),
    )
