"""The feed of changes: in the order of the log, each once, whatever else goes on."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adsum.accounts.application_rules import Scope
from adsum.attendance.rules import Reason, Status
from adsum.audit.services import erase, seal
from tests.api.conftest import Place
from tests.kit.api import Tool, problem, tool
from tests.kit.marking import mark_students
from tests.kit.world import World, cancel_class

pytestmark = pytest.mark.django_db


def sealed() -> None:
    """As every minute."""
    seal(at=datetime.now(UTC))


def read(one: Tool, since: str = "", limit: int = 500) -> tuple[list[Any], str]:
    """What is new since the cursor, read to its end."""
    found: list[Any] = []
    while True:
        told = one.get("/changes", since=since, limit=limit).json()
        found += told["changes"]
        since = told["next"]
        if not told["more"]:
            return found, since


def test_marks_come_once_with_what_they_are_now(world: World, place: Place):
    ada, bell, _cy = place.students
    mark_students(place.session, [ada, bell], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    one = tool(world, Scope.CHANGES_READ, departments=[place.computing])
    assert read(one)[0] == []  # not in the log's order yet
    sealed()
    found, since = read(one, limit=2)
    assert [(change["kind"], change["student"], change["mark"]["status"]) for change in found] == [
        ("mark", str(ada.ref), "present"),
        ("mark", str(bell.ref), "present"),
    ]
    assert {change["class"] for change in found} == {str(place.session.ref)}
    assert read(one, since) == ([], since)
    why = Reason.SEEN_IN_CLASS
    mark_students(place.session, [ada], Status.LATE, by=place.lecturer, at=place.session.starts_at, reason_code=why)
    sealed()
    found, _since = read(one, since)
    assert [(change["student"], change["mark"]["status"]) for change in found] == [(str(ada.ref), "late")]


def test_changes_of_classes_and_nothing_of_other_departments(world: World, place: Place):
    cancel_class(place.session, at=datetime.now(UTC), actor="system:test")
    cancel_class(place.elsewhere, at=datetime.now(UTC), actor="system:test")
    sealed()
    found, _since = read(tool(world, departments=[place.computing]))
    assert [(one["kind"], one["class"], one["student"]) for one in found] == [("class", str(place.session.ref), None)]


def test_of_the_erased_nothing_is_told(world: World, place: Place):
    ada, bell, _cy = place.students
    mark_students(place.session, [ada, bell], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    erase(ada.pk, by="system:test", at=datetime.now(UTC))
    sealed()
    found, _since = read(tool(world))
    assert [one["student"] for one in found] == [str(bell.ref)]


def test_a_cursor_beyond_everything_finds_nothing(world: World):
    from adsum.api.cursors import cursor

    one = tool(world)
    assert one.get("/changes", since=cursor(2**61)).json()["changes"] == []
    assert problem(one.get("/changes", since=cursor(2**62))) == (422, "bad_cursor")
    assert problem(one.get("/changes", limit=2001))[0] == 422


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_of_changes_costs_the_same(world: World, place: Place, rows: int, uncounted: None, django_assert_num_queries):
    mark_students(place.session, place.students[:rows], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    sealed()
    one = tool(world, departments=[place.computing])
    one.get("/changes")
    with django_assert_num_queries(6):  # places, events, classes, aliases, people, marks
        told = json.loads(one.get("/changes").content)
    assert len(told["changes"]) == rows
