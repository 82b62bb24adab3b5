"""Which enrolments open a duty, and from which day: a table of cases."""

from datetime import date

import pytest

from adsum.compliance.duty_life import Kind
from adsum.compliance.trigger_rules import COMPLETED, ENROLLED, SUSPENDED, WITHDRAWN, Found, Row, find

TODAY, SINCE = date(2026, 11, 23), date(2026, 9, 24)
START, ENDS = date(2026, 9, 21), date(2027, 6, 11)
LAST_WEEK, NEXT_WEEK = date(2026, 11, 16), date(2026, 11, 30)


def row(status: str, ends_on: date | None = None, *, starts_on: date = START, pk: int = 1, course: int = 7) -> Row:
    return Row(pk, course, status, starts_on, ends_on)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row(ENROLLED)], []),
        ([row(ENROLLED, ENDS)], []),
        ([row(WITHDRAWN, LAST_WEEK)], [(Kind.WITHDRAWAL, LAST_WEEK)]),
        ([row(WITHDRAWN, NEXT_WEEK)], [(Kind.WITHDRAWAL, NEXT_WEEK)]),
        ([row(WITHDRAWN, date(2026, 9, 23))], []),  # before Adsum looked
        ([row(ENROLLED, LAST_WEEK)], [(Kind.WITHDRAWAL, LAST_WEEK)]),  # gone from the roster
        ([row(ENROLLED, TODAY)], []),  # the last day is still theirs
        ([row(ENROLLED, LAST_WEEK), row(ENROLLED, ENDS, starts_on=date(2026, 11, 17), pk=2)], []),  # the next year's row
        (
            [row(ENROLLED, LAST_WEEK), row(WITHDRAWN, LAST_WEEK, starts_on=date(2026, 11, 1), pk=2)],
            [(Kind.WITHDRAWAL, LAST_WEEK)],
        ),
        ([row(ENROLLED), row(SUSPENDED, ENDS, starts_on=LAST_WEEK, pk=2)], [(Kind.SUSPENSION, LAST_WEEK)]),
        ([row(ENROLLED), row(SUSPENDED, None, starts_on=NEXT_WEEK, pk=2)], [(Kind.SUSPENSION, NEXT_WEEK)]),
        ([row(COMPLETED, LAST_WEEK)], [(Kind.EARLY_COMPLETION, LAST_WEEK)]),
        ([row(COMPLETED, ENDS)], []),
    ],
)
def test_what_an_enrolment_says(rows: list[Row], found: list[tuple[Kind, date]]):
    assert [(one.kind, one.on) for one in find(rows, ENDS, since=SINCE, today=TODAY)] == found


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (row(ENROLLED, starts_on=date(2026, 11, 17), pk=2, course=8), []),  # moved to another course
        (row(ENROLLED, starts_on=date(2026, 11, 30), pk=2, course=8), []),
        (row(ENROLLED, starts_on=date(2026, 12, 1), pk=2, course=8), [Kind.WITHDRAWAL]),  # too late to be a move
        (row(ENROLLED, LAST_WEEK, pk=2, course=8), [Kind.WITHDRAWAL]),  # both are over
        (row(SUSPENDED, starts_on=LAST_WEEK, pk=2, course=8), [Kind.WITHDRAWAL]),  # of no concern here
    ],
)
def test_who_has_moved_to_another_course_has_not_withdrawn(other: Row, found: list[Kind]):
    rows = [row(ENROLLED, LAST_WEEK), other]
    assert [one.kind for one in find(rows, ENDS, course=7, since=SINCE, today=TODAY)] == found


def test_gone_from_the_roster_and_called_a_withdrawal_later_is_one_cause():
    first, second = (list(find([row(status, LAST_WEEK)], ENDS, since=SINCE, today=TODAY)) for status in (ENROLLED, WITHDRAWN))
    assert first == second


def test_dates_put_right_name_the_same_cause():
    first, second = (list(find([row(WITHDRAWN, day)], ENDS, since=SINCE, today=TODAY)) for day in (LAST_WEEK, TODAY))
    assert [one.cause for one in first] == [one.cause for one in second]


def test_without_the_end_of_the_course_nothing_is_early():
    assert list(find([row(COMPLETED, LAST_WEEK)], None, since=SINCE, today=TODAY)) == []
    gone: list[Found] = list(find([row(ENROLLED, LAST_WEEK)], None, since=SINCE, today=TODAY))
    assert [one.kind for one in gone] == [Kind.WITHDRAWAL]
