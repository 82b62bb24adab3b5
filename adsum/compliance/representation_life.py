"""When a decision about a student may be final: told with its ground, heard, and what they said was weighed. Pure.

Sources: docs/rules.md G 7 (two cases of the adjudicator).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from adsum.core.working_days import WorkingDays

ANSWER_IN = 5
"""Working days in which a student may answer, from the day on which the message had reached them and was opened."""


class Stance(StrEnum):
    """How the student answers."""

    AGREES = "agrees"
    CONTESTS = "contests"


class Settled(StrEnum):
    """How it ended."""

    FINAL = "final"
    DROPPED = "dropped"
    """The decision is not taken, or on another ground, of which the student is told anew."""


class Why(StrEnum):
    """Why a decision cannot be final yet."""

    SETTLED = "settled"
    """It is over already: final, or dropped."""
    NOT_CONSIDERED = "not_considered"
    """The student has answered, and nobody has written down what was made of it."""
    NOT_OPENED = "not_opened"
    """The student has not opened the message, so that their term has not begun."""
    TERM = "term"
    """They may still answer."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one decision that a student was told of."""

    until: date | None = None
    """The last day for an answer; None: the term has not begun."""
    deadline: date | None = None
    """The last day of a duty to an authority, which waits for no answer; None: there is none."""
    answered: bool = False
    considered: bool = False
    settled: bool = False


def why_not_final(known: Known, today: date) -> Why | None:
    """Why the decision cannot be final on that day; None: it can. On the last day of a duty to an authority an answer that has
    not come is not waited for; one that has come is always weighed first."""
    if known.settled:
        return Why.SETTLED
    if known.answered:
        return None if known.considered else Why.NOT_CONSIDERED
    if known.deadline is not None and today >= known.deadline:
        return None
    if known.until is None:
        return Why.NOT_OPENED
    return Why.TERM if today <= known.until else None


def may_answer(known: Known, today: date) -> bool:
    """Whether the student may answer: until it is over, and in any case until the end of their term."""
    if known.answered:
        return False
    return not known.settled or known.until is None or today <= known.until


def term_begins(delivered: datetime | None, opened: datetime | None) -> datetime | None:
    """The instant from which the term runs: delivered and opened. What was read here has arrived, though no server said so."""
    if opened is None:
        return None
    return max(delivered, opened) if delivered is not None else opened


def answer_until(begins: date, days: WorkingDays) -> date:
    """The last day for an answer."""
    return days.after(begins, ANSWER_IN)
