"""How a few are drawn from many so that whoever knows the seed draws the same, and whoever does not can predict none. Pure."""

from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID


def lot(seed: str, ref: UUID) -> str:
    """The lot of one: those with the smallest lots are drawn."""
    return sha256(f"{seed}\n{ref}".encode()).hexdigest()


def drawn(seed: str, refs: Iterable[UUID], number: int) -> list[UUID]:
    """The first `number`, in the order of their lots. The order they come in does not matter."""
    return sorted(set(refs), key=lambda ref: lot(seed, ref))[:number]


def digest_of(refs: Iterable[UUID]) -> str:
    """One number for those who could have been drawn: SHA-256 of their references, sorted, a line each."""
    return sha256("".join(f"{ref}\n" for ref in sorted(set(refs))).encode()).hexdigest()
