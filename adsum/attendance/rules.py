"""What a mark may be, which source wins, when a scan is present, late or neither, and how attendance is counted.

Sources: docs/rules.md A (recording 1–7, counting 8 and 9, precedence).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum


class Status(StrEnum):
    """A student's mark in one class: exactly one at a time (docs/rules.md A 4)."""

    EXPECTED = "expected"
    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent_unauthorised"
    AUTHORISED = "absent_authorised"
    PENDING = "absent_pending"
    LEFT_EARLY = "left_early"
    OTHER_GROUP = "attended_other_group"
    REMOTE = "attended_remote"
    NOT_OBSERVED = "not_captured"
    CANCELLED = "cancelled"
    NOT_EXPECTED = "not_expected"


ATTENDED = frozenset({Status.PRESENT, Status.LATE, Status.LEFT_EARLY, Status.OTHER_GROUP, Status.REMOTE})
"""The student took part."""

MARKABLE = (Status.PRESENT, Status.LATE, Status.ABSENT, Status.AUTHORISED, Status.LEFT_EARLY, Status.REMOTE)
"""What staff may choose by hand, in the order pages offer it."""


class Source(StrEnum):
    """Who made a mark. A mark is the same whoever made it; the source decides what may replace it."""

    SCAN = "scan"
    STAFF = "staff"
    ABSENCE = "absence"
    IMPORT = "import"
    SYSTEM = "system"


class Precedence(IntEnum):
    """A person's amendment > approved absence > scan > import > system at close (docs/rules.md A, precedence)."""

    SYSTEM = 0
    IMPORT = 1
    SCAN = 2
    ABSENCE = 3
    STAFF = 4


def may_replace(*, current: Source, new: Source) -> bool:
    """Whether a mark made by `current` gives way to `new`: an equal or higher source wins."""
    return Precedence[new.name] >= Precedence[current.name]


class Reason(StrEnum):
    """Why a person changed a mark. Every amendment carries one."""

    SEEN_IN_CLASS = "seen_in_class"
    NO_PHONE = "no_phone"
    SCAN_TROUBLE = "scan_trouble"
    NOT_IN_CLASS = "not_in_class"
    LEFT_EARLY = "left_early"
    WRONG_STUDENT = "wrong_student"
    ABSENCE_AGREED = "absence_agreed"
    OTHER_GROUP_AGREED = "other_group_agreed"
    QUERY_UPHELD = "query_upheld"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Windows:
    """When check-in is open, in minutes from the start of the class (docs/rules.md A 1: −10 / +15 / +30)."""

    opens_before: int = 10
    present_until: int = 15
    late_until: int = 30


class Moment(StrEnum):
    """Where an instant falls in a class's windows."""

    TOO_EARLY = "too_early"
    PRESENT = "present"
    LATE = "late"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class OpenFor:
    """The same windows as instants in UTC. Starts are included, ends are not: 10:15:00 sharp is late."""

    opens_at: datetime
    present_until: datetime
    late_until: datetime

    @classmethod
    def of(cls, windows: Windows, *, starts_at: datetime, ends_at: datetime) -> "OpenFor":
        """Instants of `windows` for a class; check-in never outlasts the class itself. Minutes are real ones, also on the
        night the clocks change: arithmetic is done in UTC."""
        starts_at, ends_at = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
        return cls(
            opens_at=starts_at - timedelta(minutes=windows.opens_before),
            present_until=min(starts_at + timedelta(minutes=windows.present_until), ends_at),
            late_until=min(starts_at + timedelta(minutes=windows.late_until), ends_at),
        )

    def moment(self, at: datetime) -> Moment:
        if at < self.opens_at:
            return Moment.TOO_EARLY
        if at < self.present_until:
            return Moment.PRESENT
        return Moment.LATE if at < self.late_until else Moment.CLOSED


def minutes_late(*, starts_at: datetime, at: datetime) -> int:
    """Whole minutes between the start of the class and `at`; never negative."""
    return max(0, int((at.astimezone(UTC) - starts_at.astimezone(UTC)).total_seconds() // 60))


@dataclass(frozen=True, slots=True)
class Tally:
    """How much a student attended: shown as "18 of 21", never as a percentage alone."""

    attended: float
    counted: int

    @property
    def percent(self) -> float | None:
        """None while nothing counts yet."""
        return round(100 * self.attended / self.counted, 1) if self.counted else None


COUNTED = frozenset(
    {Status.PRESENT, Status.LATE, Status.LEFT_EARLY, Status.OTHER_GROUP, Status.REMOTE, Status.ABSENT, Status.PENDING}
)
"""The denominator (docs/rules.md A 8). Cancelled, not expected, not observed and authorised absence never count."""


def tally(marks: Iterable[tuple[Status, bool]], *, late_weight: float = 1.0) -> Tally:
    """Count (status, mandatory) pairs by sessions (docs/rules.md A 8). Optional classes never count.

    The numerator is present, attended another group, left early and remote, plus late at `late_weight`.
    """
    attended, counted = 0.0, 0
    for status, mandatory in marks:
        if not mandatory or status not in COUNTED:
            continue
        counted += 1
        if status == Status.LATE:
            attended += late_weight
        elif status in ATTENDED:
            attended += 1
    return Tally(attended=attended, counted=counted)
