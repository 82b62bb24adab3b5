"""The same student, ticket or phone in several workers at the same moment: one is accepted, whoever comes first."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Model

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import Reason, Source, Status
from adsum.audit.models import Event
from adsum.audit.tree import tokens_of
from adsum.checkin import writer
from adsum.checkin.models import Opening, Scan
from adsum.checkin.rules import Attempt, Before, Outcome, Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import DatabaseEngine
from adsum.timetable.models import Place
from tests.kit.marking import mark_students
from tests.kit.meeting import at_once
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

WORKERS = 4
STUDENTS = 40

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def opening(transactional_db: None) -> Opening:
    world = World()
    lecturer = world.lecturer()
    group = world.group(students=STUDENTS)
    return open_checkin(world.session(group, staff=[lecturer]), by=lecturer, at=NINE)


@pytest.fixture
def students(opening: Opening) -> list[Person]:
    return [place.person for place in Place.objects.select_related("person").order_by("pk")]


def write_at_once(*batches: Sequence[Attempt]) -> list[list[Outcome | Exception]]:
    """What each worker's engine answered to its batch."""
    answers: list[list[Outcome | Exception]] = [[] for _ in batches]

    def worker(n: int) -> None:
        answers[n] = DatabaseEngine().write(batches[n])

    at_once(*(partial(worker, n) for n in range(len(batches))))
    return answers


def refusals(answers: Sequence[Outcome | Exception]) -> Counter[str]:
    """How often each was the answer; `` for accepted."""
    assert not [one for one in answers if isinstance(one, Exception)]
    return Counter(one.refusal or "" for one in answers if isinstance(one, Outcome))


def more_or_less_than_one(students: Sequence[Person]) -> dict[str, dict[int, int]]:
    """Of which rows a student has another number than the one they should have."""
    actors = {f"person:{token}": student.pk for student in students for token in tokens_of(student.pk)}
    found = {
        "scans": Scan.objects.filter(refusal="").values_list("student", flat=True),
        "marks": Mark.objects.values_list("student", flat=True),
        "changes": MarkChange.objects.values_list("student", flat=True),
        "events": [actors[actor] for actor in Event.objects.filter(verb="scan.accept").values_list("actor", flat=True)],
    }
    wrong = {}
    for what, whose in found.items():
        counted = Counter(whose)
        if odd := {pk: counted[pk] for pk in {*actors.values(), *counted} if counted[pk] != 1}:
            wrong[what] = odd
    return wrong


@contextmanager
def without(model: type[Model], *names: str) -> Iterator[None]:
    """The table without these constraints, so that a race can be seen to be one. Leaves it empty, and with them."""
    all_of_them = model._meta.constraints
    dropped = [one for one in all_of_them if one.name in names]
    assert len(dropped) == len(names)
    model._meta.constraints = [one for one in all_of_them if one not in dropped]  # SQLite makes the table anew from these
    with connection.schema_editor() as editor:
        for constraint in dropped:
            editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        model._default_manager.all().delete()
        model._meta.constraints = all_of_them
        with connection.schema_editor() as editor:
            for constraint in dropped:
                editor.add_constraint(model, constraint)


def test_one_student_in_several_workers_is_in_once(opening: Opening, students: list[Person]) -> None:
    """With another ticket in each: everyone is told that they are in, one of them for the first time."""
    answers = write_at_once(*([attempt(opening, student) for student in students] for _ in range(WORKERS)))
    for of_one_student in zip(*answers, strict=True):
        assert refusals(of_one_student) == {"": 1, Refusal.ALREADY_IN: WORKERS - 1}
    assert more_or_less_than_one(students) == {}


