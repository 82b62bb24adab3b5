"""When a decision about a student may be final: as tables of cases, and the adjudicator's two replayed."""

from datetime import UTC, date, datetime

import pytest

from adsum.compliance.representation_life import Known, Why, answer_until, may_answer, term_begins, why_not_final
from adsum.core.working_days import WorkingDays

TODAY = date(2026, 12, 7)
EARLIER, LATER = date(2026, 12, 4), date(2026, 12, 9)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (Known(), Why.NOT_OPENED),
        (Known(until=LATER), Why.TERM),
        (Known(until=TODAY), Why.TERM),  # the last day is theirs
        (Known(until=EARLIER), None),
        (Known(until=LATER, answered=True), Why.NOT_CONSIDERED),
        (Known(until=EARLIER, answered=True), Why.NOT_CONSIDERED),
        (Known(until=LATER, answered=True, considered=True), None),
        (Known(until=EARLIER, settled=True), Why.SETTLED),
        # A duty to an authority waits for no opening and no answer, on its last day
        (Known(deadline=LATER), Why.NOT_OPENED),
        (Known(deadline=TODAY), None),
        (Known(deadline=EARLIER, until=LATER), None),
        (Known(deadline=EARLIER, answered=True), Why.NOT_CONSIDERED),  # what has come is always weighed
    ],
)
def test_when_a_decision_may_be_final(known: Known, why: Why | None):
    assert why_not_final(known, TODAY) == why


@pytest.mark.parametrize(
    ("known", "may"),
    [
        (Known(), True),
        (Known(until=EARLIER), True),  # late, but nothing is final yet
        (Known(until=LATER, settled=True), True),  # final on the last day of the duty: the term is still theirs
        (Known(settled=True), True),
        (Known(until=EARLIER, settled=True), False),
        (Known(until=LATER, answered=True), False),
    ],
)
def test_until_when_a_student_may_answer(known: Known, may: bool):
    assert may_answer(known, TODAY) == may


@pytest.mark.parametrize(
    ("delivered", "opened", "begins"), [(None, None, None), (9, None, None), (None, 10, 10), (9, 10, 10), (11, 10, 11)]
)
def test_the_term_begins_once_delivered_and_opened(delivered: int | None, opened: int | None, begins: int | None):
    at = {hour: datetime(2026, 12, 7, hour, tzinfo=UTC) for hour in (9, 10, 11)}
    assert term_begins(at.get(delivered or 0), at.get(opened or 0)) == at.get(begins or 0)


def test_five_working_days():
    days = WorkingDays({date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "Boxing Day"})
    assert answer_until(date(2026, 12, 23), days) == date(2027, 1, 1)
