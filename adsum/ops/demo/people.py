"""Who studies and works at the demo university, and as what."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from uuid import UUID

from django.contrib.auth.hashers import make_password

from adsum.accounts.models import Department, Identifier, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.ops.demo import DOMAIN, PASSWORD, SOURCE
from adsum.ops.demo.calendar import TeachingCalendar
from adsum.ops.demo.catalogue import FACULTIES, LEVELS, SCHOOLS, School
from adsum.ops.demo.names import LONG, Name, make_name
from adsum.timetable.models import Course, Enrolment, Module, ModuleLeader

STUDENTS = 2000
ACADEMICS_PER_SCHOOL = 16
YEAR_SHARES = dict(zip(LEVELS, (0.38, 0.34, 0.28), strict=True))
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Persona:
    """A person whom a visitor can sign in as, with one tap on the sign-in page."""

    value: str
    name: Name
    roles: tuple[Role, ...]


PERSONAS = {
    persona.value: persona
    for persona in (
        Persona("student", Name("Cerys", "Okafor", "", "she/her", welsh=True), (Role.STUDENT,)),
        Persona("lecturer", Name("Idris", "Penhallow", "", "he/him", welsh=True), (Role.LECTURER,)),
        Persona("tutor", Name("Marguerite", "Osei", "", "she/her"), (Role.TUTOR, Role.LECTURER)),
        Persona("module_leader", Name("Benedikta", "Farrow", "", "she/her"), (Role.MODULE_LEADER,)),
        Persona("department", Name("Tomasz", "Aldridge", "", "he/him"), (Role.DEPARTMENT,)),
        Persona("attendance_team", Name("Rohan", "Whitlock"), (Role.ATTENDANCE_TEAM,)),
        Persona("help_desk", Name("Dilys", "Marchetti", "", "she/her"), (Role.HELP_DESK,)),
        Persona("compliance", Name("Elspeth", "Nakamura"), (Role.COMPLIANCE_UKVI, Role.COMPLIANCE_SLC)),
        Persona("timetabling", Name("Soraya", "Lindqvist", "", "she/her"), (Role.TIMETABLING,)),
        Persona("data_protection", Name("Philippa", "Nwosu"), (Role.DATA_PROTECTION, Role.AUDITOR)),
        Persona("administrator", Name("Gwilym", "Thackeray", "Gwil", welsh=True), (Role.ADMINISTRATOR,)),
    )
}
PERSONA_SCHOOL, PERSONA_LEVEL = SCHOOLS[0], 5
"""Where the student, the lecturer and the tutor among them belong: second-year Computing."""

LIVE_YEAR = f"{PERSONA_SCHOOL.code}{PERSONA_LEVEL}"
"""How the codes of their modules begin."""

OFFICE = (
    *[(Role.ATTENDANCE_TEAM, None)] * 4,
    *[(Role.COMPLIANCE_UKVI, None)] * 2,
    *[(Role.COMPLIANCE_SLC, None)] * 1,
    *[(Role.TIMETABLING, None)] * 3,
    (Role.ADMINISTRATOR, None),
    (Role.DATA_PROTECTION, None),
    (Role.AUDITOR, None),
    *[(Role.DEPARTMENT, school.code) for school in SCHOOLS],
)
"""Who works in the offices besides the personas: role, and the school it is for."""


@dataclass(slots=True)
class Student:
    """A student as the rest of the demo needs one. `left_on` is the last day of those who withdrew."""

    person: Person
    school: School
    level: int
    course: str
    joined_on: date
    left_on: date | None = None
    suspended: bool = False


@dataclass(slots=True)
class Population:
    """Everybody, as they are stored."""

    departments: dict[str, Department] = field(default_factory=dict)
    students: list[Student] = field(default_factory=list)
    academics: dict[str, list[Person]] = field(default_factory=dict)
    """By school; the module leaders first."""
    personas: dict[str, Person] = field(default_factory=dict)


def make_ref(random: Random) -> UUID:
    """A reference that the seed decides, not the machine."""
    return UUID(int=random.getrandbits(128), version=4)


class Maker:
    """Makes people one by one, so that no two share an address or a number."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.password = make_password(PASSWORD)
        self.taken: set[str] = set()
        self.people: list[Person] = []
        self.grants: list[RoleGrant] = []
        self.identifiers: list[Identifier] = []

    def person(self, name: Name, *, number: str) -> Person:
        local = f"{_plain(name.preferred or name.given)}.{_plain(name.family)}"
        username, again = f"{local}@{DOMAIN}", 1
        while username in self.taken:
            again += 1
            username = f"{local}{again}@{DOMAIN}"
        self.taken.add(username)
        person = Person(
            ref=make_ref(self.random),
            username=username,
            email=username,
            password=self.password,
            given_name=name.given,
            family_name=name.family,
            preferred_name=name.preferred,
            pronouns=name.pronouns,
            number=number,
            language="cy" if name.welsh and self.random.random() < 0.4 else "",
            source=SOURCE,
            source_id=number,
        )
        self.people.append(person)
        return person

    def grant(self, person: Person, role: Role, department: Department | None = None) -> None:
        self.grants.append(RoleGrant(person=person, role=role, department=department, source=SOURCE))

    def identify(self, person: Person, system: str, kind: str, value: str) -> None:
        self.identifiers.append(Identifier(person=person, system=system, kind=kind, value=value))

    def persona(self, value: str, *, number: str, department: Department | None = None) -> Person:
        persona = PERSONAS[value]
        person = self.person(persona.name, number=number)
        person.language = ""  # a visitor chooses the language
        for role in persona.roles:
            self.grant(person, role, department)
        self.identify(person, "demo", "persona", value)
        return person

    def store(self) -> None:
        Person.objects.bulk_create(self.people, batch_size=BATCH)
        RoleGrant.objects.bulk_create(self.grants, batch_size=BATCH)
        Identifier.objects.bulk_create(self.identifiers, batch_size=BATCH)


