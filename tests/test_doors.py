"""The table of doors: every address × who knocks → what they get. An address without a row fails, and so does a row that
no longer leads anywhere. Below it: reading changes nothing, and nothing is written without proof that our own page asked."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from starlette.routing import Route

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.asgi import Application
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.attendance.services import mark_students, raise_query
from adsum.checkin.rules import Refusal
from adsum.checkin.services import NewDisplay, add_display, begin_pairing, open_checkin
from adsum.checkin.writer import record_scans
from adsum.integrations.mapping import PRESETS
from adsum.timetable.services import save_mapping, start_import
from adsum.web.live import display_cookie
from tests.test_checkin_writer import attempt
from tests.world import World, in_thread

WHO = ("anonymous", "student", "other student", "lecturer", "other lecturer", "team", "timetabling", "administrator")
"""Who knocks: a student and the lecturer of the class the address is about, another of each, and three kinds of staff."""

IN = "sign in"
"""Sent to the sign-in page."""


Gets = tuple[int | str, ...]
"""What each of WHO gets: a status, or IN."""


@dataclass(frozen=True)
class Door:
    """One address and method: its URL name, what is sent, and what each of WHO gets."""

    name: str
    method: str
    path: str
    gets: Gets
    data: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def always(status: int) -> Gets:
    return (status,) * len(WHO)


def instead(gets: Gets, status: int) -> Gets:
    """The same people, but they get `status` where they got 200."""
    return tuple(status if got == 200 else got for got in gets)


def doors(name: str, path: str, get: Gets | None, post: Gets | None, **data: str) -> tuple[Door, Door]:
    return Door(name, "GET", path, get or always(405)), Door(name, "POST", path, post or always(405), data)


# fmt: off
#                                        anon stud oth. lect oth. team t.t. adm.
STUDENTS     = (                          IN, 200, 200, 404, 404, 404, 404, 404)
THIS_STUDENT = (                          IN, 200, 404, 404, 404, 404, 404, 404)
TEACHING     = (                          IN, 404, 404, 200, 200, 404, 404, 404)
THIS_CLASS   = (                          IN, 404, 404, 200, 404, 200, 404, 404)
OFFICE       = (                          IN, 404, 404, 404, 404, 200, 404, 404)
IMPORTS      = (                          IN, 404, 404, 404, 404, 404, 200, 200)
LOCAL        = (                          IN, 404, 404, 404, 404, 404, 404, 200)
SWITCHES     = (                          IN, 404, 404, 404, 404, 404, 404, 200)
STAFF        = (                          IN, 404, 404, 200, 200, 200, 200, 200)
SIGNED_OUT   = (                         200, 302, 302, 302, 302, 302, 302, 302)
HOME         = (                          IN, 302, 302, 302, 302, 302, 302, 200)
DONE         = instead(THIS_CLASS, 302)

DOORS = [
    # URL name, address, what each gets for GET, what for POST (None: not there, 405 for everyone), what is posted
    *doors("home",                    "/",                                  HOME, None),
    *doors("design",                  "/design/",                           STAFF, None),
    *doors("set_language",            "/language/",                         always(302), always(302), language="cy"),

    *doors("sign_in",                 "/sign-in/",                          SIGNED_OUT, instead(SIGNED_OUT, 422)),
    *doors("account_login",           "/sign-in/",                          SIGNED_OUT, instead(SIGNED_OUT, 422)),
    *doors("sign_in_password",        "/sign-in/password/",                 always(302), always(302)),
    *doors("mfa_authenticate",        "/sign-in/code/",                     always(302), always(302)),
    *doors("sign_in_university",      "/sign-in/university/",               always(302), None),
    *doors("account_inactive",        "/sign-in/closed/",                   always(403), always(403)),
    *doors("sign_in_other",           "/sign-in/other/",                    (302, *(200,) * 7), None),
    *doors("sign_in_try",             "/sign-in/try/",                      None, always(404)),
    *doors("account_logout",          "/sign-out/",                         None, always(302)),
    *doors("signed_out",              "/signed-out/",                       SIGNED_OUT, SIGNED_OUT),
    *doors("openid_connect_login",    "/oidc/nobody/login/",                always(404), None),
    *doors("openid_connect_callback", "/oidc/nobody/login/callback/",       always(404), None),
    *doors("security",                "/account/security/",                 LOCAL, instead(LOCAL, 422)),
    *doors("new_password",            "/account/password/",                 LOCAL, instead(LOCAL, 422)),

    # A student's own pages
    *doors("student_today",           "/today/",                            STUDENTS, None),
    *doors("student_record",          "/record/",                           STUDENTS, None),
    *doors("student_module",          "/record/modules/{module}/",          THIS_STUDENT, None),
    *doors("student_class",           "/record/classes/{session}/",         THIS_STUDENT, None),
    *doors("student_query",           "/record/classes/{session}/query/",   None, instead(THIS_STUDENT, 302)),

    # The lecturer's side; every class also for the attendance team
    *doors("teaching_today",          "/teaching/",                         TEACHING, None),
    *doors("office_classes",          "/office/classes/",                   OFFICE, None),
    *doors("class_register",          "/classes/{session}/",                THIS_CLASS, None),
    *doors("count_heads",             "/classes/{session}/headcount/",      None, DONE, people="3"),
    *doors("mark_rest",               "/classes/{session}/rest/",           None, DONE),
    *doors("mark_students",           "/classes/{session}/marks/",          None, DONE, student="{student}", status="present"),
    *doors("amend_marks",             "/classes/{session}/amend/",          DONE, DONE, student="{student}", status="present",
                                                                            reason_code="seen_in_class"),
    *doors("student_mark",            "/classes/{session}/students/{student}/", THIS_CLASS, None),
    *doors("answer_query",            "/classes/{session}/queries/{query}/", None, DONE, status="present", reason="Seen"),
    *doors("accept_all_held",         "/classes/{session}/held/",           None, DONE),
    *doors("decide_held",             "/held/{scan}/",                      None, DONE, decision="accept"),
    *doors("class_display",           "/classes/{session}/display/",        None, DONE),
    *doors("reopen_checkin",          "/classes/{session}/check-in/open/",  None, DONE),
    *doors("stop_checkin",            "/classes/{session}/check-in/stop/",  None, DONE),
    *doors("change_pace",             "/classes/{session}/check-in/pace/",  None, DONE, pace="brisk"),
    *doors("kill_codes",              "/classes/{session}/check-in/new-codes/", None, DONE),
    *doors("pair_screen",             "/classes/{session}/screens/pair/",   None, DONE, code="{pairing}"),
    *doors("stop_screen",             "/classes/{session}/screens/{display}/stop/", None, DONE),

    # A screen has a secret of its own, and none of these browsers holds it
    *doors("display_pairing",         "/display/",                          always(200), always(302)),
    *doors("display",                 "/display/{display}/",                always(403), None),
    *doors("display_refresh",         "/display/{display}/refresh/",        None, always(302)),

    # Imports
    *doors("imports",                 "/imports/",                          IMPORTS, instead(IMPORTS, 422)),
    *doors("imports_missing",         "/imports/missing/",                  IMPORTS, instead(IMPORTS, 302)),
    *doors("import_calendar_new",     "/imports/calendars/new/",            IMPORTS, instead(IMPORTS, 422), code=""),
    *doors("import_calendar",         "/imports/calendars/{calendar}/",     IMPORTS, instead(IMPORTS, 422), code=""),
    *doors("import_calendar_fetch",   "/imports/calendars/{calendar}/fetch/", None, instead(IMPORTS, 302)),
    *doors("import",                  "/imports/{import}/",                 IMPORTS, None),
    *doors("import_decide",           "/imports/{import}/decide/",          None, instead(IMPORTS, 302), action="discard"),
    *doors("office_checkin",          "/office/check-in/",                  SWITCHES, None),
    *doors("office_checkin_pause",    "/office/check-in/pause/",            None, instead(SWITCHES, 302), reason="Fire"),
    *doors("office_checkin_resume",   "/office/check-in/resume/",           None, instead(SWITCHES, 302)),
    *doors("office_checkin_retire",   "/office/check-in/keys/k0/retire/",   None, instead(SWITCHES, 302)),
    *doors("import_problems",         "/imports/{import}/problems.csv",     IMPORTS, None),
]

# The gate and the live streams, which are not Django's. A student who is not expected may scan: the scan is held.
GATE = [
    #    address                         method  asked for              anon stud oth. lect oth. team t.t. adm.
    Door("/in",                          "GET",  "/in",                 (303, 200, 200, 200, 200, 200, 200, 200)),
    Door("/in/code",                     "POST", "/in/code",           (303, 200, 200, 200, 200, 200, 200, 200), {"code": "1"}),
    Door("/in/confirm",                  "GET",  "/in/confirm",         always(200)),
    Door("/in/confirm",                  "POST", "/in/confirm",         (303, 200, 200, 200, 200, 200, 200, 200)),
    Door("/in/query",                    "POST", "/in/query",           (303, 200, 200, 200, 200, 200, 200, 200)),
    Door("/{code}",                      "GET",  "/" + "0" * 36,        always(200)),
    Door("/live/display/{ref:uuid}",     "GET",  "/live/display/{display}", always(403)),
    Door("/live/display/{ref:uuid}/now", "GET",  "/live/display/{display}/now", always(403)),
    Door("/live/register/{ref:uuid}",    "GET",  "/live/register/{session}", (403, 403, 403, 200, 403, 200, 403, 403)),
]
# fmt: on


class House:
    """A class that is on now, everyone of WHO, and one of everything an address can name."""

    def __init__(self) -> None:
        world = World()
        at = datetime.now(UTC)
        group = world.group()
        self.people: dict[str, Person] = {
            "student": world.student(groups=[group]),
            "other student": world.student(groups=[world.group()]),
            "lecturer": world.lecturer(),
            "other lecturer": world.lecturer(),
            "team": world.person(Role.ATTENDANCE_TEAM),
            "timetabling": world.person(Role.TIMETABLING),
            "administrator": world.person(Role.ADMINISTRATOR),
        }
        for who, person in self.people.items():
            if who == "administrator":  # the one with a password here
                person.set_password("correct horse battery")
            else:
                person.set_unusable_password()
            person.save()
        student, other, lecturer = (self.people[who] for who in ("student", "other student", "lecturer"))
        session = world.session(group, starts_at=at - timedelta(minutes=5), staff=[lecturer])
        world.session(staff=[self.people["other lecturer"]])
        mark_students(session, [student], Status.ABSENT, by=lecturer, at=at)
        opening = open_checkin(session, by=lecturer, at=at)
        self.display: NewDisplay = add_display(opening, by=lecturer, at=at)
        held = attempt(opening, other, first_seen_at=at, finished_at=at, verdict=Refusal.NOT_EXPECTED)
        record_scans([held])
        mapping = save_mapping(
            name="feed", url="http://127.0.0.1:9/feed.ics", mapping=PRESETS["plain"], actor="system:test", at=at
        )
        run = start_import(kind="events", filename="a.csv", content=b"", options={}, actor="system:test", at=at)
        self.names = {
            "module": session.module_id, "session": session.ref, "student": student.ref, "display": self.display.display.ref,
            "query": raise_query(session, student, at=at).ref, "scan": held.ref, "pairing": begin_pairing(at=at).pairing.code,
            "calendar": mapping.pk, "import": run.ref,
        }  # fmt: skip

    def browser(self, who: str, *, csrf: bool = False) -> Client:
        """A browser that has been here for a moment, as this person."""
        client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
        if who in self.people:
            client.force_login(self.people[who], "allauth.account.auth_backends.AuthenticationBackend")
            client.get("/language/")
        return client

    def knock(self, client: Client, door: Door, method: str = "") -> int | str:
        """What this browser gets there."""
        data = urlencode({name: value.format(**self.names) for name, value in door.data.items()})
        answer = client.generic(
            method or door.method, door.path.format(**self.names), data, content_type="application/x-www-form-urlencoded"
        )
        to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=")
        return IN if to_sign_in else answer.status_code


@pytest.fixture
def house(db: None) -> House:
    return House()


def patterns(resolver: URLResolver) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name or str(pattern.pattern)
        else:
            yield from patterns(pattern)


def test_every_address_has_its_rows():
    named = {(door.name, door.method) for door in DOORS}
    assert named == {(name, method) for name in patterns(get_resolver()) for method in ("GET", "POST")}


async def test_every_address_of_the_gate_and_of_the_streams_has_its_rows():
    application = Application()
    there = {(path, method) for path, methods in application.gate.doors.items() for method in methods} | {("/{code}", "GET")}
    for route in application.live.app.routes:
        assert isinstance(route, Route)
        there |= {(route.path, method) for method in (route.methods or set()) - {"HEAD"}}
    assert {(door.name, door.method) for door in GATE} == there


@pytest.mark.parametrize("who", WHO)
def test_doors(house: House, who: str):
    client = house.browser(who)
    kept = client.cookies.output(header="")
    got = {}
    for door in DOORS:
        client.cookies = SimpleCookie(kept)
        with transaction.atomic():
            got[str(door)] = house.knock(client, door)
            transaction.set_rollback(True)
    expected = {str(door): door.gets[WHO.index(who)] for door in DOORS}
    assert {name: (status, got[name]) for name, status in expected.items() if got[name] != status} == {}


@pytest.mark.parametrize("who", ["anonymous", "student", "lecturer", "administrator"])
def test_other_methods_change_nothing(house: House, who: str):
    client = house.browser(who)
    before = everything()
    broken = {
        f"{method} {door.name}": got
        for door in DOORS
        for method in ("PUT", "PATCH", "DELETE", "TRACE")
        if isinstance(got := house.knock(client, door, method), int) and got >= 500
    }
    assert broken == {}
    assert everything() == before


# Reading changes nothing


OWN = {"sessions.Session", "usersessions.UserSession"}
"""A browser's own sign-in: its rows are counted, not compared."""


