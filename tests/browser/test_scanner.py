"""The scanner inside the page, with a camera that films our code: through our own decoder, under the page's policy."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import segno
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Playwright, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import launch_options

CODE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ0123"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'"
)
WIDTH, HEIGHT = 640, 480


def film(text: str, path: Path) -> Path:
    """A second of greyscale video of one QR code, in the format Chromium plays as a camera."""
    modules = np.array([[0 if dark else 255 for dark in row] for row in segno.make(text, error="m").matrix_iter(border=4)])
    picture = np.kron(modules, np.full((8, 8), 1)).astype(np.uint8)
    frame = np.full((HEIGHT, WIDTH), 200, np.uint8)
    frame[40 : 40 + len(picture), 120 : 120 + len(picture)] = picture
    colour = np.full(WIDTH * HEIGHT // 2, 128, np.uint8).tobytes()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for _frame in range(10):
            file.write(b"FRAME\n" + frame.tobytes() + colour)
    return path


@pytest.fixture
def scan(playwright: Playwright, live_server: LiveServer, tmp_path: Path) -> Iterator[Callable[[str], Page]]:
    """Open the scanner with the camera on a code that says `text`, and start it with a tap."""
    browsers: list[Browser] = []

    def scan(text: str) -> Page:
        camera = film(text, tmp_path / "camera.y4m")
        browser = playwright.chromium.launch(**launch_options(f"--use-file-for-fake-video-capture={camera}"))
        browsers.append(browser)
        page = browser.new_context(permissions=["camera"]).new_page()
        html = render_to_string("adsum/design_sheet.html", {"sheet": "typed"})
        headers = {"Content-Type": "text/html", "Content-Security-Policy": POLICY}
        page.route("**/scan", lambda route: route.fulfill(body=html, headers=headers))
        page.route(re.compile(f"/{CODE}$"), lambda route: route.fulfill(body="arrived", content_type="text/plain"))
        page.goto(f"{live_server.url}/scan")
        page.get_by_role("button", name="Open the camera").click()
        return page

    yield scan
    for browser in browsers:
        browser.close()


def test_our_code_opens_the_check_in(scan: Callable[[str], Page], live_server: LiveServer):
    page = scan(f"{live_server.url}/{CODE}")
    page.wait_for_url(f"**/{CODE}", timeout=20_000)
    expect(page.get_by_text("arrived")).to_be_visible()


@pytest.mark.parametrize(
    "text",
    [
        f"https://evil.example/{CODE}",
        f"{{server}}@evil.example/{CODE}",
        f"{{server}}/{CODE}?next=//evil.example",
        f"{{server}}/{CODE[:-1]}I",
        "{server}/accounts/logout/",
        "javascript:alert(1)",
        "4821 0937",
    ],
)
def test_any_other_code_leads_nowhere(scan: Callable[[str], Page], live_server: LiveServer, text: str):
    page = scan(text.format(server=live_server.url))
    expect(page.get_by_text("not one of our check-in codes")).to_be_visible(timeout=20_000)
    assert page.url == f"{live_server.url}/scan"
