"""Where a request came from, as far as it can be known."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings


@lru_cache(maxsize=16)
def _networks(listed: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one, strict=False) for one in listed)


def within(address: str, listed: list[str]) -> bool:
    """Whether `address` is in one of these ranges (CIDR). What is no address is in none."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in _networks(tuple(listed)))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether this is an address of the internet, which anybody may ask. Not those of private networks, nor those that are
    reserved: translators turn some of them into private ones (64:ff9b:1::/48, ::ffff:0:0:0/96)."""
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)


def is_local(peer: str, forwarded_for: str) -> bool:
    """Whether a request comes from this machine or from a network around it. One through a proxy that is not configured does
    not count as local."""
    if forwarded_for and not within(peer, settings.TRUSTED_PROXIES):
        return False
    try:
        address = ip_address(client_address(peer, forwarded_for).partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return not address.is_unspecified and (address.is_private or address.is_loopback or address.is_link_local)


def whose(address: str) -> str:
    """What to count requests by: the address, or for IPv6 its network, because a machine there can have very many addresses."""
    try:
        ip = ip_address(address)
    except ValueError:  # a socket of this machine
        return address
    return str(ip_network((ip, 64), strict=False)) if isinstance(ip, IPv6Address) else address


def client_address(peer: str, forwarded_for: str) -> str:
    """`peer`, or, as far back as trusted proxies vouch for it, what X-Forwarded-For says."""
    address = peer
    for claimed in reversed(forwarded_for.split(",")):
        if not within(address, settings.TRUSTED_PROXIES):
            break
        try:
            address = str(ip_address(claimed.strip()))
        except ValueError:
            break
    return address or "0.0.0.0"  # noqa: S104 - a unix socket has no address