def everything() -> dict[str, tuple[int, str]]:
    """Every table: how many rows, and what they add up to."""
    state = {}
    for model in apps.get_models():
        rows = sorted(repr(row) for row in model._base_manager.values_list())
        content = "" if model._meta.label in OWN else hashlib.sha256("".join(rows).encode()).hexdigest()
        state[model._meta.label] = (len(rows), content)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM adsum_cache")
        state["cache"] = (cursor.fetchone()[0], "")
    return state


@pytest.mark.parametrize("who", WHO)
def test_reading_writes_nothing(house: House, who: str):
    client = house.browser(who)
    before = everything()
    for door in DOORS:
        if door.method == "GET":
            for method in ("GET", "HEAD", "OPTIONS"):
                house.knock(client, door, method)
    assert everything() == before


def test_what_is_compared_would_show_a_change(house: House):
    before = everything()
    Mark.objects.update(minutes_late=1)
    assert {label for label, state in everything().items() if state != before[label]} == {"adsum.Mark"}


# Nothing is written without proof that our own page asked


UNGUARDED = {"set_language"}
"""It sets a preference of this browser, and the gate's pages carry it without Django's token."""


@pytest.mark.parametrize("who", ["anonymous", "student", "lecturer", "team", "administrator"])
def test_a_form_without_our_token_changes_nothing(house: House, who: str):
    client = house.browser(who, csrf=True)
    before = everything()
    got = {door.name: house.knock(client, door) for door in DOORS if door.method == "POST"}
    assert {name for name, status in got.items() if status != 403} == UNGUARDED
    assert everything() == before


