"""Which sponsored students were seen on campus, when and where: on one day, or in one week."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED, Status
from adsum.core.clock import civil_day
from adsum.engagement.case_rules import MeetingState
from adsum.engagement.models import Meeting
from adsum.timetable.rules import Delivery

THERE = ATTENDED - {Status.REMOTE}
"""Marks that say that the student was in the room."""


@dataclass(frozen=True, slots=True, order=True)
class Sight:
    """When a student was seen, and at what."""

    at: datetime
    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How often one student was seen in a span of days, and when last."""

    times: int
    days: int
    last: Sight


def on_campus(students: Collection[int], first: date, last: date, zone: ZoneInfo) -> dict[int, Seen]:
    """By student, when they were seen on campus on these days: in a class that is held in a room, or at a meeting they came to
    (three queries). Those who were not seen are left out."""
    begins, ends = civil_day(first, zone)[0], civil_day(last, zone)[1]
    sights: dict[int, list[Sight]] = {}
    marks = Mark.objects.filter(student__in=students, status__in=THERE, at__gte=begins, at__lt=ends)
    marks = marks.filter(session__delivery=Delivery.IN_PERSON).select_related("session__module").order_by()
    for mark in marks.prefetch_related("session__rooms"):
        rooms = ", ".join(room.name for room in mark.session.rooms.all())
        sights.setdefault(mark.student_id, []).append(Sight(mark.at, f"{mark.session.module.code} {mark.session.title}", rooms))
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME, starts_at__gte=begins, starts_at__lt=ends)
    for student, starts_at, place in met.values_list("case__student", "starts_at", "place"):
        if starts_at is not None:
            sights.setdefault(student, []).append(Sight(starts_at, "", place))
    return {
        student: Seen(len(found), len({one.at.astimezone(zone).date() for one in found}), max(found))
        for student, found in sights.items()
    }
