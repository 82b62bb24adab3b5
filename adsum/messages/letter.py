"""What a letter is made of, in the language that is active: the mail, its HTML and the page here are the same words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from adsum.attendance.labels import STATUSES
from adsum.attendance.rules import Status

Facts = Mapping[str, Any]
"""What a message says, in no language."""
MOST = 40
"""How many classes one message names; the rest are a number and a link."""


@dataclass(frozen=True, slots=True)
class Item:
    """One class of a letter: its name and when it is, and what there is to say of it, one sentence a line."""

    title: str
    lines: list[str]
    path: str = ""
    """The page that says more about it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one message says. Paths lead from the university's address of Adsum."""

    subject: str
    opening: str
    items: list[Item] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)
    action: tuple[str, str] = ("", "")
    """What the one link at the end says, and where it leads."""


def when(iso: str) -> str:
    """Such as "Monday 23 November, 09:00", in the university's zone."""
    at = localtime(datetime.fromisoformat(iso))
    return f"{date_format(at, 'l j F')}, {at:%H:%M}"


def span(facts: Facts) -> str:
    """From when to when something is."""
    end = localtime(datetime.fromisoformat(facts["ends_at"]))
    return f"{when(facts['starts_at'])}–{end:%H:%M}"


def place(facts: Facts) -> str:
    """Where something is."""
    return ", ".join(facts["rooms"]) or _("no room given")


def named(facts: Facts) -> str:
    """A class: its code, its title, and when it is."""
    return f"{facts['code']} {facts['title']}, {when(facts['starts_at'])}"


def rest(found: int) -> list[str]:
    """How many more classes there are than a message names, as a line; none when it names them all."""
    more = found - MOST
    return [ngettext("And %(n)s more class.", "And %(n)s more classes.", more) % {"n": more}] if more > 0 else []


def status_word(status: str, minutes_late: int = 0) -> str:
    """A status in words, with how late."""
    word = str(STATUSES[Status(status)]) if status else _("No mark")
    return _("%(word)s, %(minutes)s min") % {"word": word, "minutes": minutes_late} if minutes_late else word
