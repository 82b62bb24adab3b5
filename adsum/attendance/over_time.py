"""Attendance of many over time: the sum of each week, of departments and of courses. The database adds up, and each part of the
sum counts as the policy of its classes says."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, F, OuterRef, QuerySet, Subquery

from adsum.attendance.counting import Counted, Tally, tally
from adsum.attendance.models import Mark
from adsum.attendance.policies import DEFAULTS, policies
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
    return _weeks(_parts(marks)).get(None, {})


def course_weeks(courses: Iterable[int], days: Days, at: datetime) -> dict[int, Weeks]:
    """The same by course, over all classes of those who were enrolled on it on the day of the class (three queries). A student
    on two of these courses is counted with the later enrolment."""
    on_them = Enrolment.objects.filter(course__in=courses)
    that_day = on_them.on(OuterRef("session__starts_on")).filter(person=OuterRef("student")).order_by("-starts_on", "-pk")
    marks = _of_days(days, at).filter(student__in=on_them.values("person"))
    marks = marks.annotate(part=Subquery(that_day.values("course")[:1])).exclude(part=None)
    return _weeks(_parts(marks, "part"))


def _of_days(days: Days, at: datetime) -> QuerySet[Mark]:
    return counting_marks(at).filter(session__starts_on__gte=days.first, session__starts_on__lte=days.last)


def _parts(marks: QuerySet[Mark], *by: str) -> Iterator[tuple[Any, date, Counted]]:
    """Marks that are alike, added up: for which row, on which day, and how they count."""
    rules = policies()
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
