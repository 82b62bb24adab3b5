"""The university's master keys, by key id; the current one signs, every one that is still configured verifies."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from django.conf import settings

from adsum.core.notes import Signer, Verifier
from adsum.core.signing import derive
from adsum.core.webpush import private_key


@cache
def masters() -> dict[str, bytes]:
    """Every configured master key, the current one first."""
    return {kid: bytes.fromhex(key) for kid, key in settings.CHECKIN_KEYS.items()}


def current() -> str:
    """The id of the key that signs now."""
    return next(iter(masters()))


@cache
def keys_for(purpose: str) -> dict[str, bytes]:
    """One key per key id for one purpose (`ticket/v1`, `pass/v1`, `device/v1`, …): apart, so none passes for another."""
    return {kid: derive(master, salt=b"", info=purpose.encode()) for kid, master in masters().items()}


PUBLIC = "public-"
"""What a key begins with that only verifies."""


@cache
def checkpoint_publics() -> dict[str, bytes]:
    """The public keys of checkpoints and receipts by key id, the current one first."""
    return {kid: _public(key) for kid, key in settings.CHECKPOINT_KEYS.items()}


def _public(key: str) -> bytes:
    if key.startswith(PUBLIC):
        return bytes.fromhex(key.removeprefix(PUBLIC))
    return Signer("", bytes.fromhex(key)).verifier.public


@cache
def checkpoint_signer() -> tuple[str, Signer]:
    """The id of the key that signs now, and the key under the log's name."""
    kid, key = next((kid, key) for kid, key in settings.CHECKPOINT_KEYS.items() if not key.startswith(PUBLIC))
    return kid, Signer(settings.CHECKPOINT_ORIGIN, bytes.fromhex(key))


def verifiers(name: str) -> list[Verifier]:
    """Our keys under the name of a log. The name is no secret: it changes with the university's address."""
    return [Verifier(name, public) for public in checkpoint_publics().values()]


@cache
def alias_keys() -> dict[str, tuple[bytes, bytes]]:
    """By key id, the current one first: the key that seals whose an alias is, and the one that finds a person's alias."""
    masters = {kid: bytes.fromhex(key) for kid, key in settings.ALIAS_KEYS.items()}
    return {
        kid: (derive(key, salt=b"", info=b"alias-seal/v1"), derive(key, salt=b"", info=b"alias-find/v1"))
        for kid, key in masters.items()
    }


@cache
def push_keys() -> dict[str, EllipticCurvePrivateKey]:
    """The keys by which push services know us, by key id, the current one first."""
    return {kid: private_key(bytes.fromhex(key)) for kid, key in settings.PUSH_KEYS.items()}


def forget() -> None:
    """Read the settings anew: for tests, which turn keys without a restart."""
    for kept in (masters, keys_for, checkpoint_publics, checkpoint_signer, alias_keys, push_keys):
        kept.cache_clear()
