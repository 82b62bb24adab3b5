"""What is left of an erased person where a database keeps more than its tables; and who finishes an erasure where the log is
protected from the role that Adsum runs as."""

import re
import subprocess
from argparse import Namespace
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from adsum.accounts.models import ContactDetail, Person
from adsum.accounts.rules import Role
from adsum.attendance.models import MarkChange, Query
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.audit import tree
from adsum.audit.models import Alias
from adsum.core import student_keys
from adsum.core.errors import AdsumError
from adsum.engagement.models import Contacted
from adsum.ops import audit, retention
from adsum.privacy import erasing
from adsum.privacy.models import Erasure
from adsum.timetable.models import Enrolment
from tests.kit import postgres
from tests.kit.world import NINE, World

LATER = NINE + timedelta(days=800)
MARK = "zqy"
APP = "adsum_app_of_erasure"


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.STUDENT_KEYS = tmp_path / "student_keys"
    student_keys.forget()
    yield
    student_keys.forget()


@pytest.fixture
def officers(world: World) -> tuple[Person, Person]:
    return world.person(Role.DATA_PROTECTION), world.person(Role.DATA_PROTECTION)


@pytest.fixture
def student(world: World) -> Person:
    """Somebody who left, with a marker in their name, number and address, and in what was written by and about them."""
    made = world.student(f"{MARK}given {MARK}family", number=f"{MARK}number")
    Enrolment.objects.filter(pk=world.enrol(made).pk).update(ends_on=date(2026, 11, 30))
    lecturer, session = world.lecturer(), world.session()
    ContactDetail.objects.create(person=made, by="personal_email", value=f"{MARK}address@home.example", entered_at=NINE)
    Query.objects.create(session=session, student=made, raised_at=NINE, text=f"{MARK}query", state="open")
    change = {"session": session, "student": made, "after": "present", "source": "staff", "at": NINE, "by": lecturer}
    MarkChange.objects.create(**change, reason=f"{MARK}reason")
    Contacted.objects.create(student=made, way="call", reply="spoke", at=NINE, by=lecturer, words=f"{MARK}sealed")
    audit_log.record(actor=made.actor, verb="test.event", subject=made.actor, at=NINE)
    return made


def asked_and_approved(student: Person, officers: tuple[Person, Person]) -> dict[str, Any]:
    first, second = officers
    return erasing.approve(erasing.propose(student, "They asked.", act=Act(first, LATER)), act=Act(second, LATER))


def marks_in(content: bytes) -> set[str]:
    return {one.decode() for one in re.findall(MARK.encode() + rb"[a-z]+", content.lower())}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_where_the_log_is_protected_the_owner_finishes_what_was_approved(
    student: Person, officers: tuple[Person, Person], capsys: pytest.CaptureFixture[str]
):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {APP} LOGIN")
        try:
            audit.protect(APP)
            cursor.execute(f"SET ROLE {APP}")
            assert asked_and_approved(student, officers) == {}, "it is left to the owner"
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                Alias.objects.all().delete()
            with pytest.raises(AdsumError, match="as the owner of the tables"):
                retention.run(Namespace(action="run"))
            student.refresh_from_db()
            assert student.family_name == f"{MARK}family", "nothing is ended by halves"
            assert Erasure.objects.get().state == "approved"
            assert tree.tokens_of(student.pk)
            cursor.execute("RESET ROLE")
            assert retention.run(Namespace(action="run")) == 0
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP OWNED BY {APP}")
            cursor.execute(f"DROP ROLE {APP}")
    assert "Erased: a person whose erasure was approved." in capsys.readouterr().out
    student.refresh_from_db()
    assert student.family_name == "(erased)"
    assert Erasure.objects.get().state == "done"
    assert not tree.tokens_of(student.pk)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_no_marker_is_in_a_dump_nor_in_the_files_once_postgresql_has_written_them_anew(
    student: Person, officers: tuple[Person, Person]
):
    there = {f"{MARK}{what}" for what in ("given", "family", "number", "address", "query", "reason")}
    assert marks_in(dumped()) == there, "and what is sealed is not readable"
    asked_and_approved(student, officers)
    assert marks_in(dumped()) == set()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL")
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        files = [path for path in (folder / "base" / str(cursor.fetchone()[0])).iterdir() if path.is_file()]
    assert len(files) > 100
    assert {path.name: found for path in files if (found := marks_in(path.read_bytes()))} == {}


def dumped() -> bytes:
    known, found = connection.settings_dict, postgres.binaries()
    assert found
    command = [found / "pg_dump", "-h", known["HOST"], "-p", str(known["PORT"]), "-U", known["USER"], known["NAME"]]
    return subprocess.run(list(map(str, command)), capture_output=True, check=True).stdout
