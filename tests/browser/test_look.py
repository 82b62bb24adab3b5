"""Every component, on a phone in the dark and at a desk in the light: axe finds nothing, nothing runs off the side."""

from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from adsum.accounts.models import Person
from adsum.web.design import design

AXE = (Path(__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOWN = ["", "register", "display", "confirm", "receipt", "refusal", "typed", "signin"]
PHONE = ({"width": 320, "height": 640}, "dark")
DESK = ({"width": 1440, "height": 900}, "light")


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show or "components")
def test_everyone_can_use_it(page: Page, live_server: LiveServer, rf: RequestFactory, show: str, screen: Any):
    request = rf.get("/design/", {"show": show})
    request.user = Person()
    html = design(request).content
    page.route("**/design/", lambda route: route.fulfill(body=html, content_type="text/html"))
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    size, scheme = screen
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{live_server.url}/design/")
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    seen = [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found["violations"]]
    assert seen == []
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
