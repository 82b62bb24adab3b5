"""What is known of students before classes, as registers and closing heed it: foreseen statuses and standing adjustments."""

from collections.abc import Collection
from typing import NamedTuple

from adsum.attendance.adjustments import allowances
from adsum.attendance.ahead import NO_ALLOWANCE, Allowance, Says, Word
from adsum.attendance.ahead_tables import Foreseen
from adsum.attendance.foreseen import foreseen_in
from adsum.attendance.rules import Status
from adsum.timetable.models import ClassSession


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
