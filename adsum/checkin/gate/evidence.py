"""The evidence kept with a scan: only labels and keyed hashes, never an address or a position."""

import hashlib
import secrets
from functools import lru_cache

from django.conf import settings

from adsum.core.network import client_address, within


@lru_cache(maxsize=65_536)
def network_class(peer: str, forwarded: str) -> int:
    """Index into `rules.NETWORKS`."""
    address = client_address(peer, forwarded)
    if within(address, settings.CAMPUS_NETWORKS):
        return 1
    return 2 if within(address, settings.MOBILE_NETWORKS) else 0


@lru_cache(maxsize=4_096)
def agent_class(agent: str) -> str:
    """The kind of browser, as exactly as needed to tell a student how to leave an in-app browser."""
    text = agent.casefold()
    if any(word in text for word in ("fban", "fbav", "instagram", "snapchat", "line/", "micromessenger", "; wv)")):
        return "in_app"
    if "iphone" in text or "ipad" in text:
        return "ios"
    if "android" in text:
        return "android"
    return "desktop" if "mozilla" in text else "other"


DEVICE_DAYS = 180
"""How long a browser keeps its tag."""


def new_device_tag() -> str:
    """A random name for a browser, kept in its own cookie."""
    return secrets.token_urlsafe(16)


@lru_cache(maxsize=65_536)
def device_hash(tag: str, key: bytes) -> bytes:
    """A keyed hash of a browser's tag: it only shows that a browser is the same one, while `key` lasts (`Entry.device_key`)."""
    return hashlib.blake2b(tag.encode(), key=key, digest_size=16).digest()
