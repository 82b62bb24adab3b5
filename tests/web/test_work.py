"""The one list of the team: every kind of work by its day, one kind of it, and nobody else's."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.queries import raise_query
from adsum.attendance.weighing import Act
from adsum.engagement.cases import open_case
from adsum.web.support import work
from tests.kit.reading import text_of
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def team(world: World) -> Iterator[Person]:
    with time_machine.travel(NINE + 8 * DAY, tick=False):
        yield world.person(Role.ATTENDANCE_TEAM)


def _asks(world: World, name: str, at: timedelta = timedelta()) -> Person:
    group = world.group()
    student = world.student(name, groups=[group])
    world.enrol(student)
    raise_query(world.session(group, starts_at=NINE), student, at=NINE + at)
    return student


def _has_a_case(world: World, name: str, team: Person, at: timedelta = timedelta()) -> Person:
    student = world.student(name)
    world.enrol(student)
    open_case(student, because="Three weeks without a class", act=Act(team, NINE + at))
    return student


def test_what_is_due_first_comes_first_whatever_it_is(world: World, team: Person, client: Client):
    _asks(world, "Ann Asks")
    _has_a_case(world, "Cat Case", team, at=6 * DAY)
    _asks(world, "Ben Asks", at=7 * DAY)
    client.force_login(team)
    page = text_of(client.get("/work/"))
    assert "Everything 3 Queries 2 Absences 0 Alerts 0 Contradictions 0 Cases 1 Not opened 0" in page
    assert "Mon 30 Nov, late Ann Asks" in page
    assert page.index("Ann Asks") < page.index("Cat Case") < page.index("Ben Asks")
    only = text_of(client.get("/work/?show=cases"))
    assert "Cat Case" in only
    assert "Ann Asks" not in only


def test_of_very_many_cases_the_first_due_are_shown_and_all_are_counted(
    world: World, team: Person, client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(work, "MOST", 1)
    _has_a_case(world, "Zoe Later", team, at=6 * DAY)
    _has_a_case(world, "Abe Sooner", team)
    client.force_login(team)
    page = text_of(client.get("/work/"))
    assert "Cases 2" in page
    assert "Abe Sooner" in page
    assert "Zoe Later" not in page


def test_nothing_of_other_departments(world: World, team: Person, client: Client):
    _asks(world, "Ann Asks")
    _has_a_case(world, "Cat Case", team)
    client.force_login(world.person(Role.DEPARTMENT, department=world.department("HI", "History")))
    assert "Nothing to do." in text_of(client.get("/work/"))


def test_it_costs_the_same_for_one_and_three(world: World, team: Person, client: Client):
    client.force_login(team)
    counts = []
    for number in (1, 2):
        for _ in range(number):
            _asks(world, "Ann Asks")
            _has_a_case(world, "Cat Case", team)
        client.get("/work/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/work/")
        counts.append(len(queries))
    assert counts[0] == counts[1] == 17
