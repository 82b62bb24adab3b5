"""Group commit: check-ins that wait together are written together, and each student is answered after the commit.

The database engines differ only in how rows are read and inserted; `rules.settle` decides, the same for all.
"""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import DatabaseError, Error, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.utils import DataError

from adsum.attendance.digests import instant
from adsum.attendance.marks import MAY_FOLLOW, earliest_day, follow_scans
from adsum.attendance.rules import ATTENDED, Source, Status, why_not
from adsum.audit.services import aliases
from adsum.checkin.rules import Attempt, Before, KnownMark, Outcome, Refusal, Settled, settle
from adsum.checkin.scan_rows import DEVICES, MARKS, PARTS, POSTGRESQL, SQLITE, TICKETS, WANTED, flat, row_of


class Busy(Exception):
    """Too many are waiting. The ticket stays good: try again in a moment."""


class Unavailable(Exception):
    """The database did not take it. The ticket stays good: try again in a moment."""


class Engine(Protocol):
    """Makes a batch durable. Called from one thread only."""

    def write(self, attempts: Sequence[Attempt]) -> list[Outcome | Exception]:
        """What became of each attempt, in order, after the commit; an exception in place of one that could not be kept."""

    def close(self) -> None:
        """Give back what the engine holds."""


class Writer:
    """The queue before an engine. What gathered while the last commit ran is the next batch, so there is no fixed delay."""

    def __init__(self, engine: Engine, *, limit: int = 20_000, batch: int = 1_000, patience: float = 10.0) -> None:
        """`patience`: seconds to wait for a commit that hangs before everyone in its batch is answered."""
        self._engine = engine
        self._limit = limit
        self._batch = batch
        self._patience = patience
        self._stuck = False
        self._waiting: deque[tuple[Attempt, asyncio.Future[Outcome]]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkin-writer")
        self._pump: asyncio.Task[None] | None = None

    async def submit(self, attempt: Attempt) -> Outcome:
        """Answer when the attempt is durable. Raises Busy when the queue is full, Unavailable when nothing was kept."""
        if self._stuck or len(self._waiting) >= self._limit:
            raise Busy
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((attempt, future))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch))]
            watchdog = loop.call_later(self._patience, self._give_up, batch)
            try:
                outcomes = await loop.run_in_executor(self._thread, self._engine.write, [one for one, _ in batch])
            except Exception as failure:  # noqa: BLE001 - any failure must be reported to every student of the batch
                outcomes = [Unavailable(str(failure))] * len(batch)
            watchdog.cancel()
            self._stuck = False
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():  # the student's phone went away; the scan stands
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _give_up(self, batch: list[tuple[Attempt, asyncio.Future[Outcome]]]) -> None:
        """Answer everyone who waits for a commit that hangs. It may still succeed; the same ticket then finds its mark."""
        self._stuck = True
        for _, future in [*batch, *self._waiting]:
            if not future.done():
                future.set_exception(Unavailable("the database does not answer"))
        self._waiting.clear()

    async def close(self) -> None:
        """Write what is waiting, then stop."""
        if self._pump is not None:
            await self._pump
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.close)
        self._thread.shutdown()


class DatabaseEngine:
    """Writes through Django's own connection of this thread, to SQLite or PostgreSQL."""

    def write(self, attempts: Sequence[Attempt]) -> list[Outcome | Exception]:
        before = connection.connection
        try:
            return list(record_scans(attempts))
        except (IntegrityError, DataError):
            # Another worker was faster, or one row is bad. A bad row must not cost other students their check-in.
            return [self._alone(attempt) for attempt in attempts]
        except (OperationalError, InterfaceError) as failure:
            lost = before is not None and (connection.connection is not before or not connection.is_usable())
            connection.close()
            if not lost:
                raise Unavailable(str(failure)) from failure
        try:  # the database was restarted, or another took over: it knows which of this batch it kept
            return list(record_scans(attempts))
        except Error as failure:
            connection.close()
            raise Unavailable(str(failure)) from failure

    def close(self) -> None:
        connection.close()

    def _alone(self, attempt: Attempt) -> Outcome | Exception:
        for last in (False, True):
            try:
                return record_scans([attempt])[0]
            except IntegrityError as failure:  # another writer was faster: its row is visible now
                if last:
                    return Unavailable(str(failure))
            except DatabaseError as failure:
                return Unavailable(str(failure))
        raise AssertionError("unreachable")


