"""Every answer carries exactly these headers: pages, redirects, refusals, static files, the gate, the live streams."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client, override_settings

from adsum.asgi import Application
from adsum.checkin.gate.app import PASS_COOKIE
from tests.kit import migrated
from tests.kit.house import House
from tests.kit.world import in_thread

ORIGIN = "http://localhost:8000"
CODE = "/" + "0" * 36

EVERY = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""On every answer, whatever it is."""

CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
"""On every answer that a browser could show as a page."""

SCANS_IN_THE_PAGE = {"/in", "/in/confirm", "/in/offline"}
"""Pages that may run the scanner: its WebAssembly needs a word of its own."""

PLAIN = {
    "content-type",
    "content-length",
    "content-language",
    "cache-control",
    "expires",
    "vary",
    "location",
    "set-cookie",
    "allow",
}
"""What an answer may say besides."""

STATIC = {"etag", "last-modified", "accept-ranges", "access-control-allow-origin", "content-encoding"}
"""What a static file may say besides."""


@pytest.fixture
async def site(tmp_path: Path, db: None) -> AsyncIterator[Application]:
    (tmp_path / "adsum.css").write_text("body { color: black }\n")
    (tmp_path / "adsum.0123456789ab.css").write_text("body { color: black }\n")
    with override_settings(STATIC_ROOT=str(tmp_path)):
        application = Application()
    yield application
    await application.stop()


def csp_of(answer: httpx.Response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in parts}


def policy_for(path: str, status: int) -> dict[str, str]:
    scans = path in SCANS_IN_THE_PAGE and status == 200
    return CSP | ({"script-src": "'self' 'wasm-unsafe-eval'"} if scans else {})


ANSWERS = [
    # path, method, who, status, what it is
    ("/sign-in/", "GET", "anonymous", 200),
    ("/", "GET", "anonymous", 302),
    ("/nothing/here/", "GET", "anonymous", 404),
    ("/today", "GET", "student", 301),
    ("/today/", "GET", "student", 200),
    ("/today/", "OPTIONS", "student", 405),
    ("/record/", "GET", "student", 200),
    ("/record/", "GET", "lecturer", 404),
    ("/sign-out/", "POST", "student", 403),
    ("/sign-in/closed/", "GET", "anonymous", 403),
    ("/classes/{session}/", "GET", "lecturer", 200),
    ("/display/{display}/", "GET", "anonymous", 403),
    ("/imports/{import}/problems.csv", "GET", "timetabling", 200),
    ("/design/?show=display", "GET", "lecturer", 200),
    ("/in", "GET", "anonymous", 303),
    ("/in", "GET", "student", 200),
    ("/in", "PUT", "student", 405),
    ("/in/code", "GET", "student", 405),
    ("/in/offline", "GET", "anonymous", 200),
    ("/in/kept", "POST", "student", 403),
    ("/app.webmanifest", "GET", "anonymous", 200),
    ("/worker.js", "GET", "anonymous", 200),
    ("/in/nothing", "GET", "student", 200),
    ("/in/confirm", "GET", "student", 200),
    ("/in/confirm", "POST", "student", 403),
    (CODE, "GET", "anonymous", 200),
    ("/live/register/{session}", "GET", "student", 403),
    ("/live/display/{display}/now", "GET", "anonymous", 403),
    ("/live/nothing", "GET", "student", 404),
    ("/live/register/{session}", "POST", "lecturer", 405),
]


@pytest.mark.django_db(transaction=True)
async def test_every_answer_carries_the_same_headers(site: Application):
    house = await in_thread(House)
    wrong: dict[str, object] = {}
    for path, method, who, status in ANSWERS:
        answer = await ask(site, method, path.format(**house.names), cookies=await in_thread(cookies_of, house, who))
        assert (path, method, answer.status_code) == (path, method, status)
        there = {name: answer.headers.get(name) for name in EVERY}
        strange = set(answer.headers) - EVERY.keys() - PLAIN - {"content-security-policy", "content-disposition"}
        if there != EVERY or strange or csp_of_or_none(answer) != policy_for(path, status):
            wrong[f"{method} {path}"] = {n: v for n, v in there.items() if v != EVERY[n]}, strange, csp_of_or_none(answer)
        personal = who != "anonymous" or path == CODE or path.startswith(("/in", "/live"))
        kept = "no-store" not in answer.headers.get("cache-control", "")
        if personal and kept and status != 301:  # which only adds a slash
            wrong[f"{method} {path} is cached"] = answer.headers.get("cache-control")
    assert wrong == {}


