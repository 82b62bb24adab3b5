"""An event log for tests: grown, kept elsewhere, and open to somebody who may do anything in the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from adsum.audit import services, tree
from adsum.audit.models import Event, Leaf
from adsum.audit.verification import Outside
from tests.kit.world import NINE

BY = "system:test"
MINUTE = timedelta(minutes=1)


def write(number: int, *, at: datetime = NINE, verb: str = "test.event") -> list[int]:
    """So many events; their ids."""
    services.record_all([services.Entry(verb, f"thing:{n}", {"n": n}) for n in range(number)], actor=BY, at=at)
    return list(Event.objects.order_by("-pk").values_list("pk", flat=True)[:number])[::-1]


def log(*sizes: int) -> list[int]:
    """A log that was sealed after each of these many events, a minute apart; its events in the order of the tree."""
    for n, size in enumerate(sizes):
        write(size, at=NINE + n * MINUTE)
        services.seal(at=NINE + n * MINUTE)
    return list(Leaf.objects.order_by("index").values_list("event_id", flat=True))


@contextmanager
def superuser() -> Iterator[Any]:
    """Someone who may do anything in the database: without the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _sql in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            yield cursor
            for _name, sql in triggers:
                cursor.execute(sql)
        else:
            for table in services.WITHHELD:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield cursor
            for table in services.WITHHELD:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def kept(name: str = "kept.txt") -> Outside:
    """Today's checkpoint, as it was kept elsewhere."""
    note = tree.note_of(services.publish(by=BY, at=NINE + timedelta(minutes=30)))
    return Outside(name, tree.open_checkpoint(note))


@contextmanager
def unconstrained(cursor: Any) -> Iterator[None]:
    """Without the constraint of the ids of events."""
    if connection.vendor == "sqlite":
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        yield
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    else:
        cursor.execute("ALTER TABLE adsum_event DROP CONSTRAINT event_ids_begin_at_one")
        yield
        cursor.execute("ALTER TABLE adsum_event ADD CONSTRAINT event_ids_begin_at_one CHECK (id > 0)")
