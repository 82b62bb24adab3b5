"""Attendance of many over time: the sum of each week, of departments and of courses. The database adds up, and each part of the
sum counts as the policy of its classes says."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from adsum.attendance.counting import Counted, Tally, tally
from adsum.attendance.models import Mark
from adsum.attendance.policies import DEFAULTS, Policies, policies
from adsum.attendance.record import counting_marks
from adsum.attendance.rules import Status
from adsum.core.clock import monday_of
from adsum.timetable.models import Enrolment

ALIKE = ("session__starts_on", "session__kind", "session__module__department", "session__mandatory", "status")
"""What marks have in common that enter a sum in the same way, besides the length of the class."""

Weeks = Mapping[date | None, Tally]
"""By Monday, the sum of that week; under None, of all of them. A week in which nothing counted is left out."""


class Days(NamedTuple):
    """From one civil day to another, both included."""

    first: date
    last: date


def department_weeks(departments: Iterable[int], days: Days, at: datetime) -> Weeks:
    """What all students together attended of the classes of these departments' modules, week by week (three queries)."""
    marks = _of_days(days, at).filter(session__module__department__in=departments)
    return _weeks(_parts(marks, policies())).get(None, {})


def course_weeks(courses: Collection[int], days: Days, at: datetime) -> dict[int, Weeks]:
    """The same by course, over all classes of those who were enrolled on it on the day of the class (four queries). A student
    on two of these courses is counted with the later enrolment: those few are looked up for each class, all others joined."""
    within = Q(ends_on=None) | Q(ends_on__gte=days.first)
    on_them = Enrolment.objects.filter(within, course__in=courses, starts_on__lte=days.last)
    by_person = on_them.order_by().values("person").annotate(rows=Count("pk"))
    marks = _of_days(days, at)
    once = marks.filter(
        Q(student__enrolments__ends_on=None) | Q(student__enrolments__ends_on__gte=F("session__starts_on")),
        student__in=by_person.filter(rows=1).values("person"),
        student__enrolments__course__in=courses,
        student__enrolments__starts_on__lte=F("session__starts_on"),
    ).annotate(part=F("student__enrolments__course"))
    that_day = on_them.on(OuterRef("session__starts_on")).filter(person=OuterRef("student")).order_by("-starts_on", "-pk")
    several = marks.filter(student__in=by_person.filter(rows__gt=1).values("person"))
    several = several.annotate(part=Subquery(that_day.values("course")[:1])).exclude(part=None)
    rules = policies()
    return _weeks(chain(_parts(once, rules, "part"), _parts(several, rules, "part")))


def _of_days(days: Days, at: datetime) -> QuerySet[Mark]:
    return counting_marks(at).filter(session__starts_on__gte=days.first, session__starts_on__lte=days.last)


def _parts(marks: QuerySet[Mark], rules: Policies, *by: str) -> Iterator[tuple[Any, date, Counted]]:
    """Marks that are alike, added up: for which row, on which day, and how they count."""
    rows: Iterable[Any] = (
        marks.order_by()
        .annotate(length=F("session__ends_at") - F("session__starts_at"))
        .values_list(*ALIKE, "length", *by)
        .annotate(n=Count("pk"))
    )
    for day, kind, department, mandatory, status, length, *rest in rows:
        part, number = rest if by else (None, *rest)
        version = rules.version_for(department=department, kind=kind, on=day)
        counting = (version.terms if version is not None else DEFAULTS).counting
        yield part, day, Counted(Status(status), mandatory, int(length / timedelta(minutes=1)), counting, number)


def _weeks(parts: Iterable[tuple[Any, date, Counted]]) -> dict[Any, Weeks]:
    found: dict[Any, dict[date | None, list[Counted]]] = {}
    for part, day, counted in parts:
        weeks = found.setdefault(part, {})
        for week in (None, monday_of(day)):
            weeks.setdefault(week, []).append(counted)
    return {part: {week: tally(some) for week, some in weeks.items()} for part, weeks in found.items()}
