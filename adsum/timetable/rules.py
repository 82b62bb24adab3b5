"""The words of the timetable, and how one version of a class differs from the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What sort of class it is. Only policies decide what follows from it."""

    LECTURE = "lecture"
    SEMINAR = "seminar"
    TUTORIAL = "tutorial"
    LAB = "lab"
    WORKSHOP = "workshop"
    SUPERVISION = "supervision"
    EXAM = "exam"
    OTHER = "other"


class Delivery(StrEnum):
    """How the class is taught. A class that may be joined remotely counts as remote for sponsors (docs/rules.md B 12)."""

    IN_PERSON = "in_person"
    REMOTE = "remote"
    HYBRID_OPTIONAL = "hybrid_optional"


class ClassStatus(StrEnum):
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


class ImportState(StrEnum):
    """How far an import has come. A checked one waits for a person; only an applied one changed anything."""

    WAITING = "waiting"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    REFUSED = "refused"
    DISCARDED = "discarded"


class Change(StrEnum):
    """What an import would do to one thing."""

    NEW = "new"
    CHANGED = "changed"
    MOVED = "moved"
    CANCELLED = "cancelled"
    RESTORED = "restored"
    VANISHED = "vanished"
    ENDED = "ended"
    UNCHANGED = "unchanged"


class PollOutcome(StrEnum):
    """The result of one poll of a feed."""

    SAME = "same"
    APPLIED = "applied"
    WAITS = "waits"
    FAILED = "failed"


class Keys(NamedTuple):
    """Which rooms, staff and groups a class has: their ids, or the names of those that are not stored yet."""

    rooms: frozenset[object]
    staff: frozenset[object]
    groups: frozenset[object]


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What the timetable says of one class; what is compared, shown before → after, and kept as its history.

    Times are UTC. Rooms, staff and groups are names or codes a person can read, sorted; they are compared by their keys, for
    two may read alike.
    """

    title: str
    module: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    delivery: str
    mandatory: bool
    status: str
    rooms: tuple[str, ...] = field(compare=False)
    staff: tuple[str, ...] = field(compare=False)
    groups: tuple[str, ...] = field(compare=False)
    keys: Keys
    partner: str = ""
    """The code of the partner that teaches it; '' for the university itself."""


def change_between(before: ClassFacts | None, after: ClassFacts) -> Change:
    """The one word for the step from `before` to `after`: cancelled outranks moved (time or room), moved outranks changed."""
    if before is None:
        return Change.NEW
    if before == after:
        return Change.UNCHANGED
    if before.status != after.status:
        return Change.CANCELLED if after.status == ClassStatus.CANCELLED else Change.RESTORED
    if (before.starts_at, before.ends_at, before.keys.rooms) != (after.starts_at, after.ends_at, after.keys.rooms):
        return Change.MOVED
    return Change.CHANGED


IDS = {"rooms": "room_ids", "staff": "staff_ids", "groups": "group_ids"}
"""Where the history of a class keeps the ids of what it names. Staff are those in effect: who is named, or else the lecturers
of its groups."""


def kept(said: Mapping[str, Any], other: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    """What two lines of a class's history say of one thing, to be compared: rooms, staff and groups by their ids, for a name
    may change or be another's; by name where either line is older than that."""
    ids = IDS.get(name, name)
    return (said[ids], other[ids]) if ids in said and ids in other else (said[name], other[name])


def differs(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    """Whether one thing of a class is another after a change than it was before."""
    was, now = kept(before, after, name)
    return bool(was != now)


# What a person may say of a class

LONGEST_CLASS = timedelta(hours=24)
FARTHEST_BACK = timedelta(days=14)
FARTHEST_AHEAD = timedelta(days=550)


def times_refused(starts_at: datetime, ends_at: datetime, *, at: datetime) -> str | None:
    """Why a person may not give a class these times: `order`, `long`, `past` or `future`; None when they may.

    A class over midnight is one class; real time counts, so one on the night the clocks go back is an hour longer.
    """
    length = ends_at.astimezone(UTC) - starts_at.astimezone(UTC)
    if length <= timedelta(0):
        return "order"
    if length > LONGEST_CLASS:
        return "long"
    if starts_at < at - FARTHEST_BACK:
        return "past"
    return "future" if starts_at > at + FARTHEST_AHEAD else None


Days = tuple[date | None, date | None]
"""First and last day, both included; None: open."""


def loses_days(old: Days, new: Days, *, before: date) -> bool:
    """Whether a day ahead of `before` lies within the old days and not within the new ones."""
    first, last = old[0] or date.min, min(old[1] or date.max, before - timedelta(days=1))
    return first <= last and ((new[0] or date.min) > first or (new[1] or date.max) < last)


# Feeds

LONGEST_WAIT = timedelta(hours=6)
"""The most that failures make a feed wait for its next poll, unless its own interval is longer."""
SPREAD = 0.1
"""How far polls are moved apart by chance, so that all feeds of one server are not asked at the same moment."""


def next_poll(*, at: datetime, every: timedelta, failures: int, chance: float) -> datetime:
    """When a feed is asked again: after its interval, twice as long after each failure but the first, never longer than
    LONGEST_WAIT or its own interval. `chance` (0 to 1) moves it by up to SPREAD of the wait, never to sooner."""
    wait: timedelta = min(every * 2 ** min(max(failures - 1, 0), 20), max(every, LONGEST_WAIT))
    return at + wait * (1 + SPREAD * chance)


def is_stale(*, since: datetime, alarm: timedelta, at: datetime) -> bool:
    """Whether a feed has been without a success for too long; `since` is its last one, or when it began to be polled."""
    return at - since >= alarm


def is_harmless(counts: dict[str, int], *, known: int, percent: int) -> bool:
    """Whether a timetable may be applied automatically: at most `percent` per cent of the classes that were `known` and still
    to come are cancelled or vanish by it, and at most as many move. `counts`: how many classes change in each way."""
    gone = counts.get(Change.CANCELLED, 0) + counts.get(Change.VANISHED, 0)
    moved = counts.get(Change.MOVED, 0)
    return percent > 0 and max(gone, moved) * 100 <= percent * known
