"""What becomes of each field in a copy with nobody in it, and what stands there instead. Pure: a data-protection officer can
read it.

What replaces a value hangs on a key that is made for one copy and never kept: equal values stay equal within a copy, so that
rows still fit together, and two copies have nothing in common.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from hashlib import sha256
from hmac import digest
from typing import Any
from uuid import UUID

from adsum.core.declared import AtEnd, Class, Field, Keep

SHORT = frozenset({Keep.NETWORK, Keep.SCANS})
"""Evidence that lives for days in a row that lives for years."""
SIGNED_IN = frozenset({Keep.SIGN_INS, Keep.NETWORK})
"""Tables of who is signed in, and where."""
NOWHERE = "copy.invalid"
"""No letter reaches an address there (RFC 2606)."""
FILLER = "Words of somebody stood here, and these took their place. "
UUID_LIKE = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
ADDRESS_LIKE = re.compile(r"[^\s@\"'<>,;:()\[\]]+@[^\s@\"'<>,;:()\[\]]+")
WHEN_LIKE = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?|\d\d:\d\d(:\d\d)?")
LONG_ENOUGH = 12
"""A number of so many letters and digits keeps its shape; the shape of a shorter one has too few others to be told apart."""
ONSETS, VOWELS = "b d f g h k l m n p r s t v w z br dr gr st tr".split(), "a e i o u ae ai ea oo".split()


class Fate(StrEnum):
    """What becomes of a field."""

    KEEP = "keep"
    """It tells nothing of anybody without the person it leads to. Addresses and public ids in it are other ones."""
    NAME = "name"
    """A made-up one."""
    WORDS = "words"
    """As many other words."""
    EMPTY = "empty"


class Why(StrEnum):
    """Why a whole table is left out."""

    NOT_OURS = "sign-ins and sessions of libraries"
    SIGNED_IN = "who is signed in, and where"
    LOG = "the event log, which begins anew: its aliases are those of the people who were here"
    KEYS = "keys, each of one person"
    SPECIAL = "special category as a whole"
    FILE = "files, encrypted"
    LED_THERE = "leads to what is left out"


OF_THE_LOG = frozenset({"salt", "kept_digest"})
"""By which a row is compared with its event. With a salt, words could be guessed and the guess be proved."""
LOG = frozenset({"Event", "Alias", "Leaf", "Node", "Checkpoint", "Verification", "Reconciliation", "LookSeal", "AccessReport"})
"""Tables of the event log, and reports on looks that name people in their findings."""


def fate(name: str, field: Field, keep: Keep, *, unique: bool = False) -> Fate:
    """What becomes of one field of a table that is kept for `keep`. `unique`: no two rows may say the same."""
    if name in OF_THE_LOG or field.klass == Class.SECRET or (field.keep in SHORT and field.keep != keep):
        return Fate.EMPTY
    if not field.text:
        return Fate.EMPTY if field.klass == Class.SPECIAL else Fate.KEEP
    named = field.klass == Class.ORDINARY and field.at_end == AtEnd.ERASE
    return Fate.NAME if named or unique else Fate.WORDS


class Masks:
    """What stands in the place of names, numbers, addresses and words in one copy."""

    def __init__(self, key: bytes, vocabulary: Collection[str] = ()) -> None:
        self._key = key
        self._vocabulary = frozenset(vocabulary)
        """Codes that the product itself writes: they name nobody."""

    def _chance(self, *what: str) -> bytes:
        return digest(self._key, "\0".join(what).encode(), sha256)

    def ref(self, ref: UUID) -> UUID:
        """Another public id; the same one for the same, wherever it stands."""
        return UUID(bytes=self._chance("ref", ref.hex)[:16], version=4)

    def address(self, address: str) -> str:
        return f"{self._chance('address', address.casefold()).hex()[:14]}@{NOWHERE}"

    def called(self, row: int, column: str) -> str:
        """A name that can be spoken, of a row and not of the name that was there: how often one occurs would give it away."""
        chance = self._chance("called", str(row), column)
        syllables = (
            ONSETS[chance[n] % len(ONSETS)] + VOWELS[chance[n + 1] % len(VOWELS)] for n in range(0, 4 + chance[8] % 3, 2)
        )
        return "".join(syllables).capitalize() + "nlrst"[chance[9] % 5]

    def number(self, value: str, most: int | None = None) -> str:
        """A made-up number or name; a long one keeps its letters and digits where they were."""
        if not value:
            return value
        if "@" in value:
            made = self.address(value)
            return made if most is None or len(made) <= most else self._chance("address", value).hex()[:most]
        if len(value) >= LONG_ENOUGH and any(map(str.isalpha, value)) and any(map(str.isdigit, value)):
            return "".join(map(_like, value, self._stream(value)))
        return f"n{self._chance('number', value).hex()[:11]}"[:most]

    def _stream(self, value: str) -> bytes:
        return b"".join(self._chance("shape", value, str(part)) for part in range(len(value) // 32 + 1))

    def plain(self, text: str) -> str:
        """Text that is declared to name nobody, with other public ids and addresses in it."""
        if "@" in text:
            text = ADDRESS_LIKE.sub(lambda found: self.address(found[0]), text)
        return UUID_LIKE.sub(lambda found: str(self.ref(UUID(found[0]))), text) if "-" in text else text

    def kept(self, value: Any) -> Any:
        """The same of what JSON holds."""
        if isinstance(value, str):
            return self.plain(value)
        if isinstance(value, list):
            return [self.kept(one) for one in value]
        if isinstance(value, dict):
            return {self.plain(name): self.kept(one) for name, one in value.items()}
        return value

    def said(self, value: Any) -> Any:
        """JSON that may hold somebody's words: its shape, its numbers, its times, and the codes that the product writes."""
        if isinstance(value, str):
            if value in self._vocabulary or WHEN_LIKE.fullmatch(value):
                return value
            return str(self.ref(UUID(value))) if UUID_LIKE.fullmatch(value) else words(len(value))
        if isinstance(value, list):
            return [self.said(one) for one in value]
        if isinstance(value, dict):
            return {name: self.said(one) for name, one in value.items()}
        return value


def _like(letter: str, chance: int) -> str:
    if letter.isdigit():
        return str(chance % 10)
    if not letter.isalpha():
        return letter
    other = chr(ord("a") + chance % 26)
    return other.upper() if letter.isupper() else other


def words(length: int) -> str:
    """So many letters of words that nobody said."""
    return (FILLER * (length // len(FILLER) + 1))[:length].strip().ljust(length, ".")
