"""Reads across the timetable: who is expected where, and what is on."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, DateField, F, OuterRef, Q, QuerySet, Value

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import HELPS, KEEPS_RECORDS, KEEPS_REGISTERS, Access, Role
from adsum.timetable.models import (
    ClassChange,
    ClassReport,
    ClassSession,
    Enrolment,
    Module,
    ModuleLeader,
    Place,
    Teaching,
    Term,
    studies,
)
from adsum.timetable.rules import Change, ClassStatus, differs, kept


@cache
def university_zone() -> ZoneInfo:
    """The civil time of the university."""
    return ZoneInfo(settings.TIME_ZONE)


def _held_in(sessions: Collection[int]) -> QuerySet[Place]:
    """The places held in groups of these classes on the classes' own days, by students who were on a course that day and not
    suspended from it (docs/rules.md A 8)."""
    held = Place.objects.filter(
        Q(starts_on=None) | Q(starts_on__lte=F("group__sessions__starts_on")),
        Q(ends_on=None) | Q(ends_on__gte=F("group__sessions__starts_on")),
        group__sessions__in=sessions,
    )
    return held.alias(day=F("group__sessions__starts_on")).filter(studies(OuterRef("person"), OuterRef("day"))).distinct()


def _places_in(sessions: Collection[int]) -> QuerySet[Place]:
    """The same, of those whose account is open."""
    return _held_in(sessions).filter(person__is_active=True)


def held_by(people: Collection[int], sessions: Collection[int]) -> set[tuple[int, int]]:
    """Pairs (class, student): these people are expected in these classes by their places and enrolments, whatever became of
    their accounts since (one query)."""
    held = _held_in(sessions).filter(person__in=people)
    return set(held.values_list("group__sessions", "person_id"))


def expected_in(sessions: Collection[int]) -> dict[int, dict[int, Person]]:
    """For each class id, the students expected in it, by id, in the order of their names: those who held a place in one of
    its groups on its own day. Two queries, however many classes; a class without students has an empty entry."""
    expected: dict[int, dict[int, Person]] = {pk: {} for pk in sessions}
    pairs = list(_places_in(sessions).values_list("group__sessions", "person_id"))
    people = Person.objects.in_bulk({person for _, person in pairs})
    for session, pk in sorted(pairs, key=lambda pair: by_name(people[pair[1]])):
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
        "group__sessions", "person_id", "person__preferred_name", "person__given_name", "person__family_name", "person__number"
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


def by_name(person: Person) -> tuple[str, str, int]:
    """The order in which people are listed."""
    return person.family_name.casefold(), person.given_name.casefold(), person.pk


def expected_students(session: ClassSession) -> dict[int, Person]:
    """The students expected in one class, by id, in the order of their names (two queries)."""
    return expected_in([session.pk])[session.pk]


def students_visible_to(person: Person, access: Access) -> QuerySet[Person]:
    """Students whose whole record the person may open with this access; pages treat all others as not existing.

    Those who keep records see the students on the courses of their departments, tutors the tutees they have on that day.
    Lecturers see a student only in their own classes, on the register's page. People never see their own record here: they
    have it as students.
    """
    students = _students().exclude(pk=person.pk)
    departments = access.departments(*KEEPS_RECORDS)
    if departments is None:
        return students
    seen = Q(course__department__in=departments)
    if access.holds(Role.TUTOR):
        seen |= Q(Q(ends_on=None) | Q(ends_on__gte=access.on), tutor=person)
    return students.filter(pk__in=Enrolment.objects.filter(seen).values("person"))


def students_helped_by(person: Person, access: Access) -> QuerySet[Person]:
    """Students for whom the person may record an absence, when they call, write or come: any student for a help desk; for those
    who keep records, the students of their departments. Never themselves."""
    if not access.holds(*HELPS):
        departments = access.departments(*KEEPS_RECORDS)
        if departments is not None:
            on_courses = Enrolment.objects.filter(course__department__in=departments).values("person")
            return _students().filter(pk__in=on_courses).exclude(pk=person.pk)
    return _students().exclude(pk=person.pk)


def _students() -> QuerySet[Person]:
    return Person.objects.filter(pk__in=RoleGrant.objects.filter(role=Role.STUDENT).values("person"))


def students_of_modules(modules: Collection[int], *, on: date) -> dict[int, set[int]]:
    """For each of these modules, who holds a place in one of its groups on that day (one query)."""
    found: dict[int, set[int]] = {}
    places = Place.objects.on(on).filter(group__module__in=modules, person__is_active=True)
    for module, person in places.values_list("group__module", "person").distinct():
        found.setdefault(module, set()).add(person)
    return found


class Relation(NamedTuple):
    """The role in which a person may look at a student or a class, and the department if the role opens it through one."""

    role: Role
    department: int | None = None


def _by_department(access: Access, roles: Iterable[Role], departments: Collection[int | None]) -> Relation | None:
    for role in roles:
        reach = access.departments(role)
        if reach is None:
            return Relation(role)
        if within := sorted(reach.intersection(departments)):
            return Relation(role, within[0])
    return None


def relation_to(person: Person, access: Access, student: Person) -> Relation | None:
    """The role in which the person may open this student's whole record; None: they may not (two queries). It agrees exactly
    with `students_visible_to`."""
    if student.pk == person.pk or not RoleGrant.objects.filter(role=Role.STUDENT, person=student).exists():
        return None
    return relations_to(person, access, [student.pk]).get(student.pk)


def relations_to(person: Person, access: Access, students: Collection[int]) -> dict[int, Relation]:
    """The role in which the person may open each of these students' whole records; others are left out (one query)."""
    departments: dict[int, list[int | None]] = {pk: [] for pk in students}
    tutees = set()
    rows = Enrolment.objects.filter(person__in=students)
    for student, tutor, ends_on, department in rows.values_list("person", "tutor", "ends_on", "course__department"):
        departments[student].append(department)
        if access.holds(Role.TUTOR) and tutor == person.pk and (ends_on is None or ends_on >= access.on):
            tutees.add(student)
    found = {
        pk: Relation(Role.TUTOR) if pk in tutees else _by_department(access, sorted(KEEPS_RECORDS), within)
        for pk, within in departments.items()
    }
    return {pk: relation for pk, relation in found.items() if relation is not None}


