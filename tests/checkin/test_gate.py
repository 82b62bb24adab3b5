"""The gate, door by door: from a scan to a mark, and every way it can end otherwise."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, Query
from adsum.attendance.rules import Reason, Status
from adsum.checkin import services
from adsum.checkin.gate.http import HEADERS, Ask
from adsum.checkin.models import Display, GateState, Opening, RevokedPass, Scan
from adsum.timetable.models import ClassSession
from tests.kit import marking
from tests.kit.marking import mark_students
from tests.kit.open_class import FIVE_PAST, Room, kept, marks
from tests.kit.phones import Gates, in_thread, refusal, ticket
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db(transaction=True)


async def test_scan_tap_receipt(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    page = await phone.scan(room.opening)
    assert page.status_code == 200
    assert "Alice Abel" in page.text
    assert "Algorithms" in page.text
    assert "C2.01" in page.text
    assert "09:05:00" in page.text
    assert await in_thread(kept) == []
    receipt = await phone.tap()
    assert "You’re in" in receipt.text
    assert await in_thread(marks) == [(room.alice.pk, "present")]


async def test_the_scan_survives_a_sign_in_of_five_minutes(room: Room, gates: Gates) -> None:
    """Pitfall 1: the code expires during sign-in, endless loop."""
    phone = gates.phone()
    page = await phone.scan(room.opening)
    assert "Sign in to finish" in page.text
    gates.wait(minutes=5)
    phone.sign_in(room.alice)
    waiting = await phone.get("/in/confirm")
    assert "09:05:00" in waiting.text
    assert "You’re in" in (await phone.tap()).text
    mark = await in_thread(Mark.objects.get)
    assert (mark.at, mark.status) == (FIVE_PAST, "present")
    assert (await in_thread(Scan.objects.get)).signed_in_after


async def test_signing_in_across_the_end_of_the_window_counts_as_of_the_scan(room: Room, gates: Gates) -> None:
    gates.wait(minutes=24)
    phone = gates.phone()
    await phone.scan(room.opening)
    gates.wait(minutes=9)
    phone.sign_in(room.alice)
    assert "You’re in" in (await phone.tap()).text
    mark = await in_thread(Mark.objects.get)
    assert (mark.status, mark.minutes_late) == ("late", 29)


async def test_a_sign_in_longer_than_the_ticket_asks_for_one_more_scan_and_does_not_loop(room: Room, gates: Gates) -> None:
    phone = gates.phone()
    await phone.scan(room.opening)
    gates.wait(minutes=10)
    phone.sign_in(room.alice)
    assert refusal(await phone.tap()) == "ticket_expired"
    await phone.scan(room.opening)
    assert "You’re in" in (await phone.tap()).text


async def test_a_sign_in_that_ends_after_the_class_is_kept_and_one_tap_makes_it_a_query(room: Room, gates: Gates) -> None:
    phone = gates.phone()
    await phone.scan(room.opening)
    gates.wait(minutes=40)
    phone.sign_in(room.alice)
    page = await phone.tap()
    assert refusal(page) == "closed"
    told = await phone.post("/in/query", {"ticket": ticket(page)})
    assert "Your lecturer will see it" in told.text
    query = await in_thread(Query.objects.get)
    assert (query.student_id, query.evidence["refusal"], query.evidence["first_seen"]) == (
        room.alice.pk,
        "closed",
        FIVE_PAST.isoformat(),
    )
    assert await in_thread(kept) == ["closed"]


async def test_a_code_lives_for_its_period_and_grace(room: Room, gates: Gates) -> None:
    """Pitfall 14: a code passed on is soon worth nothing."""
    phone = gates.phone(room.alice)
    code = gates.code(room.opening)
    gates.wait(seconds=74.9)
    assert "I’m here" in (await phone.get(f"/{code}")).text
    gates.wait(seconds=0.1)
    assert refusal(await phone.get(f"/{code}")) == "stale_code"


async def test_a_stale_code_can_be_told_to_the_lecturer(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    code = gates.code(room.opening)
    gates.wait(seconds=90)
    page = await phone.get(f"/{code}")
    assert await in_thread(kept) == []
    await phone.post("/in/query", {"ticket": ticket(page)})
    assert await in_thread(kept) == ["stale_code"]
    assert (await in_thread(Query.objects.get)).evidence["refusal"] == "stale_code"
    assert await in_thread(marks) == []


async def test_an_old_code_scanned_by_mistake_does_not_take_the_good_scan_away(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    old = gates.code(room.opening)
    gates.wait(seconds=80)
    await phone.scan(room.opening)
    assert refusal(await phone.get(f"/{old}")) == "stale_code"
    assert "You’re in" in (await phone.tap()).text


async def test_too_early_says_when_it_opens_and_a_later_scan_works(room: Room, gates: Gates) -> None:
    """Pitfall 7: a second scan after an early attempt."""
    later: ClassSession = await in_thread(
        room.world.session, room.group, starts_at=NINE + timedelta(hours=1), staff=[room.lecturer]
    )
    opening = await in_thread(services.open_checkin, later, by=room.lecturer, at=FIVE_PAST)
    await gates.tell()
    phone = gates.phone(room.alice)
    await phone.scan(opening)
    early = await phone.tap()
    assert refusal(early) == "too_early"
    assert "Check-in opens at 09:50." in early.text
    gates.wait(minutes=50)
    await phone.scan(opening)
    assert "You’re in" in (await phone.tap()).text


async def test_after_one_scan_no_other_class_is_marked(room: Room, gates: Gates) -> None:
    """Pitfall 11: after one scan a student can mark future classes."""
    other: ClassSession = await in_thread(room.world.session, room.group, starts_at=NINE + timedelta(minutes=10))
    opening = await in_thread(services.open_checkin, other, by=room.lecturer, at=FIVE_PAST)
    await gates.tell()
    phone = gates.phone(room.alice)
    page = await phone.scan(room.opening)
    await phone.tap()
    assert "You’re already in" not in (await phone.post("/in/confirm", {"ticket": ticket(page) + "x"})).text
    assert await in_thread(lambda: list(Mark.objects.values_list("session", flat=True))) == [room.session.pk]
    assert opening.pk != room.opening.pk


async def test_the_code_of_another_class_names_both(room: Room, gates: Gates) -> None:
    """Pitfall 9: the previous class's code is still on the screen."""
    world = room.world
    mine: ClassSession = await in_thread(
        world.session,
        await in_thread(world.group, await in_thread(world.module, "Databases")),
        starts_at=NINE,
        staff=[room.lecturer],
    )
    carol: Person = await in_thread(world.student, "Carol Cole", groups=[await in_thread(mine.groups.get)])
    phone = gates.phone(carol)
    await phone.scan(room.opening)
    page = await phone.tap()
    assert refusal(page) == "not_expected"
    assert "Algorithms" in page.text
    assert "You are expected in Databases now" in page.text


