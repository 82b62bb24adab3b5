"""Whether groups of students are reminded alike: sums of one month that is over, and nothing about any one student.

A month is counted once it is over and by itself: sums that grew from day to day would say, to those who know who was reminded
today, to which group that student belongs (docs/adr/0053).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Max, Q

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.clock import civil_day
from adsum.core.turns import let_others_write
from adsum.engagement.models import MonitoringGroup, Told
from adsum.engagement.published import Published, publish
from adsum.engagement.rules import Recipient
from adsum.timetable.models import Enrolment
from adsum.timetable.reports import university_zone

BATCH = 2000
MONTHS = 12
NOT_KNOWN = "–"
"""The group of students of whom the file says nothing."""


def bring_groups(groups: Mapping[int, Mapping[str, str]], *, act: Act) -> int:
    """From now on these are the monitoring groups: by student, the group for each characteristic. What was brought before goes,
    so that nobody stays in a group that the student records system no longer knows. How many rows there are."""
    rows = [
        MonitoringGroup(student_id=student, characteristic=name, group=group, brought_at=act.at)
        for student, mine in sorted(groups.items())
        for name, group in sorted(mine.items())
    ]
    with transaction.atomic():
        MonitoringGroup.objects.all().delete()
        MonitoringGroup.objects.bulk_create(rows, batch_size=BATCH)
        characteristics = len({row.characteristic for row in rows})
        audit_log.record(
            actor=act.by.actor,
            verb="monitoring.import",
            subject="university:monitoring",
            at=act.at,
            students=len(groups),
            characteristics=characteristics,
        )
    let_others_write()
    return len(rows)


class Brought(NamedTuple):
    """What there is: of how many students, by how many characteristics, and since when."""

    students: int
    characteristics: int
    at: datetime | None


def brought() -> Brought:
    """What there is, in numbers (one query)."""
    found = MonitoringGroup.objects.aggregate(
        students=Count("student", distinct=True), characteristics=Count("characteristic", distinct=True), at=Max("brought_at")
    )
    return Brought(found["students"], found["characteristics"], found["at"])


def months_over(today: date) -> list[date]:
    """The first days of the last months that are over, the latest first."""
    first, found = today.replace(day=1), list[date]()
    for _ in range(MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found


def equity_of(month: date) -> dict[str, Published]:
    """By characteristic, how many students of each group had a reminder in that month, as far as it may be shown (four
    queries). The students are those who were enrolled in it."""
    after = (month + timedelta(days=32)).replace(day=1)
    zone = university_zone()
    starts, ends = civil_day(month, zone)[0], civil_day(after, zone)[0]
    enrolled = Enrolment.objects.filter(Q(ends_on=None) | Q(ends_on__gte=month), starts_on__lt=after).values("person")
    everyone = set(enrolled.values_list("person", flat=True))
    told = Told.objects.filter(capacity=Recipient.STUDENT, at__gte=starts, at__lt=ends, person__in=enrolled)
    reminded = set(told.values_list("person", flat=True))
    students, of_them = dict[str, Counter[str]](), dict[str, Counter[str]]()
    for student, name, group in MonitoringGroup.objects.values_list("student", "characteristic", "group").iterator():
        if student in everyone:
            students.setdefault(name, Counter())[group] += 1
            of_them.setdefault(name, Counter())[group] += student in reminded
    for name, sizes in students.items():
        sizes[NOT_KNOWN] += len(everyone) - sizes.total()
        of_them[name][NOT_KNOWN] += len(reminded) - of_them[name].total()
    return {
        name: publish((group, n, of_them[name][group]) for group, n in sizes.items() if n)
        for name, sizes in sorted(students.items())
    }