def by_department(access: Access, department: int | None) -> Relation | None:
    """The role in which a person sees the classes of a department; None: they do not."""
    return _by_department(access, sorted(KEEPS_REGISTERS), [department])


def as_one_of(access: Access, roles: AbstractSet[Role], department: int | None = None) -> Relation:
    """The role, of `roles`, in which a person sees something, and this department if they hold the role over it."""
    return _by_department(access, sorted(roles), [department]) or Relation(min(access.roles & roles))


def relation_to_class(person: Person, access: Access, session: ClassSession) -> Relation | None:
    """The role in which the person may open the register of this class; None: they may not (at most three queries)."""
    this = ClassSession.objects.filter(pk=session.pk)
    if access.holds(Role.LECTURER) and this.taught_by(person).exists():
        return Relation(Role.LECTURER)
    modules = Module.objects.filter(Q(pk=session.module_id) | Q(groups__sessions=session)).distinct()
    if access.holds(Role.MODULE_LEADER):
        led = ModuleLeader.objects.led_by(person, access).values("module")
        if modules.filter(pk__in=led).exists():
            return Relation(Role.MODULE_LEADER)
    return _by_department(access, sorted(KEEPS_REGISTERS), modules.values_list("department", flat=True))


def staff_of(sessions: Collection[int]) -> dict[int, dict[int, Person]]:
    """By class id, who teaches it: the named staff, or else its groups' lecturers, as in `taught_by` (three queries)."""
    staff = staff_ids_of(sessions)
    people = Person.objects.in_bulk({person for ids in staff.values() for person in ids})
    return {session: {pk: people[pk] for pk in ids} for session, ids in staff.items()}


