"""Changes by hand that one person alone cannot make, taking back one's last change, and periods reported outside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.closing import settle_undone
from adsum.attendance.marks import restore_marks
from adsum.attendance.models import Mark, MarkChange, Proposal, ProposedMark, Register
from adsum.attendance.reports import last_act, newer_than
from adsum.attendance.rules import Kept, Needs, Reason, Source, Status, needs, why_kept
from adsum.attendance.services import (
    Entry,
    how_many_change,
    is_so,
    mark_students,
    refusal,
    refuse_ahead,
    refuse_cancelled,
    refuse_own_record,
    rest_of,
    what_it_needs,
)
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession

# A second person confirms


@transaction.atomic
def propose(
    session: ClassSession,
    students: Collection[Person],
    status: Status,
    *,
    by: Person,
    at: datetime,
    reason_code: Reason,
    reason: str = "",
    seen_at: datetime | None = None,
    left_at: datetime | None = None,
) -> Proposal:
    """Ask a colleague to confirm a change that `mark_students` refused as `second_person`. Nothing changes until then.

    Raises what `mark_students` raises, except that, and `nobody` when every mark is so already.
    """
    refuse_cancelled(session)
    refuse_ahead(session, status, at)
    refuse_own_record(students, by)
    register = Register.objects.get_or_create(session=session)[0]
    current = {mark.student_id: mark for mark in Mark.objects.filter(session=session, student__in=students)}
    wanted = [one for one in students if not is_so(current.get(one.pk), Entry(one, status, seen_at, left_at))]
    if not wanted:
        raise AdsumError("nobody", _("These students have that mark already."))
    changing = how_many_change(register, [Entry(one, status, seen_at, left_at) for one in wanted], current)
    missing = what_it_needs(session, wanted, changing, by=by, at=at)
    if missing in {Needs.TEAM, Needs.REPORTED}:
        raise refusal(missing)
    proposal = Proposal.objects.create(
        session=session, status=status, seen_at=seen_at, left_at=left_at, reason_code=reason_code, reason=reason, by=by, at=at
    )
    ProposedMark.objects.bulk_create(
        [
            ProposedMark(
                proposal=proposal,
                student=one,
                before=current[one.pk].status if one.pk in current else "",
                before_changed_at=current[one.pk].changed_at if one.pk in current else None,
            )
            for one in wanted
        ]
    )
    audit_log.record(
        actor=by.actor,
        verb="amendment.propose",
        subject=f"session:{session.pk}",
        at=at,
        proposal=str(proposal.ref),
        after=status,
        students=[one.pk for one in wanted],
    )
    return proposal


@transaction.atomic
def propose_rest_absent(session: ClassSession, *, by: Person, at: datetime) -> Proposal:
    """The same for what `mark_rest_absent` refused as `second_person`."""
    marks = {mark.student_id: mark for mark in Mark.objects.filter(session=session)}
    rest = rest_of(session, marks, by=by)
    return propose(session, rest, Status.ABSENT, by=by, at=at, reason_code=Reason.NOT_IN_CLASS)


def _waiting(proposal: Proposal) -> Proposal:
    proposal = Proposal.objects.select_for_update(of=("self",)).select_related("session__module", "by").get(pk=proposal.pk)
    if proposal.state != Proposal.State.WAITING:
        raise AdsumError("decided", _("This has been decided already. Reload the page to see how."))
    return proposal


def _decide(proposal: Proposal, state: Proposal.State, *, by: Person, at: datetime, answer: str = "") -> Proposal:
    proposal.state, proposal.decided_by, proposal.decided_at, proposal.answer = state, by, at, answer
    proposal.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    audit_log.record(
        actor=by.actor, verb=f"amendment.{state}", subject=f"session:{proposal.session_id}", at=at, proposal=str(proposal.ref)
    )
    return proposal


@transaction.atomic
def confirm(proposal: Proposal, *, by: Person, at: datetime) -> list[Mark]:
    """A colleague agrees: the marks change now, and their history names who wanted it.

    Raises AdsumError `same_person` for whoever proposed it, `changed` when one of the marks is no longer what it was then,
    `decided` when it is, and for the second person what `mark_students` raises for the first: who may not amend may not
    confirm.
    """
    proposal = _waiting(proposal)
    session = proposal.session
    if proposal.by_id == by.pk:
        raise AdsumError("same_person", _("You asked for this change. A colleague has to confirm it."))
    rows = list(proposal.marks.select_related("student"))
    students = [row.student for row in rows]
    refuse_own_record(students, by)
    missing = what_it_needs(session, students, len(students), by=by, at=at)
    if missing in {Needs.TEAM, Needs.REPORTED}:
        raise refusal(missing)
    now = {mark.student_id: mark.changed_at for mark in Mark.objects.select_for_update().filter(session=session)}
    if any(now.get(row.student_id) != row.before_changed_at for row in rows):
        raise AdsumError("changed", _("Some of these marks have changed since. Decline it, and ask for it to be made anew."))
    marks = mark_students(
        session,
        students,
        Status(proposal.status),
        by=proposal.by,
        at=at,
        reason_code=Reason(proposal.reason_code),
        reason=proposal.reason,
        seen_at=proposal.seen_at,
        left_at=proposal.left_at,
        confirmed_by=by,
    )
    _decide(proposal, Proposal.State.CONFIRMED, by=by, at=at)
    return marks


@transaction.atomic
def decline(proposal: Proposal, *, by: Person, at: datetime, answer: str = "") -> Proposal:
    """A colleague does not agree and says why, or whoever asked takes it back. Raises `decided`, or `needs_reason`."""
    proposal = _waiting(proposal)
    if proposal.by_id == by.pk:
        return _decide(proposal, Proposal.State.WITHDRAWN, by=by, at=at)
    if not answer.strip():
        raise AdsumError("needs_reason", _("Say in a few words why not: your colleague reads it."))
    return _decide(proposal, Proposal.State.DECLINED, by=by, at=at, answer=answer.strip()[:500])


# Undo


UNDO_FRESH_FOR = timedelta(hours=1)
"""How long a change is one's own slip: its undo is offered beside it, and needs no colleague."""
SETTLED = frozenset({Reason.QUERY_UPHELD, Reason.SCAN_ACCEPTED, Reason.OUTAGE, Reason.KIOSK, Reason.WITHDRAWN, Reason.UNDONE})
"""Reasons of changes that are somebody else's too, or already take something back: undo leaves them."""

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


