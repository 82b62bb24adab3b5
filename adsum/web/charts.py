"""Charts as drawings of our own, each beside its table: they print, follow the theme, and need no script."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from adsum.attendance.counting import Counted, Tally, tally
from adsum.compliance.clock import Clock, Pause
from adsum.core.clock import monday_of
from adsum.engagement.rules import Seen
from adsum.web.sums import amounts

HEIGHT, STEP, BAR = 100, 24, 16
"""In units of the drawing: 100 are 100 per cent."""
LABELS = 34
"""The room beside the columns for what the lines mean."""


class WeekBar(NamedTuple):
    """One week of a chart: its Monday, and what was attended of what counted."""

    monday: date
    tally: Tally


def last_mondays(today: date, weeks: int) -> list[date]:
    """The Mondays of so many weeks up to this one, the earliest first."""
    return [monday_of(today) - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]


def weeks_of(seen: Iterable[Seen], today: date, weeks: int) -> list[WeekBar]:
    """The sums of the last weeks of one student; what is in doubt is left out."""
    of_week: dict[date, list[Counted]] = {monday: [] for monday in last_mondays(today, weeks)}
    for one in seen:
        if one.counts and (monday := monday_of(one.on)) in of_week:
            of_week[monday].append(one.counted)
    return [WeekBar(monday, tally(some)) for monday, some in of_week.items()]


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


class Pair(NamedTuple):
    """One column of two parts as it is drawn, and as its row of the table says it."""

    step: int
    counted: int
    bad: int
    x: int
    y: float
    counted_height: float
    bad_y: float
    bad_height: float


class Pairs(NamedTuple):
    """The columns of a chart of two parts, and its measures."""

    columns: list[Pair]
    width: int
    bar: int


def pairs(steps: Sequence[tuple[int, int, int]]) -> Pairs:
    """Columns of two parts, one on the other; the highest fills the drawing."""
    most = max((good + bad for _step, good, bad in steps), default=0) or 1
    drawn = []
    for n, (step, good, bad) in enumerate(steps):
        low, high = HEIGHT * good / most, HEIGHT * bad / most
        drawn.append(Pair(step, good, bad, n * STEP, HEIGHT - low, low, HEIGHT - low - high, high))
    return Pairs(drawn, len(steps) * STEP, BAR)


# The clocks of a sponsored student

WIDE = 320
"""How wide the drawings of clocks are, in units of the drawing."""


class Tick(NamedTuple):
    """A step of the ladder on the scale."""

    x: float
    days: int
    last: bool
    """It is the limit."""


class Bars(NamedTuple):
    """Both clocks as bars on one scale of days."""

    policy: float
    calendar: float
    ticks: list[Tick]
    width: int


def clock_bars(clock: Clock, steps: Sequence[int]) -> Bars:
    """Both clocks, with the steps of the ladder; whatever is longer, the limit or a clock, fills the drawing."""
    scale = WIDE / max(clock.ceiling, clock.calendar_days, 1)
    ticks = [Tick(step * scale, step, step == clock.ceiling) for step in steps]
    return Bars(clock.policy_days * scale, clock.calendar_days * scale, ticks, WIDE)


class Block(NamedTuple):
    """Days in a row on a line of days."""

    x: float
    width: float


class Line(NamedTuple):
    """A line of days: on which of them a contact counted, and on which the clock stood still."""

    contacts: list[float]
    pauses: list[Block]
    first: date
    last: date
    width: int


def gap_line(contacts: Iterable[date], pauses: Iterable[Pause], first: date, last: date) -> Line:
    """The days from one to another, as a line."""
    scale = WIDE / ((last - first).days + 1)

    def place(day: date) -> float:
        return (day - first).days * scale

    blocks = [
        Block(place(max(one.first, first)), place(min(one.last, last)) + scale - place(max(one.first, first)))
        for one in pauses
        if one.first <= last and one.last >= first
    ]
    return Line([place(day) + scale / 2 for day in contacts if first <= day <= last], blocks, first, last, WIDE)


def lengths(percents: Sequence[float | None]) -> list[float | None]:
    """How long the bar of each of these percentages is, of 100; the longest is whole. None: there is nothing to show."""
    most = max((one for one in percents if one is not None), default=0.0) or 1.0
    return [None if one is None else 100 * one / most for one in percents]