@pytest.mark.django_db(transaction=True)
async def test_a_page_that_breaks_carries_them_too(site: Application):
    with override_settings(ROOT_URLCONF="tests.kit.broken"):
        answer = await ask(site, "GET", "/broken/")
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in EVERY} == EVERY
    assert csp_of(answer) == CSP
    assert "tests.kit.broken" not in answer.text


@pytest.mark.django_db(transaction=True)
async def test_a_body_that_is_too_large_is_refused_with_them(site: Application):
    answer = await ask(site, "POST", "/sign-in/", **{"content-length": str(10**9)})
    assert answer.status_code == 413
    assert {name: answer.headers.get(name) for name in EVERY} == EVERY
    assert csp_of(answer) == CSP


@pytest.mark.django_db(transaction=True)
async def test_a_stream_under_way_carries_them_too(site: Application):
    """httpx would wait for the end of it, so this listens to the application itself."""
    house = await in_thread(House)
    cookies = await in_thread(cookies_of, house, "lecturer")
    began: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def receive() -> Any:
        await began
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and not began.done():
            began.set_result(message)

    path = "/live/register/{session}".format(**house.names)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"localhost:8000"), (b"cookie", cookies.encode())],
    }
    task = asyncio.create_task(site(scope, receive, send))
    message = await asyncio.wait_for(began, 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    headers = {name.decode(): value.decode() for name, value in message["headers"]}
    assert (message["status"], headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert {name: headers.get(name) for name in EVERY} == EVERY
    assert "no-store" in headers["cache-control"]
    assert set(headers) - EVERY.keys() - PLAIN == {"content-security-policy", "x-accel-buffering"}


@pytest.mark.django_db
def test_signing_out_clears_what_the_browser_kept(client: Client):
    assert client.post("/sign-out/")["Clear-Site-Data"] == '"cache", "storage"'


def csp_of_or_none(answer: httpx.Response) -> dict[str, str] | None:
    return csp_of(answer) if "content-security-policy" in answer.headers else None


async def ask(site: Application, method: str, path: str, *, cookies: str = "", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=site, client=("127.0.0.1", 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        return await client.request(method, path, headers={"cookie": cookies, **headers})


def cookies_of(house: House, who: str) -> str:
    """A signed-in browser; without a form's token, so that a post is refused."""
    return "; ".join(f"{name}={morsel.value}" for name, morsel in house.browser(who).cookies.items())


@pytest.mark.parametrize(("name", "kept"), [("adsum.css", False), ("adsum.0123456789ab.css", True)])
async def test_static_files(site: Application, name: str, kept: bool):
    answer = await ask(site, "GET", f"/static/{name}")
    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in EVERY} == EVERY
    assert csp_of(answer) == CSP
    assert set(answer.headers) - EVERY.keys() <= PLAIN | STATIC | {"content-security-policy"}
    assert ("immutable" in answer.headers["cache-control"]) is kept
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("method", "status"), [("GET", 304), ("HEAD", 200), ("POST", 405)])
async def test_what_else_is_answered_of_a_static_file(site: Application, method: str, status: int):
    etag = (await ask(site, "GET", "/static/adsum.css")).headers["etag"]
    answer = await ask(site, method, "/static/adsum.css", **({"if-none-match": etag} if status == 304 else {}))
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in EVERY} == EVERY
    assert csp_of(answer) == CSP


async def test_a_static_file_that_is_not_there(site: Application):
    answer = await ask(site, "GET", "/static/../settings.py")
    assert answer.status_code == 404
    assert {name: answer.headers.get(name) for name in EVERY} == EVERY


def test_nothing_inline_is_ever_allowed():
    assert "unsafe-inline" not in str(settings.CONTENT_SECURITY_POLICY)
    assert not re.search(r"unsafe-(inline|eval)(?<!wasm-unsafe-eval)|http:|https:|\*", str(settings.CONTENT_SECURITY_POLICY))


# Cookies


@pytest.mark.django_db(transaction=True)
async def test_cookies_are_out_of_reach(site: Application):
    house = await in_thread(House)
    cookies = await in_thread(cookies_of, house, "student")
    given = SimpleCookie()
    for path in ("/sign-in/", "/in/confirm"):
        for line in (await ask(site, "GET", path, cookies="")).headers.get_list("set-cookie"):
            given.load(line)
    browser = await in_thread(house.browser, "student")
    given.update(browser.cookies)
    assert {settings.SESSION_COOKIE_NAME, PASS_COOKIE, settings.CSRF_COOKIE_NAME} <= set(given)
    assert cookies
    for name, morsel in given.items():
        assert (name, morsel["httponly"], morsel["samesite"], morsel["path"]) == (name, True, "Lax", "/")
        assert morsel["domain"] == ""


def test_on_https_cookies_are_bound_to_the_host_and_the_site_says_to_stay(tmp_path: Path):
    """Settings are read once, so this asks a process of its own."""
    script = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from adsum.checkin.gate import app, http\n"
        "from adsum.web.live.streams import display_cookie\n"
        "from uuid import UUID\n"
        "print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, app.PASS_COOKIE, app.TICKET_COOKIE, app.DEVICE_COOKIE,"
        " display_cookie(UUID(int=0)), settings.LANGUAGE_COOKIE_NAME)\n"
        "print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.LANGUAGE_COOKIE_SECURE,"
        " http.COOKIE_RULES.endswith('; Secure'))\n"
        "print(http.HEADERS['Strict-Transport-Security'])\n"
        "print(settings.ALLOWED_HOSTS)\n"
    )
    env = {
        **os.environ,
        "ADSUM_ORIGIN": "https://uni.ac.uk",
        "DJANGO_SETTINGS_MODULE": "adsum.settings",
        "ADSUM_DATA": str(tmp_path),
    }
    out = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True).stdout
    names, flags, hsts, hosts = out.splitlines()
    assert [name.startswith("__Host-") for name in names.split()] == [True] * 7
    assert set(flags.split()) == {"True"}
    assert hsts == "max-age=63072000; includeSubDomains"
    assert hosts == "['uni.ac.uk']"


