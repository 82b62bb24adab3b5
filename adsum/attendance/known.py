"""What is known of students before classes, as registers, check-in and closing read it: foreseen statuses and standing
adjustments."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from adsum.attendance.ahead import NO_ALLOWANCE, Allowance, Says, Word, allowance
from adsum.attendance.ahead_tables import Adjustment, Foreseen
from adsum.attendance.rules import Status
from adsum.timetable.models import ClassSession


def strongest(found: Iterable[Foreseen]) -> dict[tuple[int, int], Foreseen]:
    """By (class, student), which of these applies."""
    by_priority = sorted(found, key=lambda one: (Says(one.says).priority, one.pk))
    return {(one.session_id, one.student_id): one for one in by_priority}


def foreseen_in(sessions: Collection[int]) -> dict[tuple[int, int], Foreseen]:
    """By (class, student), what is foreseen in these classes: of several, what applies (one query)."""
    return strongest(Foreseen.objects.filter(session__in=sessions))


def in_force(students: Collection[int], on: date) -> dict[int, tuple[Adjustment, ...]]:
    """By student, their adjustments on that day; students without any are left out (one query)."""
    found = defaultdict[int, list[Adjustment]](list)
    for one in Adjustment.objects.on(on).filter(student__in=students).order_by("starts_on", "pk"):
        found[one.student_id].append(one)
    return {student: tuple(some) for student, some in found.items()}


def allowances(sessions: Iterable[ClassSession], student: int | None = None) -> dict[int, dict[int, Allowance]]:
    """By class and student, what their adjustments (or this student's) come to in that class. Adjustments are few, so those of
    every student are read, whether expected there or not (one query; none without classes)."""
    found = list(sessions)
    by_class: dict[int, dict[int, Allowance]] = {session.pk: {} for session in found}
    if not found:
        return by_class
    days = [session.starts_on for session in found]
    lasting = Adjustment.objects.exclude(ends_on__lt=min(days)).filter(starts_on__lte=max(days)).order_by("starts_on", "pk")
    by_student = defaultdict[int, list[Adjustment]](list)
    for one in lasting if student is None else lasting.filter(student=student):
        by_student[one.student_id].append(one)
    for session in found:
        for pk, some in by_student.items():
            if held := [one for one in some if one.holds_on(session.starts_on)]:
                by_class[session.pk][pk] = allowance(held, session.kind)
    return by_class


class KnownBefore(NamedTuple):
    """What is known of the students of some classes."""

    foreseen: dict[tuple[int, int], Foreseen]
    adjusted: dict[int, dict[int, Allowance]]

    def allowance(self, session: int, student: int) -> Allowance:
        return self.adjusted[session].get(student, NO_ALLOWANCE)

    def at_close(self, session: int, student: int) -> Status | None:
        """What a student without a mark becomes when the register closes: absent only if nothing else is known. None: no mark,
        for they are not expected after all."""
        if self.allowance(session, student).exempt:
            return None
        one = self.foreseen.get((session, student))
        return Says(one.says).at_close if one is not None else Status.ABSENT

    def word(self, session: int, student: int) -> Word | None:
        """What teachers are told of it before there is a mark; None where nothing is foreseen."""
        if self.allowance(session, student).exempt:
            return Word.NOT_EXPECTED
        one = self.foreseen.get((session, student))
        return Says(one.says).word if one is not None else None


def known_before(sessions: Collection[ClassSession]) -> KnownBefore:
    """For these classes (two queries)."""
    return KnownBefore(foreseen_in([session.pk for session in sessions]), allowances(sessions))


def known_of(student: int, sessions: Collection[ClassSession]) -> KnownBefore:
    """The same, of one student (two queries)."""
    own = Foreseen.objects.filter(student=student, session__in=[session.pk for session in sessions])
    return KnownBefore(strongest(own), allowances(sessions, student))
