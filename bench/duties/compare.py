"""What had to open beside what did."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.duties.oracle import Due
from bench.duties.truths import Truth


class Wrong(NamedTuple):
    """A duty on another day is both: the right one is missed, and this one is invented."""

    missed: list[Due]
    invented: list[Due]


def compare(right: Sequence[Due], opened: Sequence[Due]) -> Wrong:
    """Each by student, kind, and the days on which it was triggered, opened and is due."""
    return Wrong(sorted(set(right) - set(opened)), sorted(set(opened) - set(right)))


def said(wrong: Wrong, truths: Sequence[Truth]) -> Iterator[str]:
    """A line for each difference."""
    for what, rows in (("missed", wrong.missed), ("invented", wrong.invented)):
        for one in rows:
            truth = truths[one.student]
            yield (
                f"{what}: {one.kind} of student {one.student} ({truth.kind}, {truth.taught.code}), "
                f"trigger {one.trigger}, opened {one.opened}, due {one.due}"
            )
