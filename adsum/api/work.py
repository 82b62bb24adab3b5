"""What waits for the office of a department: queries, absences, cases. Facts and states alone: the words of students and
staff, and why somebody is absent, are in no scope."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from ninja.params.functions import Query as FromQuery

from adsum.absence.models import AbsenceRequest
from adsum.accounts.application_rules import Scope
from adsum.api import cursors, looks, schemas
from adsum.api.callers import ApiRequest
from adsum.api.classes import instant, said, student_told
from adsum.api.offers import offer
from adsum.attendance.models import Query
from adsum.attendance.reports import QueryDates
from adsum.audit.rules import Page
from adsum.engagement.models import Case
from adsum.timetable.models import ClassSession


def _page(rows: QuerySet[Any], cursor: str, limit: int) -> tuple[list[Any], str | None]:
    """One page of rows in the order of their ids, and where the next begins."""
    after = cursors.read(cursor, cursors.number)
    if after is not None:
        rows = rows.filter(pk__gt=after[0])
    some = list(rows.order_by("pk")[: limit + 1])
    return some[:limit], cursors.cursor(some[limit - 1].pk) if len(some) > limit else None


@offer("GET", "/queries", "api_queries", scope=Scope.QUERIES_READ, gives={200: schemas.Queries})
def list_queries(
    request: ApiRequest,
    state: schemas.QueryState = FromQuery(schemas.QueryState.OPEN),
    cursor: str = FromQuery("", max_length=200),
    limit: int = FromQuery(100, ge=1, le=schemas.MOST),
) -> HttpResponse:
    """Students' queries about their marks. By state, in the order in which they were asked; those about cancelled classes are
    left out while they are open. What a student wrote is not part of it."""
    caller = request.caller
    classes = ClassSession.objects.visible_to(caller.person, caller.access)
    held = Q(session__status="cancelled", state=Query.State.OPEN)
    found = Query.objects.filter(session__in=classes.values("pk"), state=state).exclude(held)
    some, there = _page(found.select_related("session", "student"), cursor, limit)
    looks.at_students(caller, [one.student for one in some], Page.QUERIES, request.at)
    return said({"queries": [_query(one) for one in some], "next": there})


def _query(one: Query) -> dict[str, Any]:
    return {
        "ref": str(one.ref),
        "class": str(one.session.ref),
        "student": student_told(one.student),
        "state": one.state,
        "raised_at": instant(one.raised_at),
        "answer_by": str(QueryDates.of(one).answer_by),
        "answered_at": instant(one.answered_at),
    }


@offer("GET", "/absences", "api_absences", scope=Scope.ABSENCES_READ, gives={200: schemas.Absences})
def list_absences(
    request: ApiRequest, cursor: str = FromQuery("", max_length=200), limit: int = FromQuery(100, ge=1, le=schemas.MOST)
) -> HttpResponse:
    """Absences that students have told, from when to when, and whether they are decided. Those taken back are left out. Why,
    and any evidence, are not part of it."""
    caller = request.caller
    found = AbsenceRequest.objects.visible_to(caller.person, caller.access).standing()
    some, there = _page(found.select_related("student").defer("text", "category"), cursor, limit)
    looks.at_students(caller, [one.student for one in some], Page.ABSENCES, request.at)
    return said({"absences": [_absence(one) for one in some], "next": there})


def _absence(one: AbsenceRequest) -> dict[str, Any]:
    return {
        "ref": str(one.ref),
        "student": student_told(one.student),
        "told_at": instant(one.told_at),
        "first_day": str(one.first_day),
        "last_day": str(one.last_day),
        "state": one.state,
        "due_on": str(one.due_on) if one.due_on else None,
    }


@offer("GET", "/cases", "api_cases", scope=Scope.CASES_READ, gives={200: schemas.Cases})
def list_cases(
    request: ApiRequest, cursor: str = FromQuery("", max_length=200), limit: int = FromQuery(100, ge=1, le=schemas.MOST)
) -> HttpResponse:
    """Cases of students of the application's departments: their state, and by when the next step is due. What is written in
    them, and why they were opened, are not part of it."""
    caller = request.caller
    found = Case.objects.visible_to(caller.person, caller.access).select_related("student")
    some, there = _page(found, cursor, limit)
    looks.at_students(caller, [one.student for one in some], Page.CASES, request.at)
    return said({"cases": [_case(one) for one in some], "next": there})


def _case(one: Case) -> dict[str, Any]:
    return {
        "ref": str(one.ref),
        "student": student_told(one.student),
        "state": one.state,
        "opened_at": instant(one.opened_at),
        "due_on": str(one.due_on),
        "closed_at": instant(one.closed_at),
    }
