"""Which sponsored students were seen on campus, when and where: on one day, or in one week."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED, Status
from adsum.core.clock import civil_day
from adsum.engagement.case_rules import MeetingState
from adsum.engagement.models import Meeting
from adsum.timetable.models import ClassSession
from adsum.timetable.rules import Delivery

THERE = ATTENDED - {Status.REMOTE}
"""Marks that say that the student was in the room."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How often one student was seen in a span of days, on how many of them, and when and where last."""

    times: int
    days: int
    at: datetime
    session: int | None
    """The class; None: it was a meeting."""
    place: str = ""
    """Of a meeting."""


def on_campus(students: Collection[int], first: date, last: date, zone: ZoneInfo) -> dict[int, Seen]:
    """By student, when they were seen on campus on these days: in a class that is held in a room, or at a meeting they came to
    (two queries). Those who were not seen are left out."""
    begins, ends = civil_day(first, zone)[0], civil_day(last, zone)[1]
    sights = defaultdict[int, list[tuple[datetime, int | None, str]]](list)
    marks = Mark.objects.filter(student__in=students, status__in=THERE, at__gte=begins, at__lt=ends)
    for student, at, session in marks.filter(session__delivery=Delivery.IN_PERSON).values_list("student", "at", "session"):
        sights[student].append((at, session, ""))
    met = Meeting.objects.filter(case__student__in=students, state=MeetingState.CAME, starts_at__gte=begins, starts_at__lt=ends)
    for student, starts_at, place in met.values_list("case__student", "starts_at", "place"):
        if starts_at is not None:
            sights[student].append((starts_at, None, place))
    return {
        student: Seen(len(found), len({at.astimezone(zone).date() for at, _session, _place in found}), *max(found, key=_when))
        for student, found in sights.items()
    }


def _when(sight: tuple[datetime, int | None, str]) -> datetime:
    return sight[0]


class Where(NamedTuple):
    """What a class was, and in which rooms."""

    what: str
    rooms: str


def places_of(sessions: Collection[int]) -> dict[int, Where]:
    """By class, what it was and where (two queries)."""
    found = ClassSession.objects.filter(pk__in=sessions).select_related("module").prefetch_related("rooms")
    return {one.pk: Where(f"{one.module.code} {one.title}", ", ".join(room.name for room in one.rooms.all())) for one in found}
