"""The auditors' page, the public checkpoints, and a student's receipt: downloaded, checked, and told from a forged one."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.rules import Reason, Status
from adsum.audit import services, tree
from adsum.audit.encoding import encode
from adsum.audit.models import AccessLog, Event
from adsum.core import keyring, notes, receipts
from adsum.ops.cli import main
from tests.kit.log import superuser
from tests.kit.marking import mark_students
from tests.kit.room import FIVE_PAST, Room
from tests.kit.world import World

BY = "system:test"
LATER = FIVE_PAST + timedelta(minutes=10)


@pytest.fixture
def auditor(room: Room) -> Client:
    room.sign_in(room.world.person(Role.AUDITOR), LATER)
    return room.client


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


# The auditors' page


def test_an_empty_log_says_what_will_be_there(auditor: Client):
    said = words(auditor.get("/audit/"))
    assert "No events yet" in said
    assert "Never. On the server: adsum audit verify" in said


def test_auditors_begin_here(auditor: Client):
    assert auditor.get("/").headers["Location"] == "/audit/"


@pytest.mark.parametrize("students", [1, 3])
def test_the_page_costs_the_same_for_one_event_as_for_three(room: Room, students: int, django_assert_num_queries: Any):
    mark_students(room.session, [room.alice, room.bob, room.cara][:students], Status.PRESENT, by=room.lecturer, at=FIVE_PAST)
    services.seal(at=FIVE_PAST)
    room.sign_in(room.world.person(Role.AUDITOR), LATER)
    room.client.get("/audit/")
    with django_assert_num_queries(15):
        answer = room.client.get("/audit/")
    assert words(answer).count("mark.amend") == students
    named = {one.actor for one in [room.lecturer, room.alice, room.bob, room.cara][: students + 1]}
    assert set(AccessLog.objects.filter(page="event_list").values_list("subject", flat=True)) == named


def found(client: Client, **asked: str) -> list[str]:
    """The verbs that the page lists."""
    answer = client.get("/audit/", asked)
    assert answer.status_code == 200
    return re.findall(r"<code>([^<]+)</code></div></div></td>", answer.content.decode())


def test_events_are_found_by_person_verb_subject_and_day(room: Room):
    room.scan(room.alice)
    why = {"by": room.lecturer, "at": FIVE_PAST, "reason_code": Reason.LEFT_EARLY}
    mark_students(room.session, [room.alice], Status.LEFT_EARLY, **why)  # type: ignore[arg-type]
    mark_students(room.session, [room.bob], Status.PRESENT, **why)  # type: ignore[arg-type]
    services.record(actor=BY, verb="person.close", subject=room.bob.actor, at=FIVE_PAST - timedelta(days=2))
    services.seal(at=FIVE_PAST)
    room.sign_in(room.world.person(Role.AUDITOR), LATER)
    alice, bob = room.alice, room.bob
    assert found(room.client, who=alice.username.upper()) == ["mark.amend", "scan.accept"]
    assert found(room.client, who=bob.number) == ["person.close", "mark.amend"]
    assert found(room.client, verb="scan.accept") == ["scan.accept"]
    assert found(room.client, subject=f"session:{room.session.pk}", verb="mark.amend") == ["mark.amend"] * 2
    assert found(room.client, until="2026-11-22") == ["person.close"]
    assert found(room.client, since="2026-11-24") == []
    assert "Nobody has this e-mail or number" in words(room.client.get("/audit/", {"who": "x"}))
    assert "Enter a valid date" in words(room.client.get("/audit/", {"since": "yesterday"}))
    services.erase(bob.pk, by=BY, at=LATER)
    assert found(room.client, who=bob.number) == []
    assert "Somebody erased" in words(room.client.get("/audit/", {"verb": "person.close"}))


def test_what_an_event_counts_is_read_in_words(room: Room):
    services.record(actor=BY, verb="record.reconcile", subject="", at=FIVE_PAST, compared={"steps": 12, "marks": 7})
    services.seal(at=FIVE_PAST)
    room.sign_in(room.world.person(Role.AUDITOR), LATER)
    assert "compared marks 7, steps 12" in words(room.client.get("/audit/"))


def test_many_events_are_paged(room: Room):
    services.record_all([services.Entry("x.y", f"z:{n}", {}) for n in range(120)], actor=BY, at=FIVE_PAST)
    services.seal(at=FIVE_PAST)
    room.sign_in(room.world.person(Role.DATA_PROTECTION), LATER)
    places: list[str] = []
    address = "?verb=x.y"
    for _ in range(3):
        page = room.client.get(f"/audit/{address}").content.decode()
        places += re.findall(r'data-label="Place" class="num">(\d+)<', page)
        if more := re.search(r'rel="next" href="([^"]+)"', page):
            address = more[1].replace("&amp;", "&")
    assert [int(place) for place in places] == list(range(119, -1, -1))


def test_what_verification_found_is_said_first(auditor: Client):
    services.record(actor=BY, verb="x.y", subject="z:1", at=LATER)
    services.seal(at=LATER)
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_event SET verb = 'forged' WHERE verb = 'x.y'")
    main(["audit", "verify"])
    assert "First of all, an event was altered: place 0" in words(auditor.get("/audit/"))


# Checkpoints


def test_checkpoints_and_keys_are_public(room: Room):
    anybody = Client()
    assert "No checkpoint yet" in words(anybody.get("/checkpoints/"))
    room.scan(room.alice)
    made = services.publish(by=BY, at=LATER)
    answer = anybody.get(f"/checkpoints/{made.size}.txt")
    assert answer.content.decode() == tree.note_of(made)
    assert tree.checkpoint_file(made) in answer["Content-Disposition"]
    keys = anybody.get("/checkpoints/keys.txt").content.decode().splitlines()
    assert notes.open_note(answer.content.decode(), [notes.Verifier.read(key) for key in keys])
    assert keys[0] in words(anybody.get("/checkpoints/")).replace("&#x27;", "'")
    assert anybody.get("/checkpoints/999.txt").status_code == 404


# Receipts


def download(room: Room, student: Person) -> Any:
    room.sign_in(student, LATER)
    return room.client.get(f"/record/classes/{room.session.ref}/receipt.txt")


@pytest.fixture
def receipt(room: Room) -> str:
    room.alice.preferred_name = "Ali\nMark: Late"
    room.alice.save()
    room.scan(room.alice)
    room.scan(room.bob)
    services.publish(by=BY, at=LATER)
    return str(download(room, room.alice).content.decode())


def test_a_receipt_waits_for_a_checkpoint(room: Room):
    room.scan(room.alice)
    assert download(room, room.alice).status_code == 404
    page = room.client.get(f"/record/classes/{room.session.ref}/")
    assert "ready once the log is next signed" in words(page)
    services.publish(by=BY, at=LATER)
    assert "Download the receipt" in words(room.client.get(f"/record/classes/{room.session.ref}/"))
    assert download(room, room.alice).status_code == 200
    assert download(room, room.cara).status_code == 404, "she has no mark"


def test_it_says_what_the_mark_is_and_checks(room: Room, receipt: str):
    checked = receipts.check(receipt, keyring.verifiers)
    assert checked.facts["Student"] == "Ali Mark: Late Abel", "a name is one line"
    assert checked.facts["Mark"] == "Present"
    assert checked.facts["Module"] == "CS201 Algorithms"
    assert checked.event["verb"] == "scan.accept"
    answer = Client().post("/receipt/", {"text": receipt})
    said = words(answer)
    assert "This receipt is good" in said
    assert "changed since" not in said
    why = {"by": room.lecturer, "at": LATER, "reason_code": Reason.NOT_IN_CLASS}
    mark_students(room.session, [room.alice], Status.ABSENT, **why)  # type: ignore[arg-type]
    said = words(Client().post("/receipt/", {"text": receipt.replace("\n", "\r\n")}))
    assert "This receipt is good" in said
    assert "The mark was changed since. The receipt was true at its time." in said


def test_the_receipt_of_somebody_erased_stays_good(room: Room, receipt: str):
    services.erase(room.alice.pk, by=BY, at=LATER)
    said = words(Client().post("/receipt/", {"text": receipt}))
    assert "This receipt is good" in said
    assert "can no longer be told" in said


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_letter_of_it_can_be_changed(receipt: str, data: st.DataObject):
    place = data.draw(st.integers(0, len(receipt.rstrip()) - 1))
    letter = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    changed = receipt[:place] + letter + receipt[place + 1 :]
    if changed != receipt:
        with pytest.raises(notes.BadNote):
            receipts.check(changed, keyring.verifiers)


def test_parts_of_two_receipts_do_not_make_a_third(room: Room, receipt: str):
    other = download(room, room.bob).content.decode()
    line = f"\n{receipts.PROOF_LINE}\n"
    mixed = receipt.partition(line)[0] + line + other.partition(line)[2]
    assert "This receipt is not good" in words(Client().post("/receipt/", {"text": mixed}))
    assert Client().post("/receipt/", {"text": "hello\0"}).status_code == 400
    assert Client().post("/receipt/").status_code == 422


def test_it_is_checked_without_us(receipt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    key = str(keyring.checkpoint_signer()[1].verifier)
    file, kept = tmp_path / "receipt.txt", tmp_path / "checkpoint.txt"
    file.write_text(receipt, encoding="utf-8")
    kept.write_text(tree.note_of(tree.published()[0]), encoding="utf-8")
    assert main(["receipt", "verify", str(file), "--key", key, "--checkpoint", str(kept)]) == 0
    assert "Mark: Present" in capsys.readouterr().out
    script = Path(__file__).resolve().parents[2] / "scripts" / "verify_receipt.py"

    def alone() -> int:
        return subprocess.run([sys.executable, str(script), str(file), key], capture_output=True, cwd=tmp_path).returncode

    assert alone() == 0
    file.write_text(receipt.replace("Mark: Present", "Mark: Late"), encoding="utf-8")
    assert alone() == 1
    assert main(["receipt", "verify", str(file), "--key", key]) == 1
    assert "the signature is wrong" in capsys.readouterr().err
    stranger = notes.Signer("localhost:8000/adsum", bytes(32)).verifier
    file.write_text(receipt, encoding="utf-8")
    assert main(["receipt", "verify", str(file), "--key", str(stranger)]) == 1


# What is typed stays what it is (T-AUD-6)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ['a\nb {"event": "forged"}', "\x1b[31mred", "=cmd()|' /C calc'!A0", "<script>alert(1)</script>"]
)
def test_what_is_typed_stays_inert_in_the_log(world: World, text: str):
    with transaction.atomic():
        services.record(actor=BY, verb="x.y", subject="z:1", at=LATER, reason=text)
        event = Event.objects.latest("pk")
        line = encode(event.facts)
        assert line.isascii()
        assert all(32 <= byte < 127 for byte in line), "one line, without a control character"
        services.seal(at=LATER)
        auditor = Client()
        auditor.force_login(world.person(Role.AUDITOR))
        page = auditor.get("/audit/").content.decode()
        assert "<script>alert" not in page
