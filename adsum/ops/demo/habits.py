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
    Habit.STEADY: 0.785,
    Habit.RELAXED: 0.105,
    Habit.LATE_RISER: 0.05,
    Habit.NOT_ON_MONDAYS: 0.02,
    Habit.FADING: 0.009,
    Habit.RECOVERING: 0.014,
    Habit.PATCHY: 0.009,
    Habit.VANISHED: 0.008,
}
"""How common each is. One student in twenty-five or so is to be found by the rules: as many as staff can believe, and see."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What decides whether a student comes: how far into the history, which day and hour (civil), what kind of class."""

    week: int
    weekday: int
    hour: int
    kind: Kind
    mandatory: bool


def share_out(number: int, random: Random) -> list[Habit]:
    """The habits of so many students: each at least once, as far as there are students."""
    some = [habit for habit, share in SHARES.items() if habit != Habit.STEADY for _ in range(max(1, round(share * number)))]
    habits = [*some, *[Habit.STEADY] * (number - len(some))][:number]
    random.shuffle(habits)
    return habits


def chance_to_come(habit: Habit, moment: Moment) -> float:
    """Between 0 and 1."""
    week = moment.week
    chance = {
        Habit.STEADY: 0.945,
        Habit.RELAXED: 0.925,
        Habit.LATE_RISER: 0.93,
        Habit.NOT_ON_MONDAYS: 0.28 if moment.weekday == MONDAY and moment.hour < EARLY_HOUR else 0.94,
        Habit.FADING: max(0.08, 0.97 - 0.17 * week),
        Habit.RECOVERING: 0.35 if 1 <= week <= 2 else 0.92,
        Habit.PATCHY: 0.58,
        Habit.VANISHED: 0.9 if week < 2 else 0.0,
    }[habit]
    if moment.kind == Kind.LECTURE:
        chance *= 0.97
    return chance if moment.mandatory else chance * 0.35


def chance_to_be_late(habit: Habit, moment: Moment) -> float:
    """Of those who come. Nine o'clock is hard."""
    if habit == Habit.LATE_RISER:
        return 0.55 if moment.hour < EARLY_HOUR else 0.15
    return 0.07 if moment.hour < EARLY_HOUR else 0.025
