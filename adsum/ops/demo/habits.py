"""How students behave: most come, some fade, a few vanish. Pure, so that the patterns can be read and tested."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from adsum.timetable.rules import Kind

MONDAY = 0
EARLY_HOUR = 11


class Habit(StrEnum):
    STEADY = "steady"
    RELAXED = "relaxed"
    LATE_RISER = "late_riser"
    NOT_ON_MONDAYS = "not_on_mondays"
    FADING = "fading"
    RECOVERING = "recovering"
    PATCHY = "patchy"
    VANISHED = "vanished"


SHARES = {
    Habit.STEADY: 0.585,
    Habit.RELAXED: 0.15,
    Habit.LATE_RISER: 0.05,
    Habit.NOT_ON_MONDAYS: 0.06,
    Habit.FADING: 0.06,
    Habit.RECOVERING: 0.02,
    Habit.PATCHY: 0.05,
    Habit.VANISHED: 0.025,
}
"""How common each is."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What decides whether a student comes: how far into the history, which day and hour (civil), what kind of class."""

    week: int
    weekday: int
    hour: int
    kind: Kind
    mandatory: bool


def pick(random: Random) -> Habit:
    """One student's habit."""
    return random.choices(list(SHARES), list(SHARES.values()))[0]


def chance_to_come(habit: Habit, moment: Moment) -> float:
    """Between 0 and 1."""
    week = moment.week
    chance = {
        Habit.STEADY: 0.955,
        Habit.RELAXED: 0.85,
        Habit.LATE_RISER: 0.91,
        Habit.NOT_ON_MONDAYS: 0.22 if moment.weekday == MONDAY and moment.hour < EARLY_HOUR else 0.93,
        Habit.FADING: max(0.08, 0.97 - 0.17 * week),
        Habit.RECOVERING: 0.35 if 1 <= week <= 2 else 0.92,
        Habit.PATCHY: 0.58,
        Habit.VANISHED: 0.9 if week < 2 else 0.0,
    }[habit]
    if moment.kind == Kind.LECTURE:
        chance *= 0.96
    return chance if moment.mandatory else chance * 0.35


def chance_to_be_late(habit: Habit, moment: Moment) -> float:
    """Of those who come. Nine o'clock is hard."""
    if habit == Habit.LATE_RISER:
        return 0.55 if moment.hour < EARLY_HOUR else 0.15
    return 0.07 if moment.hour < EARLY_HOUR else 0.025
