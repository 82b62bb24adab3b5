"""Marks by hand as most tests make them: by somebody who has just proved that it is they, and who asks no colleague. What the
verb still needs is raised, with its code; the answers have tests of their own (tests/attendance/test_answers.py)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from adsum.accounts.models import Person
from adsum.attendance import amendments, guest_attendance, proposals, services
from adsum.attendance.models import Mark, Proposal, Query
from adsum.attendance.rules import Needs, Reason, Source, Status
from adsum.attendance.services import Done, Proposed
from adsum.attendance.weighing import Act, Entry, Why, refusal
from adsum.checkin import held
from adsum.checkin.models import Scan
from adsum.timetable.models import ClassSession

T = TypeVar("T")


def act(by: Person, at: datetime) -> Act:
    return Act(by, at, proved_at=at, proposes=False)


def sure(answer: T | Proposed | Needs) -> T:
    """The answer when it is done. Raises AdsumError with the code of what is still needed."""
    if isinstance(answer, Needs):
        raise refusal(answer)
    assert not isinstance(answer, Proposed)
    return answer


def marks(answer: services.Answer) -> list[Mark]:
    done = sure(answer)
    assert isinstance(done, Done)
    return done.marks


def mark_students(
    session: ClassSession,
    students: Collection[Person],
    status: Status,
    *,
    by: Person,
    at: datetime,
    reason_code: Reason | None = None,
    reason: str = "",
    seen_at: datetime | None = None,
    left_at: datetime | None = None,
) -> list[Mark]:
    wanted = [Entry(one, status, seen_at, left_at) for one in students]
    return marks(services.mark(session, wanted, act=act(by, at), why=Why(reason_code, reason)))


def mark_rest_absent(session: ClassSession, *, by: Person, at: datetime) -> int:
    return len(marks(services.mark_rest_absent(session, act=act(by, at))))


def enter_marks(session: ClassSession, entries: Collection[Entry], *, source: Source, by: Person, at: datetime) -> list[Mark]:
    return marks(services.enter_marks(session, entries, source=source, act=act(by, at)))


def propose(
    session: ClassSession,
    students: Sequence[Person],
    status: Status,
    *,
    by: Person,
    at: datetime,
    reason_code: Reason,
    reason: str = "",
    seen_at: datetime | None = None,
    left_at: datetime | None = None,
) -> Proposal:
    """A change that waits for a second person, whether it needs one or not."""
    wanted = [Entry(one, status, seen_at, left_at) for one in students]
    current = {mark.student_id: mark for mark in Mark.objects.filter(session=session)}
    return proposals.propose(session, wanted, current, act=act(by, at), why=Why(reason_code, reason))


def confirm(proposal: Proposal, *, by: Person, at: datetime) -> list[Mark]:
    return marks(amendments.confirm(proposal, act=act(by, at)))


def decline(proposal: Proposal, *, by: Person, at: datetime, answer: str = "") -> Proposal:
    return amendments.decline(proposal, act=act(by, at), answer=answer)


def undo(session: ClassSession, change: int, *, by: Person, at: datetime) -> int:
    return sure(amendments.undo(session, change, act=act(by, at)))


def let_in(
    session: ClassSession, student: Person, *, by: Person, at: datetime, swap: bool, reason_code: Reason
) -> ClassSession | None:
    return sure(guest_attendance.let_in(session, student, act=act(by, at), swap=swap, why=Why(reason_code))).instead_of


def answer_query(query: Query, *, by: Person, at: datetime, reason: str, status: Status | None = None) -> Query:
    return sure(held.answer_query(query, act=act(by, at), reason=reason, status=status))


def uphold_together(asked: Collection[Query], status: Status, *, by: Person, at: datetime, reason: str) -> list[Query]:
    return sure(held.uphold_together(asked, status, act=act(by, at), reason=reason))


def decide_held(scan: Scan, *, accept: bool, by: Person, at: datetime, **more: Any) -> ClassSession | None:
    return sure(held.decide_held(scan, accept=accept, act=act(by, at), **more)).instead_of


def accept_all_held(session: ClassSession, *, by: Person, at: datetime) -> int:
    return sure(held.accept_all_held(session, act=act(by, at)))
