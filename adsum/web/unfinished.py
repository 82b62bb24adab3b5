"""What somebody pressed just as their sign-in had ended: kept with the browser, and offered to its owner when they are back.
It is made by their tap alone: whoever sat at that browser meanwhile may have pressed it."""

from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest

from adsum.web.middleware import PersonRequest

WAS = "was_signed_in"
"""Where the session of a browser keeps whose sign-in has ended in it, and when."""
KEPT = "unfinished"
GOOD_FOR = 2 * 3600
"""Seconds: as long as a class lasts."""
MOST_FIELDS, MOST_CHARACTERS = 600, 40_000
"""A register of 500 selected at once fits; what is longer is no form of ours."""
JUST = 15 * 60
"""Seconds after the end of a sign-in for which a form is taken for its owner's."""
NEVER = {"csrfmiddlewaretoken"}
PROOF = "confirm-"
"""How the fields of a fresh proof begin (signin/stepup.py): a password is kept nowhere."""


class Deed(NamedTuple):
    """A form that came too late: where it goes, and its fields."""

    path: str
    fields: list[tuple[str, str]]
    at: datetime


def keep(request: HttpRequest, page: str) -> None:
    """Keep the form of this request, which came after the sign-in had ended here, until its owner is back on `page`. Only where
    this browser's sign-in has just ended: a stranger's forms are not kept."""
    was = request.session.get(WAS)
    at = request.at.timestamp()  # type: ignore[attr-defined]
    if request.method != "POST" or was is None or at - was["at"] >= JUST or request.FILES:
        return
    sent = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [(name, value) for name, value in sent if name not in NEVER and not name.startswith(PROOF)]
    if len(fields) > MOST_FIELDS or sum(len(name) + len(value) for name, value in fields) > MOST_CHARACTERS:
        return
    request.session[KEPT] = {"who": was["who"], "page": page, "path": request.path, "fields": fields, "at": at}


def waiting(request: PersonRequest) -> Deed | None:
    """What waits for this person on this page; None when nothing does, and what is somebody else's is forgotten."""
    kept: dict[str, Any] | None = request.session.get(KEPT)
    if kept is None:
        return None
    if kept["who"] != request.user.pk or request.at.timestamp() - kept["at"] >= GOOD_FOR:
        del request.session[KEPT]
        return None
    if kept["page"] != request.path:
        return None
    at = datetime.fromtimestamp(kept["at"], request.at.tzinfo)
    return Deed(kept["path"], [(name, value) for name, value in kept["fields"]], at)


def is_made(request: HttpRequest) -> None:
    """The same address was posted to again: nothing waits any more."""
    kept = request.session.get(KEPT) if request.method == "POST" else None
    if kept is not None and kept["path"] == request.path:
        del request.session[KEPT]
