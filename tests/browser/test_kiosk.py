"""The kiosk in a real browser: a card reader types without touching the screen, and an answer goes away by itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, expect

from adsum.attendance.models import Mark
from adsum.checkin.kiosks import open_kiosk
from adsum.checkin.services import open_checkin
from adsum.web.teaching.kiosk import cookie_of
from tests.browser.serving import accessible, served, sign_in
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_after_the_other(browser: Browser, tmp_path: Path) -> None:
    call_command("createcachetable", verbosity=0)
    world, now = World(), datetime.now(UTC)
    group = world.group()
    alice, bob = (world.student(name, groups=[group]) for name in ("Alice Abel", "Bob Baker"))
    lecturer = world.lecturer()
    session = world.session(group, starts_at=now - timedelta(minutes=2), staff=[lecturer])
    kiosk, credential = open_kiosk(open_checkin(session, by=lecturer, at=now), by=lecturer, at=now)
    with served(tmp_path / "static") as origin, browser.new_context() as context:
        context.add_cookies([{"name": cookie_of(kiosk.ref), "value": credential, "url": origin}])
        page = context.new_page()
        page.goto(f"{origin}/kiosk/{kiosk.ref}/")
        expect(page.locator("#number")).to_be_focused()
        page.locator("h1").click()  # the focus is nowhere
        page.keyboard.type(f"{alice.number}\n")
        expect(page.locator("main [role=status]")).to_contain_text("Alice A. is in")
        accessible(page)
        page.keyboard.type("9")  # the next one begins to type: the answer waits for them
        page.wait_for_timeout(9_000)
        expect(page.locator("#number")).to_have_value("9")
        page.keyboard.press("Backspace")
        page.keyboard.type(f"{bob.number}\n")
        expect(page.locator("main [role=status]")).to_contain_text("Bob B. is in")
        expect(page.locator("main [role=status]")).to_be_empty(timeout=12_000)
    assert dict(Mark.objects.values_list("student", "status")) == {alice.pk: "present", bob.pk: "present"}


RUNS = """film => new Promise((done) => {
  const look = () => (film.currentTime > 0.5 ? done() : requestAnimationFrame(look));
  look();
})"""
AWAKE = {
    "a wake lock": "navigator.wakeLock.request = async (kind) => { window.locked = kind; };",
    "refused, so a film": "navigator.wakeLock.request = async () => { throw new DOMException('no', 'NotAllowedError'); };",
    "no wake lock, so a film": "Object.defineProperty(navigator, 'wakeLock', { value: undefined });",
    "neither, so a word": (
        "Object.defineProperty(navigator, 'wakeLock', { value: undefined });"
        "HTMLCanvasElement.prototype.captureStream = undefined;"
    ),
}


@pytest.mark.parametrize("how", AWAKE)
def test_it_keeps_the_tablet_awake(browser: Browser, tmp_path: Path, how: str) -> None:
    call_command("createcachetable", verbosity=0)
    world, now = World(), datetime.now(UTC)
    lecturer = world.lecturer()
    session = world.session(world.group(), starts_at=now - timedelta(minutes=2), staff=[lecturer])
    kiosk, credential = open_kiosk(open_checkin(session, by=lecturer, at=now), by=lecturer, at=now)
    with served(tmp_path / "static") as origin, browser.new_context() as context:
        context.add_cookies([{"name": cookie_of(kiosk.ref), "value": credential, "url": origin}])
        context.add_init_script(AWAKE[how])
        page = context.new_page()
        page.goto(f"{origin}/kiosk/{kiosk.ref}/")
        if how == "a wake lock":
            assert page.evaluate("window.locked") == "screen"
        elif how.endswith("film"):
            page.locator("video.awake").evaluate(RUNS)
        word = page.get_by_text("cannot keep the tablet awake")
        expect(word).to_be_visible(visible=how.endswith("word"))
        expect(page.locator("video.awake")).to_have_count(int(how.endswith("film")))
        accessible(page)


def test_who_is_taken_back_is_expected_again_on_the_open_register(browser: Browser, tmp_path: Path) -> None:
    call_command("createcachetable", verbosity=0)
    world, now = World(), datetime.now(UTC)
    group = world.group()
    alice = world.student("Alice Abel", groups=[group])
    lecturer = world.lecturer()
    session = world.session(group, starts_at=now - timedelta(minutes=2), staff=[lecturer])
    kiosk, credential = open_kiosk(open_checkin(session, by=lecturer, at=now), by=lecturer, at=now)
    with served(tmp_path / "static") as origin, browser.new_context() as lectern, browser.new_context() as desk:
        sign_in(desk, origin, lecturer)
        register = desk.new_page()
        register.goto(f"{origin}/classes/{session.ref}/")
        seat = register.locator(f'.seat[data-student="{alice.ref}"]')
        before = seat.inner_text()
        lectern.add_cookies([{"name": cookie_of(kiosk.ref), "value": credential, "url": origin}])
        page = lectern.new_page()
        page.goto(f"{origin}/kiosk/{kiosk.ref}/")
        page.keyboard.type(f"{alice.number}\n")
        expect(seat).to_have_attribute("data-status", "present")
        page.get_by_role("button", name="That is not me").click()
        expect(page.locator("main [role=status]")).to_contain_text("taken back")
        expect(seat).to_have_attribute("data-status", "expected")
        assert seat.inner_text() == before, "nothing of it stays on the seat, without a reload"
    assert not Mark.objects.exists()
