"""A room of phones that do what phones do: scan, tap, try again with the same ticket; and remember what they were told."""

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

TICKET = re.compile(rb'name="ticket" value="([^"]+)"')
RECEIPT = re.compile(rb'<dd class="num">([0-9A-Z]{4}-[0-9A-Z]{2})</dd>')
PROOF = re.compile(rb'data-kept="([^"]+)"')
ABOUT = re.compile(rb'data-refusal="(\w+)"')
FORM = "application/x-www-form-urlencoded"
PATIENCE = 15.0
"""Seconds until a phone gives up waiting for one answer."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Line:
    """One connection to one of the servers at `ports`, kept as long as it lasts."""

    def __init__(self, ports: Sequence[int], first: int = 0) -> None:
        self.ports = ports
        self._next = first
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, cookie: str, body: str = "", kind: str = FORM) -> Answer:
        """One answer. Raises OSError or EOFError when none came."""
        try:
            return await asyncio.wait_for(self._ask(method, path, cookie, body, kind), PATIENCE)
        except (TimeoutError, OSError, EOFError):
            await self.hang_up()
            raise

    async def _ask(self, method: str, path: str, cookie: str, body: str, kind: str) -> Answer:
        port = self.ports[self._next % len(self.ports)]
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = self._streams
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nCookie: {cookie}\r\n"
            f"User-Agent: Mozilla/5.0 (iPhone)\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        return Answer(int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0))))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """The next request goes to the next server."""
        self._next += 1
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
            await asyncio.sleep(0)  # the socket is closed in the loop's next round


async def once(port: int, path: str, cookie: str) -> Answer:
    """GET a page on a connection of its own."""
    async with Line([port]) as line:
        return await line.ask("GET", path, cookie)


@dataclass
class Phone:
    """One student's browser, and everything it was told."""

    student: int
    session: int
    code: str
    cookie: str
    ticket: str = ""
    receipt: str = ""
    refused: str = ""
    proof: str = ""
    """What it keeps of its receipt until the university has signed the scan."""
    scans: int = 0
    """Tickets it was given: one, if none was ever lost."""
    taps: int = 0
    heard: Counter[str] = field(default_factory=Counter)
    """Answers by door and status; `cut` for none."""

    async def check_in(self, line: Line, until: float) -> None:
        """Scan, tap, and go on with the same ticket until there is a receipt, a refusal, or no time left."""
        while not self.receipt and not self.refused and time.monotonic() < until:
            try:
                if self.ticket:
                    self.taps += 1
                    answer = await line.ask("POST", "/in/confirm", self.cookie, f"ticket={self.ticket}")
                else:
                    answer = await line.ask("GET", f"/{self.code}", self.cookie)
            except (TimeoutError, OSError, EOFError):
                self.heard["cut"] += 1
                await asyncio.sleep(0.1)
                continue
            self.heard[f"{'tap' if self.ticket else 'scan'} {answer.status}"] += 1
            self._hear(answer)
            if answer.status in {429, 503}:
                assert 1 <= int(answer.headers["retry-after"]) <= 60
                await asyncio.sleep(0.5)  # sooner than it was told: harder for the server

    async def scan(self, line: Line) -> None:
        """Take a ticket, and leave it at that."""
        self._hear(await line.ask("GET", f"/{self.code}", self.cookie))

    async def type(self, line: Line, digits: str) -> None:
        """Type the eight digits of a screen instead."""
        self._hear(await line.ask("POST", "/in/code", self.cookie, f"code={digits.replace(' ', '+')}"))

    def _hear(self, answer: Answer) -> None:
        if found := RECEIPT.search(answer.body):
            self.receipt = found[1].decode()
            self.proof = proof[1].decode() if (proof := PROOF.search(answer.body)) else ""
        elif found := ABOUT.search(answer.body):
            self.refused = found[1].decode() if answer.status == 200 else ""
        elif (found := TICKET.search(answer.body)) and not self.ticket:
            self.ticket = found[1].decode()
            self.scans += 1


async def burst(
    phones: Iterable[Phone],
    ports: Sequence[int],
    *,
    lines: int = 48,
    seconds: float = 60,
    after: int = 0,
    then: Callable[[], None] | None = None,
) -> None:
    """All of them, `lines` at a time; `then` is done in another thread once `after` of them have a receipt."""
    waiting = deque(phones)
    until = time.monotonic() + seconds
    done = 0
    struck: asyncio.Future[None] | None = None

    async def one_line(number: int) -> None:
        nonlocal done, struck
        async with Line(ports, number) as line:
            while waiting:
                phone = waiting.popleft()
                await phone.check_in(line, until)
                done += bool(phone.receipt)
                if then and struck is None and done >= after:
                    struck = asyncio.ensure_future(asyncio.to_thread(then))

    await asyncio.gather(*(one_line(number) for number in range(lines)))
    if then:
        assert struck is not None, "the fault never came"
        await struck


def heard(phones: Iterable[Phone]) -> dict[str, int]:
    """What all of them were told, together."""
    total: Counter[str] = Counter()
    for phone in phones:
        total += phone.heard
    return dict(sorted(total.items()))


class Stream:
    """A browser that listens."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard = b""
        self._news = asyncio.Event()
        self._writer = writer
        self._task = asyncio.create_task(self._listen(reader))

    @classmethod
    async def open(cls, port: int, path: str, cookie: str) -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
        return cls(reader, writer)

    @classmethod
    async def begin(cls, port: int, path: str, cookie: str) -> Self:
        """A form that is announced and never sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nCookie: {cookie}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nticket=".encode()
        )
        return cls(reader, writer)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionResetError):
            while chunk := await reader.read(65_536):
                self.heard += chunk
                self._news.set()
        self._writer.transport.abort()

    @property
    def alive(self) -> bool:
        return not self._task.done()

    async def end(self) -> bytes:
        """Everything it heard, once the server has closed it."""
        await self._task
        await asyncio.sleep(0)
        return self.heard

    async def hear(self, words: bytes, seconds: float = 10) -> None:
        """Wait until the server has said `words`."""
        async with asyncio.timeout(seconds):
            while words not in self.heard:
                self._news.clear()
                await self._news.wait()

    async def close(self) -> None:
        self._writer.transport.abort()
        await self._task
        await asyncio.sleep(0)
