"""The main job, end to end: the lecturer shows the code, a student scans the picture, the register fills."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest
import segno
from django.core.cache import caches
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, BrowserType, Locator, Page, expect

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.checkin import services
from adsum.checkin.models import Opening, Scan
from adsum.checkin.reports import shown_on
from adsum.timetable.models import ClassSession
from tests.browser.conftest import launch_options
from tests.browser.serving import accessible, read_code, scans, screen, served, sign_in
from tests.kit import oidc
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
PROJECTOR: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("static") / "collected"


@pytest.fixture
def origin(transactional_db: None, static_root: Path, settings: object) -> Iterator[str]:
    from django.core.management import call_command

    call_command("createcachetable", verbosity=0)
    with served(static_root) as address:
        yield address


class Room:
    """A class that began two minutes ago, with three students."""

    def __init__(self) -> None:
        world = World()
        self.group = world.group(world.module("Algorithms", "CS201"))
        self.lecturer = world.lecturer("Ada Lovell")
        self.alice = world.student("Alice Ashe", groups=[self.group], number="0012345")
        self.others = [world.student(groups=[self.group]) for _ in range(2)]
        begun = datetime.now(UTC) - timedelta(minutes=2)
        self.session: ClassSession = world.session(self.group, starts_at=begun, staff=[self.lecturer])


@pytest.fixture
def room(origin: str) -> Room:
    return Room()


@pytest.fixture
def uni() -> Iterator[oidc.Honest]:
    caches["local"].clear()
    with oidc.honest() as running:
        yield running


def seat(page: Page, student: Person) -> Locator:
    return page.locator(f'.seat[data-student="{student.ref}"]')


def test_from_the_screen_in_the_room_to_the_live_register(browser: Browser, origin: str, room: Room, uni: oidc.Honest) -> None:
    """Pitfall 28: nobody tests the way of the code itself, from picture to mark."""
    oidc.register(uni.issuer, match_claim="student_number", match_identifier="number")
    uni.person("abc-123", student_number="0012345")
    with browser.new_context(**PROJECTOR) as staff, browser.new_context(**PHONE) as pocket:
        # The lecturer: one click from today's classes to the code.
        sign_in(staff, origin, room.lecturer)
        lectern = staff.new_page()
        lectern.goto(f"{origin}/teaching/")
        lectern.get_by_role("button", name=re.compile("Show code")).first.click()
        lectern.wait_for_url(re.compile("/display/"))
        services.begin_epoch(Opening.objects.get(), by=room.lecturer, at=datetime.now(UTC), pace="very_strict")
        expect(lectern.locator("[data-display]")).to_have_attribute("data-period", re.compile(r"\d+"))
        lectern.wait_for_timeout(1500)
        register = staff.new_page()
        register.goto(f"{origin}/classes/{room.session.ref}/")
        expect(register.locator("[data-live]")).to_have_attribute("data-state", "live")
        for name in ("Alice", "Ashe", "0012345"):
            assert name not in lectern.content(), "nothing personal on the projected page"

        # The student's camera app reads the picture and opens the address.
        address = read_code(screen(lectern))
        assert re.fullmatch(re.escape(origin) + "/[0-9A-HJKMNP-TV-Z]{36}", address)
        phone = pocket.new_page()
        to_the_provider = scans(phone, address)
        expect(phone.get_by_text(re.compile("It counts from that moment"))).to_be_visible()
        accessible(phone)
        assert phone.url == f"{origin}/in/confirm", "the code has left the address bar"
        to_the_provider.click()
        phone.wait_for_url(f"{uni.issuer}/oauth2/authorize?**")
        # Signing in takes longer than the code lives: 5 s and 10 s of grace.
        phone.wait_for_timeout(16_000)
        phone.get_by_placeholder("sub").fill("abc-123")
        phone.get_by_role("button", name="Authorize").click()
        phone.wait_for_url(f"{origin}/in/confirm")
        expect(phone.get_by_text("Alice Ashe")).to_be_visible()
        accessible(phone)
        expect(seat(register, room.alice)).to_have_attribute("data-status", "expected")
        tapped = time.monotonic()
        phone.get_by_role("button", name="I’m here").click()
        expect(seat(register, room.alice)).to_have_attribute("data-status", "present", timeout=3_000)
        assert time.monotonic() - tapped < 2, "tap, commit and live register together"
        expect(phone.get_by_role("heading", name="You’re in")).to_be_visible()
        accessible(phone)
        accessible(register)
        expect(lectern.locator("[data-here]")).to_have_text("1")
        mark = Mark.objects.get()
        assert (mark.student, mark.status) == (room.alice, "present")
        assert Scan.objects.get().signed_in_after

        # Her record says so, and why.
        phone.goto(f"{origin}/record/classes/{room.session.ref}/")
        expect(phone.get_by_text("Present").first).to_be_visible()
        accessible(phone)


@pytest.mark.parametrize("size", [(1920, 1080), (1024, 768), (1080, 1920)], ids=["16:9", "4:3", "portrait"])
def test_the_code_is_read_from_the_picture_turned_blurred_and_small(
    browser: Browser, origin: str, room: Room, size: tuple[int, int]
) -> None:
    """Pitfall 19: too dense, dark border, too small."""
    opening = services.open_checkin(room.session, by=room.lecturer, at=datetime.now(UTC))
    with browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme="dark") as staff:
        sign_in(staff, origin, room.lecturer)
        lectern = staff.new_page()
        lectern.goto(f"{origin}/classes/{room.session.ref}/")
        lectern.get_by_role("button", name=re.compile("Show code")).first.click()
        lectern.wait_for_url(re.compile("/display/"))
        lectern.wait_for_timeout(800)
        picture = screen(lectern)
        address = read_code(picture)
        assert address.startswith(f"{origin}/")
        box = lectern.locator("[data-qr] svg").bounding_box()
    assert box
    assert box["height"] >= 0.6 * min(size), "fills the room"
    # 29 or 33 modules and the quiet zone; a phone at the back of the room has about three pixels for each.
    small = picture.resize(
        (size[0] * 3 * 41 // int(box["width"]), size[1] * 3 * 41 // int(box["width"])), Image.Resampling.LANCZOS
    )
    for seen in (
        picture.rotate(11, expand=True, fillcolor="white"),
        picture.rotate(90, expand=True),
        picture.filter(ImageFilter.GaussianBlur(3)),
        small,
    ):
        assert read_code(seen) == address
    assert opening.pk


def film(path: Path, text: str) -> None:
    """A few frames of a phone camera that looks at a code on a wall, as Chromium's fake camera plays them."""
    wide, high = 1280, 720
    frame = Image.new("L", (wide, high), 96)
    symbol = segno.make(text, error="m", micro=False, boost_error=False)
    pixels = 9
    side = int(symbol.symbol_size(scale=pixels, border=4)[0])
    code = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(code)
    for y, row in enumerate(symbol.matrix):
        for x, dark in enumerate(row):
            if dark:
                left, top = (x + 4) * pixels, (y + 4) * pixels
                draw.rectangle([left, top, left + pixels - 1, top + pixels - 1], fill=0)
    frame.paste(code.rotate(7, expand=True, fillcolor=96), (380, 140))
    luma = numpy.asarray(frame.filter(ImageFilter.GaussianBlur(1)), dtype=numpy.uint8).tobytes()
    grey = bytes([128]) * (wide * high // 4)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % (wide, high))
        for _ in range(10):
            file.write(b"FRAME\n" + luma + grey + grey)


def test_scanning_with_the_camera_of_the_page(browser_type: BrowserType, origin: str, room: Room, tmp_path: Path) -> None:
    at = datetime.now(UTC)
    opening = services.open_checkin(room.session, by=room.lecturer, at=at)
    display = services.add_display(opening, by=room.lecturer, at=at).display
    film(tmp_path / "wall.y4m", f"{origin}/{shown_on(display, datetime.now(UTC)).code}")
    own = browser_type.launch(**launch_options(f"--use-file-for-fake-video-capture={tmp_path / 'wall.y4m'}"))
    try:
        pocket = own.new_context(**PHONE, permissions=["camera"])
        sign_in(pocket, origin, room.alice)
        phone = pocket.new_page()
        problems: list[str] = []
        phone.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        phone.goto(f"{origin}/today/")  # where signing in lands, and where the gate learns who this is
        phone.goto(f"{origin}/in")
        accessible(phone)
        phone.locator("[data-scanner-start]").click()
        phone.get_by_role("button", name="I’m here").click(timeout=20_000)
        expect(phone.get_by_role("heading", name="You’re in")).to_be_visible()
        assert problems == []
    finally:
        own.close()
    assert Mark.objects.get().student == room.alice
    assert not Scan.objects.get().typed
