"""What is kept about a scan besides the scan, and no more: labels and keyed hashes, never an address or a position."""

import hashlib
import ipaddress
import secrets
from functools import lru_cache

from django.conf import settings

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(listed: list[str]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in listed)


@lru_cache(maxsize=1)
def _ranges() -> tuple[tuple[_Network, ...], tuple[_Network, ...], tuple[_Network, ...]]:
    return _networks(settings.CAMPUS_NETWORKS), _networks(settings.MOBILE_NETWORKS), _networks(settings.TRUSTED_PROXIES)


@lru_cache(maxsize=65_536)
def network_class(peer: str, forwarded: str) -> int:
    """Index into `rules.NETWORKS`. X-Forwarded-For is believed only as far as our own proxies wrote it."""
    campus, mobile, proxies = _ranges()
    address = peer
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _within(address, proxies):
            break
        address = hop
    if _within(address, campus):
        return 1
    return 2 if _within(address, mobile) else 0


def _within(address: str, networks: tuple[_Network, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)


@lru_cache(maxsize=4_096)
def agent_class(agent: str) -> str:
    """What kind of browser this is, as far as telling a student how to leave an in-app browser needs."""
    text = agent.casefold()
    if any(word in text for word in ("fban", "fbav", "instagram", "snapchat", "line/", "micromessenger", "; wv)")):
        return "in_app"
    if "iphone" in text or "ipad" in text:
        return "ios"
    if "android" in text:
        return "android"
    return "desktop" if "mozilla" in text else "other"


def new_device_tag() -> str:
    """A random name for a browser, kept in its own cookie."""
    return secrets.token_urlsafe(16)


@lru_cache(maxsize=65_536)
def device_hash(tag: str, key: bytes) -> bytes:
    """A keyed hash of a browser's tag: only good for seeing the same browser twice while `key` lasts (`Entry.device_key`)."""
    return hashlib.blake2b(tag.encode(), key=key, digest_size=16).digest()
