"""By when a request about data is answered: tables of cases from the law."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.working_days import WorkingDays
from adsum.privacy.rights_rules import (
    MOVES,
    OFFICERS,
    UNDER_WAY,
    Kind,
    Outcome,
    State,
    Step,
    Taken,
    clock_of,
    months_after,
    stopped_days,
    why_not,
)

DAYS = WorkingDays({date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "Boxing Day"})
MONDAY = date(2026, 11, 30)


def taken(*steps: tuple[Step, int]) -> list[Taken]:
    """Steps, so many days after it came."""
    return [Taken(step, MONDAY + timedelta(days=days)) for step, days in ((Step.RECEIVED, 0), *steps)]


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2026, 12, 1), 13, date(2028, 1, 1)),
    ],
)
def test_a_month_ends_on_the_same_day_or_its_last(day: date, months: int, then: date):
    assert months_after(day, months) == then


@pytest.mark.parametrize(
    ("kind", "came", "steps", "under_18", "due", "acknowledge"),
    [
        (Kind.ACCESS, MONDAY, [], False, date(2026, 12, 30), None),
        (Kind.ACCESS, MONDAY, [(Step.EXTENDED, 20)], False, date(2027, 3, 1), None),  # 28 February is a Sunday
        (Kind.ACCESS, date(2026, 11, 25), [], False, date(2026, 12, 29), None),  # Christmas and its holidays
        (Kind.COMPLAINT, MONDAY, [], False, date(2027, 3, 1), date(2026, 12, 30)),  # the 30th day after 30 November
        (Kind.COMPLAINT, MONDAY, [(Step.ACKNOWLEDGED, 2)], False, date(2027, 3, 1), None),
        (Kind.COMPLAINT, MONDAY, [], True, date(2027, 3, 1), date(2026, 12, 7)),
        (Kind.RECTIFICATION, MONDAY, [], True, date(2026, 12, 30), date(2026, 12, 7)),
    ],
)
def test_by_when(kind, came, steps, under_18, due, acknowledge):
    clock = clock_of(kind, came, taken(*steps), under_18=under_18, today=came, days=DAYS)
    assert (clock.due_on, clock.acknowledge_by, clock.stopped_days) == (due, acknowledge, 0)


@pytest.mark.parametrize(
    ("steps", "today", "stood", "still"),
    [
        ([], 9, 0, False),
        ([(Step.ASKED_IDENTITY, 2)], 9, 7, True),
        ([(Step.ASKED_IDENTITY, 2), (Step.REPLIED, 6)], 9, 4, False),
        ([(Step.ASKED_SCOPE, 2), (Step.TAKEN, 4), (Step.REPLIED, 6)], 9, 4, False),
        ([(Step.ASKED_IDENTITY, 2), (Step.REPLIED, 6), (Step.ASKED_SCOPE, 8)], 9, 5, True),
        ([(Step.REPLIED, 2)], 9, 0, False),
        ([(Step.ASKED_IDENTITY, 3), (Step.REPLIED, 3)], 9, 0, False),
    ],
)
def test_days_that_stood_still_come_on_top_and_are_derived(steps, today, stood, still):
    now = MONDAY + timedelta(days=today)
    clock = clock_of(Kind.ACCESS, MONDAY, taken(*steps), under_18=False, today=now, days=WorkingDays())
    assert (clock.stopped_days, clock.stands_still) == (stood, still)
    assert clock.before_stops == date(2026, 12, 30)
    assert clock.due_on >= clock.before_stops + timedelta(days=stood)


@given(st.lists(st.tuples(st.sampled_from(sorted(Step)), st.integers(0, 20)), max_size=8), st.integers(0, 40))
def test_the_clock_never_stands_longer_than_time_has_passed(steps, today):
    gaps, day = [], 0
    for step, gap in steps:
        day += gap
        gaps.append((Step(step), day))
    stood = stopped_days(taken(*gaps), MONDAY + timedelta(days=today))
    assert 0 <= stood <= max([today, day])


@pytest.mark.parametrize(
    ("kind", "step", "words", "outcome", "undecided", "why"),
    [
        (Kind.COMPLAINT, Step.ACKNOWLEDGED, "", None, 0, None),
        (Kind.COMPLAINT, Step.TAKEN, "  ", None, 0, "needs_words"),
        (Kind.COMPLAINT, Step.ANSWERED, "You were right.", None, 0, "needs_outcome"),
        (Kind.COMPLAINT, Step.ANSWERED, "You were right.", Outcome.DONE, 0, None),
        (Kind.COMPLAINT, Step.EXTENDED, "It is complex.", None, 0, "no_extension"),
        (Kind.ACCESS, Step.EXTENDED, "It is complex.", None, 0, None),
        (Kind.ACCESS, Step.ANSWERED, "Here it is.", Outcome.DONE, 1, "needs_review"),
        (Kind.ACCESS, Step.ANSWERED, "We refuse.", Outcome.REFUSED, 1, None),
        (Kind.ACCESS, Step.ANSWERED, "Here it is.", Outcome.DONE, 0, None),
    ],
)
def test_what_a_step_needs(kind, step, words, outcome, undecided, why):
    assert why_not(kind, step, words=words, outcome=outcome, undecided=undecided) == why


def test_what_is_over_stays_over_and_everything_else_can_end():
    for state, moves in MOVES.items():
        assert (Step.ANSWERED in moves) is (state in UNDER_WAY)
        if state not in UNDER_WAY:
            assert moves == {Step.NOTED: state}
    assert OFFICERS & {Step.RECEIVED, Step.WITHDRAWN} == set()
    assert {to for moves in MOVES.values() for to in moves.values()} == set(State)
