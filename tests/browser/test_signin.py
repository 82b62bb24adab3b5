"""Signing in, in a real browser, under our own Content-Security-Policy: with scripts, without, and by phone."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from django.contrib.auth.hashers import make_password
from django.core.cache import caches
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from adsum.accounts import services
from adsum.accounts.allauth_internals import format_hotp_value, hotp_value
from adsum.accounts.models import Identifier, Person
from adsum.integrations.sign_in.oidc import provider_id_of
from tests.kit import oidc
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)
AXE = (Path(__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PASSWORD = "correct horse battery"


@pytest.fixture
def uni() -> Iterator[oidc.Honest]:
    caches["local"].clear()
    with oidc.honest() as running:
        yield running


@pytest.fixture(autouse=True)
def _our_address(live_server: LiveServer, settings: Any) -> None:
    settings.ORIGIN = live_server.url


@pytest.fixture
def alice(world: World) -> Person:
    return world.student("Alice Ashe", number="0012345")


def watched(page: Page) -> list[str]:
    """What the browser complains about on our pages: blocked scripts, styles, forms."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None)
    return problems


def everyone_can_use(page: Page) -> None:
    """axe finds nothing, and nothing runs off the side of a 320 px phone, in the light and in the dark."""
    before = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    page.evaluate(AXE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(200)  # colours settle
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        seen = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]
        assert seen == [], (page.url, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    if before:
        page.set_viewport_size(before)


def say_who(page: Page, live_server: LiveServer, email: str, next_path: str = "/in/confirm") -> None:
    page.goto(f"{live_server.url}/sign-in/?next={next_path}")
    page.get_by_label("University e-mail").fill(email)
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_to_the_university_and_back(browser: Browser, live_server: LiveServer, uni: oidc.Honest, alice: Person, scripts: bool):
    oidc.register(uni.issuer, match_claim="student_number", match_identifier="number")
    uni.person("abc-123", student_number="0012345")
    with browser.new_context(java_script_enabled=scripts) as context:
        page = context.new_page()
        problems = watched(page)
        say_who(page, live_server, "alice@uni.example")
        page.wait_for_url(f"{uni.issuer}/oauth2/authorize?**")
        page.get_by_placeholder("sub").fill("abc-123")
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url(f"{live_server.url}/in/confirm")
        assert [cookie["httpOnly"] for cookie in context.cookies() if cookie["name"] == "adsum_session"] == [True]
        page.goto(f"{live_server.url}/sign-in/?next=/in/confirm")
        assert page.url.endswith("/in/confirm"), "signed in already"
        assert problems == []


@pytest.mark.blocked_on_purpose
def test_why_there_is_a_page_in_between(page: Page, live_server: LiveServer, uni: oidc.Honest, alice: Person):
    """The browser does block a form whose answer redirects to the provider, so the page in between is needed."""
    app = oidc.register(uni.issuer)
    problems = watched(page)
    page.goto(f"{live_server.url}/sign-in/")
    page.evaluate(
        "to => { const f = document.createElement('form'); f.action = to; document.body.append(f); f.submit(); }",
        f"/oidc/{app.provider_id}/login/",
    )
    page.wait_for_timeout(1500)
    assert page.url.startswith(live_server.url)
    assert any("form-action" in problem for problem in problems)


def test_every_page_can_be_used_by_everyone(page: Page, live_server: LiveServer, uni: oidc.Honest, alice: Person):
    services.update_person(alice, username="alice@here.example", by="system:test", at=NINE)
    Person.objects.filter(pk=alice.pk).update(password=make_password(PASSWORD))
    oidc.register(uni.issuer)
    problems = watched(page)
    say_who(page, live_server, "alice@nowhere.example")
    expect(page.get_by_role("alert")).to_contain_text("We do not know addresses at nowhere.example")
    everyone_can_use(page)
    say_who(page, live_server, "alice@here.example", "/account/security/")
    everyone_can_use(page)
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not match")
    everyone_can_use(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account/security/")
    everyone_can_use(page)

    picture = Image.open(io.BytesIO(page.locator("#qr svg").screenshot()))
    (found,) = zxingcpp.read_barcodes(picture)
    assert found.text.startswith("otpauth://totp/")
    secret = re.search(r"secret=([A-Z2-7]+)", found.text).group(1)  # type: ignore[union-attr]
    step = page.evaluate("Math.floor(Date.now() / 30000)")
    app = page.get_by_role("region", name="Authenticator app")
    app.get_by_label("Code", exact=True).fill(format_hotp_value(hotp_value(secret, step)))
    app.get_by_label("Password").fill(PASSWORD)
    app.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    everyone_can_use(page)
    recovery = page.locator("#codes code").first.inner_text()
    for path in ("/account/security/", "/account/sign-ins/", "/account/password/", "/sign-in/closed/"):
        page.goto(f"{live_server.url}{path}")
        everyone_can_use(page)

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/signed-out/")
    everyone_can_use(page)
    say_who(page, live_server, "alice@here.example", "/account/security/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sign-in/code/")
    everyone_can_use(page)
    page.get_by_label("Code", exact=True).fill(recovery)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account/security/")

    page.context.clear_cookies()
    page.route("**/oidc/**/login/", lambda route: route.fulfill(status=204))  # stay on the page in between
    say_who(page, live_server, "alice@uni.example")
    page.wait_for_url("**/sign-in/university/")
    everyone_can_use(page)
    stale = page.context.new_page()
    stale.goto(f"{live_server.url}/oidc/{provider_id_of(uni.issuer)}/login/callback/?code=x&state=y")
    expect(stale.get_by_role("heading", name="Let’s start the sign-in again")).to_be_visible()
    everyone_can_use(stale)
    assert problems == []


@pytest.mark.parametrize("language", ["en-gb", "cy"])
def test_a_demo_is_entered_with_one_tap(page: Page, live_server: LiveServer, world: World, settings: Any, language: str):
    settings.DEMO = True
    for value in ("student", "lecturer", "tutor", "attendance_team", "compliance", "administrator"):
        person = world.person(name="Pat Persona")
        Identifier.objects.create(person=person, system="demo", kind="persona", value=value)
    page.context.add_cookies([{"name": "adsum_language", "value": language, "url": live_server.url}])
    page.goto(f"{live_server.url}/sign-in/?next=/in/confirm")
    everyone_can_use(page)
    page.locator("button[value=student]").click()
    page.wait_for_url("**/in/confirm")