# The gate and the streams


async def ask(app: Application, method: str, path: str, *, cookies: str = "", data: str = "", **headers: str) -> int:
    """The status of an answer; the connection is given up as soon as it begins."""
    status: list[int] = []
    began = asyncio.Event()
    sent = iter([{"type": "http.request", "body": data.encode(), "more_body": False}])

    async def receive() -> Any:
        for message in sent:
            return message
        await began.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])
            began.set()

    sending = {"host": "localhost:8000", "cookie": cookies, **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": ("localhost", 8000),
        "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sending.items() if value],
    }  # fmt: skip
    task = asyncio.create_task(app(scope, receive, send))
    waiting = asyncio.create_task(began.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not status:
        task.result()  # raises what went wrong
    waiting.cancel()
    task.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)
    return status[0]


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    application = Application()
    yield application
    await application.live.stop()
    await application.writer.close()
    await application.state.stop()


def cookies_of(house: House, who: str) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in house.browser(who).cookies.items())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", WHO)
async def test_the_gate_and_the_streams(application: Application, who: str):
    house = await in_thread(House)
    cookies = await in_thread(cookies_of, house, who)
    got = {}
    for door in GATE:
        data = "&".join(f"{k}={v}" for k, v in door.data.items())
        path = door.path.format(**house.names)
        got[str(door)] = await ask(application, door.method, path, cookies=cookies, data=data, origin="http://localhost:8000")
    assert got == {str(door): door.gets[WHO.index(who)] for door in GATE}


