"""Enrolments of sponsored students that ended or were suspended, by a file or by hand, open a duty by themselves. What else
does is `watch`'s."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.db.models import Min, Q

from adsum.accounts.models import Person
from adsum.compliance.duties import open_duty
from adsum.compliance.duty_life import Because, Happened, Kind
from adsum.compliance.guidance import Authority
from adsum.compliance.models import Duty, Edition, SponsorProfile
from adsum.compliance.sponsorship import sponsored_between
from adsum.compliance.trigger_rules import Found, Row, find
from adsum.core.university import civil_date
from adsum.timetable.models import Enrolment

LOOKS_BACK = timedelta(days=400)
"""How long ago an enrolment may have ended when it is first seen, and still open a duty: a registry learns of some things
months later. What happened before guidance was in force here was not for Adsum to open."""


def follow_enrolments(*, at: datetime) -> int:
    """Open a duty for each enrolment of a sponsored student that ended or was suspended; how many are new. May be done again at
    any time. While no guidance is in force, nothing is opened."""
    today = civil_date(at)
    began = Edition.objects.filter(authority=Authority.UKVI).aggregate(first=Min("in_force_from"))["first"]
    if began is None or began > today:
        return 0
    since = max(today - LOOKS_BACK, began)
    profiles = sponsored_between(since, today)
    found = {(student, one.kind, one.cause): (student, one) for student, one in _found(profiles, since, today)}
    known = set(
        Duty.objects.filter(student__in={student for student, _one in found.values()}).values_list("student", "kind", "cause")
    )
    new = [one for key, one in found.items() if key not in known]
    people = Person.objects.in_bulk({student for student, _one in new})
    for student, one in new:
        because = Happened(HAPPENED[one.kind], on=one.on)
        open_duty(people[student], one.kind, min(one.on, today), because=because, ref=one.cause, act=at)
    return len(new)


def _found(profiles: Collection[SponsorProfile], since: date, today: date) -> Iterable[tuple[int, Found]]:
    rows = Enrolment.objects.filter(person__in={one.student_id for one in profiles}).order_by("person", "starts_on", "pk")
    rows = rows.filter(Q(ends_on=None) | Q(ends_on__gte=since))
    by_student: dict[int, list[Row]] = {}
    for one in rows:
        row = Row(one.pk, one.course_id, one.status, one.starts_on, one.ends_on)
        by_student.setdefault(one.person_id, []).append(row)
    for profile in profiles:
        student, course = profile.student_id, profile.course_id
        mine = by_student.get(student, [])
        for found in find(mine, profile.course_ends_on, course=course, since=max(since, profile.since), today=today):
            if profile.until is None or found.on <= profile.until:
                yield student, found


HAPPENED = {Kind.WITHDRAWAL: Because.ENDED, Kind.SUSPENSION: Because.SUSPENDED, Kind.EARLY_COMPLETION: Because.COMPLETED}
