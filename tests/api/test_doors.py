"""The table of doors of the API: each operation × each scope, and what a stranger, another department's application and a
token that is over get there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from adsum.accounts import applications
from adsum.accounts.application_rules import Scope
from adsum.accounts.application_tables import ApplicationToken
from adsum.api import callers, limits
from adsum.api.offers import SCOPES
from adsum.api.urls import urlpatterns
from adsum.attendance.models import Mark
from adsum.timetable.services import start_import
from adsum.timetable.sources import Import
from tests.api.conftest import Place
from tests.kit.api import Tool, problem, register, tool
from tests.kit.world import World

pytestmark = pytest.mark.django_db

C, R, M, S, F = Scope.CLASSES_READ, Scope.REGISTERS_READ, Scope.MARKS_WRITE, Scope.STUDENTS_READ, Scope.CHANGES_READ
# fmt: off
DOORS = {
    # name of the address   method  path                          the scope that opens it; each other one answers 403
    "api_classes":  ("GET",  "/classes",                          C),
    "api_class":    ("GET",  "/classes/{session}",                C),
    "api_register": ("GET",  "/classes/{session}/register",       R),
    "api_marks":    ("POST", "/classes/{session}/marks",          M),
    "api_students": ("GET",  "/students",                         S),
    "api_record":   ("GET",  "/students/{student}/record",        S),
    "api_changes":  ("GET",  "/changes",                          F),
    "api_queries":  ("GET",  "/queries",                          Scope.QUERIES_READ),
    "api_absences": ("GET",  "/absences",                         Scope.ABSENCES_READ),
    "api_cases":    ("GET",  "/cases",                            Scope.CASES_READ),
    "api_imports":  ("POST", "/imports",                          Scope.IMPORTS_WRITE),
    "api_import":   ("GET",  "/imports/{import}",                 Scope.IMPORTS_WRITE),
}
# fmt: on
OPENED = {"api_imports": 202}
"""What opens with another answer."""
ABOUT_ONE = {"api_class", "api_register", "api_marks", "api_record", "api_import"}
"""What another department's application is answered 404 for."""


def knock(caller: Tool, name: str, place: Place) -> Any:
    method, path, _scope = DOORS[name]
    run = Import.objects.filter(kind="events").first() or imported(caller)
    path = path.format(**{"session": place.session.ref, "student": place.students[0].ref, "import": run.ref})
    if method == "GET":
        return caller.get(path)
    if name == "api_imports":
        return caller.post(path, {"filename": "a.csv", "content": "event_id\n"})
    return caller.post(path, {"marks": [{"student": str(place.students[0].ref), "status": "present"}]})


def imported(caller: Tool) -> Import:
    """A file that this application has brought in."""
    actor = caller.application.person.actor
    return start_import(kind="events", filename="a.csv", content=b"", options={}, actor=actor, at=datetime.now(UTC))


def test_every_operation_has_its_row():
    assert {name: (method, scope) for (method, name), scope in SCOPES.items()} == {
        name: (method, scope) for name, (method, _path, scope) in DOORS.items()
    }
    beside = {"api", "api_openapi", "api_token", "api_unknown"}
    assert {one.name for one in urlpatterns} == set(DOORS) | beside


@pytest.mark.parametrize("scope", Scope)
def test_each_scope_opens_its_operations_and_no_other(world: World, place: Place, scope: Scope):
    one = tool(world, scope, departments=[place.computing])
    got = {name: knock(one, name, place) for name in DOORS}
    assert {name: answer.status_code for name, answer in got.items()} == {
        name: OPENED.get(name, 200) if needs == scope else 403 for name, (_method, _path, needs) in DOORS.items()
    }
    for answer in got.values():
        if answer.status_code == 403:
            assert problem(answer) == (403, "insufficient_scope")
            assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]


def test_another_departments_things_do_not_exist(world: World, place: Place):
    other = tool(world, departments=[place.history])
    imported(tool(world))
    got = {name: knock(other, name, place) for name in DOORS}
    assert {name for name, answer in got.items() if answer.status_code == 404} == ABOUT_ONE
    assert {problem(got[name]) for name in ABOUT_ONE} == {(404, "not_found")}
    for name in set(DOORS) - ABOUT_ONE:
        assert str(place.session.ref) not in got[name].content.decode()
        assert str(place.students[0].ref) not in got[name].content.decode()
    assert not Mark.objects.exists()


