"""A phone that is known: the first scan goes by the provider, the next day's is one tap, and the record asks to sign in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from playwright.sync_api import Browser, expect

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.checkin import services
from adsum.checkin.gate.http import KNOWN_COOKIE, PASS_COOKIE
from adsum.checkin.models import Scan
from adsum.checkin.reports import shown_on
from tests.browser.serving import accessible, opens, scans, served
from tests.kit import oidc
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    call_command("createcachetable", verbosity=0)
    caches["local"].clear()
    with served(tmp_path / "static") as running:
        yield running


def shown(world: World, student: Person, title: str) -> str:
    """The code of a class of hers that has just begun."""
    now = datetime.now(UTC)
    lecturer = world.lecturer()
    group = world.group(world.module(title))
    world.place(student, group)
    session = world.session(group, starts_at=now - timedelta(minutes=2), staff=[lecturer])
    opening = services.open_checkin(session, by=lecturer, at=now)
    return shown_on(services.add_display(opening, by=lecturer, at=now).display, now).code


def test_tomorrow_one_tap_is_enough(browser: Browser, origin: str) -> None:
    world = World()
    alice = world.student("Alice Ashe", number="0012345")
    with oidc.honest() as uni, browser.new_context(viewport={"width": 360, "height": 740}) as pocket:
        oidc.register(uni.issuer, match_claim="student_number", match_identifier="number")
        uni.person("abc-123", student_number="0012345")
        phone = pocket.new_page()
        scans(phone, f"{origin}/{shown(world, alice, 'Algorithms')}").click()
        phone.get_by_placeholder("sub").fill("abc-123")
        phone.get_by_role("button", name="Authorize").click()
        phone.wait_for_url(f"{origin}/in/confirm")
        phone.get_by_role("button", name="I’m here").click()
        expect(phone.get_by_role("heading", name="You’re in")).to_be_visible()
        phone.get_by_role("link", name="Your record").click()
        phone.wait_for_url(f"{origin}/record/")
        expect(phone.get_by_role("link", name="Algorithms")).to_be_visible()

        # The next day: what lasts twelve hours is gone, and the provider is not asked.
        for name in (PASS_COOKIE, settings.SESSION_COOKIE_NAME):
            pocket.clear_cookies(name=name)
        opens(phone, f"{origin}/{shown(world, alice, 'Databases')}")
        expect(phone.get_by_text("Known here as")).to_be_visible()
        accessible(phone)
        phone.get_by_role("button", name="I’m here").click()
        expect(phone.get_by_text("This browser knows you")).to_be_visible()
        accessible(phone)
        phone.get_by_role("link", name="Today").click()
        expect(phone.get_by_role("heading", name="Databases")).to_be_visible()
        expect(phone.get_by_text("Sign in for your record")).to_be_visible()
        accessible(phone)

        # Nothing else is open to it.
        for path in ("/record/", "/messages/", "/account/sign-ins/"):
            phone.goto(f"{origin}{path}")
            expect(phone.get_by_label("University e-mail")).to_be_visible()

        # Somebody else, or a phone that is given away: it is known no more.
        phone.goto(f"{origin}/today/")
        phone.get_by_role("link", name="Not you?").click()
        expect(phone.get_by_text("Alice Ashe is signed in here")).to_be_visible()
        accessible(phone)
        phone.get_by_role("button", name="Sign out").click()
        expect(phone.get_by_role("heading", name="signed out")).to_be_visible()
        assert not [one for one in pocket.cookies() if one["name"] == KNOWN_COOKIE]
    assert list(Scan.objects.order_by("id").values_list("signed_in_after", "remembered")) == [(True, False), (False, True)]
    assert Mark.objects.filter(student=alice, status="present").count() == 2
