"""Letting others work in the middle of long work: others who write, on SQLite, and others who compute, while we only wait."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from time import sleep

from django.db import connection, transaction

BREATH = 0.12
"""Seconds left to others between two parts: SQLite looks every 0.1 s at the most seldom, so that every waiter looks once."""
REST_HAS_ONE_OF = 20
"""Of so many turns one is theirs who are not urgent."""
_turns: ContextVar["tuple[Turns, bool] | None"] = ContextVar("turns", default=None)


def let_others_write() -> None:
    """To be called between two transactions. On SQLite one process at a time may write, and who waits for that only looks now
    and then whether it may: work that writes part after part without a pause keeps check-ins out for all of it. Inside a
    transaction, or on PostgreSQL, there is nothing to wait for."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        sleep(BREATH)


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read inside is as it is at one moment, and others go on writing; writing inside is an error. Within a
    transaction, it is what that one sees."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")  # Django's own transactions keep everybody else from writing
            try:
                cursor.execute("PRAGMA query_only = ON")
                yield
            finally:
                cursor.execute("ROLLBACK")
                cursor.execute("PRAGMA query_only = OFF")


class Turns:
    """So many threads may compute at once; the others wait, and who waited longest goes on first. (Python's own semaphore takes
    who comes at the right moment, and on a busy morning some never would.) The urgent go before the rest, who have one turn
    in twenty while both wait: nobody waits for ever."""

    def __init__(self, at_once: int) -> None:
        self._lock, self._free, self._given = Lock(), at_once, 0
        self._urgent, self._rest = deque[Lock](), deque[Lock]()

    @property
    def waiting(self) -> int:
        """How many wait for theirs."""
        return len(self._urgent) + len(self._rest)

    def take(self, *, urgent: bool = True) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = Lock()
            called.acquire()
            (self._urgent if urgent else self._rest).append(called)
        called.acquire()

    def give(self) -> None:
        with self._lock:
            if self._urgent and self._rest:
                self._given += 1
                waiting = self._urgent if self._given % REST_HAS_ONE_OF else self._rest
            else:
                waiting = self._urgent or self._rest
            if waiting:
                waiting.popleft().release()
            else:
                self._free += 1


@contextmanager
def taking_turns(turns: Turns, *, urgent: bool = True) -> Iterator[None]:
    """Compute only while it is one's turn."""
    turns.take(urgent=urgent)
    token = _turns.set((turns, urgent))
    try:
        yield
    finally:
        _turns.reset(token)
        turns.give()


@contextmanager
def while_waiting() -> Iterator[None]:
    """Give the turn, if there is one, to somebody else while this thread waits for an answer from another machine."""
    mine = _turns.get()
    if mine is None:
        yield
        return
    turns, urgent = mine
    turns.give()
    try:
        yield
    finally:
        turns.take(urgent=urgent)