def test_departments_below_are_within_reach(world: World, place: Place):
    faculty = world.department("SCI", "Science")
    place.computing.parent = faculty
    place.computing.save()
    assert tool(world, departments=[faculty]).get(f"/classes/{place.session.ref}").status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "no_token"),
        ("", "no_token"),
        ("Bearer", "no_token"),
        ("Basic YTpi", "no_token"),
        ("Bearer adsum_t_nothing", "bad_token"),
        ("Bearer " + "x" * 5_000, "bad_token"),
        ("Bearer é\u00ff", "bad_token"),
    ],
)
def test_a_stranger(world: World, place: Place, header: str | None, code: str):
    client = Client(headers={} if header is None else {"authorization": header})
    for name, (method, path, _scope) in DOORS.items():
        names = {"session": place.session.ref, "student": place.students[0].ref, "import": place.session.ref}
        address = f"/api/v1{path.format(**names)}"
        answer = client.generic(method, address, "{}", content_type="application/json")
        assert problem(answer) == (401, code), name
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_signed_in_administrator_is_a_stranger_here(world: World, place: Place, client: Client):
    from adsum.accounts.rules import Role

    client.force_login(world.person(Role.ADMINISTRATOR))
    assert problem(client.get("/api/v1/classes")) == (401, "no_token")


def test_a_token_that_is_over_or_ended_or_not_the_right_one(world: World, place: Place):
    at = datetime.now(UTC)
    application = register(world, departments=[place.computing])
    one = Tool(application)
    assert one.get("/classes").status_code == 200
    with time_machine.travel(at + timedelta(days=366), tick=False):
        assert problem(one.get("/classes")) == (401, "bad_token")
    applications.end_token(one.token, by=application.made_by, at=at)
    callers.forget()  # what a process knew, it knows for less than a second
    assert problem(one.get("/classes")) == (401, "bad_token")
    assert callers.KNOWN_FOR < 1
    secret = applications.make_token(
        application, ApplicationToken.Kind.SECRET, lives=timedelta(days=1), by=application.made_by, at=at
    ).secret
    assert problem(Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/classes")) == (401, "bad_token")


def test_an_earlier_token_goes_on_for_a_week(world: World):
    at = datetime.now(UTC)
    application = register(world)
    earlier, later = Tool(application), Tool(application)
    assert earlier.get("/classes").status_code == later.get("/classes").status_code == 200
    with time_machine.travel(at + timedelta(days=8), tick=False):
        assert problem(earlier.get("/classes")) == (401, "bad_token")
        assert later.get("/classes").status_code == 200


def test_an_application_that_is_switched_off(world: World, place: Place):
    application = register(world)
    one = Tool(application)
    assert one.get("/classes").status_code == 200
    applications.end(application, by=application.made_by, at=datetime.now(UTC))
    callers.forget()
    assert problem(one.get("/classes")) == (401, "bad_token")
    assert application.person.roles(datetime.now(UTC)) == frozenset()


def test_a_scope_that_is_taken_away(world: World, place: Place):
    application = register(world)
    one = Tool(application)
    assert one.get("/students").status_code == 200
    applications.change(
        application,
        name=application.name,
        purpose="x",
        keeper=application.keeper,
        scopes=[Scope.CLASSES_READ],
        departments=[],
        by=application.made_by,
        at=datetime.now(UTC),
    )
    callers.forget()
    assert problem(one.get("/students")) == (403, "insufficient_scope")
    assert one.get("/classes").status_code == 200


def test_calls_are_counted_and_limited(world: World, place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "monotonic", lambda: 1_000.0)
    application = register(world)
    application.a_minute = 60
    application.save()
    one = Tool(application)
    answers = [one.get("/classes") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert problem(answers[-1]) == (429, "too_many_calls")
    assert answers[-1]["Retry-After"] == "1"
    assert answers[0]["RateLimit-Policy"] == '"calls";q=60;w=60'
    assert answers[0]["RateLimit"] == '"calls";r=9;t=1'
    counted = {(call.operation, call.status): call.count for call in application.calls.all()}
    assert counted == {("api_classes", 200): 10, ("api_classes", 429): 1}
    one.token.refresh_from_db()
    assert one.token.used_at is not None


def test_methods_and_addresses_that_are_none(world: World, place: Place):
    one = tool(world)
    assert problem(one.client.delete(f"/api/v1/classes/{place.session.ref}")) == (405, "no_such_method")
    assert one.client.delete(f"/api/v1/classes/{place.session.ref}")["Allow"] == "GET"
    assert one.client.head(f"/api/v1/classes/{place.session.ref}").status_code == 405  # no scope is for it
    for path in ("/nothing", "/classes/7", f"/classes/{place.session.ref}/", "/../admin"):
        assert problem(one.get(path)) == (404, "not_found")


def test_answers_are_kept_by_nobody(world: World, place: Place):
    answer = tool(world).get("/classes")
    assert answer["Cache-Control"] == "no-store"
    assert "Authorization" in answer["Vary"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
