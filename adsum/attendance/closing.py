"""What happens to a register when its class is over: everyone expected gets a mark, or the register asks to be completed. If
the class is moved afterwards, its register opens again."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.known import KnownBefore, known_before
from adsum.attendance.marks import restore_marks, write_marks
from adsum.attendance.models import Mark, MarkChange, Outage, Register
from adsum.attendance.reports import outages_of
from adsum.attendance.rules import Explanation, Reason, Source, Status
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_ids, held_by
from adsum.timetable.rules import ClassStatus

CLOSE = "system:close"


def close_registers(sessions: Collection[ClassSession], *, at: datetime) -> list[Register]:
    """Give everyone expected in these classes a mark, and close their registers, all in one transaction; those closed.

    Registers that are already closed, and those of cancelled classes, are left alone; a restored class closes like any other.
    If no student was looked for by name, students without a mark become *not observed*, and the class does not count for them
    (docs/rules.md A 5). The same holds for a class that an outage touched. A scan in the same moment stands: closing is then
    done once more and takes the scan into account.
    """
    try:
        with transaction.atomic():
            return _close(sessions, at)
    except IntegrityError:
        with transaction.atomic():
            return _close(sessions, at)


def _close(sessions: Collection[ClassSession], at: datetime) -> list[Register]:
    by_pk = {session.pk: session for session in sessions}
    Register.objects.bulk_create([Register(session=session) for session in sessions], ignore_conflicts=True)
    due = Register.objects.filter(session__in=by_pk, state=Register.State.OPEN).exclude(session__status=ClassStatus.CANCELLED)
    registers = list(due.select_for_update(of=("self",)).order_by("session"))
    found = Mark.objects.filter(session__in=[register.session_id for register in registers])
    marked = defaultdict[int, set[int]](set)
    for session, student in found.values_list("session_id", "student_id"):
        marked[session].add(student)
    # Read after the marks: a mark that arrives in between makes its class observed; closing then fails and is done again.
    observed = set(found.observations().values_list("session_id", flat=True))
    outages = outages_of([by_pk[register.session_id] for register in registers], at)
    closing = [by_pk[register.session_id] for register in registers]
    expected, known = expected_ids([one.pk for one in closing]), known_before(closing)
    marks: list[Mark] = []
    changes: list[MarkChange] = []
    for register in registers:
        taught = by_pk[register.session_id]
        outage = outages.get(taught.pk)
        unmarked = expected[taught.pk] - marked[taught.pk]
        missing = _given(known, taught, unmarked, observed=taught.pk in observed and outage is None, at=at)
        marks += missing
        changes += [_born(mark, outage) for mark in missing]
        settled = taught.pk in observed or ((marked[taught.pk] or expected[taught.pk]) and not missing)
        register.state = Register.State.CLOSED if settled else Register.State.NOT_OBSERVED
        register.closed_at = at
        if outage is not None and register.state == Register.State.NOT_OBSERVED:
            because_of(outage, register)
    write_marks(marks, changes, actor=CLOSE, verb="mark.close", at=at)
    Register.objects.bulk_update(registers, ["state", "closed_at", *EXPLAINED], batch_size=500)
    events = [
        audit_log.Entry("register.close", f"session:{register.session_id}", {"state": register.state}) for register in registers
    ]
    audit_log.record_all(events, actor=CLOSE, at=at)
    return registers


EXPLAINED = ("explained", "explained_note", "explained_by", "explained_at")


def because_of(outage: Outage | None, register: Register) -> None:
    """A register that an outage kept empty does not ask to be completed; any other empty register does. Does not save."""
    register.explained, register.explained_note = (Explanation.OUTAGE, outage.reason) if outage else ("", "")
    register.explained_by, register.explained_at = (outage.declared_by, outage.declared_at) if outage else (None, None)


def _given(known: KnownBefore, session: ClassSession, students: Collection[int], *, observed: bool, at: datetime) -> list[Mark]:
    """The marks that closing gives these students. In a class that was not observed, everyone is not observed."""
    marks = []
    for pk in sorted(students):
        status = known.at_close(session.pk, pk)
        if status is not None:
            marks.append(_mark(session, pk, status if observed else Status.NOT_OBSERVED, at))
    return marks


def _mark(session: ClassSession, student: int, status: Status, at: datetime) -> Mark:
    return Mark(
        session_id=session.pk, student_id=student, status=status, source=Source.SYSTEM, at=session.ends_at, changed_at=at
    )


def _born(mark: Mark, outage: Outage | None) -> MarkChange:
    return MarkChange(
        session_id=mark.session_id,
        student_id=mark.student_id,
        after=mark.status,
        source=mark.source,
        seen_at=mark.at,
        at=mark.changed_at,
        reason_code=Reason.OUTAGE if outage else "",
        reason=outage.reason if outage else "",
    )


@transaction.atomic
def reopen_registers(sessions: Collection[int], *, actor: str, at: datetime) -> list[Register]:
    """Open again the closed registers of classes that have been moved and so are not over at `at`. The marks that closing gave
    are taken back, and the history says so. A register in which a student was looked for stays closed, because the class did
    take place. Returns the registers opened now (three queries, and a few for each)."""
    to_come = Register.objects.filter(session__in=sessions, session__ends_at__gt=at, headcount=None)
    closed = to_come.exclude(state=Register.State.OPEN).exclude(session__status=ClassStatus.CANCELLED)
    unseen = closed.exclude(Exists(Mark.objects.observations().filter(session=OuterRef("session"))))
    found = list(unseen.select_for_update(of=("self",)).order_by("session"))
    for register in found:
        because_of(None, register)
        given = Mark.objects.select_for_update().filter(session=register.session_id, source=Source.SYSTEM).order_by("pk")
        _taken_back(list(given), actor=actor, at=at)
        register.state, register.closed_at = Register.State.OPEN, None
        register.save()
        audit_log.record(actor=actor, verb="register.reopen", subject=f"session:{register.session_id}", at=at)
    return found


@transaction.atomic
def settle_undone(session: ClassSession, steps: Collection[MarkChange], *, actor: str, at: datetime) -> None:
    """After an undo of these steps in a closed register, do what closing would have done with the marks that are left. A
    student whose mark is gone now gets the mark that closing would have given. If no student is looked for any more, absences
    that closing gave become not observed, and the register asks to be completed (eight queries at most, and those that write).
    """
    register = Register.objects.select_for_update().filter(session=session).exclude(state=Register.State.OPEN).first()
    if register is None or register.closed_at is None:
        return
    marks = Mark.objects.filter(session=session)
    before = {step.student_id for step in steps if step.at < register.closed_at}
    bare = sorted(before & expected_ids([session.pk])[session.pk] - set(marks.values_list("student_id", flat=True)))
    unseen = register.state == Register.State.CLOSED and not marks.observations().exists()
    absences = (
        list(marks.filter(source=Source.SYSTEM, status=Status.ABSENT).order_by("pk").select_for_update()) if unseen else []
    )
    if not bare and not absences:
        return
    outage = outages_of([session], at).get(session.pk)
    if unseen:
        register.state = Register.State.NOT_OBSERVED
        if outage is not None:
            because_of(outage, register)
        register.save()
        audit_log.record(actor=actor, verb="register.incomplete", subject=f"session:{session.pk}", at=at)
    observed = register.state == Register.State.CLOSED and outage is None
    given = _given(known_before([session]), session, bare, observed=observed, at=at)
    changes = [_born(mark, outage) for mark in given]
    for mark in absences:
        mark.status, mark.changed_at = Status.NOT_OBSERVED, at
        changes.append(_born(mark, None))
        changes[-1].before = Status.ABSENT
    write_marks([*given, *absences], changes, actor=CLOSE, verb="mark.close", at=at)


Given = set[tuple[int, int]]
"""(class, student) of marks that closing gave."""
MANY = 500


def given_to(students: Collection[int]) -> Given:
    """The marks that closing gave these students for classes in which they are expected. Take them before the students' places
    or enrolments change, and look at them again after it (two queries for every 500 students)."""
    return _still_expected(
        {
            pair
            for some in _parts(sorted(students))
            for pair in Mark.objects.filter(source=Source.SYSTEM, student__in=some).values_list("session_id", "student_id")
        }
    )


def _still_expected(given: Given) -> Given:
    students = _parts(sorted({student for _, student in given}))
    found: Given = set()
    for some in map(set, students):
        sessions = sorted({session for session, student in given if student in some})
        for part in _parts(sessions):
            found |= held_by(some, part)
    return found & given


def _parts(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), MANY):
        yield keys[start : start + MANY]


@transaction.atomic
def take_back_unexpected(before: Given, *, actor: str, at: datetime) -> int:
    """Take back marks that closing gave for days now outside a student's places and enrolments; the history says so. Returns
    how many. Marks by a person or a scan stay. A student who was not expected when the register closed does not become absent
    afterwards (docs/rules.md A 8)."""
    by_session = defaultdict[int, set[int]](set)
    for session, student in before - _still_expected(before):
        by_session[session].add(student)
    for session, students in sorted(by_session.items()):
        marks = Mark.objects.select_for_update().filter(session=session, student__in=students, source=Source.SYSTEM)
        _taken_back(list(marks.order_by("pk")), actor=actor, at=at)
    return sum(map(len, by_session.values()))


def _taken_back(given: list[Mark], *, actor: str, at: datetime) -> None:
    """Remove these marks of one class, which closing gave, and note it in the history."""
    changes = [
        MarkChange(
            session_id=mark.session_id,
            student_id=mark.student_id,
            before=mark.status,
            after=Status.EXPECTED,
            source=Source.SYSTEM,
            seen_at=mark.at,
            at=at,
        )
        for mark in given
    ]
    restore_marks(given, changes, actor=actor, at=at)


@transaction.atomic
def explain_register(session: ClassSession, why: Explanation, *, note: str = "", by: Person, at: datetime) -> Register:
    """Say why a class has no register, so that staff are not asked to complete it any more. The class still does not count for
    any student, and marks can still be made. A later explanation replaces the one before.

    Raises AdsumError `observed` when something was captured, `no_words` when another reason comes without words.
    """
    register = Register.objects.select_for_update().filter(session=session).first()
    if register is None or register.state != Register.State.NOT_OBSERVED:
        raise AdsumError("observed", _("This register has marks, or is still open. There is nothing to explain."))
    if why == Explanation.OTHER and not note.strip():
        raise AdsumError("no_words", _("Say in a few words what the reason is."))
    register.explained, register.explained_note = why, note.strip()[:500]
    register.explained_by, register.explained_at = by, at
    register.save(update_fields=EXPLAINED)
    audit_log.record(actor=by.actor, verb="register.explain", subject=f"session:{session.pk}", at=at, why=why)
    return register
