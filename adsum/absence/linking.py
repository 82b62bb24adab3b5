"""A request, or a placement, and its marks: linked when it is told and decided, and again when the timetable changes."""

from datetime import date, datetime, timedelta

from django.db import transaction

from adsum.absence.models import AbsenceRequest
from adsum.absence.placements import follow_classes, sweep_placements
from adsum.absence.reports import in_force, says_of, touched_by
from adsum.attendance.ahead import Origin
from adsum.attendance.foreseen import foresee
from adsum.attendance.weighing import Act
from adsum.audit.following import take_up
from adsum.timetable.models import ClassChange, ClassSession
from adsum.timetable.reports import expected_ids

SOURCE = "absence_classes"
BATCH = 200
FRESH = timedelta(days=3)
"""Older changes, as a first start finds them, are left to the night."""
KEEPS_UP = timedelta(days=14)
"""How long after its last day a request follows changes of places and enrolments, too."""


def link(request: AbsenceRequest, *, act: Act) -> None:
    """Have every class of the request, and its mark, say what the request says now."""
    foresee(Origin.ABSENCE, request.ref, request.student, says_of(request), act=act)


def _again(request: AbsenceRequest, at: datetime) -> None:
    """The same without a new decision: in the name of the person by whom it stands."""
    decision = in_force(request)
    by = decision.by if decision is not None and decision.by is not None else request.told_by
    link(request, act=Act(by, at))


@transaction.atomic
def follow_timetable(*, at: datetime) -> int:
    """Link again the requests and placements that classes changed lately touch; how many. One worker at a time, each
    change once."""
    reader = take_up(SOURCE, ClassChange)
    changes = list(reader.left(ClassChange.objects.filter(at__gt=at - FRESH))[:BATCH])
    sessions = list(ClassSession.objects.filter(pk__in={change.session_id for change in changes}))
    expected = expected_ids([session.pk for session in sessions])
    students = {student for those in expected.values() for student in those}
    touched = list(touched_by(sessions, students).select_related("student", "told_by")) if sessions else []
    for request in touched:
        _again(request, at)
    placed = follow_classes(sessions, students, at=at)
    reader.done([change.pk for change in changes], at=at)
    reader.move(changes[-1].pk + 1 if len(changes) == BATCH else None, at=at)
    return len(touched) + placed


def sweep(*, today: date, at: datetime) -> int:
    """Link again every request and placement that is not long over: groups and enrolments may change; how many."""
    recent = AbsenceRequest.objects.standing().filter(last_day__gte=today - KEEPS_UP)
    standing = list(recent.order_by("pk").values_list("pk", flat=True))
    for pk in standing:
        with transaction.atomic():
            locked = AbsenceRequest.objects.select_for_update(of=("self",)).select_related("student", "told_by")
            _again(locked.get(pk=pk), at)
    return len(standing) + sweep_placements(since=today - KEEPS_UP, at=at)
