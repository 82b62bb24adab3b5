"""Passwords guessed by many at once, in real threads: one is hashed at a time, some wait, the rest are told so, and every other
page answers meanwhile."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connections
from django.test import Client

from adsum.accounts import passwords
from adsum.checkin.gate.limits import Limit
from adsum.integrations.sign_in import allauth
from tests.kit.signing_in import PASSWORD, enter, local_account, signed_in, text
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 60
GUESSES = passwords.PLACES_OF_ONE + 6


class Held:
    """Argon2 that waits until the test lets it go on, and says how it was run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.begun = threading.Event(), threading.Event()
        self.at_once, self.most, self.done = 0, 0, 0
        self.niceness: set[int] = set()
        real, lock = Argon2PasswordHasher.verify, threading.Lock()

        def verify(hasher: Any, password: str, encoded: str) -> bool:
            with lock:
                self.at_once += 1
                self.most = max(self.most, self.at_once)
            self.niceness.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            self.begun.set()
            self.go_on.wait(PATIENCE)
            with lock:
                self.at_once, self.done = self.at_once - 1, self.done + 1
            return real(hasher, password, encoded)

        monkeypatch.setattr(Argon2PasswordHasher, "verify", verify)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held(monkeypatch)
    yield held
    held.go_on.set()


def guess(email: str) -> int:
    try:
        return int(enter(Client(), email, "not this one at all").status_code)
    finally:
        connections.close_all()


def test_while_passwords_are_guessed_other_pages_answer(world: World, held: Held):
    people = [local_account(world.student(), f"s{number}@uni.example") for number in range(GUESSES)]
    inside = Client()
    inside.force_login(people[0], "allauth.account.auth_backends.AuthenticationBackend")
    with ThreadPoolExecutor(GUESSES) as crowd:
        answers = [crowd.submit(guess, person.username) for person in people]
        assert held.begun.wait(PATIENCE)
        refused = [next_done(answers) for _ in range(GUESSES - passwords.PLACES_OF_ONE)]
        assert {answer.result() for answer in refused} == {429}, "at once, while the others wait"
        for page in ("/sign-in/", "/policy/"):
            assert Client().get(page).status_code == 200
        assert inside.get("/today/").status_code == 200
        assert (held.at_once, held.done) == (1, 0)
        held.go_on.set()
        assert {answer.result(PATIENCE) for answer in answers} == {422}
    assert (held.most, held.done) == (1, passwords.PLACES_OF_ONE)
    assert min(held.niceness) >= passwords.GIVES_WAY


def next_done(answers: list[Any]) -> Any:
    """The next of these that is done, taken out of the list."""
    end = threading.Event()
    for answer in answers:
        answer.add_done_callback(lambda _: end.set())
    assert end.wait(PATIENCE)
    found = next(answer for answer in answers if answer.done())
    answers.remove(found)
    return found


def test_a_try_that_was_not_looked_at_costs_none(world: World, monkeypatch: pytest.MonkeyPatch):
    alice = local_account(world.student(), "alice@uni.example")
    monkeypatch.setattr(passwords, "PLACES", 0)
    for _ in range(7):
        answer = enter(Client(), alice.username)
        assert answer.status_code == 429
        assert "was not looked at" in text(answer)
    monkeypatch.undo()
    client = Client()
    enter(client, alice.username)
    assert signed_in(client) == str(alice.pk)


def test_one_address_leaves_places_to_the_others(world: World, settings: Any):
    settings.TRUSTED_PROXIES = ["127.0.0.1/32"]
    alice = local_account(world.student(), "alice@uni.example")
    with ExitStack() as there:
        for _ in range(passwords.PLACES_OF_ONE):
            there.enter_context(passwords.pool.place("203.0.113.9"))
        for address, status in (("203.0.113.9", 429), ("203.0.113.10", 302)):
            client = Client(headers={"X-Forwarded-For": address})
            assert enter(client, alice.username).status_code == status
    with passwords.pool.place("203.0.113.9"):
        pass  # all were given back


def test_a_flood_from_one_address_is_refused_before_the_hash(world: World, monkeypatch: pytest.MonkeyPatch):
    alice = local_account(world.student(), "alice@uni.example")
    monkeypatch.setattr(allauth, "tries", Limit(a_minute=2, at_once=2))
    hashed: list[str] = []
    real = Argon2PasswordHasher.verify

    def verify(hasher: Any, password: str, encoded: str) -> bool:
        hashed.append(password)
        return real(hasher, password, encoded)

    monkeypatch.setattr(Argon2PasswordHasher, "verify", verify)
    answers = [enter(Client(), alice.username, "not this one at all").status_code for _ in range(4)]
    assert (answers, len(hashed)) == ([422, 422, 429, 429], 2)
    assert allauth.TRIES_A_MINUTE >= 600, "a campus behind one address signs in"


def test_a_hash_made_in_eight_lanes_still_opens_and_is_made_anew(world: World):
    alice = local_account(world.student(), "alice@uni.example")
    before = Argon2PasswordHasher().encode(PASSWORD, "some salt of old")
    type(alice).objects.filter(pk=alice.pk).update(password=before)
    client = Client()
    enter(client, alice.username)
    assert signed_in(client) == str(alice.pk)
    alice.refresh_from_db()
    assert ",p=1$" in alice.password
    assert client.get("/today/").status_code == 200, "who has just signed in stays so"
