"""The camera of the pictures: devices, people of the demo who use them, and a photograph of what they see."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs/pictures"
ORIGIN = "http://uni.example"
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "device_scale_factor": 1.5}
SCREEN: dict[str, Any] = {"viewport": {"width": 1600, "height": 900}}


def _zone() -> str:
    """Where it is the afternoon now: at whatever hour the pictures are taken, a class that runs at night looks wrong."""
    london = datetime.now(ZoneInfo("Europe/London"))
    hours = 14 - datetime.now(UTC).hour
    return "Europe/London" if london.hour in range(9, 17) else f"Etc/GMT{-hours:+d}"


ZONE = _zone()
ENGLISH: dict[str, Any] = {"locale": "en-GB", "timezone_id": ZONE}


def keep(seen: Image.Image, name: str) -> None:
    """Write it to docs/pictures/ with few colours, so that it stays small."""
    PICTURES.mkdir(exist_ok=True)
    few = seen.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)
    print(f"{name}.png  {(PICTURES / f'{name}.png').stat().st_size // 1024} kB", flush=True)


def take(page: Page, name: str, *, height: int | None = None, top: bool = True) -> Image.Image:
    """Photograph what the window shows; `height` makes it taller or shorter for the picture. What was seen, uncompressed."""
    size = page.viewport_size
    assert size
    if height:
        page.set_viewport_size({"width": size["width"], "height": height})
    if top:
        page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(700)  # whatever moves has arrived
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    if height:
        page.set_viewport_size(size)
    keep(seen, name)
    return seen


def enter(browser: Browser, persona: str, device: dict[str, Any]) -> Page:
    """A browser of this person of the demo."""
    page = browser.new_context(**device, **ENGLISH).new_page()
    page.goto(f"{ORIGIN}/sign-in/")
    page.locator(f"button[value={persona}]").click()
    page.wait_for_load_state()
    return page
