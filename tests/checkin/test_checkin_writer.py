"""The writer's contract, the same for every database."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import Reason, Status
from adsum.audit.models import Event
from adsum.audit.services import alias_of
from adsum.checkin.models import Opening, Scan
from adsum.checkin.rules import Attempt, Outcome, Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import Busy, DatabaseEngine, Unavailable, Writer, record_scans
from tests.kit.marking import mark_students
from tests.kit.scans import attempt
from tests.kit.world import NINE, World, in_thread


@pytest.fixture
def opening(world: World) -> Opening:
    lecturer = world.lecturer()
    return open_checkin(world.session(staff=[lecturer]), by=lecturer, at=NINE)


def test_a_scan_becomes_a_mark_with_its_history_and_one_event(world: World, opening: Opening) -> None:
    student = world.student()
    events = Event.objects.count()
    one = attempt(opening, student)
    assert record_scans([one]) == [Outcome(one.ref, None, "present", one.first_seen_at)]
    mark = Mark.objects.get()
    assert (mark.status, mark.source, mark.at, mark.changed_at) == ("present", "scan", one.first_seen_at, one.finished_at)
    change = MarkChange.objects.get()
    assert (change.before, change.after, change.by, change.source) == ("", "present", None, "scan")
    scan = Scan.objects.get()
    assert (scan.ref, scan.ticket, scan.refusal, scan.age_ms, scan.network) == (one.ref, one.ticket, "", 9_000, "campus")
    assert (scan.signed_in_after, scan.typed, scan.agent) == (True, False, "ios")
    event = Event.objects.latest("pk")
    assert Event.objects.count() == events + 1
    assert (event.actor, event.verb) == (alias_of(student.pk), "scan.accept")
    assert event.detail == {"scan": one.ref.hex, "before": "", "after": "present", "row": change.digest}


def test_the_same_ticket_again_gets_the_same_answer_and_writes_nothing(world: World, opening: Opening) -> None:
    one = attempt(opening, world.student())
    first = record_scans([one])
    again = [replace(one, ref=uuid4()) for _ in range(100)]
    assert record_scans(again) == first * 100
    assert (Scan.objects.count(), Mark.objects.count(), MarkChange.objects.count()) == (1, 1, 1)


def test_the_same_ticket_twice_in_one_batch_counts_once(world: World, opening: Opening) -> None:
    one = attempt(opening, world.student())
    first, second = record_scans([one, replace(one, ref=uuid4())])
    assert first == second
    assert Scan.objects.count() == 1


def test_a_second_scan_is_told_when_it_was_already_recorded(world: World, opening: Opening) -> None:
    student = world.student()
    first = attempt(opening, student)
    second = attempt(opening, student, first_seen_at=NINE + timedelta(minutes=5))
    _, outcome = record_scans([first, second])
    assert (outcome.refusal, outcome.status, outcome.at) == (Refusal.ALREADY_IN, "present", first.first_seen_at)
    assert sorted(Scan.objects.values_list("refusal", flat=True)) == ["", "already_in"]


def test_a_ticket_used_by_one_student_is_no_good_for_another(world: World, opening: Opening) -> None:
    """Pitfall 15: a ticket counts once, for one student."""
    first = attempt(opening, world.student())
    other = attempt(opening, world.student(), ticket=first.ticket)
    assert [one.refusal for one in record_scans([first, other])] == [None, Refusal.TICKET_USED]
    assert Mark.objects.count() == 1


def test_a_second_account_on_one_device_is_held(world: World, opening: Opening) -> None:
    first, other = (attempt(opening, world.student(), device="d" * 32) for _ in range(2))
    assert [one.refusal for one in record_scans([first])] == [None]
    assert [one.refusal for one in record_scans([other])] == [Refusal.SAME_DEVICE]
    assert Mark.objects.count() == 1


def test_a_refused_scan_is_kept_with_its_reason(world: World, opening: Opening) -> None:
    one = attempt(opening, world.student(), verdict=Refusal.TOO_EARLY)
    assert record_scans([one])[0].refusal == Refusal.TOO_EARLY
    assert Scan.objects.get().refusal == "too_early"
    assert not Mark.objects.exists()


def test_a_mark_made_by_staff_stands_and_the_scan_is_held(world: World, opening: Opening) -> None:
    student, lecturer = world.student(), opening.opened_by
    mark_students(opening.session, [student], Status.ABSENT, by=lecturer, at=NINE, reason_code=Reason.NOT_IN_CLASS)
    assert record_scans([attempt(opening, student)])[0].refusal == Refusal.AMENDED
    assert Mark.objects.get().status == Status.ABSENT


def test_a_scan_replaces_a_mark_of_a_lower_source(world: World, opening: Opening) -> None:
    student = world.student()
    Mark.objects.create(
        session=opening.session, student=student, status=Status.ABSENT, source="import", at=NINE, changed_at=NINE
    )
    one = attempt(opening, student, late=True, minutes_late=20)
    assert record_scans([one])[0].status == "late"
    mark = Mark.objects.get()
    assert (mark.status, mark.source, mark.minutes_late, mark.at) == ("late", "scan", 20, one.first_seen_at)
    assert MarkChange.objects.get().before == Status.ABSENT


@pytest.mark.django_db(transaction=True)
async def test_one_bad_row_costs_nobody_else(world_async: World) -> None:
    """A student who does not exist breaks the batch; the others are written all the same."""
    opening, students = await in_thread(_class_of, world_async, 3)
    writer = Writer(DatabaseEngine())
    good = [attempt(opening, student) for student in students]
    bad = replace(good[0], student=10**9, ticket=uuid4(), ref=uuid4())
    results = await asyncio.gather(*(writer.submit(one) for one in [good[0], bad, *good[1:]]), return_exceptions=True)
    assert [type(result) for result in results] == [Outcome, Unavailable, Outcome, Outcome]
    await writer.close()
    assert await in_thread(_marked) == {student.pk for student in students}


@pytest.mark.django_db(transaction=True)
async def test_a_hundred_at_once_make_one_mark(world_async: World) -> None:
    """Pitfall 12: duplicates from a burst."""
    opening, (student,) = await in_thread(_class_of, world_async, 1)
    writer = Writer(DatabaseEngine())
    one = attempt(opening, student)
    outcomes = await asyncio.gather(*(writer.submit(replace(one, ref=uuid4())) for _ in range(100)))
    assert len(set(outcomes)) == 1
    await writer.close()
    assert await in_thread(Scan.objects.count) == 1


class Slow:
    """An engine that says how large its batches were."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def write(self, attempts: Sequence[Attempt]) -> list[Outcome | Exception]:
        self.batches.append(len(attempts))
        return [Outcome(one.ref, None) for one in attempts]

    def close(self) -> None:
        self.batches.append(0)