async def test_a_scan_of_another_group_is_held_and_says_so(room: Room, gates: Gates) -> None:
    """Pitfall 10: false success for the wrong group."""
    carol: Person = await in_thread(room.world.student, "Carol Cole")
    phone = gates.phone(carol)
    await phone.scan(room.opening)
    page = await phone.tap()
    assert refusal(page) == "not_expected"
    assert "You’re in" not in page.text
    assert await in_thread(marks) == []
    scan: Scan = await in_thread(Scan.objects.get)
    await in_thread(marking.decide_held, scan, accept=True, by=room.lecturer, at=FIVE_PAST)
    assert await in_thread(marks) == [(carol.pk, Status.OTHER_GROUP)]
    assert "You’re already in" in (await gates_again(gates, carol, room.opening)).text


async def gates_again(gates: Gates, person: Person, opening: Opening) -> Any:
    phone = gates.phone(person)
    await phone.scan(opening)
    return await phone.tap()


async def test_a_second_account_on_one_phone_is_held(room: Room, gates: Gates) -> None:
    """Pitfall 14: one phone checks in for a friend."""
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    assert "You’re in" in (await phone.tap()).text
    phone.sign_in(room.bob)
    await phone.scan(room.opening)
    assert refusal(await phone.tap()) == "same_device"
    assert await in_thread(marks) == [(room.alice.pk, "present")]


