"""Letting others work in the middle of long work: others who write, on SQLite, and others who compute, while we only wait."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from time import sleep

from django.db import connection

BREATH = 0.12
"""Seconds left to others between two parts: SQLite looks every 0.1 s at the most seldom, so that every waiter looks once."""
_turns: ContextVar["Turns | None"] = ContextVar("turns", default=None)


def let_others_write() -> None:
    """To be called between two transactions. On SQLite one process at a time may write, and who waits for that only looks now
    and then whether it may: work that writes part after part without a pause keeps check-ins out for all of it. Inside a
    transaction, or on PostgreSQL, there is nothing to wait for."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        sleep(BREATH)


class Turns:
    """So many threads may compute at once; the others wait, and who waited longest goes on first. (Python's own semaphore takes
    who comes at the right moment, and on a busy morning some never would.)"""

    def __init__(self, at_once: int) -> None:
        self._lock, self._free = Lock(), at_once
        self._waiting: deque[Lock] = deque()

    def take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = Lock()
            called.acquire()
            self._waiting.append(called)
        called.acquire()

    def give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


@contextmanager
def taking_turns(turns: Turns) -> Iterator[None]:
    """Compute only while it is one's turn."""
    turns.take()
    token = _turns.set(turns)
    try:
        yield
    finally:
        _turns.reset(token)
        turns.give()


@contextmanager
def while_waiting() -> Iterator[None]:
    """Give the turn, if there is one, to somebody else while this thread waits for an answer from another machine."""
    turns = _turns.get()
    if turns is None:
        yield
        return
    turns.give()
    try:
        yield
    finally:
        turns.take()
