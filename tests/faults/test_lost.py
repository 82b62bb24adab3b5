"""The server's last seconds are dropped, as when a copy of before takes its place: whatever was acknowledged returns."""

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults.campus import ask
from tests.faults.conftest import Campus
from tests.faults.phones import Line, Phone, burst

LOST = 300


def copy_of(database: Path, to: Path) -> None:
    """A whole copy of a database that goes on being written to."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


async def bring_back(phones: list[Phone], port: int) -> dict[str, int]:
    """Each phone asks about what it keeps, as a page does when it is next opened."""
    answers: dict[str, int] = {}
    async with Line([port]) as line:
        for phone in phones:
            answer = await line.ask("POST", "/in/acknowledged", phone.cookie, f"kept={phone.proof}")
            (said,) = json.loads(answer.body)["scans"]
            answers[said["state"]] = answers.get(said["state"], 0) + 1
    return answers


async def test_whatever_was_acknowledged_returns(on_sqlite: Campus, tmp_path: Path) -> None:
    database = Path(on_sqlite.url.removeprefix("sqlite:///"))
    phones = on_sqlite.phones[: 2 * LOST]
    with on_sqlite.served() as server:
        await burst(phones[:LOST], [server.port])
        copy_of(database, tmp_path / "before.sqlite3")
        await burst(phones[LOST:], [server.port])
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
    assert all(phone.proof for phone in phones)
    for left in database.parent.glob(f"{database.name}*"):
        left.unlink()
    shutil.copy(tmp_path / "before.sqlite3", database)
    assert len(on_sqlite.stored().scans) == LOST

    with on_sqlite.served() as server:
        assert await bring_back(phones, server.port) == {"recorded": LOST, "recovered": LOST}
        assert await bring_back(phones, server.port) == {"recorded": 2 * LOST}
    held = ask(on_sqlite.url, "SELECT student_id, session_id FROM adsum_scan WHERE refusal = 'recovered'")
    assert sorted(held) == sorted((phone.student, phone.session) for phone in phones[LOST:])
    assert ask(on_sqlite.url, "SELECT COUNT(DISTINCT opening_id) FROM adsum_alarm WHERE kind = 'recovered'") == [(10,)]
    assert on_sqlite.stored().marks.total() == LOST, "nothing but a person makes a mark of it"
