"""Marks, their history, roles and looks: what somebody changes in the tables alone, straight in SQL, is found and named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from adsum.accounts.models import RoleGrant
from adsum.attendance.models import Mark, MarkChange
from adsum.audit.encoding import Differs
from adsum.audit.models import AccessLog
from adsum.audit.verification import verify
from adsum.messages.topics.oversight import TABLES
from tests.kit.log import MINUTE, superuser
from tests.kit.term import DAY, NEW_STEP, Term, first, stored
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def term(world: World) -> Term:
    return Term(world)


@dataclass(frozen=True)
class Tampering:
    """What somebody with the database does, and what is named."""

    name: str
    sql: str
    of: Callable[[Term], list[Any]]
    finds: Differs
    table: str
    row: Callable[[Term], int | None] = lambda _term: None


def altered(column: str, value: Any, which: str = "amended") -> Tampering:
    """One column of one step."""
    return Tampering(
        f"history: {column} of the {which} step altered",
        f"UPDATE adsum_markchange SET {column} = %s WHERE id = %s",
        lambda term: [value, term.step(which)],
        Differs.DIFFERENT,
        "adsum_markchange",
        lambda term: term.step(which),
    )


def changed_mark(column: str, value: Any, which: int = 0) -> Tampering:
    return Tampering(
        f"mark {which}: {column} altered",
        f"UPDATE adsum_mark SET {column} = %s WHERE id = %s",
        lambda term: [value, term.mark_id(which)],
        Differs.DIFFERENT,
        "adsum_mark",
        lambda term: term.mark_id(which),
    )


def changed_role(column: str, value: Any, differs: Differs) -> Tampering:
    return Tampering(
        f"role: {column} altered to {value}",
        f"UPDATE adsum_rolegrant SET {column} = %s WHERE id = %s",
        lambda term: [value, term.grant.pk],
        differs,
        "adsum_rolegrant",
        lambda term: term.grant.pk,
    )


def changed_look(column: str, value: Any) -> Tampering:
    return Tampering(
        f"look: {column} altered",
        f"UPDATE adsum_accesslog SET {column} = %s WHERE id = (SELECT min(id) FROM adsum_accesslog)",
        lambda _term: [value],
        Differs.DIFFERENT,
        "adsum_accesslog",
    )


LATEST = "(SELECT max(id) FROM adsum_markchange)"
TAMPERINGS = [
    altered("after", "absent", "scanned"),
    altered("after", "authorised", "closed"),
    altered("before", "absent"),
    altered("source", "import", "scanned"),
    altered("source", "scan"),
    altered("seen_at", "2026-11-24 09:00:30", "scanned"),
    altered("seen_at", None, "scanned"),
    altered("minutes_late", 3, "scanned"),
    altered("minutes_late", 44),
    altered("left_at", "2026-11-24 09:30:00", "last"),
    altered("at", "2026-11-24 09:01:00", "amended"),
    altered("at", "2025-11-24 09:01:00", "scanned"),
    altered("reason", "Was ill"),
    altered("reason", "", "amended"),
    altered("reason_code", "query_upheld"),
    altered("salt", "0123456789abcdef"),
    altered("salt", "", "scanned"),
    Tampering(
        "history: a step is given to another author",
        "UPDATE adsum_markchange SET by_id = %s WHERE id = %s",
        lambda term: [term.officer.pk, term.step("amended")],
        Differs.DIFFERENT,
        "adsum_markchange",
        lambda term: term.step("amended"),
    ),
    Tampering(
        "history: a step has no author any more",
        "UPDATE adsum_markchange SET by_id = NULL WHERE id = %s",
        lambda term: [term.step("amended")],
        Differs.DIFFERENT,
        "adsum_markchange",
        lambda term: term.step("amended"),
    ),
    Tampering(
        "history: a scan is a person's",
        "UPDATE adsum_markchange SET by_id = %s WHERE id = %s",
        lambda term: [term.lecturer.pk, term.step("scanned")],
        Differs.DIFFERENT,
        "adsum_markchange",
        lambda term: term.step("scanned"),
    ),
    Tampering(
        "history: a step is given to another student",
        "UPDATE adsum_markchange SET student_id = %s WHERE id = %s",
        lambda term: [term.students[4].pk, term.step("scanned")],
        Differs.UNRECORDED,
        "adsum_markchange",
        lambda term: term.step("scanned"),
    ),
    Tampering(
        "history: a step is moved to another class",
        "UPDATE adsum_markchange SET session_id = %s WHERE id = %s",
        lambda term: [term.sessions[0].pk, term.step("scanned")],
        Differs.UNRECORDED,
        "adsum_markchange",
        lambda term: term.step("scanned"),
    ),
    Tampering(
        "history: two students exchange their steps",
        "UPDATE adsum_markchange SET student_id = %s - student_id WHERE session_id = %s AND student_id IN (%s, %s)",
        lambda term: [term.students[0].pk + term.students[4].pk, term.sessions[1].pk, term.students[0].pk, term.students[4].pk],
        Differs.DIFFERENT,
        "adsum_markchange",
        lambda term: term.step("scanned"),
    ),
    Tampering(
        "history: a scan's step is deleted",
        "DELETE FROM adsum_markchange WHERE id = %s",
        lambda term: [term.step("scanned")],
        Differs.LOST,
        "adsum_markchange",
    ),
    Tampering(
        "history: an amendment is deleted",
        "DELETE FROM adsum_markchange WHERE id = %s",
        lambda term: [term.step("amended")],
        Differs.LOST,
        "adsum_markchange",
    ),
    Tampering(
        "history: a whole class is deleted",
        "DELETE FROM adsum_markchange WHERE session_id = %s",
        lambda term: [term.sessions[1].pk],
        Differs.LOST,
        "adsum_markchange",
    ),
    Tampering(
        "history: everything is deleted", "DELETE FROM adsum_markchange", lambda _term: [], Differs.LOST, "adsum_markchange"
    ),
    Tampering(
        "history: a step is put in",
        NEW_STEP,
        lambda term: [term.sessions[1].pk, term.students[4].pk, "absent", "present", NINE, NINE + DAY, "0123456789abcdef"],
        Differs.UNRECORDED,
        "adsum_markchange",
        lambda _term: MarkChange.objects.latest("pk").pk,
    ),
    Tampering(
        "history: a step is put in as if it were of before",
        NEW_STEP,
        lambda term: [term.sessions[1].pk, term.students[4].pk, "absent", "present", NINE, NINE - 300 * DAY, ""],
        Differs.UNRECORDED,
        "adsum_markchange",
        lambda _term: MarkChange.objects.latest("pk").pk,
    ),
    Tampering(
        "history: a step of somebody who was not there is put in",
        NEW_STEP,
        lambda term: [term.sessions[2].pk, term.officer.pk, "", "present", NINE, NINE, "0123456789abcdef"],
        Differs.UNRECORDED,
        "adsum_markchange",
        lambda _term: MarkChange.objects.latest("pk").pk,
    ),
    Tampering(
        "history: a step of a class there never was",
        NEW_STEP,
        lambda term: [987_654, term.students[0].pk, "", "present", NINE, NINE, "0123456789abcdef"],
        Differs.UNRECORDED,
        "adsum_markchange",
        lambda _term: MarkChange.objects.latest("pk").pk,
    ),
    Tampering(
        "history: a step is there twice",
        "INSERT INTO adsum_markchange (session_id, student_id, before, after, minutes_late, source, seen_at, at, reason_code, "
        "reason, salt, by_id, left_at) SELECT session_id, student_id, before, after, minutes_late, source, seen_at, at, "
        "reason_code, reason, salt, by_id, left_at FROM adsum_markchange WHERE id = %s",
        lambda term: [term.step("last")],
        Differs.UNRECORDED,
        "adsum_markchange",
        lambda _term: MarkChange.objects.latest("pk").pk,
    ),
    Tampering(
        "history: an amendment is made the last one by its id",
        f"UPDATE adsum_markchange SET id = {LATEST} + 1 WHERE id = %s",
        lambda term: [term.step("amended")],
        Differs.OUT_OF_ORDER,
        "adsum_markchange",
        lambda _term: MarkChange.objects.latest("pk").pk,
    ),
    changed_mark("status", "absent"),
    changed_mark("status", "present", 4),
    changed_mark("source", "staff"),
    changed_mark("at", "2026-11-24 08:59:00"),
    changed_mark("minutes_late", 20),
    changed_mark("minutes_late", 33, 2),
    changed_mark("left_at", "2026-11-24 09:40:00"),
    changed_mark("changed_at", "2026-11-24 12:00:00"),
    Tampering(
        "mark: given to another student",
        "UPDATE adsum_mark SET student_id = %s WHERE id = %s",
        lambda term: [term.officer.pk, term.mark_id(0)],
        Differs.UNRECORDED,
        "adsum_mark",
        lambda term: Mark.objects.get(student=term.officer).pk,
    ),
    Tampering(
        "mark: deleted", "DELETE FROM adsum_mark WHERE id = %s", lambda term: [term.mark_id(0)], Differs.LOST, "adsum_mark"
    ),
    Tampering("marks: all deleted", "DELETE FROM adsum_mark", lambda _term: [], Differs.LOST, "adsum_mark"),
    Tampering(
        "mark: put in",
        "INSERT INTO adsum_mark (session_id, student_id, status, source, at, minutes_late, changed_at) "
        "VALUES (%s, %s, 'present', 'scan', %s, 0, %s)",
        lambda term: [term.sessions[1].pk, term.officer.pk, NINE, NINE],
        Differs.UNRECORDED,
        "adsum_mark",
        lambda term: Mark.objects.get(student=term.officer).pk,
    ),
    changed_role("ends_on", None, Differs.DIFFERENT),
    changed_role("ends_on", "2027-11-24", Differs.DIFFERENT),
    changed_role("starts_on", "2025-11-24", Differs.DIFFERENT),
    changed_role("role", "administrator", Differs.UNRECORDED),
    changed_role("source", "roster", Differs.UNRECORDED),
    Tampering(
        "role: given to another person",
        "UPDATE adsum_rolegrant SET person_id = %s WHERE id = %s",
        lambda term: [term.students[0].pk, term.grant.pk],
        Differs.UNRECORDED,
        "adsum_rolegrant",
        lambda term: term.grant.pk,
    ),
    Tampering(
        "role: deleted",
        "DELETE FROM adsum_rolegrant WHERE id = %s",
        lambda term: [term.grant.pk],
        Differs.LOST,
        "adsum_rolegrant",
    ),
    Tampering(
        "role: put in",
        "INSERT INTO adsum_rolegrant (person_id, role, source) VALUES (%s, 'administrator', '')",
        lambda term: [term.students[0].pk],
        Differs.UNRECORDED,
        "adsum_rolegrant",
        lambda _term: RoleGrant.objects.latest("pk").pk,
    ),
    Tampering(
        "role: dated back and put in",
        "INSERT INTO adsum_rolegrant (person_id, role, source, starts_on) VALUES (%s, 'auditor', '', '2025-09-01')",
        lambda term: [term.students[0].pk],
        Differs.UNRECORDED,
        "adsum_rolegrant",
        lambda _term: RoleGrant.objects.latest("pk").pk,
    ),
    changed_look("viewer", 987_654),
    changed_look("role", "auditor"),
    changed_look("subject", "person:987654"),
    changed_look("page", "students"),
    changed_look("purpose", "safety"),
    changed_look("department", 5),
    changed_look("at", "2026-11-23 10:00:00"),
    Tampering(
        "look: deleted",
        "DELETE FROM adsum_accesslog WHERE id = (SELECT min(id) FROM adsum_accesslog)",
        lambda _term: [],
        Differs.MISCOUNTED,
        "adsum_accesslog",
    ),
    Tampering(
        "looks: all of a day deleted",
        "DELETE FROM adsum_accesslog WHERE at < %s",
        lambda _term: [NINE + DAY - MINUTE],
        Differs.MISCOUNTED,
        "adsum_accesslog",
    ),
    Tampering(
        "look: moved to another day",
        "UPDATE adsum_accesslog SET at = %s WHERE id = (SELECT min(id) FROM adsum_accesslog)",
        lambda _term: [NINE + DAY],
        Differs.MISCOUNTED,
        "adsum_accesslog",
    ),
    Tampering(
        "look: put in, dated back to a day without any",
        "INSERT INTO adsum_accesslog (at, viewer, role, subject, page, purpose, slot) "
        "VALUES (%s, 1, 'tutor', 'person:1', 'record', '', 1)",
        lambda _term: [NINE - 4 * DAY],
        Differs.UNRECORDED,
        "adsum_accesslog",
        lambda _term: AccessLog.objects.latest("pk").pk,
    ),
    Tampering(
        "look: put in, dated back",
        "INSERT INTO adsum_accesslog (at, viewer, role, subject, page, purpose, slot) "
        "VALUES (%s, 1, 'tutor', 'person:1', 'record', '', 1)",
        lambda _term: [NINE],
        Differs.MISCOUNTED,
        "adsum_accesslog",
    ),
    Tampering(
        "looks: what sealed them is deleted", "DELETE FROM adsum_lookseal", lambda _term: [], Differs.LOST, "adsum_lookseal"
    ),
    Tampering(
        "looks: what sealed them is altered",
        "UPDATE adsum_lookseal SET salt = 'x'",
        lambda _term: [],
        Differs.DIFFERENT,
        "adsum_accesslog",
    ),
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=[one.name for one in TAMPERINGS])
def test_what_is_changed_in_the_tables_alone_is_named(term: Term, tampering: Tampering):
    with superuser() as cursor:
        cursor.execute(tampering.sql, [stored(one) for one in tampering.of(term)])
        assert cursor.rowcount > 0, "it changed nothing"
        assert first() == (tampering.finds, tampering.table, tampering.row(term))
    assert verify().finding is None, "the log itself is as it was"


def test_every_table_has_its_tamperings_and_words():
    assert {one.table for one in TAMPERINGS} == set(TABLES)
    assert len(TAMPERINGS) > 60
