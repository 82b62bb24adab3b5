"""What phones are told: encrypted, to the service that the browser named, as far as a service on this machine can see."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

import jwt
import pytest
import structlog.testing
from cryptography.hazmat.primitives.asymmetric import ec

from adsum.accounts.models import Person
from adsum.accounts.reaching import stop_writing
from adsum.accounts.rules import StopReason
from adsum.attendance.rules import Status
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.core.webpush import plain, unplain
from adsum.messages import phones, push
from adsum.messages.models import Message, Phone, Push
from adsum.messages.rules import About
from adsum.messages.services import open_message, write
from adsum.messages.topic import Draft, class_named
from adsum.messages.topics import classes, marks, queries
from adsum.messages.topics.registry import KINDS
from tests.kit.pushed import Browser
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class Got(NamedTuple):
    path: str
    headers: Headers
    body: bytes


class Service:
    """Carries messages, as a maker of browsers runs it."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers = 201
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.got.append(Got(self.path, self.headers, body))
                self.send_response(service.answers)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Service"]:
        thread = Thread(target=self.server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    settings.PUSH_NETWORKS = ["127.0.0.0/8"]
    settings.MAIL_REPLY_TO = "Attendance <attendance@uni.ac.uk>"
    with Service().running() as running:
        yield running


@pytest.fixture
def alice(world: World) -> Person:
    return world.student("Alice Abel", groups=[world.group()])


def switch_on(person: Person, url: str, *wants: About, browser: Browser | None = None) -> Browser:
    browser = browser or Browser()
    phones.begin(
        person,
        endpoint=url,
        public=plain(browser.public),
        secret=plain(browser.secret),
        wants=wants or (About.ANSWERS,),
        at=NINE,
    )
    return browser


def answer(world: World, person: Person, key: str = "a") -> Message:
    """An answer to a query, as it is written to its student."""
    session = world.session(world.group())
    draft = Draft(person, queries.ANSWERED, key, class_named(session), NINE + DAY)
    draft.facts.update(outcome="declined", mark=Status.ABSENT)
    write([draft], at=NINE)
    return Message.objects.get(key=key)


def test_its_phone_reads_it_and_the_service_does_not(world: World, alice: Person, service: Service) -> None:
    browser = switch_on(alice, f"{service.url}/send/abc")
    message = answer(world, alice)
    assert push.send_due(lambda: NINE) == 1
    (got,) = service.got
    said = json.loads(browser.reads(got.body) or b"{}")
    assert (said["url"], said["unread"], said["language"]) == (f"/messages/{message.ref}/", 1, "en-gb")
    assert said["title"]
    assert said["title"].encode() not in got.body
    assert (got.path, got.headers["Content-Encoding"], got.headers["TTL"]) == ("/send/abc", "aes128gcm", str(24 * 3600))
    token, key = got.headers["Authorization"].removeprefix("vapid t=").split(", k=")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unplain(key))
    options = {"verify_exp": False}
    claims = jwt.decode(token, public, algorithms=["ES256"], audience=service.url, options=options)  # type: ignore[arg-type]
    assert claims["sub"] == "mailto:attendance@uni.ac.uk"
    assert Phone.objects.get().told_at == NINE
    assert not Push.objects.exists()
    assert push.send_due(lambda: NINE) == 0


def test_only_of_what_its_owner_chose_and_only_their_own(world: World, alice: Person, service: Service) -> None:
    switch_on(alice, f"{service.url}/1", About.CHANGES)
    switch_on(world.student(), f"{service.url}/2", About.ANSWERS)
    answer(world, alice)
    assert not Push.objects.exists()


def test_nothing_is_lined_up_where_the_phone_app_is_switched_off(world: World, alice: Person, settings: Any) -> None:
    switch_on(alice, "https://push.example/x")
    settings.PHONE_APP = False
    answer(world, alice)
    assert not Push.objects.exists()


def test_a_reminder_says_only_that_there_is_one(world: World, alice: Person) -> None:
    reminders = [kind for kind in KINDS.values() if kind.pushed == About.REMINDERS]
    assert len(reminders) >= 5
    message = answer(world, alice)
    message.kind = reminders[0].name
    assert push.said_of(message)["title"] == "A message from your university"


