"""Scenes of those who report to authorities: duties, funding, packs, partners and the assessment."""

from playwright.sync_api import Browser

from scripts.camera import DESK, ORIGIN, enter, take

PAGES = (
    ("", "compliance", 900),
    ("packs/", "packs", 1120),
    ("partners/of/ouse-valley/", "partner", 1250),
    ("assessment/", "assessment", 980),
)
"""Address, name and height of each picture."""


def comply(browser: Browser) -> None:
    """What an officer of both authorities opens on a day."""
    officer = enter(browser, "compliance", DESK)
    for address, name, height in PAGES:
        officer.goto(f"{ORIGIN}/compliance/{address}")
        take(officer, name, height=height)
