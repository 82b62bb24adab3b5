"""What a test committed goes again: only tables that hold something are emptied, and all that hold something are.

Django's own way empties every table we have, and makes the rows of its own two again, after each test that commits. This one
asks the database which tables have rows, under the lock that Django's way takes too: whoever still writes is waited for. So a
row cannot stay, whoever wrote it and wherever, and a test pays for the tables that it used.
"""

from typing import Any

from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

KEPT = ("auth_permission", "django_content_type")
"""What Django says of our tables, in the order in which it can be deleted: it stays where no test has changed it."""
APART = {"django_migrations", *KEPT}

_first: dict[str, list[tuple[Any, ...]]] = {}
"""What was in KEPT before any test: they are read once in each process."""


def note_first() -> None:
    """Before any test: what is there, and stays."""
    with connection.cursor() as cursor:
        _first.update(_kept(cursor))


def empty() -> None:
    """Make every table as it was before any test."""
    with transaction.atomic(), connection.cursor() as cursor:
        filled = _on_postgresql(cursor) if connection.vendor == "postgresql" else _on_sqlite(cursor)
        changed = _kept(cursor) != _first
        _delete(cursor, [*filled, *(KEPT if changed else ())])
    if changed:
        emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
        note_first()


def _kept(cursor: CursorWrapper) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for table in KEPT:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        found[table] = cursor.fetchall()
    return found


def _on_postgresql(cursor: CursorWrapper) -> list[str]:
    """The tables that have rows. A table without a page never had one since it was made or last tidied."""
    tables = "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    cursor.execute(f"SELECT string_agg(quote_ident(relname), ', ') {tables}")
    cursor.execute(f"LOCK TABLE {cursor.fetchone()[0]} IN ACCESS EXCLUSIVE MODE")
    cursor.execute(f"SELECT quote_ident(relname) {tables} AND pg_relation_size(oid) > 0")
    return _with_rows(cursor, [name for (name,) in cursor.fetchall() if name not in APART])


def _on_sqlite(cursor: CursorWrapper) -> list[str]:
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return _with_rows(cursor, [name for (name,) in cursor.fetchall() if name not in APART])


def _with_rows(cursor: CursorWrapper, tables: list[str]) -> list[str]:
    if not tables:
        return []
    cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables))
    return [name for (name,) in cursor.fetchall()]


def _delete(cursor: CursorWrapper, tables: list[str]) -> None:
    """Without triggers, for that moment: some tables are append-only, and rows that point at one another go together."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL session_replication_role = replica")
        restore: list[str] = []
    else:
        cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = [(name, sql) for name, table, sql in cursor.fetchall() if table in tables]
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        restore = [sql for _, sql in triggers]
    for statement in (*(f"DELETE FROM {name}" for name in tables), *restore):
        cursor.execute(statement)
