"""Silent weeks: students with whom nobody has been in contact for a while, over all channels."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED
from adsum.core.university import civil_date
from adsum.engagement.contacts import contacts_of, last_contact
from adsum.timetable.models import ClassSession, Enrolment

SILENT_FOR = (2, 3, 4)
"""Weeks that a person can choose."""


class Silent(NamedTuple):
    """One student, and when they were last in contact; None: never."""

    student: Person
    last: datetime | None


def silent_among(students: QuerySet[Person], *, weeks: int, at: datetime) -> list[Silent]:
    """Those of these students who are enrolled today, had something to attend in the last weeks, and were in contact over no
    channel in that time; the longest first (seven queries, however many students)."""
    since = at - timedelta(weeks=weeks)
    today = civil_date(at)
    recent = ClassSession.objects.filter(starts_at__gte=since, starts_at__lte=at).values("pk")
    marks = Mark.objects.filter(session__in=recent, student=OuterRef("pk"))
    suspended = Enrolment.objects.on(today).filter(person=OuterRef("pk"), status=Enrolment.Status.SUSPENDED)
    enrolled = Enrolment.objects.on(today).filter(person=OuterRef("pk"), status=Enrolment.Status.ENROLLED)
    away = students.filter(Exists(marks), Exists(enrolled), ~Exists(suspended), ~Exists(marks.filter(status__in=ATTENDED)))
    found = {one.pk: one for one in away}
    for pk in contacts_of(found, since=since):
        found.pop(pk, None)
    last = last_contact(found)
    listed = [Silent(one, last.get(pk)) for pk, one in found.items()]
    return sorted(listed, key=lambda one: (one.last is not None, one.last, one.student.family_name, one.student.pk))
