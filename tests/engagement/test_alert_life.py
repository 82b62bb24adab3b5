"""The life of an alert: the table of its states, what keeps it back, and when its message may leave. No database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.working_days import WorkingDays
from adsum.engagement.alert_life import (
    MOVES,
    OPEN,
    Back,
    Known,
    State,
    Step,
    after,
    disproved,
    held_until,
    is_office_hour,
    keeps_back,
)
from tests.kit.world import LONDON, NINE

DAY = timedelta(days=1)

LEADS = {
    (Step.RELEASE, State.HELD): State.RELEASED,
    (Step.HOLD, State.RELEASED): State.HELD,
    (Step.TELL, State.RELEASED): State.TOLD,
    (Step.PAUSE, State.TOLD): State.PAUSED,
    (Step.RESUME, State.PAUSED): State.TOLD,
    **{(Step.RECOVER, one): State.RECOVERED for one in (State.HELD, State.RELEASED, State.TOLD, State.PAUSED)},
    (Step.REVIEW, State.TOLD): State.REVIEW,
    (Step.REVIEW, State.PAUSED): State.REVIEW,
    (Step.REVIEW, State.RECOVERED): State.REVIEW,
    (Step.REVIEW, State.CLOSED): State.REVIEW,
    (Step.STAND, State.REVIEW): State.CLOSED,
    **{(Step.CLOSE, one): State.CLOSED for one in (State.HELD, State.RELEASED, State.TOLD, State.PAUSED, State.REVIEW)},
    **{(Step.WITHDRAW, one): State.WITHDRAWN for one in State if one != State.WITHDRAWN},
}
"""Every step that may be made; all others are refused."""


@pytest.mark.parametrize(("step", "state"), list(product(Step, State)))
def test_which_state_follows_which(step: Step, state: State):
    assert after(state, step) == LEADS.get((step, state))


def test_no_alert_is_told_that_was_not_let_go_and_none_leaves_the_end_but_by_a_record_put_right():
    assert {state for state, to in MOVES[Step.TELL].items() if to == State.TOLD} == {State.RELEASED}
    for state in set(State) - OPEN:
        assert {step for step in Step if after(state, step)} <= {Step.WITHDRAW, Step.REVIEW}
    assert not any(after(State.WITHDRAWN, step) for step in Step)


@pytest.mark.parametrize(
    ("state", "told", "grave", "step"),
    [
        (State.HELD, False, False, Step.WITHDRAW),
        (State.RELEASED, False, False, Step.WITHDRAW),
        (State.TOLD, True, False, Step.WITHDRAW),
        (State.PAUSED, True, False, Step.WITHDRAW),
        (State.RECOVERED, True, False, Step.WITHDRAW),  # it closed well, and was wrong all the same
        (State.CLOSED, True, False, Step.WITHDRAW),
        (State.CLOSED, False, False, None),  # closed before anybody read it
        (State.HELD, False, True, Step.WITHDRAW),
        (State.TOLD, True, True, Step.REVIEW),
        (State.CLOSED, True, True, Step.REVIEW),
        (State.REVIEW, True, True, None),
        (State.REVIEW, True, False, None),
        (State.WITHDRAWN, True, False, None),
        (State.WITHDRAWN, True, True, None),
    ],
)
def test_what_becomes_of_one_that_was_never_so(state: State, told: bool, grave: bool, step: Step | None):
    assert disproved(state, told=told, grave=grave) == step
    assert step is None or after(state, step)


# What keeps it back

FREE = Known(2, NINE - DAY, ticked=True)
NUDGE = Known(0, NINE - DAY)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (FREE, None),
        (NUDGE, None),
        (replace(NUDGE, stage=1), None),
        (replace(FREE, ticked=False), Back.UNTICKED),
        (replace(FREE, held_until=NINE + DAY), Back.WINDOW),
        (replace(FREE, welfare=True), Back.WELFARE),
        (replace(FREE, suspended=True), Back.SUSPENDED),
        (replace(FREE, doubted=True), Back.DOUBT),
        (replace(FREE, by_hand=True), Back.BY_HAND),
        (replace(FREE, no_contact=True), Back.NO_CONTACT),
        (replace(FREE, told_at=NINE - 7 * DAY), None),
        (replace(FREE, told_at=NINE - 7 * DAY + timedelta(seconds=1)), Back.RECENT),
        (replace(NUDGE, spoken_at=NINE - 6 * DAY), Back.SPOKEN_TO),
        (replace(NUDGE, spoken_at=NINE - 7 * DAY), None),
        (replace(FREE, spoken_at=NINE - DAY), None),  # later stages ask the owner instead
        (replace(FREE, no_contact=True, ticked=False, welfare=True), Back.NO_CONTACT),
    ],
)
def test_what_keeps_it_back(known: Known, why: Back | None):
    assert keeps_back(known, NINE) == why
    assert keeps_back(known, NINE, working=False) == (why or Back.HOURS)


# When it may leave

CLOSED = WorkingDays({date(2026, 12, 24): "The university is closed", date(2026, 12, 25): "Christmas Day"})


@pytest.mark.parametrize(
    ("local", "may"),
    [
        ("2026-11-23 09:00", True),
        ("2026-11-23 08:59", False),
        ("2026-11-23 16:59", True),
        ("2026-11-23 17:00", False),
        ("2026-11-22 12:00", False),  # a Sunday
        ("2026-12-24 12:00", False),
        ("2026-12-23 12:00", True),
        ("2026-07-06 09:00", True),  # summer time
        ("2026-07-06 17:00", False),
    ],
)
def test_reminders_leave_in_working_hours_only(local: str, may: bool):
    at = datetime.fromisoformat(local).replace(tzinfo=LONDON).astimezone(UTC)
    assert is_office_hour(at, LONDON, CLOSED) is may


@pytest.mark.parametrize(
    ("found", "days", "until"),
    [
        ("2026-11-23 02:00", 1, "2026-11-24 09:00"),
        ("2026-11-23 18:00", 1, "2026-11-24 09:00"),
        ("2026-11-20 23:00", 1, "2026-11-23 09:00"),  # Friday night: Monday
        ("2026-11-20 02:00", 3, "2026-11-25 09:00"),
        ("2026-12-23 02:00", 1, "2026-12-28 09:00"),  # closure days do not count
    ],
)
def test_every_alert_waits(found: str, days: int, until: str):
    at = datetime.fromisoformat(found).replace(tzinfo=LONDON).astimezone(UTC)
    assert held_until(at, days, LONDON, CLOSED) == datetime.fromisoformat(until).replace(tzinfo=LONDON)


@given(st.integers(-500_000, 30_000).map(lambda minutes: NINE + timedelta(minutes=minutes)), st.integers(1, 5))
def test_the_wait_always_ends_in_a_working_hour(found: datetime, days: int):
    until = held_until(found, days, LONDON, CLOSED)
    assert until > found
    assert is_office_hour(until, LONDON, CLOSED)
