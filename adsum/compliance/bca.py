"""The Basic Compliance Assessment: three shares, the band each lies in, the worst of them; and how many more students may leave
a course before its share falls into the next band. Pure: for a compliance officer to read.

The bands are numbers of the edition in force (docs/rules.md B 16, G 6); none is written here. Shares are compared exactly: a
share that is only rounded up to a threshold has not reached it.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from fractions import Fraction


class Metric(StrEnum):
    """What is measured."""

    REFUSALS = "refusals"
    """Visa applications refused, of those decided. Only a successful administrative review takes a refusal away."""
    ENROLMENT = "enrolment"
    """Students who enrolled, of those who had permission to come."""
    COMPLETION = "completion"
    """Students who completed, of those whose course was to end."""


class Band(StrEnum):
    """From the best to the worst."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


ORDER = tuple(Band)


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds of one metric, in per cent. Refusals: green below the first, red from the second on. The others: green
    from the first on, red below the second."""

    green: Decimal
    red: Decimal


def band(metric: Metric, part: int, whole: int, limits: Limits) -> Band | None:
    """The band of a share; None: there is nothing to take a share of."""
    if whole <= 0:
        return None
    share, green, red = Fraction(100 * part, whole), Fraction(limits.green), Fraction(limits.red)
    if metric == Metric.REFUSALS:
        return Band.GREEN if share < green else Band.RED if share >= red else Band.AMBER
    return Band.GREEN if share >= green else Band.RED if share < red else Band.AMBER


def worst(bands: list[Band | None]) -> Band | None:
    """The rating: that of the worst metric; None while nothing is measured."""
    known = [one for one in bands if one is not None]
    return max(known, key=ORDER.index) if known else None


@dataclass(frozen=True, slots=True)
class Margin:
    """How many more may leave before a share falls: None where it has fallen already."""

    to_amber: int | None
    """So many more, and it is still green."""
    to_red: int | None
    """So many more, and it is still not red."""


def completion_margin(staying: int, cohort: int, limits: Limits) -> Margin:
    """How many of the `staying` (completed, or still here and expected to) of a cohort may withdraw."""
    return Margin(_left(staying, cohort, limits.green), _left(staying, cohort, limits.red))


def _left(staying: int, cohort: int, percent: Decimal) -> int | None:
    needed = int((percent * cohort / 100).to_integral_value(rounding=ROUND_CEILING))
    return staying - needed if cohort > 0 and staying >= needed else None