def _plain(name: str) -> str:
    """A name as it can stand in an e-mail address."""
    letters = unicodedata.normalize("NFKD", name.translate(str.maketrans("łŁøØđĐı", "lLoOdDi"))).casefold()
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalnum() or letter == "-"))


def make_people(calendar: TeachingCalendar, *, scale: float) -> Population:
    """Store departments, courses, staff, students and what they may do. `scale` is a share of the 2,000 students."""
    random = Random("people")  # noqa: S311 - made up, and meant to be the same every time
    population = Population(departments=_make_departments())
    maker = Maker(random)
    _make_staff(maker, population)
    _make_students(maker, population, calendar, count=max(len(SCHOOLS) * 6, round(STUDENTS * scale)))
    maker.store()
    _make_more_staff(maker, population)
    _enrol(population, calendar, random)
    return population


def _make_departments() -> dict[str, Department]:
    made: dict[str, Department] = {}
    for faculty in FACULTIES:
        made[faculty.code] = Department.objects.create(code=faculty.code, name=faculty.name)
        for school in faculty.schools:
            made[school.code] = Department.objects.create(code=school.code, name=school.name, parent=made[faculty.code])
    return made


def _make_staff(maker: Maker, population: Population) -> None:
    numbers = (f"{number:06d}" for number in range(4101, 5000))
    for school in SCHOOLS:
        department = population.departments[school.code]
        academics = population.academics[school.code] = []
        for _ in range(ACADEMICS_PER_SCHOOL):
            if school is PERSONA_SCHOOL and len(academics) < 2:
                value = ("lecturer", "tutor")[len(academics)]
                population.personas[value] = maker.persona(value, number=next(numbers), department=department)
                academics.append(population.personas[value])
                continue
            person = maker.person(make_name(maker.random), number=next(numbers))
            maker.grant(person, Role.LECTURER, department)
            maker.grant(person, Role.TUTOR, department)
            academics.append(person)
    for value in ("attendance_team", "compliance", "timetabling", "administrator"):
        population.personas[value] = maker.persona(value, number=next(numbers))
    for role, school_code in OFFICE:
        person = maker.person(make_name(maker.random), number=next(numbers))
        maker.grant(person, role, population.departments[school_code] if school_code else None)


def _make_more_staff(made: Maker, population: Population) -> None:
    """Add personas who do not teach. They are made separately, so that all other people stay as they are."""
    maker = Maker(Random("offices"))  # noqa: S311 - made up, and meant to be the same every time
    maker.taken = made.taken
    here = population.departments[PERSONA_SCHOOL.code]
    for number, value, department in (
        ("004091", "module_leader", None),
        ("004092", "department", here),
        ("004093", "data_protection", None),
        ("004094", "help_desk", None),
    ):
        population.personas[value] = maker.persona(value, number=number, department=department)
    maker.store()


