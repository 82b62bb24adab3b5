"""The academic year of the demo university, in the British way: three terms, reading weeks, bank holidays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from adsum.core.clock import monday_of

HISTORY_WEEKS = 6
"""Teaching weeks with a past, the current one included."""
AHEAD_WEEKS = 6
"""Teaching weeks still to come."""
MONDAY, FRIDAY = 0, 4


@dataclass(frozen=True, slots=True)
class Span:
    """Days from first to last, both included, with what they are called."""

    name: str
    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Year:
    """One academic year; `starting` is the calendar year of its autumn."""

    starting: int
    terms: tuple[Span, ...]
    vacations: tuple[Span, ...]

    @property
    def name(self) -> str:
        return f"{self.starting}/{(self.starting + 1) % 100:02d}"


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher's algorithm; Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def academic_year(starting: int) -> Year:
    """Terms and days without teaching of the year that begins in the autumn of `starting`."""
    day, week = timedelta(days=1), timedelta(weeks=1)
    autumn = monday_of(date(starting, 9, 28))
    christmas = autumn + 12 * week
    spring = monday_of(date(starting + 1, 1, 14))
    easter_vacation = monday_of(easter(starting + 1)) - week
    summer = easter_vacation + 3 * week
    summer_ends = summer + 8 * week - 3 * day  # a Friday
    name = academic_year_name(starting)
    may = date(starting + 1, 5, 1)
    early_may = may + timedelta(days=-may.weekday() % 7)
    last_of_may = monday_of(date(starting + 1, 5, 31))
    return Year(
        starting,
        terms=(
            Span(f"Autumn term {name}", autumn, christmas - 3 * day),
            Span(f"Spring term {name}", spring, easter_vacation - 3 * day),
            Span(f"Summer term {name}", summer, summer_ends),
        ),
        vacations=(
            Span("Reading week", autumn + 6 * week, autumn + 6 * week + 4 * day),
            Span("Christmas vacation", christmas - 2 * day, spring - day),
            Span("Easter vacation", easter_vacation - 2 * day, summer - day),
            Span("Early May bank holiday", early_may, early_may),
            Span("Spring bank holiday", last_of_may, last_of_may),
            Span("Summer vacation", summer_ends + day, monday_of(date(starting + 1, 9, 28)) - day),
        ),
    )


def academic_year_name(starting: int) -> str:
    """As it is written in Britain: 2026/27."""
    return f"{starting}/{(starting + 1) % 100:02d}"


def year_of(day: date) -> int:
    """The academic year a day belongs to: a new one begins when teaching does."""
    return day.year if day >= monday_of(date(day.year, 9, 28)) else day.year - 1


@dataclass(frozen=True, slots=True)
class TeachingCalendar:
    """The weeks the demo's timetable covers, as Mondays, and the years they lie in."""

    today: date
    years: tuple[Year, ...]
    weeks: tuple[date, ...]

    def days(self) -> Iterator[date]:
        """Every day of these weeks on which there is teaching, in order."""
        for monday in self.weeks:
            for offset in range(MONDAY, FRIDAY + 1):
                day = monday + timedelta(days=offset)
                if not any(day in vacation for year in self.years for vacation in year.vacations):
                    yield day

    @property
    def first(self) -> date:
        return self.weeks[0]

    @property
    def entry(self) -> date:
        """When the first-years of this timetable enrolled: the start of the academic year its first week lies in."""
        starting = year_of(self.first)
        return next(year for year in self.years if year.starting == starting).terms[0].first


def around(today: date) -> TeachingCalendar:
    """The teaching weeks around `today`: the latest six that have begun, and the next six."""
    this = year_of(today)
    years = tuple(academic_year(starting) for starting in (this - 1, this, this + 1))
    mondays = [monday for year in years for monday in _teaching_weeks(year)]
    begun = [monday for monday in mondays if monday <= today]
    weeks = begun[-HISTORY_WEEKS:] + mondays[len(begun) : len(begun) + AHEAD_WEEKS]
    touched = {year_of(day) for day in (*weeks, today)}
    return TeachingCalendar(today, tuple(year for year in years if year.starting in touched), tuple(weeks))


def _teaching_weeks(year: Year) -> Iterator[date]:
    for term in year.terms:
        monday = term.first
        while monday <= term.last:
            if not any(monday in vacation and monday + timedelta(days=FRIDAY) in vacation for vacation in year.vacations):
                yield monday
            monday += timedelta(weeks=1)
