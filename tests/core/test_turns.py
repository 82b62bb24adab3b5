"""Long work in parts lets others write in between, as SQLite has them wait."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from adsum.core import turns

PARTS = 6
PART_SECONDS = 0.3
"""Long enough that a waiter looks as seldom as it ever does."""


def test_a_waiter_gets_its_turn_before_long_work_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "connection", SimpleNamespace(vendor="sqlite", in_atomic_block=False))  # whatever runs the tests
    file, began, over, seen = tmp_path / "turns.sqlite3", Event(), Event(), []

    def waiter() -> None:
        with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as other:
            began.wait()
            other.execute("BEGIN IMMEDIATE")
            seen.append(over.is_set())
            other.execute("COMMIT")

    waiting = Thread(target=waiter)
    waiting.start()
    with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as work:
        for _ in range(PARTS):
            work.execute("BEGIN IMMEDIATE")
            began.set()
            time.sleep(PART_SECONDS)  # the part itself
            work.execute("COMMIT")
            turns.let_others_write()
        over.set()
    waiting.join()
    assert seen == [False]
