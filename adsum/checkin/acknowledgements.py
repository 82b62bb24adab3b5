"""What a phone is given to keep: that its scan is recorded, signed; and a name for the account it belongs to. Pure.

An acknowledgement says nothing in words. Only our keys read it, and only for the person it names."""

import hmac
import struct
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from adsum.core import ids
from adsum.core.signing import seal, tag, unseal

MOST_ASKED = 30
"""Acknowledgements that a phone may ask about at once."""
KEPT_FOR_MS = 20 * 3_600_000
"""How long a phone may keep a scan that it could not send, in milliseconds: a code names its interval for somewhat longer,
whatever the pace."""
KEPT_AS = ("held", "present", "late")
"""What a scan was recorded as. An acknowledgement stores the index, so add new ones at the end."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That this scan was recorded: made after the commit."""

    scan: bytes
    ticket: bytes
    session: bytes
    """The class, by the name it has in addresses: the number of a row may be another's after a backup."""
    person: int
    kept_as: str
    seen_ms: int
    made_ms: int


def receipt_number(scan: UUID) -> str:
    """The number of a scan as its receipt shows it."""
    text = ids.encode(scan.int >> 98, 6)
    return f"{text[:4]}-{text[4:]}"


_ACKNOWLEDGEMENT = struct.Struct(">B16s16s16sQBqq")


def seal_acknowledgement(one: Acknowledgement, key: bytes, kid: str) -> str:
    """As text, signed; `kid` says with which key."""
    kept_as = KEPT_AS.index(one.kept_as)
    packed = _ACKNOWLEDGEMENT.pack(1, one.scan, one.ticket, one.session, one.person, kept_as, one.seen_ms, one.made_ms)
    return f"{kid}.{seal(key, packed)}"


def unseal_acknowledgement(text: str, keys: Mapping[str, bytes]) -> Acknowledgement | None:
    """What was signed, or None when none of these keys did."""
    kid, _, sealed = text.partition(".")
    key = keys.get(kid)
    packed = unseal(key, sealed) if key else None
    if packed is None or len(packed) != _ACKNOWLEDGEMENT.size or packed[0] != 1:
        return None
    _, scan, ticket, session, person, kept_as, seen, made = _ACKNOWLEDGEMENT.unpack(packed)
    return Acknowledgement(scan, ticket, session, person, KEPT_AS[kept_as], seen, made)


def account_name(person: int, key: bytes) -> str:
    """By what pages know an account again without saying whose it is: 16 characters."""
    return urlsafe_b64encode(tag(key, b"account/v1" + person.to_bytes(8, "big"))[:12]).decode("ascii")


def is_account_of(person: int, name: str, keys: Mapping[str, bytes]) -> bool:
    """Whether that name, made with any of these keys, is this person's."""
    return any(hmac.compare_digest(account_name(person, key).encode(), name.encode()) for key in keys.values())
