"""A student says that a mark is wrong, and is answered."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, Query, Register
from adsum.attendance.rules import SECOND_PERSON_ABOVE, Needs, Reason, Status
from adsum.attendance.services import Entry, how_many_change, mark_students
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession


@transaction.atomic
def raise_query(
    session: ClassSession,
    student: Person,
    *,
    at: datetime,
    text: str = "",
    evidence: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Query:
    """A student says their mark is wrong. One open query per mark: a second one adds to the first.

    `actor` is who raised it, when it was not the student: `system:close`.
    """
    query, created = Query.objects.get_or_create(
        session=session,
        student=student,
        state=Query.State.OPEN,
        defaults={"raised_at": at, "text": text, "evidence": dict(evidence or {})},
    )
    if not created and (text or evidence):
        query.text = " · ".join(part for part in (query.text, text) if part)[:500]
        query.evidence = {**query.evidence, **(evidence or {})}
        query.save(update_fields=["text", "evidence"])
    audit_log.record(
        actor=actor or student.actor, verb="query.raise", subject=f"session:{session.pk}", at=at, query=str(query.ref)
    )
    return query


@transaction.atomic
def answer_query(query: Query, *, by: Person, at: datetime, reason: str, status: Status | None = None) -> Query:
    """Answer a student's query, once: with a status it is upheld and the mark becomes that; without, it is declined.

    Raises AdsumError `answered` when a colleague was faster, `needs_reason` without words for the student, and what
    `mark_students` raises.
    """
    query = Query.objects.select_for_update(of=("self",)).select_related("session", "student").get(pk=query.pk)
    if query.state != Query.State.OPEN:
        raise AdsumError("answered", _("A colleague has already answered this query. The answer is below."))
    if query.student_id == by.pk:
        raise AdsumError("own_record", _("You cannot answer your own query. Ask a colleague or the attendance team."))
    if not reason.strip():
        raise AdsumError("needs_reason", _("Say in a few words why: the student reads it with your answer."))
    if status is not None:
        mark_students(
            query.session, [query.student], status, by=by, at=at, reason_code=Reason.QUERY_UPHELD, reason=reason, query=query
        )
    settle(query, Query.State.DECLINED if status is None else Query.State.UPHELD, by=by, at=at, answer=reason)
    return query


def settle(query: Query, state: Query.State, *, by: Person, at: datetime, answer: str) -> None:
    """Write down the answer to an open query that the caller holds. What it does to the mark is the caller's."""
    query.state, query.answered_at, query.answered_by, query.answer = state, at, by, answer
    query.save(update_fields=["state", "answered_at", "answered_by", "answer"])
    audit_log.record(
        actor=by.actor,
        verb=f"query.{query.state}",
        subject=f"session:{query.session_id}",
        at=at,
        query=str(query.ref),
        student=query.student_id,
    )


def changed_together(queries: Collection[Query], status: Status) -> int:
    """How many marks would be another one if these queries were upheld together (two queries)."""
    sessions = {query.session_id for query in queries}
    registers = {register.session_id: register for register in Register.objects.filter(session__in=sessions)}
    marks = defaultdict[int, dict[int, Mark]](dict)
    for mark in Mark.objects.filter(session__in=sessions, student__in={query.student_id for query in queries}):
        marks[mark.session_id][mark.student_id] = mark
    return sum(
        how_many_change(registers.get(one.session_id) or Register(), [Entry(one.student, status, None)], marks[one.session_id])
        for one in queries
    )


@transaction.atomic
def uphold_together(queries: Collection[Query], status: Status, *, by: Person, at: datetime, reason: str) -> list[Query]:
    """Uphold these queries with one mark and one reason, each with its own history and event; those upheld now.

    One that a colleague has answered meanwhile, or whose class was cancelled, is left alone. Raises AdsumError
    `second_person` when they are more marks than one person changes at once, and what `answer_query` raises
    otherwise; then nothing is done.
    """
    if changed_together(queries, status) > SECOND_PERSON_ABOVE:
        most = {"most": SECOND_PERSON_ABOVE}
        raise AdsumError(
            Needs.SECOND_PERSON,
            _("One person changes at most %(most)s marks at once. Answer so many at a time, or declare an outage.") % most,
        )
    upheld = []
    for query in sorted(queries, key=lambda query: query.pk):
        try:
            upheld.append(answer_query(query, by=by, at=at, reason=reason, status=status))
        except AdsumError as refused:
            if refused.code not in {"answered", "cancelled"}:
                raise
    return upheld
