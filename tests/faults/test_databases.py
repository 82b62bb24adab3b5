"""The database dies, goes away, hangs or is full; no check-in is lost or doubled, and every phone finishes."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checker import violations
from tests.faults.conftest import Campus, campus_at
from tests.faults.phones import Line, Stream, burst, heard, once
from tests.kit.commands import adsum, free_port


async def test_postgresql_is_killed_in_mid_burst(on_postgres: Campus) -> None:
    cluster = on_postgres.cluster
    assert cluster

    def strike() -> None:
        cluster.kill()
        cluster.start()

    with on_postgres.served() as server:
        await burst(on_postgres.phones, [server.port], after=300, then=strike)
    print(f"\n{heard(on_postgres.phones)}")
    assert violations(on_postgres.phones, on_postgres.stored()) == []


async def test_postgresql_is_away_for_thirty_seconds(on_postgres: Campus) -> None:
    """Scanning goes on without it, a new worker starts without it, pages and streams say so; then everyone finishes."""
    cluster, screen = on_postgres.cluster, on_postgres.screen
    assert cluster
    early, late = on_postgres.phones[:1200], on_postgres.phones[1200:]
    with on_postgres.served() as server:
        display = await Stream.open(server.port, screen.display, screen.display_cookie)
        register = await Stream.open(server.port, screen.register, screen.register_cookie)
        gone, back = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def strike() -> None:
            cluster.stop()
            loop.call_soon_threadsafe(gone.set)
            time.sleep(30)
            cluster.start()
            loop.call_soon_threadsafe(back.set)

        room = asyncio.create_task(burst(early, [server.port], after=300, then=strike))
        await gone.wait()
        for phone in late[:50]:  # the register of every class is in memory: a scan needs no database
            async with Line([server.port]) as line:
                await phone.scan(line)
        assert all(phone.ticket for phone in late[:50])
        refused = await once(server.port, screen.register, screen.register_cookie)
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert display.alive, "a screen goes on showing its code"
        assert register.alive
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        await asyncio.sleep(12)  # both are started again, and there is still no database
        assert len(server.workers()) == 2
        asked = await once(server.port, f"/{late[60].code}", late[60].cookie)
        assert asked.status == 503
        assert b"data-away" in asked.body
        assert not back.is_set()
        await room
        await burst(late, [server.port])
        for stream in (display, register):
            await stream.close()
    print(f"\n{heard(on_postgres.phones)}")
    assert violations(on_postgres.phones, on_postgres.stored()) == []


def test_the_server_does_not_start_without_its_database_and_says_so(tmp_path: Path) -> None:
    done = adsum(tmp_path, "serve", ADSUM_DATABASE_URL=f"postgresql://adsum@127.0.0.1:{free_port()}/adsum")
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be reached: ")
    assert "ADSUM_DATABASE_URL" in done.stderr


async def test_postgresql_hangs(on_postgres: Campus) -> None:
    """A frozen database keeps nobody waiting for ever: the phones are told to try again, and then finish."""
    cluster = on_postgres.cluster
    assert cluster

    def freeze() -> None:
        cluster.freeze()
        time.sleep(13)
        cluster.thaw()

    with on_postgres.served() as server:
        await burst(on_postgres.phones, [server.port], after=300, then=freeze)
    told = heard(on_postgres.phones)
    print(f"\n{told}")
    assert told["tap 503"]
    assert violations(on_postgres.phones, on_postgres.stored()) == []


async def test_the_disk_is_full(sqlite_folder: Path, small_disk: Path) -> None:
    """Check-ins that cannot be written are not acknowledged; with room again, every phone finishes."""
    data = small_disk / "data"
    shutil.copytree(sqlite_folder, data)
    campus = campus_at(f"sqlite:///{data / 'adsum.sqlite3'}", data)
    filler = small_disk / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        time.sleep(4)
        filler.unlink()

    with campus.served() as server:
        await burst(campus.phones, [server.port], after=300, then=fill)
    told = heard(campus.phones)
    print(f"\n{told}")
    assert told["tap 503"]
    assert violations(campus.phones, campus.stored()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MB in memory; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here (needs root): {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
