"""When check-in of a class is open for one student: the windows of the class, and what an adjustment adds to them."""

from collections.abc import Collection
from datetime import datetime

from adsum.attendance.known import allowances
from adsum.attendance.rules import OpenFor
from adsum.checkin.models import Opening
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import held_by


def extra_minutes_in(sessions: Collection[ClassSession]) -> dict[int, dict[int, int]]:
    """By class and student, how many minutes longer those of its students have who have any (two queries; one where there are
    none)."""
    found = {
        pk: {student: one.extra_minutes for student, one in by_student.items() if one.extra_minutes}
        for pk, by_student in allowances(sessions).items()
    }
    students = {student for extra in found.values() for student in extra}
    expected = held_by(students, [pk for pk, extra in found.items() if extra]) if students else set()
    return {pk: {one: more for one, more in extra.items() if (pk, one) in expected} for pk, extra in found.items()}


def window_of(opening: Opening) -> OpenFor:
    """When check-in of this class is open, as it was opened."""
    return OpenFor(opening.opens_at, opening.present_until, opening.late_until)


def own_window(opening: Opening, student: int) -> OpenFor:
    """The same for this student (one query). The opening comes with its class."""
    session = opening.session
    extra = allowances([session], student)[session.pk]
    return window_of(opening).longer(extra[student].extra_minutes if student in extra else 0, ends_at=session.ends_at)


def shown_until(opening: Opening) -> datetime:
    """Until when its code is shown: as long as one of its students may scan it (two queries at most)."""
    extra = extra_minutes_in([opening.session])[opening.session_id]
    return window_of(opening).longer(max(extra.values(), default=0), ends_at=opening.session.ends_at).late_until
