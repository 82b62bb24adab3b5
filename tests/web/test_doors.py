"""Every address × everyone who may knock, as `doors` says. Besides: reading changes nothing, and nothing is written without
proof that our own page asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from starlette.routing import Route

from adsum.asgi import Application
from adsum.attendance.models import Mark
from adsum.audit.models import AccessLog
from adsum.audit.rules import LISTS
from adsum.web.live.streams import display_cookie
from tests.kit.door import WHO
from tests.kit.doors import DOORS, GATE
from tests.kit.house import House
from tests.kit.tables import everything
from tests.kit.world import in_thread


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


@pytest.mark.once
@pytest.mark.parametrize("who", ["anonymous", "student", "lecturer", "administrator"])
def test_other_methods_change_nothing(house: House, who: str):
    client = house.browser(who)
    before = everything()
    broken = {
        f"{method} {door.name}": got
        for door in DOORS
        if door.method == "POST"  # each address once, with what its form sends
        for method in ("PUT", "PATCH", "DELETE", "TRACE")
        if isinstance(got := house.knock(client, door, method), int) and got >= 500
    }
    assert broken == {}
    assert everything() == before


# Reading changes nothing


NOTED = {
    "class_register": ("register", "session"),
    "student_mark": ("student_in_class", "student"),
    "person_record": ("record", "student"),
    "person_contact": ("record", "student"),
    "module": ("module", "module"),
    "office_person": ("account", "student"),
    "desk_student": ("desk", "student"),
    "case": ("case", "student"),
    "case_meeting": ("case", "student"),
    "conduct": ("conduct", "student"),
    "absence_record": ("desk", "student"),
    "office_absence": ("absence", "student"),
    "duty": ("duty", "student"),
    "duty_file": ("duty", "student"),
    "sponsor": ("sponsor", "sponsored"),
    "sponsor_profile": ("sponsor", "sponsored"),
    "rights_request": ("rights_request", "student"),
    "funding_student": ("funding", "student"),
    "funding_task": ("funding", "student"),
    "pack_sample": ("pack", "student"),
}
"""What reading does write, and nothing else: that somebody looked, on which page and at what."""
LISTED = {
    "students": {"tutor", "other tutor", "department", "other department", "team"},
    "queries": {"department", "team"},
    "absences": {"department", "team"},
    "adjustments": {"team"},
    "placements": {"department", "team"},
    "contradictions": {"team"},
    "alerts": {"team"},
    "changes": {"department", "team", "slc"},
    "funded": {"slc"},
    "rights": {"data protection", "auditor"},
    "duties": {"ukvi"},
    "mail": {"administrator", "tutor", "department", "team"},
    "cases": {"lecturer", "tutor", "department", "team"},
    "sponsored": {"ukvi"},
    "event_list": {"data protection", "auditor"},
}
"""And who has a list with people on it: noted for each of them."""


@pytest.mark.once
@pytest.mark.parametrize("who", WHO)
def test_reading_writes_nothing(house: House, who: str):
    client = house.browser(who)
    before = everything()
    noted = set()
    for door in DOORS:
        if door.method == "GET":
            for method in ("GET", "HEAD", "OPTIONS"):
                house.knock(client, door, method)
            if door.name in NOTED and door.gets[WHO.index(who)] == 200:
                page, subject = NOTED[door.name]
                noted.add((house.people[who].pk, page, house.subjects[subject]))
    after = everything()
    assert after.pop("adsum.AccessLog")[0] >= len(noted)
    del before["adsum.AccessLog"]
    assert after == before
    assert set(AccessLog.objects.exclude(page__in=LISTS).values_list("viewer", "page", "subject")) == noted
    listed = {(house.people[who].pk, page) for page, readers in LISTED.items() if who in readers}
    assert set(AccessLog.objects.filter(page__in=LISTS).values_list("viewer", "page")) == listed


def test_what_is_compared_would_show_a_change(house: House):
    before = everything()
    Mark.objects.update(minutes_late=1)
    assert {label for label, state in everything().items() if state != before[label]} == {"adsum.Mark"}


# Nothing is written without proof that our own page asked


UNGUARDED = {"set_language", "saml_acs", "mail_report", "openid_connect_ended"}
"""The first sets a preference of this browser, and the gate's pages carry it without Django's token. The second takes what
another site posts, believes only what is signed, and signs nobody in: the browser that asked does that.
The others are no pages: they believe what a mail service, or a provider, signed."""
BY_TOKEN = {
    "api_token",
    "api_classes",
    "api_class",
    "api_register",
    "api_marks",
    "api_students",
    "api_record",
    "api_changes",
    "api_queries",
    "api_absences",
    "api_cases",
    "api_imports",
    "api_import",
    "api_unknown",
}
"""The API believes a bearer token (or, to hand one out, an application's secret) and never the cookie of a browser, so another
site has nothing to borrow: everyone who comes without one is refused for that, whoever is signed in."""


@pytest.mark.once
@pytest.mark.parametrize("who", ["anonymous", "student", "lecturer", "team", "administrator"])
def test_a_form_without_our_token_changes_nothing(house: House, who: str):
    client = house.browser(who, csrf=True)
    before = everything()
    got = {door.name: house.knock(client, door) for door in DOORS if door.method == "POST"}
    assert {name for name, status in got.items() if status != 403} == UNGUARDED | BY_TOKEN
    assert {name for name, status in got.items() if status == 401} == BY_TOKEN
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
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sending.items() if value],
    }
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
    await application.stop()


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
