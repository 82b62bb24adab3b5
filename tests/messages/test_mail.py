"""The outbox and a real mail server: delivered once, whatever happens on the way."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import override_settings
from django.utils import translation

from adsum.accounts.models import Person
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.environment import Environment
from adsum.messages import mail, services
from adsum.messages.models import Message
from adsum.messages.rules import CLAIM, RETRIES, SERVER_AWAY, State
from adsum.messages.topic import Draft, class_named
from adsum.messages.topics import registers
from adsum.ops import jobs
from tests.kit.mail import Post, mail_server
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as post:
        yield post


def draft(world: World, person: Person | None = None, key: str = "", **facts: Any) -> Draft:
    """A message about one class."""
    session = world.session(**facts)
    return Draft(
        person or world.lecturer(),
        registers.NO_CODE,
        key or f"no_code:{session.pk}",
        class_named(session),
        TEN + timedelta(days=9),
    )


def write(world: World, *people: Person, **facts: Any) -> list[Message]:
    services.write([draft(world, person, **facts) for person in people or (world.lecturer(),)], at=TEN)
    return list(Message.objects.order_by("pk"))


def send(at: datetime = TEN) -> int:
    return mail.send_due(lambda: at)


def test_a_letter_is_delivered_once(world: World, post: Post):
    ada = world.lecturer("Ada Lovelace")
    (message,) = write(world, ada, title="Algorithms")
    assert send() == 1
    assert send(TEN + timedelta(hours=1)) == 0
    (letter,) = post.letters
    assert post.recipients == [ada.username]
    assert letter["To"] == f"Ada Lovelace <{ada.username}>"
    assert letter["From"] == "Attendance <attendance@uni.example>"
    assert letter["Subject"] == "Algorithms has begun: show the code?"
    assert letter["Message-ID"] == f"<{message.ref}@here.uni.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Id"] == "Adsum Demo University <adsum.here.uni.example>"
    assert [part.get_content_type() for part in letter.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert list(letter.iter_attachments()) == []
    message.refresh_from_db()
    assert (message.state, message.sent_at, message.tries) == (State.SENT, TEN, 0)
    assert list(Event.objects.order_by("pk").values_list("verb", "subject")) == [
        ("message.write", f"message:{message.ref}"),
        ("message.send", f"message:{message.ref}"),
    ]


def test_both_parts_say_the_same_and_load_nothing(world: World, post: Post):
    write(world, title="Sets & <Relations>")
    send()
    text, html = (part.get_content() for part in post.letters[0].iter_parts())
    assert "Sets & <Relations>, Monday 23 November, 09:00" in text
    assert "https://here.uni.example/classes/" in text
    assert "Sets &amp; &lt;Relations&gt;, Monday 23 November, 09:00" in html
    assert '<html lang="en-gb"' in html
    assert not {"<img", "<script", "<link", "url("} & set(html.split('"')), "nothing is fetched when it is read"
    assert "src=" not in html
    for said in ("One tap on “Show code” opens check-in.", "Mae’r neges hon ar gael yn Gymraeg hefyd:"):
        assert said in text and said in html  # noqa: PT018 - the same in both


def test_a_message_is_written_once(world: World):
    twice = draft(world, key="no_code:1:1")
    assert services.write([twice], at=TEN) == 1
    assert services.write([twice], at=TEN) == 0
    assert Message.objects.count() == Event.objects.filter(verb="message.write").count() == 1


def test_a_temporary_refusal_is_tried_again_later(world: World, post: Post):
    (message,) = write(world)
    post.answer = lambda _address: "451 try later"
    assert send() == 0
    message.refresh_from_db()
    assert (message.state, message.tries, message.problem) == (State.WAITING, 1, "451 try later")
    post.answer = lambda _address: "250 OK"
    assert send(TEN + RETRIES[0] - timedelta(seconds=1)) == 0
    assert send(TEN + RETRIES[0]) == 1
    message.refresh_from_db()
    assert (message.state, message.problem) == (State.SENT, "")


def test_a_letter_refused_again_and_again_has_failed(world: World, post: Post):
    (message,) = write(world)
    post.on_data = lambda: "452 mailbox full"
    at, tries = TEN, 0
    while message.state == State.WAITING:
        send(at)
        message.refresh_from_db()
        at, tries = message.due_at, tries + 1
    assert (message.state, tries, message.problem) == (State.REFUSED, len(RETRIES) + 1, "452 mailbox full")


def test_a_refusal_for_good_is_kept_and_the_others_are_sent(world: World, post: Post):
    good, gone, other = world.lecturer(), world.lecturer(), world.lecturer()
    write(world, good, gone, other)
    post.answer = lambda address: "550 no such person here" if address == gone.username else "250 OK"
    assert send() == 2
    assert post.recipients == [good.username, other.username]
    failed = Message.objects.get(person=gone)
    assert (failed.state, failed.problem, failed.tries) == (State.REFUSED, "550 no such person here", 1)
    assert send(TEN + timedelta(days=2)) == 0, "nobody tries again by itself"
    post.answer = lambda _address: "250 OK"
    services.send_again(failed, by=world.person(), at=TEN)
    assert send() == 1


def test_someone_without_an_address_is_a_failure_with_a_reason(world: World, post: Post):
    nobody = world.lecturer()
    Person.objects.filter(pk=nobody.pk).update(username="not-an-address")
    nobody.refresh_from_db()
    (message,) = write(world, nobody)
    assert send() == 0
    message.refresh_from_db()
    assert (message.state, message.problem) == (State.REFUSED, "This person has no e-mail address that mail can be sent to.")


def test_the_server_is_away_and_comes_back(world: World):
    messages = write(world, world.lecturer(), world.lecturer())
    with mail_server() as post:
        port = post.port
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_USE_TLS=False,
    ):
        assert send() == 0
    for message in messages:
        message.refresh_from_db()
        assert (message.state, message.tries, message.claimed_until) == (State.WAITING, 0, None), "no fault of the letter"
        assert message.due_at == TEN + SERVER_AWAY
        assert "refused" in message.problem
    with mail_server() as post:
        assert send(TEN + SERVER_AWAY) == 2
        assert len(post.letters) == 2


def test_a_server_that_hangs_up_in_the_middle_costs_nobody_a_letter(world: World, post: Post):
    write(world, *(world.lecturer() for _ in range(3)))
    answers = iter(["250 OK", "421 going down"])
    post.on_data = lambda: next(answers, "250 OK")
    assert send() == 1
    assert send(TEN + timedelta(hours=1)) == 2
    assert len(post.letters) == len({letter["Message-ID"] for letter in post.letters}) == 3


def test_a_worker_killed_after_sending_sends_again_under_the_same_name(
    world: World, post: Post, monkeypatch: pytest.MonkeyPatch
):
    """At least once: docs/adr/0016. The mail servers on the way and the reader's programme see one letter."""
    (message,) = write(world)
    with monkeypatch.context() as killed:
        killed.setattr(services, "sent", lambda *_args, **_named: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            send()
    assert send(TEN + CLAIM - timedelta(seconds=1)) == 0, "the dead worker's claim still stands"
    assert send(TEN + CLAIM) == 1
    assert [letter["Message-ID"] for letter in post.letters] == [f"<{message.ref}@here.uni.example>"] * 2


def test_a_letter_is_written_in_the_language_of_its_person(world: World, post: Post):
    write(world, world.lecturer("Gŵyneth Llŷr", language="cy", email="g.llyr@uni.example"), title="Rhaglennu", starts_at=NINE)
    with translation.override("en-gb"):
        send()
    (letter,) = post.letters
    text, html = (part.get_content() for part in letter.iter_parts())
    assert letter["Content-Language"] == "cy"
    assert '<html lang="cy"' in html
    assert "Dydd Llun 23 Tachwedd" in text
    assert "This message is available in English too:" in text
    assert letter["To"].addresses[0].display_name == "Gŵyneth Llŷr"


@pytest.mark.parametrize(
    "evil", ["Eve\r\nBcc: all@uni.example", "Eve\nX-Evil: 1\n\nBody", 'Eve" <x@evil.example>, "', "Eve\x1b[2J, x@y.example"]
)
def test_no_name_or_title_makes_a_header(world: World, post: Post, evil: str):
    person = world.lecturer()
    Person.objects.filter(pk=person.pk).update(given_name=evil)
    person.refresh_from_db()
    write(world, person, title=evil)
    assert send() == 1
    (letter,) = post.letters
    assert post.recipients == [person.username]
    assert [address.addr_spec for address in letter["To"].addresses] == [person.username]
    assert letter["Bcc"] is letter["X-Evil"] is None
    assert "\n" not in letter["Subject"]
    assert [part.get_content_type() for part in letter.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_letter_about_a_class_that_is_over_is_never_sent(world: World, post: Post):
    (message,) = write(world)
    Message.objects.update(useful_until=TEN + timedelta(minutes=1))
    late = TEN + timedelta(minutes=1)
    assert services.lapse(at=late) == 1
    assert services.lapse(at=late) == 0
    assert send(late) == 0
    message.refresh_from_db()
    assert message.state == State.LAPSED
    assert list(Message.objects.of(message.person)) == [message], "still to be read here"


def test_without_a_mail_server_messages_wait_and_are_read_here(world: World):
    (message,) = write(world)
    with override_settings(EMAIL_HOST=""), time_machine.travel(TEN + timedelta(days=1), tick=False):
        assert jobs.send_messages() == 0
    message.refresh_from_db()
    assert (message.state, message.claimed_until) == (State.WAITING, None)
    assert list(Message.objects.of(message.person)) == [message]


def test_a_message_is_held_let_go_and_taken_back(world: World, post: Post):
    (message,) = write(world)
    by = world.person()
    services.hold(message, by=by, at=TEN)
    assert send() == 0
    assert list(Message.objects.of(message.person)) == [], "nobody reads what is held back"
    services.send_again(message, by=by, at=TEN)
    services.withdraw(message, by=by, at=TEN)
    assert send() == 0
    with pytest.raises(AdsumError, match="moved on") as late:
        services.send_again(message, by=by, at=TEN)
    assert late.value.code == "moved_on"
    verbs = list(Event.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["message.write", "message.hold", "message.retry", "message.withdraw"]


def test_a_letter_is_not_taken_back_once_it_is_sent(world: World, post: Post):
    (message,) = write(world)
    send()
    with pytest.raises(AdsumError, match="moved on"):
        services.withdraw(message, by=world.person(), at=TEN)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_letter_once(post: Post):
    world = World()
    write(world, *(world.lecturer() for _ in range(120)))
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        try:
            send()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(post.letters) == len({letter["Message-ID"] for letter in post.letters}) == 120
    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}


def test_a_setting_without_a_value_is_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch):
    """As somebody has it who takes the marks off every line of .env.example."""
    for name, value in (("HOST", "smtp.uni.ac.uk"), ("FROM", "a@uni.ac.uk"), ("PASSWORD_FILE", ""), ("USER", "")):
        monkeypatch.setenv(f"ADSUM_MAIL_{name}", value)
    assert Environment().mail_password_file is None
