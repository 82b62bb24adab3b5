"""The hub: what watching costs, and that nothing committed late is missed."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from adsum.accounts.models import Person
from adsum.attendance.amendments import undoable
from adsum.attendance.rules import Status
from adsum.checkin.rules import Refusal
from adsum.web.live import hub as hub_module
from adsum.web.live.hub import Cursor, Hub
from tests.kit.listening import Class, now, until
from tests.kit.marking import mark_students, undo
from tests.kit.world import World, in_thread


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()


@pytest.fixture
def room(world: World) -> Class:
    return Class.begin(world)


class Counted:
    """A hub, and every question it asks."""

    def __init__(self) -> None:
        self.hub = Hub(lambda: 1)
        self.asked: list[str] = []

    def _count(self, execute: Any, sql: str, *rest: Any) -> Any:
        self.asked.append(sql)
        return execute(sql, *rest)

    @classmethod
    @asynccontextmanager
    async def begin(cls) -> AsyncIterator["Counted"]:
        counted = cls()
        await counted.hub.read(lambda: connection.execute_wrappers.append(counted._count))
        try:
            yield counted
        finally:
            await counted.hub.stop()

    async def tick(self) -> list[str]:
        """What one tick asks."""
        self.asked.clear()
        await self.hub._tick()
        return self.asked


def guests(world: World, rooms: list[Class]) -> None:
    for one in rooms:
        one.scan(world.student(), verdict=Refusal.NOT_EXPECTED)


def first_students(rooms: list[Class]) -> None:
    for one in rooms:
        one.scan(one.students[0])


@pytest.mark.parametrize("classes", [1, 30])
async def test_a_tick_asks_as_many_questions_for_one_class_as_for_thirty(world: World, classes: int) -> None:
    rooms = await in_thread(lambda: [Class.begin(world, students=1) for _ in range(classes)])
    async with Counted.begin() as counted:
        watches = [await counted.hub.watch(one.session.pk) for one in rooms]
        assert counted.hub._task
        counted.hub._task.cancel()  # from here on we tick
        await counted.tick()
        assert len(await counted.tick()) == 2, "quiet: marks, held scans"
        await in_thread(guests, world, rooms)
        await counted.tick()
        await in_thread(first_students, rooms)
        assert len(await counted.tick()) == 4, "news: which marks, how they stand, held scans, which of those are decided"
        assert [watch.news.qsize() for watch in watches] == [2] * classes


async def test_nothing_is_asked_while_nobody_watches(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TICK_SECONDS", 0.02)
    async with Counted.begin() as counted:
        assert counted.asked == []
        watch = await counted.hub.watch(room.session.pk)
        await until(lambda: len(counted.asked) > 8)
        counted.hub.leave(watch)
        assert counted.hub._task
        await asyncio.wait_for(asyncio.shield(counted.hub._task), 5)  # it looks no more
        second = await counted.hub.watch(room.session.pk)  # and it begins again
        await in_thread(room.scan, room.students[0])
        assert await asyncio.wait_for(second.news.get(), 5)


async def test_a_mark_that_is_taken_back_is_no_mark_in_the_counts(world: World, room: Class) -> None:
    """Also of somebody who is not on the list: they are then not waited for."""
    guest, listed = await in_thread(world.student), room.students[0]

    def tick_and_undo(student: Person, *, undone: bool = False) -> None:
        if undone:
            undo(room.session, undoable(room.session, room.lecturer, at=now())[0][-1].pk, by=room.lecturer, at=now())
        else:
            mark_students(room.session, [student], Status.PRESENT, by=room.lecturer, at=now())

    async with Counted.begin() as counted:
        watch = await counted.hub.watch(room.session.pk)
        assert counted.hub._task
        counted.hub._task.cancel()  # from here on we tick
        before = watch.board.counts()
        assert before["expected"] == len(room.students)
        for student in (listed, guest):
            await in_thread(tick_and_undo, student)
            await counted.tick()
            waited_for = before["expected"] - (student == listed)
            assert watch.board.counts() == {**before, "present": 1, "expected": waited_for}
            await in_thread(tick_and_undo, student, undone=True)
            await counted.tick()
            assert watch.board.counts() == before


@dataclass
class Row:
    id: int


def rows(*ids: int) -> Sequence[Row]:
    return [Row(pk) for pk in ids]


def test_a_cursor_hands_out_each_row_once_and_late_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    cursor = Cursor()
    cursor.start(0)
    assert [row.id for row in cursor.fresh(rows(1, 2, 4))] == [1, 2, 4]
    assert cursor.since == 0, "3 may still come"
    clock[0] += 4
    assert [row.id for row in cursor.fresh(rows(1, 2, 3, 4, 6))] == [3, 6]
    clock[0] += 4
    assert [row.id for row in cursor.fresh(rows(1, 2, 3, 4, 5, 6))] == [5]
    assert cursor.since == 4, "nothing up to 4 is waited for any longer"
    clock[0] += 20
    assert list(cursor.fresh(rows(5, 6))) == []
    assert cursor.since == 6
