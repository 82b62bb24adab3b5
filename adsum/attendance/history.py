"""Registers and sums as they were at any moment, from the history of marks, classes, places and queries.

"As of" an instant means as it was known then: a mark amended later shows as it was, a class cancelled later counts, and a
student who joined the group later, with dates in the past, is not on the list.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, MarkChange, Query, Register
from adsum.attendance.policies import policies
from adsum.attendance.record import Account, OwnClass, account
from adsum.attendance.reports import Line
from adsum.attendance.rules import Status
from adsum.timetable.history import ClassThen, classes_as_of, expected_as_of
from adsum.timetable.models import ClassSession, Group, Module, Place, PlaceChange
from adsum.timetable.reports import by_name


def marks_as_of(sessions: Collection[int], at: datetime, *, student: Person | None = None) -> dict[tuple[int, int], Mark]:
    """Every mark of these classes (of one student) as it stood, by class and student, as unsaved marks (one query)."""
    steps = MarkChange.objects.filter(session__in=sessions, at__lte=at).order_by("pk")
    if student is not None:
        steps = steps.filter(student=student)
    marks = dict[tuple[int, int], Mark]()
    for step in steps:
        key = step.session_id, step.student_id
        if step.after == Status.EXPECTED:  # a first mark was undone
            marks.pop(key, None)
        else:
            marks[key] = Mark(
                session_id=step.session_id,
                student_id=step.student_id,
                status=step.after,
                source=step.source,
                at=step.seen_at or step.at,
                minutes_late=step.minutes_late,
                left_at=step.left_at,
                changed_at=step.at,
            )
    return marks


class RegisterThen(NamedTuple):
    """A register as it stood. `then` is None while the class was not in the timetable."""

    then: ClassThen | None
    lines: list[Line]
    state: str


def register_as_of(session: ClassSession, at: datetime) -> RegisterThen:
    """The register of a class as it stood at that instant: who was expected, and every mark (ten queries at most)."""
    then = classes_as_of([session], at).get(session.pk)
    if then is None:
        return RegisterThen(None, [], Register.State.OPEN)
    expected = expected_as_of({session.pk: then}, at)[session.pk]
    marks = {student: mark for (_, student), mark in marks_as_of([session.pk], at).items()}
    people = Person.objects.in_bulk(expected | marks.keys())
    lines = [Line(people[pk], marks.get(pk), pk in expected) for pk in expected | marks.keys()]
    lines.sort(key=lambda line: (not line.expected, by_name(line.student)))
    register = Register.objects.filter(session=session).first()
    return RegisterThen(then, lines, _state(register, marks.values(), at))


def _state(register: Register | None, marks: Iterable[Mark], at: datetime) -> str:
    if register is None or register.closed_at is None or register.closed_at > at:
        return Register.State.OPEN
    unseen = any(mark.status == Status.NOT_OBSERVED for mark in marks)
    return Register.State.NOT_OBSERVED if unseen else Register.State.CLOSED


class AccountThen(NamedTuple):
    """How much a student had attended, as it was known then, and the classes it adds up."""

    classes: list[OwnClass]
    account: Account
    certain: bool = True
    """Whether who was expected is known by id in all of them; see `ClassThen`."""


def account_as_of(
    student: Person, at: datetime, *, since: datetime, until: datetime | None = None, module: Module | None = None
) -> AccountThen:
    """A student's classes from `since` until that instant (or an earlier one, `until`) and their sum, as both were known then
    (thirteen queries)."""
    groups = Place.objects.filter(person=student).values("group")
    groups = groups.union(PlaceChange.objects.filter(person=student).values("group"))
    # Also the other classes of these modules: one may have been moved out of the student's group since.
    modules = Group.objects.filter(pk__in=groups).values("module")
    # A union, for the database goes through every class where such questions are joined by "or".
    concern = ClassSession.groups.through.objects.filter(group__in=groups).values("classsession")
    concern = concern.union(
        ClassSession.objects.filter(module__in=modules).values("pk"),
        Mark.objects.filter(student=student).values("session"),
        MarkChange.objects.filter(student=student, after=Status.EXPECTED).values("session"),
        Query.objects.filter(student=student).values("session"),
    )
    sessions = ClassSession.objects.filter(pk__in=concern, starts_at__gt=since)
    if module is not None:
        sessions = sessions.filter(module=module)
    found = classes_as_of(list(sessions.select_related("module")), at)
    known = {pk: then for pk, then in found.items() if since < then.session.starts_at <= (until or at)}
    expected = expected_as_of(known, at, person=student)
    marks = marks_as_of(known, at, student=student)
    queries = _queries(known, at, student)
    registers = Register.objects.in_bulk(list(known))
    rules = policies()
    classes = [
        OwnClass(
            then.session,
            marks.get((pk, student.pk)),
            queries.get((pk, student.pk)),
            _register(registers.get(pk), at),
            rules.of(then.session),
        )
        for pk, then in known.items()
        if student.pk in expected[pk] or (pk, student.pk) in marks.keys() | queries.keys()
    ]
    classes.sort(key=lambda one: (one.session.starts_at, one.session.title, one.session.pk))
    return AccountThen(classes, account(classes, at), all(known[one.session.pk].certain for one in classes))


def _register(register: Register | None, at: datetime) -> Register | None:
    """The register as it was: open until it was closed."""
    if register is None:
        return None
    closed = register.closed_at is not None and register.closed_at <= at
    return Register(session_id=register.session_id, state=register.state if closed else Register.State.OPEN)


def _queries(sessions: Collection[int], at: datetime, student: Person | None = None) -> dict[tuple[int, int], Query]:
    """The latest query about each mark, open or answered as it was then (one query)."""
    asked = Query.objects.filter(session__in=sessions, raised_at__lte=at).select_related("answered_by").order_by("raised_at")
    if student is not None:
        asked = asked.filter(student=student)
    found = {}
    for query in asked:
        if query.answered_at is not None and query.answered_at > at:
            query.state, query.answered_at, query.answered_by, query.answer = Query.State.OPEN, None, None, ""
        found[query.session_id, query.student_id] = query
    return found


class StudentThen(NamedTuple):
    """One student's sum in a module, as it was known then."""

    student: Person
    account: Account
    certain: bool


def module_as_of(module: Module, at: datetime, *, since: datetime, until: datetime | None = None) -> list[StudentThen]:
    """Every student's sum in a module from `since` until that instant (or an earlier one, `until`), as both were known then, by
    name (thirteen queries)."""
    sessions = list(ClassSession.objects.filter(module=module, starts_at__gt=since).select_related("module"))
    found = classes_as_of(sessions, at)
    known = {pk: then for pk, then in found.items() if since < then.session.starts_at <= (until or at)}
    expected = expected_as_of(known, at)
    marks = marks_as_of(known, at)
    queries = _queries(known, at)
    registers = {pk: _register(register, at) for pk, register in Register.objects.in_bulk(list(known)).items()}
    rules = policies()
    of_student = dict[int, list[OwnClass]]()
    marked = defaultdict[int, set[int]](set)
    for pk, student in marks:
        marked[pk].add(student)
    for pk, then in known.items():
        terms = rules.of(then.session)
        for student in expected[pk] | marked[pk]:
            one = OwnClass(then.session, marks.get((pk, student)), queries.get((pk, student)), registers.get(pk), terms)
            of_student.setdefault(student, []).append(one)
    people = Person.objects.in_bulk(of_student)
    told = [
        StudentThen(people[pk], account(classes, at), all(known[one.session.pk].certain for one in classes))
        for pk, classes in of_student.items()
    ]
    return sorted(told, key=lambda one: by_name(one.student))
