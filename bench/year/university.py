"""The university of the made-up year, as its timetable and student record have it. Nothing of the truth is in it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.timetable.models import ClassSession, Course, Enrolment, Group, Module, Place, Room, Site, Teaching, Term, Vacation
from bench.year.truths import Kind, Span, Truth

LONDON = ZoneInfo("Europe/London")
COHORT, SEMINAR, MODULES, TUTEES = 60, 20, 4, 25
HOURS = range(10, 18)
TERMS = (
    Span(date(2025, 9, 22), date(2025, 12, 12)),
    Span(date(2026, 1, 12), date(2026, 3, 20)),
    Span(date(2026, 4, 13), date(2026, 4, 24)),
)
"""Twelve weeks before Christmas, ten and two around Easter."""
MORNING = datetime(2025, 9, 19, 9, tzinfo=UTC)
"""When all of it is there."""


@dataclass(slots=True)
class University:
    """Its people and classes, by the order in which they were made."""

    students: list[Person] = field(default_factory=list)
    tutors: list[Person] = field(default_factory=list)
    team: list[Person] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    classes: list[ClassSession] = field(default_factory=list)
    lecturer: dict[int, Person] = field(default_factory=dict)
    """By class."""
    site: dict[int, int] = field(default_factory=dict)
    """By class, the building that it is in."""
    expected: dict[int, list[int]] = field(default_factory=dict)
    """By class, the students who have a place in it, by their number in `students`."""
    beside: dict[int, int] = field(default_factory=dict)
    """By class of a seminar group, the class of a parallel group."""


def is_term(day: date) -> bool:
    return any(term.holds(day) for term in TERMS)


def mondays(weeks: int) -> list[date]:
    """The Mondays of the first so many weeks of teaching."""
    found = [term.first + timedelta(weeks=n) for term in TERMS for n in range((term.last - term.first).days // 7 + 1)]
    return found[:weeks]


def build(truths: list[Truth], weeks: list[date], random: Random) -> University:
    """Everything that is imported before the year begins."""
    made = University()
    departments = Department.objects.bulk_create([Department(code=code, name=code) for code in ("ARTS", "LAW", "SCI")])
    made.sites = Site.objects.bulk_create([Site(name=one.name) for one in departments])
    made.team = [_person(f"team{n}", Role.ATTENDANCE_TEAM) for n in range(2)]
    made.students = _people("s", len(truths), Role.STUDENT)
    made.tutors = _people("t", -(-len(truths) // TUTEES), Role.TUTOR)
    Term.objects.bulk_create(
        [Term(name=f"Term {n}", academic_year="2025/6", starts_on=one.first, ends_on=one.last) for n, one in enumerate(TERMS)]
    )
    Vacation.objects.bulk_create(
        [
            Vacation(name="Vacation", starts_on=before.last + timedelta(days=1), ends_on=after.first - timedelta(days=1))
            for before, after in pairwise(TERMS)
        ]
    )
    courses = Course.objects.bulk_create([Course(code=one.code, title=one.name, department=one) for one in departments])
    Enrolment.objects.bulk_create(
        [
            Enrolment(
                person=one,
                course=courses[n // COHORT % len(courses)],
                tutor=made.tutors[n // TUTEES],
                mode="part_time" if truths[n].kind == Kind.PART_TIME else "full_time",
                starts_on=TERMS[0].first,
            )
            for n, one in enumerate(made.students)
        ],
        batch_size=1000,
    )
    for first in range(0, len(truths), COHORT):
        which = first // COHORT % len(departments)
        numbers = range(first, min(first + COHORT, len(truths)))
        _cohort(made, numbers, truths, departments[which], made.sites[which], weeks, random)
    return made


def _people(prefix: str, number: int, role: Role) -> list[Person]:
    people = Person.objects.bulk_create(
        [Person(username=f"{prefix}{n}@uni.example", family_name=f"{prefix}{n}", number=f"{prefix}{n}") for n in range(number)],
        batch_size=1000,
    )
    RoleGrant.objects.bulk_create([RoleGrant(person=one, role=role) for one in people], batch_size=1000)
    return people


def _person(name: str, role: Role) -> Person:
    return _people(name, 1, role)[0]


def _cohort(
    made: University, numbers: range, truths: list[Truth], department: Department, site: Site, weeks: list[date], random: Random
) -> None:
    """Students who share their modules: each has a lecture a week for all, and a seminar in groups."""
    room = Room.objects.create(name=f"{site.name} {numbers.start}", site=site)
    hours = random.sample([(day, hour) for day in range(5) for hour in HOURS], 2 * MODULES)
    for m in range(MODULES):
        code = f"{department.code}{numbers.start}-{m}"
        module = Module.objects.create(code=code, title=f"Module {code}", department=department)
        lecturer = _person(f"l-{code.lower()}-", Role.LECTURER)
        here = [n for n in numbers if truths[n].kind != Kind.PART_TIME or m < MODULES // 2]
        _taught(made, module, lecturer, [here], "lecture", hours[2 * m], room, weeks)
        seminars = [here[n : n + SEMINAR] for n in range(0, len(here), SEMINAR)]
        _taught(made, module, lecturer, seminars, "seminar", hours[2 * m + 1], room, weeks)


def _taught(
    made: University,
    module: Module,
    lecturer: Person,
    parts: list[list[int]],
    kind: str,
    when: tuple[int, int],
    room: Room,
    weeks: list[date],
) -> None:
    """A class a week for each of these groups, all at the same time."""
    groups = Group.objects.bulk_create([Group(module=module, code=f"{kind}-{n}", kind=kind) for n in range(len(parts))])
    places = [Place(group=group, person=made.students[n]) for group, part in zip(groups, parts, strict=True) for n in part]
    Place.objects.bulk_create(places, batch_size=1000)
    sessions, links = list[ClassSession](), list[tuple[Group, list[int]]]()
    for monday in weeks:
        day = monday + timedelta(days=when[0])
        begins = datetime.combine(day, time(when[1]), tzinfo=LONDON).astimezone(UTC)
        for group, part in zip(groups, parts, strict=True):
            over = begins + timedelta(minutes=50)
            sessions.append(
                ClassSession(module=module, title=module.title, kind=kind, starts_at=begins, ends_at=over, starts_on=day)
            )
            links.append((group, part))
    ClassSession.objects.bulk_create(sessions, batch_size=500)
    through, rooms = ClassSession.groups.through, ClassSession.rooms.through
    through.objects.bulk_create(
        [through(classsession_id=one.pk, group_id=group.pk) for one, (group, _) in zip(sessions, links, strict=True)]
    )
    rooms.objects.bulk_create([rooms(classsession_id=one.pk, room_id=room.pk) for one in sessions])
    Teaching.objects.bulk_create([Teaching(session=one, person=lecturer) for one in sessions])
    for n, (one, (_, part)) in enumerate(zip(sessions, links, strict=True)):
        made.lecturer[one.pk], made.site[one.pk], made.expected[one.pk] = lecturer, room.site_id or 0, part
        if len(parts) > 1:
            week = n - n % len(parts)
            made.beside[one.pk] = sessions[week + (n + 1) % len(parts)].pk
    made.classes += sessions
