"""Asking others over the network: a real server on loopback that speaks slowly, falsely, or not at all."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest

from adsum.core.asking import Answer, Failure, Unanswered, ask

Say = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\n"


def _request(connection: socket.socket) -> bytes:
    """All of a request: whoever closes a connection with something unread resets it, and the answer may be lost."""
    heard = connection.recv(65536)
    head, _, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]) and (more := connection.recv(65536)):
        heard, body = heard + more, body + more
    return heard


class Server:
    """Reads a request and then says what the test wants."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.say: Say = lambda _: None
        self.heard: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                with connection, suppress(OSError):
                    self.heard.append(_request(connection))
                    self.say(connection)

    def ask(self, path: str = "/", *, host: str = "127.0.0.1", seconds: float = 5, most: int = 1000, **how: Any) -> Answer:
        return ask(f"http://{host}:{self.port}{path}", seconds=seconds, most=most, **how)

    def failure(self, **how: Any) -> Failure:
        with pytest.raises(Unanswered) as refused:
            self.ask(**how)
        return refused.value.failure


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.listening.close()


def says(*parts: bytes) -> Say:
    def say(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return say


def drips(first: bytes, drop: bytes) -> Say:
    """One drop after another, each sooner than any single wait would notice."""

    def say(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(0.02)

    return say


def waits(connection: socket.socket) -> None:
    """Until the other side has had enough."""
    connection.recv(1)


def test_an_answer(server: Server):
    server.say = says(HEAD, b"ETag: one\r\nContent-Length: 5\r\n\r\n", b"hello")
    answer = server.ask("/a path/é?q=1 2", headers={"Accept": "text/csv"}, body=b"x", method="POST")
    assert (answer.status, answer.headers["ETag"], answer.body) == (200, "one", b"hello")
    assert server.heard[0].startswith(b"POST /a%20path/%C3%A9?q=1%202 HTTP/1.1\r\n")
    assert b"Accept: text/csv\r\n" in server.heard[0]
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in server.heard[0]


def test_a_redirect_is_an_answer_like_any_other(server: Server):
    server.say = says(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n")
    assert server.ask().headers["Location"] == "http://10.0.0.1/"
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(waits, id="silence"),
        pytest.param(drips(HEAD, b"X"), id="a header line that never ends"),
        pytest.param(drips(HEAD, b"A: b\r\n"), id="headers that never end"),
        pytest.param(drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="never anything but wait"),
        pytest.param(drips(HEAD + b"\r\n", b"x"), id="a body that never ends"),
        pytest.param(drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), id="chunks that never end"),
        pytest.param(drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"), id="trailers that never end"),
    ],
)
def test_the_whole_exchange_is_over_in_time(server: Server, say: Say):
    server.say = say
    began = time.monotonic()
    assert server.failure(seconds=0.4) == Failure.SLOW
    assert time.monotonic() - began < 2


def test_a_handshake_that_never_ends_is_over_in_time(server: Server):
    server.say = waits
    with pytest.raises(Unanswered) as refused:
        ask(f"https://127.0.0.1:{server.port}/", seconds=0.4, most=10)
    assert refused.value.failure == Failure.SLOW


def test_a_name_that_is_looked_up_for_ever_is_over_in_time(monkeypatch: pytest.MonkeyPatch):
    for_ever = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: for_ever.wait(20))
    with pytest.raises(Unanswered) as refused:
        ask("http://uni.example/", seconds=0.2, most=10)
    for_ever.set()
    assert refused.value.failure == Failure.SLOW


@pytest.mark.parametrize(
    ("say", "failure"),
    [
        (says(HEAD, b"\r\n", b"x" * 1001), Failure.TOO_LARGE),
        (says(HEAD, b"Content-Length: 2000\r\n\r\n", b"x" * 1500), Failure.TOO_LARGE),
        (says(HEAD, b"Content-Length: 900\r\n\r\n", b"x" * 500), Failure.UNREADABLE),
        (says(HEAD, b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"), Failure.UNREADABLE),
        (says(HEAD, b"X: y\r\n" * 200, b"\r\n"), Failure.UNREADABLE),
        (says(b"hello\r\n\r\n"), Failure.UNREADABLE),
        (says(b""), Failure.UNREADABLE),
    ],
)
def test_what_is_too_much_or_too_little_is_no_answer(server: Server, say: Say, failure: Failure):
    server.say = say
    assert server.failure() == failure


def test_without_its_body_an_answer_may_be_of_any_size(server: Server):
    server.say = says(HEAD, b"\r\n", b"x" * 5000)
    assert server.ask(most=0).status == 200


@pytest.mark.parametrize("url", ["", "ftp://uni.example/", "https://", "http://[", "http://uni.example:x/", "//uni.example/"])
def test_what_is_no_web_address_is_not_asked(url: str):
    with pytest.raises(Unanswered) as refused:
        ask(url, seconds=5, most=10)
    assert refused.value.failure == Failure.ADDRESS


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """From now on uni.example has these addresses. Each time somebody looks it up is in the list."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, *more: Any, **how: Any) -> Any:
        if host != "uni.example":
            return real(host, *more, **how)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_name_is_looked_up_once_and_each_of_its_addresses_is_judged(server: Server, monkeypatch: pytest.MonkeyPatch):
    """A name server that tells the check one thing and the connection another has only one chance to speak."""
    asked = names(monkeypatch, "127.0.0.1", "203.0.113.9")
    assert server.failure(host="uni.example", may_ask=lambda one: one.is_loopback) == Failure.NOT_ALLOWED
    assert server.heard == []
    server.say = says(HEAD, b"\r\nhi")
    asked.clear()
    assert server.ask(host="uni.example").body == b"hi"
    assert asked == ["uni.example"]


def test_an_address_that_refuses_gives_way_to_the_next(server: Server, monkeypatch: pytest.MonkeyPatch):
    names(monkeypatch, "127.0.0.2", "127.0.0.1")
    server.say = says(HEAD, b"\r\nhi")
    assert server.ask(host="uni.example").body == b"hi"


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(Unanswered) as refused:
        ask(f"http://127.0.0.1:{port}/", seconds=5, most=10)
    assert refused.value.failure == Failure.UNREACHABLE


def test_an_address_that_reads_otherwise_is_judged_by_what_it_means():
    with pytest.raises(Unanswered) as refused:
        ask("http://[::ffff:10.0.0.1]/", seconds=5, most=10, may_ask=lambda one: one != ip_address("10.0.0.1"))
    assert refused.value.message == "10.0.0.1"
