"""A second person confirms changes that one person may not make alone; and a person takes back their last change."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.applications import answerable_for
from adsum.accounts.models import Person
from adsum.attendance import proposals
from adsum.attendance.closing import settle_undone
from adsum.attendance.marks import restore_marks
from adsum.attendance.models import Mark, MarkChange, Proposal, Register
from adsum.attendance.reports import last_act, newer_than
from adsum.attendance.rules import Kept, Needs, Reason, Source, Standing, Status, is_change, needs, why_kept
from adsum.attendance.services import Answer, Done, mark
from adsum.attendance.weighing import Act, Entry, Why, is_closed, refuse_cancelled, weigh
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession

# A second person confirms


@transaction.atomic
def confirm(proposal: Proposal, *, act: Act) -> Answer:
    """A colleague agrees: the marks change now, and their history names who wanted it. It needs the colleague's own proof.

    Raises AdsumError `same_person` for the person who proposed it, `changed` when one of the marks is no longer what it was
    then, `decided` when it is, and for the second person what `mark` raises: a person who may not amend may not confirm.
    """
    proposal = proposals.waiting(proposal)
    if proposal.by_id == act.by.pk:
        raise AdsumError("same_person", _("You asked for this change. A colleague has to confirm it."))
    if act.by.pk in answerable_for(proposal.by):
        raise AdsumError("same_person", _("An application that you answer for asked for this. A colleague has to confirm it."))
    rows = list(proposal.marks.select_related("student"))
    now = {mark.student_id: mark.changed_at for mark in Mark.objects.select_for_update().filter(session=proposal.session)}
    if any(now.get(row.student_id) != row.before_changed_at for row in rows):
        raise AdsumError("changed", _("Some of these marks have changed since. Decline it, and ask for it to be made anew."))
    answer = mark(
        proposal.session,
        [Entry(row.student, Status(proposal.status), proposal.seen_at, proposal.left_at) for row in rows],
        act=act,
        why=Why(Reason(proposal.reason_code), proposal.reason),
        wanted_by=proposal.by,
    )
    if isinstance(answer, Done):
        proposals.decide(proposal, Proposal.State.CONFIRMED, act=act)
    return answer


@transaction.atomic
def decline(proposal: Proposal, *, act: Act, answer: str = "") -> Proposal:
    """A colleague declines and says why, or the person who asked takes it back. Raises `decided`, or `needs_reason`."""
    proposal = proposals.waiting(proposal)
    if proposal.by_id == act.by.pk:
        return proposals.decide(proposal, Proposal.State.WITHDRAWN, act=act)
    if not answer.strip():
        raise AdsumError("needs_reason", _("Say in a few words why not: your colleague reads it."))
    return proposals.decide(proposal, Proposal.State.DECLINED, act=act, answer=answer.strip()[:500])


# Undo


UNDO_FRESH_FOR = timedelta(hours=1)
"""How long a person can undo their change as a slip: the undo is offered beside it, and needs no colleague."""
SETTLED = frozenset({Reason.QUERY_UPHELD, Reason.SCAN_ACCEPTED, Reason.OUTAGE, Reason.KIOSK, Reason.WITHDRAWN, Reason.UNDONE})
"""Reasons of changes that involve another person, or that already take something back: they cannot be undone."""

KEPT = {
    Kept.NOTHING: lambda: _("There is nothing of yours to undo in this register."),
    Kept.NEWER: lambda: _("One of these marks has changed again since, so yours stays. Change the marks by hand instead."),
    Kept.ANSWERED: lambda: _("This change answered somebody, or an outage, so it stays. Change the mark by hand instead."),
    Kept.CONFIRMED: lambda: _("A colleague confirmed this change, so it stays. Make a new change instead."),
    Kept.ALONE: lambda: _(
        "So many marks, or such old ones, are not one person’s to undo. Change them by hand: there a colleague can confirm it."
    ),
}


def undoable(session: ClassSession, by: Person, at: datetime) -> tuple[list[MarkChange], Kept | None]:
    """The person's last change by hand of this register, and why it cannot be undone; None when it can (three queries)."""
    act = last_act(session, by)
    confirmed = bool(act) and Proposal.objects.filter(session=session, by=by, decided_at=act[0].at, state="confirmed").exists()
    reasons = {change.reason_code for change in act}
    lacks = None
    if act and at >= act[0].at + UNDO_FRESH_FOR:
        lacks = needs(at=at, ends_at=session.ends_at, amend_hours=0, team=True, changing=len(act), reported=False)
    return act, why_kept(
        steps=len(act),
        undo_itself=Reason.UNDONE in reasons,
        newer=bool(act) and newer_than(session, act),
        confirmed=confirmed,
        answers=bool(reasons & SETTLED),
        alone=lacks is not None,
    )


