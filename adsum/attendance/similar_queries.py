"""Which queries probably share a cause. Pure, like the rules. Source: docs/rules.md A 6a."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple


class Asked(NamedTuple):
    """An open query, as far as it may share its cause with others: where, when and what was refused ('' for nothing)."""

    query: int
    session: int
    rooms: tuple[int, ...]
    refusal: str
    at: datetime


ALIKE_WITHIN = timedelta(hours=2)
"""How far apart two failures in one room may be and still have one cause."""
ALIKE_FROM = 3
"""How many make a group."""


def alike(asked: Iterable[Asked]) -> list[list[int]]:
    """Open queries that probably share a cause, the largest group first, each query in one group at most: the same refusal in
    one class, or in one room with no gap of more than two hours. Queries without a refusal are compared by class alone."""
    groups: list[list[Asked]] = []
    by_class = defaultdict[tuple[int, str], list[Asked]](list)
    by_room = defaultdict[tuple[int, str], list[Asked]](list)
    for one in sorted(asked, key=lambda one: (one.at, one.query)):
        by_class[one.session, one.refusal].append(one)
        for room in one.rooms if one.refusal else ():
            by_room[room, one.refusal].append(one)
    groups += by_class.values()
    for in_room in by_room.values():
        run = [in_room[0]]
        for one in in_room[1:]:
            if one.at - run[-1].at > ALIKE_WITHIN:
                groups.append(run)
                run = []
            run.append(one)
        groups.append(run)
    found: list[list[int]] = []
    taken = set[int]()
    for group in sorted(groups, key=lambda group: -len(group)):
        rest = [one.query for one in group if one.query not in taken]
        if len(rest) >= ALIKE_FROM:
            taken |= set(rest)
            found.append(rest)
    return found
