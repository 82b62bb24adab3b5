"""Cells that no spreadsheet runs as a formula (OWASP, "CSV injection"; docs/rules.md F 8)."""

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""How a cell begins that some spreadsheet takes for a formula; full-width signs are read as their plain twins."""
_UNNAMED = re.compile(r"[^\w.-]+", re.ASCII)


def safe_cell(value: object) -> str:
    """A cell as text that no spreadsheet takes for a formula. Nothing is '' and a date is as its `str`."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def plain_cell(text: str) -> str:
    """The cell as it was before `safe_cell`, for our own files when they are sent back to us."""
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(FORMULA) else text


def safe_filename(*parts: str, ending: str) -> str:
    """A file name of these parts that every system takes and no header is broken by: letters, digits, `-`, `_`, `.`."""
    words = [_UNNAMED.sub("-", part).strip("-.") for part in parts]
    return f"{'-'.join(word for word in words if word)[:100] or 'adsum'}.{ending}"