def make_leaders(population: Population, modules: Iterable[tuple[Module, Person]]) -> None:
    """Make each module's lecturer its leader, except the personas; the module leader among them leads two of their own year."""
    personas = {person.pk for person in population.personas.values()}
    every = list(modules)
    leads = [(module, person) for module, person in every if person.pk not in personas]  # they have one role to show each
    lead_two = [module for module, _ in every if module.code.startswith(LIVE_YEAR)][:2]
    leads += [(module, population.personas["module_leader"]) for module in lead_two]
    ModuleLeader.objects.bulk_create(ModuleLeader(module=module, person=person, source=SOURCE) for module, person in leads)
    leaders = {person.pk: person for _, person in leads if person.pk not in personas}
    RoleGrant.objects.bulk_create(
        RoleGrant(person=person, role=Role.MODULE_LEADER, source=SOURCE) for person in leaders.values()
    )


def _make_students(maker: Maker, population: Population, calendar: TeachingCalendar, *, count: int) -> None:
    random = maker.random
    buckets = [
        (school, course.code, level, course.share / 1000 * YEAR_SHARES[level])
        for school in SCHOOLS
        for course in school.courses
        for level in LEVELS
    ]
    unusual = iter(LONG)
    edges, total = [], 0.0
    for *_, share in buckets:
        edges.append((round(total * count), round((total + share) * count)))
        total += share
    for (school, course, level, _), (first, end) in zip(buckets, edges, strict=True):
        for nth in range(first, end):
            entered = calendar.entry.year - (level - LEVELS[0])
            number = f"{entered % 100:02d}{nth + 1:05d}"
            if nth == first and school is PERSONA_SCHOOL and level == PERSONA_LEVEL and course == "CS":
                person = population.personas["student"] = maker.persona("student", number=number)
            else:
                name = next(unusual, None) if nth % 97 == 60 else None
                person = maker.person(name or make_name(random), number=number)
                maker.grant(person, Role.STUDENT)
            maker.identify(person, "sits", "spr", f"{number}/1")
            student = Student(person, school, level, course, joined_on=calendar.first)
            _vary(student, random, calendar, persona=person is population.personas.get("student"))
            population.students.append(student)


def _vary(student: Student, random: Random, calendar: TeachingCalendar, *, persona: bool) -> None:
    """Some came late, some left, some are taking a break."""
    fate = random.random()
    if persona:
        return
    if fate < 0.02:
        student.joined_on = calendar.weeks[2] + timedelta(days=random.randrange(5))
    elif fate < 0.032:
        student.left_on = calendar.weeks[random.randrange(2, 5)] + timedelta(days=random.randrange(5))
    elif fate < 0.04:
        student.suspended = True


def _enrol(population: Population, calendar: TeachingCalendar, random: Random) -> None:
    courses = {
        course.code: Course(
            code=course.code,
            title=course.title,
            department=population.departments[school.code],
            source=SOURCE,
            source_id=course.code,
        )
        for school in SCHOOLS
        for course in school.courses
    }
    Course.objects.bulk_create(courses.values())
    status = Enrolment.Status
    enrolments = []
    for nth, student in enumerate(population.students):
        tutors = population.academics[student.school.code]
        cohort = student.school is PERSONA_SCHOOL and student.level == PERSONA_LEVEL
        # The tutor among the personas looks after some of the persona student's year.
        tutor = population.personas["tutor"] if cohort and nth % 6 == 0 else tutors[nth % len(tutors)]
        if student.person is population.personas["student"]:
            tutor = population.personas["tutor"]
        began = calendar.entry if student.joined_on == calendar.first else student.joined_on
        enrolments.append(
            Enrolment(
                person=student.person,
                course=courses[student.course],
                tutor=tutor,
                level=str(student.level),
                mode="part_time" if random.random() < 0.03 else "full_time",
                year_of_study=student.level - LEVELS[0] + 1,
                status=status.WITHDRAWN if student.left_on else status.SUSPENDED if student.suspended else status.ENROLLED,
                starts_on=began.replace(year=began.year - (student.level - LEVELS[0])),
                ends_on=student.left_on,
            )
        )
    Enrolment.objects.bulk_create(enrolments, batch_size=BATCH)
