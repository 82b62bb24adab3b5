"""Whom a tutor looks at first: a table of cases, and that nothing formal or overdue is ever left out."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.engagement.monday import ALWAYS, MOST, Known, Reason, first, reason_of
from tests.kit.world import NINE

TODAY = NINE.date()
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (Known(1), None),
        (Known(1, misses=1, last=NINE - 13 * DAY), None),
        (Known(1, last=NINE - 14 * DAY), Reason.SILENT),
        (Known(1, misses=2), Reason.MISSES),
        (Known(1, misses=9, stage=0), Reason.REMINDED),
        (Known(1, stage=1), Reason.REMINDED),
        (Known(1, stage=2), Reason.FORMAL),
        (Known(1, stage=2, due_on=TODAY), Reason.FORMAL),
        (Known(1, stage=3, due_on=TODAY - DAY), Reason.OVERDUE),
        (Known(1, due_on=TODAY), Reason.DUE),
        (Known(1, due_on=TODAY + 6 * DAY), Reason.DUE),
        (Known(1, due_on=TODAY + 7 * DAY), None),
    ],
)
def test_the_strongest_reason_is_named(known: Known, reason: Reason | None):
    assert reason_of(known, today=TODAY, at=NINE) == reason


def test_the_order_is_the_published_one():
    known = [
        Known(1, misses=2),
        Known(2, misses=5),
        Known(3, last=NINE - 30 * DAY),
        Known(4, last=NINE - 20 * DAY),
        Known(5, stage=2),
        Known(6, due_on=TODAY - 3 * DAY),
        Known(7, due_on=TODAY - 9 * DAY),
        Known(8, stage=1),
    ]
    assert [one.student for one, _reason in first(known, today=TODAY, at=NINE)] == [7, 6, 5, 8, 2]


anyone = st.builds(
    Known,
    st.integers(1, 10_000),
    st.integers(0, 6),
    st.none() | st.integers(0, 60).map(lambda days: NINE - days * DAY),
    st.none() | st.integers(0, 3),
    st.none() | st.dates(date(2026, 11, 1), date(2026, 12, 31)),
)


@given(st.lists(anyone, unique_by=lambda one: one.student, max_size=40))
def test_what_is_formal_or_overdue_always_appears_and_of_the_others_at_most_five_in_all(known: list[Known]):
    shown = first(known, today=TODAY, at=NINE)
    reasons = {one.student: reason_of(one, today=TODAY, at=NINE) for one in known}
    always = {student for student, reason in reasons.items() if reason in ALWAYS}
    students = [one.student for one, _reason in shown]
    assert always <= set(students)
    assert len(students) == len(set(students)) == min(max(MOST, len(always)), sum(r is not None for r in reasons.values()))
    assert first(reversed(known), today=TODAY, at=NINE) == shown, "the order of the list does not matter"
