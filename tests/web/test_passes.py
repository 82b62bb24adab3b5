"""Passes: the gate believes who is signed in, and stops within a second of sign-out, however it came about."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.checkin.codes import Pass, seal_pass
from adsum.checkin.gate.app import PASS_COOKIE
from adsum.checkin.gate.state import State
from adsum.checkin.known import SIGN_IN
from adsum.checkin.models import RevokedPass
from adsum.checkin.rules import milliseconds
from adsum.core import keyring
from tests.kit.world import NINE, World, in_thread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def gate() -> AsyncIterator[State]:
    state = State()
    state._clock_read = time.monotonic()  # PostgreSQL's clock does not travel with the tests: not to be followed here
    yield state
    await state.stop()


def signed_in(person: Person, url: str = "/today/") -> Client:
    """A browser that has just signed in and seen one page."""
    browser = Client()
    browser.force_login(person)
    browser.get(url)
    return browser


def pass_of(browser: Client) -> str:
    return browser.cookies[PASS_COOKIE].value


async def believed(gate: State, text: str) -> Pass | None:
    """What the gate makes of a pass, once it has looked, as it does twice a second."""
    await gate.refresh()
    return gate.believe(text)


@pytest.mark.parametrize("role", [Role.STUDENT, Role.TUTOR])
async def test_the_gate_believes_whoever_signed_in(gate: State, role: Role):
    person = await in_thread(lambda: World().person(role))
    browser = await in_thread(signed_in, person, "/" if role == Role.TUTOR else "/today/")
    pass_ = await believed(gate, pass_of(browser))
    assert pass_ is not None
    assert pass_.person == person.pk


async def test_after_sign_out_a_copy_of_the_pass_is_refused_and_other_browsers_go_on(gate: State):
    person = await in_thread(lambda: World().student())
    here, elsewhere = [await in_thread(signed_in, person) for _ in range(2)]
    copy = pass_of(here)
    assert await believed(gate, copy)
    answer = await in_thread(lambda: here.post("/sign-out/"))
    assert (answer.cookies[PASS_COOKIE].value, answer.cookies[PASS_COOKIE]["max-age"]) == ("", 0)
    assert await believed(gate, copy) is None
    assert await believed(gate, pass_of(elsewhere))


def test_a_pass_is_for_this_site_only_and_out_of_reach_of_scripts(world: World):
    morsel = signed_in(world.student()).cookies[PASS_COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Lax", "/", "")
    assert bool(morsel["secure"]) is settings.SECURE


def test_a_pass_lasts_as_long_as_the_sign_in(world: World):
    student = world.student()
    browser = Client()
    with time_machine.travel(NINE, tick=False) as clock:
        browser.force_login(student)
        first = browser.get("/today/").cookies[PASS_COOKIE]
        assert first["max-age"] == settings.SIGNED_IN_FOR
        clock.shift(timedelta(hours=5))
        assert PASS_COOKIE not in browser.get("/today/").cookies
        del browser.cookies[PASS_COOKIE]
        assert browser.get("/today/").cookies[PASS_COOKIE]["max-age"] == 7 * 3600


async def test_a_sign_in_that_ends_by_itself_ends_its_pass(gate: State):
    person = await in_thread(lambda: World().person(Role.TUTOR))
    with time_machine.travel(NINE, tick=False) as clock:
        browser = await in_thread(signed_in, person, "/")
        copy = pass_of(browser)
        assert await believed(gate, copy)
        clock.shift(timedelta(minutes=31))
        answer = await in_thread(browser.get, "/")
        assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/")
        assert await believed(gate, copy) is None


def test_a_pass_that_is_not_of_this_sign_in_is_replaced(world: World):
    student, other = world.student(), world.student()
    browser = signed_in(other)
    strange = pass_of(browser)
    browser.force_login(student)
    browser.cookies[PASS_COOKIE] = strange
    browser.get("/today/")
    assert pass_of(browser) != strange
    assert RevokedPass.objects.get().person == other


@pytest.mark.parametrize("text", ["", "k1.", "k1.AAAA", "nonsense", "k9.e30"])
def test_what_is_not_a_pass_is_replaced_by_one(world: World, text: str):
    browser = signed_in(world.student())
    browser.cookies[PASS_COOKIE] = text
    assert browser.get("/today/").cookies[PASS_COOKIE].value not in {"", text}
    assert not RevokedPass.objects.exists()


def test_after_a_new_master_key_everyone_gets_a_new_pass(world: World, monkeypatch: pytest.MonkeyPatch):
    browser = signed_in(world.student())
    before = pass_of(browser)
    monkeypatch.setattr(settings, "CHECKIN_KEYS", {"k2": "ab" * 32} | settings.CHECKIN_KEYS)
    for remembered in (keyring.masters, keyring.keys_for):
        remembered.cache_clear()
    try:
        browser.get("/today/")
        assert pass_of(browser).startswith("k2.")
        assert before.startswith("k1.")
    finally:
        monkeypatch.undo()
        for remembered in (keyring.masters, keyring.keys_for):
            remembered.cache_clear()


def test_nobody_without_a_sign_in_has_a_pass(world: World):
    browser = Client()
    browser.get("/sign-in/")
    assert PASS_COOKIE not in browser.cookies
    kid = keyring.current()
    forged = Pass(world.student().pk, bytes(16), milliseconds(NINE), milliseconds(NINE))
    browser.cookies[PASS_COOKIE] = seal_pass(forged, keyring.keys_for("pass/v1")[kid], kid)
    assert browser.get("/sign-in/").cookies[PASS_COOKIE].value == ""
    assert not RevokedPass.objects.exists()  # it was over anyway


def test_a_closed_account_has_no_pass(world: World):
    student = world.student()
    browser = signed_in(student)
    Person.objects.filter(pk=student.pk).update(is_active=False)
    assert browser.get("/today/").cookies[PASS_COOKIE].value == ""
    assert browser.session.get(SIGN_IN)
    assert RevokedPass.objects.get().person == student
