"""Which letters can be drawn on paper: with the fonts that come with Adsum, and with those of this machine.

Ours have Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian, Georgian, Lao, Thai, Devanagari, Bengali, Gujarati, Gurmukhi and
Tamil; the others are megabytes, and Debian has them. A letter that no font has is left out: one name must not keep a whole
class without its paper.
"""

import unicodedata
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import typst

OURS = Path(__file__).parent / "fonts"
PROBE = b"""#set document(title: "-")
#set text(font: ("Libertinus Serif", "Noto Sans Devanagari", "DejaVu Sans"))
#sys.inputs.text"""
STANDARD: Literal["ua-1"] = "ua-1"
"""A PDF for everyone: a letter without a shape is an error there, not an empty box."""
GAP = "…"


class Script(NamedTuple):
    """A script of people's names that our own fonts do not have, two of its letters, and Debian's package for it."""

    name: str
    letters: str
    package: str


SCRIPTS = (
    Script("Chinese", "王李", "fonts-noto-cjk"),
    Script("Japanese", "さサ", "fonts-noto-cjk"),
    Script("Korean", "김이", "fonts-noto-cjk"),
    Script("Telugu", "తల", "fonts-noto-core"),
    Script("Kannada", "ಕನ", "fonts-noto-core"),
    Script("Malayalam", "മല", "fonts-noto-core"),
    Script("Sinhala", "සහ", "fonts-noto-core"),
    Script("Myanmar", "မန", "fonts-noto-core"),
    Script("Khmer", "ខម", "fonts-noto-core"),
    Script("Ethiopic", "አነ", "fonts-noto-core"),
)


@cache
def fonts() -> typst.Fonts:
    """Ours and the machine's, looked up once: a font that is installed later is found after a restart."""
    return typst.Fonts(font_paths=[OURS])


def undrawable(letters: Collection[str]) -> set[str]:
    """Those of these letters that no font has. The printer itself is asked, then about halves of what it refused."""
    ordered = sorted(letters)
    if not ordered or _draws(" ".join(ordered)):
        return set()
    if len(ordered) == 1:
        return set(ordered)
    middle = len(ordered) // 2
    return undrawable(ordered[:middle]) | undrawable(ordered[middle:])


def _draws(text: str) -> bool:
    try:
        typst.compile(PROBE, font_paths=fonts(), sys_inputs={"text": text}, pdf_standards=STANDARD)
    except typst.TypstError:
        return False
    return True


def missing_scripts() -> list[Script]:
    """The scripts that names on paper cannot be written in here."""
    return [script for script in SCRIPTS if undrawable(set(script.letters))]


def legible(text: str, missing: Collection[str]) -> str:
    """What of a text can be drawn, with … for the rest; '' when no letter or digit would be left."""
    kept = ""
    for char in text:
        if char in missing:
            kept += _plain(char)
        elif not (kept.endswith(GAP) and unicodedata.category(char).startswith("M")):  # a mark goes with its letter
            kept += char
    kept = " ".join(part for part in kept.replace(GAP, f"{GAP} ").split() if part)
    while f"{GAP} {GAP}" in kept:
        kept = kept.replace(f"{GAP} {GAP}", GAP)
    return kept if any(char.isalnum() for char in kept) else ""


def _plain(char: str) -> str:
    """The same letter in plain ASCII, such as A for a mathematical 𝐀 and e for an ë; … when there is none."""
    return "".join(one for one in unicodedata.normalize("NFKD", char) if one.isascii() and one.isprintable()) or GAP


def letters_of(data: Any) -> set[str]:
    """Every letter of what is to be printed, beyond plain ASCII."""
    if isinstance(data, str):
        return {char for char in data if not (char.isascii() and char.isprintable())}
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, (list, tuple)) else ()
    return set().union(*map(letters_of, parts))
