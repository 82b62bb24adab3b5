"""Many browsers in one process: each is a generator that asks, waits, and says how far it has come; one epoll loop for all.

A browser yields an `Ask` and is sent the `Answer`; it yields a number of seconds and is woken after them; it yields a `Step`
and goes on at once, or, where the crowd walks in step, when all that have begun have come so far.
"""

import errno
import heapq
import select
import socket
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bench.client import complete


class Step(StrEnum):
    """How far a student has come."""

    SCAN = "scan"
    SIGN_IN = "signing in"
    CONFIRM = "tap"
    TODAY = "Today"
    DONE = "done"


class Ask(NamedTuple):
    """A request to a port of this machine, ready to be sent."""

    port: int
    request: bytes


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes

    def headers(self, name: bytes) -> list[str]:
        """The values of a header, in order; `name` in small letters."""
        lines = (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
        return [value.strip().decode() for key, _, value in lines if key.lower() == name]


Browser = Generator[Ask | float | Step, Answer | None, None]


@dataclass(slots=True, eq=False)
class _Connection:
    """Kept alive, and lent to one request after the other."""

    sock: socket.socket
    port: int
    request: bytes = b""
    heard: bytes = b""
    used: bool = False
    whose: Browser | None = None
    made: bool = False
    """Whether the server has answered the greeting: only then is anything sent."""


class Crowd:
    """Browsers and the connections they share. With `in_step`, all wait for each other at every step, and it is called then."""

    def __init__(self, in_step: Callable[[Step], None] | None = None) -> None:
        self._in_step = in_step
        self._poll = select.epoll()
        self._open: dict[int, _Connection] = {}
        self._idle: defaultdict[int, list[_Connection]] = defaultdict(list)
        self._timers: list[tuple[float, int, Browser]] = []
        self._timed = 0
        self._aside: set[Browser] = set()
        self._under_way = 0
        self._held: list[tuple[Browser, Step]] = []
        self.unanswered = Counter[int]()
        """Connections that a server did not take in time, by its port."""

    def beside(self, browser: Browser) -> None:
        """Let this one walk too; nobody waits for its end."""
        self._aside.add(browser)
        self._go(browser)

    def run(self, browsers: Iterable[Browser], *, rate: float = 0.0, at_once: int = 0) -> float:
        """Have them all walk to their end: so many begin a second, so many are under way at once (0: any number). Returns the
        seconds it took."""
        began, begun, todo = time.perf_counter(), 0, deque(browsers)
        while todo or self._under_way:
            now = time.perf_counter()
            while todo and (not at_once or self._under_way < at_once) and (not rate or begun <= (now - began) * rate):
                begun += 1
                self._under_way += 1
                self._go(todo.popleft())
            while self._timers and self._timers[0][0] <= now:
                self._go(heapq.heappop(self._timers)[2])
            for fd, event in self._poll.poll(0.002 if todo or self._timers else 1.0):
                connection = self._open[fd]
                if connection.made:
                    self._hear(connection)
                elif event & select.EPOLLOUT:
                    self._made(connection)
            if self._in_step and self._held and len(self._held) == self._under_way:
                self._release(self._in_step)
        return time.perf_counter() - began

    def _release(self, in_step: Callable[[Step], None]) -> None:
        held, self._held = self._held, []
        (step,) = {step for _, step in held}
        in_step(step)
        for one, _ in held:
            self._go(one)

    def _go(self, browser: Browser, answer: Answer | None = None) -> None:
        """Let it walk until it has to wait."""
        try:
            wish = browser.send(answer)
            while isinstance(wish, Step):
                if self._in_step and browser not in self._aside:
                    self._held.append((browser, wish))
                    return
                wish = browser.send(None)
        except StopIteration:
            self._under_way -= browser not in self._aside
            return
        if isinstance(wish, Ask):
            self._send(wish, browser)
        else:
            self._timed += 1
            heapq.heappush(self._timers, (time.perf_counter() + wish, self._timed, browser))

    def _send(self, ask: Ask, browser: Browser) -> None:
        connection = self._idle[ask.port].pop() if self._idle[ask.port] else self._connect(ask.port)
        connection.whose, connection.request, connection.heard = browser, ask.request, b""
        if not connection.made:
            return
        try:
            connection.sock.send(ask.request)
        except OSError:  # closed by the server while it was idle
            self._again(connection)

    def _connect(self, port: int) -> _Connection:
        """Begun, not waited for: a server whose queue is full keeps only this phone waiting, not the whole crowd."""
        connection = _Connection(socket.socket(), port)
        connection.sock.setblocking(False)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.connect_ex(("127.0.0.1", port))
        self._open[connection.sock.fileno()] = connection
        self._poll.register(connection.sock.fileno(), select.EPOLLOUT)
        return connection

    def _made(self, connection: _Connection) -> None:
        if reason := connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.unanswered[connection.port] += 1
            if reason != errno.ETIMEDOUT:
                raise OSError(reason, f"nobody answers at port {connection.port}")
            self._close(connection)  # its queue was full for two minutes: a person would load the page again
            assert connection.whose
            self._send(Ask(connection.port, connection.request), connection.whose)
            return
        connection.made = True
        self._poll.modify(connection.sock.fileno(), select.EPOLLIN)
        connection.sock.send(connection.request)

    def _close(self, connection: _Connection) -> None:
        self._poll.unregister(connection.sock.fileno())
        del self._open[connection.sock.fileno()]
        connection.sock.close()

    def _again(self, connection: _Connection) -> None:
        self._close(connection)
        assert connection.whose
        assert connection.used, "a server closed a new connection without an answer"
        self._send(Ask(connection.port, connection.request), connection.whose)

    def _hear(self, connection: _Connection) -> None:
        """An answer, a part of one, or the end of the connection."""
        try:
            part = connection.sock.recv(262_144)
        except OSError:
            part = b""
        connection.heard += part
        if connection.whose is None:
            self._idle[connection.port].remove(connection)
            self._close(connection)
            return
        if not part and not connection.heard:
            self._again(connection)
            return
        head = connection.heard.partition(b"\r\n\r\n")[0]
        low = head.lower()
        if not part and b"content-length:" not in low:  # a server that says the end by closing
            body: bytes | None = connection.heard[len(head) + 4 :]
        elif b"\r\n\r\n" in connection.heard and b"content-length:" in low:
            body = complete(connection.heard)
        else:
            return
        if body is None:
            return
        browser, connection.whose, connection.used = connection.whose, None, True
        if not part or b"connection: close" in low or low.startswith(b"http/1.0"):
            self._close(connection)
        else:
            self._idle[connection.port].append(connection)
        self._go(browser, Answer(int(head[9:12]), head, body))
