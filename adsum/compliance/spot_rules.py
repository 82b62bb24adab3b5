"""Spot checks at a partner: how a class is drawn that the partner can neither predict nor change, nor we ourselves. Pure.

First a secret is committed to: its hash enters the event log. The log is signed a moment later, and its root could not be known
before. Secret and root together draw the class. The partner knows neither; we know the secret, but could not foresee the root,
and a second try would leave a second commitment in the log. With the finding the secret is told, so that anyone can draw again.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from adsum.compliance.drawing import drawn

SOONEST, LATEST = 0, 28
"""Within how many days a check is planned."""


def commitment(secret: str, partner: str, first: date, last: date) -> str:
    """What is told of a check before it is drawn."""
    return sha256(f"{secret}\n{partner}\n{first}\n{last}".encode()).hexdigest()


def choose(secret: str, root: str, classes: Iterable[UUID]) -> UUID | None:
    """The class that secret and root draw; None where there is none to choose from."""
    return next(iter(drawn(f"{secret}\n{root}", classes, 1)), None)


class Finding(StrEnum):
    """What a headcount says of a register."""

    AGREES = "agrees"
    MORE_MARKED = "more_marked"
    """More students are marked as there than people were counted."""
    MORE_COUNTED = "more_counted"
    """More people were counted than students are marked as there."""
    NO_REGISTER = "no_register"
    NOT_HELD = "not_held"
    """Nobody was there, and the timetable says that it takes place."""


def finding(headcount: int, marked: int, *, register: bool) -> Finding:
    """What the headcount says of the marks that there were at that moment."""
    if headcount == 0 and marked == 0:
        return Finding.NOT_HELD
    if not register:
        return Finding.NO_REGISTER
    if headcount == marked:
        return Finding.AGREES
    return Finding.MORE_MARKED if marked > headcount else Finding.MORE_COUNTED


class WhyNot(StrEnum):
    """Why a check cannot go on now."""

    NOT_SEALED = "not_sealed"
    """Its commitment is not in the signed log yet: a minute, at most."""
    NO_CLASS = "no_class"
    DRAWN = "drawn"
    NOT_DRAWN = "not_drawn"
    BEFORE = "before"
    """The class has not begun."""
    THEIRS = "theirs"
    """The person teaches that class."""
    COUNTED = "counted"
