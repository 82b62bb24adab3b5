"""Reads across the timetable: who is expected where, and what is on."""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import KEEPS_RECORDS, KEEPS_REGISTERS, Access, Role
from adsum.timetable.models import ClassChange, ClassSession, Enrolment, Module, ModuleLeader, Place
from adsum.timetable.rules import Change


@cache
def university_zone() -> ZoneInfo:
    """The civil time of the university."""
    return ZoneInfo(settings.TIME_ZONE)


def _places_in(sessions: Collection[int]) -> QuerySet[Place]:
    """The places held in groups of these classes on the classes' own days. A suspended student is not expected."""
    return (
        Place.objects.filter(
            Q(starts_on=None) | Q(starts_on__lte=F("group__sessions__starts_on")),
            Q(ends_on=None) | Q(ends_on__gte=F("group__sessions__starts_on")),
            group__sessions__in=sessions,
            person__is_active=True,
        )
        .exclude(person__in=Enrolment.objects.filter(status=Enrolment.Status.SUSPENDED).values("person"))
        .distinct()
    )


def expected_in(sessions: Collection[int]) -> dict[int, dict[int, Person]]:
    """For each class id, the students expected in it, by id, in the order of their names: those who held a place in one of
    its groups on its own day. Two queries, however many classes; a class without students has an empty entry."""
    expected: dict[int, dict[int, Person]] = {pk: {} for pk in sessions}
    pairs = list(_places_in(sessions).values_list("group__sessions", "person_id"))
    people = Person.objects.in_bulk({person for _, person in pairs})
    for session, pk in sorted(pairs, key=lambda pair: _by_name(people[pair[1]])):
        if session in expected:
            expected[session][pk] = people[pk]
    return expected


class Name(NamedTuple):
    """How a page names a person."""

    name: str
    number: str


def names_expected_in(sessions: Collection[int]) -> dict[int, dict[int, Name]]:
    """The same as `expected_in`, in no order and with no more than their names: for the gate (one query)."""
    expected: dict[int, dict[int, Name]] = {pk: {} for pk in sessions}
    rows = _places_in(sessions).values_list(
        "group__sessions",
        "person_id",
        "person__preferred_name",
        "person__given_name",
        "person__family_name",
        "person__number",
    )
    for session, pk, preferred, given, family, number in rows:
        if session in expected:
            expected[session][pk] = Name(f"{preferred or given} {family}".strip(), number)
    return expected


def expected_ids(sessions: Collection[int]) -> dict[int, set[int]]:
    """The same as `expected_in`, ids only (one query): for what is done to whole registers at once."""
    expected: dict[int, set[int]] = {pk: set() for pk in sessions}
    for session, person in _places_in(sessions).values_list("group__sessions", "person_id"):
        if session in expected:
            expected[session].add(person)
    return expected


def how_many_expected(sessions: Collection[int]) -> dict[int, int]:
    """For each class id, how many students are expected in it (one query). A class without students is left out."""
    counts = _places_in(sessions).values("group__sessions").annotate(students=Count("person", distinct=True))
    return dict(counts.values_list("group__sessions", "students"))


def _by_name(person: Person) -> tuple[str, str, int]:
    return person.family_name.casefold(), person.given_name.casefold(), person.pk


def expected_students(session: ClassSession) -> dict[int, Person]:
    """The students expected in one class, by id, in the order of their names (two queries)."""
    return expected_in([session.pk])[session.pk]


def students_visible_to(person: Person, access: Access) -> QuerySet[Person]:
    """Students whose whole record the person may open, given what they may be; nobody else exists for them.

    Those who keep records see the students on the courses of their departments, tutors the tutees they have on that day.
    Lecturers see a student in their own classes only: that is the register's page. Never one's own: staff have that as
    students.
    """
    students = Person.objects.filter(pk__in=RoleGrant.objects.filter(role=Role.STUDENT).values("person")).exclude(pk=person.pk)
    departments = access.departments(*KEEPS_RECORDS)
    if departments is None:
        return students
    seen = Q(course__department__in=departments)
    if access.holds(Role.TUTOR):
        seen |= Q(Q(ends_on=None) | Q(ends_on__gte=access.on), tutor=person)
    return students.filter(pk__in=Enrolment.objects.filter(seen).values("person"))


class Relation(NamedTuple):
    """As what somebody may look at a student or a class: the role, and the department where that is what opens it."""

    role: Role
    department: int | None = None


def _by_department(access: Access, roles: Iterable[Role], departments: Iterable[int | None]) -> Relation | None:
    for role in roles:
        reach = access.departments(role)
        if reach is None:
            return Relation(role)
        if within := sorted(reach.intersection(departments)):
            return Relation(role, within[0])
    return None


def relation_to(person: Person, access: Access, student: Person) -> Relation | None:
    """As what the person may open this student's whole record; None: they may not (two queries). It says yes to exactly
    those whom `students_visible_to` lists."""
    if student.pk == person.pk or not RoleGrant.objects.filter(role=Role.STUDENT, person=student).exists():
        return None
    enrolments = list(Enrolment.objects.filter(person=student).values_list("tutor", "ends_on", "course__department"))
    if access.holds(Role.TUTOR) and any(
        tutor == person.pk and (ends_on is None or ends_on >= access.on) for tutor, ends_on, _ in enrolments
    ):
        return Relation(Role.TUTOR)
    return _by_department(access, sorted(KEEPS_RECORDS), [department for *_, department in enrolments])


def relation_to_class(person: Person, access: Access, session: ClassSession) -> Relation | None:
    """As what the person may open the register of this class; None: they may not (at most three queries)."""
    this = ClassSession.objects.filter(pk=session.pk)
    if access.holds(Role.LECTURER) and this.taught_by(person).exists():
        return Relation(Role.LECTURER)
    modules = Module.objects.filter(Q(pk=session.module_id) | Q(groups__sessions=session)).distinct()
    if access.holds(Role.MODULE_LEADER):
        led = ModuleLeader.objects.led_by(person, access).values("module")
        if modules.filter(pk__in=led).exists():
            return Relation(Role.MODULE_LEADER)
    return _by_department(access, sorted(KEEPS_REGISTERS), modules.values_list("department", flat=True))


class Moved(NamedTuple):
    """What a class was before it was moved: its start (UTC) and rooms."""

    starts_at: datetime
    rooms: tuple[str, ...]


def moved_since(sessions: Collection[int], since: datetime) -> dict[int, Moved]:
    """By class id, where and when each class was before it was first moved after `since` (one query)."""
    moves = ClassChange.objects.filter(session__in=sessions, change=Change.MOVED, at__gte=since).order_by("-version")
    return {
        session: Moved(datetime.fromisoformat(before["starts_at"]), tuple(before["rooms"]))
        for session, before in moves.values_list("session_id", "before")
        if before
    }
