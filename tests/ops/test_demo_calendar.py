"""The demo's academic year and its students' habits: pure functions."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.ops.demo.calendar import AHEAD_WEEKS, HISTORY_WEEKS, academic_year, around, easter, year_of
from adsum.ops.demo.catalogue import FACULTIES, ROOMS, SCHOOLS
from adsum.ops.demo.habits import SHARES, Habit, Moment, chance_to_be_late, chance_to_come
from adsum.timetable.rules import Kind

DAYS = st.dates(date(2020, 1, 1), date(2060, 1, 1))


@pytest.mark.parametrize(
    "sunday", [date(2008, 3, 23), date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2027, 3, 28), date(2038, 4, 25)]
)
def test_easter(sunday):
    assert easter(sunday.year) == sunday


def test_the_year_2026_27():
    year = academic_year(2026)
    assert [(term.first, term.last) for term in year.terms] == [
        (date(2026, 9, 28), date(2026, 12, 18)),
        (date(2027, 1, 11), date(2027, 3, 12)),
        (date(2027, 4, 5), date(2027, 5, 28)),
    ]
    assert year.name == "2026/27"
    assert date(2027, 5, 3) in next(span for span in year.vacations if "Early May" in span.name)
    assert date(2027, 5, 31) in next(span for span in year.vacations if "Spring bank" in span.name)


@given(DAYS)
def test_terms_follow_each_other_and_a_day_has_one_year(day):
    year = academic_year(year_of(day))
    assert year.terms[0].first <= day < academic_year(year.starting + 1).terms[0].first
    assert all(before.last < after.first for before, after in zip(year.terms, year.terms[1:], strict=False))


@given(DAYS)
def test_there_are_always_weeks_behind_and_ahead(today):
    calendar = around(today)
    assert len(calendar.weeks) == HISTORY_WEEKS + AHEAD_WEEKS
    assert sum(monday <= today for monday in calendar.weeks) == HISTORY_WEEKS
    assert list(calendar.weeks) == sorted(set(calendar.weeks))
    assert all(monday.weekday() == 0 for monday in calendar.weeks)
    assert calendar.entry <= calendar.first
    days = list(calendar.days())
    assert len(days) >= 5 * len(calendar.weeks) - 4  # but for bank holidays
    assert not any(day in vacation for day in days for year in calendar.years for vacation in year.vacations)


def test_the_university_is_as_large_as_it_says():
    assert len(FACULTIES) == 3
    assert sum(len(school.courses) for school in SCHOOLS) == 12
    assert len({module.code for school in SCHOOLS for module in school.modules}) == 60
    assert sum(course.share for school in SCHOOLS for course in school.courses) == 1000
    assert len({room.name for room in ROOMS}) == len(ROOMS)


def moment(*, week: int = 3, weekday: int = 2, hour: int = 14) -> Moment:
    return Moment(week, weekday, hour, Kind.SEMINAR, mandatory=True)


def test_habits_are_what_their_names_say():
    assert sum(SHARES.values()) == pytest.approx(1)
    assert chance_to_come(Habit.VANISHED, moment(week=1)) > 0.8
    assert chance_to_come(Habit.VANISHED, moment(week=2)) == 0
    fading = [chance_to_come(Habit.FADING, moment(week=week)) for week in range(6)]
    assert fading == sorted(fading, reverse=True)
    monday = moment(weekday=0, hour=9)
    assert chance_to_come(Habit.NOT_ON_MONDAYS, monday) < 0.3 < 0.9 < chance_to_come(Habit.NOT_ON_MONDAYS, moment())
    assert chance_to_be_late(Habit.LATE_RISER, monday) > chance_to_be_late(Habit.STEADY, monday)
    assert all(0 <= chance_to_come(habit, moment(week=week)) <= 1 for habit in Habit for week in range(7))


def test_vacations_last_as_long_as_in_britain():
    for starting in range(2024, 2040):
        spans = {span.name: span for span in academic_year(starting).vacations}
        easter_vacation = spans["Easter vacation"]
        assert easter(starting + 1) in easter_vacation
        assert timedelta(weeks=3) <= easter_vacation.last - easter_vacation.first <= timedelta(days=23)
