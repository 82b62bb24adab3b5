"""Cleans what people type and card readers send: digits of every script become 0 to 9, and invisible signs go."""

import re
import unicodedata
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

BLANK = "\u115f\u1160\u2800\u3164"
"""Letters that are invisible."""
DASHES = "\u2212\u30fc_"
"""Signs of other kinds that keyboards offer as a dash; NFKC has made the rest hyphens or dashes."""


def plain(text: str) -> str:
    """The text without spaces, dashes, marks and invisible signs; every digit as one of 0 to 9."""
    kept = []
    for sign in unicodedata.normalize("NFKC", text):
        digit = unicodedata.decimal(sign, None)
        if digit is not None:
            kept.append(str(digit))
        elif unicodedata.category(sign)[0] not in "CZM" and unicodedata.category(sign) != "Pd" and sign not in BLANK + DASHES:
            kept.append(sign)
    return "".join(kept)


# A number, or what a reader makes of a card

SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
"""How a reader may begin: which kind of barcode it read (ISO/IEC 15424)."""
TRACK = re.compile(r"^[%;][A-Z]?(\w+)[=^?]", re.ASCII)
"""A magnetic stripe: sentinels around it, and more fields after the number."""
SIGNS = re.compile(r"\W+")
ONE_LETTER = re.compile(r"^[^\W\d]?([0-9]{4,})[^\W\d]?$")
"""A prefix or a suffix of one letter, as readers can be told to send."""


def _written(text: str) -> str:
    return plain(text).casefold()


def _bare(text: str) -> str:
    """The number without what readers wrap around it, and without the zeros they add or leave out."""
    text = SYMBOLOGY.sub("", plain(text))
    track = TRACK.match(text)
    return SIGNS.sub("", track[1] if track else text).casefold().lstrip("0")


def _without_a_letter(text: str) -> str:
    found = ONE_LETTER.match(_bare(text))
    return found[1].lstrip("0") if found else ""


def whose(entered: str, numbers: Iterable[tuple[str, T]]) -> T | None:
    """Which of these people this number belongs to: as it is written, else without what a reader wraps around it, else without
    a letter before or after it. None when it belongs to no person, or could belong to two."""
    known = list(numbers)
    for wanted, as_kept in ((_written(entered), _written), (_bare(entered), _bare), (_without_a_letter(entered), _bare)):
        found = {owner for number, owner in known if wanted and as_kept(number) == wanted}
        if found:
            return found.pop() if len(found) == 1 else None
    return None
