"""A scrubbed copy has the same shapes and sums, and nobody in it."""

import re
import shutil
import sqlite3
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.db.models import Count, Model
from django.db.models.functions import TruncWeek

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.core.declared import AtEnd, Class, Field, For, From, Keep
from adsum.core.errors import AdsumError
from adsum.ops import scrub
from adsum.privacy.declarations import declarations
from adsum.privacy.scrub_rules import Fate, Masks, Why, fate, words
from adsum.privacy.scrubbing import copy, plan
from adsum.settings import database
from tests.kit import migrated
from tests.kit.house import House
from tests.kit.planted import MARK, plant, unconstrained
from tests.kit.world import World


@pytest.mark.parametrize(
    ("field", "becomes"),
    [
        (Field(For.TEACHING, Class.ORDINARY, From.STAFF, Keep.CASES, AtEnd.KEEP), Fate.KEEP),
        (Field(For.TEACHING, Class.ORDINARY, From.STAFF, Keep.CASES, AtEnd.PSEUDONYMISE), Fate.KEEP),
        (Field(For.TEACHING, Class.ORDINARY, From.STAFF, Keep.CASES, AtEnd.ERASE, text=True), Fate.NAME),
        (Field(For.SERVICE, Class.ORDINARY, From.STAFF, Keep.CASES, AtEnd.KEEP, text=True), Fate.WORDS),
        (Field(For.SUPPORT, Class.SPECIAL, From.PERSON, Keep.CASES, AtEnd.ERASE, text=True), Fate.WORDS),
        (Field(For.SUPPORT, Class.SPECIAL, From.PERSON, Keep.CASES, AtEnd.ERASE), Fate.EMPTY),
        (Field(For.SERVICE, Class.SECRET, From.ADSUM, Keep.CASES, AtEnd.ERASE, text=True), Fate.EMPTY),
        (Field(For.TEACHING, Class.ORDINARY, From.BROWSER, Keep.NETWORK, AtEnd.ERASE), Fate.EMPTY),
        (Field(For.TEACHING, Class.ORDINARY, From.BROWSER, Keep.SCANS, AtEnd.ERASE), Fate.EMPTY),
    ],
)
def test_what_becomes_of_a_field_follows_from_its_declaration(field: Field, becomes: Fate):
    assert fate("something", field, Keep.CASES) == becomes


def test_what_may_be_said_once_only_is_a_made_up_one_and_a_salt_is_nothing():
    told = Field(For.SUPPORT, Class.SPECIAL, From.STAFF, Keep.CASES, AtEnd.ERASE, text=True)
    assert fate("reference", told, Keep.CASES, unique=True) == Fate.NAME
    fact = Field(For.TEACHING, Class.ORDINARY, From.STAFF, Keep.CASES, AtEnd.KEEP)
    assert fate("salt", fact, Keep.CASES) == Fate.EMPTY


def test_equal_values_stay_equal_in_one_copy_and_two_copies_have_nothing_in_common():
    one, other, ref = Masks(b"1" * 32, {"lecture"}), Masks(b"2" * 32), uuid4()
    assert one.number("ABCD12345678X") == one.number("ABCD12345678X") != other.number("ABCD12345678X")
    assert re.fullmatch("[A-Z]{4}[0-9]{8}[A-Z]", one.number("ABCD12345678X"))
    assert one.number("Ada.Byron@uni.example") == one.number("ada.byron@uni.example")
    assert one.number("ada.byron@uni.example").endswith("@copy.invalid")
    assert one.number("1234567") not in {"1234567", other.number("1234567")}
    assert one.number("") == ""
    assert one.ref(ref) == one.ref(UUID(str(ref))) not in {ref, other.ref(ref)}
    assert one.plain(f"case:{ref}") == f"case:{one.ref(ref)}"
    assert one.called(1, "given_name") != one.called(2, "given_name")
    said = one.said({"kind": "lecture", "by": "Dr Byron", "at": "2026-11-23T09:00:00Z", "of": [3, None, str(ref)]})
    assert said == {"kind": "lecture", "by": words(8), "at": "2026-11-23T09:00:00Z", "of": [3, None, str(one.ref(ref))]}
    assert len(words(8)) == 8
    assert len(words(1_000)) == 1_000
    assert "byron" not in str(one.kept({"to": ["ada.byron@uni.example"]}))


