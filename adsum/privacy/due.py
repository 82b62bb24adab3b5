"""Of whom something is over: students who left, when, and what of theirs is not ended yet."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from django.db.models import Count, Max, Q

from adsum.accounts.erasing import ERASED
from adsum.accounts.models import RoleGrant
from adsum.accounts.rules import Role
from adsum.compliance.sponsorship import current
from adsum.core.declared import Keep
from adsum.privacy.declarations import declarations
from adsum.privacy.models import Ended, LegalHold
from adsum.privacy.rules import HOLDS_THE_PERSON, Left, over
from adsum.timetable.models import Enrolment

PART = 5_000
"""So many people are asked about in one query."""


def left(on: date, students: Collection[int] | None = None) -> dict[int, Left]:
    """Students whose last enrolment was over before that day, and who do not work here. Where their enrolments are no longer
    known as theirs, the day is kept with what was ended."""
    enrolled = Enrolment.objects.exclude(person__username__startswith=f"{ERASED}-")
    enrolled = enrolled if students is None else enrolled.filter(person__in=students)
    last = enrolled.order_by().values("person").annotate(last=Max("ends_on"), open=Count("pk", filter=Q(ends_on=None)))
    known = {row["person"]: row for row in last}
    ended = Ended.objects.exclude(at=None).exclude(left_on=None)
    ended = ended if students is None else ended.filter(student__in=students)
    found = {
        student: Left(day, sponsored)
        for student, day, sponsored in ended.values_list("student", "left_on", "sponsored")
        if day and student not in known
    }
    found |= {pk: Left(row["last"]) for pk, row in known.items() if not row["open"] and row["last"] and row["last"] < on}
    everyone = sorted(found)
    for start in range(0, len(everyone), PART):
        for pk, until in _sponsored(everyone[start : start + PART], on).items():
            found[pk] = found[pk]._replace(sponsored=True, sponsored_until=until)
    staff = set(RoleGrant.objects.held_on(on).exclude(role=Role.STUDENT).values_list("person", flat=True))
    return {student: one for student, one in found.items() if student not in staff}


def _sponsored(students: Collection[int], on: date) -> dict[int, date]:
    """Those of these students who were ever sponsored, and until when; while it is not ended, until that day."""
    profiles = current().filter(student__in=students).order_by().values("student")
    return {
        row["student"]: on if row["open"] else row["last"]
        for row in profiles.annotate(last=Max("until"), open=Count("pk", filter=Q(until=None)))
    }


def held(students: Collection[int] | None = None) -> set[int]:
    """Students under a legal hold."""
    holds = LegalHold.objects.filter(ended_at=None)
    return set((holds if students is None else holds.filter(student__in=students)).values_list("student", flat=True))


def holding(students: Collection[int]) -> set[int]:
    """Those of whom a longer class still holds something, so that it stays known who they were."""
    found: set[int] = set()
    for model, table in declarations().items():
        if table.person and table.keep in HOLDS_THE_PERSON:
            rows = model._default_manager.filter(**{f"{table.person}__in": students}).order_by()
            found.update(rows.values_list(table.person, flat=True).distinct())
    return found


def ended_of(students: Collection[int]) -> dict[int, dict[str, date | None]]:
    """What of each student was ended already, and for which last day."""
    found: defaultdict[int, dict[str, date | None]] = defaultdict(dict)
    for student, keep, day in Ended.objects.filter(student__in=students).values_list("student", "keep", "left_on"):
        found[student][keep] = day
    return found


def due(on: date) -> tuple[dict[int, tuple[Left, list[Keep]]], set[int]]:
    """Each student of whom something is over on that day, with what; and those whom a legal hold keeps back."""
    everyone = left(on)
    kept_back = held()
    found: dict[int, tuple[Left, list[Keep]]] = {}
    waiting: set[int] = set()
    students = sorted(everyone)
    for start in range(0, len(students), PART):
        part = students[start : start + PART]
        known, holds = ended_of(part), holding(part)
        for student in part:
            one = everyone[student]
            done = {keep for keep, day in known.get(student, {}).items() if day is None or day >= one.on}
            classes = over(one, on, done=done, holding=student in holds)
            if classes and student in kept_back:
                waiting.add(student)
            elif classes:
                found[student] = (one, classes)
    return found, waiting
