"""What is thrown at our pages: odd numbers, NUL, lookups, markup, forged addresses, endless bodies. Nothing breaks, nothing is
believed, nothing is repeated as markup."""

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import structlog
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from adsum.core.network import client_address
from adsum.web.request_log import RequestLog, WithoutSecrets
from tests.kit.door import WHO, Door
from tests.kit.doors import DOORS
from tests.kit.house import House

pytestmark = pytest.mark.once
ODD = [
    "-1",
    "0",
    "1e999",
    "9" * 30,
    "-" + "9" * 400,
    "٣",
    "1.5",
    "NaN",
    "1_000",
    " 1 ",
    "2026-99-99",
    "9999-12-31",
    "0001-01-01",
    "2026-W99",
    "id__gt",
    "student__username",
    "__class__",
    "password__startswith=a",
    "-pk,id",
    "[]",
    "{}",
    "[$ne]=1",
    "' OR 1=1--",
    "%",
    "_",
    "\\",
    "\u202e",
    "a" * 3000,
    "🎓" * 500,
    "None",
    "true",
    "../../etc/passwd",
    "{{7*7}}",
    "%s%n",
]
"""For every parameter. NUL has a test of its own."""

PARAMETERS = (
    "page",
    "rows",
    "found",
    "students",
    "sort",
    "order",
    "show",
    "what",
    "change",
    "q",
    "who",
    "group",
    "module",
    "week",
    "date",
    "from",
    "to",
    "preset",
    "next",
    "department",
    "kind",
    "state",
    "student",
    "status",
    "id__in",
    "o[]",
    "pk",
)
ROUNDS = 12
MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
SECONDS = 0.2
"""For any answer to a request that makes no sense: the median of all of them, on whatever machine this is."""


def readers(house: House) -> Iterator[tuple[Door, Client]]:
    """Each page that is read, with somebody's browser who may read it."""
    browsers: dict[str, Client] = {}
    for door in DOORS:
        may = [who for who, got in zip(WHO, door.gets, strict=True) if got == 200]
        if door.method == "GET" and may:
            who = next((one for one in may if one != "anonymous"), may[0])
            browsers.setdefault(who, house.browser(who))
            yield door, browsers[who]


# T-WEB-7: filters, orders, pages