def record_scans(attempts: Sequence[Attempt]) -> list[Outcome]:
    """Record attempts and, where they count, mark the students: scan, mark, history and event in one transaction.

    Every scan is made here. Raises django.db errors when nothing was kept.

    Most batches hold only first scans made in time. These are simply inserted, and the constraints (one mark per student and
    class, one use of a ticket, one account per device and class) say whether that was right. Any other batch is settled
    against what the register already knows.
    """
    if _all_new(attempts):
        try:
            with transaction.atomic():
                return _write(settle(attempts, Before({}, {}, {})))
        except IntegrityError:
            pass  # one of them was not new: look before writing
    with transaction.atomic():
        return _write(settle(attempts, _before(attempts)))


def _all_new(attempts: Sequence[Attempt]) -> bool:
    """Whether no attempt of the batch is refused, and none comes twice."""
    devices = [(one.session, one.device) for one in attempts if one.device]
    return (
        all(one.verdict is None for one in attempts)
        and len({one.ticket for one in attempts}) == len(attempts)
        and len({(one.session, one.student) for one in attempts}) == len(attempts)
        and len(set(devices)) == len(devices)
    )


def _write(settled: Sequence[Settled]) -> list[Outcome]:
    kept = [one for one in settled if one.kept]
    known = aliases([one.attempt.student for one in kept])
    may_follow = bool(kept) and _insert([row_of(one, known[one.attempt.student]) for one in kept], _earliest_day(kept))
    replaced = [one for one in settled if one.replaces]
    if replaced:
        _replace(replaced)
    marked = {(one.attempt.session, one.attempt.student) for one in kept if one.marks}
    if may_follow and marked:
        follow_scans(marked)
    return [one.outcome for one in settled]


def _earliest_day(kept: Sequence[Settled]) -> str:
    return earliest_day(min(one.attempt.first_seen_at for one in kept)).isoformat()


def _insert(rows: Sequence[dict[str, Any]], day: str) -> bool:
    """Write the rows of a batch. Returns whether anything may follow from its marks: those of classes on that day or later."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL, [json.dumps(rows), day])
        else:
            for statement, part in SQLITE:
                if wanted := [flat(row) for row in rows if PARTS[part](row)]:
                    cursor.executemany(statement, wanted)
            cursor.execute(MAY_FOLLOW, [day])
        return bool(cursor.fetchone()[0])


def _replace(settled: Sequence[Settled]) -> None:
    """Replace marks that give way to a scan: those of an import, or of the system at close. Raises IntegrityError when one has
    changed since this was decided: it is then decided anew, so that the history keeps its steps in the order of the marks."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE adsum_mark SET status = %s, source = 'scan', at = %s, minutes_late = %s, left_at = NULL, changed_at = %s "
            "WHERE session_id = %s AND student_id = %s AND status = %s AND at = %s",
            [
                (
                    one.outcome.status,
                    instant(one.attempt.first_seen_at),
                    one.attempt.minutes_late,
                    instant(one.attempt.finished_at),
                    one.attempt.session,
                    one.attempt.student,
                    one.replaces.status,
                    instant(one.replaces.at),
                )
                for one in settled
                if one.replaces
            ],
        )
        if cursor.rowcount != len(settled):
            raise IntegrityError("a mark that was to give way was changed meanwhile")


def _before(attempts: Sequence[Attempt]) -> Before:
    """What the register already knows about these attempts: always three indexed reads, however many attempts there are."""
    keys = json.dumps(
        [{"session": one.session, "student": one.student, "ticket": one.ticket.hex, "device": one.device} for one in attempts]
    )
    with connection.cursor() as cursor:
        marks, tickets, devices = (
            cursor.execute(WANTED[connection.vendor] + wanted, [keys]).fetchall() for wanted in (MARKS, TICKETS, DEVICES)
        )
    return Before(
        marks={
            (session, student): KnownMark(
                status,
                status in ATTENDED,
                _utc(at),
                why_not(status=Status(status), source=Source(source), to=Status.PRESENT, by=Source.SCAN) is None,
            )
            for session, student, status, source, at in marks
        },
        tickets={
            UUID(str(ticket)): (
                student,
                Outcome(UUID(str(ref)), Refusal(refusal) if refusal else None, status or "", _utc(at) if at else None),
            )
            for ticket, student, ref, refusal, status, at in tickets
        },
        devices={(session, device): student for session, device, student in devices},
    )


def _utc(value: datetime) -> datetime:
    """An instant with its zone: SQLite keeps instants in UTC but without a time zone."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)
