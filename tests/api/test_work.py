"""Queries, absences, cases and imports: how they stand, and none of the words in them."""

from datetime import UTC, datetime

import pytest

from adsum.accounts.application_rules import Scope
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Status
from adsum.attendance.weighing import Act
from adsum.audit.models import AccessLog
from adsum.engagement.cases import open_case
from adsum.timetable.models import ClassSession
from tests.api.conftest import Place
from tests.kit.api import problem, tool
from tests.kit.feeds import event, events, table
from tests.kit.marking import mark_students
from tests.kit.world import World

pytestmark = pytest.mark.django_db


def asked(place: Place, student: Person) -> None:
    at = datetime.now(UTC)
    mark_students(place.session, [student], Status.ABSENT, by=place.lecturer, at=at)
    raise_query(place.session, student, at=at, text="My phone was flat")


def test_queries_without_their_words(world: World, place: Place):
    asked(place, place.students[0])
    one = tool(world, Scope.QUERIES_READ, departments=[place.computing])
    answer = one.get("/queries")
    (told,) = answer.json()["queries"]
    assert (told["student"]["ref"], told["class"], told["state"]) == (
        str(place.students[0].ref),
        str(place.session.ref),
        "open",
    )
    assert "flat" not in answer.content.decode()
    assert one.get("/queries", state="upheld").json()["queries"] == []
    assert problem(one.get("/queries", state="lost"))[0] == 422
    assert AccessLog.objects.get(viewer=one.application.person_id).page == "queries"
    ClassSession.objects.filter(pk=place.session.pk).update(status="cancelled")
    assert one.get("/queries").json()["queries"] == []
    assert tool(world, departments=[place.history]).get("/queries").json()["queries"] == []


def test_cases_without_what_is_written_in_them(world: World, place: Place):
    by = Act(world.person(Role.ATTENDANCE_TEAM), datetime.now(UTC))
    open_case(place.students[0], because="Three weeks without a class", act=by)
    answer = tool(world, Scope.CASES_READ, departments=[place.computing]).get("/cases")
    assert [one["student"]["ref"] for one in answer.json()["cases"]] == [str(place.students[0].ref)]
    assert "Three weeks" not in answer.content.decode()
    assert tool(world, departments=[place.history]).get("/cases").json()["cases"] == []


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_of_queries_costs_the_same(world: World, place: Place, rows: int, uncounted: None, django_assert_num_queries):
    for student in place.students[:rows]:
        asked(place, student)
    one = tool(world, departments=[place.computing])
    one.get("/queries")
    with django_assert_num_queries(1):
        assert len(one.get("/queries").json()["queries"]) == rows


def test_a_file_is_read_and_a_person_applies_it(world: World, place: Place):
    one = tool(world, Scope.IMPORTS_WRITE)
    before = ClassSession.objects.count()
    answer = one.post("/imports", {"filename": "classes.csv", "content": events(event()).decode(), "source": "planner"})
    assert answer.status_code == 202
    told = one.get(f"/imports/{answer.json()['ref']}").json()
    assert told["state"] == "checked"
    assert told["changes"] or told["problems"]
    assert ClassSession.objects.count() == before
    assert problem(tool(world).get(f"/imports/{answer.json()['ref']}")) == (404, "not_found")


def test_a_file_of_roles_is_refused(world: World):
    content = table("person,role", [{"person": "00000001", "role": "administrator"}]).decode()
    answer = tool(world).post("/imports", {"filename": "roles.csv", "content": content})
    assert problem(answer) == (422, "roles_by_administrators")
