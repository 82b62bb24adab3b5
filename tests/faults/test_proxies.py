"""Behind the proxies of deploy/: pages and live views come through at once, and what never comes is not waited for."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adsum.web.bodies import BODY_SECONDS, MOST_BYTES
from tests.faults.conftest import Campus
from tests.kit.proxies import proxy, trusting

NEVER = 300
"""Connections that begin something and do not go on."""
NOT_LONG = 5.0


class Browser:
    """One connection through the proxy, over HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, head: str, *, seconds: float = 60) -> bytes:
        """Send this, and hear everything until the proxy closes."""
        self.writer.write(head.encode())
        async with asyncio.timeout(seconds):
            return await self.reader.read()

    async def hear(self, words: bytes, seconds: float) -> bytes:
        async with asyncio.timeout(seconds):
            return await self.reader.readuntil(words)


@asynccontextmanager
async def browsers(port: int, trust: ssl.SSLContext, number: int = 1) -> AsyncIterator[list[Browser]]:
    """Connections through the proxy, closed at the end of the block."""
    opened = [Browser(*await asyncio.open_connection("localhost", port, ssl=trust)) for _ in range(number)]
    try:
        yield opened
    finally:
        for one in opened:
            one.writer.transport.abort()
        await asyncio.sleep(0)


def head(method: str, path: str, port: int, **fields: object) -> str:
    lines = {"Host": f"localhost:{port}", "Accept-Encoding": "gzip"} | {name.replace("_", "-"): fields[name] for name in fields}
    return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"


@pytest.mark.parametrize("name", ["nginx", "caddy"])
async def test_the_proxy_of_deploy(on_sqlite: Campus, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    screen = on_sqlite.screen
    with on_sqlite.served(workers=1) as server, proxy(name, folder, behind=server.port) as port:
        trust = trusting(folder)

        # A page, compressed; what is too large is refused.
        async with browsers(port, trust) as (page,):
            answer = await page.ask(head("GET", "/sign-in/", port, Connection="close"))
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"gzip" in answer.partition(b"\r\n\r\n")[0]
        async with browsers(port, trust) as (large,):
            fields = {"Content_Length": MOST_BYTES * 2, "Connection": "close", "Content_Type": "text/plain"}
            assert b" 413 " in (await large.ask(head("POST", "/language/", port, **fields)))[:20]

        # A live view: each event as it is made, as it is.
        async with browsers(port, trust) as (live,):
            live.writer.write(head("GET", screen.display, port, Cookie=screen.display_cookie).encode())
            heads = await live.hear(b"\r\n\r\n", NOT_LONG)
            assert b" 200 " in heads[:20]
            assert b"content-encoding" not in heads.lower()
            assert b"event: code" in await live.hear(b'"typed"', NOT_LONG)

            # Forms and headers that never come. Meanwhile a page is there at once, and afterwards they are gone.
            form = {"Content_Length": 100, "Content_Type": "application/x-www-form-urlencoded"}
            begun = [head("POST", "/language/", port, **form) + "language=", "GET /sign-in/ HTTP/1.1\r\nHost:"]
            async with browsers(port, trust, NEVER) as silent:
                waiting = [asyncio.create_task(one.ask(begun[n % 2])) for n, one in enumerate(silent)]
                async with browsers(port, trust) as (page,):
                    began = time.monotonic()
                    answer = await page.ask(head("GET", "/sign-in/", port, Connection="close"))
                    assert answer.startswith(b"HTTP/1.1 200")
                    assert time.monotonic() - began < NOT_LONG
                assert not any(one.done() for one in waiting), "some had been sent away before the page was asked for"
                async with asyncio.timeout(BODY_SECONDS + 25):
                    ends = {answer[:12] for answer in await asyncio.gather(*waiting)}
            assert ends <= {b"", b"HTTP/1.1 408"}, "closed, or told why"
            assert await live.hear(b"event: beat", 30), "the live view went on all the while"
