"""The menu: everything a role needs, and short enough to see at a glance."""

from datetime import date

import pytest
from django.urls import reverse

from adsum.accounts.rules import Access, Role
from adsum.web.navigation import LONG, items_for


def menu(*roles: Role) -> tuple[list[str], list[str]]:
    """The names in sight, and those under More."""
    items = items_for(Access(date(2026, 11, 30), dict.fromkeys(roles)), current="/work/")
    return [str(one.label) for one in items if not one.under_more], [str(one.label) for one in items if one.under_more]


@pytest.mark.parametrize("role", Role)
def test_no_role_has_more_in_sight_than_a_laptop_shows(role: Role):
    in_sight, more = menu(role)
    assert in_sight[-1] == "Messages" or not more
    assert len(in_sight) <= LONG


def test_what_the_team_seldom_needs_is_under_more_and_the_rest_behind_work():
    in_sight, more = menu(Role.ATTENDANCE_TEAM)
    assert in_sight == ["Work", "Classes", "To complete", "Modules", "Students", "Messages"]
    assert {"Conduct", "Who steps in", "Adjustments", "Alert rules"} <= set(more)
    assert not {"Alerts", "Queries", "Contradictions", "Cases"} & {*in_sight, *more}


def test_a_short_menu_is_shown_whole():
    in_sight, more = menu(Role.COMPLIANCE_SLC)
    assert ("Amendments" in in_sight, more) == (True, [])


def test_an_officer_for_sponsored_students_begins_with_them():
    assert menu(Role.COMPLIANCE_UKVI)[0][0] == "Sponsored students"


@pytest.mark.parametrize(
    ("role", "page", "marked"),
    [
        (Role.ATTENDANCE_TEAM, "cases", "Work"),
        (Role.ATTENDANCE_TEAM, "concerns", "Work"),
        (Role.TUTOR, "concerns", "Cases"),
        (Role.ATTENDANCE_TEAM, "closures", "Work"),
        (Role.ATTENDANCE_TEAM, "rehearsal", "Alert rules"),
        (Role.DEPARTMENT, "rehearsal", "Rehearsal"),
        (Role.ADMINISTRATOR, "cover", "Who steps in"),
    ],
)
def test_a_page_marks_the_door_behind_which_it_is_found(role: Role, page: str, marked: str):
    items = items_for(Access(date(2026, 11, 30), {role: None}), current=reverse(page))
    assert [str(one.label) for one in items if one.current] == [marked]