def _plain() -> Attempt:
    opening = Opening(pk=1, session_id=1)
    return attempt(opening, Person(pk=1))


async def test_what_gathers_during_a_commit_is_the_next_batch() -> None:
    engine = Slow()
    writer = Writer(engine)
    await asyncio.gather(*(writer.submit(_plain()) for _ in range(50)))
    assert engine.batches[0] <= 50
    assert sum(engine.batches) == 50  # every one, once
    assert len(engine.batches) < 50
    await writer.close()


async def test_a_full_queue_says_so() -> None:
    writer = Writer(Slow(), limit=2)
    results = await asyncio.gather(*(writer.submit(_plain()) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [Outcome, Outcome, Busy, Busy, Busy]
    await writer.close()


async def test_closing_writes_what_waits() -> None:
    writer = Writer(Slow())
    waiting = [asyncio.create_task(writer.submit(_plain())) for _ in range(10)]
    await asyncio.sleep(0)
    await writer.close()
    assert all(isinstance(task.result().scan, UUID) for task in waiting)


class Hanging(Slow):
    """An engine whose first commit does not come back until `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, attempts: Sequence[Attempt]) -> list[Outcome | Exception]:
        self.go.wait(30)
        return super().write(attempts)


async def test_a_commit_that_hangs_keeps_nobody_waiting_for_ever() -> None:
    engine = Hanging()
    writer = Writer(engine, batch=1, patience=0.1)
    waiting = await asyncio.gather(*(writer.submit(_plain()) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in waiting] == [Unavailable] * 3, "in the batch, and behind it"
    with pytest.raises(Busy):
        await writer.submit(_plain())
    engine.go.set()
    async with asyncio.timeout(10):
        while True:
            with suppress(Busy):
                assert isinstance(await writer.submit(_plain()), Outcome)
                break
            await asyncio.sleep(0.01)
    await writer.close()
    assert engine.batches == [1, 1, 0], "those that were answered are not written behind their backs, but for the first"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_made_again_and_the_batch_written_once(world_async: World) -> None:
    opening, (first, second) = _class_of(world_async, 2)
    engine = DatabaseEngine()
    assert isinstance(engine.write([attempt(opening, first)])[0], Outcome)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ((ours,),) = cursor.fetchall()
    thread = threading.Thread(target=_cut, args=[ours])
    thread.start()
    thread.join()
    assert isinstance(engine.write([attempt(opening, second)])[0], Outcome)
    assert _marked() == {first.pk, second.pk}


def _cut(backend: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    connection.close()


@pytest.fixture
def world_async(transactional_db: None) -> World:
    return World()


def _class_of(world: World, students: int) -> tuple[Opening, list[Person]]:
    lecturer = world.lecturer()
    opening = open_checkin(world.session(staff=[lecturer]), by=lecturer, at=NINE)
    return opening, [world.student() for _ in range(students)]


def _marked() -> set[int]:
    return set(Mark.objects.values_list("student", flat=True))
