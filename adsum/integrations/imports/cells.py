"""Cells and texts as their writers meant them: without what nobody sees, and without what spreadsheets put around a value."""

import re
import unicodedata

UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\u00ad\ufeff"
"""Marks without width, which come along when something is copied; inside a word some have a meaning, at its ends none."""
EDGES = UNSEEN + " \t\r\n\v\f"
BLANKS = {ord(blank): " " for blank in "\u00a0\u2007\u202f"}
"""Blanks at which no line may end; to a reader they are blanks."""
AS_TEXT = re.compile(r'="([^"]*)"')
"""How an export keeps a spreadsheet from dropping the zeros of a number."""
AS_TYPED = re.compile(r"'(\d+)")
"""How a person does."""
ROUNDED = re.compile(r"(?:^|[;|,])\s*(?:\d+(?:[.,]\d+)?E\+\d+|\d+[.,]\d+E\d+)\s*(?=$|[;|,])", re.IGNORECASE)
FORMULA = re.compile(
    r"=\s*[A-Z][A-Z0-9._]*\(.*|"
    r"#(?:N/A|NV|(?:REF|VALUE|NULL|NUM|SPILL|CALC|DIV/0|WERT|BEZUG|ZAHL|VALEUR|NOMBRE)!|(?:NAME|NOM)\?|#{2,})",
    re.IGNORECASE | re.DOTALL,
)
"""A formula, or what a spreadsheet shows where one fails or a column is too narrow."""


def tidy(text: str) -> str:
    """A text in which what looks the same is the same: letters composed, blanks plain, nothing invisible at its ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(BLANKS)
    return text.strip(EDGES)


def meant(cell: str) -> str:
    """A cell, tidied, without what keeps a spreadsheet from reading it as a number."""
    text = tidy(cell)
    if text[:1] in {"=", "'"} and (found := AS_TEXT.fullmatch(text) or AS_TYPED.fullmatch(text)):
        return tidy(found[1])
    return text


def is_rounded(value: str) -> bool:
    """Whether a spreadsheet, or a program, has written a number in short: it may be that of many."""
    return ("E" in value or "e" in value) and bool(ROUNDED.search(value))


def is_formula(value: str) -> bool:
    """Whether a cell holds a formula, or one that failed, where a value should be."""
    return value[:1] in {"=", "#"} and bool(FORMULA.fullmatch(value))
