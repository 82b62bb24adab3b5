"""Charts as drawings of our own, each beside its table: they print, follow the theme, and need no script."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from adsum.attendance.counting import Tally
from adsum.web.sums import amounts

HEIGHT, STEP, BAR = 100, 24, 16
"""In units of the drawing: 100 are 100 per cent."""


class WeekBar(NamedTuple):
    """One week of a chart: its Monday, and what was attended of what counted."""

    monday: date
    tally: Tally


class Column(NamedTuple):
    """One column as it is drawn, and as its row of the table says it."""

    monday: date
    x: int
    y: float
    height: float
    percent: float | None
    attended: str
    counted: str


def columns(weeks: Sequence[WeekBar]) -> Iterator[Column]:
    """Where each week stands in the drawing. A week in which nothing counted has no column, which is not one of height 0."""
    for n, week in enumerate(weeks):
        percent = week.tally.percent
        height = 0.0 if percent is None else max(percent, 1.5)
        sums = amounts(week.tally)
        yield Column(
            week.monday, n * STEP + (STEP - BAR) // 2, HEIGHT - height, height, percent, sums["attended"], sums["counted"]
        )
