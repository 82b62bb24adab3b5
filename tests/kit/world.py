"""A small university for tests: real rows, made through one builder. `world` is the fixture."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from django.db import connection

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.audit.services import record_all
from adsum.timetable.models import ClassSession, Course, Enrolment, Group, Module, Place, Room, Teaching
from adsum.timetable.rules import Change, ClassFacts, ClassStatus
from adsum.timetable.services import class_facts, facts_of, write_classes
from adsum.timetable.writes import ClassStep

P = ParamSpec("P")
R = TypeVar("R")

LONDON = ZoneInfo("Europe/London")
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday in term, 09:00 in London."""


@dataclass
class World:
    """Makes people, modules, groups and classes with as few words as possible."""

    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def department(self, code: str = "CS", name: str = "Computing", parent: Department | None = None) -> Department:
        return Department.objects.get_or_create(code=code, defaults={"name": name, "parent": parent})[0]

    def person(
        self, *roles: Role, name: str = "", number: str = "", department: Department | None = None, **fields: Any
    ) -> Person:
        """Someone with these roles (over `department`); `name` is "Given Family"."""
        n = next(self.numbers)
        given, _, family = (name or f"Given{n} Family{n}").partition(" ")
        person = Person.objects.create(
            username=f"{given}.{family}.{n}@uni.example".casefold().replace(" ", "-"),
            given_name=given,
            family_name=family,
            number=number or f"{n:08d}",
            **fields,
        )
        RoleGrant.objects.bulk_create([RoleGrant(person=person, role=role, department=department) for role in roles])
        return person

    def student(self, name: str = "", *, groups: Sequence[Group] = (), **fields: Any) -> Person:
        person = self.person(Role.STUDENT, name=name, **fields)
        self.place(person, *groups)
        return person

    def lecturer(self, name: str = "", **fields: Any) -> Person:
        return self.person(Role.LECTURER, name=name, **fields)

    def enrol(self, person: Person, department: Department | None = None, tutor: Person | None = None) -> Enrolment:
        """On a course of that department."""
        department = department or self.department()
        course, _ = Course.objects.get_or_create(code=f"BSC-{department.code}", defaults={"department": department})
        return Enrolment.objects.create(person=person, course=course, tutor=tutor, starts_on=date(2026, 9, 21))

    def module(self, title: str = "Algorithms", code: str = "", department: Department | None = None) -> Module:
        department = department or self.department()
        return Module.objects.create(
            code=code or f"{department.code}{next(self.numbers):03d}", title=title, department=department
        )

    def group(self, module: Module | None = None, code: str = "", students: int = 0) -> Group:
        module = module or self.module()
        group = Group.objects.create(module=module, code=code or f"L{next(self.numbers)}")
        for _ in range(students):
            self.student(groups=[group])
        return group

    def place(self, person: Person, *groups: Group, starts_on: date | None = None, ends_on: date | None = None) -> None:
        Place.objects.bulk_create([Place(group=group, person=person, starts_on=starts_on, ends_on=ends_on) for group in groups])

    def session(
        self,
        group: Group | None = None,
        *,
        starts_at: datetime = NINE,
        minutes: int = 60,
        staff: Sequence[Person] = (),
        room: str = "C2.01",
        **fields: Any,
    ) -> ClassSession:
        """One class of a group."""
        group = group or self.group()
        session = ClassSession.objects.create(
            module=group.module,
            title=fields.pop("title", group.module.title),
            kind=fields.pop("kind", "lecture"),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            starts_on=starts_at.astimezone(LONDON).date(),
            **fields,
        )
        session.groups.add(group)
        session.rooms.add(Room.objects.get_or_create(name=room)[0])
        Teaching.objects.bulk_create([Teaching(session=session, person=person) for person in staff])
        return session


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `function` beside the event loop, and give its database connection back."""

    def call() -> R:
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(call)


def decide(session: ClassSession, change: Change, before: ClassFacts, *, at: datetime, actor: str, **links: Any) -> None:
    """A feed, or a person, changes this class (and its `rooms`, `staff` or `groups`), and its history says so."""
    rooms, staff = links.get("rooms", session.rooms.all()), links.get("staff", session.staff.all())
    after = class_facts(session, rooms, links.get("groups", session.groups.select_related("module")), staff)
    step = ClassStep(session, change, before, after, **links)
    record_all(write_classes([step], run=None, at=at, actor=actor), actor=actor, at=at)


def cancel_class(session: ClassSession, *, at: datetime, actor: str) -> None:
    """A feed, or a person, cancels this class."""
    session = ClassSession.objects.select_related("module").get(pk=session.pk)
    before = facts_of(session)
    session.status = ClassStatus.CANCELLED
    decide(session, Change.CANCELLED, before, at=at, actor=actor)
