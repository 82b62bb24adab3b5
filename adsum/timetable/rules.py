"""The words of the timetable, and how one version of a class differs from the next."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What sort of class it is; decides nothing by itself, policies do."""

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


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What the timetable says of one class; what is compared, shown before → after, and kept as its history.

    Times are UTC. Rooms, staff and groups are names or codes a person can read, sorted.
    """

    title: str
    module: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    delivery: str
    mandatory: bool
    status: str
    rooms: tuple[str, ...]
    staff: tuple[str, ...]
    groups: tuple[str, ...]


def change_between(before: ClassFacts | None, after: ClassFacts) -> Change:
    """The one word for the step from `before` to `after`: cancelled outranks moved (time or room), moved outranks changed."""
    if before is None:
        return Change.NEW
    if before == after:
        return Change.UNCHANGED
    if before.status != after.status:
        return Change.CANCELLED if after.status == ClassStatus.CANCELLED else Change.RESTORED
    if (before.starts_at, before.ends_at, before.rooms) != (after.starts_at, after.ends_at, after.rooms):
        return Change.MOVED
    return Change.CHANGED
