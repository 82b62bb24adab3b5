"""The log of calls: each has a line in the log of the server, with its application; and each application a count of them."""

import threading
from collections import Counter
from datetime import UTC, datetime

import structlog
from django.db import connection

from adsum.accounts.applications import Call, count_calls
from adsum.api.callers import Caller

log = structlog.get_logger("adsum.api")
EVERY = 1.0
"""Seconds for which calls are gathered before they are counted in the database: a write for each would take longer than the
call itself."""


class Counts:
    """Calls that are not in the database yet. `gathers`: they are written a moment later, by a thread; otherwise at once."""

    def __init__(self) -> None:
        self.gathers = False
        self._lock = threading.Lock()
        self._calls: Counter[Call] = Counter()
        self._used: dict[int, datetime] = {}
        self._timer: threading.Timer | None = None

    def add(self, call: Call, token: int, at: datetime) -> None:
        with self._lock:
            self._calls[call] += 1
            self._used[token] = at.replace(second=0, microsecond=0)
            if self.gathers and self._timer is None:
                self._timer = threading.Timer(EVERY, self._later)
                self._timer.daemon = True
                self._timer.start()
        if not self.gathers:
            self.flush()

    def flush(self) -> None:
        """Count what was gathered; where that fails, it is kept for the next time."""
        with self._lock:
            calls, self._calls = self._calls, Counter()
            used, self._used = self._used, {}
            self._timer = None
        if not calls:
            return
        try:
            count_calls(calls, used)
        except Exception:
            with self._lock:
                self._calls.update(calls)
                self._used = used | self._used
            raise

    def close(self) -> None:
        """Count what was gathered, and gather no more: the process ends."""
        self.gathers = False
        self._later()

    def forget(self) -> None:
        """Forget what was gathered: between tests."""
        with self._lock:
            self._calls.clear()
            self._used.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _later(self) -> None:
        try:
            self.flush()
        except Exception:
            log.exception("api_calls_not_counted")
        finally:
            connection.close()


counts = Counts()


def note(caller: Caller, operation: str, method: str, status: int, at: datetime) -> None:
    """Log a call that is answered, and count it."""
    log.info("api_call", application=str(caller.application.ref), operation=operation, method=method, status=status)
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    counts.add(Call(caller.application.pk, minute, operation, status), caller.token, at)
