"""Processes die, end and repeat themselves; no check-in is lost or doubled."""

import asyncio
import os
import signal
import time
from dataclasses import replace

from adsum.ops.serve import KILL_AFTER
from tests.faults.checker import violations
from tests.faults.conftest import Campus
from tests.faults.phones import Line, Phone, burst, heard


async def test_nothing_happens(campus: Campus) -> None:
    """The measure of the others: a room without a fault."""
    with campus.served() as server:
        began = time.monotonic()
        await burst(campus.phones, [server.port])
        took = time.monotonic() - began
    print(f"\n{len(campus.phones) / took:.0f}/s {heard(campus.phones)}")
    assert violations(campus.phones, campus.stored()) == []


async def test_a_worker_is_killed(campus: Campus) -> None:
    with campus.served() as server:
        victim = server.workers()[0]
        kill = lambda: os.kill(victim, signal.SIGKILL)  # noqa: E731
        await burst(campus.phones, [server.port], after=300, then=kill)
        assert victim not in server.workers()
    print(f"\n{heard(campus.phones)}")
    assert violations(campus.phones, campus.stored()) == []


async def test_the_same_scan_a_hundred_times_at_once(campus: Campus) -> None:
    phone = campus.phones[0]
    with campus.served() as server:
        await phone.scan(Line([server.port]))
        copies = [replace(phone, heard=phone.heard.copy()) for _ in range(100)]
        await burst(copies, [server.port], lines=100)
    assert {copy.receipt for copy in copies} == {copies[0].receipt}
    assert violations(copies[:1], campus.stored()) == []


async def test_told_to_stop_with_streams_open(campus: Campus) -> None:
    """Every stream is closed, what waits is written, and the server is gone before it would be killed."""
    screen = campus.screen
    with campus.served() as server:
        streams = [
            asyncio.create_task(_until_closed(server.port, *one))
            for one in [(screen.display, screen.display_cookie), (screen.register, screen.register_cookie)] * 10
        ]
        told: list[float] = []

        def stop() -> None:
            server.process.terminate()
            began = time.monotonic()
            server.process.wait(60)
            told.append(time.monotonic() - began)

        first = campus.phones[:1000]
        await burst(first, [server.port], after=300, then=stop, seconds=3)
        said = [await stream for stream in streams]
        print(f"\n{told} {heard(first)}", server.output.read_text()[-2000:])
        assert all(b"event: " in one for one in said)
        assert told[0] < KILL_AFTER - 3
    assert any(not phone.receipt for phone in first)
    with campus.served() as server:
        await burst(campus.phones, [server.port])
    assert violations(campus.phones, campus.stored()) == []


async def _until_closed(port: int, path: str, cookie: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()
