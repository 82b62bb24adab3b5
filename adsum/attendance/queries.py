"""A student says that a mark is wrong, and is answered."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, Query, Register
from adsum.attendance.rules import SECOND_PERSON_ABOVE, Needs, Reason, Standing, Status, needs
from adsum.attendance.services import mark
from adsum.attendance.weighing import Act, Entry, Why, how_many_change, weigh
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

    `actor` is who raised it, when it was not the student: `system:close`, or a help desk that passes it on.
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
def answer_query(query: Query, *, act: Act, reason: str, status: Status | None = None) -> Query | Needs:
    """Answer a student's query, once: with a status it is upheld and the mark becomes that; without, it is declined. Returns
    the query, or what the mark still needs; then nothing is answered.

    Raises AdsumError `answered` when a colleague was faster, `needs_reason` without words for the student, and what `mark`
    raises.
    """
    query = _open_query(query, act)
    if not reason.strip():
        raise AdsumError("needs_reason", _("Say in a few words why: the student reads it with your answer."))
    if status is not None:
        why = Why(Reason.QUERY_UPHELD, reason)
        made = mark(query.session, [Entry(query.student, status)], act=act._replace(proposes=False), why=why, asked=True)
        if isinstance(made, Needs):
            return made
    settle(query, Query.State.DECLINED if status is None else Query.State.UPHELD, act=act, answer=reason)
    return query


@transaction.atomic
def cannot_say(query: Query, *, act: Act) -> Query:
    """The lecturer does not know whether the student was there: the query stays open, and is the attendance team's from now on.

    Raises AdsumError `answered` and `own_record` as `answer_query`.
    """
    query = _open_query(query, act)
    if query.unsure_at is None:
        query.unsure_at, query.unsure_by = act.at, act.by
        query.save(update_fields=["unsure_at", "unsure_by"])
        audit_log.record(
            actor=act.by.actor, verb="query.unsure", subject=f"session:{query.session_id}", at=act.at, query=str(query.ref)
        )
    return query


def _open_query(query: Query, act: Act) -> Query:
    """The query, locked, if this person may answer it now."""
    query = Query.objects.select_for_update(of=("self",)).select_related("session", "student").get(pk=query.pk)
    if query.state != Query.State.OPEN:
        raise AdsumError("answered", _("A colleague has already answered this query. The answer is below."))
    if query.student_id == act.by.pk:
        raise AdsumError("own_record", _("You cannot answer your own query. Ask a colleague or the attendance team."))
    return query


def settle(query: Query, state: Query.State, *, act: Act, answer: str) -> None:
    """Write down the answer to an open query that the caller has locked. The caller changes the mark."""
    query.state, query.answered_at, query.answered_by, query.answer = state, act.at, act.by, answer
    query.save(update_fields=["state", "answered_at", "answered_by", "answer"])
    audit_log.record(
        actor=act.by.actor,
        verb=f"query.{query.state}",
        subject=f"session:{query.session_id}",
        at=act.at,
        query=str(query.ref),
        student=query.student_id,
    )


@transaction.atomic
def uphold_together(queries: Collection[Query], status: Status, *, act: Act, reason: str) -> list[Query] | Needs:
    """Uphold these queries with one mark and one reason, each with its own history and event. Returns those upheld now. They
    are one change across all their classes: if it still needs something, that is the answer and nothing is done.

    A query that a colleague has answered meanwhile, or whose class was cancelled, is left alone. Otherwise raises what
    `answer_query` raises.
    """
    missing = _weigh_together(queries, status, act=act)
    if missing is not None:
        return missing
    upheld = []
    for query in sorted(queries, key=lambda query: query.pk):
        try:
            answered = answer_query(query, act=act, reason=reason, status=status)
        except AdsumError as refused:
            if refused.code not in {"answered", "cancelled"}:
                raise
        else:
            if isinstance(answered, Query):  # always so: what they need together was checked above
                upheld.append(answered)
    return upheld


def _weigh_together(queries: Collection[Query], status: Status, *, act: Act) -> Needs | None:
    """What upholding these queries together still needs. Each class is checked like any change, with one count of marks over
    all of them (two queries, and those of `weigh` for each class)."""
    by_session = defaultdict[int, list[Query]](list)
    for query in queries:
        if not query.session.cancelled:
            by_session[query.session_id].append(query)
    closed = set(Register.objects.filter(session__in=by_session, state=Register.State.CLOSED).values_list("session", flat=True))
    marks = defaultdict[int, dict[int, Mark]](dict)
    for one in Mark.objects.filter(session__in=by_session, student__in={query.student_id for query in queries}):
        marks[one.session_id][one.student_id] = one
    changing = 0
    for pk, asked in by_session.items():
        wanted = [Entry(query.student, status) for query in asked]
        here = how_many_change(wanted, marks[pk], closed=pk in closed)
        weigh(asked[0].session, [query.student_id for query in asked], here, act=act, standing=Standing.ASKED)
        changing += here
    oldest = min((asked[0].session.ends_at for asked in by_session.values()), default=act.at)
    missing = needs(
        at=act.at,
        ends_at=oldest,
        amend_hours=0,
        team=True,
        changing=changing,
        reported=False,
        proved=act.proved,
        standing=Standing.ASKED,
    )
    return missing or (Needs.SECOND_PERSON if changing > SECOND_PERSON_ABOVE else None)
