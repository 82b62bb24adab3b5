"""A mail server that fails in every way, and letters that come back: read from a maildir, from a mailbox by IMAP."""

from collections.abc import Iterator
from datetime import timedelta
from mailbox import Maildir
from pathlib import Path

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Department
from adsum.messages import mail, services
from adsum.messages.bounces import read_bounces, take_report
from adsum.messages.delivery_reports import DeliveryReport, Said, read_report
from adsum.messages.models import Message
from adsum.messages.rules import RETRIES, SERVER_AWAY, State
from adsum.messages.topic import Draft, class_named
from adsum.messages.topics import registers
from tests.kit.imap import imap_server
from tests.kit.mail import DROPS, HANGS, Post, comes_back, mail_server
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as post, override_settings(MAIL_BOUNCES_TO="bounces@uni.example"):
        yield post


@pytest.fixture
def maildir(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "bounces"
    Maildir(path)
    with override_settings(MAIL_BOUNCES=f"maildir:{path}"):
        yield path


def write(world: World, count: int = 1) -> list[Message]:
    session = world.session()
    drafts = [
        Draft(world.lecturer(), registers.NO_CODE, f"no_code:{n}", class_named(session), NINE + timedelta(days=9))
        for n in range(count)
    ]
    services.write(drafts, at=NINE)
    return list(Message.objects.order_by("pk"))


def states() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("state", flat=True))


# A server that fails


@pytest.mark.parametrize("how", [DROPS, HANGS])
def test_a_letter_that_the_server_chokes_on_stops_no_other(world: World, post: Post, how: str):
    """The oldest letter is always taken first: it must not be tried for ever before all others."""
    write(world, 3)
    answers = iter([how])
    post.on_data = lambda: next(answers, "250 OK")
    with override_settings(EMAIL_TIMEOUT=0.5):
        assert mail.send_due(lambda: NINE) == 0
    first, *others = Message.objects.order_by("pk")
    assert (first.state, first.tries, first.due_at) == (State.WAITING, 1, NINE + RETRIES[0])
    assert {(one.tries, one.due_at) for one in others} == {(0, NINE + SERVER_AWAY)}
    later = NINE + SERVER_AWAY + timedelta(seconds=1)
    assert mail.send_due(lambda: later) == 3
    assert len(post.letters) == 3


def test_a_letter_that_the_server_always_chokes_on_is_refused_in_the_end(world: World, post: Post):
    poison, other = write(world, 2)
    chokes_on = poison.person.username
    asked: list[str] = []

    def remember(address: str) -> str:
        asked.append(address)
        return "250 OK"

    post.answer = remember
    post.on_data = lambda: DROPS if asked[-1] == chokes_on else "250 OK"
    at = NINE
    for wait in (*RETRIES, timedelta(0)):
        mail.send_due(lambda now=at: now)  # type: ignore[misc]
        at += wait
    for message in (poison, other):
        message.refresh_from_db()
    assert (poison.state, poison.tries) == (State.REFUSED, len(RETRIES) + 1)
    assert (other.state, other.tries) == (State.SENT, 0)


def test_letters_go_back_to_one_address_and_answers_to_people_who_read_them(world: World, post: Post):
    school = world.department("SCI", "Science")
    alice = world.student()
    world.enrol(alice, world.department("CS", parent=school))
    services.write([Draft(alice, registers.NO_CODE, "a", class_named(world.session()), NINE + timedelta(days=9))], at=NINE)
    write(world)
    Department.objects.filter(pk=school.pk).update(answers_to="science-office@uni.example")
    with override_settings(MAIL_REPLY_TO="Attendance team <team@uni.example>"):
        assert mail.send_due(lambda: NINE) == 2
    hers, other = post.letters
    assert [str(one["Reply-To"]) for one in (hers, other)] == [
        "science-office@uni.example",
        "Attendance team <team@uni.example>",
    ]
    assert str(hers["From"]) == "Attendance <attendance@uni.example>"
    assert post.senders == ["bounces@uni.example"] * 2
    assert "Somebody at science-office@uni.example reads it." in post.text(0)


# What comes back


def test_a_letter_taken_and_then_sent_back_has_bounced(world: World, post: Post, maildir: Path):
    write(world, 2)
    mail.send_due(lambda: NINE)
    comes_back(post.letters[0], maildir)
    assert (read_bounces(at=NINE), read_bounces(at=NINE)) == (1, 0)
    assert states() == [State.BOUNCED, State.SENT]
    first = Message.objects.order_by("pk")[0]
    assert first.problem == "550 5.1.1 no such mailbox"
    services.send_again(first, by=world.person(), at=NINE)
    assert mail.send_due(lambda: NINE) == 1


def test_a_delay_is_no_bounce_and_what_people_write_is_left_for_people(world: World, post: Post, maildir: Path):
    write(world, 2)
    mail.send_due(lambda: NINE)
    comes_back(post.letters[0], maildir, action="delayed")
    comes_back(post.letters[1], maildir, action="delivered")
    box = Maildir(maildir)
    box.add(b"From: alice@uni.example\nSubject: Re: your letter\n\nI was there.\n")
    assert read_bounces(at=NINE) == 1
    assert states() == [State.SENT, State.DELIVERED]
    flags = sorted(mail.get_flags() for mail in Maildir(maildir))
    assert flags == ["F", "F", "S"], "two wait for a person; nothing is deleted"


def test_a_mailbox_is_read_by_imap(world: World, post: Post, tmp_path: Path):
    write(world)
    mail.send_due(lambda: NINE)
    Maildir(tmp_path / "one")
    comes_back(post.letters[0], tmp_path / "one")
    with imap_server() as box:
        box.add(Maildir(tmp_path / "one").popitem()[1].as_bytes())
        box.add(b"Subject: Hello\n\nI am away until Monday.\n")
        address = f"imap://bounces@127.0.0.1:{box.port}/INBOX"
        with override_settings(MAIL_BOUNCES=address, MAIL_BOUNCES_PASSWORD="wrong"):
            assert read_bounces(at=NINE) == 0, "it is read when the password is right"
        with override_settings(MAIL_BOUNCES=address, MAIL_BOUNCES_PASSWORD=box.password):
            assert (read_bounces(at=NINE), read_bounces(at=NINE)) == (1, 0)
    assert states() == [State.BOUNCED]
    assert box.flags == {1: {"\\Seen"}, 2: {"\\Flagged"}}
    with override_settings(MAIL_BOUNCES=address, MAIL_BOUNCES_PASSWORD=""):
        assert read_bounces(at=NINE) == 0, "the server is away: next time"


def test_reports_about_others_or_twice_change_nothing(world: World, post: Post):
    (message,) = write(world)
    assert not take_report(DeliveryReport(message.ref, Said.BOUNCED), at=NINE), "it has not gone out yet"
    mail.send_due(lambda: NINE)
    assert not take_report(DeliveryReport(message.person.ref, Said.BOUNCED), at=NINE)
    assert take_report(DeliveryReport(message.ref, Said.DELIVERED), at=NINE)
    assert take_report(DeliveryReport(message.ref, Said.BOUNCED), at=NINE)
    assert not take_report(DeliveryReport(message.ref, Said.BOUNCED), at=NINE)
    assert not take_report(DeliveryReport(message.ref, Said.DELIVERED), at=NINE)


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: f"Content-Type: multipart/report\n\n{text}".encode()))
def test_no_mail_is_too_strange_to_be_read(content: bytes):
    assert read_report(content) is None
