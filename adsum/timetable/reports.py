"""Reads across the timetable: who is expected where, and what is on."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Q, QuerySet

from adsum.accounts.models import Person
from adsum.core.clock import civil_day
from adsum.timetable.models import ClassSession, Enrolment, Place


def university_zone() -> ZoneInfo:
    """The civil time of the university."""
    return ZoneInfo(settings.TIME_ZONE)


def expected_in(sessions: Collection[int]) -> dict[int, dict[int, Person]]:
    """For each class id, the students expected in it, by id: those who held a place in one of its groups on its own day.

    A suspended student is not expected. Two queries, however many classes; a class without students has an empty entry.
    """
    expected: dict[int, dict[int, Person]] = {pk: {} for pk in sessions}
    held = (
        Place.objects.filter(
            Q(starts_on=None) | Q(starts_on__lte=F("group__sessions__starts_on")),
            Q(ends_on=None) | Q(ends_on__gte=F("group__sessions__starts_on")),
            group__sessions__in=sessions,
            person__is_active=True,
        )
        .exclude(person__in=Enrolment.objects.filter(status=Enrolment.Status.SUSPENDED).values("person"))
        .values_list("group__sessions", "person_id")
        .distinct()
    )
    pairs = [(session, person) for session, person in held if session in expected]
    people = Person.objects.in_bulk({person for _, person in pairs})
    for session, pk in sorted(pairs, key=lambda pair: _by_name(people[pair[1]])):
        expected[session][pk] = people[pk]
    return expected


def _by_name(person: Person) -> tuple[str, str, int]:
    return person.family_name.casefold(), person.given_name.casefold(), person.pk


def expected_students(session: ClassSession) -> dict[int, Person]:
    """The students expected in one class, by id, in the order of their names (two queries)."""
    return expected_in([session.pk])[session.pk]


def sessions_of_day(at: datetime, sessions: QuerySet[ClassSession]) -> QuerySet[ClassSession]:
    """Those of `sessions` that start, or are still running, on the university's civil day of `at`, in order, with what
    a list of classes shows (four queries in all)."""
    start, end = civil_day(at.astimezone(university_zone()).date(), university_zone())
    return (
        sessions.filter(starts_at__lt=end, ends_at__gt=start)
        .select_related("module")
        .prefetch_related("rooms", "staff", "groups")
        .order_by("starts_at", "title", "pk")
    )