@transaction.atomic
def undo(session: ClassSession, change: int, *, act: Act) -> int | Needs:
    """Take back the person's last change by hand of this register, named by the id of its last step. Status, source and time
    of every mark are what they were before, and the history says so. Returns how many marks there were; or `needs_proof`, and
    then nothing is taken back. While the change is a fresh slip, first marks that it made do not count towards the limit.

    Raises AdsumError with a code of `rules.Kept` when it cannot be undone, and `team` or `reported` like any change by hand.
    """
    refuse_cancelled(session)
    register = Register.objects.select_for_update().filter(session=session).first()
    current = {mark.student_id: mark for mark in Mark.objects.select_for_update().filter(session=session)}
    steps, kept = undoable(session, act.by, act.at)
    if kept is None and steps[-1].pk != change:
        kept = Kept.NOTHING
    if kept is not None:
        raise AdsumError(kept, KEPT[kept]())
    fresh, closed = act.at < steps[0].at + UNDO_FRESH_FOR, is_closed(register)
    changing = sum(is_change(step.before if fresh else step.after, closed=closed) for step in steps)
    students = [step.student_id for step in steps]
    missing = weigh(session, students, changing, act=act, standing=Standing.OWN_SLIP)
    if missing is not None:
        return missing
    take_back(session, steps, current, by=act.by, at=act.at)
    swaps = MarkChange.objects.filter(student__in=students, by=act.by, at=steps[0].at, after=Status.SWAPPED)
    for step in swaps.exclude(session=session).select_related("session"):  # the student's own class is not swapped any more
        swapped = Mark.objects.select_for_update().filter(session=step.session, student=step.student_id).first()
        if swapped is not None and not newer_than(step.session, [step]):
            take_back(step.session, [step], {step.student_id: swapped}, by=act.by, at=act.at)
    return len(steps)


def take_back(
    session: ClassSession,
    act: Sequence[MarkChange],
    current: Mapping[int, Mark],
    *,
    by: Person,
    at: datetime,
    reason: Reason = Reason.UNDONE,
) -> None:
    """Return these marks to what they were before these steps, which are their latest; `current` are the marks, locked until
    commit. The caller decides whether this is allowed."""
    before = _before(session, act)
    marks: list[Mark] = []
    changes: list[MarkChange] = []
    for step in act:
        mark, was = current[step.student_id], before.get(step.student_id)
        gone = was is None or was.after == Status.EXPECTED
        status, source = (Status.EXPECTED, Source.STAFF) if was is None or gone else (Status(was.after), Source(was.source))
        seen, late = (mark.at, 0) if was is None or gone else (was.seen_at or was.at, was.minutes_late)
        changes.append(
            MarkChange(
                session=session,
                student_id=step.student_id,
                before=mark.status,
                after=status,
                minutes_late=late,
                source=source,
                seen_at=seen,
                at=at,
                by=by,
                reason_code=reason,
            )
        )
        mark.status, mark.source, mark.at, mark.minutes_late, mark.changed_at = status, source, seen, late, at
        mark.left_at = changes[-1].left_at = None if was is None or gone else was.left_at
        marks.append(mark)
    restore_marks(marks, changes, actor=by.actor, at=at)
    if any(mark.status == Status.NOT_OBSERVED for mark in marks):
        closed = Register.objects.filter(session=session, state=Register.State.CLOSED)
        if closed.update(state=Register.State.NOT_OBSERVED):
            audit_log.record(actor=by.actor, verb="register.incomplete", subject=f"session:{session.pk}", at=at)
    settle_undone(session, act, actor=by.actor, at=at)


def _before(session: ClassSession, act: Sequence[MarkChange]) -> dict[int, MarkChange]:
    """The step before each of these, by student (one query)."""
    steps = MarkChange.objects.filter(session=session, student__in=[one.student_id for one in act], pk__lt=act[0].pk)
    return {step.student_id: step for step in steps.order_by("pk")}
