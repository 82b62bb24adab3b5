"""A batch of scans as rows: what is written of each, into which tables, and how each database is asked. One statement for
PostgreSQL, a few for SQLite; the columns are the same."""

import json
from collections.abc import Callable
from typing import Any

from adsum.attendance.digests import digest, instant, new_salt
from adsum.attendance.marks import MAY_FOLLOW
from adsum.attendance.rules import Source
from adsum.checkin.rules import Settled


def row_of(one: Settled, alias: str) -> dict[str, Any]:
    """One kept attempt, as the statements below read it. In its event the student is known by `alias`."""
    attempt, outcome = one.attempt, one.outcome
    refusal = outcome.refusal or ""
    before = one.replaces.status if one.replaces else ""
    seen, finished = instant(attempt.first_seen_at), instant(attempt.finished_at)
    detail: dict[str, Any] = {"scan": attempt.ref.hex}
    salt = ""
    if one.marks:
        salt = new_salt()
        row = digest(
            salt, attempt.session, before, outcome.status, Source.SCAN, seen, attempt.minutes_late, None, finished, "", ""
        )
        detail |= {"before": before, "after": outcome.status, "row": row}
    return {
        "ref": attempt.ref.hex,
        "opening": attempt.opening,
        "session": attempt.session,
        "student": attempt.student,
        "ticket": attempt.ticket.hex,
        "refusal": refusal,
        "seen": seen,
        "finished": finished,
        "typed": attempt.typed,
        "slot": attempt.slot,
        "age": attempt.age_ms,
        "device": attempt.device,
        "new_device": attempt.new_device,
        "network": attempt.network,
        "network_changed": attempt.network_changed,
        "signed_in_after": attempt.signed_in_after,
        "agent": attempt.agent,
        "remembered": attempt.remembered,
        "marks": one.marks,
        "before": before,
        "after": outcome.status,
        "source": "scan",
        "none": "",
        "salt": salt,
        "late": attempt.minutes_late,
        "actor": f"person:{alias}",
        "verb": f"scan.{refusal or 'accept'}",
        "subject": f"session:{attempt.session}",
        "detail": detail,
    }


MARKS = """
SELECT m.session_id, m.student_id, m.status, m.source, m.at FROM adsum_mark m
WHERE (m.session_id, m.student_id) IN (SELECT w.session, w.student FROM w)"""
TICKETS = """
SELECT s.ticket, s.student_id, s.ref, s.refusal, m.status, m.at FROM adsum_scan s
LEFT JOIN adsum_mark m ON m.session_id = s.session_id AND m.student_id = s.student_id AND s.refusal IN ('', 'already_in')
WHERE s.ticket IN (SELECT w.ticket FROM w) ORDER BY s.refusal IN ('', 'already_in'), s.id"""
DEVICES = """
SELECT s.session_id, s.device, s.student_id FROM adsum_scan s
WHERE s.refusal = '' AND s.device <> '' AND (s.session_id, s.device) IN (SELECT w.session, w.device FROM w)"""

PARTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "TRUE": lambda _row: True,
    "marks": lambda row: bool(row["marks"]),
    "marks AND before = ''": lambda row: bool(row["marks"]) and not row["before"],
}
"""Which rows of a batch go into a table: the same condition for PostgreSQL and for us."""

_WRITES: tuple[tuple[str, dict[str, str], str], ...] = (
    (
        "adsum_scan",
        {
            "ref": "ref",
            "opening_id": "opening",
            "session_id": "session",
            "student_id": "student",
            "ticket": "ticket",
            "refusal": "refusal",
            "first_seen_at": "seen",
            "finished_at": "finished",
            "typed": "typed",
            "slot": "slot",
            "age_ms": "age",
            "device": "device",
            "new_device": "new_device",
            "network": "network",
            "network_changed": "network_changed",
            "signed_in_after": "signed_in_after",
            "agent": "agent",
            "remembered": "remembered",
        },
        "TRUE",
    ),
    (
        "adsum_mark",
        {
            "session_id": "session",
            "student_id": "student",
            "status": "after",
            "source": "source",
            "at": "seen",
            "minutes_late": "late",
            "changed_at": "finished",
        },
        "marks AND before = ''",
    ),
    (
        "adsum_markchange",
        {
            "session_id": "session",
            "student_id": "student",
            "before": "before",
            "after": "after",
            "minutes_late": "late",
            "source": "source",
            "seen_at": "seen",
            "at": "finished",
            "reason_code": "none",
            "reason": "none",
            "salt": "salt",
        },
        "marks",
    ),
    ("adsum_event", {"at": "finished", "actor": "actor", "verb": "verb", "subject": "subject", "detail": "detail"}, "TRUE"),
)
"""What one batch inserts: for each table its columns, where each value comes from, and for which rows."""

_TYPES = {
    "ref": "uuid",
    "opening": "bigint",
    "session": "bigint",
    "student": "bigint",
    "ticket": "uuid",
    "refusal": "text",
    "seen": "timestamptz",
    "finished": "timestamptz",
    "typed": "boolean",
    "slot": "smallint",
    "age": "integer",
    "device": "text",
    "new_device": "boolean",
    "network": "text",
    "network_changed": "boolean",
    "signed_in_after": "boolean",
    "agent": "text",
    "remembered": "boolean",
    "marks": "boolean",
    "before": "text",
    "after": "text",
    "source": "text",
    "late": "smallint",
    "none": "text",
    "salt": "text",
    "actor": "text",
    "verb": "text",
    "subject": "text",
    "detail": "jsonb",
}


def _postgresql() -> str:
    """All of it in one statement, so in one round trip: the batch comes as one JSON document, and the answer is whether
    anything may follow."""
    typed = ", ".join(f"{name} {type_}" for name, type_ in _TYPES.items())
    inserts = [
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM d WHERE {part}"  # noqa: S608
        for table, columns, part in _WRITES
    ]
    named = [f", i{n} AS ({insert})" for n, insert in enumerate(inserts)]
    return f"WITH d AS (SELECT * FROM json_to_recordset(%s::json) AS r({typed})){''.join(named)} {MAY_FOLLOW}"  # noqa: S608


def _sqlite(table: str, columns: dict[str, str]) -> str:
    values = ", ".join(f"%({name})s" for name in columns.values())
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - our own names


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """SQLite keeps JSON as text."""
    return {**row, "detail": json.dumps(row["detail"])}


POSTGRESQL = _postgresql()
SQLITE = [(_sqlite(table, columns), part) for table, columns, part in _WRITES]
WANTED = {
    "postgresql": """WITH w AS (SELECT * FROM jsonb_to_recordset(%s::jsonb)
        AS r(session bigint, student bigint, ticket uuid, device text))""",
    "sqlite": """WITH w AS MATERIALIZED (SELECT value ->> '$.session' AS session, value ->> '$.student' AS student,
        value ->> '$.ticket' AS ticket, value ->> '$.device' AS device FROM json_each(%s))""",
}
"""The attempts of a batch as a table, for the reads above."""
