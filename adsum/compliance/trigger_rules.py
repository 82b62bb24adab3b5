"""Which enrolments say that something may have to be reported. Pure. Source: docs/rules.md B (facts 6)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from adsum.compliance.duty_life import Kind

ENROLLED, SUSPENDED, WITHDRAWN, COMPLETED = "enrolled", "suspended", "withdrawn", "completed"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One enrolment on one course, or a suspension from it, as the roster has it."""

    pk: int
    course: int
    status: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Found:
    """What may have to be reported, and from which day."""

    kind: Kind
    on: date
    cause: str
    """Names the row and what became of it: its dates may be put right without a second duty."""


def find(rows: Sequence[Row], course_ends_on: date | None, *, since: date, today: date) -> Iterator[Found]:
    """What the enrolments of one sponsored student say that happened since then. What is known to come counts from today."""
    for row in rows:
        found = _of(row, rows, course_ends_on, today)
        if found is not None and found.on >= since:
            yield found


def _of(row: Row, rows: Iterable[Row], course_ends_on: date | None, today: date) -> Found | None:
    cause = f"enrolment:{row.pk}:{row.status}"
    if row.status == SUSPENDED:
        return Found(Kind.SUSPENSION, row.starts_on, cause)
    if row.ends_on is None:
        return None
    early = course_ends_on is None or row.ends_on < course_ends_on
    if row.status == WITHDRAWN:
        return Found(Kind.WITHDRAWAL, row.ends_on, cause)
    if row.status == COMPLETED:
        return Found(Kind.EARLY_COMPLETION, row.ends_on, cause) if early and course_ends_on is not None else None
    ended = row.ends_on < today and early and not _goes_on(row, rows)
    return Found(Kind.WITHDRAWAL, row.ends_on, cause) if ended else None


def _goes_on(row: Row, rows: Iterable[Row]) -> bool:
    """Whether another row of the same course takes over, as with each new year, or says how it ended."""
    ends_on = row.ends_on or date.max
    return any(
        other.pk != row.pk
        and other.course == row.course
        and other.status != SUSPENDED
        and (other.ends_on is None or other.ends_on > ends_on or (other.status != ENROLLED and other.ends_on >= ends_on - _DAY))
        for other in rows
    )
