"""How passwords are hashed: one at a time in each process, by a thread of low priority, with room for a few that wait. A hash
is slow on purpose; people who guess passwords must not slow down everybody else (docs/adr/0032)."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import ParamSpec, TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils.translation import gettext as _

from adsum.core.errors import AdsumError

P = ParamSpec("P")
R = TypeVar("R")

PLACES = 32
"""Tries that may wait in one process; a few seconds' worth."""
PLACES_OF_ONE = 24
"""How many of these may come from one address, so that one campus does not use up all of them."""
GIVES_WAY = 10
"""The niceness (low priority) of the thread that hashes."""


class Busy(AdsumError):
    """Too many tries wait already, so this one was not checked."""

    def __init__(self) -> None:
        super().__init__(
            "busy",
            _("Many passwords are being checked at the moment, so yours was not looked at. Wait a moment, then try again."),
        )


def _give_way() -> None:
    with suppress(OSError):  # where a thread has no niceness of its own, hashing runs at normal priority
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(GIVES_WAY, os.getpriority(os.PRIO_PROCESS, thread)))


class _Pool:
    """The one thread that hashes, made when first needed, because each forked worker needs its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[int, ThreadPoolExecutor] | None = None
        self._waiting: Counter[str] = Counter()

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function in that thread, and wait for it."""
        with self._lock:
            if self._made is None or self._made[0] != os.getpid():
                self._made = (os.getpid(), ThreadPoolExecutor(1, "passwords", initializer=_give_way))
            executor = self._made[1]
        return executor.submit(function, *args, **kwargs).result()

    @contextmanager
    def place(self, whose: str) -> Iterator[None]:
        """Room for one try from this address. Raises Busy."""
        with self._lock:
            if self._waiting.total() >= PLACES or self._waiting[whose] >= PLACES_OF_ONE:
                raise Busy
            self._waiting[whose] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[whose] -= 1
                if not self._waiting[whose]:
                    del self._waiting[whose]


pool = _Pool()


class Hasher(Argon2PasswordHasher):
    """Argon2id at Django's cost, in one lane instead of eight, so that one hash takes one core."""

    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return pool.run(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        return pool.run(super().verify, password, encoded)
