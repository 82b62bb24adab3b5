"""The record beside its log while others write: what is compared is one moment, and history keeps the order of the log."""

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.reconciliation import compare_marks
from adsum.attendance.rules import Reason, Status
from adsum.audit.reconciliation import Compared, last_event, who_is_who
from adsum.audit.services import record
from adsum.checkin import writer
from adsum.checkin.models import Opening
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import DatabaseEngine
from adsum.core.turns import snapshot
from tests.kit.marking import mark_students
from tests.kit.meeting import at_once
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def opening(transactional_db: None) -> Opening:
    world = World()
    lecturer = world.lecturer()
    group = world.group(students=3)
    return open_checkin(world.session(group, staff=[lecturer]), by=lecturer, at=NINE)


def difference() -> Any:
    compared = Compared()
    compare_marks(compared, who_is_who())
    return compared.difference


def test_a_comparison_sees_one_moment_and_keeps_nobody_from_writing(opening: Opening) -> None:
    written = threading.Event()

    def write() -> None:
        record(actor="system:test", verb="x.y", subject="z:1", at=NINE)
        connection.close()
        written.set()

    with snapshot():
        before = last_event()
        threading.Thread(target=write).start()
        assert written.wait(10), "it waits for the comparison"
        assert last_event() == before
    assert last_event() == before + 1


@pytest.mark.postgresql
def test_a_mark_that_a_person_changes_while_a_scan_replaces_it_keeps_its_history_in_order(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scan has written its step already, and the person's comes first. (SQLite lets one write at a time.)"""
    session = opening.session
    close_registers([session], at=NINE + timedelta(hours=2))
    student = Mark.objects.select_related("student").order_by("pk")[0].student
    inserted, amended, really = threading.Event(), threading.Event(), writer._insert

    def insert(rows: Any, day: str) -> bool:
        answer = really(rows, day)
        inserted.set()
        assert amended.wait(30)
        return answer

    def amend() -> None:
        assert inserted.wait(30)
        at = NINE + timedelta(minutes=50)
        mark_students(session, [student], Status.LEFT_EARLY, by=opening.opened_by, at=at, reason_code=Reason.OTHER)
        amended.set()

    monkeypatch.setattr(writer, "_insert", insert)
    at_once(partial(DatabaseEngine().write, [attempt(opening, student)]), amend)
    assert Mark.objects.get(student=student).status == Status.LEFT_EARLY
    assert MarkChange.objects.filter(student=student).count() == 2
    assert difference() is None


def test_a_scan_that_replaces_a_mark_of_before_leaves_nothing_of_it(opening: Opening) -> None:
    close_registers([opening.session], at=NINE + timedelta(hours=2))
    mark = Mark.objects.order_by("pk")[0]
    DatabaseEngine().write([attempt(opening, mark.student)])
    mark.refresh_from_db()
    assert (mark.source, mark.left_at) == ("scan", None)
    assert difference() is None
