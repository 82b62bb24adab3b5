"""Closing: everyone expected has a mark afterwards, many registers at once; an unobserved one asks to be completed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.attendance.amendments import undoable
from adsum.attendance.closing import close_registers, explain_register
from adsum.attendance.models import Mark, MarkChange, Register
from adsum.attendance.outages import declare_outage
from adsum.attendance.reports import changes_since, closed_until, newest_change, to_complete
from adsum.attendance.rules import ATTENDED, BY_HAND, MARKABLE, Explanation, Reason, Source, Status
from adsum.attendance.services import count_heads
from adsum.attendance.weighing import markable
from adsum.audit.models import Event
from adsum.checkin.reports import uncaptured
from adsum.checkin.services import close_classes, follow_timetable
from adsum.core.errors import AdsumError
from adsum.ops import jobs
from adsum.ops.jobs import due_for_closing
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_students
from tests.kit.marking import mark_rest_absent, mark_students, undo
from tests.kit.world import NINE, World

HOUR = timedelta(hours=1)
AFTER = NINE + 25 * HOUR


def events() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("verb", flat=True))


def statuses(session: ClassSession) -> list[str]:
    return sorted(Mark.objects.filter(session=session).values_list("status", flat=True))


def test_many_registers_close_together_each_by_its_own_rule(world: World):
    lecturer = world.lecturer()
    seen, unseen, cancelled, closed = (world.session(world.group(students=2), staff=[lecturer]) for _ in range(4))
    mark_students(seen, [next(iter(expected_students(seen).values()))], Status.PRESENT, by=lecturer, at=NINE)
    ClassSession.objects.filter(pk=cancelled.pk).update(status="cancelled")
    close_registers([closed], at=AFTER - timedelta(hours=1))
    before = MarkChange.objects.count()
    sessions = list(ClassSession.objects.order_by("pk"))
    done = close_registers(sessions, at=AFTER)
    assert {r.session_id: r.state for r in done} == {seen.pk: "closed", unseen.pk: "not_observed"}
    assert statuses(seen) == [Status.ABSENT, Status.PRESENT]
    assert statuses(unseen) == [Status.NOT_OBSERVED] * 2
    assert statuses(cancelled) == []
    assert Register.objects.get(session=cancelled).state == "open", "it closes if it takes place after all"
    assert Register.objects.get(session=closed).closed_at == AFTER - timedelta(hours=1), "closed once"
    assert MarkChange.objects.count() - before == 3
    assert events().count("mark.close") == 2 + 3
    assert events().count("register.close") == 1 + 2
    assert close_registers(sessions, at=AFTER) == [], "and again changes nothing"


@pytest.mark.parametrize("classes", [1, 6])
def test_closing_costs_the_same_for_one_class_and_six(world: World, classes: int):
    sessions = [world.session(world.group(students=3)) for _ in range(classes)]
    with CaptureQueriesContext(connection) as queries:
        close_classes(sessions, at=AFTER)
    writes_and_reads = [q for q in queries.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(writes_and_reads) == 16, "two of them for the students' aliases, which are made but once"


@pytest.mark.parametrize(
    ("status", "source", "rest"),
    [
        (Status.AUTHORISED, Source.STAFF, Status.NOT_OBSERVED),
        (Status.AUTHORISED, Source.ABSENCE, Status.NOT_OBSERVED),
        (Status.PENDING, Source.ABSENCE, Status.NOT_OBSERVED),
        (Status.ABSENT, Source.ABSENCE, Status.NOT_OBSERVED),
        (Status.AUTHORISED, Source.IMPORT, Status.NOT_OBSERVED),
        (Status.ABSENT, Source.SYSTEM, Status.NOT_OBSERVED),
        *((status, Source.STAFF, Status.ABSENT) for status in (*sorted(ATTENDED), Status.ABSENT)),
        (Status.PRESENT, Source.SCAN, Status.ABSENT),
        (Status.ABSENT, Source.IMPORT, Status.ABSENT),
    ],
)
def test_only_a_register_in_which_somebody_was_looked_for_makes_absences(
    world: World, status: Status, source: Source, rest: Status
):
    session = world.session(world.group(students=3))
    one = next(iter(expected_students(session).values()))
    Mark.objects.create(session=session, student=one, status=status, source=source, at=NINE, changed_at=NINE)
    observed = rest == Status.ABSENT
    assert (session in due_for_closing(session.ends_at + HOUR)) is observed, "and it closes soon"
    assert (session not in uncaptured(NINE + HOUR / 2, began=HOUR / 6)) is observed, "or its lecturers are asked"
    close_registers([session], at=AFTER)
    assert statuses(session) == sorted([status, rest, rest])
    assert Register.objects.get().state == ("closed" if observed else "not_observed")


def test_a_headcount_names_nobody_so_nobody_is_absent_by_it(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=2), staff=[lecturer])
    count_heads(session, 2, by=lecturer, at=NINE)
    assert due_for_closing(session.ends_at + HOUR) == [session], "the count settles when it closes"
    close_registers([session], at=session.ends_at + HOUR)
    assert statuses(session) == [Status.NOT_OBSERVED] * 2
    assert [one.session for one in to_complete(ClassSession.objects.taught_by(lecturer))] == [session], "and it is a task"


def test_a_class_whose_whole_list_is_excused_is_no_task(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=1), staff=[lecturer])
    mark_students(session, expected_students(session).values(), Status.AUTHORISED, by=lecturer, at=NINE - 24 * HOUR)
    close_registers([session], at=AFTER)
    assert (statuses(session), Register.objects.get().state) == ([Status.AUTHORISED], "closed")


def test_completing_later_makes_marks_of_not_observed(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=3), staff=[lecturer])
    close_registers([session], at=AFTER)
    mine = ClassSession.objects.taught_by(lecturer)
    here = next(iter(expected_students(session).values()))
    mark_students(session, [here], Status.PRESENT, by=lecturer, at=AFTER)
    assert [r.session_id for r in to_complete(mine)] == [session.pk], "two are still not observed"
    assert mark_rest_absent(session, by=lecturer, at=AFTER) == 2
    assert statuses(session) == [Status.ABSENT, Status.ABSENT, Status.PRESENT]
    assert Register.objects.get().state == Register.State.CLOSED
    assert list(to_complete(mine)) == []
    assert events().count("register.complete") == 1
    assert set(Mark.objects.values_list("source", flat=True)) == {Source.STAFF}
    befores = MarkChange.objects.filter(source=Source.STAFF).values_list("before", flat=True)
    assert set(befores) == {Status.NOT_OBSERVED}
    mark_students(session, [here], Status.LATE, by=lecturer, at=AFTER, reason_code=Reason.SEEN_IN_CLASS)
    assert events().count("register.complete") == 1, "completed once"


def test_an_explained_register_is_no_task_and_stays_one_to_mark(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=1), staff=[lecturer])
    close_registers([session], at=AFTER)
    with pytest.raises(AdsumError, match="few words"):
        explain_register(session, Explanation.OTHER, note=" ", by=lecturer, at=AFTER)
    explain_register(session, Explanation.NOT_HELD, note=" Snow ", by=lecturer, at=AFTER)
    kept = Register.objects.get()
    assert (kept.explained, kept.explained_note, kept.explained_by, kept.explained_at) == ("not_held", "Snow", lecturer, AFTER)
    assert list(to_complete(ClassSession.objects.all())) == []
    assert statuses(session) == [Status.NOT_OBSERVED]
    assert mark_rest_absent(session, by=lecturer, at=AFTER) == 1
    with pytest.raises(AdsumError, match="has marks"):
        explain_register(session, Explanation.NOT_HELD, by=lecturer, at=AFTER)


def test_an_open_or_cancelled_class_is_no_task(world: World):
    session = world.session(world.group(students=1))
    with pytest.raises(AdsumError, match="still open"):
        explain_register(session, Explanation.NOT_HELD, by=world.lecturer(), at=NINE)
    close_registers([session], at=AFTER)
    assert len(to_complete(ClassSession.objects.all())) == 1
    ClassSession.objects.update(status="cancelled")
    assert list(to_complete(ClassSession.objects.all())) == []


def test_after_three_working_days_it_is_the_departments(world: World):
    """Closed on a Thursday: Friday, Monday, Tuesday."""
    world.session(world.group(students=1), starts_at=datetime(2026, 11, 25, 9, tzinfo=UTC))
    close_registers(list(ClassSession.objects.all()), at=datetime(2026, 11, 26, 10, tzinfo=UTC))
    closed = Register.objects.get().closed_at
    assert closed is not None
    assert closed >= closed_until(3, datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    assert closed < closed_until(3, datetime(2026, 12, 1, 0, 0, tzinfo=UTC))


# Moved after it closed


@pytest.mark.parametrize(
    ("captured", "ends", "reopens"),
    [
        ("", timedelta(days=7), True),
        ("explained", timedelta(days=7), True),
        ("outage", timedelta(days=7), True),
        ("", timedelta(0), False),  # only moved to an earlier time, or its room changed: it is over
        ("mark", timedelta(days=7), False),
        ("excused", timedelta(days=7), True),
        ("headcount", timedelta(days=7), False),
        ("cancelled", timedelta(days=7), False),
    ],
)
def test_a_class_that_moves_after_it_closed_has_its_register_again(world: World, captured: str, ends: timedelta, reopens: bool):
    lecturer = world.lecturer()
    session = world.session(world.group(students=2), staff=[lecturer])
    if captured == "mark":
        mark_students(session, [next(iter(expected_students(session).values()))], Status.PRESENT, by=lecturer, at=NINE)
    elif captured == "excused":
        world.place(excused := world.student(), session.groups.get())
        mark_students(session, [excused], Status.AUTHORISED, by=lecturer, at=NINE - HOUR)
    elif captured == "headcount":
        count_heads(session, 0, by=lecturer, at=NINE)
    elif captured == "outage":
        declare_outage(by=lecturer, at=NINE, starts_at=NINE, ends_at=AFTER, reason="Fire")
    close_registers([session], at=AFTER)
    if captured == "explained":
        explain_register(session, Explanation.NOT_HELD, by=lecturer, at=AFTER)
    since = newest_change()
    ClassSession.objects.update(
        starts_at=NINE + ends, ends_at=NINE + HOUR + ends, status="cancelled" if captured == "cancelled" else "scheduled"
    )
    before, told = statuses(session), len(events())
    follow_timetable([session.pk], actor="system:feed", at=AFTER)
    register = Register.objects.get()
    assert (register.state == Register.State.OPEN) is reopens
    assert (register.closed_at is None and not register.explained and register.explained_by is None) is reopens
    left = [status for status in before if status == Status.AUTHORISED]
    assert statuses(session) == (left if reopens else before), "what closing gave is taken back, and nothing else"
    assert events()[told:] == (["mark.undo", "mark.undo", "register.reopen"] if reopens else [])
    heard = [(one.student, one.status) for one in changes_since([session.pk], since)]
    unmarked = sorted(set(expected_students(session)) - {mark.student_id for mark in Mark.objects.all()})
    assert sorted(heard) == ([(pk, Status.EXPECTED) for pk in unmarked] if reopens else [])
    follow_timetable([session.pk], actor="system:feed", at=AFTER)
    assert len(events()) == told + 3 * reopens, "once"
    if reopens:  # and it closes again when the class has been
        session = ClassSession.objects.get()
        mark_students(session, [next(iter(expected_students(session).values()))], Status.PRESENT, by=lecturer, at=NINE + ends)
        assert [one.state for one in close_registers([session], at=AFTER + ends)] == [Register.State.CLOSED]
        assert statuses(session) == sorted([Status.ABSENT, *left, Status.PRESENT])


# Undone after it closed


def undo_last(session: ClassSession, by: Person, at: datetime) -> None:
    undo(session, undoable(session, by, at=at)[0][-1].pk, by=by, at=at)


def run(at: datetime) -> int:
    with time_machine.travel(at, tick=False):
        return jobs.close_registers()


def test_who_is_without_a_mark_by_an_undo_after_closing_has_the_one_of_the_close(world: World):
    """“Mark the rest absent” at 9:58, the register closes, Undo."""
    lecturer = world.lecturer()
    session = world.session(world.group(students=3), staff=[lecturer])
    mark_students(session, [next(iter(expected_students(session).values()))], Status.PRESENT, by=lecturer, at=NINE)
    mark_rest_absent(session, by=lecturer, at=NINE + HOUR)
    assert run(NINE + 2 * HOUR) == 1
    world.place(world.student(), session.groups.get())  # nobody was waiting for them when it closed
    undo_last(session, lecturer, NINE + 2 * HOUR)
    assert Register.objects.get().state == "closed"
    assert events()[-4:] == ["mark.undo", "mark.undo", "mark.close", "mark.close"]
    assert statuses(session) == [Status.ABSENT, Status.ABSENT, Status.PRESENT]
    assert set(Mark.objects.filter(status=Status.ABSENT).values_list("source", flat=True)) == {Source.SYSTEM}
    assert run(NINE + 2 * HOUR) == 0


def test_undone_in_an_outage_it_is_not_observed(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=3), staff=[lecturer])
    first, second, _ = expected_students(session).values()
    mark_students(session, [first], Status.PRESENT, by=lecturer, at=NINE)
    mark_students(session, [second], Status.LATE, by=lecturer, at=NINE + HOUR / 2)
    declare_outage(by=lecturer, at=NINE, starts_at=NINE, ends_at=AFTER, reason="Fire")
    run(NINE + 2 * HOUR)
    undo_last(session, lecturer, NINE + 2 * HOUR)
    assert statuses(session) == sorted([Status.NOT_OBSERVED, Status.NOT_OBSERVED, Status.PRESENT])
    assert MarkChange.objects.filter(student=second).latest("pk").reason == "Fire"


def test_one_wrong_tick_undone_leaves_nobody_absent_by_it(world: World):
    """The only tick there was, for the wrong student: what it made of the others goes with it."""
    lecturer = world.lecturer()
    session = world.session(world.group(students=3), staff=[lecturer])
    mark_students(session, [next(iter(expected_students(session).values()))], Status.PRESENT, by=lecturer, at=NINE)
    assert run(NINE + 2 * HOUR) == 1
    assert statuses(session) == [Status.ABSENT, Status.ABSENT, Status.PRESENT]
    undo_last(session, lecturer, NINE + 2 * HOUR)
    assert (Register.objects.get().state, statuses(session)) == ("not_observed", [Status.NOT_OBSERVED] * 3)
    assert events()[-5:] == ["mark.undo", "register.incomplete", *["mark.close"] * 3]
    assert [one.session for one in to_complete(ClassSession.objects.all())] == [session]


def test_an_excuse_that_is_given_back_by_undo_is_no_observation(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=2), staff=[lecturer])
    one = next(iter(expected_students(session).values()))
    mark_students(session, [one], Status.AUTHORISED, by=lecturer, at=NINE)
    mark_students(session, [one], Status.PRESENT, by=lecturer, at=NINE + HOUR / 2, reason_code=Reason.SEEN_IN_CLASS)
    run(NINE + 2 * HOUR)
    undo_last(session, lecturer, NINE + 2 * HOUR)
    assert (Register.objects.get().state, statuses(session)) == ("not_observed", [Status.AUTHORISED, Status.NOT_OBSERVED])


def test_undoing_the_mark_of_somebody_not_on_the_list_leaves_it_closed(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=1), staff=[lecturer])
    mark_students(session, expected_students(session).values(), Status.PRESENT, by=lecturer, at=NINE)
    run(NINE + 2 * HOUR)
    mark_students(session, [world.student()], Status.PRESENT, by=lecturer, at=NINE + 2 * HOUR)
    undo_last(session, lecturer, NINE + 2 * HOUR)
    assert (Register.objects.get().state, statuses(session)) == ("closed", [Status.PRESENT])


# Ahead of the class


def test_until_checkin_opens_only_an_absence_is_known(world: World):
    lecturer = world.lecturer()
    session = world.session(world.group(students=1), staff=[lecturer])
    students = expected_students(session).values()
    opens = NINE - timedelta(minutes=10)
    for status in {*BY_HAND} - {Status.AUTHORISED, Status.SWAPPED}:
        with pytest.raises(AdsumError, match=re.escape("Until check-in opens (23 November, 08:50)")) as refused:
            mark_students(session, students, status, by=lecturer, at=opens - timedelta(seconds=1))
        assert refused.value.code == "ahead"
    assert statuses(session) == []
    assert markable(session, opens - timedelta(seconds=1)) == (Status.AUTHORISED, Status.SWAPPED)
    assert markable(session, opens) == MARKABLE
    mark_students(session, students, Status.AUTHORISED, by=lecturer, at=NINE - 48 * HOUR)
    mark_students(session, students, Status.PRESENT, by=lecturer, at=opens, reason_code=Reason.SEEN_IN_CLASS)
    assert statuses(session) == [Status.PRESENT]
