"""Keys and signatures: one master key per key id, one derived key per purpose, so nothing signed for one purpose passes
for another."""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TAG_BYTES = 16


def derive(master: bytes, *, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869): a 32-byte key for one purpose."""
    return expand(master, salt=salt, info=info, length=32)


def expand(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """The same, of another length."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


@lru_cache(maxsize=4_096)
def _pads(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    block = key.ljust(64, b"\0")
    return hashlib.sha256(bytes(b ^ 0x36 for b in block)), hashlib.sha256(bytes(b ^ 0x5C for b in block))


def tag(key: bytes, message: bytes) -> bytes:
    """The first 128 bits of HMAC-SHA-256 (RFC 2104) under a key of at most 64 bytes.

    The key's two paddings are hashed once and kept: a gate makes thousands of tags a second with few keys, and the
    library's one-shot function costs twice as much. A test compares the two.
    """
    inner, outer = _pads(key)
    inner, outer = inner.copy(), outer.copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()[:TAG_BYTES]


def seal(key: bytes, payload: bytes) -> str:
    """`payload` and its tag as URL-safe text. The payload is signed, not secret: anyone who has the text can read it."""
    return _text(payload + tag(key, payload))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def unseal(key: bytes, text: str) -> bytes | None:
    """The payload, or None when the text was not made by `seal` with this key."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return None
    payload, given = raw[:-TAG_BYTES], raw[-TAG_BYTES:]
    if not payload or not hmac.compare_digest(given, tag(key, payload)):
        return None
    # One text per payload: the bits base-64 ignores must not make a second spelling of the same ticket.
    return payload if _text(raw) == text else None


def fingerprint(secret: str) -> str:
    """A one-way name for a random secret of 128 bits or more, to know it again without keeping it: 64 hexadecimal digits.

    It uses no key: such a secret cannot be guessed, and so the names stay valid when keys change or are retired.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


NONCE_BYTES = 12


def encrypt(key: bytes, plain: bytes, *, about: bytes) -> bytes:
    """AES-256-GCM with a random nonce in front. `about` is not kept; the same must be given to read it again."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def decrypt(key: bytes, sealed: bytes, *, about: bytes) -> bytes | None:
    """What was encrypted, or None when this key, or `about`, is another."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError):
        return None
