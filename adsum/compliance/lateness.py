"""Absences that became attendance after the class: a contact only once compliance said so. Pure. Source: docs/rules.md B rule
3."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from adsum.attendance.rules import ATTENDED, Source, Status

MISSED = frozenset({Status.ABSENT, Status.PENDING, Status.AUTHORISED})
"""The register said that the student was not there."""
BY_OTHERS = frozenset({Source.STAFF, Source.IMPORT})
"""A scan is the student's own, and made in time."""


class Step(NamedTuple):
    """One step in the history of a mark."""

    pk: int
    before: str
    after: str
    source: str
    at: datetime


def late_change(steps: Iterable[Step], ends_at: datetime) -> Step | None:
    """The step by which a mark that says "attended" came to say so, if that was from an absence and after the class. Later
    steps from one kind of attendance to another do not make it any better; None: the attendance was recorded in the usual
    way."""
    entered = None
    for step in steps:
        if step.after not in ATTENDED:
            entered = None
        elif step.before not in ATTENDED:
            entered = step
    if entered is None or entered.before not in MISSED or entered.source not in BY_OTHERS:
        return None
    return entered if entered.at > ends_at else None
