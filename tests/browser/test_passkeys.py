"""Passkeys in a real browser, with Chromium's virtual authenticator: made, used, confirmed with, taken away."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from playwright.sync_api import Browser, CDPSession, Page, expect
from pytest_django.live_server_helper import LiveServer

from adsum.accounts import services
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from tests.browser.test_signin import PASSWORD, everyone_can_use, say_who, watched
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sam(world: World) -> Person:
    """An administrator with a local account that has only a password."""
    person = world.person(Role.ADMINISTRATOR, name="Sam Stone")
    services.update_person(person, username="sam@here.example", by="system:test", at=NINE)
    Person.objects.filter(pk=person.pk).update(password=make_password(PASSWORD))
    return person


class Device:
    """The browser's own authenticator: a phone whose owner holds a finger to it, or does not."""

    def __init__(self, page: Page) -> None:
        self.talk: CDPSession = page.context.new_cdp_session(page)
        self.talk.send("WebAuthn.enable")
        self.id = self.add()

    def add(self) -> str:
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made: str = self.talk.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
        return made

    def finger(self, right: bool) -> None:
        self.talk.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": right})

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.talk.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]
        return found


@pytest.fixture
def phone(page: Page, live_server: LiveServer, settings: Any) -> Device:
    settings.ORIGIN = live_server.url
    return Device(page)


def with_password(page: Page, live_server: LiveServer) -> None:
    say_who(page, live_server, "sam@here.example", "/account/security/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def make(page: Page, name: str) -> None:
    form = page.locator("form[action$='/passkeys/add/']")
    form.get_by_label("What do you call it?").fill(name)
    if form.get_by_label("Password").count():
        form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button", name="Add a passkey").click()


def test_a_passkey_from_its_first_day_to_its_last(page: Page, live_server: LiveServer, phone: Device, sam: Person):
    problems = watched(page)
    with_password(page, live_server)
    page.goto(f"{live_server.url}/office/check-in/")
    assert page.url.endswith("/account/security/"), "first of all, a second step"
    expect(page.get_by_text("a password alone is not enough")).to_be_visible()
    everyone_can_use(page)

    make(page, "My phone")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    (made,) = phone.credentials()
    assert (made["isResidentCredential"], made["rpId"]) == (True, "localhost")
    page.goto(f"{live_server.url}/office/check-in/")
    assert page.url.endswith("/office/check-in/")
    page.goto(f"{live_server.url}/account/security/")
    everyone_can_use(page)

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/sign-in/?next=/account/security/")
    everyone_can_use(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{live_server.url}/account/security/")

    # An hour later, removing it asks for a proof; the passkey gives it, and the removal goes on by itself.
    _an_hour_ago(page)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove My phone").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    everyone_can_use(page)
    assert Authenticator.objects.filter(type="webauthn").count() == 1
    page.get_by_role("button", name="Confirm with your passkey").click()
    page.wait_for_url(f"{live_server.url}/account/security/")
    expect(page.get_by_text("That passkey signs nobody in any more")).to_be_visible()
    assert not Authenticator.objects.exists()

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/sign-in/")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
    assert problems == []


def _an_hour_ago(page: Page) -> None:
    """The proof of this browser's sign-in grows old."""
    from django.contrib.sessions.backends.db import SessionStore

    from adsum.web.signin.stepup import PROVED

    key = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "adsum_session")
    session = SessionStore(key)
    session[PROVED] -= 3600
    session.save()


def test_as_a_second_step_and_what_goes_wrong(page: Page, live_server: LiveServer, phone: Device, sam: Person):
    with_password(page, live_server)
    make(page, "My phone")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.goto(f"{live_server.url}/account/security/")
    page.get_by_text("Add a passkey", exact=True).first.click()
    make(page, "The same again")
    expect(page.get_by_role("status").get_by_text("This device has a passkey for your account already")).to_be_visible()

    page.context.clear_cookies()
    with_password(page, live_server)
    page.wait_for_url("**/sign-in/code/")
    everyone_can_use(page)
    phone.finger(right=False)
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_text("You stopped it, or it took too long")).to_be_visible()
    phone.finger(right=True)
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url(f"{live_server.url}/account/security/")


def test_another_origin_is_refused(page: Page, live_server: LiveServer, phone: Device, sam: Person, settings: Any):
    """The browser signs for the origin it is at; what we expect is another one, as if a false site passed it on."""
    with_password(page, live_server)
    make(page, "My phone")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.context.clear_cookies()
    settings.ORIGIN = "http://localhost:1"
    page.goto(f"{live_server.url}/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That passkey was not accepted")


def test_without_scripts_the_other_ways_are_there(browser: Browser, live_server: LiveServer, sam: Person):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        with_password(page, live_server)
        assert "Passkeys need JavaScript" in page.content()
        expect(page.locator("[data-passkey]")).to_be_hidden()
        expect(page.get_by_role("button", name="Turn it on")).to_be_visible()
