"""Which enrolments say that something may have to be reported. Pure. Source: docs/rules.md B (facts 6)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from adsum.compliance.duty_life import Kind

ENROLLED, SUSPENDED, WITHDRAWN, COMPLETED = "enrolled", "suspended", "withdrawn", "completed"
_DAY = timedelta(days=1)
TAKES_OVER = timedelta(days=14)
"""How soon after the end of one course another one begins, when a student has only moved to it."""


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
    """Names the row and what became of it: its dates may be put right, and that it ended called a withdrawal, without a second
    duty."""


def find(
    rows: Sequence[Row], course_ends_on: date | None, *, course: int | None = None, since: date, today: date
) -> Iterator[Found]:
    """What the enrolments of one sponsored student say that happened since then to those on the course that the CAS names
    (None: on any). What is known to come counts from today."""
    for row in rows:
        found = _of(row, rows, course_ends_on, today) if course in {None, row.course} else None
        if found is not None and found.on >= since:
            yield found


def _of(row: Row, rows: Iterable[Row], course_ends_on: date | None, today: date) -> Found | None:
    cause = f"enrolment:{row.pk}:{WITHDRAWN if row.status == ENROLLED else row.status}"
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
    """Whether another row of the same course takes over, as with each new year, or says how it ended; or the student has only
    moved to another course, which opens a duty of its own."""
    ends_on = row.ends_on or date.max
    return any(_takes_over(other, row.course, ends_on) for other in rows if other.pk != row.pk and other.status != SUSPENDED)


def _takes_over(other: Row, course: int, ends_on: date) -> bool:
    later = other.ends_on is None or other.ends_on > ends_on
    if other.course != course:
        return later and other.status == ENROLLED and other.starts_on <= ends_on + TAKES_OVER
    return later or (other.status != ENROLLED and other.ends_on is not None and other.ends_on >= ends_on - _DAY)
