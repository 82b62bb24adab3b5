"""SAML in a real browser: a code is scanned before anybody has signed in, and the scan counts; and an administrator who adds
the provider and tries it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from allauth.socialaccount.models import SocialApp
from django.core.management import call_command
from playwright.sync_api import Browser, expect

from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.checkin import services
from adsum.checkin.models import Scan
from adsum.checkin.reports import shown_on
from tests.browser.serving import accessible, scans, served, sign_in
from tests.kit import saml
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("static") / "collected"


@pytest.fixture
def origin(transactional_db: None, static_root: Path) -> Iterator[str]:
    call_command("createcachetable", verbosity=0)
    with served(static_root) as running:
        yield running


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_scan_before_signing_in_by_saml_counts(browser: Browser, origin: str, scripts: bool) -> None:
    world, now = World(), datetime.now(UTC)
    group = world.group(world.module("Algorithms", "CS201"), "L1")
    alice = world.student("Alice Ashe", number="0012345", groups=[group])
    lecturer = world.lecturer()
    session = world.session(group, starts_at=now - timedelta(minutes=2), staff=[lecturer])
    opening = services.open_checkin(session, by=lecturer, at=now)
    display = services.add_display(opening, by=lecturer, at=now).display
    with (
        saml.running() as idp,
        browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=scripts) as pocket,
    ):
        idp.register(match_claim="employeeNumber", match_identifier="number")
        idp.attributes = {"employeeNumber": "0012345"}
        phone = pocket.new_page()
        problems: list[str] = []
        phone.on("console", lambda line: problems.append(line.text) if "Content Security Policy" in line.text else None)
        to_the_provider = scans(phone, f"{origin}/{shown_on(display, datetime.now(UTC)).code}")
        scanned = datetime.now(UTC)
        to_the_provider.click()
        phone.wait_for_url(f"{idp.origin}/sso?**")
        phone.wait_for_timeout(2000)  # however long it takes there
        phone.get_by_label("Subject").fill("persistent-1")
        phone.get_by_role("button", name="Sign in").click()
        phone.get_by_role("button", name="Continue").click()
        phone.wait_for_url(f"{origin}/in/confirm")
        expect(phone.get_by_text("Alice Ashe")).to_be_visible()
        phone.get_by_role("button", name="I’m here").click()
        expect(phone.get_by_role("heading", name="You’re in")).to_be_visible()
        assert problems == []
    mark, scan = Mark.objects.get(), Scan.objects.get()
    assert (mark.student, mark.status) == (alice, "present")
    assert scan.signed_in_after
    assert scan.first_seen_at <= scanned, "it counts from when it was made"


def test_an_administrator_adds_the_provider_and_tries_it(browser: Browser, origin: str, tmp_path: Path) -> None:
    gwil = World().person(Role.ADMINISTRATOR, name="Gwil Thackeray")
    with saml.running() as idp, browser.new_context(viewport={"width": 1280, "height": 900}) as desk:
        file = tmp_path / "metadata.xml"
        file.write_bytes(idp.metadata())
        sign_in(desk, origin, gwil, proved=True)
        page = desk.new_page()
        problems: list[str] = []
        page.on("console", lambda line: problems.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(f"{origin}/office/sign-in/")
        accessible(page)
        page.get_by_role("link", name="SAML 2.0").click()
        accessible(page)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("Give it the name people know it by")
        accessible(page)
        page.get_by_label("What people call it").fill("University login")
        page.get_by_label("E-mail domains").fill("uni.example")
        page.get_by_label("Metadata file").set_input_files(file)
        page.get_by_role("button", name="Save").click()
        page.wait_for_url(re.compile("/office/sign-in/localhost-"))
        expect(page.get_by_text("University login is saved")).to_be_visible()
        idp.learn(SocialApp.objects.get())
        page.get_by_role("button", name="Test the connection").click()
        expect(page.get_by_text("Its signing certificate is valid until")).to_be_visible()
        accessible(page)
        page.get_by_role("link", name="Test a sign-in of your own").click()
        page.get_by_label("Subject").fill("gwil")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("Your test sign-in came back")).to_be_visible()
        expect(page.get_by_text("Nobody we know.")).to_be_visible()
        accessible(page)
        page.get_by_role("link", name="Remove this provider").click()
        accessible(page)
        page.get_by_role("button", name="Remove it").click()
        expect(page.get_by_text("Nobody signs in with University login any more.")).to_be_visible()
        assert problems == []
    assert not SocialApp.objects.exists()
