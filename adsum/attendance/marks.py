"""Every mark is written here, from any source, with its history, its event and everything else that follows from it.

Only scans are written elsewhere: `checkin.writer` writes hundreds of them in one statement, history and event included. That
statement ends by asking whether anything else may follow (`MAY_FOLLOW`); if so, the writer calls `follow_scans`.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta

from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.reported import note_corrections
from adsum.attendance.rules import Source, Status, why_not
from adsum.audit import services as audit_log
from adsum.core.university import civil_date

CONSEQUENCES: tuple[Callable[[Sequence[MarkChange]], object], ...] = (note_corrections,)
"""What follows from changes of marks besides their history and events, in the transaction of the change. Messages and the
live register read the history themselves."""


def follow(changes: Sequence[MarkChange]) -> None:
    """Do what follows from these saved steps."""
    for consequence in CONSEQUENCES:
        consequence(changes)


MAY_FOLLOW = "SELECT EXISTS (SELECT 1 FROM adsum_reportedperiod p WHERE p.withdrawn_at IS NULL AND p.ends_on >= %s)"
"""Whether anything may follow from scans of classes that begin on this day (`earliest_day`) or later. A cheap question that
now and then says yes when nothing follows."""


def earliest_day(seen_at: datetime) -> date:
    """The first civil day on which a class can have begun if its student was seen then: it may have begun the day before."""
    return civil_date(seen_at) - timedelta(days=1)


def follow_scans(marked: Collection[tuple[int, int]]) -> None:
    """Do what follows from scans that have just marked these (class, student), in the same transaction."""
    sessions, students = {session for session, _ in marked}, {student for _, student in marked}
    steps = MarkChange.objects.filter(session__in=sessions, student__in=students, source=Source.SCAN).order_by("pk")
    latest = {(step.session_id, step.student_id): step for step in steps}
    follow([step for pair, step in latest.items() if pair in marked])


def write_marks(marks: list[Mark], changes: list[MarkChange], *, actor: str, verb: str, at: datetime) -> None:
    """Write marks, their history and their events. Raises ValueError for a step that `rules.MOVES` does not know."""
    for step in changes:
        before, after, source = Status(step.before or Status.EXPECTED), Status(step.after), Source(step.source)
        if after != before and why_not(status=before, source=None, to=after, by=source):
            raise ValueError(f"{source} never makes {after} of {before}")
    _keep(marks, changes, actor=actor, verb=verb, at=at)


def restore_marks(marks: list[Mark], changes: list[MarkChange], *, actor: str, at: datetime) -> None:
    """The same for an undo, which may take back any step; a mark that did not exist before is deleted."""
    gone = [step.student_id for step in changes if step.after == Status.EXPECTED]
    if gone:
        Mark.objects.filter(session=changes[0].session_id, student__in=gone).delete()
    _keep([mark for mark in marks if mark.student_id not in set(gone)], changes, actor=actor, verb="mark.undo", at=at)


def _keep(marks: list[Mark], changes: list[MarkChange], *, actor: str, verb: str, at: datetime) -> None:
    Mark.objects.bulk_update(
        [mark for mark in marks if not mark._state.adding],
        ["status", "source", "at", "minutes_late", "left_at", "changed_at"],
        batch_size=500,
    )
    Mark.objects.bulk_create([mark for mark in marks if mark._state.adding], batch_size=1000)
    MarkChange.objects.bulk_create(changes, batch_size=1000)
    follow(changes)
    audit_log.record_all([entry_of(change, verb) for change in changes], actor=actor, at=at)


def entry_of(change: MarkChange, verb: str) -> audit_log.Entry:
    """The event of one step in a mark's history. It keeps a digest of the step, so that a change of only one of them shows."""
    by = {"by": f"person:{change.by_id}"} if change.by_id else {}
    told = {"student": change.student_id, "before": change.before, "after": change.after, "row": change.digest}
    return audit_log.Entry(verb, f"session:{change.session_id}", told | by)
