"""Thousands who open and never end, and what is left for everybody else."""

import asyncio
import time

from adsum.web import bodies
from adsum.web.live.seats import MOST
from tests.faults.campus import CLASSES, ask
from tests.faults.checker import violations
from tests.faults.conftest import Campus
from tests.faults.phones import Stream, burst, heard, once

CHECKED_IN_WITHIN = 20.0
"""Seconds for 500 students on one worker: a second or two on a machine of its own, and tests share theirs."""


async def opened(port: int, paths: list[tuple[str, str]], at_a_time: int = 50) -> list[Stream]:
    """These streams, each of which has been answered."""
    streams: list[Stream] = []
    for first in range(0, len(paths), at_a_time):
        some = [await Stream.open(port, *one) for one in paths[first : first + at_a_time]]
        await asyncio.gather(*(stream.hear(b"\r\n\r\n", 30) for stream in some))
        streams += some
    return streams


def registers(campus: Campus) -> list[str]:
    """The addresses of every class's live register."""
    return [f"/live/register/{ref}" for (ref,) in ask(campus.url, "SELECT ref FROM adsum_classsession ORDER BY id")]


async def close(streams: list[Stream]) -> None:
    for stream in streams:
        await stream.close()


async def test_a_thousand_registers_are_open_and_everybody_checks_in(on_postgres: Campus) -> None:
    """One worker: 1,000 live registers hear every mark, and check-in goes on as if there were none."""
    campus = on_postgres
    paths = registers(campus)
    phones = campus.phones[:500]
    with campus.served(workers=1) as server:
        streams = await opened(server.port, [(path, cookie) for cookie in campus.crowd for path in paths])
        assert len(streams) == 1_000
        assert sum(b" 200 " in stream.heard[:20] for stream in streams) == 1_000
        began = time.monotonic()
        await burst(phones, [server.port])
        took = time.monotonic() - began
        await asyncio.gather(*(stream.hear(b'"present": 50', 30) for stream in streams))
        print(f"\n{len(phones) / took:.0f}/s beside 1,000 streams {heard(phones)}")
        await close(streams)
    assert took < CHECKED_IN_WITHIN
    assert violations(phones, campus.stored()) == []


async def test_one_account_takes_no_more_than_its_seats(on_sqlite: Campus) -> None:
    """1,060 streams of one lecturer: a dozen are open, the others are told why, and students check in meanwhile."""
    campus = on_sqlite
    phones = campus.phones[:200]
    paths = registers(campus)
    with campus.served(workers=1) as server:
        streams = await opened(server.port, [(paths[n % CLASSES], campus.crowd[0]) for n in range(1_060)])
        let_in = [stream for stream in streams if b" 200 " in stream.heard[:20]]
        assert len(let_in) == MOST["account"]
        assert sum(b" 429 " in stream.heard[:20] and b"etry-" in stream.heard for stream in streams) == 1_060 - len(let_in)
        assert (await once(server.port, paths[0], campus.crowd[0])).status == 429
        colleague = await opened(server.port, [(paths[0], campus.crowd[1])])
        assert b" 200 " in colleague[0].heard[:20]
        await burst(phones, [server.port])
        await close([*streams, *colleague])
    assert violations(phones, campus.stored()) == []


async def test_bodies_that_never_come_keep_nobody_out(on_sqlite: Campus) -> None:
    """1,200 forms are announced and not sent: students check in meanwhile, and the connections are closed in time."""
    campus = on_sqlite
    phones = campus.phones[:200]
    doors = ["/in/confirm", "/in/code", "/sign-in/password/", "/language/"]
    with campus.served(workers=1) as server:
        began = time.monotonic()
        silent = [await Stream.begin(server.port, doors[n % len(doors)], phones[n % 200].cookie) for n in range(1_200)]
        await burst(phones, [server.port])
        took = time.monotonic() - began
        async with asyncio.timeout(bodies.BODY_SECONDS + 30):
            answers = {(await stream.end())[:12] for stream in silent}
        print(f"\n{took:.1f} s {answers} {heard(phones)}")
        assert took < bodies.BODY_SECONDS, "some had been sent away before everybody was in"
        assert answers == {b"HTTP/1.1 408"}
        assert (await once(server.port, "/sign-in/", "")).status == 200
    assert violations(phones, campus.stored()) == []
