"""One's own messages, and the administrators' page of the mail."""

from datetime import timedelta

import pytest
from django.test import Client, override_settings

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.messages import services
from adsum.messages.models import Message
from adsum.messages.rules import State
from adsum.messages.topic import Draft, class_named
from adsum.messages.topics import classes
from tests.kit.reading import words
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
FOR_EVER = NINE + timedelta(days=9000)


def tell(world: World, person: Person, number: int = 1) -> list[Message]:
    """Messages of every look: a class that moved."""
    group = world.group(world.module("Algorithms", f"CS{number}"))
    for n in range(number):
        session = world.session(group, title=f"Class {n}")
        times = {"starts_at": session.starts_at.isoformat(), "ends_at": session.ends_at.isoformat(), "delivery": "in_person"}
        item = {
            **class_named(session),
            "change": "moved",
            "staff_changed": False,
            "before": {**times, "rooms": ["C2.01"]},
            "after": {**times, "rooms": ["B1.02"]},
        }
        facts = {"audience": "student", "classes": [item]}
        services.write([Draft(person, classes.CHANGED, f"{person.pk}:{session.pk}", facts, FOR_EVER)], at=NINE)
    return list(Message.objects.filter(person=person).order_by("pk"))


def test_a_person_reads_their_own_messages_and_nobody_elses(world: World, client: Client):
    alice, bob = world.student("Alice Abel"), world.student("Bob Baker")
    tell(world, alice)
    client.force_login(alice)
    page = words(client.get("/messages/").content.decode())
    assert "1 new message" in page
    assert "Moved: Class 0, Monday 23 November, 09:00" in page
    assert "Before: Monday 23 November, 09:00–10:00, C2.01" in page
    assert "Now: Monday 23 November, 09:00–10:00, B1.02" in page
    client.force_login(bob)
    assert "Nothing to tell you yet" in words(client.get("/messages/").content.decode())


def test_all_read_is_a_form_and_tells_once(world: World, client: Client):
    alice = world.student()
    (message,) = tell(world, alice)
    client.force_login(alice)
    client.get("/messages/")
    message.refresh_from_db()
    assert message.opened_at is None, "looking changes nothing"
    page = words(client.post("/messages/read/", follow=True).content.decode())
    assert "new message" not in page
    message.refresh_from_db()
    assert message.opened_at is not None


def test_a_message_is_read_in_the_language_of_its_reader(world: World, client: Client):
    alice = world.student()
    tell(world, alice)
    client.force_login(alice)
    client.cookies["adsum_language"] = "cy"
    assert "Dydd Llun 23 Tachwedd" in client.get("/messages/").content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_messages_cost_the_same_for_one_as_for_three(world: World, client: Client, rows: int, django_assert_num_queries):
    alice = world.student()
    tell(world, alice, rows)
    client.force_login(alice)
    client.get("/messages/")
    with django_assert_num_queries(6):
        client.get("/messages/")


@pytest.fixture
def office(world: World, client: Client) -> Client:
    client.force_login(world.person(Role.ADMINISTRATOR))
    return client


def test_without_a_mail_server_the_page_says_so(office: Client):
    page = words(office.get("/office/mail/").content.decode())
    assert "No mail server is set up." in page


def test_a_refused_letter_is_shown_with_its_reason_and_sent_again(world: World, office: Client):
    (message,) = tell(world, world.student("Alice Abel"))
    services.refused(message, "550 no such person here", at=NINE, for_good=True)
    with override_settings(EMAIL_HOST="mail.uni.example"):
        page = words(office.get("/office/mail/").content.decode())
    assert "Letters leave through mail.uni.example." in page
    assert "550 no such person here" in page
    assert "Refused 1" in page
    office.post(f"/office/mail/{message.ref}/", {"action": "retry"})
    message.refresh_from_db()
    assert (message.state, message.tries) == (State.WAITING, 0)


def test_a_letter_that_was_sent_meanwhile_says_so(world: World, office: Client):
    (message,) = tell(world, world.student())
    services.sent(message, at=NINE)
    answer = office.post(f"/office/mail/{message.ref}/", {"action": "withdraw"}, follow=True)
    assert "has moved on meanwhile" in words(answer.content.decode())
    message.refresh_from_db()
    assert message.state == State.SENT


def test_mail_that_is_behind_raises_its_voice(world: World, office: Client):
    tell(world, world.student())
    with override_settings(EMAIL_HOST="mail.uni.example"):
        assert "The mail is behind" in words(office.get("/office/mail/").content.decode())


@pytest.mark.parametrize("rows", [1, 3])
def test_the_mail_page_costs_the_same_for_one_as_for_three(world: World, office: Client, rows: int, django_assert_num_queries):
    tell(world, world.student(), rows)
    office.get("/office/mail/")
    with django_assert_num_queries(9):
        office.get("/office/mail/")
