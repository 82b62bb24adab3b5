"""The whole of Adsum on a real server, for a browser: gate, live streams and pages, on the test's own database."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy
import uvicorn
import zxingcpp
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize

from adsum.accounts.models import Person
from adsum.integrations.sign_in import straight
from tests.kit.signing_in import prove

AXE = (Path(__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def served(static_root: Path) -> Iterator[str]:
    """Serve until the end of the block; the address, `http://localhost:port`."""
    from adsum.asgi import Application

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    origin = f"http://localhost:{port}"
    own = override_settings(ORIGIN=origin, CSRF_TRUSTED_ORIGINS=[origin], STATIC_ROOT=str(static_root))
    with own, patch.object(straight, "READ_EVERY", 0.1):
        if not static_root.exists():
            call_command("collectstatic", verbosity=0, interactive=False)
        config = uvicorn.Config(
            Application(), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=2, lifespan="on"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            deadline = time.monotonic() + 30
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.02)
            assert server.started
            yield origin
        finally:
            server.should_exit = True
            thread.join(30)


def sign_in(context: BrowserContext, origin: str, person: Person, *, proved: bool = False) -> None:
    """What signing in leaves in a browser, without the way there; `proved`: and a proof of just now that it is they."""
    client = Client()
    client.force_login(person)
    if proved:
        prove(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": origin}])


def opens(page: Page, address: str) -> None:
    """Open what a code says, once the gate knows of the class: it looks for new ones a few times a second."""
    deadline = time.monotonic() + 10
    page.goto(address)
    while page.get_by_role("heading", name="This is not a check-in code").count():
        assert time.monotonic() < deadline, "the gate does not know the class"
        page.goto(address)


def scans(page: Page, address: str) -> Locator:
    """The same, and the link to the provider, once the gate has looked which there are."""
    link = page.get_by_role("link", name="Sign in to finish")
    deadline = time.monotonic() + 10
    opens(page, address)
    while (link.get_attribute("href") or "").startswith("/sign-in/"):
        assert time.monotonic() < deadline, "the gate knows of no provider"
        page.goto(address)
    return link


def screen(page: Page) -> Image.Image:
    """What the room sees."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def read_code(picture: Image.Image) -> str:
    """The address in the QR code of a picture; '' when none can be read."""
    found = zxingcpp.read_barcodes(numpy.asarray(picture))
    return found[0].text if found else ""


def accessible(page: Page) -> None:
    """axe finds nothing."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    seen = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]
    assert seen == [], f"{page.url}: {seen}"


DESK: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 360, "height": 740}
WIDER = "() => document.documentElement.scrollWidth > innerWidth"


def fits(page: Page, name: str) -> None:
    """axe finds nothing, and nothing runs off a phone."""
    accessible(page)
    page.set_viewport_size(PHONE)
    assert not page.evaluate(WIDER), f"{name} is wider than a phone"
    page.set_viewport_size(DESK)