def test_what_is_left_out_is_said_and_nothing_that_is_copied_leads_there():
    planned = plan()
    why = {model.__name__: reason for model, reason in planned.left_out.items()}
    assert set(planned.copied) | set(planned.left_out) == set(declarations())
    ours = {name: one for name, one in why.items() if one != Why.NOT_OURS}
    assert ours == {
        "Event": Why.LOG,
        "Alias": Why.LOG,
        "Leaf": Why.LOG,
        "Node": Why.LOG,
        "Checkpoint": Why.LOG,
        "Verification": Why.LOG,
        "Reconciliation": Why.LOG,
        "LookSeal": Why.LOG,
        "AccessReport": Why.LOG,
        "UsedAssertion": Why.SIGNED_IN,
        "Pairing": Why.SIGNED_IN,
        "KnownBrowser": Why.SIGNED_IN,
        "RevokedPass": Why.SIGNED_IN,
        "ApplicationToken": Why.SIGNED_IN,
        "KeptAnswer": Why.SIGNED_IN,
        "WebhookDelivery": Why.SIGNED_IN,
        "Phone": Why.KEYS,
        "Push": Why.LED_THERE,
        "CalendarKey": Why.KEYS,
        "Adjustment": Why.SPECIAL,
        "MonitoringGroup": Why.SPECIAL,
        "Evidence": Why.FILE,
        "AccessFile": Why.FILE,
    }
    order = {model: place for place, model in enumerate(planned.copied)}
    for model in planned.copied:
        for field in model._meta.concrete_fields:
            if field.is_relation and not field.null and field.related_model is not model:
                assert order[field.related_model] < order[model]  # type: ignore[index]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    """A new database of SQLite with tables of ours, under a name of its own."""
    file = tmp_path / "copy.sqlite3"
    shutil.copy(migrated.sqlite(), file)
    with scrub._connected("copied", database(f"sqlite:///{file}")):
        yield "copied"


def sums(alias: str) -> Counter[Any]:
    """Marks by status, class and week."""
    week = Mark.objects.using(alias).annotate(week=TruncWeek("at")).order_by()
    return Counter({tuple(row[:3]): row[3] for row in week.values_list("status", "session", "week").annotate(n=Count("pk"))})


def numbers(alias: str) -> dict[type[Model], int]:
    return {model: model._base_manager.using(alias).count() for model in plan().copied}


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_planted_markers_of_a_student_are_found_nowhere_in_the_copy(world: World, target: str, tmp_path: Path):
    student = world.person(name="Ada Byron")
    with unconstrained(), connections[target].cursor() as cursor:
        marks = plant(student)
        for pragma in ("foreign_keys=OFF", "ignore_check_constraints=ON"):  # what was planted makes no sense
            cursor.execute(f"PRAGMA {pragma}")
        (keys := tmp_path / "before").write_text(str(Person.objects.get(pk=student.pk).ref))
        copy("default", target)
        connections[target].close()
    content = (tmp_path / "copy.sqlite3").read_bytes().lower()
    assert len(marks) > 60, "there was something to find"
    assert {one.decode() for one in re.findall(MARK.encode() + rb"\w*", content)} == set()
    assert UUID(keys.read_text()).hex.encode() not in content, "nor the public id"
    with sqlite3.connect(tmp_path / "copy.sqlite3") as copied:
        (name, password) = copied.execute("SELECT family_name, password FROM adsum_person WHERE id=?", [student.pk]).fetchone()
    assert re.fullmatch("[A-Z][a-z]+", name)
    assert password == "!"


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_copy_of_one_of_everything_has_the_same_shapes_and_sums(target: str):
    house = House()
    copy("default", target)
    assert numbers(target) == numbers("default")
    assert sums(target) == sums("default")
    assert sums("default"), "there are marks"
    for person in Person.objects.using(target):
        assert person.username.endswith("@copy.invalid")
    known = {name for person in house.people.values() for name in (person.username, person.family_name) if len(name) > 4}
    with sqlite3.connect(connections[target].settings_dict["NAME"]) as copied:
        dump = "\n".join(copied.iterdump())
    assert {name for name in known if name in dump} == set()


@pytest.mark.django_db
def test_a_database_that_has_something_in_it_is_refused(tmp_path: Path):
    (there := tmp_path / "there.sqlite3").write_bytes(b"something")
    for to, said in (
        (f"sqlite:///{there}", "is there already"),
        (f"sqlite:///{tmp_path}/no/folder.sqlite3", "no folder"),
        ("mysql://somewhere", "begins with postgresql"),
    ):
        with pytest.raises(AdsumError, match=said):
            scrub.run(Namespace(to=to))
    assert there.read_bytes() == b"something"
