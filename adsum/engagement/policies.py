"""Which alert rules are in force or in rehearsal, whom they are for, and the calendar that they look back over."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from adsum.accounts.models import Department
from adsum.attendance.counting import Calendar, Days, TermDays
from adsum.engagement.models import RuleSwitch, RuleVersion
from adsum.engagement.rules import RuleSet, Studies
from adsum.timetable.models import Enrolment, Term, Vacation


def version_at(place: RuleSwitch.Place, at: datetime) -> RuleVersion | None:
    """The version in force or in rehearsal at that instant, with its rules; None while there is none (two queries)."""
    switches = RuleSwitch.objects.filter(place=place, at__lte=at).order_by("-at", "-pk")
    switch = switches.select_related("version").prefetch_related("version__rules").first()
    return switch.version if switch is not None else None


def rule_set_in_force(at: datetime) -> RuleSet | None:
    """The rules in force at that instant; None: alerts are switched off (two queries)."""
    version = version_at(RuleSwitch.Place.IN_FORCE, at)
    return version.rule_set if version is not None else None


def university_calendar() -> Calendar:
    """Terms and vacations of the university (two queries)."""
    terms = Term.objects.order_by("starts_on").values_list("starts_on", "ends_on", "academic_year")
    vacations = Vacation.objects.order_by("starts_on").values_list("starts_on", "ends_on")
    return Calendar(
        ZoneInfo(settings.TIME_ZONE), tuple(TermDays(*one) for one in terms), tuple(Days(*one) for one in vacations)
    )


def studies_of(students: Collection[int], on: date) -> dict[int, tuple[Studies, ...]]:
    """What these students study on a day (three queries). Those who are suspended, or whose courses have ended, are left out.
    A student of whom no enrolment is known at all is kept, with no course."""
    parents = dict(Department.objects.values_list("pk", "parent"))

    def with_those_above(department: int | None) -> frozenset[int]:
        chain = set[int]()
        while department is not None and department not in chain:
            chain.add(department)
            department = parents.get(department)
        return frozenset(chain)

    rows = Enrolment.objects.on(on).filter(person__in=students).order_by("starts_on", "pk")
    found, stopped = defaultdict[int, dict[int, Studies]](dict), set[tuple[int, int]]()
    above = dict[int | None, frozenset[int]]()
    for person, course, department, level, mode, status in rows.values_list(
        "person", "course", "course__department", "level", "mode", "status"
    ):
        if status == Enrolment.Status.SUSPENDED:
            stopped.add((person, course))
        elif status == Enrolment.Status.ENROLLED:
            departments = above.get(department) or above.setdefault(department, with_those_above(department))
            found[person][course] = Studies(departments, level, mode)
    studying = {
        person: tuple(one for course, one in courses.items() if (person, course) not in stopped)
        for person, courses in found.items()
    }
    enrolled = set(Enrolment.objects.filter(person__in=students).values_list("person", flat=True))
    unknown = {person: () for person in students if person not in enrolled}
    return {**unknown, **{person: courses for person, courses in studying.items() if courses}}