async def test_students_behind_one_shared_address_never_block_each_other(room: Room, gates: Gates) -> None:
    """Pitfall 16: shared-address blocking on campus."""
    students = [await in_thread(room.world.student, groups=[room.group]) for _ in range(20)]
    gates.state.rosters.clear()
    for student in students:
        assert "You’re in" in (await gates_again(gates, student, room.opening)).text


async def test_a_double_tap_and_a_hundred_at_once_make_one_mark(room: Room, gates: Gates) -> None:
    """Pitfall 12: duplicates from a double tap or a burst."""
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    answers = await asyncio.gather(*(phone.tap() for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await in_thread(kept) == [""]
    assert await in_thread(marks) == [(room.alice.pk, "present")]


async def test_looking_at_a_code_writes_nothing(room: Room, gates: Gates) -> None:
    """Pitfall 13: a change on GET, prefetch, link preview."""
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    await gates.tell()
    wrote = await gates.state.read(lambda: CaptureQueriesContext(connections["default"]).__enter__())
    for agent in ("WhatsApp/2", "Slackbot-LinkExpanding 1.0", "Twitterbot/1.0", "facebookexternalhit/1.1"):
        preview = gates.phone(headers={"User-Agent": agent, "Purpose": "prefetch"})
        assert (await preview.scan(room.opening)).status_code == 200
        assert (await preview.head(f"/{gates.code(room.opening)}")).status_code == 200
    assert await gates.state.read(lambda: len(wrote)) == 0
    await gates.state.read(lambda: wrote.__exit__(None, None, None))
    assert await in_thread(kept) == []
    assert (await phone.get("/in/query")).status_code == 405


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://evil.example",
        "http://localhost:8000.evil.example",
        "http://localhost:8000@evil.example",
        "http://evil.example@localhost:8000",
        "https://localhost:8000",
        "ftp://localhost:8000",
        "//localhost:8000",
        "http://localhost",
        "http://localhost:80",
        "http://[",
        "http://localhost:x",
    ],
)
async def test_a_form_of_another_site_is_refused(room: Room, gates: Gates, origin: str) -> None:
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    assert (await phone.post("/in/confirm", origin=origin)).status_code == 403
    assert await in_thread(marks) == []
    assert "You’re in" in (await phone.post("/in/confirm", origin="HTTP://LocalHost:8000")).text, "it is the same, as written"


async def test_a_door_that_breaks_answers_with_every_header(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_self: object) -> bool:
        raise RuntimeError("of the test")

    monkeypatch.setattr(Ask, "is_ours", breaks)
    answer = await gates.phone().post("/in/confirm")
    assert answer.status_code == 500
    assert all(answer.headers[name] == value for name, value in HEADERS.items())


async def test_a_ticket_scanned_while_signed_in_is_no_good_for_someone_else(room: Room, gates: Gates) -> None:
    """Pitfall 15: proof that anybody can use."""
    page = await gates.phone(room.alice).scan(room.opening)
    other = gates.phone(room.bob)
    assert refusal(await other.post("/in/confirm", {"ticket": ticket(page)})) == "ticket_used"
    assert await in_thread(marks) == []


@pytest.mark.parametrize("text", ["", "k1.", "k1.AAAA", "k9.AAAA", "k1." + "A" * 130, "…"])
async def test_a_forged_ticket_does_nothing(room: Room, gates: Gates, text: str) -> None:
    """Pitfall 15: proof that is accepted and never verified."""
    phone = gates.phone(room.alice)
    assert refusal(await phone.post("/in/confirm", {"ticket": text})) == "unknown_code"
    assert await in_thread(kept) == []


@pytest.mark.parametrize("path", ["a" * 36, "0" * 36, "%30" * 36, "I" * 36, "Z" * 36])
async def test_what_is_no_code_gets_one_page(gates: Gates, path: str) -> None:
    page = await gates.phone().get(f"/{path}")
    assert refusal(page) == "unknown_code"


