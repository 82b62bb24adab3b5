"""What `history` reads, written with the changes themselves: places as they become known, and the groups of classes by id."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from adsum.timetable.models import ClassSession, Place, PlaceChange

BATCH = 2000
BEFORE_HISTORY = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a place was what it was, when its history begins only with its first change."""


def keep_before(places: Iterable[Place]) -> None:
    """The first change of a place that has no history yet: what it was goes first (one query a batch, or none)."""
    pks = [place.pk for place in places]
    for start in range(0, len(pks), BATCH):
        without = Place.objects.filter(pk__in=pks[start : start + BATCH], changes=None)
        keep_places(without, at=BEFORE_HISTORY)


def keep_places(places: Iterable[Place], *, at: datetime) -> None:
    """Places as they are known from that instant on."""
    PlaceChange.objects.bulk_create(
        [
            PlaceChange(
                place=place,
                group_id=place.group_id,
                person_id=place.person_id,
                starts_on=place.starts_on,
                ends_on=place.ends_on,
                at=at,
            )
            for place in places
        ],
        batch_size=BATCH,
    )


def groups_of(pks: Sequence[int]) -> dict[int, list[int]]:
    """The groups of these classes by id, once they are linked: a name may change, what was known then may not (one query a
    batch, or none)."""
    groups = defaultdict[int, list[int]](list)
    for start in range(0, len(pks), BATCH):
        linked = ClassSession.groups.through.objects.filter(classsession__in=pks[start : start + BATCH])
        for session, group in linked.order_by("group").values_list("classsession", "group"):
            groups[session].append(group)
    return groups


def with_groups(facts: dict[str, Any] | None, groups: list[int]) -> dict[str, Any] | None:
    """What was said of a class, with its groups by id."""
    return None if facts is None else {**facts, "group_ids": groups}
