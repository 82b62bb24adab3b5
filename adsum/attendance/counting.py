"""How attendance is counted: which marks count, and what they are worth. Pure, and easy to read for anyone who asks why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from adsum.attendance.rules import ATTENDED, Status, Windows

COUNTED = frozenset(
    {Status.PRESENT, Status.LATE, Status.LEFT_EARLY, Status.OTHER_GROUP, Status.REMOTE, Status.ABSENT, Status.PENDING}
)
"""What always counts (docs/rules.md A 8). Cancelled, not expected and not observed never do; authorised absence as the
policy says."""


class Authorised(StrEnum):
    """How an authorised absence counts: universities differ, so the policy says."""

    EXCLUDE = "exclude"
    AS_PRESENT = "as_present"
    AS_ABSENT = "as_absent"


class Weighting(StrEnum):
    """What a sum adds up: classes, each the same, or their scheduled minutes (docs/rules.md A 9)."""

    SESSIONS = "sessions"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class Counting:
    """How a policy counts."""

    authorised: Authorised = Authorised.EXCLUDE
    late_percent: int = 100
    """What a late mark is worth, in hundredths of attending in time."""
    remote_counts: bool = True
    """Whether attending remotely counts as attending; it is in the sum either way."""
    weighting: Weighting = Weighting.SESSIONS
    min_events: int = 4
    """With fewer classes in the sum, no rule about a percentage applies (docs/rules.md A 10)."""

    def counts(self, status: Status) -> bool:
        """Whether a mark is in the sum at all."""
        return status in COUNTED or (status == Status.AUTHORISED and self.authorised != Authorised.EXCLUDE)

    def share(self, status: Status) -> float:
        """How much of a class that counts was attended, from 0 to 1."""
        if status == Status.LATE:
            return self.late_percent / 100
        if status == Status.REMOTE:
            return float(self.remote_counts)
        if status == Status.AUTHORISED:
            return float(self.authorised == Authorised.AS_PRESENT)
        return float(status in ATTENDED)


@dataclass(frozen=True, slots=True)
class Tally:
    """How much a student attended: shown as "18 of 21", never as a percentage alone, and with what was added up."""

    attended: float
    counted: float
    weighting: Weighting = Weighting.SESSIONS
    classes: int = 0
    """How many classes are in the sum, however it is weighted."""
    min_events: int = 0

    @property
    def percent(self) -> float | None:
        """None while nothing counts yet."""
        return round(100 * self.attended / self.counted, 1) if self.counted else None

    @property
    def enough(self) -> bool:
        """Whether there are enough classes for a rule about the percentage."""
        return self.classes >= max(1, self.min_events)


class Counted(NamedTuple):
    """One class of one student, as it enters a sum; or `times` classes that are alike. `minutes` are the scheduled ones."""

    status: Status
    mandatory: bool = True
    minutes: int = 60
    counting: Counting = Counting()
    times: int = 1


def tally(marks: Iterable[Counted]) -> Tally:
    """Add up, each class as its own policy counts (docs/rules.md A 8). Optional classes never count.

    Minutes and classes cannot be mixed: the sum is in minutes only if every class in it is weighted by minutes.
    """
    inside = [one for one in marks if one.mandatory and one.counting.counts(one.status)]
    by_minutes = bool(inside) and all(one.counting.weighting == Weighting.MINUTES for one in inside)
    weighed = [(one.times * (one.minutes if by_minutes else 1), one.counting.share(one.status)) for one in inside]
    return Tally(
        attended=sum(weight * share for weight, share in weighed),
        counted=sum(weight for weight, _ in weighed),
        weighting=Weighting.MINUTES if by_minutes else Weighting.SESSIONS,
        classes=sum(one.times for one in inside),
        min_events=max((one.counting.min_events for one in inside), default=0),
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What one version of a policy says of a class. Without any policy, these defaults (docs/rules.md A 1, 6, 8, 9)."""

    windows: Windows = field(default_factory=Windows)
    pace: str = "standard"
    """How often the code changes when check-in opens; the name of one of `checkin.rules.PACES`."""
    amend_hours: int = 7 * 24
    """How long after the end of a class its lecturers may change marks; the attendance team may later."""
    query_hours: int = 7 * 24
    """How long after the end of a class its students may query their mark."""
    counting: Counting = field(default_factory=Counting)

    def wrong(self) -> str | None:
        """The name of the value that is not allowed; None when all of them are."""
        windows, counting = self.windows, self.counting
        possible = {
            "opens_before": 0 <= windows.opens_before <= 120,
            "present_until": 0 < windows.present_until <= 480,
            "late_until": windows.present_until <= windows.late_until <= 480,
            "amend_hours": 0 <= self.amend_hours <= 366 * 24,
            "query_hours": 0 <= self.query_hours <= 366 * 24,
            "late_percent": 0 <= counting.late_percent <= 100,
            "min_events": 1 <= counting.min_events <= 100,
        }
        return next((name for name, fine in possible.items() if not fine), None)


class Scoped(Protocol):
    """A version of a policy, as far as it decides which classes it is for."""

    @property
    def department_id(self) -> int | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def inherits(self) -> bool: ...


V = TypeVar("V", bound=Scoped)


def in_force(
    versions: Iterable[V], *, parents: Mapping[int, int | None], department: int | None, kind: str, on: date
) -> V | None:
    """The version that applies to a class: of its kind and department, on its own date. None: there is no policy for it.

    The nearest department wins (a department's policy is also for those below it), then the university; within the same
    department the policy for this kind wins over the one for every kind. Within one scope the latest version that has begun
    counts; where that version says that the wider policy applies again, this scope is passed over.
    """
    chain: list[int | None] = []
    while department is not None and department not in chain:
        chain.append(department)
        department = parents.get(department)
    chain.append(None)
    latest: dict[tuple[int, bool], V] = {}
    for version in versions:
        if version.valid_from > on or version.kind not in {"", kind} or version.department_id not in chain:
            continue
        scope = chain.index(version.department_id), not version.kind
        if scope not in latest or latest[scope].valid_from < version.valid_from:
            latest[scope] = version
    return next((latest[scope] for scope in sorted(latest) if not latest[scope].inherits), None)
