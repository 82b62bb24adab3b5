"""Webhooks, to receivers on loopback: one that takes what it is sent, others that are slow, are down, lie, or redirect."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import override_settings
from standardwebhooks import Webhook as SecondOpinion
from standardwebhooks import WebhookVerificationError

from adsum.accounts import applications
from adsum.accounts.application_rules import Scope
from adsum.attendance.rules import Status
from adsum.audit.models import Event
from adsum.audit.services import seal
from adsum.core.errors import AdsumError
from adsum.integrations.webhooks import rules, sending, services
from adsum.integrations.webhooks.models import Webhook, WebhookDelivery
from adsum.integrations.webhooks.rules import State, Topic
from adsum.messages.rules import RETRIES
from adsum.timetable.models import ClassSession
from tests.kit.api import register
from tests.kit.marking import mark_students
from tests.kit.world import World, cancel_class

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it is sent; answers as it is told, by default 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status, self.headers, self.waits = 204, dict[str, str](), 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        time.sleep(self.server.waits)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on the console."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with override_settings(FEED_NETWORKS=["127.0.0.0/8"]):
        yield server
    server.shutdown()
    server.server_close()


def now() -> datetime:
    return datetime.now(UTC)


def hook(world: World, url: str, *, departments: Any = (), scopes: Any = tuple(Scope)) -> services.New:
    one = register(world, scopes, departments)
    return services.create(one, url, rules.CHOSEN, by=one.made_by, at=now())


def marked(world: World, students: int = 2) -> ClassSession:
    lecturer, group = world.lecturer(), world.group(students=students)
    session = world.session(group, staff=[lecturer], starts_at=now() - timedelta(minutes=5))
    mark_students(session, [one.person for one in group.places.all()], Status.PRESENT, by=lecturer, at=now())
    return session


def tell() -> int:
    """As every minute."""
    seal(at=now())
    return services.write_messages(at=now())


def test_a_message_says_which_class_and_nothing_of_anybody(world: World, receiver: Receiver):
    made = hook(world, receiver.url)
    session = marked(world)
    assert tell() == 1  # two marks of one class are one message
    assert sending.send_due(now) == 1
    ((headers, body),) = receiver.got
    told = json.loads(body)
    assert (told["type"], told["data"]) == ("register.changed", {"class": str(session.ref)})
    assert SecondOpinion(made.secret).verify(body, headers) == told
    with pytest.raises(WebhookVerificationError):
        SecondOpinion(made.secret).verify(body + b" ", headers)
    for place in session.groups.get().places.all():
        assert str(place.person.ref) not in body.decode()
    assert "present" not in body.decode()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status, delivery.tries) == (State.SENT, 204, 1)
    assert tell() == 0
    cancel_class(session, at=now(), actor="system:test")
    assert tell() == 1
    assert WebhookDelivery.objects.latest("pk").topic == Topic.CLASS


def test_of_other_departments_and_without_the_scope_nothing_is_told(world: World):
    history = world.department("HI", "History")
    hook(world, "https://a.example/", departments=[history])
    blind = hook(world, "https://b.example/", scopes=[Scope.REGISTERS_READ, Scope.CLASSES_READ])
    one = blind.webhook.application
    less: dict[str, Any] = {
        "name": one.name,
        "purpose": "x",
        "keeper": one.keeper,
        "departments": [],
        "by": one.made_by,
        "at": now(),
    }
    applications.change(one, scopes=[Scope.STUDENTS_READ], **less)
    marked(world)
    assert tell() == 0


def test_a_new_webhook_is_not_told_of_what_was_before(world: World):
    marked(world)
    seal(at=now())
    hook(world, "https://a.example/")
    assert tell() == 0


def test_a_receiver_that_is_slow_keeps_nobody_waiting(world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    hook(world, receiver.url)
    other = Receiver()
    threading.Thread(target=other.serve_forever, daemon=True).start()
    hook(world, other.url)
    for _ in range(3):
        marked(world)
    assert tell() == 6
    receiver.waits = 1.0
    began = time.monotonic()
    assert sending.send_due(now) == 3
    assert time.monotonic() - began < 3
    other.shutdown()
    other.server_close()
    assert len(other.got) == 3
    assert len(receiver.got) == 1  # the others wait for the next run, untried
    slow = WebhookDelivery.objects.filter(webhook__url=receiver.url)
    assert sorted(slow.values_list("tries", "problem")) == [(0, ""), (0, ""), (1, "slow")]
    assert all(one.due_at > now() for one in slow)


def test_a_receiver_that_is_down_is_tried_again_and_fails_in_the_end(world: World):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with override_settings(FEED_NETWORKS=["127.0.0.0/8"]):
        hook(world, f"http://127.0.0.1:{port}/")
        marked(world)
        tell()
        at = now()
        for number in range(1, len(RETRIES) + 1):
            assert sending.send_due(partial(datetime.fromisoformat, at.isoformat())) == 0
            delivery = WebhookDelivery.objects.get()
            assert (delivery.state, delivery.tries, delivery.problem) == (State.WAITING, number, "unreachable")
            assert delivery.due_at == at + RETRIES[number - 1]
            at = delivery.due_at
        assert sending.send_due(partial(datetime.fromisoformat, at.isoformat())) == 0
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.tries) == (State.FAILED, len(RETRIES) + 1)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(world: World, receiver: Receiver, status: int):
    receiver.status, receiver.headers = status, {"Location": receiver.url + "/elsewhere"}
    hook(world, receiver.url)
    marked(world)
    tell()
    assert sending.send_due(now) == 0
    assert len(receiver.got) == 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status) == (State.WAITING, status)


def test_a_receiver_that_lies_is_not_believed(world: World, receiver: Receiver):
    """It says that a body of gigabytes follows, and what is not HTTP at all."""
    receiver.headers = {"Content-Length": "9999999999"}
    hook(world, receiver.url)
    marked(world)
    tell()
    assert sending.send_due(now) == 1  # what it answers is not read


def test_into_private_networks_nothing_is_sent(world: World, receiver: Receiver):
    hook(world, receiver.url)
    hook(world, receiver.url.replace("127.0.0.1", "localhost"))
    marked(world)
    tell()
    with override_settings(FEED_NETWORKS=[]):
        assert sending.send_due(now) == 0
    assert receiver.got == []
    assert set(WebhookDelivery.objects.values_list("problem", flat=True)) == {"not_allowed"}


def test_410_ends_it(world: World, receiver: Receiver):
    receiver.status = 410
    made = hook(world, receiver.url)
    for _ in range(2):
        marked(world)
    tell()
    sending.send_due(now)
    webhook = Webhook.objects.get()
    assert webhook.gone
    assert webhook.ended_at is not None
    assert webhook.sealed == ""
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.DROPPED}
    assert Event.objects.filter(verb="webhook.end").get().actor == "system:webhooks"
    with pytest.raises(AdsumError):
        services.send_test(made.webhook, by=made.webhook.made_by, at=now())


def test_secrets_rotate_without_a_gap(world: World, receiver: Receiver):
    made = hook(world, receiver.url)
    new = services.rotate(made.webhook, by=made.webhook.made_by, at=now())
    services.send_test(made.webhook, by=made.webhook.made_by, at=now())
    sending.send_due(now)
    ((headers, body),) = receiver.got
    for secret in (made.secret, new.secret):
        assert SecondOpinion(secret).verify(body, headers)["type"] == "test"
    later = now() + rules.OVERLAP + SECOND
    assert services.secrets_of(Webhook.objects.get(), at=later) == [new.secret]
    assert made.secret not in str(list(Webhook.objects.values()))


def test_a_message_can_be_sent_again_with_its_id(world: World, receiver: Receiver):
    made = hook(world, receiver.url)
    by = made.webhook.made_by
    delivery = services.send_test(made.webhook, by=by, at=now())
    with pytest.raises(AdsumError):
        services.replay(delivery, by=by, at=now())
    sending.send_due(now)
    services.replay(delivery, by=by, at=now())
    sending.send_due(now)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "a.example",
        "",
        "https://me:pw@a.example/",
        "https://@a.example/",
        "https://a.example/#x",
        "http://[",
        "x" * 501,
    ],
)
def test_addresses_that_are_none(world: World, url: str):
    with pytest.raises(AdsumError) as refused:
        hook(world, url)
    assert refused.value.code == "url"


def test_topics_need_their_scope(world: World):
    one = register(world, [Scope.STUDENTS_READ])
    with pytest.raises(AdsumError) as refused:
        services.create(one, "https://a.example/", [Topic.REGISTER], by=one.made_by, at=now())
    assert refused.value.code == "topics"


def test_two_workers_do_not_send_one_message(world: World):
    made = hook(world, "https://a.example/")
    services.send_test(made.webhook, by=made.webhook.made_by, at=now())
    assert len(services.claim(at=now(), most=9)) == 1
    assert services.claim(at=now(), most=9) == []


def test_with_the_application_its_webhooks_end(world: World):
    made = hook(world, "https://a.example/")
    application, by = made.webhook.application, made.webhook.made_by
    services.send_test(made.webhook, by=by, at=now())
    services.switch_off(application, by=by, at=now())
    made.webhook.refresh_from_db()
    assert made.webhook.ended_at is not None
    assert WebhookDelivery.objects.get().state == State.DROPPED
    with pytest.raises(AdsumError):
        services.create(application, "https://b.example/", rules.CHOSEN, by=by, at=now())


def test_of_an_application_that_is_over_nothing_leaves(world: World):
    """Also where its webhooks were left as they are."""
    made = hook(world, "https://a.example/")
    by, delivery = made.webhook.made_by, services.send_test(made.webhook, by=made.webhook.made_by, at=now())
    applications.end(made.webhook.application, by=by, at=now())
    assert services.claim(at=now(), most=9) == []
    assert not services.is_live(delivery)
    for deed in (
        lambda: services.send_test(made.webhook, by=by, at=now()),
        lambda: services.rotate(made.webhook, by=by, at=now()),
        lambda: services.replay(delivery, by=by, at=now()),
    ):
        with pytest.raises(AdsumError) as refused:
            deed()
        assert refused.value.code == "ended"


def test_one_that_is_ended_while_others_are_sent_is_sent_nothing(world: World, receiver: Receiver):
    made = hook(world, receiver.url)
    services.send_test(made.webhook, by=made.webhook.made_by, at=now())
    found = services.claim(at=now(), most=9)
    services.end(made.webhook, by=made.webhook.made_by, at=now())
    assert sending._in_time(found[0], now, set(), set()) == 0
    assert receiver.got == []


def test_a_receiver_that_takes_its_time_comes_last(world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "SLOW", 0.2)
    slow, other = hook(world, receiver.url).webhook, hook(world, receiver.url + "?other").webhook
    for one in (slow, slow, other):
        services.send_test(one, by=one.made_by, at=now())
    receiver.waits, sent, send = 0.3, list[int](), sending._send

    def noted(one: WebhookDelivery, clock: Any) -> bool:
        sent.append(one.webhook_id)
        return send(one, clock)

    monkeypatch.setattr(sending, "_send", noted)
    assert sending.send_due(now) == 3
    assert sent == [slow.pk, other.pk, slow.pk]


def test_a_secret_rotates_once_a_day(world: World):
    made = hook(world, "https://a.example/")
    by, at = made.webhook.made_by, now()
    services.rotate(made.webhook, by=by, at=at)
    with pytest.raises(AdsumError) as refused:
        services.rotate(made.webhook, by=by, at=at + rules.OVERLAP - SECOND)
    assert refused.value.code == "rotated"
    services.rotate(made.webhook, by=by, at=at + rules.OVERLAP)
