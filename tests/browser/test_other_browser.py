"""A scan that leaves its browser: what "Open in browser" leads to, what a foreign scan says, and what its lecturer reads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, expect

from adsum.attendance.models import Mark
from adsum.checkin import services
from adsum.checkin.models import Scan
from adsum.checkin.reports import shown_on
from adsum.checkin.rules import Refusal
from tests.browser.serving import accessible, served, sign_in
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)

LOOKS: list[dict[str, Any]] = [
    {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "color_scheme": "light"},
    {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
]


@pytest.fixture
def origin(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    call_command("createcachetable", verbosity=0)
    with served(tmp_path / "static") as address:
        yield address


@pytest.mark.parametrize("look", LOOKS, ids=["phone", "desktop"])
def test_from_another_browser_to_the_digits_and_to_the_lecturer(browser: Browser, origin: str, look: dict[str, Any]) -> None:
    world, now = World(), datetime.now(UTC)
    group = world.group(world.module("Algorithms", "CS201"))
    lecturer, students = world.lecturer("Ada Lovell"), [world.student(groups=[group]) for _ in range(4)]
    session = world.session(group, starts_at=now - timedelta(minutes=2), staff=[lecturer])
    display = services.add_display(services.open_checkin(session, by=lecturer, at=now), by=lecturer, at=now).display
    with browser.new_context(**look) as desk:
        sign_in(desk, origin, lecturer)
        register = desk.new_page()
        register.goto(f"{origin}/classes/{session.ref}/")
        expect(register.locator("[data-live]")).to_have_attribute("data-state", "live")
        code = shown_on(display, datetime.now(UTC)).code
        for student in students:
            with browser.new_context(**look) as inside, browser.new_context(**look) as own:
                minted = inside.new_page()
                minted.goto(f"{origin}/{code}")
                expect(minted.get_by_text("choose “Open in browser” first")).to_be_visible()
                page = own.new_page()
                if student == students[0]:
                    page.goto(minted.url)  # the page's own address, which no longer holds the code
                    expect(page.get_by_role("heading", level=1)).to_have_text("Scan or type the code")
                    accessible(page)
                sign_in(own, origin, student)
                page.goto(f"{origin}/record/")  # any page, which leaves the gate's pass
                page.goto(minted.url)
                expect(page.get_by_text("This browser has no scan of yours")).to_be_visible()
                if student == students[0]:
                    accessible(page)
                ticket = next(cookie for cookie in inside.cookies() if cookie["name"] == "adsum_ticket")
                own.add_cookies([{"name": "adsum_ticket", "value": ticket["value"], "url": origin}])
                page.goto(minted.url)
                page.get_by_role("button", name="I’m here").click()
                expect(page.locator("main")).to_have_attribute("data-refusal", Refusal.OTHER_BROWSER)
                if student == students[0]:
                    accessible(page)
                    page.get_by_role("link", name="Type or scan the code here").click()
                    page.get_by_label("Code").fill(shown_on(display, datetime.now(UTC)).typed)
                    page.get_by_role("button", name="Continue").click()
                    page.get_by_role("button", name="I’m here").click()
                    expect(page.get_by_role("heading", name="You’re in")).to_be_visible()
        assert list(Mark.objects.values_list("student", "status")) == [(students[0].pk, "present")]
        assert Scan.objects.filter(refusal=Refusal.OTHER_BROWSER).count() == 4
        expect(register.locator("[data-held] .held-item")).to_have_count(3)
        register.reload()
        register.get_by_text("4 students: screen 1").click()
        accessible(register)