def test_no_parameter_breaks_a_page(house: House):
    broken, took = [], []
    for door, client in readers(house):
        path = door.path.format(**house.names)
        for turn in range(ROUNDS):  # in each, every parameter has another odd value, and in all of them many
            values = [ODD[(number * 7 + turn * 3) % len(ODD)] for number in range(len(PARAMETERS))]
            query = urlencode(list(zip(PARAMETERS, values, strict=True))[turn % 2 :: 2])
            began = time.perf_counter()
            answer = client.get(f"{path}?{query}")
            took.append(time.perf_counter() - began)
            if answer.status_code >= 500:
                broken.append((path, query[:200]))
    assert broken == []
    assert sorted(took)[len(took) // 2] < SECONDS


def test_no_number_in_an_address_breaks_it(house: House):
    client = house.browser("administrator")
    broken = []
    for door in DOORS:
        if re.search(r"\{(module|calendar|passkey|feed|pk)\}", door.path):
            for number in ("0", "9" * 18, "9" * 19, "9" * 40):
                path = re.sub(r"\{\w+\}", number, door.path)
                got = client.generic(door.method, path, "").status_code
                broken += [(door.method, path, got)] if got >= 500 else []
    assert broken == []


@pytest.mark.parametrize("where", ["value", "name", "path"])
def test_nul_is_refused_wherever_it_comes(house: House, where: str):
    got = set()
    for door, client in readers(house):
        path = door.path.format(**house.names)
        sent = {"value": f"{path}?q=a%00b&page=1", "name": f"{path}?a%00=1", "path": f"{path}%00/"}[where]
        got.add(client.get(sent).status_code)
    assert got <= ({400} if where != "path" else {400, 404})


def test_nul_in_a_form_is_refused(house: House):
    client = house.browser("administrator")
    for door in DOORS:
        if door.method == "POST" and "{" not in door.path:
            assert client.post(door.path, {"reason": "a\0b", "name": "x"}).status_code == 400, door.path
            urlencoded = "application/x-www-form-urlencoded"
            assert client.generic("POST", door.path, "a%00=b", content_type=urlencoded).status_code == 400, door.path


# T-WEB-3: what comes back in a page is text


def test_nothing_that_was_asked_comes_back_as_markup(house: House):
    told = []
    for door, client in readers(house):
        path = door.path.format(**house.names)
        for query in (urlencode(dict.fromkeys(PARAMETERS, MARKUP)), quote(MARKUP)):
            page = client.get(f"{path}?{query}").content.decode(errors="replace")
            told += [path] if re.search(r"<script>alert|<img src=x", page) else []
    assert told == []


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-in/password/", "/display/", "/account/confirm/", "/account/security/"])
def test_nothing_that_was_sent_comes_back_as_markup(house: House, path: str):
    client = house.browser("administrator" if path.startswith("/account") else "anonymous")
    names = ["email", "next", "password", "code", "name", "credential", "confirm-code", "reason"]
    page = client.post(path, dict.fromkeys(names, MARKUP)).content.decode()
    assert not re.search(r"<script>alert|<img src=x", page)


def test_an_address_that_is_not_there_is_not_repeated(client: Client, db: None):
    page = client.get("/" + quote(MARKUP)).content.decode()
    assert not re.search(r"<script>alert|<img src=x", page)


# T-NET-1: where a request came from


ADDRESS = st.ip_addresses().map(str)


@given(ADDRESS, st.lists(ADDRESS | st.text(max_size=30), max_size=6))
def test_a_chain_nobody_vouches_for_changes_nothing(peer: str, chain: list[str]):
    from django.test import override_settings

    with override_settings(TRUSTED_PROXIES=[]):
        assert client_address(peer, ", ".join(chain)) == peer
    with override_settings(TRUSTED_PROXIES=["192.0.2.0/24"]):
        found = client_address("192.0.2.7", ", ".join([*chain, "203.0.113.5"]))
        assert found == "203.0.113.5", "what the last of our proxies saw, whatever stands before it"


FORGED = {
    **dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP"), "10.9.8.7"),
    **dict.fromkeys(("X-Cluster-Client-IP", "Forwarded-For"), "10.9.8.7"),
    "Forwarded": "for=10.9.8.7;host=evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Original-URL": "/office/",
    "X-HTTP-Method-Override": "DELETE",
}


def test_the_log_and_the_sign_ins_note_the_true_address(house: House, rf: Any):
    structlog.contextvars.clear_contextvars()
    RequestLog.bind_ip(rf.get("/", headers=FORGED))
    assert structlog.contextvars.get_contextvars()["ip"] == "127.0.0.1"
    structlog.contextvars.clear_contextvars()
    from allauth.usersessions.models import UserSession

    client = house.browser("lecturer")
    client.get("/teaching/", headers=FORGED)
    assert set(UserSession.objects.values_list("ip", flat=True)) <= {"127.0.0.1"}


def test_headers_of_proxies_lead_nowhere(house: House):
    client = house.browser("lecturer")
    plain = client.get("/office/check-in/")
    forged = client.get("/office/check-in/", headers=FORGED)
    assert plain.status_code == forged.status_code == 404
    assert "evil.example" not in forged.content.decode() + str(forged.headers)
    away = Client().get("/teaching/", headers=FORGED)
    assert away["Location"] == "/sign-in/?next=/teaching/"


# T-AUD-6: the log


@pytest.mark.parametrize("odd", ["\r\nINFO forged", "\x1b[31mred", '"}\n{"event":"forged"', "\u2028forged", "%0aforged"])
def test_a_log_line_is_one_line_whatever_is_asked(client: Client, db: None, caplog: pytest.LogCaptureFixture, odd: str):
    with caplog.at_level(logging.INFO):
        client.get("/" + quote(odd), headers={"user-agent": odd.encode("ascii", "ignore").decode().replace("\r\n", " ")})
        client.post("/sign-in/", {"email": f"a@b.example{odd}"})
    lines = [line.getMessage() for line in caplog.records if line.name.startswith(("django_structlog", "adsum"))]
    assert lines
    for line in lines:
        assert "\n" not in line
        assert "\x1b" not in line
        assert json.loads(line)["event"] != "forged"


@pytest.mark.parametrize("host", ["evil.example", "[", "a b", "localhost:x", "localhost\xff"])
def test_a_host_of_somebody_else_is_one_line(client: Client, db: None, host: str):
    """No trace: it is nobody's fault here, and scanners send thousands."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.addFilter(WithoutSecrets())
    logging.getLogger().addHandler(handler)
    try:
        answer = client.get("/language/", headers={"Host": host})
        client.get("/?a=%00")
    finally:
        logging.getLogger().removeHandler(handler)
    assert answer.status_code == 400
    assert answer["X-Frame-Options"] == "DENY"
    assert "Invalid HTTP_HOST" in said.getvalue()
    assert "Traceback" not in said.getvalue()


def test_no_log_line_has_a_secret(house: House, caplog: pytest.LogCaptureFixture):
    from tests.kit.signing_in import PASSWORD

    client = house.browser("administrator")
    with caplog.at_level(logging.DEBUG):
        client.get("/sign-in/?next=/record/&code=hunter2hunter2")
        client.post("/account/confirm/", {"confirm-code": "424242", "confirm-password": PASSWORD})
        client.post("/account/password/", {"password": PASSWORD, "new": "four quite new words"})
        Client().post("/sign-in/password/", {"password": PASSWORD})
    said = "\n".join(record.getMessage() for record in caplog.records)
    cookies = [morsel.value for morsel in client.cookies.values() if len(morsel.value) > 20]
    assert [secret for secret in ("hunter2hunter2", "424242", PASSWORD, "quite new", *cookies) if secret in said] == []


# T-WEB-8: bodies (more in test_bodies.py)


def test_a_form_with_very_many_fields_or_files_is_refused(house: House):
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = house.browser("administrator")
    many = urlencode([(f"a{n}", "") for n in range(5001)])
    form = "application/x-www-form-urlencoded"
    assert client.generic("POST", "/imports/", many, content_type=form).status_code == 400
    files = {f"file{n}": SimpleUploadedFile("a.csv", b"x") for n in range(11)}
    assert client.post("/imports/", files).status_code == 400


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("../../etc/cron.d/x.csv", b"not a table"),
        ("a.csv\0.exe", b"MZ\x90\x00"),
        ("page.csv", b"<html><script>alert(1)</script>"),
        ("feed.ics", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
        ("book.xlsx", b"PK\x03\x04nonsense"),
        ("data.zip", b"\x7fELF"),
        ("x" * 300 + ".csv", b"\xff\xd8\xff"),
    ],
)
def test_a_file_is_what_it_holds_not_what_it_is_called(house: House, name: str, content: bytes):
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = house.browser("administrator")
    answer = client.post("/imports/", {"file": SimpleUploadedFile(name, content)}, follow=True)
    page = answer.content.decode()
    assert answer.status_code in {200, 422}
    assert "root:" not in page
    assert "<script>alert" not in page
