"""The university's master keys, by key id; the current one signs, every one that is still configured verifies."""

from functools import cache

from django.conf import settings

from adsum.core.signing import derive


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
