"""The one way Adsum asks others over the network. A name is looked up once and the connection is made to the address found, so
that the address cannot change in between. Redirects are not followed. The whole exchange (looking the name up, connecting,
headers, body) ends within its time limit, however slow the other side is.
"""

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Mapping
from email.message import Message
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import quote

from adsum.core.addresses import split
from adsum.core.errors import AdsumError

Address = IPv4Address | IPv6Address
NAT64 = ip_network("64:ff9b::/96")
PLAIN = "/:;=&?~#+!$,'@()*[]%"
"""Characters that are kept in a path besides letters and digits; all others are encoded."""


class Failure(StrEnum):
    """Why there is no answer."""

    ADDRESS = "address"
    """Not a web address."""
    NOT_ALLOWED = "not_allowed"
    """It leads to an address that we do not ask. The message is the network address."""
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    SLOW = "slow"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    """Not HTTP, or cut short."""


class Unanswered(AdsumError):
    """There was no usable answer. The message is for the person who puts it right."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(failure, message)
        self.failure = failure


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    reason: str
    headers: Message
    body: bytes


def anywhere(_address: Address) -> bool:
    """Every address may be asked."""
    return True


def ask(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    seconds: float,
    most: int,
    may_ask: Callable[[Address], bool] = anywhere,
) -> Answer:
    """The answer, in at most so many seconds and with at most so many bytes (0: the body is not read). When the host has an
    address that may not be asked, none of its addresses is. Raises Unanswered."""
    deadline = monotonic() + seconds
    parts = split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unanswered(Failure.ADDRESS, url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    target = quote(parts.path or "/", safe=PLAIN) + (f"?{quote(parts.query, safe=PLAIN)}" if parts.query else "")
    try:
        found = _look_up(parts.hostname, port, deadline)
        for address in found:
            if not may_ask(plain(address)):
                raise Unanswered(Failure.NOT_ALLOWED, str(plain(address)))
        with _connected(parts.hostname, port, found, secure=secure, deadline=deadline) as connection:
            talk = http.client.HTTPConnection(parts.hostname, port)
            talk.default_port = 443 if secure else 80
            talk.sock = _Bounded(connection, deadline)
            talk.request(method, target, body, {"User-Agent": "Adsum", **(headers or {}), "Connection": "close"})
            with talk.getresponse() as response:
                return Answer(response.status, response.reason, response.headers, _read(response, most))
    except ssl.SSLError as wrong:
        raise Unanswered(Failure.CERTIFICATE, str(wrong)) from wrong
    except TimeoutError as slow:
        raise Unanswered(Failure.SLOW, f"> {seconds:g} s") from slow
    except (http.client.HTTPException, ValueError) as wrong:
        raise Unanswered(Failure.UNREADABLE, str(wrong) or type(wrong).__name__) from wrong
    except OSError as away:
        raise Unanswered(Failure.UNREACHABLE, str(away) or type(away).__name__) from away


def plain(address: Address) -> Address:
    """An IPv4 address that was written as IPv6, or that a translator (NAT64, RFC 6052) would make of it."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address


def _left(deadline: float) -> float:
    """The seconds that are left. Raises TimeoutError when there are none."""
    if (left := deadline - monotonic()) <= 0:
        raise TimeoutError
    return left


def _look_up(host: str, port: int, deadline: float) -> list[Address]:
    """Every address of a host. The system's own look-up knows no time limit, so it is waited for from outside."""
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def look() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as unknown:
            answers.put(unknown)

    Thread(target=look, daemon=True).start()
    try:
        answer = answers.get(timeout=_left(deadline))
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return [ip_address(str(info[4][0])) for info in answer]


def _connected(host: str, port: int, addresses: list[Address], *, secure: bool, deadline: float) -> socket.socket:
    """A connection to the first of these addresses that takes one; for https under the name that was asked for."""
    connection, away = None, OSError("no address")
    for address in addresses:
        try:
            connection = socket.create_connection((str(address), port), _left(deadline))
            break
        except TimeoutError:
            raise
        except OSError as refused:
            away = refused
    if connection is None:
        raise away
    if not secure:
        return connection
    try:
        connection.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    if not most:
        return b""
    body = response.read(most + 1)
    if len(body) > most:
        raise Unanswered(Failure.TOO_LARGE, f"> {most} bytes")
    if response.length:  # half a file is not a file
        raise http.client.IncompleteRead(body, response.length)
    return body


class _Bounded:
    """The parts of a socket that HTTPConnection uses; every step keeps the deadline. The code that opened it closes it."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection, self.deadline = connection, deadline

    def sendall(self, data: bytes) -> None:
        self.connection.settimeout(_left(self.deadline))
        self.connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self.connection, self.deadline))

    def close(self) -> None:
        """Does nothing, because the answer is still to be read."""


class _Incoming(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection, self.deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.connection.settimeout(_left(self.deadline))
        return self.connection.recv_into(buffer)
