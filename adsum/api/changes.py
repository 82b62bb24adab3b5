"""What changed, in order, from the event log: so that a warehouse reads everything once."""

from typing import Any

from django.http import HttpResponse
from ninja.params.functions import Query as FromQuery

from adsum.accounts.application_rules import Scope
from adsum.accounts.models import Person
from adsum.api import cursors, looks, schemas
from adsum.api.callers import ApiRequest
from adsum.api.classes import instant, mark_told, said
from adsum.api.offers import offer
from adsum.attendance.models import Mark
from adsum.audit.reports import placed_from
from adsum.audit.tree import people_behind
from adsum.integrations.webhooks.changed import Changed, changed
from adsum.integrations.webhooks.rules import Topic
from adsum.timetable.models import ClassSession

MOST_EVENTS = 2_000
"""How many events of the log one call goes through; most are about marks."""


KINDS = {Topic.REGISTER: "mark", Topic.CLASS: "class"}


@offer("GET", "/changes", "api_changes", scope=Scope.CHANGES_READ, gives={200: schemas.Changes})
def list_changes(
    request: ApiRequest,
    since: str = FromQuery("", max_length=200, description="The cursor of the last answer; empty: from the beginning."),
    limit: int = FromQuery(schemas.MOST, ge=1, le=MOST_EVENTS),
) -> HttpResponse:
    """What changed since a cursor: marks and classes, in the order of the event log. Each change is given once, with the mark
    as it stands now, within two minutes. Go on with “next”, at once while “more” is true, and later when it is false: nothing
    is missed, and nothing comes twice."""
    begin = cursors.read(since, cursors.number)
    start = begin[0] if begin else 0
    events = placed_from(start, limit)
    found = changed(events)
    sessions = _visible(request, {one.session for one in found})
    found = [one for one in found if one.session in sessions]
    told = _told(request, found, sessions)
    end = events[-1][0] + 1 if events else start
    return said({"changes": told, "next": cursors.cursor(end), "more": len(events) == limit})


def _visible(request: ApiRequest, pks: set[int]) -> dict[int, ClassSession]:
    visible = ClassSession.objects.visible_to(request.caller.person, request.caller.access)
    return {one.pk: one for one in visible.filter(pk__in=pks).select_related("module")}


def _told(request: ApiRequest, found: list[Changed], sessions: dict[int, ClassSession]) -> list[dict[str, Any]]:
    """The changes as the application reads them (three queries). Of a student who was erased since, nothing is told."""
    behind = people_behind({one.student for one in found if one.student})
    people = Person.objects.in_bulk(behind.values())
    rows = Mark.objects.filter(session__in={one.session for one in found if one.student}, student__in=people)
    marks = {(mark.session_id, mark.student_id): mark for mark in rows}
    looks.at_registers(request.caller, [sessions[pk] for pk in {one.session for one in found if one.student}], request.at)
    told = []
    for one in found:
        student = people.get(behind.get(one.student, 0)) if one.student else None
        if one.student and student is None:
            continue
        mark = marks.get((one.session, student.pk)) if student else None
        told.append(
            {
                "position": one.place,
                "at": instant(one.at),
                "kind": KINDS[one.topic],
                "class": str(sessions[one.session].ref),
                "student": str(student.ref) if student else None,
                "mark": mark_told(mark) if mark else None,
            }
        )
    return told
