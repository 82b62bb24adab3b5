"""What phones bring back: scans kept without a network, and acknowledgements they ask about. A time that only the phone knows
makes a held scan, never a mark; nothing of one person is sent under another's name; what was lost returns."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, MarkChange, Query
from adsum.audit.services import publish
from adsum.checkin import services
from adsum.checkin.acknowledgements import (
    KEPT_AS,
    Acknowledgement,
    receipt_number,
    seal_acknowledgement,
    unseal_acknowledgement,
)
from adsum.checkin.models import Alarm, Epoch, Opening, Scan
from adsum.checkin.reports import waiting_scans
from adsum.checkin.rules import Refusal
from adsum.core import keyring
from tests.kit.marking import decide_held
from tests.kit.open_class import FIVE_PAST, Room, kept, marks
from tests.kit.phones import Gates, Phone, account_of, in_thread, refusal

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)
KEY = bytes(range(32))


async def brings(phone: Phone, code: str, person: Person, **ago: float) -> Any:
    """The answer to a scan that this phone kept."""
    milliseconds = int(timedelta(**ago).total_seconds() * 1000)
    answer = await phone.post("/in/kept", {"code": code, "whose": account_of(person), "ago": str(milliseconds)})
    return answer.json()


async def asks(phone: Phone, *proofs: str) -> list[dict[str, str]]:
    answer = await phone.post("/in/acknowledged", {"kept": " ".join(proofs)})
    found: list[dict[str, str]] = answer.json()["scans"]
    return found


def proof_in(page: httpx.Response) -> str:
    """What a page leaves with the phone."""
    found = re.search(r'data-kept="([^"]*)"', page.text)
    assert found
    return found[1]


# A scan kept without a network


async def test_a_code_that_still_lives_is_a_scan_like_any(room: Room, gates: Gates) -> None:
    code = gates.code(room.opening)
    gates.wait(seconds=20)
    said = await brings(gates.phone(room.alice), code, room.alice, seconds=20)
    assert (said["state"], said["title"], said["text"]) == ("in", "You’re in", "Algorithms, 09:05")
    assert await in_thread(marks) == [(room.alice.pk, "present")]
    assert unseal_acknowledgement(said["kept"], keyring.keys_for("acknowledgement/v1"))


async def test_an_older_one_waits_for_the_lecturer_with_the_time_the_phone_says(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    gates.wait(hours=3)
    said = await brings(phone, code, room.alice, hours=3, seconds=-30)
    assert said["state"] == "held"
    assert said["text"].startswith("Algorithms, 09:05. It is kept and waits for your lecturer")
    again = await brings(phone, code, room.alice, hours=3, seconds=-30)
    assert again == {**said, "kept": again["kept"], "tell": again["tell"]}
    scan = await in_thread(Scan.objects.get)
    assert (scan.refusal, scan.first_seen_at) == ("offline", FIVE_PAST + timedelta(seconds=30))
    assert scan.finished_at == FIVE_PAST + timedelta(hours=3)
    assert await in_thread(marks) == []


@pytest.mark.parametrize(
    ("shown_ago", "said_ago", "becomes"),
    [
        (600, 600, "offline"),
        (600, 6_000, "offline"),  # sooner than the code was shown: then it was scanned as soon as it was
        (600, 500, "stale_code"),  # by the phone's own word, the code was old
        (600, 0, "stale_code"),
        (20 * 60, 20 * 60, "offline"),
    ],
)
async def test_what_the_phone_says_is_held_against_the_code(
    room: Room, gates: Gates, shown_ago: int, said_ago: int, becomes: str
) -> None:
    code = gates.code(room.opening)
    gates.wait(seconds=shown_ago)
    await brings(gates.phone(room.alice), code, room.alice, seconds=said_ago)
    assert await in_thread(kept) == [becomes]
    assert await in_thread(marks) == []


async def test_accepted_it_is_a_mark_as_of_the_scan(room: Room, gates: Gates) -> None:
    code = gates.code(room.opening)
    gates.wait(minutes=40)
    await brings(gates.phone(room.alice), code, room.alice, minutes=40)
    scan = await in_thread(Scan.objects.get)
    await in_thread(decide_held, scan, accept=True, by=room.lecturer, at=FIVE_PAST + 41 * MINUTE)
    assert await in_thread(marks) == [(room.alice.pk, "present")]


async def test_nobody_sends_what_somebody_else_kept(room: Room, gates: Gates) -> None:
    code = gates.code(room.opening)
    assert (await brings(gates.phone(room.bob), code, room.alice))["state"] == "another"
    assert (
        await gates.phone().post("/in/kept", {"code": code, "whose": account_of(room.alice), "ago": "0"})
    ).status_code == 401
    assert await in_thread(kept) == []


@pytest.mark.parametrize("switch", ["freeze", "stop", "kill"])
async def test_every_switch_counts_for_it(room: Room, gates: Gates, switch: str) -> None:
    code = gates.code(room.opening)
    by: dict[str, Any] = {"by": room.lecturer, "at": FIVE_PAST - MINUTE}
    if switch == "freeze":
        await in_thread(services.freeze, by="system:test", at=FIVE_PAST, reason="fire")
    elif switch == "stop":
        await in_thread(services.stop_checkin, room.opening, **by)
    else:
        await in_thread(services.begin_epoch, room.opening, pace="standard", kill=True, **by)
    await gates.state.refresh()
    gates.wait(minutes=10)
    said = await brings(gates.phone(room.alice), code, room.alice, minutes=10)
    expected = {"freeze": ("later", []), "stop": ("refused", ["closed"]), "kill": ("refused", ["stale_code"])}
    assert (said["state"], await in_thread(kept)) == expected[switch]


async def test_only_codes_of_ours_and_of_a_day(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    for text in ("", "x", code[:-1] + "0", "0" * 36):
        assert (await brings(phone, text, room.alice))["state"] == "unknown"
    assert (await brings(phone, code, room.alice, hours=20, seconds=1))["title"] == "This scan is too old to be checked"
    assert await in_thread(kept) == []


async def test_what_comes_after_the_register_closed_puts_the_mark_under_query_once(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    bob = gates.phone(room.bob)
    await bob.scan(room.opening)
    await bob.tap()
    over = room.session.ends_at + 60 * MINUTE
    await in_thread(services.close_classes, [room.session], at=over)
    gates.state.at = over + MINUTE
    for _again in range(2):
        ago = gates.state.at - FIVE_PAST
        assert (await brings(phone, code, room.alice, seconds=ago.total_seconds()))["state"] == "held"
    query = await in_thread(Query.objects.get)
    scan = await in_thread(Scan.objects.get, refusal="offline")
    assert (query.student_id, query.evidence["scan"]) == (room.alice.pk, str(scan.ref))


async def test_telling_the_lecturer_of_it_makes_no_mark_either(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    gates.wait(minutes=10)
    said = await brings(phone, code, room.alice, minutes=10)
    assert refusal(await phone.post("/in/confirm", {"ticket": said["tell"]})) == "offline"
    page = await phone.post("/in/query", {"ticket": said["tell"]})
    assert "Your lecturer will see it" in page.text
    assert await in_thread(kept) == ["offline"]
    assert await in_thread(marks) == []


async def test_who_is_in_by_then_is_told_so(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    gates.wait(minutes=2)
    await phone.scan(room.opening)
    await phone.tap()
    assert (await brings(phone, code, room.alice, minutes=2))["state"] == "in"
    assert await in_thread(kept) == ["", "already_in"]


async def test_a_time_with_a_fraction_is_read_and_one_that_is_none_is_not_taken_for_now(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    gates.wait(minutes=10)
    for text in ("", "-1", "1e5", "x", "1" * 12):
        answer = await phone.post("/in/kept", {"code": code, "whose": account_of(room.alice), "ago": text})
        assert (answer.status_code, answer.json()) == (400, {"state": "unreadable"})
    assert await in_thread(kept) == []
    answer = await phone.post("/in/kept", {"code": code, "whose": account_of(room.alice), "ago": "600000.25"})
    assert answer.json()["state"] == "held"


async def test_what_was_proven_stays_so_while_check_in_is_paused(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    await in_thread(services.freeze, by="system:test", at=FIVE_PAST, reason="fire")
    await gates.state.refresh()
    said = await brings(phone, code, room.alice)
    assert said["state"] == "later"
    await in_thread(services.unfreeze, by="system:test", at=FIVE_PAST)
    await gates.state.refresh()
    gates.wait(minutes=50)
    fields = {"code": code, "ago": str(50 * 60_000), "ticket": said["ticket"]}
    bob = await gates.phone(room.bob).post("/in/kept", {**fields, "whose": account_of(room.bob)})
    assert bob.json()["state"] == "held"
    alice = await phone.post("/in/kept", {**fields, "whose": account_of(room.alice)})
    assert alice.json()["state"] == "in"
    assert await in_thread(marks) == [(room.alice.pk, "present")]


@pytest.mark.parametrize("edge", ["present_until", "late_until", "stopped"])
async def test_who_sends_it_sooner_is_not_worse_off(room: Room, gates: Gates, edge: str) -> None:
    at = FIVE_PAST + MINUTE if edge == "stopped" else getattr(room.opening, edge)
    if edge == "stopped":
        await in_thread(services.stop_checkin, room.opening, by=room.lecturer, at=at)
        await gates.state.refresh()
    gates.state.at = at - timedelta(seconds=10)
    code = gates.code(room.opening)
    gates.wait(seconds=20)
    assert (await brings(gates.phone(room.alice), code, room.alice, seconds=20))["state"] == "held"
    scan = await in_thread(Scan.objects.get)
    assert (scan.refusal, scan.first_seen_at) == ("offline", at - timedelta(seconds=10))


async def test_a_late_mark_does_not_settle_a_scan_that_was_in_time(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    gates.state.at = room.opening.present_until + MINUTE
    await brings(phone, code, room.alice, seconds=(gates.state.at - FIVE_PAST).total_seconds())
    await phone.scan(room.opening)
    await phone.tap()
    assert await in_thread(marks) == [(room.alice.pk, "late")]
    assert await in_thread(lambda: [one.refusal for one in waiting_scans([room.session.pk])]) == ["offline"]


async def test_a_second_account_on_the_phone_that_sent_it_waits(room: Room, gates: Gates) -> None:
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    assert (await brings(phone, code, room.alice))["state"] == "in"
    phone.sign_in(room.bob)
    assert (await brings(phone, code, room.bob))["state"] == "held"
    assert await in_thread(kept) == ["", "same_device"]


async def test_a_code_from_the_future_is_told_here_too(room: Room, gates: Gates) -> None:
    code = gates.code(room.opening, at=FIVE_PAST + 5 * MINUTE)
    await brings(gates.phone(room.alice), code, room.alice)
    await gates.tell()
    assert await in_thread(lambda: list(Alarm.objects.values_list("kind", "opening"))) == [("future_code", room.opening.pk)]


# Acknowledgements


def acknowledgement(**facts: Any) -> Acknowledgement:
    plain = {"scan": bytes(16), "ticket": bytes(16), "session": bytes(16), "person": 5, "kept_as": "late", "seen_ms": 1}
    return Acknowledgement(**{**plain, "made_ms": 2, **facts})


@pytest.mark.parametrize("kept_as", KEPT_AS)
def test_an_acknowledgement_is_read_as_it_was_written_and_by_its_own_key_alone(kept_as: str) -> None:
    one = acknowledgement(kept_as=kept_as)
    text = seal_acknowledgement(one, KEY, "k1")
    assert unseal_acknowledgement(text, {"k1": KEY}) == one
    assert unseal_acknowledgement(text, {"k1": bytes(32)}) is None
    assert unseal_acknowledgement(text, {"k2": KEY}) is None
    changed = {text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :] for place in range(3, len(text))}
    assert {unseal_acknowledgement(one, {"k1": KEY}) for one in changed} == {None}


def lose() -> None:
    """What a database is like that was brought back from before the scan."""
    for table in (MarkChange, Mark, Scan):
        table.objects.all()._raw_delete("default")


async def checked_in(room: Room, gates: Gates) -> tuple[Phone, str]:
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    return phone, proof_in(await phone.tap())


async def test_what_is_recorded_is_kept_until_it_is_signed(room: Room, gates: Gates) -> None:
    phone, proof = await checked_in(room, gates)
    assert await asks(phone, proof) == [{"state": "recorded"}]
    await in_thread(publish, by="system:test", at=FIVE_PAST)
    assert await asks(phone, proof) == [{"state": "signed", "receipt": f"/record/classes/{room.session.ref}/receipt.txt"}]


async def test_what_is_lost_comes_back_held_with_its_time_and_is_told(room: Room, gates: Gates) -> None:
    phone, proof = await checked_in(room, gates)
    ref = await in_thread(lambda: Scan.objects.get().ref)
    await in_thread(lose)
    gates.wait(days=10)
    phone.sign_in(room.alice)
    assert await asks(phone, proof) == [{"state": "recovered"}]
    scan = await in_thread(Scan.objects.get)
    assert (scan.ref, scan.refusal, scan.first_seen_at) == (ref, Refusal.RECOVERED, FIVE_PAST)
    assert (scan.slot, scan.typed, scan.age_ms, scan.remembered) == (None, None, None, None)
    alarm = await in_thread(Alarm.objects.get)
    number = receipt_number(ref)
    assert (alarm.kind, alarm.opening_id) == ("recovered", room.opening.pk)
    assert alarm.detail == f"{number}, scanned {FIVE_PAST:%Y-%m-%d %H:%M} UTC"
    assert await asks(phone, proof) == [{"state": "recorded"}]
    await in_thread(decide_held, scan, accept=True, by=room.lecturer, at=gates.state.at)
    assert await in_thread(marks) == [(room.alice.pk, "present")]


async def test_a_visitors_scan_comes_back_as_a_visitors(room: Room, gates: Gates) -> None:
    phone = gates.phone(await in_thread(room.world.student))
    await phone.scan(room.opening)
    proof = proof_in(await phone.tap())
    await in_thread(lose)
    assert await asks(phone, proof) == [{"state": "recovered"}]
    assert await in_thread(kept) == ["not_expected"]


async def test_who_came_in_again_meanwhile_is_in(room: Room, gates: Gates) -> None:
    phone, proof = await checked_in(room, gates)
    await in_thread(lose)
    await phone.scan(room.opening)
    await phone.tap()
    assert await asks(phone, proof) == [{"state": "recovered"}]
    assert await in_thread(kept) == ["", "already_in"]
    assert await in_thread(Query.objects.count) == 0


async def test_without_its_check_in_the_query_carries_it(room: Room, gates: Gates) -> None:
    phone, proof = await checked_in(room, gates)
    await in_thread(lose)

    def lose_opening() -> None:
        room.display.delete()
        Epoch.objects.all().delete()
        Opening.objects.all().delete()

    await in_thread(lose_opening)
    for _again in range(2):
        assert await asks(phone, proof) == [{"state": "queried"}]
        gates.wait(hours=2)
    assert await in_thread(Alarm.objects.count) == 1
    query = await in_thread(Query.objects.get)
    assert (query.session_id, query.evidence["refusal"]) == (room.session.pk, "recovered")


async def test_without_its_class_it_stays_with_the_phone(room: Room, gates: Gates) -> None:
    phone, proof = await checked_in(room, gates)
    keys = keyring.keys_for("acknowledgement/v1")
    genuine = unseal_acknowledgement(proof, keys)
    assert genuine
    elsewhere = acknowledgement(scan=bytes([1]) * 16, session=UUID(int=7).bytes, person=genuine.person, seen_ms=genuine.seen_ms)
    kid = keyring.current()
    assert await asks(phone, seal_acknowledgement(elsewhere, keys[kid], kid)) == [{"state": "lost"}]
    assert await in_thread(lambda: Alarm.objects.get().opening_id) is None


async def test_nobody_brings_back_what_is_not_theirs_or_not_ours(room: Room, gates: Gates) -> None:
    _phone, proof = await checked_in(room, gates)
    await in_thread(lose)
    assert await asks(gates.phone(room.bob), proof, "nonsense", *["x"] * 40) == [
        {"state": "another"},
        *[{"state": "unknown"}] * 29,
    ]
    assert (await gates.phone().post("/in/acknowledged", {"kept": proof})).status_code == 401
    assert await in_thread(kept) == []
