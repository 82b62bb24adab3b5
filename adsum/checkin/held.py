"""What a person decides about scans that wait for one; and the queries that are about the same scan."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance import queries
from adsum.attendance.amendments import propose
from adsum.attendance.guest_attendance import let_in
from adsum.attendance.models import Mark, Proposal, Query, Register
from adsum.attendance.rules import Reason, Status
from adsum.attendance.services import Entry, how_many_change, mark_students, refusal, what_it_needs
from adsum.audit import services as audit_log
from adsum.checkin.models import HeldDecision, Scan
from adsum.checkin.reports import held_scans, is_in, waiting_scans
from adsum.checkin.rules import HELD, Refusal
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_ids


def _status(scan: Scan) -> Status:
    """What an accepted scan is: by its own time, or that of another group's student."""
    if scan.refusal == Refusal.NOT_EXPECTED and scan.student_id not in expected_ids([scan.session_id])[scan.session_id]:
        return Status.OTHER_GROUP
    return Status.LATE if scan.first_seen_at >= scan.opening.present_until else Status.PRESENT


@transaction.atomic
def decide_held(scan: Scan, *, accept: bool, by: Person, at: datetime, swap: bool = True) -> ClassSession | None:
    """Accept or decline a held scan, once. Accepted, it becomes a mark as of the time of the scan, and upholds the student's
    open query that such a scan is the evidence of. With `swap` another group's student swaps a class of their own for it
    (`visits.let_in`): that class, or None.

    Raises AdsumError `not_held` for any other scan, `decided` when a colleague was faster or the student is in already, and
    what `mark_students` raises.
    """
    if scan.refusal not in HELD:
        raise AdsumError("not_held", _("This scan is not waiting for a decision."))
    if accept and is_in(scan):
        raise AdsumError("decided", _("This student is in already. Nothing is left to decide."))
    _decide(scan, accept=accept, by=by, at=at)
    if not accept:
        return None
    query, status, swapped = _query_of(scan), _status(scan), None
    why: dict[str, Any] = {
        "by": by,
        "at": at,
        "seen_at": scan.first_seen_at,
        "query": query,
        "reason_code": Reason.QUERY_UPHELD if query else Reason.SCAN_ACCEPTED,
    }
    if status == Status.OTHER_GROUP:
        swapped = let_in(scan.session, scan.student, swap=swap, **why)
    else:
        mark_students(scan.session, [scan.student], status, **why)
    if query is not None:
        queries.settle(query, Query.State.UPHELD, by=by, at=at, answer=_("Your scan was accepted."))
    return swapped


def _decide(scan: Scan, *, accept: bool, by: Person, at: datetime) -> None:
    _decision, created = HeldDecision.objects.get_or_create(scan=scan, defaults={"accepted": accept, "by": by, "at": at})
    if not created:
        raise AdsumError("decided", _("A colleague has already decided this one. Reload the page to see how."))
    audit_log.record(
        actor=by.actor,
        verb="held.accept" if accept else "held.decline",
        subject=f"session:{scan.session_id}",
        at=at,
        scan=str(scan.ref),
        student=scan.student_id,
    )


def _query_of(scan: Scan) -> Query | None:
    """The student's open query that a held scan of theirs in this class is the evidence of, this one or another; held until
    commit."""
    asked = Query.objects.filter(session=scan.session_id, student=scan.student_id, state=Query.State.OPEN)
    query = asked.select_for_update().first()
    if query is None:
        return None
    scans = Scan.objects.filter(session=scan.session_id, student=scan.student_id, refusal__in=HELD)
    return query if query.evidence.get("scan") in {str(ref) for ref in scans.values_list("ref", flat=True)} else None


def first_waiting(session: ClassSession, *, by: Person) -> list[Scan]:
    """The first scan of each student that waits in a class, but for one's own, which is left to a colleague (one query)."""
    first: dict[int, Scan] = {}
    for scan in held_scans(session).select_related("opening", "session__module"):
        if scan.student_id != by.pk:
            first.setdefault(scan.student_id, scan)
    return list(first.values())


def changed_by(scans: Collection[Scan]) -> int:
    """How many marks would be another one if these scans of one class, each a student's own, were accepted (three queries)."""
    if not scans:
        return 0
    session = next(iter(scans)).session
    register = Register.objects.filter(session=session).first() or Register(session=session)
    marks = Mark.objects.filter(session=session, student__in=[scan.student_id for scan in scans])
    wanted = [Entry(scan.student, Status.PRESENT, scan.first_seen_at) for scan in scans]
    return how_many_change(register, wanted, {mark.student_id: mark for mark in marks})


@transaction.atomic
def accept_all_held(session: ClassSession, *, by: Person, at: datetime, swap: bool = True) -> int:
    """Accept every scan of a class that waits for a decision, of each student the first; how many there were.

    They are one change: raises AdsumError `team`, `reported` or `second_person` for what `rules.needs` says is missing, and
    then nothing is accepted.
    """
    waiting = first_waiting(session, by=by)
    missing = what_it_needs(session, [scan.student for scan in waiting], changed_by(waiting), by=by, at=at)
    if missing is not None and waiting:
        raise refusal(missing)
    for scan in waiting:
        decide_held(scan, accept=True, by=by, at=at, swap=swap)
    return len(waiting)


@transaction.atomic
def propose_held(scan: Scan, *, by: Person, at: datetime) -> Proposal:
    """Ask a colleague to confirm what accepting this scan alone was refused as `second_person`; it waits until then. Raises
    AdsumError `proposed` when a colleague has been asked already."""
    waiting = Proposal.objects.filter(session=scan.session_id, state=Proposal.State.WAITING, marks__student=scan.student_id)
    if waiting.exists():
        raise AdsumError("proposed", _("A colleague has been asked to confirm this already."))
    return propose(
        scan.session, [scan.student], _status(scan), by=by, at=at, reason_code=Reason.SCAN_ACCEPTED, seen_at=scan.first_seen_at
    )


# Answering a query decides what still waits of the same student in the same class


@transaction.atomic
def answer_query(query: Query, *, by: Person, at: datetime, reason: str, status: Status | None = None) -> Query:
    """The same as `queries.answer_query`, and what waits of the student's scans in that class is decided with it."""
    answered = queries.answer_query(query, by=by, at=at, reason=reason, status=status)
    _decline_rest([answered], by=by, at=at)
    return answered


@transaction.atomic
def uphold_together(asked: Collection[Query], status: Status, *, by: Person, at: datetime, reason: str) -> list[Query]:
    """The same for `queries.uphold_together`."""
    upheld = queries.uphold_together(asked, status, by=by, at=at, reason=reason)
    _decline_rest(upheld, by=by, at=at)
    return upheld


def _decline_rest(answered: Iterable[Query], *, by: Person, at: datetime) -> None:
    """Whoever is in by the answer waits no longer; of the others, somebody has decided now that they are not."""
    pairs = {(query.session_id, query.student_id) for query in answered}
    for scan in waiting_scans({session for session, _student in pairs}).order_by("id"):
        if (scan.session_id, scan.student_id) in pairs:
            _decide(scan, accept=False, by=by, at=at)
