"""Absences as tables: what the policy authorises at once, what is one episode, who decides."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.absence.rules import (
    PRESETS,
    Category,
    Limits,
    People,
    Route,
    Spell,
    Wants,
    Wrong,
    days_in_year,
    episode,
    route_of,
    tell_by,
    wants_evidence,
    why_not,
    why_people,
    year_of,
)
from adsum.core.working_days import WorkingDays

MON = date(2026, 11, 23)
WORKING = WorkingDays({date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "Boxing Day"})
ILLNESS, JURY = PRESETS["illness"], PRESETS["jury"]


def spell(first: int, last: int) -> Spell:
    """Days counted from a Monday in term."""
    return Spell(MON + timedelta(days=first), MON + timedelta(days=last))


@pytest.mark.parametrize(
    ("asked", "earlier", "today", "category", "why"),
    [
        (spell(0, 0), [], 0, ILLNESS, None),
        (spell(0, 6), [], 0, ILLNESS, None),
        (spell(0, 7), [], 0, ILLNESS, People.IN_A_ROW),
        (spell(0, 0), [], 0, JURY, People.CATEGORY),
        # Friday, and on from Monday: the weekend between them belongs to the episode
        (spell(7, 10), [spell(2, 4)], 7, ILLNESS, People.IN_A_ROW),
        (spell(7, 8), [spell(2, 4)], 7, ILLNESS, None),
        # a working day between them: two episodes, and the days of the year are what counts
        (spell(6, 9), [spell(0, 4)], 7, ILLNESS, People.IN_A_ROW),
        (spell(14, 17), [spell(0, 4)], 14, ILLNESS, None),
        (spell(14, 18), [spell(0, 4)], 14, ILLNESS, None),
        (spell(14, 19), [spell(0, 4)], 14, ILLNESS, People.A_YEAR),
        # the year before does not count
        (spell(0, 4), [Spell(date(2026, 7, 20), date(2026, 7, 26))], 0, ILLNESS, None),
        # told five working days after the last day at the latest
        (spell(0, 0), [], 7, ILLNESS, None),
        (spell(0, 0), [], 8, ILLNESS, People.LATE),
        (Spell(date(2026, 12, 21), date(2026, 12, 21)), [], 38, ILLNESS, People.LATE),
        (Spell(date(2026, 12, 21), date(2026, 12, 21)), [], 37, ILLNESS, None),
    ],
)
def test_what_the_policy_authorises_at_once(
    asked: Spell, earlier: list[Spell], today: int, category: Category, why: People | None
):
    today_ = MON + timedelta(days=today)
    got = why_people(asked, category, today=today_, certified=earlier, limits=Limits(), working=WORKING)
    assert got == why


@pytest.mark.parametrize(
    ("in_a_row", "a_year", "why"), [(3, 10, People.IN_A_ROW), (4, 3, People.A_YEAR), (4, 4, None), (0, 0, People.IN_A_ROW)]
)
def test_the_limits_are_the_policys(in_a_row: int, a_year: int, why: People | None):
    limits = Limits(in_a_row=in_a_row, a_year=a_year)
    got = why_people(spell(0, 3), ILLNESS, today=MON, certified=[], limits=limits, working=WORKING)
    assert got == why


SPELLS = st.builds(lambda first, days: spell(first, first + days), st.integers(-60, 60), st.integers(0, 9))


@given(SPELLS, st.lists(SPELLS, max_size=6))
def test_an_episode_holds_what_began_it_and_touches_nothing_more(one: Spell, others: list[Spell]):
    whole = episode(one, others, WORKING)
    assert whole.first <= one.first
    assert one.last <= whole.last
    assert episode(whole, others, WORKING) == whole
    assert episode(one, reversed(others), WORKING) == whole


@given(SPELLS, st.lists(SPELLS, max_size=6))
def test_more_days_away_never_bring_authorisation_nearer(one: Spell, others: list[Spell]):
    def people(certified: list[Spell]) -> bool:
        limits = Limits()
        got = why_people(one, ILLNESS, today=one.last, certified=certified, limits=limits, working=WORKING)
        return got is not None

    assert people(others) >= people(others[1:])
    assert people(others) or days_in_year([one], year_of(one.first)) <= Limits().a_year


@pytest.mark.parametrize(
    ("category", "why", "has", "wanted"),
    [
        (ILLNESS, None, False, False),
        (ILLNESS, People.IN_A_ROW, False, True),
        (ILLNESS, People.A_YEAR, False, True),
        (ILLNESS, People.IN_A_ROW, True, False),
        (ILLNESS, People.LATE, False, False),
        (JURY, People.CATEGORY, False, True),
        (JURY, People.CATEGORY, True, False),
        (PRESETS["bereavement"], People.CATEGORY, False, False),
        (Category("bus", Wants.ALWAYS, authorises=False), People.CATEGORY, False, False),
    ],
)
def test_evidence_is_asked_for_once_an_episode(category: Category, why: People | None, has: bool, wanted: bool):
    assert wants_evidence(category, why, episode_has_it=has) == wanted


@pytest.mark.parametrize(
    ("asked", "classes", "wrong"),
    [
        (spell(0, 0), 1, None),
        (spell(-365, -364), 1, None),
        (spell(-366, -364), 1, Wrong.TOO_OLD),
        (spell(1, 0), 1, Wrong.BACKWARDS),
        (spell(0, 59), 1, None),
        (spell(0, 60), 1, Wrong.TOO_LONG),
        (spell(0, 0), 0, Wrong.NO_CLASS),
    ],
)
def test_what_can_be_told(asked: Spell, classes: int, wrong: Wrong | None):
    assert why_not(asked, today=MON, classes=classes) == wrong


@pytest.mark.parametrize(("day", "began"), [(date(2026, 7, 31), 2025), (date(2026, 8, 1), 2026), (date(2027, 1, 1), 2026)])
def test_the_academic_year_begins_in_august(day: date, began: int):
    assert year_of(day) == date(began, 8, 1)


def test_told_by_when_leaves_out_holidays():
    assert tell_by(date(2026, 12, 21), Limits(), WORKING) == date(2026, 12, 30)


# Faculty 1 has the schools 2 and 3; 4 is another faculty.
PARENTS = {1: None, 2: 1, 3: 1, 4: None}
ANY, FACULTY, SCHOOL, GROUP = Route(1, 10), Route(2, 20, department=1), Route(3, 30, department=2), Route(4, 40, group=7)
ILL_ANY, ILL_FACULTY = Route(5, 50, category="illness"), Route(6, 60, category="illness", department=1)


@pytest.mark.parametrize(
    ("routes", "category", "groups", "departments", "decider"),
    [
        ([], "illness", [7], [2], None),
        ([ANY], "illness", [7], [2], 10),
        ([ANY, FACULTY], "illness", [], [2], 20),
        ([ANY, FACULTY, SCHOOL], "illness", [], [2], 30),
        ([ANY, FACULTY, SCHOOL], "illness", [], [3], 20),
        ([ANY, FACULTY, SCHOOL], "illness", [], [4], 10),
        ([ANY, FACULTY, SCHOOL, GROUP], "illness", [7], [2], 40),
        ([FACULTY, SCHOOL, GROUP], "illness", [8], [4], None),
        ([ANY, ILL_ANY], "illness", [], [2], 50),
        ([ANY, ILL_ANY], "jury", [], [2], 10),
        ([FACULTY, ILL_FACULTY], "illness", [], [2], 60),
        ([SCHOOL, ILL_FACULTY], "illness", [], [2], 30),
        ([FACULTY], "illness", [], [], None),
    ],
)
def test_who_decides(routes: list[Route], category: str, groups: list[int], departments: list[int], decider: int | None):
    found = route_of(routes, category=category, groups=groups, departments=departments, parents=PARENTS)
    assert (found.decider if found else None) == decider
