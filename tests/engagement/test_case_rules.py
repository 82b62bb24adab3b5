"""The table of what may happen to a case, and its clocks: as tables of cases."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.working_days import WorkingDays
from adsum.engagement import case_rules
from adsum.engagement.case_rules import (
    MOVES,
    ConductState,
    Event,
    Outcome,
    Part,
    Pause,
    Span,
    State,
    Unfit,
    Unheard,
    after,
    appeal_until,
    days_stopped,
    due_now,
    earliest_day,
    in_force,
    why_not_decide,
    why_unfit,
)
from tests.kit.world import NINE

MON, TUE, WED, THU, FRI, SAT, NEXT_MON = (date(2026, 11, 23) + timedelta(days=n) for n in (0, 1, 2, 3, 4, 5, 7))
DAYS = WorkingDays({date(2026, 12, 25): "Christmas Day"})


@pytest.mark.parametrize(
    ("part", "state", "event", "to"),
    [
        (Part.STAFF, State.OPEN, Event.CLOSED, State.CLOSED),
        (Part.STAFF, State.OPEN, Event.STOPPED, State.STOPPED),
        (Part.STAFF, State.STOPPED, Event.STOPPED, None),
        (Part.STAFF, State.STOPPED, Event.OFFERED, None),
        (Part.STAFF, State.STOPPED, Event.RESTARTED, State.OPEN),
        (Part.STAFF, State.CLOSED, Event.PLANNED, None),
        (Part.STAFF, State.CLOSED, Event.NOTED, State.CLOSED),
        (Part.STAFF, State.CLOSED, Event.APPEALED, None),
        (Part.STAFF, State.APPEALED, Event.UPHELD, None),
        (Part.STAFF, State.APPEALED, Event.CLOSED, None),
        (Part.OTHERS, State.APPEALED, Event.UPHELD, State.OVERTURNED),
        (Part.OTHERS, State.APPEALED, Event.DISMISSED, State.CLOSED),
        (Part.OTHERS, State.OPEN, Event.UPHELD, None),
        (Part.STUDENT, State.OPEN, Event.CLOSED, None),
        (Part.STUDENT, State.OPEN, Event.PICKED, State.OPEN),
        (Part.STUDENT, State.CLOSED, Event.APPEALED, State.APPEALED),
        (Part.STUDENT, State.OVERTURNED, Event.APPEALED, None),
    ],
)
def test_who_may_do_what(part: Part, state: State, event: Event, to: State | None):
    assert after(part, state, event) == to


@pytest.mark.parametrize(
    ("part", "state", "event", "to", "says"),
    [
        (Part.OTHERS, State.APPEALED, Event.UPHELD, State.CLOSED, "ever gets to"),
        (Part.STUDENT, State.CLOSED, Event.APPEALED, State.CLOSED, "ever gets to"),
        (Part.STAFF, State.STOPPED, Event.RESTARTED, None, "nobody can ever do"),
    ],
)
def test_a_table_that_does_not_hold_together_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, part: Part, state: State, event: Event, to: State | None, says: str
):
    broken = {one: {where: dict(events) for where, events in states.items()} for one, states in MOVES.items()}
    if to is None:
        del broken[part][state][event]
    else:
        broken[part][state][event] = to
    monkeypatch.setattr(case_rules, "MOVES", broken)
    with pytest.raises(ValueError, match=says):
        case_rules.check()


@pytest.mark.parametrize(
    ("pauses", "stopped", "due"),
    [
        ([], 0, THU),
        ([Pause(MON, TUE)], 1, FRI),
        ([Pause(FRI, NEXT_MON)], 1, FRI),  # over a weekend: one working day
        ([Pause(MON, MON)], 0, THU),
        ([Pause(TUE, None)], 4, date(2026, 12, 2)),  # still stopped, looked at next Monday
        ([Pause(MON, TUE), Pause(WED, THU)], 2, NEXT_MON),
    ],
)
def test_a_clock_that_stood_still_moves_the_day(pauses: list[Pause], stopped: int, due: date):
    assert days_stopped(pauses, DAYS, NEXT_MON) == stopped
    assert due_now(THU, pauses, DAYS, NEXT_MON) == due


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), max_size=4), st.integers(0, 60))
def test_stopping_never_brings_a_day_forward(lengths: list[tuple[int, int]], later: int):
    pauses = [Pause(MON + timedelta(days=at), MON + timedelta(days=at + long)) for at, long in lengths]
    assert due_now(THU, pauses, DAYS, MON + timedelta(days=later)) >= THU


@pytest.mark.parametrize(
    ("outcome", "until"),
    [
        (Outcome.WARNED, date(2026, 12, 7)),
        (Outcome.TO_PANEL, date(2026, 12, 7)),
        (Outcome.SUPPORT_AGREED, None),
        (Outcome.LEFT, None),
    ],
)
def test_ten_working_days_for_an_appeal(outcome: Outcome, until: date | None):
    assert appeal_until(outcome, MON, DAYS) == until


@pytest.mark.parametrize(("state", "holds"), [(State.CLOSED, Outcome.WARNED), (State.APPEALED, None), (State.OVERTURNED, None)])
def test_while_an_appeal_is_open_the_student_stands_as_before(state: State, holds: Outcome | None):
    assert in_force(state, Outcome.WARNED) == holds


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    return NINE.replace(hour=hour, minute=minute) + timedelta(days=day)


CLASS = Span(at(11), at(12))


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        (Span(at(10), at(10, 50)), None),
        (Span(at(10), at(10, 51)), Unfit.CLASS),  # the way to the class
        (Span(at(11, 20), at(11, 40)), Unfit.CLASS),
        (Span(at(10), at(13)), Unfit.CLASS),
        (Span(at(12, 9), at(12, 30)), Unfit.CLASS),  # the way from it
        (Span(at(12, 10), at(12, 30)), None),
        (Span(at(9), at(9, 30)), Unfit.PAST),
        (Span(at(10), at(10)), Unfit.BACKWARDS),
    ],
)
def test_a_slot_avoids_the_class_and_the_way_to_it(slot: Span, why: Unfit | None):
    assert why_unfit(slot, [CLASS], at=NINE, on=MON, earliest=MON) == why


@pytest.mark.parametrize(("formal", "first"), [(False, MON), (True, NEXT_MON)])
def test_a_formal_meeting_has_five_working_days_notice(formal: bool, first: date):
    assert earliest_day(MON, formal=formal, days=DAYS) == first
    day_before = first - timedelta(days=1)
    slot = Span(at(12, 30), at(13))
    assert why_unfit(slot, [], at=NINE, on=first, earliest=first) is None
    assert why_unfit(slot, [], at=NINE, on=day_before, earliest=first) == Unfit.NOTICE


@pytest.mark.parametrize(
    ("state", "today", "by", "why"),
    [
        (ConductState.ASKED, THU, 2, Unheard.TOO_EARLY),
        (ConductState.ASKED, FRI, 2, None),
        (ConductState.HEARD, MON, 2, None),
        (ConductState.HEARD, MON, 1, Unheard.SAME_PERSON),
    ],
)
def test_a_conduct_referral_is_decided_by_another_after_the_student_was_heard(
    state: ConductState, today: date, by: int, why: Unheard | None
):
    assert why_not_decide(state, due_on=THU, today=today, referred_by=1, by=by) == why