@pytest.mark.django_db(transaction=True)
async def test_a_display_is_known_by_its_own_secret(application: Application):
    house = await in_thread(House)
    display, secret = house.display
    path, name = f"/live/display/{display.ref}", display_cookie(display.ref)
    for tail in ("", "/now"):
        assert await ask(application, "GET", path + tail, cookies=f"{name}={secret}") == 200
        assert await ask(application, "GET", path + tail, cookies=f"{name}={secret}x") == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:8001", "null", ""])
async def test_the_gate_takes_forms_from_its_own_pages_only(application: Application, origin: str):
    house = await in_thread(House)
    cookies = await in_thread(cookies_of, house, "student")
    before = await in_thread(everything)
    posts = [door for door in GATE if door.method == "POST"]
    got = {door.name: await ask(application, "POST", door.path, cookies=cookies, origin=origin) for door in posts}
    assert set(got.values()) == {403}
    assert await in_thread(everything) == before


@pytest.mark.django_db(transaction=True)
async def test_reading_at_the_gate_writes_nothing(application: Application):
    house = await in_thread(House)
    cookies = await in_thread(cookies_of, house, "student")
    before = await in_thread(everything)
    for door in GATE:
        if door.method == "GET":
            for method in ("GET", "HEAD"):
                await ask(application, method, door.path.format(**house.names), cookies=cookies)
    assert await in_thread(everything) == before
