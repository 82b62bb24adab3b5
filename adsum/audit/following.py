"""Reads every row of a table exactly once, for messages and for whatever else acts on new rows of a table.

Ids become visible out of order: a row gets its number when it is written, but is seen when it is committed. So a cursor moves
to an id only long after that id was first seen, and finished rows above it are listed (docs/adr/0016).
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Count, Exists, Max, Model, OuterRef, QuerySet

from adsum.audit.models import Cursor, Processed

M = TypeVar("M", bound=Model)
BATCH = 500
OVERLAP = timedelta(hours=1)
"""No transaction lasts this long: an id first seen longer ago, and every id below it, is committed or never will be."""


class Reader:
    """A reader and how far it has read. What it reads and what it does about it belong in one transaction."""

    def __init__(self, cursor: Cursor, newest: int) -> None:
        self._cursor, self._newest = cursor, newest
        self._processed = Processed.objects.filter(source=cursor.source)
        self.seen: tuple[Any, ...] = ()
        """Its place when it was looked at."""

    @property
    def _place(self) -> tuple[Any, ...]:
        """How far it has read, and what is listed: another one whenever somebody has read on."""
        listed = self._processed.aggregate(count=Count("pk"), newest=Max("pk"))
        return self._cursor.row, self._cursor.seen, self._cursor.seen_at, *listed.values()

    def hold(self) -> bool:
        """Lock a reader that was only looked at until the transaction ends; whether nobody has read on meanwhile."""
        seen, self._cursor = self.seen, _locked(self._cursor.source)
        return seen == self._place

    def left(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of these rows that are not finished, in the order of their ids."""
        done = self._processed.filter(row=OuterRef("pk"))
        return rows.filter(~Exists(done), pk__gt=self._cursor.row).order_by("pk")

    def known(self) -> set[int]:
        """The rows that are listed as finished (one query)."""
        return set(self._processed.values_list("row", flat=True))

    def done(self, rows: Iterable[int], *, at: datetime) -> None:
        """List these rows as finished: they need not be read again."""
        source = self._cursor.source
        Processed.objects.bulk_create([Processed(source=source, row=row, at=at) for row in rows], batch_size=BATCH)

    def move(self, first_left: int | None, *, at: datetime) -> None:
        """Move the cursor up to what was there an hour ago, but not past the first row that is left for another time."""
        cursor = self._cursor
        if not self.is_due(at):
            return
        done = cursor.seen if first_left is None else min(cursor.seen, first_left - 1)
        cursor.row, cursor.seen, cursor.seen_at = max(cursor.row, done), self._newest, at
        cursor.save()
        self._processed.filter(row__lte=cursor.row).delete()

    def is_due(self, at: datetime) -> bool:
        """Whether the cursor may move: an hour has passed since it did."""
        return self._cursor.seen_at is None or at - self._cursor.seen_at >= OVERLAP

    def forget(self, *, before: datetime) -> None:
        """Forget rows that were finished before then: they are not read again."""
        self._processed.filter(at__lt=before).delete()

    def lists(self, *, before: datetime) -> bool:
        """Whether rows are listed that were finished before then."""
        return self._processed.filter(at__lt=before).exists()

    def lists_others(self, rows: Collection[int] | QuerySet[Any, Any]) -> bool:
        """Whether other rows than these are listed."""
        return self._processed.exclude(row__in=rows).exists()

    def forget_all_but(self, rows: Collection[int] | QuerySet[Any, Any]) -> None:
        """Keep only these rows in the list; the others may be read again, because what they were about is over."""
        self._processed.exclude(row__in=rows).delete()


def take_up(source: str, follows: type[Model] | None = None) -> Reader:
    """The reader of that name, locked until the transaction ends: a second one waits, and sees what the first has done.
    `follows`: the table whose rows it reads in order."""
    return Reader(_locked(source), _newest(follows))


def look(source: str, follows: type[Model] | None = None) -> Reader:
    """The reader of that name without a lock, to find out what there is to do while others write (`core.turns.snapshot`).
    Before anything is written, `hold` it."""
    reader = Reader(Cursor.objects.filter(source=source).first() or Cursor(source=source), _newest(follows))
    reader.seen = reader._place
    return reader


def _locked(source: str) -> Cursor:
    Cursor.objects.get_or_create(source=source)
    return Cursor.objects.select_for_update().get(source=source)


def _newest(follows: type[Model] | None) -> int:
    return (follows._default_manager.aggregate(newest=Max("pk"))["newest"] if follows else None) or 0
