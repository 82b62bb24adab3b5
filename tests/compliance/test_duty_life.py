"""What may happen to a duty, by whom, and its working days: as tables of cases."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.compliance.duty_life import (
    REASONS,
    RUNNING,
    Doubt,
    Event,
    Kind,
    Left,
    Outcome,
    Part,
    Reason,
    Result,
    Standing,
    State,
    Way,
    after,
    due_on,
    left,
    may_be,
    standing,
    untried,
    was_told,
)
from adsum.core.holidays import working_days
from adsum.core.working_days import WorkingDays, read
from tests.kit.bank_holidays import TEXT

MON = date(2026, 11, 23)
DAYS = WorkingDays({date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "Boxing Day"})


@pytest.mark.parametrize(
    ("part", "state", "event", "outcome", "to"),
    [
        (Part.ANY, State.OPEN, Event.PROPOSED, None, State.PROPOSED),
        (Part.ANY, State.REVIEW, Event.PROPOSED, None, State.PROPOSED),
        (Part.ANY, State.PROPOSED, Event.PROPOSED, None, None),
        (Part.PROPOSER, State.PROPOSED, Event.CONFIRMED, Outcome.REPORT, None),
        (Part.SECOND, State.PROPOSED, Event.CONFIRMED, Outcome.REPORT, State.TO_REPORT),
        (Part.SECOND, State.PROPOSED, Event.CONFIRMED, Outcome.NO_REPORT, State.NOT_REPORTED),
        (Part.SECOND, State.PROPOSED, Event.CONFIRMED, Outcome.FURTHER_REVIEW, State.REVIEW),
        (Part.SECOND, State.OPEN, Event.CONFIRMED, Outcome.REPORT, None),
        (Part.PROPOSER, State.PROPOSED, Event.RETURNED, None, None),
        (Part.SECOND, State.PROPOSED, Event.RETURNED, None, State.OPEN),
        (Part.PROPOSER, State.PROPOSED, Event.TAKEN_BACK, None, State.OPEN),
        (Part.SECOND, State.PROPOSED, Event.TAKEN_BACK, None, None),
        (Part.ANY, State.OPEN, Event.REPORTED, None, None),
        (Part.ANY, State.PROPOSED, Event.REPORTED, None, None),
        (Part.ANY, State.TO_REPORT, Event.REPORTED, None, State.REPORTED),
        (Part.ANY, State.TO_REPORT, Event.CLOSED, None, None),
        (Part.ANY, State.REPORTED, Event.CLOSED, None, State.CLOSED),
        (Part.ANY, State.NOT_REPORTED, Event.CLOSED, None, State.CLOSED),
        (Part.ANY, State.REPORTED, Event.CORRECTED, None, None),
        (Part.ANY, State.TO_REPORT, Event.CORRECTED, None, State.TO_REPORT),
        (Part.ANY, State.CLOSED, Event.REOPENED, Outcome.REPORT, State.REPORTED),
        (Part.ANY, State.CLOSED, Event.REOPENED, Outcome.NO_REPORT, State.NOT_REPORTED),
        (Part.ANY, State.CLOSED, Event.NOTED, None, State.CLOSED),
    ],
)
def test_who_may_do_what(part: Part, state: State, event: Event, outcome: Outcome | None, to: State | None):
    assert after(part, state, event, outcome) == to


def test_from_every_state_something_leads_to_the_end():
    """No duty is stuck: from each state a way of steps that somebody may take ends in closed."""
    reached = {State.CLOSED}
    for _ in State:
        reached |= {
            state
            for state in State
            for part in Part
            for event in Event
            if event != Event.OPENED
            for outcome in (*Outcome, None)
            if after(part, state, event, outcome) in reached
        }
    assert reached == set(State)


def test_every_outcome_has_its_own_reasons():
    assert sorted(one for reasons in REASONS.values() for one in reasons) == sorted(Reason)


@pytest.mark.parametrize("doubt", Doubt)
@pytest.mark.parametrize(("kind", "bars"), [(kind, kind == Kind.NON_ENGAGEMENT) for kind in Kind], ids=str)
def test_open_questions_bar_reports_of_non_engagement_alone_4_rules_b_6(kind: Kind, bars: bool, doubt: Doubt):
    assert may_be(kind, [doubt]) == ((Outcome.FURTHER_REVIEW,) if bars else tuple(Outcome))
    assert may_be(kind, []) == tuple(Outcome)


@pytest.mark.parametrize(
    ("nation", "trigger", "due"),
    [
        ("england-and-wales", date(2026, 11, 23), date(2026, 12, 7)),
        ("scotland", date(2026, 11, 23), date(2026, 12, 8)),  # St Andrew's Day is the Monday between
        ("northern-ireland", date(2027, 7, 5), date(2027, 7, 20)),  # the Battle of the Boyne
        ("england-and-wales", date(2026, 12, 18), date(2027, 1, 6)),  # Christmas, Boxing Day given back, New Year's Day
        ("england-and-wales", date(2026, 3, 27), date(2026, 4, 14)),  # Easter; the clocks change on the 29th
        ("england-and-wales", date(2026, 11, 29), date(2026, 12, 11)),  # a Sunday
    ],
)
def test_ten_working_days_of_the_named_nation_4_rules_b_5(nation: str, trigger: date, due: date):
    assert due_on(trigger, 10, read(TEXT, nation)) == due


@pytest.mark.parametrize(
    ("today", "expected", "step"),
    [
        (date(2026, 11, 23), Left(10, 0), None),
        (date(2026, 11, 27), Left(6, 0), None),
        (date(2026, 11, 30), Left(5, 0), 5),
        (date(2026, 12, 2), Left(3, 0), 5),
        (date(2026, 12, 3), Left(2, 0), 2),
        (date(2026, 12, 7), Left(0, 0), 2),
        (date(2026, 12, 8), Left(0, 1), 0),
        (date(2026, 12, 12), Left(0, 4), 0),
    ],
)
def test_reminders_at_five_and_two_and_once_it_is_over(today: date, expected: Left, step: int | None):
    found = left(date(2026, 12, 7), today, DAYS)
    assert (found, found.step) == (expected, step)


def test_a_weekend_after_the_last_day_is_over_already():
    assert left(date(2026, 12, 4), date(2026, 12, 5), DAYS) == Left(0, 1)


@given(st.dates(date(2025, 1, 1), date(2028, 10, 1)), st.integers(0, 30))
def test_the_days_never_stop(trigger: date, later: int):
    """What has passed and what is left are always ten, until nothing is left."""
    days, today = working_days(), trigger + timedelta(days=later)
    found = left(due_on(trigger, 10, days), today, days)
    assert found.days + min(days.passed(trigger, today), 10) == 10
    assert (found.over > 0) == (today > due_on(trigger, 10, days))


@pytest.mark.parametrize(
    ("latest", "left_over", "told"),
    [
        ({}, (Way.UNIVERSITY_MAIL, Way.ADDRESS), False),
        ({Way.UNIVERSITY_MAIL: Result.SENT}, (Way.ADDRESS,), False),
        ({Way.UNIVERSITY_MAIL: Result.SENT, Way.ADDRESS: Result.POSTED}, (), True),
        ({Way.UNIVERSITY_MAIL: Result.BOUNCED, Way.ADDRESS: Result.POSTED}, (), True),
    ],
)
def test_told_is_over_every_recorded_way_and_waits_for_no_opening(
    latest: dict[Way, Result], left_over: tuple[Way, ...], told: bool
):
    recorded = (Way.UNIVERSITY_MAIL, Way.ADDRESS)
    assert (untried(recorded, latest), was_told(recorded, latest)) == (left_over, told)


def test_what_only_came_back_has_told_nobody():
    assert not was_told((Way.UNIVERSITY_MAIL,), {Way.UNIVERSITY_MAIL: Result.BOUNCED})
    assert not was_told((), {})


@pytest.mark.parametrize(
    ("states", "at_risk", "word"),
    [
        ([], False, Standing.COMPLIANT),
        ([], True, Standing.AT_RISK),
        ([(State.OPEN, None)], True, Standing.CROSSED),
        ([(State.REVIEW, Outcome.FURTHER_REVIEW)], False, Standing.CROSSED),
        ([(State.TO_REPORT, Outcome.REPORT)], False, Standing.CROSSED),
        ([(State.REPORTED, Outcome.REPORT)], True, Standing.REPORTED),
        ([(State.CLOSED, Outcome.REPORT)], False, Standing.CLOSED),
        ([(State.CLOSED, Outcome.REPORT)], True, Standing.AT_RISK),
        ([(State.CLOSED, Outcome.NO_REPORT)], False, Standing.COMPLIANT),
        ([(State.CLOSED, Outcome.REPORT), (State.OPEN, None)], False, Standing.CROSSED),
    ],
)
def test_how_a_student_stands(states: list[tuple[State, Outcome | None]], at_risk: bool, word: Standing):
    assert standing(states, at_risk=at_risk) == word


def test_every_state_before_the_report_is_running():
    assert {State.OPEN, State.PROPOSED, State.REVIEW, State.TO_REPORT} == RUNNING
