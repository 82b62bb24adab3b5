"""Supervisions: one is asked for each month, answered in one tap, chased, and never turned into a miss. Pure.

Source: docs/rules.md B rule 3; unanswered is not observed, as in A 5.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from adsum.core.working_days import WorkingDays

CHASED_AFTER = 5
"""Working days after the month in which a supervisor who has not answered is asked again."""
CLOSED_AFTER = 10
"""Working days after which an unanswered one is not observed. It can still be answered."""


class Supervised(StrEnum):
    """Whether a supervision took place."""

    WAITING = "waiting"
    MET = "met"
    NOT_MET = "not_met"
    NOT_OBSERVED = "not_observed"
    """The supervisor never said. That is no miss of the student's."""


MOVES: Mapping[Supervised, frozenset[Supervised]] = {
    Supervised.WAITING: frozenset({Supervised.MET, Supervised.NOT_MET, Supervised.NOT_OBSERVED}),
    Supervised.MET: frozenset({Supervised.NOT_MET}),
    Supervised.NOT_MET: frozenset({Supervised.MET}),
    Supervised.NOT_OBSERVED: frozenset({Supervised.MET, Supervised.NOT_MET}),
}
"""What may become what; only time makes one not observed."""


def month_end(month: date) -> date:
    """The last day of the month that begins on `month`."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def chased_on(month: date, days: WorkingDays) -> date:
    """The day on which the supervisor is asked again."""
    return days.after(month_end(month), CHASED_AFTER)


def closed_on(month: date, days: WorkingDays) -> date:
    """The day on which it becomes not observed."""
    return days.after(month_end(month), CLOSED_AFTER)
