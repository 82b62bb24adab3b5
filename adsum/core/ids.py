"""Crockford base-32: the alphabet of codes and receipts (no I, L, O, U), upper case."""

import os
import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_STRICT = re.compile(f"[{ALPHABET}]+", re.ASCII)
_DIGITS = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")
"""To the digits that int() reads to the base of 32."""

_POOL = 4_096
_random = bytearray()


def token() -> bytes:
    """16 random bytes, from the system's generator, asked for many at a time: the gate needs thousands a second, and each
    call to the system lets another thread in. For one thread only."""
    if not _random:
        _random.extend(os.urandom(_POOL))
    taken = bytes(_random[-16:])
    del _random[-16:]
    return taken


def encode(number: int, length: int) -> str:
    """Write `number` as exactly `length` characters. Raises ValueError when it does not fit."""
    if not 0 <= number < 1 << (5 * length):
        raise ValueError(f"{number} does not fit in {length} characters")
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))


def decode(text: str) -> int:
    """Read strictly: only the canonical upper-case alphabet. Raises ValueError otherwise."""
    if not _STRICT.fullmatch(text):
        raise ValueError("not in the alphabet")
    return int(text.translate(_DIGITS), 32)
