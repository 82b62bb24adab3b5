"""Where a list goes on: a cursor is opaque to the application, and good for as long as it likes."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from adsum.api.problems import Problem

T = TypeVar("T")
LONGEST = 200
BIGGEST = 2**62


def cursor(*parts: Any) -> str:
    """The cursor that leads behind the row with these values."""
    text = json.dumps([one.isoformat() if isinstance(one, datetime) else one for one in parts], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read(text: str, *kinds: Callable[[Any], T]) -> tuple[T, ...] | None:
    """The values in a cursor; None for the empty one. Raises Problem 422 for what we never gave."""
    if not text:
        return None
    try:
        parts = json.loads(urlsafe_b64decode(text[:LONGEST].encode("ascii") + b"=" * (-len(text) % 4)))
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError, OverflowError, RecursionError) as wrong:
        raise Problem(422, "bad_cursor", _("This cursor is not one that we gave. Begin again without it.")) from wrong


def number(part: Any) -> int:
    """The id of a row. Raises ValueError."""
    if type(part) is not int or not 0 <= part < BIGGEST:
        raise ValueError(part)
    return part


def moment(part: Any) -> datetime:
    """An instant. Raises ValueError."""
    at = datetime.fromisoformat(part)
    if at.tzinfo is None or not 1900 < at.year < 2200:
        raise ValueError(part)
    return at
