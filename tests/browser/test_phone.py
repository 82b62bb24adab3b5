"""Adsum as an app on a phone whose signal goes: the timetable, a scan, the tap, and what stays for the next person: nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from adsum.attendance.models import Mark
from adsum.checkin import services
from adsum.checkin.models import Scan
from adsum.checkin.reports import shown_on
from tests.browser.serving import PHONE, WIDER, accessible, opens, served, sign_in
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
  }
  return found;
}"""


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    call_command("createcachetable", verbosity=0)
    with served(tmp_path / "static") as address:
        yield address


def looks_right(page: Page) -> None:
    accessible(page)
    assert not page.evaluate(WIDER)


def test_a_phone_without_a_signal(browser: Browser, origin: str) -> None:
    world, now = World(), datetime.now(UTC)
    group = world.group(world.module("Algorithms", "CS201"))
    lecturer = world.lecturer()
    alice, bob = (world.student(name, groups=[group]) for name in ("Alice Abel", "Bob Baker"))
    first = world.session(group, starts_at=now - timedelta(minutes=2), staff=[lecturer])
    second = world.session(group, starts_at=now - timedelta(minutes=1), staff=[lecturer])
    screens = [
        services.add_display(services.open_checkin(one, by=lecturer, at=now), by=lecturer, at=now).display
        for one in (first, second)
    ]
    with browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as phone:
        sign_in(phone, origin, alice)
        page = phone.new_page()
        page.goto(f"{origin}/today/")
        page.wait_for_function("() => navigator.serviceWorker.controller")
        page.goto(f"{origin}/messages/")
        page.wait_for_function(f"async () => (await ({KEPT})()).includes('/today/kept/')")
        assert {one for one in page.evaluate(KEPT) if not one.startswith("/static/")} == {
            "/in/offline",
            "/today/kept/",
            "/adsum-whose",
        }, "no other page is ever kept"

        # A tap without a signal waits on its page, and goes by itself
        opens(page, f"{origin}/{shown_on(screens[0], datetime.now(UTC)).code}")
        phone.set_offline(True)
        page.get_by_role("button", name="I’m here").click()
        expect(page.get_by_text("Your scan is safe")).to_be_visible()
        looks_right(page)
        assert not Mark.objects.exists()
        phone.set_offline(False)
        expect(page.get_by_role("heading", name="You’re in")).to_be_visible(timeout=15_000)
        assert list(Mark.objects.values_list("student", "session")) == [(alice.pk, first.pk)]
        assert page.evaluate("() => JSON.parse(localStorage['adsum-acknowledged']).length") == 1

        # The timetable, and a scan with the phone's own camera, without a signal
        phone.set_offline(True)
        page.goto(f"{origin}/today/")
        expect(page.get_by_text("This is your timetable as of")).to_be_visible()
        expect(page.get_by_text("Algorithms")).to_have_count(2)
        looks_right(page)
        page.goto(f"{origin}/{shown_on(screens[1], datetime.now(UTC)).code}")
        expect(page.get_by_text("Your scan is safe: it is kept on this phone.")).to_be_visible()
        expect(page.get_by_text("Alice Abel")).to_be_visible()
        assert page.url == f"{origin}/in/offline"
        looks_right(page)
        page.get_by_role("button", name="I’m here").click()
        expect(page.get_by_text("Will be sent when you are back online")).to_be_visible()

        # Nobody else sends it, whoever signs in meanwhile; nor do they see whose phone it was
        phone.clear_cookies()
        sign_in(phone, origin, bob)
        phone.set_offline(False)
        page.goto(f"{origin}/messages/")
        page.wait_for_function("async () => (await (await caches.match('/today/kept/'))?.text())?.includes('Bob Baker')")
        assert page.evaluate("() => JSON.parse(localStorage['adsum-kept']).length") == 1
        assert Scan.objects.filter(student=bob).count() == 0
        phone.clear_cookies()
        sign_in(phone, origin, alice)
        page.goto(f"{origin}/messages/")
        expect(page.get_by_text("You’re in")).to_be_visible()
        accessible(page)
        assert set(Mark.objects.values_list("student", "session")) == {(alice.pk, first.pk), (alice.pk, second.pk)}

        # Signing out takes everything along
        page.get_by_label("Your account").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        page.wait_for_function(f"async () => !(await ({KEPT})()).includes('/today/kept/')")
        assert page.evaluate("() => localStorage.length") == 0
