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
from adsum.attendance.ahead import Contrary
from adsum.attendance.ahead_tables import Contradiction
from adsum.attendance.models import Query
from adsum.attendance.queries import raise_query
from adsum.attendance.weighing import Act
from adsum.engagement.cases import open_case
from adsum.engagement.models import Assigned, Case
from adsum.web.support import work_kinds
from adsum.web.walking import Walk
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
    monkeypatch.setattr(work_kinds, "MOST", 1)
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
    assert counts == [16, 16]


# Given to a colleague, done together, and one after the other


def _post(client: Client, **given: object) -> str:
    return text_of(client.post("/work/act/", {"back": "", **given}, follow=True))


def test_work_is_given_to_a_colleague_whatever_it_is(world: World, team: Person, client: Client):
    asks, has = _asks(world, "Ann Asks"), _has_a_case(world, "Cat Case", team, at=6 * DAY)
    query, case = Query.objects.get(student=asks), Case.objects.get(student=has)
    other = world.person(Role.ATTENDANCE_TEAM, name="Olga Other")
    client.force_login(team)
    assert "Select one or more lines first." in _post(client, action="give", to=other.ref)
    page = _post(client, action="give", to=other.ref, query=query.ref, case=case.ref)
    assert "Olga Other has 2 more to do." in page
    case.refresh_from_db()
    assert case.owner == other
    assert "Nothing to do." in text_of(client.get("/work/?whose=mine"))
    client.force_login(other)
    mine = text_of(client.get("/work/?whose=mine"))
    assert "Ann Asks" in mine
    assert "Cat Case" in mine
    assert "Queries 0" in text_of(client.get("/work/?whose=free"))


def test_nobody_is_given_what_they_may_not_see(world: World, team: Person, client: Client):
    asks = _asks(world, "Ann Asks")
    history = world.person(Role.DEPARTMENT, name="Hal History", department=world.department("HI", "History"))
    client.force_login(team)
    page = _post(client, action="give", to=history.ref, query=Query.objects.get(student=asks).ref)
    assert "Hal History does not have all of these in reach." in page
    assert "Choose the colleague" in _post(client, action="give", to=asks.ref, query=Query.objects.get().ref)
    assert not Assigned.objects.exists()


def test_many_contradictions_are_looked_at_together(world: World, team: Person, client: Client):
    session, student = world.session(world.group()), world.student("Tess Twice")
    rows = [
        Contradiction.objects.create(kind=kind, student=student, session=session, found_at=NINE)
        for kind in (Contrary.TWO_ROOMS, Contrary.MANY_CHANGES)
    ]
    client.force_login(team)
    page = _post(client, back="show=contradictions&", action="looked", contradiction=[one.pk for one in rows])
    assert "2 are off the list." in page
    assert not Contradiction.objects.filter(seen_at=None).exists()


def test_the_way_leads_from_one_to_the_next_and_back(world: World, team: Person, client: Client):
    first, second = _asks(world, "Ann Asks"), _has_a_case(world, "Cat Case", team, at=6 * DAY)
    query, case = Query.objects.get(student=first), Case.objects.get(student=second)
    client.force_login(team)
    path = f"/classes/{query.session.ref}/students/{first.ref}/"
    assert 'class="walk"' not in client.get(path).content.decode(), "no list led here"
    client.get("/work/?whose=")
    assert client.get(path).context["walk"] == Walk("/work/?whose=", f"/cases/{case.ref}/", 1, 2)
    answer = {"status": "stays", "reason": "Nobody saw you there"}
    answered = client.post(f"/classes/{query.session.ref}/queries/{query.ref}/", answer, follow=True)
    assert f'href="/cases/{case.ref}/" rel="next"' in answered.content.decode(), "after the answer, too"
    assert "The last of this list" in text_of(client.get(f"/cases/{case.ref}/"))
    assert 'class="walk"' not in client.get("/messages/").content.decode()


def test_the_menu_counts_what_waits_in_one_query(world: World, team: Person, client: Client):
    client.force_login(team)
    client.get("/messages/")
    counts = []
    for number in (0, 3):
        for _ in range(number):
            _asks(world, "Ann Asks")
            _has_a_case(world, "Cat Case", team)
        with CaptureQueriesContext(connection) as queries:
            page = text_of(client.get("/messages/"))
        counts.append([one["sql"] for one in queries])
        assert ("Work 6" in page) is (number == 3)
    assert len(counts[0]) == len(counts[1])
    assert sum("counted" in one for one in counts[1]) == 1
