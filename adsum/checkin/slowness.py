"""When is signing in slow? Pure: what one process saw of the last minutes, and what to think of it (docs/check-in.md).

Slowness is never a student's fault, so a ticket of that time lives as in an outage. Three things tell of it, each seen of many,
so that one who takes their time, or ten who mean to, change nothing for the others.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import median
from threading import Lock


class Sign(StrEnum):
    """What is slow."""

    QUEUE = "queue"
    """The wait in our own queue."""
    PROVIDER = "provider"
    """The university's sign-in, when we ask it something; one that does not answer counts as the longest wait."""
    WAY = "way"
    """The whole way, from a scan to the sign-in that finished it."""


LIMITS = {Sign.QUEUE: 5.0, Sign.PROVIDER: 5.0, Sign.WAY: 150.0}
"""Seconds: half of those seen must have taken longer."""
FEWEST = {Sign.QUEUE: 10, Sign.PROVIDER: 10, Sign.WAY: 25}
"""How many must have been seen. Of the whole way: as many different people, since people can make their own way longer."""
WINDOW = 120.0
"""Seconds that count."""
MOST_KEPT = 500
CALM = timedelta(minutes=5)
"""A spell is over when nobody saw slowness for so long."""
BEFORE = timedelta(minutes=10)
"""Scans so long before a spell was noticed belong to it: they are the ones that waited. No ticket lives longer otherwise."""


@dataclass(frozen=True, slots=True)
class Slow:
    """That it is slow now: what, and the seconds that half of them exceeded."""

    sign: Sign
    seconds: float


def judged(sign: Sign, seconds: Sequence[float]) -> Slow | None:
    """What so many waits say; None while all is well."""
    if len(seconds) < FEWEST[sign]:
        return None
    middle = median(seconds)
    return Slow(sign, middle) if middle > LIMITS[sign] else None


class Seen:
    """The waits that one process saw lately. Threads and the event loop note them; each person counts once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waits: dict[Sign, dict[Hashable, tuple[float, float]]] = {sign: {} for sign in Sign}

    def saw(self, sign: Sign, seconds: float, *, now: float, whose: Hashable = None) -> None:
        """Note a wait that ended at `now` (any clock that only runs forwards)."""
        with self._lock:
            waits = self._waits[sign]
            key = whose if whose is not None else object()
            waits.pop(key, None)  # the latest is the last
            waits[key] = (now, seconds)
            while len(waits) > MOST_KEPT:
                del waits[next(iter(waits))]

    def slow(self, now: float) -> Slow | None:
        """What is slow now, if anything."""
        return next((slow for sign in Sign if (slow := judged(sign, self.waits(sign, since=now - WINDOW)))), None)

    def waits(self, sign: Sign, *, since: float = 0.0) -> list[float]:
        """The seconds that were noted after `since`."""
        with self._lock:
            return [took for at, took in self._waits[sign].values() if at > since]

    def forget(self) -> None:
        with self._lock:
            for waits in self._waits.values():
                waits.clear()


sign_ins = Seen()
"""What this process saw."""
