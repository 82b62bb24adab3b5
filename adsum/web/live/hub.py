"""News for live streams: one question a tick, for every class that anyone in this process watches."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import structlog
from django.db import Error

from adsum.attendance.reports import Seen, changes_since, counts_of, marks_of, newest_change
from adsum.attendance.rules import ATTENDED, Status
from adsum.checkin.reports import HeldScan, decided_among, held_since, newest_scan
from adsum.core.reader import Reader
from adsum.timetable.reports import names_expected_in

log = structlog.get_logger("adsum.live")

TICK_SECONDS = 0.4
LAG_SECONDS = 5.0
"""How long after it got its number a row may still be committed; numbers are looked at again for this long."""
OVERLAP = 10_000
"""The same at the start, when no times are known: more rows than all writers together can be writing at once."""


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


N = TypeVar("N", bound=Numbered)


class Cursor:
    """Reads rows by rising id without missing one that was committed late, and hands out each only once."""

    def __init__(self) -> None:
        self.since = 0
        """Every row up to this id has been handed out, and some above it."""
        self._seen: set[int] = set()
        self._marks: deque[tuple[float, int]] = deque()

    def start(self, newest: int) -> None:
        self.since = max(0, newest - OVERLAP)
        self._seen.clear()
        self._marks.clear()

    def fresh(self, rows: Iterable[N]) -> Iterator[N]:
        newest = self.since
        for row in rows:
            newest = max(newest, row.id)
            if row.id not in self._seen:
                self._seen.add(row.id)
                yield row
        now = time.monotonic()
        self._marks.append((now, newest))
        while self._marks and now - self._marks[0][0] > LAG_SECONDS:
            self.since = self._marks.popleft()[1]
        self._seen = {pk for pk in self._seen if pk > self.since}


@dataclass(eq=False)
class Watch:
    """One stream's inbox: what the hub found since it last looked. None: the process is stopping."""

    session: int
    board: "Board"
    news: "asyncio.Queue[Seen | HeldScan | None]" = field(default_factory=asyncio.Queue)


@dataclass
class Board:
    """What the hub knows of one watched class: who is expected, every mark, and which held scans are open."""

    expected: set[int]
    statuses: dict[int, str]
    held: set[int]
    watches: set[Watch] = field(default_factory=set)

    def here(self) -> int:
        return sum(status in ATTENDED for status in self.statuses.values())

    def counts(self) -> dict[str, int]:
        """The numbers above a register; `expected` are those without a mark yet."""
        people = self.expected | self.statuses.keys()
        return counts_of(self.statuses.get(pk, Status.EXPECTED) for pk in people) | {"held": len(self.held)}


class Hub:
    """Asks for news of all watched classes once a tick while anyone watches, and hands it out.

    `rosters_version` says which reading of the registers is the latest; a new one is read for all boards at once.
    """

    def __init__(self, rosters_version: Callable[[], int]) -> None:
        self.read = Reader("live-reader")
        self.boards: dict[int, Board] = {}
        self._rosters_version = rosters_version
        self._rosters = 0
        self._marks = Cursor()
        self._scans = Cursor()
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    @property
    def position(self) -> int:
        """A listener who was told everything until now has missed no change of a mark up to this id."""
        return self._marks.since

    async def watch(self, session: int) -> Watch:
        """Begin to watch a class; `leave` must follow. Raises django.db errors when the database is away."""
        if self._task is None or self._task.done():
            # Before any board is read: what is committed in between is then seen twice rather than never.
            self._marks.start(await self.read(newest_change))
            self._scans.start(await self.read(newest_scan))
            self._rosters = self._rosters_version()
        board = self.boards.get(session)
        if board is None:
            read = await self.read(_board, session)
            board = self.boards.setdefault(session, read)
        watch = Watch(session, board)
        board.watches.add(watch)
        if self._ending:
            watch.news.put_nowait(None)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return watch

    def leave(self, watch: Watch) -> None:
        watch.board.watches.discard(watch)
        if not watch.board.watches and self.boards.get(watch.session) is watch.board:
            del self.boards[watch.session]

    def end(self) -> None:
        """Tell every stream to end, those too that begin from now on."""
        self._ending = True
        for board in self.boards.values():
            self._tell(board, None)

    async def stop(self) -> None:
        """Stop asking, and give the connection back."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.read.close()

    async def _run(self) -> None:
        while self.boards:
            try:
                await self._tick()
            except Error as failure:  # asked again at the next tick, from where it was
                log.warning("live.tick", why=str(failure))
            await asyncio.sleep(TICK_SECONDS)

    async def _tick(self) -> None:
        watched = list(self.boards)
        if (version := self._rosters_version()) != self._rosters:
            for session, names in (await self.read(names_expected_in, watched)).items():
                if session in self.boards:
                    self.boards[session].expected = set(names)
            self._rosters = version
        for mark in self._marks.fresh(await self.read(changes_since, watched, self._marks.since)):
            board = self.boards.get(mark.session)
            if board is not None:
                board.statuses[mark.student] = mark.status
                if mark.status == Status.EXPECTED:  # taken back: there is no mark any more
                    del board.statuses[mark.student]
                self._tell(board, mark)
        scans = list(self._scans.fresh(await self.read(held_since, watched, self._scans.since)))
        waiting = {pk for board in self.boards.values() for pk in board.held}
        if waiting:
            scans += await self.read(decided_among, waiting)
        for scan in scans:
            board = self.boards.get(scan.session)
            if board is not None and scan.open != (scan.id in board.held):
                (board.held.add if scan.open else board.held.discard)(scan.id)
                self._tell(board, scan)

    def _tell(self, board: Board, news: Any) -> None:
        for watch in board.watches:
            watch.news.put_nowait(news)


def _board(session: int) -> Board:
    return Board(
        expected=set(names_expected_in([session])[session]),
        statuses={mark.student: mark.status for mark in marks_of(session)},
        held={scan.id for scan in held_since([session], 0) if scan.open},
    )