async def test_a_cancelled_class_says_so_and_keeps_the_scan(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    await in_thread(cancel, room.session)
    await gates.tell()
    page = await phone.tap()
    assert refusal(page) == "cancelled"
    assert "counts against nobody" in page.text
    assert await in_thread(kept) == ["cancelled"]


def cancel(session: ClassSession) -> None:
    ClassSession.objects.filter(pk=session.pk).update(status="cancelled")
    services.rosters_changed()


async def test_a_student_added_to_the_group_counts_at_once(room: Room, gates: Gates) -> None:
    await gates_again(gates, room.alice, room.opening)
    dave: Person = await in_thread(room.world.student, "Dave Dunn", groups=[room.group])
    await in_thread(services.rosters_changed)
    await gates.tell()
    assert "You’re in" in (await gates_again(gates, dave, room.opening)).text


async def test_a_lecturers_mark_stands_and_the_student_is_told(room: Room, gates: Gates) -> None:
    await in_thread(
        mark_students, room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE, reason_code=Reason.NOT_IN_CLASS
    )
    assert refusal(await gates_again(gates, room.alice, room.opening)) == "amended"
    assert await in_thread(marks) == [(room.alice.pk, Status.ABSENT)]


async def test_marked_present_by_hand_then_scanning_says_already_in(room: Room, gates: Gates) -> None:
    await in_thread(mark_students, room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=FIVE_PAST)
    page = await gates_again(gates, room.alice, room.opening)
    assert "You’re already in" in page.text
    assert "09:05" in page.text


# Switches


async def test_a_freeze_pauses_and_the_same_ticket_finishes_afterwards(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    await in_thread(services.freeze, by=room.lecturer.actor, at=FIVE_PAST, reason="outage")
    await gates.tell()
    paused = await phone.tap()
    assert refusal(paused) == "paused"
    assert "Try again" in paused.text
    again = {"ticket": ticket(paused)}
    await in_thread(services.unfreeze, by=room.lecturer.actor, at=FIVE_PAST)
    await gates.tell()
    assert "You’re in" in (await phone.post("/in/confirm", again)).text


async def test_killing_the_codes_refuses_them_and_new_ones_work(room: Room, gates: Gates) -> None:
    leaked = gates.code(room.opening)
    await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=FIVE_PAST, pace="standard", kill=True)
    await gates.tell()
    phone = gates.phone(room.alice)
    assert refusal(await phone.get(f"/{leaked}")) == "stale_code"
    assert "I’m here" in (await phone.scan(room.opening)).text


async def test_a_new_pace_refuses_nobody(room: Room, gates: Gates) -> None:
    before = gates.code(room.opening)
    await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=FIVE_PAST, pace="strict")
    await gates.tell()
    phone = gates.phone(room.alice)
    assert "I’m here" in (await phone.get(f"/{before}")).text
    assert "I’m here" in (await phone.scan(room.opening)).text


async def test_stopping_one_screen_kills_its_codes_and_no_others(room: Room, gates: Gates) -> None:
    second: Display = (await in_thread(services.add_display, room.opening, by=room.lecturer, at=NINE)).display
    await in_thread(services.revoke_display, second, by=room.lecturer, at=FIVE_PAST)
    await gates.tell()
    phone = gates.phone(room.alice)
    assert refusal(await phone.scan(room.opening, slot=1)) == "stale_code"
    assert "I’m here" in (await phone.scan(room.opening, slot=0)).text


