"""What is suggested at a liability point, what may be said, and which money moves: tables of cases, each with its source."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.compliance.slc_codes import AttendanceCode, Because, ChangeKind, ConfirmationState, RegistrationCode
from adsum.compliance.slc_rules import (
    Candidate,
    Refusal,
    Timer,
    candidates,
    change_due,
    confirmed_from,
    refused,
    registration_due,
    registration_timer,
    stake_of,
    stake_of_leaving,
    suggest,
    unconfirmed,
)
from adsum.core.working_days import WorkingDays
from tests.kit.slc import NUMBERS, POINTS, START, facts

A, L, C, F, N, X, S, D = AttendanceCode
OPEN, PROPOSED, LOCKED = ConfirmationState.OPEN, ConfirmationState.PROPOSED, ConfirmationState.LOCKED
NEVER: dict[str, Any] = {"first": None, "last": None, "days_since": None, "attended": 0}
STOPPED: dict[str, Any] = {"days_since": 28, "attended": 4}

CASES = [
    # source, what is known, the code, why
    ("C 2: registered and verified attendance at point 1", {}, A, Because.BEGAN),
    ("G 3: attendance goes on at point 2", {"point": 2}, A, Because.GOES_ON),
    ("G 3: one attendance early in a later period is too thin", {"point": 2, "attended": 1}, None, Because.TOO_THIN),
    ("G 3: one attendance is enough to have begun", {"attended": 1}, A, Because.BEGAN),
    ("G 3: who came only at first is looked at by a person", {"days_since": 15}, None, Because.NOT_LATELY),
    ("G 3: the last day within which attendance goes on", {"days_since": 14}, A, Because.BEGAN),
    ("C 2: attended before, none for the limit", STOPPED, X, Because.STOPPED),
    ("C 2: a day short of the limit", {"days_since": 27}, None, Because.NOT_LATELY),
    ("C 2: the same at a later point", {"point": 3, **STOPPED}, X, Because.STOPPED),
    ("C 2: no attendance ever, point 1", NEVER, D, Because.NEVER_CAME),
    ("C 3: D is rejected outside point 1", {"point": 2, **NEVER}, None, Because.NEVER_CAME_LATE),
    ("C 2: nothing was observed", {**NEVER, "expected": 0}, None, Because.NOTHING_OBSERVED),
    ("G 7 CS052407: no D on classes whose record may be wrong", {**NEVER, "doubtful": 1}, None, Because.DOUBTFUL),
    ("G 7 CS052407: no X on such classes", {**STOPPED, "doubtful": 2}, None, Because.DOUBTFUL),
    ("G 7: doubts are no obstacle to A", {"doubtful": 2}, A, Because.BEGAN),
    ("C 2: approved suspension", {"suspended": True}, S, Because.SUSPENDED),
    ("C 2: suspended although seen yesterday", {"suspended": True, "days_since": 1}, S, Because.SUSPENDED),
    ("C 2: withdrawn is a change of circumstance", {"withdrawn": True}, None, Because.WITHDRAWN),
    ("C 2: no enrolment", {"enrolled": False}, None, Because.NOT_ENROLLED),
    ("C 2: course mismatch", {"course_differs": True}, C, Because.COURSE_DIFFERS),
    ("C 2: fee mismatch", {"fee_differs": True}, F, Because.FEE_DIFFERS),
    ("C: C and F say in attendance, so X comes first", {**STOPPED, "course_differs": True}, X, Because.STOPPED),
    ("C 3: nothing before the liability date", {"today": POINTS[0].starts_on - timedelta(1)}, None, Because.NOT_LIABLE),
    ("C 3: on the liability date", {"today": POINTS[0].starts_on}, A, Because.BEGAN),
    ("C 3: not before cooling-off is over", {"cooling_off_end": date(2026, 10, 8)}, None, Because.COOLING_OFF),
    ("C 3: on the day after cooling-off", {"cooling_off_end": date(2026, 10, 7)}, A, Because.BEGAN),
    ("C: registration is confirmed first", {"registered": False}, None, Because.NOT_REGISTERED),
    ("G 2: period 2 waits for period 1", {"point": 2, "earlier_open": True}, None, Because.EARLIER_OPEN),
    ("G 2: and so does a suspension", {"point": 2, "earlier_open": True, "suspended": True}, None, Because.EARLIER_OPEN),
]


@pytest.mark.parametrize(("known", "code", "because"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_code_is_suggested(known: dict[str, Any], code: AttendanceCode | None, because: Because):
    assert suggest(facts(**known), NUMBERS) == (code, because)


@given(
    st.fixed_dictionaries(
        {
            "point": st.sampled_from([1, 2, 3]),
            "today": st.dates(date(2026, 9, 1), date(2027, 8, 1)),
            "cooling_off_end": st.none() | st.dates(date(2026, 9, 1), date(2027, 8, 1)),
            "earlier_open": st.booleans(),
            "registered": st.booleans(),
            "suspended": st.booleans(),
            "doubtful": st.integers(0, 2),
            "attended": st.integers(0, 3),
            "days_since": st.none() | st.integers(0, 60),
        }
    )
)
def test_nothing_is_suggested_that_could_not_be_said(known: dict[str, Any]):
    said = facts(**known)
    code, _because = suggest(said, NUMBERS)
    if code is None:
        return
    why = refused(
        code,
        point=said.point,
        liable_from=said.liable_from,
        cooling_off_end=said.cooling_off_end,
        today=said.today,
        earlier_open=said.earlier_open,
        state=OPEN,
    )
    assert why is None
    assert code != A or (said.days_since or 0) <= NUMBERS.goes_on_days


def test_the_n_of_registration_is_not_the_n_of_attendance():
    both = {one.value for one in RegistrationCode} & {one.value for one in AttendanceCode}
    assert both == {"N"}, "the letter they share"
    assert {one.name for one in RegistrationCode}.isdisjoint({one.name for one in AttendanceCode})


SAYING = [
    ("C 4: a locked code stays", A, {"state": LOCKED}, Refusal.LOCKED),
    ("G 2: an earlier point is open", X, {"point": 2, "earlier_open": True}, Refusal.EARLIER_OPEN),
    ("C 3: D at point 2", D, {"point": 2}, Refusal.NOT_THE_FIRST),
    ("C 3: D at point 1", D, {}, None),
    ("C 3: A a day early", A, {"today": date(2026, 10, 4)}, Refusal.NOT_LIABLE),
    ("C 3: L a day early", L, {"today": date(2026, 10, 4)}, Refusal.NOT_LIABLE),
    ("C 3: A on the last day of cooling-off", A, {"cooling_off_end": date(2026, 10, 6)}, Refusal.COOLING_OFF),
    ("C 3: X says nothing positive", X, {"today": date(2026, 10, 4)}, None),
]


@pytest.mark.parametrize(("code", "said", "why"), [case[1:] for case in SAYING], ids=[case[0] for case in SAYING])
def test_a_person_cannot_say_everything(code: AttendanceCode, said: dict[str, Any], why: Refusal | None):
    fine: dict[str, Any] = {
        "point": 1,
        "liable_from": date(2026, 10, 5),
        "cooling_off_end": None,
        "today": date(2026, 10, 6),
        "earlier_open": False,
        "state": OPEN,
    }
    assert refused(code, **{**fine, **said}) == why


@pytest.mark.parametrize(
    ("code", "state", "reason", "as_suggested", "why"),
    [
        (A, OPEN, "", True, None),
        (A, OPEN, " ", False, Refusal.NEEDS_REASON),
        (C, OPEN, "", True, Refusal.NEEDS_REASON),
        (C, OPEN, "They moved.", True, None),
        (X, OPEN, "Gone.", True, Refusal.NEEDS_PROPOSAL),
        (S, OPEN, "Gone.", True, Refusal.NEEDS_PROPOSAL),
        (D, OPEN, "Gone.", True, Refusal.NEEDS_PROPOSAL),
        (X, PROPOSED, "", True, Refusal.NEEDS_REASON),
        (X, PROPOSED, "Gone.", True, None),
    ],
)
def test_every_code_but_a_suggested_a_takes_a_reason_and_what_stops_money_a_proposal(
    code: AttendanceCode, state: ConfirmationState, reason: str, as_suggested: bool, why: Refusal | None
):
    assert unconfirmed(code, state=state, reason=reason, as_suggested=as_suggested) == why


DAYS = WorkingDays({date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "Boxing Day (substitute day)"})


@pytest.mark.parametrize(
    ("proposed", "deadline", "from_"),
    [
        (date(2026, 10, 5), date(2026, 10, 30), date(2026, 10, 8)),  # a Monday: three working days
        (date(2026, 10, 2), date(2026, 10, 30), date(2026, 10, 7)),  # a Friday: over the weekend
        (date(2026, 10, 5), date(2026, 10, 7), date(2026, 10, 7)),  # the deadline comes first, and is not delayed
        (date(2026, 10, 9), date(2026, 10, 8), date(2026, 10, 9)),  # after the deadline: at once
        (date(2026, 12, 23), date(2027, 1, 28), date(2026, 12, 30)),  # over Christmas
    ],
)
def test_no_answer_never_delays_a_deadline(proposed: date, deadline: date, from_: date):
    assert confirmed_from(proposed, deadline=deadline, numbers=NUMBERS, days=DAYS) == from_


# Proof 8: money at stake, a row for each liability point

LOAN, MAINTENANCE = Decimal(9535), Decimal("2310.50")
MONEY = [
    # code, at point, what of the fee stops, how much, whether maintenance stops
    (X, 1, [25], "2383.75", True),
    (X, 2, [25], "2383.75", True),
    (X, 3, [50], "4767.50", True),
    (S, 1, [25], "2383.75", True),
    (S, 2, [25], "2383.75", True),
    (S, 3, [50], "4767.50", True),
    (D, 1, [25, 25, 50], "9535.00", True),
    (A, 1, [], "0", False),
    (L, 2, [], "0", False),
    (C, 1, [], "0", False),
    (F, 3, [], "0", False),
    (N, 2, [], "0", False),
]


@pytest.mark.parametrize(("code", "point", "shares", "amount", "maintenance"), MONEY)
def test_money_at_stake_by_code_and_liability_point_g2(
    code: AttendanceCode, point: int, shares: list[int], amount: str, maintenance: bool
):
    known = stake_of(code, point, POINTS, loan=LOAN, maintenance=MAINTENANCE)
    assert [int(one.share) for one in known.portions] == shares
    assert (known.amount, known.maintenance) == (Decimal(amount), maintenance)
    unknown = stake_of(code, point, POINTS, loan=None, maintenance=None)
    assert unknown.amount == (None if shares else 0)
    assert unknown.maintenance_amount is None


@pytest.mark.parametrize(
    ("left", "amount"),
    [
        (date(2026, 10, 4), "9535.00"),  # before the first liability date: nothing is owed
        (date(2026, 10, 5), "7151.25"),  # on it: the first quarter is owed
        (date(2027, 1, 17), "7151.25"),
        (date(2027, 1, 18), "4767.50"),
        (date(2027, 4, 25), "4767.50"),
        (date(2027, 4, 26), "0"),  # all of it is owed
    ],
)
def test_money_at_stake_when_a_student_leaves_c_fee_split(left: date, amount: str):
    stake = stake_of_leaving(ChangeKind.WITHDRAWAL, left, POINTS, loan=LOAN, maintenance=None)
    assert stake.amount == Decimal(amount)
    assert stake_of_leaving(ChangeKind.FEE, left, POINTS, loan=LOAN, maintenance=None).portions == ()


def test_pennies_are_rounded_once():
    stake = stake_of(X, 1, POINTS, loan=Decimal("9535.10"), maintenance=None)
    assert stake.amount == Decimal("2383.78")


# The date of last attendance (C 6), and timers


def test_candidates_are_never_ahead_and_never_a_login_c6():
    today = date(2026, 11, 30)
    found = [
        Candidate(date(2026, 12, 1), "exam"),
        Candidate(today, "vle"),
        Candidate(date(2026, 11, 20), "class", "Algorithms"),
        Candidate(date(2026, 11, 27), "supervision"),
        Candidate(date(2026, 11, 20), "class", "Databases"),
        Candidate(today, "class"),
    ]
    days = [(one.on.day, one.source) for one in candidates(found, today)]
    assert days == [(30, "class"), (27, "supervision"), (20, "class")]


@pytest.mark.parametrize(
    ("days", "timer"),
    [
        (-1, None),
        (0, Timer.WATCHED),
        (13, Timer.WATCHED),
        (14, Timer.FIRST),
        (20, Timer.FIRST),
        (21, Timer.SECOND),
        (27, Timer.SECOND),
        (28, Timer.DUE),
        (29, Timer.OVERDUE),
    ],
)
def test_the_timer_of_n_runs_in_calendar_days_c7(days: int, timer: Timer | None):
    assert registration_timer(START, START + timedelta(days), NUMBERS) == timer
    assert registration_due(START, NUMBERS) == date(2026, 10, 19)


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (date(2026, 7, 31), date(2026, 8, 28)),  # July: 20 working days
        (date(2026, 8, 3), date(2026, 9, 14)),  # August to November: 30
        (date(2026, 11, 30), date(2027, 1, 13)),  # with Christmas
        (date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_a_change_is_due_in_20_or_30_working_days_c5(since: date, due: date):
    assert change_due(since, NUMBERS, DAYS) == due
