"""The gate's pages: Django's own templates, rendered once for each language and class, then filled in for each student."""

import html
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_real import parse_accept_lang_header

from adsum.checkin.gate.http import MOST_OF_A_HEADER
from adsum.checkin.rules import HELD, Refusal

_MOST = 1_000


_MARKUP = re.compile("[&<>\"']")


def _safe(text: str) -> str:
    """The text, escaped only if it needs it: most values are names, times and tickets, and do not."""
    return html.escape(text) if _MARKUP.search(text) else text


class Pages:
    """Rendered pages with holes (`@@name@@`) for the values of a class and a student."""

    def __init__(self) -> None:
        self._rendered: dict[tuple[object, ...], tuple[list[bytes], list[str]]] = {}

    def fill(
        self,
        template: str,
        shape: tuple[object, ...],
        language: str,
        kind: str,
        context: Mapping[str, Any],
        values: Mapping[str, object],
    ) -> bytes:
        """The page, escaped and encoded. `shape` must name everything in `context` that changes the rendered page."""
        found = self._rendered.get((template, language, *shape))
        if found is None:
            if len(self._rendered) >= _MOST:
                self._rendered.clear()
            entry = {"kind": kind, **{name: f"@@{name}@@" for name in ("title", "rooms", "starts", "ends")}} if kind else None
            with translation.override(language):
                page = render_to_string(
                    f"adsum/checkin/{template}.html",
                    {
                        "entry": entry,
                        "here": "/in/confirm" if entry else "/in",
                        "address": _ADDRESS,
                        "help_topic": "check-in",
                        **_HERE,
                        **context,
                    },
                )
            texts = page.split("@@")
            found = [text.encode() for text in texts], texts[1::2]
            self._rendered[template, language, *shape] = found
        if any(isinstance(value, Promise) for value in values.values()):
            with translation.override(language):
                values = {name: str(value) for name, value in values.items()}
        parts, holes = found
        filled = parts.copy()
        filled[1::2] = [_safe(str(values.get(hole, ""))).encode() for hole in holes]
        return b"".join(filled)


_ADDRESS = settings.ORIGIN.partition("://")[2] + "/in"
"""The address that a student types into any browser."""

_HERE = {"account": "@@account@@", "holder": "@@name@@", "worker": settings.PHONE_APP}
"""Whose phone it is: what the page leaves for `phone.js`."""

_KNOWN = {code.casefold(): code for code, _name in settings.LANGUAGES}
_BY_ROOT = {code.partition("-")[0]: code for code in reversed(_KNOWN.values())}


def language_of(cookie: str, accepted: str) -> str:
    """The language of the page: the person's choice, else the first language that the browser asks for and we have."""
    return _language_of(cookie[:20], accepted[:MOST_OF_A_HEADER])


@lru_cache(maxsize=4_096)
def _language_of(cookie: str, accepted: str) -> str:
    if cookie.casefold() in _KNOWN:
        return _KNOWN[cookie.casefold()]
    for wanted, _weight in parse_accept_lang_header(accepted):
        code = _KNOWN.get(wanted) or _BY_ROOT.get(wanted.partition("-")[0])
        if code:
            return code
    return settings.LANGUAGE_CODE


_TRY_AGAIN = _("Point your camera at the screen again.")

REFUSALS: dict[Refusal, tuple[Any, Any, str]] = {
    Refusal.STALE_CODE: (_("The code has just changed"), _TRY_AGAIN, "arrow-repeat"),
    Refusal.UNKNOWN_CODE: (
        _("This is not a check-in code"),
        _("Scan the code on the screen in your class, or type the eight digits beside it."),
        "qr-code",
    ),
    Refusal.TOO_EARLY: (_("Check-in has not opened yet"), _("Scan again when it opens."), "clock"),
    Refusal.CLOSED: (
        _("Check-in for this class has closed"),
        _("If you were there, tell your lecturer: your attempt is kept with its time."),
        "clock-history",
    ),
    Refusal.CANCELLED: (
        _("This class is cancelled"),
        _("It counts against nobody, so there is nothing you need to do."),
        "info-circle",
    ),
    Refusal.NOT_EXPECTED: (
        _("You are not on this class’s list"),
        _("Your scan is kept and your lecturer can accept it. It is not on your record yet."),
        "people",
    ),
    Refusal.SAME_DEVICE: (
        _("Ask your lecturer to confirm"),
        _("Someone else has checked in to this class from this phone. Your scan is kept until your lecturer confirms it."),
        "phone",
    ),
    Refusal.AMENDED: (
        _("Your lecturer has already marked you"),
        _("Your scan is kept and your lecturer can see it. If the mark is wrong, ask them, or query it on your record."),
        "person-check",
    ),
    Refusal.OTHER_BROWSER: (
        _("Scanned in another browser"),
        _("Your scan is kept with its time, and waits for your lecturer."),
        "phone",
    ),
    Refusal.OFFLINE: (
        _("Your scan has arrived"),
        _("It is kept and waits for your lecturer: only your phone can say when you scanned."),
        "wifi-off",
    ),
    Refusal.RECOVERED: (
        _("Your scan is back"),
        _("We had lost it, and your phone brought it back with its time. It waits for your lecturer."),
        "arrow-repeat",
    ),
    Refusal.TICKET_USED: (
        _("This scan belongs to someone else"),
        _("Each person scans for themselves. Point your own camera at the screen."),
        "person",
    ),
    Refusal.TICKET_EXPIRED: (
        _("You are signed in now: scan once more"),
        _("Signing in took longer than a scan is kept. Point your camera at the screen again; this time it is one tap."),
        "qr-code-scan",
    ),
    Refusal.TOO_MANY_TRIES: (
        _("Ask your lecturer to mark you"),
        _(
            "Five codes did not match. Tell your lecturer, who can mark you by hand; your attempt is kept with its time. "
            "Scanning the QR code still works too."
        ),
        "keyboard",
    ),
    Refusal.PAUSED: (
        _("Check-in is paused for the whole university"),
        _("Your scan is kept, and nothing counts against you meanwhile. Press the button when check-in goes on."),
        "hourglass-split",
    ),
}
"""For each refusal: what happened, what to do next, and an icon."""

TELL = frozenset({Refusal.STALE_CODE, Refusal.CLOSED, Refusal.TOO_MANY_TRIES, *HELD})
"""Refusals that a student can turn into a query with one tap."""
TYPED = frozenset(
    {
        Refusal.STALE_CODE,
        Refusal.UNKNOWN_CODE,
        Refusal.TICKET_EXPIRED,
        Refusal.TOO_EARLY,
        Refusal.TICKET_USED,
        Refusal.OTHER_BROWSER,
    }
)
"""Refusals after which scanning or typing again helps."""

OPENS_AT = _("Check-in opens at {time}.")
EXPECTED_NOW = _("You are expected in {title} now, from {time}. Scan the code on that screen.")
TYPE_NOW = _("To be in at once, type the eight digits on the screen.")
TYPE_FOR_CHECK = _("To answer the second check, type the eight digits on the screen.")
TYPE_LATE = _(
    "Type the eight digits on the screen to be marked late now. This scan was in time and still waits for your lecturer."
)
TYPED_PROBLEMS = {
    "shape": _("A code is eight digits, like 4821 0937. Check the screen and type it again."),
    "wrong": _("That code does not match your class now. It changes every minute: type the one on the screen."),
    "nothing": _("No class of yours is open for check-in now. If you are in one, ask your lecturer to show the code."),
}
"""What to say beside the field for typing a code."""