async def test_a_revoked_sign_in_is_forgotten(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    assert "I’m here" in (await phone.scan(room.opening)).text
    await in_thread(services.revoke_passes, room.alice.pk, at=FIVE_PAST)
    await gates.tell()
    assert "Sign in to finish" in (await phone.scan(room.opening)).text
    gates.wait(seconds=1)
    phone.sign_in(room.alice)
    assert "I’m here" in (await phone.scan(room.opening)).text
    assert await in_thread(RevokedPass.objects.count) == 1


async def test_a_pass_ends_by_itself(room: Room, gates: Gates) -> None:
    phone = gates.phone()
    phone.sign_in(room.alice, hours=0.01)
    gates.wait(minutes=1)
    assert "Sign in to finish" in (await phone.scan(room.opening)).text


async def test_nothing_changed_means_one_small_question(room: Room, gates: Gates) -> None:
    version = (await in_thread(GateState.objects.get)).version
    assert gates.state.known.version == version
    await gates.tell()
    assert gates.state.known.version == version


# The typed code


async def test_typing_the_code(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    page = await phone.post("/in/code", {"code": gates.typed(room.opening)})
    assert "I’m here" in page.text
    assert "You’re in" in (await phone.tap()).text
    assert (await in_thread(Scan.objects.get)).typed


async def test_typing_needs_a_sign_in_first(gates: Gates) -> None:
    answer = await gates.phone().get("/in")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/?next=/in")


@pytest.mark.parametrize(
    ("typed", "said"),
    [("12", "A code is eight digits"), ("abcdefgh", "A code is eight digits"), ("", "A code is eight digits")],
)
async def test_a_code_typed_badly_says_how_it_should_look(room: Room, gates: Gates, typed: str, said: str) -> None:
    page = await gates.phone(room.alice).post("/in/code", {"code": typed})
    assert said in page.text


async def test_five_wrong_codes_then_the_lecturer_helps_and_others_are_unaffected(room: Room, gates: Gates) -> None:
    """Pitfall 14: a short code that can be guessed."""
    phone = gates.phone(room.alice)
    right = gates.typed(room.opening)
    wrong = f"{(int(right) + 1) % 10**8:08d}"
    for _ in range(5):
        assert "does not match" in (await phone.post("/in/code", {"code": wrong})).text
    page = await phone.post("/in/code", {"code": right})
    assert refusal(page) == "too_many_tries"
    assert "Tell my lecturer" in page.text
    told = await phone.post("/in/query", {"ticket": ticket(page)})
    assert "Your lecturer will see it" in told.text
    assert (await in_thread(Query.objects.get)).evidence["refusal"] == "too_many_tries"
    assert "I’m here" in (await gates.phone(room.bob).post("/in/code", {"code": right})).text
    assert "I’m here" in (await phone.scan(room.opening)).text


async def test_fifty_tries_at_once_are_still_five(room: Room, gates: Gates) -> None:
    """Pitfall 14: guessing faster than anybody counts."""
    phone = gates.phone(room.alice)
    wrong = f"{(int(gates.typed(room.opening)) + 1) % 10**8:08d}"
    pages = await asyncio.gather(*(phone.post("/in/code", {"code": wrong}) for _ in range(50)))
    assert sum("does not match" in page.text for page in pages) == 5
    assert sum(refusal(page) == "too_many_tries" for page in pages) == 45


async def test_a_typed_code_is_matched_only_against_ones_own_classes(room: Room, gates: Gates) -> None:
    """Pitfall 14: a short code sent to somebody elsewhere."""
    carol: Person = await in_thread(room.world.student, "Carol Cole")
    page = await gates.phone(carol).post("/in/code", {"code": gates.typed(room.opening)})
    assert "No class of yours is open" in page.text


async def test_held_for_a_shared_phone_and_never_decided_is_under_query_not_absent(room: Room, gates: Gates) -> None:
    """Nobody is punished by a machine, nor for a decision that nobody made."""
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    await phone.tap()
    phone.sign_in(room.bob)
    await phone.scan(room.opening)
    await phone.tap()
    after = room.session.ends_at + timedelta(minutes=10)
    await in_thread(services.close_classes, [room.session], at=after)
    query: Query = await in_thread(Query.objects.get)
    assert (query.student_id, query.state, query.evidence["refusal"]) == (room.bob.pk, "open", "same_device")
    await in_thread(services.close_classes, [room.session], at=after + timedelta(minutes=1))
    assert await in_thread(Query.objects.count) == 1
