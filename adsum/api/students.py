"""Students, and how much each attended: the record that the office of their department sees, without anybody's words."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja.params.functions import Query as FromQuery

from adsum.accounts.application_rules import Scope
from adsum.api import cursors, looks, schemas
from adsum.api.callers import ApiRequest
from adsum.api.classes import in_days, instant, said, student_told
from adsum.api.offers import offer
from adsum.api.problems import Problem, not_found
from adsum.attendance.record import Account, OwnClass, account, classes_of, own_classes
from adsum.audit.rules import Page
from adsum.core.university import civil_date
from adsum.timetable.reports import students_visible_to

LONGEST = timedelta(days=400)
"""The longest time that one answer adds up."""
USUAL = timedelta(days=28)


@offer("GET", "/students", "api_students", scope=Scope.STUDENTS_READ, gives={200: schemas.Students})
def list_students(
    request: ApiRequest,
    number: str = FromQuery("", max_length=40, description="A student number: exactly this one."),
    cursor: str = FromQuery("", max_length=200),
    limit: int = FromQuery(100, ge=1, le=schemas.MOST),
) -> HttpResponse:
    """Students on the courses of the application's departments. In an order that stays."""
    found = students_visible_to(request.caller.person, request.caller.access)
    if number:
        found = found.filter(number=number.replace("\0", ""))
    after = cursors.read(cursor, cursors.number)
    if after is not None:
        found = found.filter(pk__gt=after[0])
    some = list(found.order_by("pk")[: limit + 1])
    looks.at_students(request.caller, some[:limit], Page.STUDENTS, request.at)
    there = cursors.cursor(some[limit - 1].pk) if len(some) > limit else None
    return said({"students": [student_told(one) for one in some[:limit]], "next": there})


@offer("GET", "/students/{uuid:ref}/record", "api_record", scope=Scope.STUDENTS_READ, gives={200: schemas.Record})
def get_record(
    request: ApiRequest,
    ref: UUID,
    first: schemas.Day | None = FromQuery(None, alias="from", description="The first day; four weeks ago when empty."),
    last: schemas.Day | None = FromQuery(None, alias="to", description="The last day; today when empty."),
) -> HttpResponse:
    """One student's classes with their marks, and what they add up to. The sum is that of the student's own page. Reasons,
    absences and what people wrote are not part of it."""
    student = students_visible_to(request.caller.person, request.caller.access).filter(ref=ref).first()
    if student is None:
        raise not_found()
    today = civil_date(request.at)
    until = last or today
    since = first or until - min(USUAL, until - date.min)
    if not timedelta() <= until - since <= LONGEST:
        raise Problem(422, "no_such_days", _("Ask for 400 days at most, the first before the last."))
    looks.at_students(request.caller, [student], Page.RECORD, request.at)
    shown = classes_of(student).filter(in_days(since, until), starts_at__lte=request.at)
    own = own_classes(student, shown, rooms_since=request.at)
    return said(
        {
            "student": student_told(student),
            "since": str(since),
            "until": str(until),
            "sum": _sum(account(own, request.at)),
            "classes": [_line(one) for one in own],
        }
    )


def _line(one: OwnClass) -> dict[str, Any]:
    return {
        "class": str(one.session.ref),
        "module": one.session.module.code,
        "starts_at": instant(one.session.starts_at),
        "ends_at": instant(one.session.ends_at),
        "mandatory": one.session.mandatory,
        "status": one.status,
        "minutes_late": one.mark.minutes_late if one.mark else 0,
        "under_query": one.under_query,
    }


def _sum(told: Account) -> dict[str, Any]:
    return {
        "attended": told.tally.attended,
        "counted": told.tally.counted,
        "weighting": told.tally.weighting,
        "percent": told.tally.percent,
        "cancelled": told.cancelled,
        "not_observed": told.not_observed,
        "authorised": told.authorised,
        "under_query": told.under_query,
        "unmarked": told.unmarked,
    }
