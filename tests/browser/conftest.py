"""Journeys in a real browser. Run on their own: the browser's event loop disturbs other tests."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage

QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


def chromium() -> str | None:
    """The browser installed on this machine; None leaves the choice to Playwright."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def launch_options(*extra: str) -> dict[str, Any]:
    """How to start the browser here. A test that needs its own camera adds `--use-file-for-fake-video-capture=…`."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": chromium(), "args": [*QUIET, *CAMERA, *sandbox, *extra]}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **launch_options()}


@pytest.fixture(autouse=True)
def _the_policy_holds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test does in whichever browser: if something on a page is blocked by our Content-Security-Policy, it fails.

    A test that has something blocked on purpose is marked `blocked_on_purpose`.
    """
    blocked: list[str] = []
    real = Browser.new_context

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            blocked.append(message.text)

    def watched(self: Browser, **options: Any) -> BrowserContext:
        context = real(self, **options)
        context.on("console", note)
        return context

    monkeypatch.setattr(Browser, "new_context", watched)
    yield
    if request.node.get_closest_marker("blocked_on_purpose") is None:
        assert blocked == []


@pytest.fixture(scope="session", autouse=True)
def _django_beside_the_browser() -> Iterator[None]:
    """Playwright keeps an event loop in the test's thread, and Django would refuse to touch the database there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield
