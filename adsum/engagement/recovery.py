"""The recovery promise: which classes close a reminder, worked out anew whenever the record or the timetable changes. Pure.

Only classes after the reminder count. It closes as soon as, of the latest `of` that count, at least `attend` were attended.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recovery:
    """What closes a reminder: attending `attend` of `of` classes in a row."""

    attend: int = 3
    of: int = 4

    def is_met(self, since: Sequence[bool]) -> bool:
        """Whether the classes since the reminder that count, the earliest first (True: attended), close it."""
        return sum(since[-self.of :]) >= self.attend

    def was_met(self, since: Sequence[bool]) -> bool:
        """Whether it was met after any of these classes."""
        came = 0
        for n, attended in enumerate(since):
            came += attended - (n >= self.of and since[n - self.of])
            if came >= self.attend:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Promise:
    """Attending any `attend` of `classes` closes the reminder."""

    attend: int
    classes: tuple[int, ...]
    """Which ones, by id, the soonest first."""


def promise(test: Recovery, since: Sequence[bool], coming: Sequence[int]) -> Promise | None:
    """What a student can still do: `since` is what became of the classes since the reminder that count, `coming` are those
    ahead. None: too few are left, so a person decides. The run that has begun is finished where it still can be; otherwise the
    shortest one that can."""
    under_way = max(1, test.of - len(since))
    for ahead in (under_way, *range(1, test.of + 1)):
        behind = since[-(test.of - ahead) :] if ahead < test.of else ()
        wanted = max(1, test.attend - sum(behind))
        if wanted <= ahead <= len(coming):
            return Promise(wanted, tuple(coming[:ahead]))
    return None