def test_one_ticket_in_several_workers_counts_once_and_has_one_answer(opening: Opening, students: list[Person]) -> None:
    scans = [attempt(opening, student) for student in students]
    answers = write_at_once(*([replace(one, ref=uuid4()) for one in scans] for _ in range(WORKERS)))
    for of_one_student in zip(*answers, strict=True):
        assert refusals(of_one_student) == {"": WORKERS}
        assert len(set(of_one_student)) == 1, "the same receipt"
    assert Scan.objects.count() == len(students)
    assert more_or_less_than_one(students) == {}


@pytest.mark.parametrize(("shared", "refusal"), [("ticket", Refusal.TICKET_USED), ("device", Refusal.SAME_DEVICE)])
def test_a_ticket_or_a_phone_that_several_students_share_is_good_for_one(
    opening: Opening, students: list[Person], shared: str, refusal: Refusal
) -> None:
    rounds = STUDENTS // WORKERS
    for n in range(rounds):
        one = uuid4() if shared == "ticket" else uuid4().hex
        sharing = students[n * WORKERS : (n + 1) * WORKERS]
        answers = write_at_once(*([attempt(opening, student, **{shared: one})] for student in sharing))
        assert refusals([answer for (answer,) in answers]) == {"": 1, refusal: WORKERS - 1}
        again = write_at_once(*([attempt(opening, student, **{shared: one})] for student in sharing[::-1]))
        assert refusals([answer for (answer,) in again])[refusal] == WORKERS - 1, "and so it stays"
    assert Mark.objects.count() == rounds


def test_a_scan_and_the_lecturers_mark_at_once_leave_one_mark_and_its_history(opening: Opening, students: list[Person]) -> None:
    """Whichever comes first, staff outrank the scan, and no step is lost."""
    for student in students:
        at_once(
            partial(DatabaseEngine().write, [attempt(opening, student)]),
            partial(
                mark_students,
                opening.session,
                [student],
                Status.ABSENT,
                by=opening.opened_by,
                at=NINE,
                reason_code=Reason.NOT_IN_CLASS,
            ),
        )
        mark = Mark.objects.get(student=student)
        assert (mark.status, mark.source) == (Status.ABSENT, Source.STAFF)
        steps = list(MarkChange.objects.filter(student=student).order_by("pk").values_list("before", "after"))
        assert steps in ([("", Status.ABSENT)], [("", Status.PRESENT), (Status.PRESENT, Status.ABSENT)])


# The checker, and what it is that holds


def blind(_attempts: Sequence[Attempt]) -> Before:
    """A worker that sees nothing of what others wrote."""
    return Before({}, {}, {})


def test_the_constraints_hold_though_nobody_looks(
    opening: Opening, students: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_before", blind)
    write_at_once(*([attempt(opening, student) for student in students] for _ in range(WORKERS)))
    assert more_or_less_than_one(students) == {}


def test_without_them_the_checker_sees_two(opening: Opening, students: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_before", blind)
    with without(Mark, "one_mark_per_student_and_session"), without(Scan, "one_accepted_scan_per_student_and_session"):
        write_at_once(*([attempt(opening, student) for student in students] for _ in range(2)))
        twice = {student.pk: 2 for student in students}
        assert more_or_less_than_one(students) == dict.fromkeys(("scans", "marks", "changes", "events"), twice)


@pytest.mark.postgresql
def test_without_them_two_workers_that_both_looked_both_write(
    opening: Opening, students: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race itself, which looking first does not prevent. (SQLite lets only one look at a time.)"""
    looked = threading.Barrier(2)
    really = writer._before

    def look_together(attempts: Sequence[Attempt]) -> Before:
        found = really(attempts)
        looked.wait(30)
        return found

    monkeypatch.setattr(writer, "_before", look_together)
    monkeypatch.setattr(writer, "_all_new", lambda _attempts: False)
    with without(Mark, "one_mark_per_student_and_session"), without(Scan, "one_accepted_scan_per_student_and_session"):
        write_at_once(*([attempt(opening, student) for student in students] for _ in range(2)))
        assert more_or_less_than_one(students)["marks"] == {student.pk: 2 for student in students}
