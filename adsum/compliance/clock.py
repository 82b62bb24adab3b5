"""The no-engagement clock: calendar days since a student last engaged, by the university's policy and by the calendar alone.

The policy's clock stands still in vacations of the student's own course and level, in approved absences and suspensions. The
calendar's never does, so that no pause hides a long gap. Days are civil ones. Pure.

Sources: docs/rules.md B 2 to 4 (sixty calendar days), B rules 2 (the ladder) and 13 (both clocks).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

DAY = timedelta(days=1)
LADDER = (7, 14, 21, 42, 50, 55)
"""After how many days without engagement an officer hears of a taught student, if the university says nothing else."""
RESEARCH_LADDER = (7, 14, 28, 42, 50, 55)
CALENDAR_WARNS_BEFORE = 10
"""How many days before the ceiling the calendar's clock is an alert, too: at 50 of 60."""


class Because(StrEnum):
    """Why the policy's clock stands still."""

    VACATION = "vacation"
    ABSENCE = "absence"
    SUSPENDED = "suspended"


class Pause(NamedTuple):
    """Days on which the policy's clock stands still, both ends included."""

    first: date
    last: date
    because: Because = Because.VACATION


class Days(NamedTuple):
    """Days in a row, both ends included."""

    first: date
    last: date

    @property
    def number(self) -> int:
        return (self.last - self.first).days + 1


def merged(pauses: Iterable[Pause]) -> tuple[Days, ...]:
    """The same days, none of them twice, in order."""
    found: list[Days] = []
    for first, last, _because in sorted(pauses):
        if last < first:
            continue
        if found and first <= found[-1].last + DAY:
            found[-1] = Days(found[-1].first, max(found[-1].last, last))
        else:
            found.append(Days(first, last))
    return tuple(found)


def paused_between(since: date, on: date, pauses: Sequence[Days]) -> int:
    """How many of the days after `since`, up to and including `on`, are paused."""
    return sum(max(0, (min(on, one.last) - max(since + DAY, one.first)).days + 1) for one in pauses)


def day_of(count: int, since: date, pauses: Sequence[Days]) -> date:
    """The day on which so many days that are not paused have passed after `since`."""
    day = since + count * DAY
    for one in pauses:
        if one.last <= since:
            continue
        if one.first > day:
            break
        day += Days(max(one.first, since + DAY), one.last).number * DAY
    return day


@dataclass(frozen=True, slots=True)
class Clock:
    """How long a student has not engaged."""

    since: date
    """The day of the last engagement; where there never was one, the day before the clock began."""
    policy_days: int
    calendar_days: int
    ceiling: int
    step: int
    """The highest step of the ladder that the policy's clock has come to; the ceiling is the last. 0: none yet."""
    next_step: int | None
    """The next one; None: the ceiling is reached."""
    next_on: date | None
    """The day on which it is reached if the student does not engage before."""
    calendar_step: int
    """The same of the calendar's clock: ten days before the ceiling, the ceiling itself, or 0."""
    still: tuple[Days, ...] = ()
    """When the policy's clock stands still."""

    def day_of(self, step: int) -> date:
        """The day on which the policy's clock comes, or came, to a step."""
        return day_of(step, self.since, self.still)

    def crossed_at(self, limits: Sequence[tuple[date, int]]) -> tuple[date, int]:
        """The day on which the limit that held on that day was reached, and that limit in days. `limits`: from which day each
        holds, in order. Who is beyond a lower one when it comes reaches it on that day, and no earlier."""
        day, limit = self.day_of(self.ceiling), self.ceiling
        for nth, (first, limit) in enumerate(limits):
            day = self.day_of(limit) if nth == 0 else max(first, self.day_of(limit))
            if nth + 1 == len(limits) or day < limits[nth + 1][0]:
                break
        return day, limit

    @property
    def crossed(self) -> bool:
        """The university has to have intervened."""
        return self.policy_days >= self.ceiling

    @property
    def calendar_crossed(self) -> bool:
        """Only pauses keep it from being crossed."""
        return self.calendar_days >= self.ceiling


def steps_up_to(ceiling: int, ladder: Sequence[int]) -> tuple[int, ...]:
    """The steps of a ladder below the ceiling, and the ceiling."""
    return (*sorted({step for step in ladder if 0 < step < ceiling}), ceiling)


def calendar_steps(ceiling: int) -> tuple[int, ...]:
    """When the calendar's clock is an alert."""
    return tuple(step for step in (ceiling - CALENDAR_WARNS_BEFORE, ceiling) if step > 0)


def reached(days: int, steps: Sequence[int]) -> int:
    """The highest of these steps that so many days have come to; 0: none."""
    return max((step for step in steps if step <= days), default=0)


def no_engagement(
    contacts: Iterable[date], pauses: Iterable[Pause], ceiling: int, on: date, *, begins: date, ladder: Sequence[int] = LADDER
) -> Clock:
    """Both clocks on a day. `contacts` are the days on which the student engaged, in any order; later ones than `on` do not
    count. `begins` is the first day on which the university could have seen the student: without any engagement, that day is
    the first one counted."""
    since = max((day for day in contacts if begins <= day <= on), default=begins - DAY)
    still, steps = merged(pauses), steps_up_to(ceiling, ladder)
    calendar_days = max(0, (on - since).days)
    policy_days = calendar_days - paused_between(since, on, still)
    following = next((step for step in steps if step > policy_days), None)
    return Clock(
        since=since,
        policy_days=policy_days,
        calendar_days=calendar_days,
        ceiling=ceiling,
        step=reached(policy_days, steps),
        next_step=following,
        next_on=day_of(following, since, still) if following is not None else None,
        calendar_step=reached(calendar_days, calendar_steps(ceiling)),
        still=still,
    )


class Gap(NamedTuple):
    """A time without engagement that is over, or lasts until the day asked for."""

    since: date
    until: date
    policy_days: int
    calendar_days: int


def gaps(contacts: Iterable[date], pauses: Iterable[Pause], on: date, *, begins: date) -> list[Gap]:
    """Every time between two engagements up to a day, the last one open, in order."""
    still = merged(pauses)
    days = [begins - DAY, *sorted({day for day in contacts if begins <= day <= on})]
    found = []
    for since, until in zip(days, [*(day - DAY for day in days[1:]), on], strict=True):
        calendar_days = max(0, (until - since).days)
        found.append(Gap(since, until, calendar_days - paused_between(since, until, still), calendar_days))
    return found
