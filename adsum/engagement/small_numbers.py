"""Tables of sums from which no student can be picked out. Pure."""

from collections.abc import Mapping, Sequence

FEWEST = 5
"""A smaller number of students, other than none, is not shown."""
SMALLEST_GROUP = 10
"""Groups with fewer students than this are added up together."""


def hidden(numbers: Sequence[int]) -> list[int | None]:
    """The numbers of one column, small ones left out. One alone could be worked out from the total, so another goes with it."""
    shown = [number if number == 0 or number >= FEWEST else None for number in numbers]
    if shown.count(None) == 1:
        others = [n for n, number in enumerate(shown) if number]
        if others:
            shown[min(others, key=lambda n: numbers[n])] = None
    return shown


def gathered(groups: Mapping[tuple[str, str], list[int]], rest: tuple[str, str]) -> dict[tuple[str, str], list[int]]:
    """The rows of a table by group, those of small groups added up as `rest`. The first number of a row is how many students
    the group has."""
    large = {name: row for name, row in groups.items() if row[0] >= SMALLEST_GROUP}
    small = [row for name, row in groups.items() if name not in large]
    if small:
        large[rest] = [sum(column) for column in zip(*small, strict=True)]
    return large
