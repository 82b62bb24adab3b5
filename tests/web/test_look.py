"""The design system keeps its promises: readable colours, one look per status, no symbol missing, nothing inline."""

import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string

from adsum.attendance.rules import Status
from adsum.web.navigation import MENU
from adsum.web.templatetags.adsum_ui import NOTICE_ICONS, STATUSES

WEB = Path(__file__).resolve().parents[2] / "adsum/web"
TEMPLATES = [path for path in sorted((WEB / "templates").rglob("*.html")) if path.parent.name not in {"mail", "archive"}]
"""Every page. Letters and what people take along are no pages: they come without style sheets."""
TOKENS = (WEB / "static/adsum/css/tokens.css").read_text()
SPRITE = set(re.findall(r'<symbol id="([^"]+)"', (WEB / "static/icons.svg").read_text()))


def colours(selector: str) -> dict[str, str]:
    """The colour tokens declared right after `selector`."""
    block = TOKENS.split(selector + " {", 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))


LIGHT = colours('[data-theme="light"]')
DARK = colours('@media screen {\n  [data-theme="dark"]')


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition of contrast ratio)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_the_guidelines_do():
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable(theme: dict[str, str]):
    tones = ["good", "warn", "bad", "note", "query", "none"]
    pairs = [(text, ground) for text in ("ink", "muted", "accent", *tones) for ground in ("paper", "surface")]
    pairs += [(tone, f"{tone}-tint") for tone in tones]
    pairs += [("ink", f"{tone}-tint") for tone in tones]
    pairs += [("muted", "sunken"), ("on-accent", "accent"), ("accent-strong", "accent-tint")]
    pairs += [("on-accent", "accent-strong"), ("ink", "accent-tint"), ("paper", "ink")]
    poor = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "surface"])
def test_edges_of_controls_can_be_seen(theme: dict[str, str], ground: str):
    assert contrast(theme["rule-strong"], theme[ground]) >= 3


def test_dark_is_the_same_by_choice_and_by_device():
    assert colours(':root:not([data-theme="light"])') == DARK
    assert LIGHT.keys() == DARK.keys()


def test_every_status_has_a_look_and_no_two_look_alike():
    assert {str(status) for status in Status} | {"under_query", "held"} == set(STATUSES)
    assert len({look.shape for look in STATUSES.values()}) == len(STATUSES)
    assert len({str(look.word) for look in STATUSES.values()}) == len(STATUSES)


def test_every_symbol_asked_for_is_in_the_sprite():
    asked = {f"status-{look.shape}" for look in STATUSES.values()} | set(NOTICE_ICONS.values())
    asked |= {door.icon for door in MENU}
    for template in TEMPLATES:
        asked |= set(re.findall(r"""{% icon ["']([\w-]+)["']""", template.read_text()))
        asked |= set(re.findall(r"""{% empty [^%]*icon=["']([\w-]+)["']""", template.read_text()))
    assert asked - SPRITE == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(WEB / "templates")))
def test_nothing_is_inline(template: Path):
    text = re.sub(r"{#.*?#}|{% comment.*?endcomment %}", "", template.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


def test_a_bare_page_needs_neither_request_nor_person():
    page = render_to_string("adsum/design_sheet.html", {"sheet": "confirm"})
    assert '<html lang="en-gb">' in page
    assert "I’m here" in page


def test_a_chip_says_its_word_and_minutes():
    chip = Template("{% load adsum_ui %}{% status_chip 'late' minutes_late=12 %}").render(Context())
    assert "Late, 12 min" in chip
    assert "status-late" in chip


def test_names_are_escaped_in_a_strip_and_a_head():
    source = "{% load adsum_ui %}{% week_strip cells '<b>' %}{% pagehead name %}{% endpagehead %}"
    page = Template(source).render(Context({"cells": [("present", "<i>")], "name": "<u>"}))
    assert not re.search(r"<[biu]>", page)
    assert "Present 1" in page
