"""As of any moment: whatever happens afterwards, registers, rosters and sums of then are what people saw then."""

from collections.abc import Callable
from copy import copy
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.amendments import undoable
from adsum.attendance.closing import close_registers
from adsum.attendance.history import account_as_of, module_as_of, register_as_of
from adsum.attendance.models import Query, Register
from adsum.attendance.queries import raise_query
from adsum.attendance.record import account, classes_of, own_classes
from adsum.attendance.reports import register_of
from adsum.attendance.rules import MARKABLE, Reason, Status
from adsum.audit.bulk import Rows
from adsum.core.errors import AdsumError
from adsum.timetable.history import classes_as_of
from adsum.timetable.models import ClassChange, ClassSession, Place
from adsum.timetable.rules import Change, ClassStatus
from adsum.timetable.services import facts_json, facts_of, start_import, write
from adsum.timetable.writes import ClassStep, Writes
from tests.kit.marking import answer_query, mark_rest_absent, mark_students, undo
from tests.kit.world import NINE, World, cancel_class

SINCE = NINE - timedelta(days=30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Life:
    """A module of two classes, three students of one group and one of another, and everything that can happen to them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.module = world.module()
        self.groups = [world.group(self.module, "L1"), world.group(self.module, "L2")]
        self.lecturer = world.lecturer()
        self.team = world.person(Role.ATTENDANCE_TEAM)
        self.students = [world.student(groups=[self.groups[0]]) for _ in range(3)]
        self.students.append(world.student(groups=[self.groups[1]]))
        self.sessions = [
            world.session(self.groups[0], staff=[self.lecturer], starts_at=NINE + n * DAY, room=f"R{n}") for n in range(2)
        ]
        self.run = start_import(kind="events", filename="a", content=b"", options={}, actor="system:test", at=NINE)
        self.clock = NINE - HOUR

    def later(self) -> datetime:
        self.clock += timedelta(minutes=67)
        return self.clock

    def session(self, n: int) -> ClassSession:
        return ClassSession.objects.select_related("module").get(pk=self.sessions[n % 2].pk)

    # What can happen

    def mark(self, n: int, m: int) -> None:
        status = MARKABLE[m % len(MARKABLE)]
        students = [one for k, one in enumerate(self.students) if m >> k & 1]
        mark_students(
            self.session(n),
            students,
            status,
            by=self.team if m % 3 else self.lecturer,
            at=self.later(),
            reason_code=Reason.SEEN_IN_CLASS,
        )

    def rest(self, n: int, _m: int) -> None:
        mark_rest_absent(self.session(n), by=self.lecturer, at=self.later())

    def undo(self, n: int, m: int) -> None:
        by = self.team if m % 2 else self.lecturer
        at = self.later()
        act, _kept = undoable(self.session(n), by, at)
        undo(self.session(n), act[-1].pk if act else 0, by=by, at=at)

    def close(self, n: int, _m: int) -> None:
        close_registers([self.session(n)], at=self.later())

    def query(self, n: int, m: int) -> None:
        raise_query(self.session(n), self.students[m % 4], at=self.later())

    def answer(self, _n: int, m: int) -> None:
        query = Query.objects.filter(state=Query.State.OPEN).first()
        if query is not None:
            status = Status.PRESENT if m % 2 else None
            answer_query(query, by=self.lecturer, at=self.later(), reason="Seen", status=status)

    def cancel(self, n: int, _m: int) -> None:
        cancel_class(self.session(n), at=self.later(), actor=self.team.actor)

    def move(self, n: int, m: int) -> None:
        """An import moves a class by some hours or a day, renames it and makes it optional or not, or restores it."""
        session = self.session(n)
        before = facts_of(session)
        shift = timedelta(hours=m % 5) if m % 2 else DAY
        session.starts_at, session.ends_at = session.starts_at + shift, session.ends_at + shift
        session.starts_on = session.starts_at.date()
        session.title, session.mandatory, session.status = f"Algorithms {m}", m % 3 != 0, ClassStatus.SCHEDULED
        groups = [self.groups[m % 2]] if m % 5 == 0 else None
        self.imported(Writes(classes=[ClassStep(session, Change.MOVED, before, copy(before), groups=groups)]))

    def imported(self, writes: Writes) -> None:
        for step in writes.classes:
            # What the importer would say of the class after; its groups may be others.
            fresh = facts_of(step.session)
            step.after = fresh
        write(writes, run=self.run, at=self.later(), actor="system:test")

    def join(self, n: int, m: int) -> None:
        """An import adds a place, perhaps from a day in the past."""
        days = (m % 7) - 5
        place = Place(
            group=self.groups[n % 2],
            person=self.students[m % 4],
            source="s",
            source_id=f"p{Place.objects.count()}-{m}",
            starts_on=(NINE + days * DAY).date(),
        )
        write(Writes(places=Rows(new=[place])), run=self.run, at=self.later(), actor="system:test")

    def end(self, _n: int, m: int) -> None:
        """An import ends a place, perhaps on a day in the past, or opens it again."""
        places = list(Place.objects.order_by("pk"))
        place = places[m % len(places)]
        place.ends_on = None if m % 3 == 0 else (NINE + (m % 5 - 3) * DAY).date()
        write(Writes(places=Rows(changed=[place])), run=self.run, at=self.later(), actor="system:test")

    DEEDS = ("mark", "mark", "rest", "undo", "close", "query", "answer", "cancel", "move", "join", "end")

    # What people see

    def seen(self) -> dict[str, Any]:
        """Registers and sums as they stand."""
        at = self.clock
        told: dict[str, Any] = {}
        for n in range(2):
            session = self.session(n)
            register = Register.objects.filter(session=session).first()
            told[f"class {n}"] = (session.title, session.status, session.starts_at, session.mandatory)
            told[f"register {n}"] = lines(register_of(session))
            told[f"closed {n}"] = register is not None and register.state != Register.State.OPEN
        for k, student in enumerate(self.students):
            shown = classes_of(student).filter(starts_at__gt=SINCE, starts_at__lte=at)
            told[f"account {k}"] = account(own_classes(student, shown), at)
        return told

    def seen_as_of(self, at: datetime) -> dict[str, Any]:
        """The same from history."""
        told: dict[str, Any] = {}
        for n in range(2):
            then = register_as_of(self.session(n), at)
            assert then.then is not None
            session = then.then.session
            told[f"class {n}"] = (session.title, session.status, session.starts_at, session.mandatory)
            told[f"register {n}"] = lines(then.lines)
            told[f"closed {n}"] = then.state != Register.State.OPEN
        for k, student in enumerate(self.students):
            told[f"account {k}"] = account_as_of(student, at, since=SINCE).account
        return told


def lines(register: Any) -> list[tuple[Any, ...]]:
    return [
        (line.student.pk, line.expected, line.status, *((m.source, m.at, m.minutes_late) if (m := line.mark) else ()))
        for line in register
    ]


@pytest.fixture
def life(world: World) -> Life:
    return Life(world)


class HistoryIsNotRewritten(TestCase):
    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(st.sampled_from(Life.DEEDS), st.integers(0, 1), st.integers(0, 60)), min_size=1, max_size=14))
    @example([("move", 0, 55)])
    @example([("mark", 0, 1), ("close", 0, 0), ("undo", 0, 1)])
    @example([("mark", 0, 0), ("mark", 0, 0), ("move", 0, 45)])
    def test_as_of_is_the_snapshot_taken_then(self, deeds: list[tuple[str, int, int]]) -> None:
        life = Life(World())
        snapshots = [(life.clock, life.seen())]
        for name, n, m in deeds:
            deed: Callable[[int, int], None] = getattr(life, name)
            try:
                deed(n, m)
            except AdsumError:
                continue
            snapshots.append((life.clock, life.seen()))
        for at, snapshot in snapshots:
            assert life.seen_as_of(at) == snapshot


def test_the_sum_of_a_module_is_each_students_own(life: Life):
    life.clock = NINE + HOUR
    life.mark(0, 7)
    life.clock = NINE + DAY
    life.mark(1, 5)
    at = NINE + 2 * DAY
    told = {one.student: one.account for one in module_as_of(life.module, at, since=SINCE)}
    assert set(told) == set(life.students[:3])
    for student, sum_ in told.items():
        assert sum_ == account_as_of(student, at, since=SINCE, module=life.module).account


def test_what_came_later_is_not_known_before(life: Life):
    """A student joins today, with a place since last week: yesterday nobody expected them."""
    session = life.session(0)
    late = life.world.student("Late Comer")
    place = Place(group=life.groups[0], person=late, source="s", source_id="late", starts_on=date(2026, 11, 16))
    write(Writes(places=Rows(new=[place])), run=life.run, at=NINE + DAY, actor="system:test")
    assert late.pk in {line.student.pk for line in register_as_of(session, NINE + DAY).lines}
    assert late.pk not in {line.student.pk for line in register_as_of(session, NINE + DAY - HOUR).lines}


def test_a_held_class_that_moved_is_known_with_the_day_of_its_list(life: Life):
    """It was held on Monday, for whoever had a place then; its source then said that it had been on Tuesday."""
    life.clock = NINE
    life.mark(0, 7)
    session = life.session(0)
    before = facts_of(session)
    session.starts_at, session.ends_at = session.starts_at + DAY, session.ends_at + DAY
    life.imported(Writes(classes=[ClassStep(session, Change.MOVED, before, copy(before))]))
    late = life.world.student()
    life.world.place(late, life.groups[0], starts_on=date(2026, 11, 24))
    for at in (life.clock, life.clock - HOUR):
        then = classes_as_of([life.session(0)], at)[session.pk]
        assert then.session.starts_on == date(2026, 11, 23)
        assert late.pk not in {line.student.pk for line in register_as_of(life.session(0), at).lines}


def test_a_class_added_later_did_not_exist_before(life: Life):
    session = life.session(1)
    facts = facts_of(session)
    ClassChange.objects.filter(session=session).delete()
    ClassChange.objects.create(
        session=session, version=1, at=NINE, change=Change.NEW, before=None, after=facts_json(facts) or {}, actor="system:test"
    )
    assert register_as_of(session, NINE - HOUR).then is None
    assert classes_as_of([session], NINE)[session.pk].session.title == session.title


@pytest.mark.parametrize("students", [1, 3])
def test_it_costs_the_same_for_one_student_as_for_three(world: World, students: int, django_assert_num_queries):
    group = world.group(students=students)
    lecturer = world.lecturer()
    session = world.session(group, staff=[lecturer])
    people = list(Person.objects.filter(pk__in=group.places.values("person")))
    mark_students(session, people, Status.PRESENT, by=lecturer, at=NINE)
    with django_assert_num_queries(9):
        register_as_of(session, NINE + HOUR)
    with django_assert_num_queries(12):
        module_as_of(session.module, NINE + HOUR, since=SINCE)
    with django_assert_num_queries(11):
        account_as_of(people[0], NINE + HOUR, since=SINCE)
