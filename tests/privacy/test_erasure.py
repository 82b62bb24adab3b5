"""A person is erased: markers planted in every field are found nowhere any more, not even in a backup that was taken before."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from adsum.absence.models import AbsenceRequest
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.compliance.models import SponsorProfile
from adsum.core import student_keys
from adsum.core.declared import Keep
from adsum.core.errors import AdsumError
from adsum.privacy import erasing, holds
from adsum.privacy.declarations import declarations
from adsum.privacy.models import Erasure, LegalHold
from adsum.privacy.rules import Ground
from adsum.timetable.models import Enrolment
from tests.kit.commands import adsum, environment
from tests.kit.planted import MARK, plant, unconstrained
from tests.kit.world import NINE, World

LATER = NINE + timedelta(days=800)
ERASE = """
from datetime import datetime
from adsum.ops.cli import set_up
set_up()
from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.privacy import erasing
first, second, student = (Person.objects.get(pk=pk) for pk in ({first}, {second}, {student}))
at = datetime.fromisoformat("{at}")
made = erasing.propose(student, "They asked.", act=Act(first, at))
assert not made.preview["protected"], made.preview["protected"]
print(erasing.approve(made, act=Act(second, at)))
"""


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.STUDENT_KEYS = tmp_path / "data" / "student_keys"
    student_keys.forget()
    yield settings.STUDENT_KEYS
    student_keys.forget()


def found_in(folder: Path) -> dict[str, set[str]]:
    """Which markers stand in which files below."""
    files = {path: path.read_bytes().lower() for path in folder.rglob("*") if path.is_file()}
    found = {path.name: {one.decode() for one in re.findall(MARK.encode() + rb"\w+", text)} for path, text in files.items()}
    return {name: marks for name, marks in found.items() if marks}


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_planted_markers_are_found_nowhere_once_their_student_is_erased(world: World, tmp_path: Path):
    first, second = world.person(Role.DATA_PROTECTION), world.person(Role.DATA_PROTECTION)
    student, other = world.person(name="Ada Byron"), world.student("Mary Somerville")
    with unconstrained():
        marks = plant(student)
        Enrolment.objects.filter(person=student).update(ends_on=date(2026, 12, 1))
        Erasure.objects.update(state="declined")
        LegalHold.objects.update(ended_at=NINE)
        SponsorProfile.objects.update(until=date(2026, 12, 1))
        (data := tmp_path / "data").mkdir(exist_ok=True)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(data / "adsum.sqlite3")])
    texts = sum(field.text for table in declarations().values() if table.person for field in table.fields.values())
    assert len(marks) >= texts - 1, "in every text but an address of the network"
    assert set(found_in(data)) == {"adsum.sqlite3"}
    assert not {one for one in found_in(data)["adsum.sqlite3"] if one.startswith(f"{MARK}casestepwords")}, "sealed"
    backup = tmp_path / "backup.sqlite3"
    shutil.copy(data / "adsum.sqlite3", backup)

    script = ERASE.format(first=first.pk, second=second.pk, student=student.pk, at=LATER.isoformat())
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(data, ADSUM_LOG_LEVEL="debug"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert MARK not in (done.stdout + done.stderr).lower()
    assert found_in(data) == {}, "the file, its log, the keys and what else there is"
    with sqlite3.connect(data / "adsum.sqlite3") as database:
        assert MARK not in "\n".join(database.iterdump()).lower()
        names = database.execute("SELECT family_name FROM adsum_person WHERE id IN (?, ?) ORDER BY id", (student.pk, other.pk))
        assert [row[0] for row in names] == ["(erased)", "Somerville"]

    for rest in data.glob("adsum.sqlite3*"):
        rest.unlink()
    shutil.copy(backup, data / "adsum.sqlite3")
    assert set(found_in(data)) == {"adsum.sqlite3"}, "the backup names them"
    again = adsum(data, "retention", "replay")
    assert again.returncode == 0, again.stderr
    assert found_in(data) == {}, "a backup that is restored does not bring them back"
    assert "0 classes" in adsum(data, "retention", "replay").stdout
    assert os.listdir(data / "student_keys")  # noqa: PTH208 (the salt and the journal stay)


@pytest.fixture
def officers(world: World) -> tuple[Person, Person]:
    return world.person(Role.DATA_PROTECTION), world.person(Role.DATA_PROTECTION)


def leaver(world: World, ended: date = date(2026, 11, 30)) -> Person:
    """A student whose only enrolment ended that day."""
    student = world.student("Ada Byron")
    Enrolment.objects.filter(pk=world.enrol(student).pk).update(ends_on=ended)
    return student


@pytest.mark.django_db
def test_what_must_be_kept_is_protected_and_said_why(world: World, officers: tuple[Person, Person]):
    act = Act(officers[0], LATER)
    enrolled = world.student()
    world.enrol(enrolled)
    session = world.session()
    for student in (enrolled, leaver(world)):
        Mark.objects.create(session=session, student=student, status="present", source="scan", at=NINE, changed_at=NINE)
    said = erasing.rehearse(enrolled, LATER.date())["protected"]
    assert said[Keep.ATTENDANCE] == {"ground": Ground.ENROLLED, "rows": 2}
    gone = Person.objects.get(given_name="Ada")
    assert erasing.rehearse(gone, LATER.date())["protected"] == {}
    assert erasing.rehearse(gone, LATER.date())["pseudonymised"][Keep.ATTENDANCE] == {"Enrolment": 1, "Mark": 1}
    held = holds.hold(gone, "A claim.", date(2029, 1, 1), act=act)
    protected = erasing.rehearse(gone, LATER.date())["protected"]
    assert {one["ground"] for one in protected.values()} == {Ground.HOLD}
    holds.release(held, act=act)
    assert erasing.rehearse(gone, LATER.date())["protected"] == {}


@pytest.mark.django_db
def test_only_what_a_second_person_approved_as_shown_is_done(world: World, officers: tuple[Person, Person]):
    first, second = officers
    student = leaver(world)
    made = erasing.propose(student, "They asked.", act=Act(first, LATER))
    for act, code in ((Act(first, LATER), "same"),):
        with pytest.raises(AdsumError) as refused:
            erasing.approve(made, act=act)
        assert refused.value.code == code
    AbsenceRequest.objects.create(
        student=student,
        category="illness",
        source="student",
        told_at=NINE,
        told_by=student,
        starts_at=NINE,
        ends_at=NINE + timedelta(hours=1),
        first_day=NINE.date(),
        last_day=NINE.date(),
        state="told",
    )
    with pytest.raises(AdsumError) as refused:
        erasing.approve(made, act=Act(second, LATER))
    assert refused.value.code == "changed"
    student.refresh_from_db()
    assert student.family_name == "Byron", "nothing was done"
    erasing.decline(made, act=Act(second, LATER))
    again = erasing.propose(student, "They asked.", act=Act(first, LATER))
    certificate = erasing.approve(again, act=Act(second, LATER))
    student.refresh_from_db()
    assert (student.display_name, student.number, student.is_active) == ("(erased)", "", False)
    assert certificate["classes"]["accounts"]["Person"] == 1
    assert Erasure.objects.get(pk=again.pk).state == "done"
    with pytest.raises(AdsumError) as refused:
        erasing.approve(again, act=Act(second, LATER))
    assert refused.value.code == "decided"
    verbs = [verb.removeprefix("privacy.erasure_") for verb in Event.objects.order_by("pk").values_list("verb", flat=True)]
    assert [verb for verb in verbs if "." not in verb] == ["propose", "decline", "propose", "approve", "done"]