HTTPS_COOKIES = """
import django; django.setup()
from django.conf import settings
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
from django.test import Client
from adsum.accounts.models import Person
person = Person.objects.create(username="a@uni.ac.uk", family_name="A")
client = Client(headers={"host": "uni.ac.uk"})
client.force_login(person)
client.get("/account/sign-ins/", secure=True)
client.post("/language/", {"language": "cy"}, secure=True)
client.post("/account/sign-ins/end/", {"which": "others"}, secure=True)
assert "_messages" in client.session
for name, morsel in sorted(client.cookies.items()):
    print(name, bool(morsel["secure"]), bool(morsel["httponly"]), morsel["samesite"], morsel["path"], repr(morsel["domain"]))
"""


def test_on_https_every_cookie_says_exactly_this(tmp_path: Path):
    migrated.copy_to(tmp_path)
    env = {
        **os.environ,
        "ADSUM_ORIGIN": "https://uni.ac.uk",
        "DJANGO_SETTINGS_MODULE": "adsum.settings",
        "ADSUM_DATA": str(tmp_path),
        "ADSUM_DATABASE_URL": "",
    }
    out = subprocess.run([sys.executable, "-c", HTTPS_COOKIES], env=env, capture_output=True, text=True, check=True).stdout
    assert out.splitlines() == [
        "__Host-adsum_csrf True True Lax / ''",
        "__Host-adsum_language True True Lax / ''",
        "__Host-adsum_pass True True Lax / ''",
        "__Host-adsum_session True True Lax / ''",
    ]


# The Host header


@pytest.mark.parametrize("host", ["evil.example", "localhost:8000@evil.example", "localhost.evil.example", "evil.example:8000"])
async def test_a_strange_host_is_refused_and_never_repeated(site: Application, host: str):
    for path in ("/sign-in/", "/today"):
        answer = await ask(site, "GET", path, host=host)
        assert answer.status_code == 400
        assert "evil" not in answer.text + str(answer.headers)
        assert {name: answer.headers.get(name) for name in EVERY} == EVERY


async def test_the_gate_never_repeats_a_host(site: Application):
    for path in (CODE, "/in", "/in/confirm"):
        answer = await ask(site, "GET", path, host="evil.example")
        assert "evil" not in answer.text + str(answer.headers)


async def test_a_forwarded_host_is_nobody(site: Application):
    answer = await ask(site, "GET", "/today/", **{"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/sign-in/?next=/today/")
