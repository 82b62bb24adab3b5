"""How often one account or one browser may send requests. Never by address: a campus shares a few of them.

The limits are per process and in memory. They keep a script from making others wait; they do not stop guessing (typed tries
are counted in the database).
"""

from collections.abc import Hashable


class Limit:
    """A leaky bucket for each key: `at_once` requests fit in, `a_minute` leak out. Times in milliseconds.

    Keeps one number for each of at least the `most` latest keys. Older keys are forgotten and start again.
    """

    def __init__(self, *, a_minute: int, at_once: int, most: int = 20_000) -> None:
        self._each = 60_000 // a_minute
        self._full = self._each * at_once
        self._most = most
        self._young: dict[Hashable, int] = {}
        self._old: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def wait(self, key: Hashable, now_ms: int) -> int:
        """Count one request and return 0; or, when the bucket is full, the seconds until the next one is let in."""
        empty_at = max(self._young.get(key) or self._old.get(key, 0), now_ms) + self._each
        if empty_at - now_ms > self._full:
            return -((now_ms + self._full - empty_at) // 1000)
        self._young[key] = empty_at
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        return 0
