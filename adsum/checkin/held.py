"""Decisions about held scans, which wait for a person; and about queries on the same scan."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance import queries
from adsum.attendance.guest_attendance import LetIn, let_in
from adsum.attendance.models import Mark, Proposal, Query, Register
from adsum.attendance.rules import Needs, Reason, Status
from adsum.attendance.services import Done, Proposed, mark
from adsum.attendance.weighing import Act, Entry, Why, how_many_change, is_closed, weigh
from adsum.audit import services as audit_log
from adsum.checkin.models import HeldDecision, Scan
from adsum.checkin.own_windows import own_window
from adsum.checkin.reports import held_scans, is_in, waiting_scans
from adsum.checkin.rules import HELD, Refusal
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_ids


def _status(scan: Scan) -> Status:
    """The status of an accepted scan: by the time of the scan, or "other group" for a student of another group."""
    if scan.refusal == Refusal.NOT_EXPECTED and scan.student_id not in expected_ids([scan.session_id])[scan.session_id]:
        return Status.OTHER_GROUP
    return Status.LATE if scan.first_seen_at >= own_window(scan.opening, scan.student_id).present_until else Status.PRESENT


class Decided(NamedTuple):
    """The decision about a held scan has been carried out."""

    instead_of: ClassSession | None = None
    """For an accepted student of another group: the class of their own group that this one replaces, if any."""


@transaction.atomic
def decide_held(scan: Scan, *, accept: bool, act: Act, swap: bool = True) -> Decided | Proposed | Needs:
    """Accept or decline a held scan, once. An accepted scan becomes a mark as of the time of the scan, and upholds the
    student's open query that has such a scan as evidence. With `swap` this class replaces one of the student's own group if
    they are of another group (`guest_attendance.let_in`). If the mark needs more than this person brings, that is the answer
    and the scan still waits; a colleague who was asked decides about the mark.

    Raises AdsumError `not_held` for any other scan, `decided` when a colleague was faster or the student is in already,
    `proposed` when a colleague has been asked already, and what `mark` raises.
    """
    if scan.refusal not in HELD:
        raise AdsumError("not_held", _("This scan is not waiting for a decision."))
    if HeldDecision.objects.filter(scan=scan).exists():
        raise _decided()
    if not accept:
        _decide(scan, accept=False, act=act)
        return Decided()
    if is_in(scan):
        raise AdsumError("decided", _("This student is in already. Nothing is left to decide."))
    query = _query_of(scan)
    answer = _let_in(scan, query, act=act, swap=swap)
    if isinstance(answer, Needs):
        return answer
    if isinstance(answer, Proposed):
        asked = Proposal.objects.filter(session=scan.session_id, state=Proposal.State.WAITING, marks__student=scan.student_id)
        if asked.exclude(pk=answer.proposal.pk).exists():
            raise AdsumError("proposed", _("A colleague has been asked to confirm this already."))
        return answer
    _decide(scan, accept=True, act=act)
    if query is not None:
        queries.settle(query, Query.State.UPHELD, act=act, answer=_("Your scan was accepted."))
    return Decided(answer.instead_of if isinstance(answer, LetIn) else None)


def _let_in(scan: Scan, query: Query | None, *, act: Act, swap: bool) -> Done | LetIn | Proposed | Needs:
    wanted = _wanted(scan)
    why, asked = Why(Reason.QUERY_UPHELD if query else Reason.SCAN_ACCEPTED), query is not None
    if wanted.status == Status.OTHER_GROUP:
        return let_in(scan.session, scan.student, act=act, swap=swap, why=why, seen_at=wanted.seen_at, asked=asked)
    return mark(scan.session, [wanted], act=act, why=why, asked=asked)


def _wanted(scan: Scan) -> Entry:
    """The mark that an accepted scan makes."""
    return Entry(scan.student, _status(scan), scan.first_seen_at)


def _decide(scan: Scan, *, accept: bool, act: Act) -> None:
    _decision, created = HeldDecision.objects.get_or_create(
        scan=scan, defaults={"accepted": accept, "by": act.by, "at": act.at}
    )
    if not created:
        raise _decided()
    audit_log.record(
        actor=act.by.actor,
        verb="held.accept" if accept else "held.decline",
        subject=f"session:{scan.session_id}",
        at=act.at,
        scan=str(scan.ref),
        student=scan.student_id,
    )


def _decided() -> AdsumError:
    return AdsumError("decided", _("A colleague has already decided this one. Reload the page to see how."))


def _query_of(scan: Scan) -> Query | None:
    """The student's open query that has a held scan of theirs in this class as evidence, this scan or another; locked until
    commit."""
    asked = Query.objects.filter(session=scan.session_id, student=scan.student_id, state=Query.State.OPEN)
    query = asked.select_for_update().first()
    if query is None:
        return None
    scans = Scan.objects.filter(session=scan.session_id, student=scan.student_id, refusal__in=HELD)
    return query if query.evidence.get("scan") in {str(ref) for ref in scans.values_list("ref", flat=True)} else None


@transaction.atomic
def accept_all_held(session: ClassSession, *, act: Act, swap: bool = True) -> int | Needs:
    """Accept the first waiting scan of each student in a class, except a scan of the person who decides, which is left to a
    colleague. Returns how many there were. They are one change: if it still needs something, that is the answer and nothing
    is accepted.

    Raises AdsumError `team` or `reported` as `mark`.
    """
    waiting = _first_waiting(session, by=act.by)
    students = [scan.student_id for scan in waiting]
    marks = {mark.student_id: mark for mark in Mark.objects.filter(session=session, student__in=students)}
    closed = is_closed(Register.objects.filter(session=session).first())
    changing = how_many_change(map(_wanted, waiting), marks, closed=closed)
    missing = weigh(session, students, changing, act=act) if waiting else None
    if missing is not None:
        return missing
    for scan in waiting:
        decide_held(scan, accept=True, act=act, swap=swap)
    return len(waiting)


def _first_waiting(session: ClassSession, *, by: Person) -> list[Scan]:
    """The first scan of each student that waits in a class (one query)."""
    first: dict[int, Scan] = {}
    for scan in held_scans(session).select_related("opening", "session__module"):
        if scan.student_id != by.pk:
            first.setdefault(scan.student_id, scan)
    return list(first.values())


# Answering a query also decides the held scans of the same student in the same class


@transaction.atomic
def answer_query(query: Query, *, act: Act, reason: str, status: Status | None = None) -> Query | Needs:
    """The same as `queries.answer_query`; it also decides the student's held scans in that class."""
    answered = queries.answer_query(query, act=act, reason=reason, status=status)
    if isinstance(answered, Query):
        _decline_rest([answered], act=act)
    return answered


@transaction.atomic
def uphold_together(asked: Collection[Query], status: Status, *, act: Act, reason: str) -> list[Query] | Needs:
    """The same for `queries.uphold_together`."""
    upheld = queries.uphold_together(asked, status, act=act, reason=reason)
    if not isinstance(upheld, Needs):
        _decline_rest(upheld, act=act)
    return upheld


def _decline_rest(answered: Iterable[Query], *, act: Act) -> None:
    """Decide the scans that still wait: students who are in by the answer need no decision, the others are declined."""
    pairs = {(query.session_id, query.student_id) for query in answered}
    for scan in waiting_scans({session for session, _student in pairs}).order_by("id"):
        if (scan.session_id, scan.student_id) in pairs:
            _decide(scan, accept=False, act=act)
