"""Which sums may be published, so that nobody can be picked out, nor worked out from the others. Pure.

Every number that is shown, and every number that follows from what is shown, is of ten students or more: those who had a
reminder and those who had none alike. A part of a column that is left out could be worked out from its total, so what is left
out together is never fewer than ten either.
"""

from collections.abc import Iterable
from typing import NamedTuple

LEAST = 10
REST = ""
"""The name of the row that has all groups too small for one of their own."""


class Row(NamedTuple):
    """One group: how many students it has, and how many of them had a reminder. None: not shown."""

    group: str
    students: int
    reminded: int | None

    @property
    def share(self) -> float | None:
        return 100 * self.reminded / self.students if self.reminded is not None else None


class Published(NamedTuple):
    """One characteristic: its rows, and the row of all students. No rows: there are too few students to say anything."""

    rows: tuple[Row, ...]
    total: Row | None


def publish(groups: Iterable[tuple[str, int, int]]) -> Published:
    """What may be shown of these groups: each with its students, and how many of them had a reminder."""
    kept = _gathered(sorted(groups, key=lambda one: (-one[1], one[0])))
    students, reminded = sum(one[1] for one in kept), sum(one[2] for one in kept)
    if students < LEAST:
        return Published((), None)
    if not _may_be_said(students, reminded):
        return Published(tuple(Row(name, n, None) for name, n, _some in kept), Row(REST, students, None))
    left_out = [one for one in kept if not _may_be_said(one[1], one[2])]
    shown = sorted((one for one in kept if one not in left_out), key=lambda one: (one[2], one[1], one[0]))
    while left_out and not _may_be_said(sum(one[1] for one in left_out), sum(one[2] for one in left_out)):
        left_out.append(shown.pop(0))
    rows = tuple(Row(name, n, None if (name, n, some) in left_out else some) for name, n, some in kept)
    return Published(rows, Row(REST, students, reminded))


def _may_be_said(students: int, reminded: int) -> bool:
    return reminded >= LEAST and students - reminded >= LEAST


def _gathered(groups: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Groups of fewer than ten students as one row; with the next larger one while that has fewer than ten, too."""
    large = [one for one in groups if one[1] >= LEAST]
    small = [one for one in groups if one[1] < LEAST]
    if not sum(one[1] for one in small):
        return large
    while large and sum(one[1] for one in small) < LEAST:
        small.append(large.pop())
    return [*large, (REST, sum(one[1] for one in small), sum(one[2] for one in small))]
