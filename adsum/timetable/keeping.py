"""What `history` reads, written with the changes themselves: places as they become known, and what belongs to classes by id."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adsum.timetable.models import ClassSession, Place, PlaceChange
from adsum.timetable.reports import staff_ids_of
from adsum.timetable.rules import IDS

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


def ids_of(pks: Sequence[int]) -> dict[int, dict[str, list[int]]]:
    """What belongs to these classes by id, once it is linked: a name may change, what was meant by it then may not. The staff
    are those in effect, through groups too (four queries a batch, or none)."""
    found: dict[int, dict[str, list[int]]] = {pk: {name: [] for name in IDS.values()} for pk in pks}
    for start in range(0, len(pks), BATCH):
        batch = pks[start : start + BATCH]
        rooms = ClassSession.rooms.through.objects.filter(classsession__in=batch).order_by("room")
        for session, room in rooms.values_list("classsession", "room"):
            found[session]["room_ids"].append(room)
        groups = ClassSession.groups.through.objects.filter(classsession__in=batch).order_by("group")
        for session, group in groups.values_list("classsession", "group"):
            found[session]["group_ids"].append(group)
        for session, staff in staff_ids_of(batch).items():
            found[session]["staff_ids"] = sorted(staff)
    return found


def with_ids(facts: dict[str, Any] | None, ids: Mapping[str, list[int]]) -> dict[str, Any] | None:
    """What was known about a class, with the ids of the things it names."""
    return None if facts is None else {**facts, **ids}