def unmade_by_undo(act: Sequence[MarkChange], at: datetime) -> int:
    """How many marks that are there would be another one: while the change is fresh, those it found there itself."""
    fresh = bool(act) and at < act[0].at + UNDO_FRESH_FOR
    return sum(step.before not in {"", Status.EXPECTED, Status.NOT_OBSERVED} for step in act) if fresh else len(act)


@transaction.atomic
def undo(session: ClassSession, change: int, *, by: Person, at: datetime) -> int:
    """Take back the person's last change by hand of this register, named by the id of its last step: status, source and
    time of every mark are what they were before, and the history says so. How many marks that were.

    Raises AdsumError with a code of `rules.Kept` when it cannot be undone, and `team` or `reported` like any change by hand.
    """
    refuse_cancelled(session)
    Register.objects.select_for_update().filter(session=session).first()
    current = {mark.student_id: mark for mark in Mark.objects.select_for_update().filter(session=session)}
    act, kept = undoable(session, by, at)
    if kept is None and act[-1].pk != change:
        kept = Kept.NOTHING
    if kept is not None:
        raise AdsumError(kept, KEPT[kept]())
    students = [step.student_id for step in act]
    missing = what_it_needs(session, [Person(pk=pk) for pk in students], len(act), by=by, at=at)
    if missing in {Needs.TEAM, Needs.REPORTED}:
        raise refusal(missing)
    take_back(session, act, current, by=by, at=at)
    swaps = MarkChange.objects.filter(student__in=students, by=by, at=act[0].at, after=Status.SWAPPED).exclude(session=session)
    for step in swaps.select_related("session"):  # the classes that a visit stood in for: it is none any more
        mark = Mark.objects.select_for_update().filter(session=step.session, student=step.student_id).first()
        if mark is not None and not newer_than(step.session, [step]):
            take_back(step.session, [step], {step.student_id: mark}, by=by, at=at)
    return len(act)


def take_back(
    session: ClassSession,
    act: Sequence[MarkChange],
    current: Mapping[int, Mark],
    *,
    by: Person,
    at: datetime,
    reason: Reason = Reason.UNDONE,
) -> None:
    """Make these marks what they were before these steps, which are the last of theirs; `current` are the marks, held until
    commit. Whether it may be done is the caller's to say."""
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


# Reported outside
