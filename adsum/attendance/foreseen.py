"""What is foreseen of students in classes: written by absences, placements and swaps; read by registers and by closing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from adsum.accounts.models import Person
from adsum.attendance.ahead import Origin, Says
from adsum.attendance.ahead_tables import Foreseen
from adsum.attendance.known import foreseen_in, strongest
from adsum.attendance.marks import restore_marks, write_marks
from adsum.attendance.models import Mark, MarkChange, Register
from adsum.attendance.reports import outages_of
from adsum.attendance.rules import Reason, Source, Status, may_replace, why_not
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.timetable.models import ClassSession

__all__ = ["foresee", "foreseen_in"]


@transaction.atomic
def foresee(origin: Origin, ref: UUID, student: Person, wanted: Mapping[int, Says], *, act: Act) -> None:
    """From now on `ref` foresees exactly this of the student, by class id; what it foresaw before and no longer does is taken
    back. Marks follow where closing, or an absence, gave them, and where a person only noted that the student was not there
    (docs/adr/0039); a mark that says that they were there, and a mark that a person amended, stay. Does nothing the second
    time.
    """
    before = {one.session_id: one for one in Foreseen.objects.filter(ref=ref, student=student, origin=origin)}
    gone = [one.pk for session, one in before.items() if wanted.get(session) != one.says]
    new = {session: says for session, says in wanted.items() if session not in before or before[session].says != says}
    touched = {*new, *(session for session in before if session not in wanted)}
    if not touched:
        return
    registers = _held(touched, act.at)
    Foreseen.objects.filter(pk__in=gone).delete()
    Foreseen.objects.bulk_create(
        [
            Foreseen(student=student, session_id=session, says=says, origin=origin, ref=ref, made_at=act.at)
            for session, says in sorted(new.items())
        ]
    )
    audit_log.record(
        actor=act.by.actor,
        verb="foreseen.change",
        subject=f"person:{student.pk}",
        at=act.at,
        origin=origin,
        ref=str(ref),
        classes=len(new),
        taken_back=len(touched) - len(new),
    )
    _marks_follow(registers, student, act=act)


def _held(sessions: Collection[int], at: datetime) -> list[Register]:
    """The registers of those of these classes that have begun, locked until commit in the order in which closing locks them:
    closing either sees what is foreseen now, or has given marks that follow."""
    begun = ClassSession.objects.filter(pk__in=sessions, starts_at__lte=at).values_list("pk", flat=True)
    Register.objects.bulk_create([Register(session_id=pk) for pk in sorted(begun)], ignore_conflicts=True)
    held = Register.objects.filter(session__in=sessions).select_related("session__module")
    return list(held.select_for_update(of=("self",)).order_by("session"))


Step = tuple[Mark, MarkChange]


def _marks_follow(registers: Sequence[Register], student: Person, *, act: Act) -> None:
    """Give the student's marks in these registers what is foreseen now, each with its history (eight queries, and those that
    write)."""
    marks = Mark.objects.filter(session__in=[one.pk for one in registers], student=student)
    by_session = {mark.session_id: mark for mark in marks.select_for_update(of=("self",)).order_by("pk")}
    if not by_session:
        return
    foreseen = strongest(Foreseen.objects.filter(session__in=by_session, student=student))
    bases = _without_absence(student, by_session)
    outages = outages_of([one.session for one in registers if one.pk in by_session], act.at)
    given, back = [], []
    for register in registers:
        mark = by_session.get(register.pk)
        if mark is None or mark.status == Status.NOT_OBSERVED:
            continue
        base = bases.get(register.pk)
        one = foreseen.get((register.pk, student.pk))
        status = Says(one.says).at_close if one is not None else None
        if not _gives_way(mark, base) or mark.status == status:
            continue
        if status is not None:
            if why_not(status=Status(mark.status), source=None, to=status, by=Source.ABSENCE) is None:
                given.append(_turned(mark, status, Source.ABSENCE, act))
        elif one is not None:
            back.append(_turned(mark, Status.EXPECTED, Source.ABSENCE, act))
        elif mark.status in FORESEEN:
            back.append(_as_before(register, mark, base, outage=register.pk in outages, act=act))
    write_marks(*_both(given), actor=act.by.actor, verb="mark.absence", at=act.at)
    for step in back:
        restore_marks(*_both([step]), actor=act.by.actor, at=act.at)


FORESEEN = frozenset(says.at_close for says in Says if says.at_close)
"""The statuses that a mark has because something was foreseen."""


def _both(steps: Sequence[Step]) -> tuple[list[Mark], list[MarkChange]]:
    return [mark for mark, _ in steps], [change for _, change in steps]


def _without_absence(student: Person, sessions: Collection[int]) -> dict[int, MarkChange]:
    """By class, the student's last step that no absence made (one query)."""
    steps = MarkChange.objects.filter(session__in=sessions, student=student).exclude(source=Source.ABSENCE)
    return {step.session_id: step for step in steps.order_by("pk")}


def _gives_way(mark: Mark, base: MarkChange | None) -> bool:
    """Whether an absence may change this mark: one that a source of no higher rank made, or the first mark of a student whom
    a person only did not see. What a person amended stays."""
    if may_replace(current=Source(mark.source), new=Source.ABSENCE):
        return mark.status in ABSENCES
    first = base is not None and base.before in {"", Status.EXPECTED, Status.NOT_OBSERVED}
    return mark.status == Status.ABSENT and first


ABSENCES = FORESEEN | {Status.ABSENT}


def _as_before(register: Register, mark: Mark, base: MarkChange | None, *, outage: bool, act: Act) -> Step:
    """What this mark is without any absence: as a person or a file left it, or else as closing would give it."""
    if base is not None and base.source != Source.SYSTEM and base.after != Status.EXPECTED:
        return _turned(mark, Status(base.after), Source(base.source), act)
    if register.state == Register.State.OPEN:
        return _turned(mark, Status.EXPECTED, Source.ABSENCE, act)
    observed = register.state == Register.State.CLOSED and not outage
    return _turned(mark, Status.ABSENT if observed else Status.NOT_OBSERVED, Source.SYSTEM, act)


def _turned(mark: Mark, status: Status, source: Source, act: Act) -> Step:
    """The mark as it will be, and the step of its history; neither is saved yet."""
    step = MarkChange(
        session_id=mark.session_id,
        student_id=mark.student_id,
        before=mark.status,
        after=status,
        source=source,
        seen_at=mark.at,
        at=act.at,
        by=act.by,
        reason_code=Reason.ABSENCE_DECIDED,
    )
    mark.status, mark.source, mark.changed_at, mark.minutes_late, mark.left_at = status, source, act.at, 0, None
    return mark, step
