"""Reads across marks: what a register shows, what changed, how a student is doing."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from adsum.attendance.models import Mark, MarkChange


class Seen(NamedTuple):
    """A student's mark as a register shows it. `id` is that of the change that made it (0: read as it stands)."""

    id: int
    session: int
    student: int
    student_ref: UUID
    status: str
    at: datetime
    minutes_late: int


_FIELDS = ("session_id", "student_id", "student__ref", "status", "at", "minutes_late")


def marks_of(session: int) -> list[Seen]:
    """Every mark of a class as it stands (one query)."""
    return [Seen(0, *row) for row in Mark.objects.filter(session=session).values_list(*_FIELDS)]


def changes_since(sessions: Collection[int], change: int) -> list[Seen]:
    """The marks of these classes changed after that change, as they stand now, in order (at most two queries)."""
    changes = dict[tuple[int, int], int]()
    for pk, session, student in (
        MarkChange.objects.filter(session__in=sessions, id__gt=change)
        .order_by("id")
        .values_list("id", "session_id", "student_id")
    ):
        changes[session, student] = pk
    if not changes:
        return []
    touched = Mark.objects.filter(
        Q(session__in={session for session, _ in changes}), student__in={student for _, student in changes}
    )
    seen = [Seen(changes[row[0], row[1]], *row) for row in touched.values_list(*_FIELDS) if (row[0], row[1]) in changes]
    return sorted(seen)


def newest_change() -> int:
    """The id of the latest change of any mark; 0 before the first."""
    return MarkChange.objects.order_by("-id").values_list("id", flat=True).first() or 0
