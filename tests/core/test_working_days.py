"""Working days: counted in whole days, over weekends and the bank holidays of each nation."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.holidays import working_days
from adsum.core.working_days import BeyondHolidays, WorkingDays, read
from tests.kit.bank_holidays import TEXT

DAYS = st.dates(date(2025, 1, 1), date(2028, 10, 1))
NATIONS = ("england-and-wales", "scotland", "northern-ireland")


@pytest.mark.parametrize(
    ("since", "count", "due"),
    [
        (date(2026, 11, 23), 1, date(2026, 11, 24)),  # Monday
        (date(2026, 11, 25), 3, date(2026, 11, 30)),  # over a weekend
        (date(2026, 11, 28), 1, date(2026, 11, 30)),  # from a Saturday
        (date(2026, 12, 24), 1, date(2026, 12, 29)),  # Christmas on a Friday, its Boxing Day given back on the Monday
        (date(2026, 4, 2), 1, date(2026, 4, 7)),  # Easter
    ],
)
def test_after(since: date, count: int, due: date):
    assert working_days().after(since, count) == due


def test_nations_differ():
    easter_monday, st_andrew, boyne = date(2027, 3, 29), date(2026, 11, 30), date(2027, 7, 12)
    works = {nation: [read(TEXT, nation).is_one(day) for day in (easter_monday, st_andrew, boyne)] for nation in NATIONS}
    assert works == {
        "england-and-wales": [False, True, True],
        "scotland": [True, False, True],
        "northern-ireland": [False, True, False],
    }


def easter(year: int) -> date:
    """The anonymous Gregorian computus (Nature, 1876)."""
    a, b, c = year % 19, *divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@pytest.mark.parametrize("nation", NATIONS)
@pytest.mark.parametrize("year", [2025, 2026, 2027, 2028])
def test_the_file_agrees_with_what_can_be_calculated(nation: str, year: int):
    """Easter, the Mondays, and a free day given back for each that falls on a weekend; none on a weekend itself."""
    days = {day: title for day, title in read(TEXT, nation).holidays.items() if day.year == year}
    assert all(day.weekday() < 5 for day in days)
    assert days[easter(year) - timedelta(days=2)] == "Good Friday"
    assert (easter(year) + timedelta(days=1) in days) == (nation != "scotland")
    may = [day for day in days if day.month == 5]
    assert [day.weekday() for day in may] == [0, 0]
    assert may[0].day <= 7
    assert (may[1] + timedelta(days=7)).month == 6
    assert len([day for day in days if day.month == 12 and day.day >= 25]) == 2
    assert len(days) == {"england-and-wales": 8, "scotland": 9, "northern-ireland": 10}[nation]


@given(DAYS, st.integers(1, 30))
def test_counting_on_and_counting_back_agree(since: date, count: int):
    due = working_days().after(since, count)
    assert working_days().is_one(due)
    assert working_days().passed(since, due) == count
    assert working_days().passed(since, due - timedelta(days=1)) == count - 1


@given(DAYS, DAYS, st.integers(1, 10))
def test_what_is_due_is_what_waited_long_enough(since: date, day: date, count: int):
    assert (since <= working_days().latest_with(count, day)) == (working_days().passed(since, day) >= count)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scotland": {}}', '{"england-and-wales": {"events": [{"title": "x"}]}}'])
def test_a_file_of_something_else_is_refused(text: str):
    with pytest.raises(ValueError, match="no bank holidays of england-and-wales"):
        read(text, "england-and-wales")


def test_without_holidays_only_weekends_are_free():
    assert WorkingDays().passed(date(2026, 12, 20), date(2026, 12, 31)) == 9


LAST = date(2028, 12, 26)


@pytest.mark.parametrize(
    ("count", "fails"),
    [
        (lambda days: days.is_one(LAST), False),
        (lambda days: days.is_one(date(2028, 12, 27)), True),
        (lambda days: days.is_one(date(2028, 12, 30)), False),  # a Saturday is none in any year
        (lambda days: days.after(date(2028, 12, 20), 2), False),
        (lambda days: days.after(date(2028, 12, 20), 3), True),
        (lambda days: days.passed(date(2028, 12, 20), LAST), False),
        (lambda days: days.passed(date(2028, 12, 20), date(2028, 12, 27)), True),
        (lambda days: days.latest_with(3, LAST), False),
        (lambda days: days.latest_with(3, date(2029, 1, 2)), True),
    ],
)
@pytest.mark.parametrize("nation", NATIONS)
def test_beyond_the_last_day_of_the_file_is_an_error_that_names_it_g_10(
    nation: str, count: Callable[[WorkingDays], object], fails: bool
):
    days = read(TEXT, nation, file="holidays.json")
    if not fails:
        count(days)
        return
    with pytest.raises(BeyondHolidays, match=r"holidays\.json.*2028-12-26"):
        count(days)


def test_the_universitys_own_say_which_file_and_what_to_do():
    with pytest.raises(BeyondHolidays, match=r"bank-holidays\.json.*2028-12-26.*administrator"):
        working_days().after(date(2028, 12, 20), 10)
