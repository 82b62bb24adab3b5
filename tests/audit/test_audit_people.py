"""Erasing a student (T-AUD-4), the database's roles (T-AUD-2), and the command line."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Status
from adsum.audit import services, tree
from adsum.audit.encoding import Finding, Wrong
from adsum.audit.looks import note_view
from adsum.audit.models import AccessLog, Alias, Event, Leaf
from adsum.audit.rules import Page
from adsum.audit.verification import verify
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.core import keyring
from adsum.core.errors import AdsumError
from adsum.ops import audit, health, jobs
from adsum.ops.cli import main
from tests.kit.log import superuser, write
from tests.kit.marking import mark_students
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
BY = "system:test"


@pytest.fixture
def two(world: World) -> tuple[Person, Person]:
    """Two students with scans, amendments, queries and changes of their account behind them."""
    group = world.group()
    alice, bob = world.student("Alice Abel", groups=[group]), world.student("Bob Baker", groups=[group])
    lecturer = world.lecturer()
    session = world.session(group, staff=[lecturer])
    record_scans([attempt(open_checkin(session, by=lecturer, at=NINE), one) for one in (alice, bob)])
    mark_students(
        session, [alice, bob], Status.LATE, by=lecturer, at=NINE, reason_code=Reason.SEEN_IN_CLASS, reason="Alice Abel"
    )
    for one in (alice, bob):
        raise_query(session, one, at=NINE, text=f"{one.display_name} was there")
        services.record(actor=BY, verb="person.change", subject=one.actor, at=NINE, fields=["email"], people=[one.pk])
    services.seal(at=NINE)
    return alice, bob


def behind(events: Any) -> set[int]:
    """Everyone these events can still be traced to."""
    found = [tree.Found(0, event.facts) for event in events]
    return set(tree.people_behind(tree.tokens_in(found)).values())


def test_no_event_says_who_somebody_is(two: tuple[Person, Person]):
    text = json.dumps(list(Event.objects.values()), cls=DjangoJSONEncoder)
    for person in Person.objects.all():
        for known in (person.username, person.family_name, person.number, str(person.ref)):
            assert known not in text, known
    assert re.findall(r"person:[0-9]+\b(?!\w)", text) == []
    names = [event.detail.get("student") for event in Event.objects.filter(verb="mark.amend")]
    assert names == [services.alias_of(one.pk) for one in two]
    assert Event.objects.get(verb="person.change", subject=services.alias_of(two[0].pk)).detail["people"] == [
        services.alias_of(two[0].pk)
    ]


def test_an_erased_student_is_unreadable_the_other_is_not_and_the_tree_verifies(two: tuple[Person, Person]):
    alice, bob = two
    assert {alice.pk, bob.pk} <= behind(Event.objects.all())
    events = Event.objects.count()
    aliases = tree.tokens_of(alice.pk)
    assert services.erase(alice.pk, by=BY, at=NINE)
    assert behind(Event.objects.all()) & {alice.pk, bob.pk} == {bob.pk}
    assert not tree.tokens_of(alice.pk)
    assert not tree.people_behind(aliases)
    assert not services.erase(alice.pk, by=BY, at=NINE), "there is nothing left to erase"
    assert Event.objects.count() == events + 1
    erased = Event.objects.latest("pk")
    assert (erased.verb, erased.actor) == ("alias.erase", BY)
    assert aliases.isdisjoint(re.findall(r"[0-9A-Z]{26}", erased.subject))
    services.seal(at=NINE)
    assert verify().finding is None


def test_a_backup_says_nothing_once_the_key_that_seals_it_is_destroyed(two: tuple[Person, Person], settings: Any):
    alice, bob = two
    backup = list(Alias.objects.values())
    tokens = tree.tokens_of(alice.pk)
    services.erase(alice.pk, by=BY, at=NINE)
    settings.ALIAS_KEYS = {"a2": "55" * 32, **settings.ALIAS_KEYS}
    keyring.forget()
    try:
        assert bob.pk in behind(Event.objects.all()), "both keys are read"
        assert services.reseal(by=BY, at=NINE) == len(backup) - 1
        assert services.reseal(by=BY, at=NINE) == 0
        settings.ALIAS_KEYS = {"a2": "55" * 32}
        keyring.forget()
        assert bob.pk in behind(Event.objects.all())
        assert services.alias_of(bob.pk) == f"person:{min(tree.tokens_of(bob.pk))}"
        with transaction.atomic():  # the backup is restored, after the key is gone
            Alias.objects.all().delete()
            Alias.objects.bulk_create(Alias(**row) for row in backup)
            assert tokens <= set(Alias.objects.values_list("token", flat=True)), "the row is back"
            assert behind(Event.objects.all()) == set()
            with pytest.raises(AdsumError, match="not configured"):
                services.reseal(by=BY, at=NINE)
            transaction.set_rollback(True)
    finally:
        settings.ALIAS_KEYS = {"a1": (Path(settings.DATA) / "alias_key").read_text()}
        keyring.forget()


def test_what_is_rolled_back_is_remembered_by_nobody(transactional_db: None):
    with transaction.atomic():
        services.record(actor=BY, verb="x.y", subject="person:7", at=NINE)
        transaction.set_rollback(True)
    assert not Alias.objects.exists()
    first = services.alias_of(7)
    services.forget_known()
    assert services.alias_of(7) == first
    services.forget_known()
    services.warm()
    with connection.execute_wrapper(_no_query):
        assert services.alias_of(7) == first, "a check-in does not ask who its student is"


def test_who_is_erased_by_another_process_is_soon_named_anew_here(world: World, monkeypatch: pytest.MonkeyPatch):
    services.warm()
    before = services.alias_of(7)
    services._known.aliases[7] = before[len("person:") :]
    Alias.objects.filter(token=before[len("person:") :]).delete()
    services.record(actor=BY, verb="alias.erase", subject="alias:x", at=NINE)
    monkeypatch.setattr(services, "LOOKS_AGAIN", -1)
    assert services.alias_of(7) == before, "not sealed yet"
    services.seal(at=NINE)
    assert services.alias_of(7) != before
    assert services.alias_of(7) == services.alias_of(7)


def test_who_is_who_cannot_vanish_without_an_erasure(two: tuple[Person, Person]):
    alice, bob = two
    first = Event.objects.filter(actor=services.alias_of(bob.pk)).order_by("pk")[0]
    place = Leaf.objects.get(event_id=first.pk).index
    kept = list(Alias.objects.filter(token__in=tree.tokens_of(bob.pk)).values())
    Alias.objects.filter(token__in=tree.tokens_of(bob.pk)).delete()
    assert verify().finding == Finding(Wrong.NAMELESS, place, first.pk)
    services.erase(alice.pk, by=BY, at=NINE)
    assert verify().finding == Finding(Wrong.NAMELESS, place, first.pk), "another's erasure says nothing of this one"
    Alias.objects.bulk_create(Alias(**row | {"sealed": b"x" * 40}) for row in kept)
    assert verify().finding == Finding(Wrong.NAMELESS, place, first.pk), "the row is there, and says nothing"
    with superuser():
        Alias.objects.filter(token=kept[0]["token"]).update(sealed=kept[0]["sealed"])
    assert verify().finding is None, "an erasure that waits to be sealed counts"
    assert services.erase(bob.pk, by=BY, at=NINE)
    services.seal(at=NINE)
    assert verify().finding is None


def test_both_aliases_of_somebody_who_has_two_are_erased_by_name(two: tuple[Person, Person]):
    alice, _bob = two
    first = services.alias_of(alice.pk)
    Alias.objects.bulk_create([services._alias(alice.pk)])
    (second,) = tree.tokens_of(alice.pk) - {first[len("person:") :]}
    Event.objects.create(at=NINE, actor=f"person:{second}", verb="x.y", subject="z:1")
    services.erase(alice.pk, by=BY, at=NINE)
    services.seal(at=NINE)
    assert verify().finding is None


def test_another_machine_without_the_keys_says_that_it_did_not_look(two: tuple[Person, Person], settings: Any):
    aliases = Alias.objects.count()
    settings.ALIAS_KEYS = {"a1": "66" * 32}
    keyring.forget()
    try:
        result = verify()
    finally:
        settings.ALIAS_KEYS = {"a1": (Path(settings.DATA) / "alias_key").read_text()}
        keyring.forget()
    assert (result.finding, result.unopened) == (None, aliases)
    assert "was not looked at" in audit.sentence(result, 0)


def _no_query(*_: Any) -> None:
    raise AssertionError("asked the database")


# The database's roles


@pytest.mark.postgresql
def test_the_role_of_the_application_adds_and_reads_and_changes_nothing(world: World, capsys: pytest.CaptureFixture[str]):
    with connection.cursor() as cursor:
        with pytest.raises(AdsumError, match="no role adsum_app_of_test"):
            audit.protect("adsum_app_of_test")
        with pytest.raises(AdsumError, match="owns the tables"):
            audit.protect("adsum")
        cursor.execute("CREATE ROLE adsum_app_of_test LOGIN")
        assert audit.may_change_the_log()
        audit.protect("adsum_app_of_test")
        with superuser():  # the triggers are off: what refuses is the role alone
            cursor.execute("SET ROLE adsum_app_of_test")
            write(300)
            assert services.seal(at=NINE) == 300
            services.publish(by=BY, at=NINE)
            assert verify().finding is None
            assert not audit.may_change_the_log()
            student = world.student()
            services.alias_of(student.pk)
            note_view(student.actor, Page.RECORD, viewer=1, role="tutor", at=NINE)
            AccessLog.objects.filter(at__lt=NINE).delete()
            for words in (["erase", student.username], ["reseal"]):
                assert main(["audit", *words]) == 1
                assert "as the owner of the tables" in capsys.readouterr().err
            key = {"adsum_leaf": "index", "adsum_alias": "token"}
            for table in services.WITHHELD:
                for statement in (
                    f"UPDATE {table} SET {key.get(table, 'id')} = {key.get(table, 'id')}",
                    *([f"DELETE FROM {table}"] if table != "adsum_accesslog" else []),
                    f"TRUNCATE {table}",
                    f"ALTER TABLE {table} DISABLE TRIGGER USER",
                    f"DROP TABLE {table}",
                ):
                    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
                        cursor.execute(statement)
            cursor.execute("RESET ROLE")


def test_the_check_says_whether_the_role_could_change_events():
    finding = health._event_log()
    assert finding.state == (health.State.UNWISE if connection.vendor == "postgresql" else health.State.GOOD)


@pytest.mark.sqlite
def test_there_are_no_roles_on_sqlite(capsys: pytest.CaptureFixture[str]):
    assert main(["audit", "protect", "anyone"]) == 1
    assert "triggers refuse" in capsys.readouterr().err


# The command line and the jobs


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    settings.CHECKPOINT_FOLDERS = [tmp_path / "kept"]
    return tmp_path


def test_the_commands(world: World, folders: Path, capsys: pytest.CaptureFixture[str]):
    def adsum(*words: str) -> tuple[int, str]:
        code = main(["audit", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert adsum("checkpoint") == (1, "There is no event yet, so there is nothing to sign.\n")
    student = world.student()
    services.record(actor=BY, verb="x.y", subject=student.actor, at=NINE)
    event = Event.objects.get()
    assert adsum("prove", str(event.pk))[0] == 1
    assert adsum("seal") == (0, "1 events were given their place.\n")
    code, note = adsum("checkpoint")
    (kept,) = (folders / "kept").iterdir()
    assert (code, kept.read_text()) == (0, note)
    code, proof = adsum("prove", str(event.pk))
    assert code == 0
    assert proof.endswith(f"\nindex 0\n\n{note}")
    assert adsum("key")[1].startswith("localhost:8000/adsum+")
    assert "Good: 1 events" in adsum("verify")[1]
    assert Event.objects.latest("pk").verb == "audit.verify"
    elsewhere = folders / "mine.txt"
    elsewhere.write_text(note.replace("\n1\n", "\n2\n"))
    assert "no checkpoint of this university" in adsum("verify", "--checkpoint", str(elsewhere))[1]
    assert "cannot be read" in adsum("verify", "--checkpoint", str(folders / "none.txt"))[1]
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_event SET verb = 'forged' WHERE id = %s", [event.pk])
    code, said = adsum("verify")
    assert code == 1
    assert said.startswith(f"Event {event.pk} was altered (place 0).")
    assert adsum("erase", student.username)[0] == 0
    assert adsum("erase", student.username) == (1, "No event is known to be this person's.\n")
    assert adsum("erase", "nobody@uni.example")[0] == 1


def test_the_next_keys_are_written_to_their_files(settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    public = keyring.checkpoint_publics()["c1"].hex()
    settings.CHECKPOINT_KEY_FILE, settings.ALIAS_KEY_FILE = tmp_path / "c", tmp_path / "a"
    assert main(["audit", "rotate-key"]) == main(["audit", "rotate-aliases"]) == 0
    assert re.fullmatch(rf"c2:[0-9a-f]{{64}},c1:public-{public}", (tmp_path / "c").read_text())
    assert re.fullmatch(rf"a2:[0-9a-f]{{64}},a1:{settings.ALIAS_KEYS['a1']}", (tmp_path / "a").read_text())
    assert main(["audit", "reseal"]) == 0
    assert (tmp_path / "a").read_text() == f"a1:{settings.ALIAS_KEYS['a1']}"
    assert [event.verb for event in Event.objects.order_by("pk")] == ["audit.new_key", "audit.new_key", "alias.reseal"]
    settings.CHECKPOINT_KEY_FILE = None
    capsys.readouterr()
    main(["audit", "rotate-key"])
    assert "ADSUM_CHECKPOINT_KEYS" in capsys.readouterr().err


def test_the_jobs_seal_and_sign(folders: Path):
    assert jobs.seal_events() == 0
    jobs.sign_the_log()
    assert not tree.published().exists()
    write(3)
    assert jobs.seal_events() == 3
    jobs.sign_the_log()
    checkpoint = tree.published().get()
    assert (folders / "kept" / tree.checkpoint_file(checkpoint)).read_text() == tree.note_of(checkpoint)
    jobs.sign_the_log()
    assert tree.published().count() == 1, "its own event is nothing to sign again for"
    write(1)
    jobs.sign_the_log()
    assert [one.size for one in tree.published()] == [5, 3]


def test_what_happened_to_somebody_is_found_by_the_index_and_among_those_that_wait(two: tuple[Person, Person]):
    from adsum.audit.reports import events_about

    alice, bob = two
    services.record(actor=BY, verb="person.close", subject=alice.actor, at=NINE + timedelta(minutes=1))
    assert [event.verb for event in events_about(alice.actor)] == ["person.close", "person.change"]
    assert [event.verb for event in events_about(bob.actor)] == ["person.change"]
    session = Mark.objects.filter(student=bob)[0].session_id
    assert events_about(f"session:{session}").count() == 2 + 2 + 2 + 1
