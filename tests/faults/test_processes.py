"""Processes die, end and repeat themselves; no check-in is lost or doubled."""

import asyncio
import json
import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adsum.ops.serve import KILL_AFTER
from tests.faults.campus import CLASSES, ask
from tests.faults.checker import violations
from tests.faults.conftest import Campus
from tests.faults.phones import Line, Stream, burst, heard, once


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
        await burst(campus.phones, [server.port], after=300, then=lambda: os.kill(victim, signal.SIGKILL))
        assert victim not in server.workers()
    print(f"\n{heard(campus.phones)}")
    assert violations(campus.phones, campus.stored()) == []


async def test_the_same_scan_a_hundred_times_at_once(campus: Campus) -> None:
    phone = campus.phones[0]
    with campus.served() as server:
        async with Line([server.port]) as line:
            await phone.scan(line)
        copies = [replace(phone, heard=phone.heard.copy()) for _ in range(100)]
        await burst(copies, [server.port], lines=100)
    assert {copy.receipt for copy in copies} == {copies[0].receipt}
    assert violations(copies[:1], campus.stored()) == []


@pytest.mark.parametrize("server_of", ["granian", "uvicorn"])
async def test_told_to_stop_with_streams_open(campus: Campus, server_of: str) -> None:
    """Every stream is closed, what waits is written, and the server is gone before it would be killed."""
    screen = campus.screen
    with campus.served("--server", server_of) as server:
        streams = [
            await Stream.open(server.port, *one)
            for one in [(screen.display, screen.display_cookie), (screen.register, screen.register_cookie)] * 10
        ]
        told: list[float] = []

        def stop() -> None:
            server.process.terminate()
            began = time.monotonic()
            server.process.wait(60)
            told.append(time.monotonic() - began)

        for stream in streams:
            await stream.hear(b"event: ")
        first = campus.phones
        await burst(first, [server.port], lines=12, after=100, then=stop, seconds=3)
        for stream in streams:
            await stream.end()
        print(f"\n{told} {heard(first)}", server.output.read_text()[-2000:])
        assert told[0] < KILL_AFTER - 3
    unheard = {(phone.student, phone.session) for phone in first if not phone.receipt}
    assert unheard, "the server was stopped after everything was over"
    assert not unheard & campus.stored().scans.keys(), "what was written while it stopped was not answered"
    with campus.served() as server:
        await burst(first, [server.port])
    assert violations(first, campus.stored()) == []


async def test_two_nodes_whose_clocks_are_four_seconds_apart(on_postgres: Campus) -> None:
    """A code shown by one is good at the other, though it lives for 3.5 s; both say that their clock is wrong."""
    ask(on_postgres.url, "UPDATE adsum_epoch SET period_ms = 3000, grace_ms = 500")
    screen = on_postgres.screen
    phones = on_postgres.phones[::CLASSES][:10]
    drift = []
    with on_postgres.served(workers=1, clock=2) as ahead, on_postgres.served(workers=1, clock=-2) as behind:
        for n, phone in enumerate(phones):
            here, there = (ahead, behind) if n % 2 else (behind, ahead)
            shown = await once(here.port, f"{screen.display}/now", screen.display_cookie)
            async with Line([there.port, here.port]) as line:
                await phone.type(line, json.loads(shown.body)["typed"])
                assert phone.ticket, phone.refused
                await line.hang_up()
                await phone.check_in(line, time.monotonic() + 10)
            ((finished,),) = ask(on_postgres.url, f"SELECT finished_at FROM adsum_scan WHERE student_id = {phone.student}")
            drift.append(abs((datetime.now(UTC) - finished).total_seconds()))
            await asyncio.sleep(0.7)
        assert "gate.clock" in ahead.output.read_text()
        assert "gate.clock" in behind.output.read_text()
    print(f"\nscans are {max(drift):.2f} s from the true time at most")
    assert max(drift) < 0.5
    assert violations(phones, on_postgres.stored()) == []
