"""The demo is entered with one click, by its own people, from its own network."""

from typing import Any

import pytest
from django.test import Client

from adsum.accounts import services
from adsum.accounts.models import Identifier, Person, RoleGrant
from adsum.accounts.rules import Role
from tests.kit.signing_in import enter, local_account, signed_in, text
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(world: World) -> Person:
    return local_account(world.student("Alice Ashe"), "alice@uni.example")


@pytest.fixture
def persona(world: World) -> Person:
    person = world.student("Pat Demo")
    Identifier.objects.create(person=person, system="demo", kind="persona", value="student")
    return person


def test_a_demo_is_entered_with_one_click(persona: Person, client: Client, settings: Any):
    settings.DEMO = True
    page = text(client.get("/sign-in/?next=/in/confirm"))
    assert 'name="persona" value="student"' in page
    assert 'value="administrator"' not in page, "nobody plays that part here"
    answer = client.post("/sign-in/try/", {"persona": "student", "next": "/in/confirm"})
    assert answer["Location"] == "/in/confirm"
    assert signed_in(client) == str(persona.pk)


def test_in_a_demo_a_persona_with_a_weighty_role_gets_to_work(persona: Person, client: Client, settings: Any):
    RoleGrant.objects.create(person=persona, role=Role.ADMINISTRATOR)
    services.set_password(persona, "correct horse battery", by="system:test", at=NINE)
    settings.DEMO = True
    client.post("/sign-in/try/", {"persona": "student"})
    assert client.get("/office/people/").status_code == 200
    settings.DEMO = False
    assert client.get("/office/people/")["Location"] == "/account/security/"


def test_anywhere_else_there_is_no_such_door(persona: Person, client: Client):
    assert "persona" not in text(client.get("/sign-in/"))
    assert client.post("/sign-in/try/", {"persona": "student"}).status_code == 404
    assert signed_in(client) is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "open_to"),
    [
        ("127.0.0.1", "", [], True),
        ("::1", "", [], True),
        ("192.168.1.20", "", [], True),
        ("10.1.2.3", "", [], True),
        ("fe80::1%eth0", "", [], True),
        ("fd00::1", "", [], True),
        ("::ffff:192.168.1.20", "", [], True),
        ("8.8.8.8", "", [], False),
        ("2a00:1450::1", "", [], False),
        ("::ffff:8.8.8.8", "", [], False),
        ("127.0.0.1", "8.8.8.8", [], False),
        ("127.0.0.1", "192.168.1.20", [], False),
        ("127.0.0.1", "8.8.8.8", ["127.0.0.0/8"], False),
        ("127.0.0.1", "192.168.1.20", ["127.0.0.0/8"], True),
        ("", "", [], False),
    ],
)
def test_a_demo_is_entered_from_its_own_network_unless_asked(
    persona: Person, settings: Any, peer: str, forwarded: str, proxies: list[str], open_to: bool
):
    """Its password is in the documentation."""
    local_account(persona, "pat@uni.example")
    settings.DEMO, settings.TRUSTED_PROXIES = True, proxies
    for anywhere in (False, True):
        settings.DEMO_ANYWHERE = anywhere
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        browsers = [Client(REMOTE_ADDR=peer, headers=headers) for _ in range(2)]
        assert ("persona" in text(browsers[0].get("/sign-in/"))) is (open_to or anywhere)
        assert browsers[0].post("/sign-in/try/", {"persona": "student"}).status_code == (302 if open_to or anywhere else 404)
        enter(browsers[1], "pat@uni.example")
        assert [bool(signed_in(browser)) for browser in browsers] == [open_to or anywhere] * 2


@pytest.mark.parametrize("value", ["", "lecturer", "alice@uni.example"])
def test_even_in_a_demo_only_its_own_people(alice: Person, persona: Person, client: Client, settings: Any, value: str):
    settings.DEMO = True
    Identifier.objects.create(person=alice, system="sits", kind="persona", value="lecturer")
    assert client.post("/sign-in/try/", {"persona": value}).status_code == 404