def staff_ids_of(sessions: Collection[int]) -> dict[int, list[int]]:
    """The same as `staff_of`, ids only (two queries)."""
    staff: dict[int, list[int]] = {pk: [] for pk in sessions}
    for session, person in Teaching.objects.filter(session__in=sessions).order_by("pk").values_list("session", "person"):
        staff[session].append(person)
    names_nobody = [pk for pk, people in staff.items() if not people]
    links = ClassSession.groups.through.objects.filter(classsession__in=names_nobody, group__staff__isnull=False)
    for session, person in links.values_list("classsession", "group__staff__person").distinct():
        staff[session].append(person)
    return staff


def studying(people: Collection[int], on: date) -> set[int]:
    """Which of these people were on a course that day and not suspended from it, or are on none that is known (one query)."""
    known = Person.objects.filter(pk__in=people).alias(day=Value(on, DateField()))
    return set(known.filter(studies(OuterRef("pk"), OuterRef("day"))).values_list("pk", flat=True))


@dataclass(slots=True)
class News:
    """What changed of a class since some time; where it has moved, what it was before it first did (UTC)."""

    starts_at: datetime | None = None
    rooms: tuple[str, ...] | None = None
    room_ids: frozenset[int] | None = None
    """Which rooms these were; None where only their names were kept."""
    added: bool = False
    """A person added it; no timetable named it."""
    restored: bool = False
    covered: bool = False
    groups_changed: bool = False
    reported_by: str = ""
    """Who reported it, while it waits to be confirmed."""


def news_of(sessions: Collection[int], since: datetime) -> dict[int, News]:
    """By class id, what changed after `since` or waits to be confirmed; classes with nothing new are left out (two
    queries)."""
    found: dict[int, News] = {}
    changes = ClassChange.objects.filter(session__in=sessions, at__gte=since).exclude(change=Change.VANISHED)
    rows = changes.order_by("version").values_list("session_id", "change", "before", "after", "actor")
    steps: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    for session, change, before, after, actor in rows:
        by_hand = actor.startswith("person:")
        if change == Change.NEW and not by_hand:
            continue
        news = found.setdefault(session, News())
        news.added = news.added or (change == Change.NEW and by_hand)
        news.restored = change == Change.RESTORED
        if before is None:
            continue
        steps[session] = (steps[session][0] if session in steps else before, after)
        news.groups_changed = news.groups_changed or differs(before, after, "groups")
        if change == Change.MOVED and news.starts_at is None:
            news.starts_at, news.rooms = datetime.fromisoformat(before["starts_at"]), tuple(before["rooms"])
            news.room_ids = frozenset(before["room_ids"]) if "room_ids" in before else None
    for session, (before, after) in steps.items():
        had, has = kept(before, after, "staff")
        found[session].covered = bool(before["staff"]) and not set(had) <= set(has)
    waiting = ClassReport.objects.filter(session__in=sessions, decided_at=None).select_related("by")
    for report in waiting:
        found.setdefault(report.session_id, News()).reported_by = report.by.display_name
    return found


class Clash(NamedTuple):
    """A class at the same time that shares a room, a member of staff or students."""

    session: ClassSession
    what: str
    """`room`, `staff` or `groups`."""


def clashes(
    *,
    starts_at: datetime,
    ends_at: datetime,
    rooms: Collection[int],
    staff: Collection[int],
    groups: Collection[int],
    besides: int | None = None,
) -> list[Clash]:
    """What would get in the way of a class at that time (three queries)."""
    there = ClassSession.objects.filter(starts_at__lt=ends_at, ends_at__gt=starts_at, status=ClassStatus.SCHEDULED)
    there = there.exclude(pk=besides or 0).select_related("module").order_by("starts_at", "pk")
    shared = (("room", {"rooms__in": rooms}), ("staff", {"staff__in": staff}), ("groups", {"groups__in": groups}))
    return [Clash(session, what) for what, same in shared for session in there.filter(**same).distinct()[:5]]


def term_began(on: date) -> date | None:
    """The first day of the latest term that had begun on that day; None before any (one query)."""
    return Term.objects.filter(starts_on__lte=on).order_by("-starts_on").values_list("starts_on", flat=True).first()
