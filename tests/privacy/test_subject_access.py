"""A person's file: nothing about them is forgotten, nobody else is in it by name, and what an officer has to read first stays
out until they have."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import pyzipper
from django.apps import apps
from django.db.models import BinaryField, ForeignKey, Model
from django.utils import translation

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.core.declared import Class, about_no_one
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Readers, Reply, Way, Worry
from adsum.engagement.cases import add_note, open_case
from adsum.engagement.concerns import raise_concern
from adsum.engagement.contacts import log_contact
from adsum.integrations.files.own_data import build_file, locked
from adsum.privacy import declarations as declared_
from adsum.privacy.access_files import ask_for_file, forget_files, hand_over
from adsum.privacy.declarations import declarations
from adsum.privacy.headings import HEADINGS, UNREAD, heading
from adsum.privacy.models import AccessFile
from adsum.privacy.parts import TITLES, Why
from adsum.privacy.requests import open_request, take_step
from adsum.privacy.reviewing import decide_texts
from adsum.privacy.rights_rules import Decision, Ground, Kind, Outcome, Step
from adsum.privacy.subject_access import Gathered, Verdict, gather, held_texts, how_many_parts, tables
from tests.kit.house import House
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db

ACTED = {"by", "owner", "deputy", "decider", "host", "wellbeing", "tutor", "viewer"}
"""Columns that say who did something, or whose work it is, as do all that end with `_by`: such a row is about somebody else."""


def test_every_table_about_people_has_a_name_in_the_file():
    assert {model.__name__ for model, _ in tables()} - set(TITLES) == set()


def is_acted(name: str) -> bool:
    return name in ACTED or name.endswith("_by")


def leads_to_people() -> list[tuple[type[Model], str]]:
    """Every column that leads to the person whom a row is about, whatever its declaration says."""
    return [
        (model, field.name)
        for model in apps.get_app_config("adsum").get_models()
        for field in model._meta.local_fields
        if isinstance(field, ForeignKey) and field.related_model is Person and not is_acted(field.name)
    ]


def forgotten() -> set[str]:
    """Tables that lead to a person and that no export reads."""
    read = {model for model, _ in tables()}
    return {model.__name__ for model, _name in leads_to_people() if model not in read}


STAFF_DUTIES = {"Application", "Assigned", "Fallback"}
"""To whom a duty or a piece of work falls: how the university works."""


def test_a_table_with_a_person_in_it_that_the_export_forgets_is_found(monkeypatch: pytest.MonkeyPatch):
    assert forgotten() == STAFF_DUTIES
    query = apps.get_model("adsum", "Query")
    instead = declarations() | {query: about_no_one("session")}
    monkeypatch.setattr("adsum.privacy.subject_access.declarations", lambda: instead)
    assert forgotten() == {"Query", *STAFF_DUTIES}


def everything(found: Gathered) -> dict[str, list[dict[str, Any]]]:
    return {part.name: part.rows for part in found.parts}


def test_every_row_that_leads_to_the_student_is_in_the_file_or_said_to_be_left_out():
    """One of everything (the house of the table of doors), compared with what the columns themselves say."""
    student = House().people["student"]
    found = gather(student)
    given, held = everything(found), {(one.place.table, one.place.row) for one in found.held if not one.place.column}
    met = set()
    for model, name in leads_to_people():
        if model.__name__ in STAFF_DUTIES:
            continue
        for row in model._default_manager.filter(**{name: student}):
            met.add(model.__name__)
            keys = {one.get(model._meta.pk.name) for one in given.get(model.__name__, [])}
            named = row.pk in keys or str(row.pk) in keys or model.__name__ == "Message"
            assert named or (model.__name__, row.pk) in held, f"{model.__name__} {row.pk} is forgotten"
    assert len(met) > 20, "the house has one of everything"
    assert {"classes", "events", "AccessFile", "RightsRequest", "Disclosure", "Alert", "Message"} <= given.keys() | met


@pytest.fixture
def alice(world: World) -> Person:
    """A student with a tutor, a case, a note about her and somebody else, a telephone call and a concern."""
    tutor = world.person(Role.TUTOR, name="Tara Tutor")
    student = world.student("Alice Abel", groups=[world.group()])
    world.enrol(student, tutor=tutor)
    act = Act(tutor, NINE)
    case = open_case(student, because="Three weeks without a class", act=act)
    add_note(case, "Bob Baker says that Alice is unwell.", Readers.SUPPORT, act=act)
    add_note(case, "We agreed to talk on Monday.", Readers.STUDENT, act=act)
    log_contact(student, Way.CALL, Reply.NO_ANSWER, words="Her mother answered.", act=act)
    raise_concern(student, Worry.STOPPED_COMING, "She was crying.", act=Act(world.lecturer(), NINE))
    return student


def of(student: Person) -> str:
    found = gather(student)
    return json.dumps(everything(found))


def test_the_self_service_leaves_out_notes_and_concerns_and_says_so(alice: Person):
    found = gather(alice)
    text = json.dumps(everything(found))
    assert "We agreed to talk on Monday." in text
    for left_out in ("Bob Baker", "Her mother", "She was crying"):
        assert left_out not in text
    assert sorted(one.why for one in found.said) == [Why.CONCERN, Why.NOTE, Why.NOTE, Why.NOTE], (
        "the third is what the tutor planned next"
    )


def test_other_people_are_there_by_role_and_secrets_not_at_all(alice: Person):
    text = of(alice)
    assert "Tara" not in text
    assert '"owner": "tutor"' in text
    secrets = {name for _, table in tables() for name, field in table.fields.items() if field.klass == Class.SECRET}
    assert secrets & {name for part in everything(gather(alice)).values() for row in part for name in row} == set()


def asked(student: Person, officer: Person) -> Any:
    return open_request(student, Kind.ACCESS, "", act=Act(student, NINE))


def test_an_officer_reads_redacts_with_a_ground_and_releases(world: World, alice: Person):
    officer = world.person(Role.DATA_PROTECTION)
    act = Act(officer, NINE + timedelta(days=1))
    request = asked(alice, officer)
    with pytest.raises(AdsumError, match="Look through the texts first"):
        take_step(request, Step.ANSWERED, "Here it is.", outcome=Outcome.DONE, act=act)
    by_text = {next(iter(one.text.values()), ""): one.place for one in held_texts(alice)}
    bob, mother, crying, plan = (
        next(place for text, place in by_text.items() if text.startswith(start)) for start in ("Bob", "Her", "She", "Get")
    )
    with pytest.raises(AdsumError, match="ground"):
        decide_texts(request, {bob: Verdict(Decision.REDACT, None, "█ says that Alice is unwell.")}, act=act)
    decided = {
        bob: Verdict(Decision.REDACT, Ground.ABOUT_OTHERS, "█ says that Alice is unwell."),
        mother: Verdict(Decision.WITHHOLD, Ground.ABOUT_OTHERS),
        crying: Verdict(Decision.RELEASE, None),
        plan: Verdict(Decision.RELEASE, None),
    }
    assert decide_texts(request, decided, act=act) == 4
    take_step(request, Step.ANSWERED, "Here it is.", outcome=Outcome.IN_PART, act=act)
    file, _new = ask_for_file(alice, parts=how_many_parts(), language="en-gb", act=act, request=request)
    assert build_file(pk=file.pk) == "ready"
    file.refresh_from_db()
    page, data = opened(hand_over(file, locked=False, act=act))
    assert "█ says that Alice is unwell." in page
    assert "She was crying." in page
    assert "Bob Baker" not in page
    assert "Her mother" not in page
    assert "1 text, because it would tell of another person who did not agree." in page
    assert data["left_out"] == [{"why": "note", "ground": "about_others", "texts": 1}]


def opened(archive: bytes) -> tuple[str, dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert packed.namelist() == ["your-data.html", "your-data.json"]
        return packed.read("your-data.html").decode(), json.loads(packed.read("your-data.json"))


def test_a_disclosure_that_may_not_be_known_is_not_even_counted(world: World, alice: Person):
    from adsum.privacy.disclosure_rules import Basis, Body
    from adsum.privacy.disclosures import record_disclosure

    officer = world.person(Role.DATA_PROTECTION)
    for told in (True, False):
        record_disclosure(
            alice,
            Body.POLICE,
            Basis.CRIME,
            asked_by=f"Inspector {told}",
            why="A theft",
            given="",
            given_on=NINE.date(),
            may_be_told=told,
            act=Act(officer, NINE),
        )
    found = gather(alice)
    text = json.dumps(everything(found))
    assert "Inspector True" in text
    assert "Inspector False" not in text
    assert Why.DISCLOSURE not in {one.why for one in found.said}
    assert Why.DISCLOSURE in {one.why for one in held_texts(alice)}, "the officer sees it"


def test_the_file_is_made_once_kept_encrypted_and_deleted_on_time(alice: Person):
    act = Act(alice, NINE)
    file, new = ask_for_file(alice, parts=how_many_parts(), language="en-gb", act=act)
    assert (new, ask_for_file(alice, parts=9, language="en-gb", act=act)) == (True, (file, False))
    assert build_file(pk=file.pk) == build_file(pk=file.pk) == "ready"
    file.refresh_from_db()
    assert (file.done, file.left_out) == (file.parts, 4)
    assert b"Alice" not in bytes(file.sealed)
    page, data = opened(hand_over(file, locked=False, act=act))
    assert "3 notes in members of staff’s own words." in page
    assert data["about"]["person"] == alice.number
    assert list(Event.objects.filter(subject=f"access_file:{file.ref}").order_by("pk").values_list("verb", flat=True)) == [
        "rights.file_ask",
        "rights.file_make",
        "rights.file_hand_over",
    ]
    assert forget_files(at=NINE + timedelta(days=13)) == 0
    assert forget_files(at=NINE + timedelta(days=14)) == 1
    file.refresh_from_db()
    assert (file.state, bytes(file.sealed)) == (AccessFile.State.DELETED, b"")
    with pytest.raises(AdsumError, match="not here any more"):
        hand_over(file, locked=False, act=act)


def test_a_locked_file_opens_with_its_passphrase_alone(alice: Person):
    file, _new = ask_for_file(alice, parts=1, language="en-gb", act=Act(alice, NINE))
    build_file(pk=file.pk)
    file.refresh_from_db()
    sealed = locked(hand_over(file, locked=True, act=Act(alice, NINE)), "four words apart")
    assert b"Alice" not in sealed
    with pyzipper.AESZipFile(io.BytesIO(sealed)) as packed:
        packed.setpassword(b"five words apart")
        with pytest.raises(RuntimeError, match="password"):
            packed.read("your-data.html")
        packed.setpassword(b"four words apart")
        assert b"Alice Abel" in packed.read("your-data.html")
        assert packed.getinfo("your-data.html").wz_aes_strength == 3, "AES with 256 bits"


def test_messages_are_read_as_they_were_sent(alice: Person):
    """In the file they are letters, not what letters are made of."""
    from adsum.messages.services import write
    from adsum.messages.topic import Draft
    from adsum.messages.topics.rights import MOVED

    write([Draft(alice, MOVED, "x", {"request": "1", "step": "answered"}, NINE)], at=NINE)
    file, _new = ask_for_file(alice, parts=1, language="en-gb", act=Act(alice, NINE))
    build_file(pk=file.pk)
    file.refresh_from_db()
    _page, data = opened(hand_over(file, locked=False, act=Act(alice, NINE)))
    (row,) = data["parts"]["Message"]["rows"]
    assert row["subject"] == "Your request about your data is answered"


def test_files_never_go_into_the_file_as_they_are():
    binary = {field.name for model, _ in tables() for field in model._meta.local_fields if isinstance(field, BinaryField)}
    assert binary == {"sealed"}
    assert declared_.faults() == []


def test_columns_are_called_in_the_language_of_the_reader():
    assert [heading(name) for name in ("session", "minutes_late", "unheard_of")] == ["Class", "Minutes late", "Unheard of"]
    with translation.override("cy"):
        assert heading("session") == "Dosbarth"
    assert not UNREAD & HEADINGS.keys()
