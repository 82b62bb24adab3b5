"""A timetable from a web address, within bounds: only http and https, never into a private network unless an administrator
has named it, a few redirects each checked again, a limit of time and of size.

The connection is made to the very address that was checked, so that a name cannot change its mind in between.
"""

import http.client
import socket
import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from adsum.core.network import within
from adsum.integrations.imports.problems import Refused
from adsum.integrations.imports.reading import MAX_FILE, MB

TIMEOUT = 20
"""Seconds for the whole answer."""
MOST_REDIRECTS = 4
NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


class Fetched(NamedTuple):
    """A file, its name, and what its server calls this version of it ('' where it does not say)."""

    name: str
    content: bytes
    etag: str
    last_modified: str


def fetch(url: str) -> tuple[str, bytes]:
    """The file at an address, and its name. Raises Refused with what to do."""
    answer = fetch_if_changed(url)
    if answer is None:
        raise Refused("fetch_status", file=url, status=int(http.client.NOT_MODIFIED))
    return answer.name, answer.content


def fetch_if_changed(url: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
    """The file at an address; None when its server says that it still is the version of that etag or that time. Raises
    Refused with what to do."""
    deadline = monotonic() + TIMEOUT
    known = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    conditions = {name: value for name, value in known.items() if value}
    for _ in range(MOST_REDIRECTS + 1):
        if url.startswith("webcal://"):  # what calendars call their own addresses
            url = url.replace("webcal", "https", 1)
        answer = _get(url, deadline, conditions)
        if not isinstance(answer, str):
            return answer
        url = urljoin(url, answer)
    raise Refused("fetch_redirects", file=url)


def _get(url: str, deadline: float, conditions: dict[str, str]) -> Fetched | str | None:
    """The file, None when it has not changed, or where it is said to be instead."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refused("fetch_scheme", file=url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = _allowed_address(url, parts.hostname, port)
        connection = _Pinned(parts.hostname, port, address, secure=parts.scheme == "https", deadline=deadline)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {"User-Agent": "Adsum", "Accept": "text/calendar, text/csv, */*", **conditions}
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as response:
                return _read(url, response, deadline)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as reason:
        raise Refused("fetch_unreachable", file=url, reason=str(reason) or type(reason).__name__) from reason


def _read(url: str, response: http.client.HTTPResponse, deadline: float) -> Fetched | str | None:
    if response.status == http.client.NOT_MODIFIED:
        return None
    if response.status in {301, 302, 303, 307, 308} and (to := response.getheader("Location")):
        return to
    if response.status != http.client.OK:
        raise Refused("fetch_status", file=url, status=response.status)
    parts, size = [], 0
    while part := response.read1(64 * 1024):
        parts.append(part)
        size += len(part)
        if size > MAX_FILE:
            raise Refused("too_large", file=url, limit=MAX_FILE // MB)
        if monotonic() > deadline:
            raise TimeoutError(f"> {TIMEOUT} s")
    name = urlsplit(url).path.rpartition("/")[2] or urlsplit(url).netloc
    etag, modified = (response.getheader(header, "") for header in ("ETag", "Last-Modified"))
    # What does not fit is not kept: the hash of the content still tells whether it is new.
    return Fetched(name, b"".join(parts), etag if len(etag) <= 200 else "", modified if len(modified) <= 100 else "")


def _allowed_address(url: str, host: str, port: int) -> str:
    """The first address of a host, when every address it has may be asked. Raises Refused `fetch_private`."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in found:
        address = _plain(ip_address(text.partition("%")[0]))
        public = address.is_global and not address.is_multicast
        if not (public or within(str(address), settings.FEED_NETWORKS)):
            raise Refused("fetch_private", file=url, address=address)
    return found[0]


def _plain(address: Address) -> Address:
    """An IPv4 address that was written as IPv6, or that a translator (NAT64, RFC 6052) would make of it."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, under the name that was asked for."""

    def __init__(self, host: str, port: int, address: str, *, secure: bool, deadline: float) -> None:
        super().__init__(host, port, timeout=max(deadline - monotonic(), 0.1))
        self.address, self.secure = address, secure
        self.default_port = 443 if secure else 80

    def connect(self) -> None:
        """Connect, and for https prove the name."""
        self.sock = socket.create_connection((self.address, self.port), self.timeout)
        if self.secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