@pytest.mark.parametrize("formal", [kind for kind in KINDS.values() if kind.formal and kind.pushed], ids=lambda kind: kind.name)
def test_what_is_formal_is_a_reminder_at_most(formal: Any) -> None:
    assert formal.pushed == About.REMINDERS


@pytest.mark.parametrize(
    ("status", "phone_stays", "waits"),
    [
        (201, True, False),
        (410, False, False),
        (404, False, False),
        (429, True, True),
        (503, True, True),
        (400, True, False),
        (301, True, False),
    ],
)
def test_what_the_service_answers(
    world: World, alice: Person, service: Service, status: int, phone_stays: bool, waits: bool
) -> None:
    service.answers = status
    switch_on(alice, f"{service.url}/x")
    answer(world, alice)
    push.send_due(lambda: NINE)
    assert len(service.got) == 1, "redirects are not followed"
    assert (Phone.objects.exists(), Push.objects.filter(due_at__gt=NINE).exists()) == (phone_stays, waits)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_service_that_refuses_us_is_named_to_those_who_run_the_servers(
    world: World, alice: Person, service: Service, status: int
) -> None:
    service.answers = status
    switch_on(alice, f"{service.url}/x")
    answer(world, alice)
    with structlog.testing.capture_logs() as said:
        push.send_due(lambda: NINE)
    assert {"event": "push.refused", "status": status, "host": "127.0.0.1", "log_level": "error"} in said


def test_a_service_that_is_away_is_asked_again(world: World, alice: Person, settings: Any) -> None:
    settings.PUSH_NETWORKS = ["127.0.0.0/8"]
    switch_on(alice, "http://127.0.0.1:1/x")
    answer(world, alice)
    assert push.send_due(lambda: NINE) == 0
    assert Push.objects.get().due_at == NINE + MINUTE


def test_nothing_is_told_that_was_read_or_is_stopped_or_too_late(world: World, alice: Person, service: Service) -> None:
    switch_on(alice, f"{service.url}/x")
    open_message(answer(world, alice, "read"), at=NINE)
    answer(world, alice, "late")
    assert push.send_due(lambda: NINE + DAY) == 0
    assert not Push.objects.exists()
    assert service.got == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://push.example/x",
        "https://user@push.example/x",
        "ftp://push.example/x",
        "https:///x",
        "https://push.example/" + "x" * 1_000,
        "https://push.example/é",
    ],
)
def test_what_no_service_gives_is_refused(alice: Person, url: str) -> None:
    with pytest.raises(AdsumError, match="gave no address"):
        switch_on(alice, url)
    assert not Phone.objects.exists()


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/x", "https://[::1]:1/x", "https://localhost:1/x"])
def test_a_private_network_is_never_asked(world: World, alice: Person, url: str) -> None:
    switch_on(alice, url)
    answer(world, alice)
    assert push.send_due(lambda: NINE) == 0
    assert not Phone.objects.exists()


def test_a_browser_has_one_owner_and_a_person_five(world: World, alice: Person) -> None:
    bob = world.student()
    switch_on(alice, "https://push.example/shared")
    switch_on(bob, "https://push.example/shared")
    assert Phone.objects.get().person_id == bob.pk
    assert Event.objects.filter(verb="phone.end").count() == 1
    for n in range(4):
        switch_on(bob, f"https://push.example/{n}")
    with pytest.raises(AdsumError, match="Five phones"):
        switch_on(bob, "https://push.example/5")
    assert "push.example" not in "".join(Phone.objects.values_list("sealed", flat=True))


def test_the_kinds_that_are_told(world: World) -> None:
    told = {kind.name: kind.pushed for kind in KINDS.values() if kind.pushed}
    assert told[classes.CHANGED] == About.CHANGES
    assert told[queries.ANSWERED] == told[marks.CHANGED] == About.ANSWERS
    assert set(told.values()) == set(About)


def test_nobody_is_told_to_whom_nobody_writes(world: World, alice: Person, service: Service) -> None:
    switch_on(alice, f"{service.url}/x")
    answer(world, alice)
    stop(alice, world)
    assert push.send_due(lambda: NINE) == 0
    assert service.got == []


def stop(person: Person, world: World) -> None:
    stop_writing(person, StopReason.DECEASED, by=world.lecturer(), at=NINE)
