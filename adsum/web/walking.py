"""A walk through a list: from one thing on it to the next, and back to the list as it was narrowed. The page frame draws it on
every page that the list led to, before an answer and after it."""

from collections.abc import Iterable
from typing import NamedTuple

from django.http import HttpRequest

KEPT = "walk"
"""Where the session keeps the list that a person looked at last."""


class Walk(NamedTuple):
    """Where on the list this page stands."""

    back: str
    next: str
    """Empty on the last page of the list."""
    place: int
    of: int


def begin(request: HttpRequest, pages: Iterable[str]) -> None:
    """The person looks at a list that leads to these pages."""
    walk = {"back": request.get_full_path(), "pages": list(dict.fromkeys(pages))}
    if request.session.get(KEPT) != walk:
        request.session[KEPT] = walk


def walk_of(request: HttpRequest) -> Walk | None:
    """Where this page stands on the list; None: that list did not lead to it."""
    walk = request.session.get(KEPT) if hasattr(request, "session") else None
    if not walk or request.path not in walk["pages"]:
        return None
    pages = walk["pages"]
    place = pages.index(request.path) + 1
    return Walk(walk["back"], pages[place] if place < len(pages) else "", place, len(pages))
