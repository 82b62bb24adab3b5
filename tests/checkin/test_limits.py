"""How often one may knock, and when the grace gives way: neither from outside, neither by address."""

import asyncio
import gc
import time
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.audit.models import Event
from adsum.checkin import services
from adsum.checkin.codes import RELIEF_GRACE_MS, EpochKey, epoch_keys, relieved
from adsum.checkin.gate import http
from adsum.checkin.gate.app import DEVICE_COOKIE, TICKET_COOKIE
from adsum.checkin.gate.limits import Limit
from adsum.checkin.models import LateCode, Opening
from adsum.checkin.reports import pace_of
from adsum.checkin.rules import PACES, needs_relief
from tests.kit.open_class import FIVE_PAST, Room, marks
from tests.kit.phones import ORIGIN, Gates, Phone, in_thread, refusal, ticket
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60_000


# The rule of a limit


def let_in(limit: Limit, key: object, times: list[int]) -> int:
    return sum(limit.wait(key, now) == 0 for now in times)


def test_a_limit_lets_its_bucket_in_and_then_its_rate():
    limit = Limit(a_minute=30, at_once=10)
    assert let_in(limit, "a", [0] * 50) == 10
    assert limit.wait("a", 0) == 2
    assert limit.wait("a", 1_999) == 1
    assert limit.wait("a", 2_000) == 0
    assert let_in(limit, "a", [MINUTE] * 50) == 10, "full again after its time"
    assert let_in(limit, "b", [0] * 50) == 10, "each key for itself"


@given(st.lists(st.integers(0, 3 * MINUTE), max_size=400).map(sorted))
def test_never_more_than_the_bucket_and_the_rate(times: list[int]):
    limit = Limit(a_minute=60, at_once=20)
    admitted = [now for now in times if limit.wait("a", now) == 0]
    for start in admitted:
        for length in (1_000, 10_000, MINUTE):
            assert sum(start <= now < start + length for now in admitted) <= 20 + length // 1_000


@given(st.lists(st.integers(0, 3 * MINUTE), max_size=200).map(sorted))
def test_whoever_waits_as_told_is_let_in(times: list[int]):
    limit = Limit(a_minute=60, at_once=5)
    for now in times:
        if wait := limit.wait("a", now):
            assert wait <= 5 + 1
            assert limit.wait("a", now + 1_000 * wait) == 0
            return


def test_memory_is_bounded_and_forgetting_forgives():
    limit = Limit(a_minute=1, at_once=1, most=100)
    for n in range(10_000):
        assert limit.wait(n, 0) == 0
        assert len(limit) <= 200
    assert limit.wait(9_999, 0) > 0, "the latest are remembered"
    assert limit.wait(0, 0) == 0


# At the doors


async def test_a_hundred_taps_at_once_are_answered_and_a_script_is_told_to_wait(room: Room, gates: Gates):
    phone = gates.phone(room.alice)
    sealed = ticket(await phone.scan(room.opening))
    answers = [await phone.tap() for _ in range(125)]
    assert [answer.status_code for answer in answers] == [200] * 120 + [429] * 5
    last = answers[-1]
    assert 1 <= int(last.headers["retry-after"]) <= 2
    assert "Nothing is lost" in last.text
    assert ticket(last) == sealed, "the page keeps the ticket"
    assert phone.cookies.get(TICKET_COOKIE) == sealed
    gates.wait(seconds=int(last.headers["retry-after"]))
    assert "You’re" in (await phone.tap()).text
    assert await in_thread(Mark.objects.count) == 1


async def test_a_limit_is_one_accounts_own(room: Room, gates: Gates):
    alice, bob = gates.phone(room.alice), gates.phone(room.bob)
    for phone in (alice, bob):
        await phone.scan(room.opening)
    for _ in range(125):
        await alice.tap()
    assert (await alice.tap()).status_code == 429
    assert "You’re in" in (await bob.tap()).text


async def test_telling_and_typing_share_the_limit(room: Room, gates: Gates):
    phone = gates.phone(room.alice)
    page = await phone.get(f"/{gates.code(room.opening, at=NINE)}")
    sealed = ticket(page)
    for n in range(120):
        data = {"ticket": sealed} if n % 2 else {"code": "12"}
        assert (await phone.post("/in/query" if n % 2 else "/in/code", data)).status_code == 200
    told = await phone.post("/in/query", {"ticket": sealed})
    assert (told.status_code, ticket(told)) == (429, sealed)
    typed = await phone.post("/in/code", {"code": gates.typed(room.opening)})
    assert typed.status_code == 429
    assert 'href="/in"' in typed.text


@pytest.mark.parametrize("by", ["browser", "account"])
async def test_codes_are_limited_by_browser_and_by_account(room: Room, gates: Gates, by: str):
    phone = gates.phone(room.alice if by == "account" else None)
    answers = []
    for _ in range(123):
        if by == "account":
            phone.cookies.pop(DEVICE_COOKIE, None)
        answers.append((await phone.scan(room.opening)).status_code)
    assert answers[:120] == [200] * 120
    assert set(answers[121:]) == {429}
    kept = phone.cookies.get(TICKET_COOKIE)
    refused = await phone.scan(room.opening)
    assert 'href="/in/confirm"' in refused.text, "the scan made before waits there"
    assert phone.cookies.get(TICKET_COOKIE) == kept
    gates.wait(seconds=int(refused.headers["retry-after"]))
    assert (await phone.scan(room.opening)).status_code == 200


async def test_an_honest_majority_behind_one_address_is_never_refused(room: Room, gates: Gates):
    """T-FR-6. Every phone of these tests has the same address."""

    def enrol() -> list[Person]:
        return [room.world.student(groups=[room.group]) for _ in range(150)]

    students: list[Person] = await in_thread(enrol)
    gates.state.rosters.clear()
    flood = gates.phone()
    for _ in range(300):
        await flood.get("/" + "0" * 36)
    for student in students:
        phone = gates.phone(student)
        assert (await phone.scan(room.opening)).status_code == 200
        assert "You’re in" in (await phone.tap()).text
    assert await in_thread(Mark.objects.count) == 150


async def test_a_flood_without_cookies_costs_no_database(room: Room, gates: Gates):
    """But for the look for a class opened a moment ago: five times a second, however many ask."""
    genuine = gates.code(room.opening)
    queries = await gates.state.read(lambda: CaptureQueriesContext(connections["default"]).__enter__())
    began = time.monotonic()
    for n in range(300):
        for path in (f"/{n:06d}{genuine[6:]}", f"/{genuine}", f"/{genuine[:-1]}0", "/" + "U" * 36):
            flooding = gates.phone(headers={"User-Agent": f"bot {n}"})
            assert (await flooding.get(path)).status_code == 200
    looks = 1 + 5 * (time.monotonic() - began)
    asked = [query["sql"] for query in queries.captured_queries]
    await gates.state.read(lambda: queries.__exit__(None, None, None))
    assert all(sql.startswith("SELECT") and "adsum_gatestate" in sql for sql in asked)
    assert len(asked) <= looks


async def test_what_strangers_send_is_not_kept(room: Room, gates: Gates):
    """Headers are remembered for the next request, never whole: 40 MB of them leave less than one behind."""

    async def ask(number: int) -> None:
        long = f"{number:06}" * 20_000
        phone = gates.phone(headers=dict.fromkeys(("Accept-Language", "User-Agent", "X-Forwarded-For", "Referer"), long))
        phone.cookies.set("adsum_language", long, domain="localhost.local")
        phone.cookies.set(DEVICE_COOKIE, long, domain="localhost.local")
        await phone.scan(room.opening)
        await phone.post("/in", {"code": "1234 5678"}, origin="")

    await ask(0)
    tracemalloc.start()
    before, _most = tracemalloc.get_traced_memory()
    for number in range(1, 33):
        await ask(number)
    gc.collect()
    after, _most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 1_000_000


# Relief of the grace


def test_relief_needs_ten_and_more_than_one_in_twenty():
    assert not needs_relief(late=9, came=9)
    assert needs_relief(late=10, came=10)
    assert needs_relief(late=10, came=199)
    assert not needs_relief(late=10, came=200)
    assert needs_relief(late=11, came=219)


@pytest.mark.parametrize("pace", PACES)
def test_relief_is_thirty_seconds_and_wakes_no_killed_code(pace: str):
    key, typed_key = epoch_keys(b"m" * 32, opening=1, epoch=1)
    preset = PACES[pace]
    epoch = EpochKey(1, 1, key, typed_key, preset.period_ms, preset.grace_ms, 0, killed=True)
    (wider,) = relieved([epoch])
    assert wider.grace_ms == RELIEF_GRACE_MS == 30_000
    assert wider.killed
    assert relieved([wider]) == (wider,), "never more"


async def students_of(room: Room, gates: Gates, number: int) -> list[Person]:
    def enrol() -> list[Person]:
        return [room.world.student(groups=[room.group]) for _ in range(number)]

    enrolled: list[Person] = await in_thread(enrol)
    await in_thread(services.rosters_changed)
    await gates.tell()
    return enrolled


def current(opening: Opening) -> Opening:
    return Opening.objects.get(pk=opening.pk)


async def come_late(gates: Gates, code: str, people: list[Person | None]) -> list[str]:
    """Each reads this code with a phone of their own; what the page says."""
    return [refusal(await gates.phone(person).get(f"/{code}")) for person in people]


async def test_ten_honest_students_a_little_late_widen_the_grace_on_every_worker(room: Room, gates: Gates):
    students = await students_of(room, gates, 12)
    code = gates.code(room.opening)
    gates.wait(seconds=80)  # 60 + 15 and a slow network
    async with Gates.open(gates.state.at) as other:
        assert await come_late(gates, code, [*students[:5]]) == ["stale_code"] * 5
        assert await come_late(other, code, [*students[4:9]]) == ["stale_code"] * 5
        for one in (gates, other):
            await one.tell()
        assert (await in_thread(current, room.opening)).relieved_at is None, "nine are not ten"
        await come_late(other, code, [students[9]])
        await other.tell()
        assert (await in_thread(current, room.opening)).relieved_at == gates.state.at
        for one in (gates, other):
            await one.tell()
            assert await come_late(one, code, [students[10]]) == [""]
        gates.wait(seconds=9)
        assert await come_late(gates, code, [students[11]]) == [""]
        gates.wait(seconds=1)
        assert await come_late(gates, code, [students[11]]) == ["stale_code"], "60 + 30 and no further"
    event = await in_thread(Event.objects.get, verb="checkin.relief")
    assert (event.actor, event.subject) == ("system:relief", f"session:{room.session.pk}")
    assert (event.detail["late"], event.detail["came"]) == (10, 10)


async def test_ten_of_many_are_too_few(room: Room, gates: Gates):
    students = await students_of(room, gates, 209)
    for student in students[:199]:
        phone = gates.phone(student)
        await phone.scan(room.opening)
        await phone.tap()
    code = gates.code(room.opening)
    gates.wait(seconds=80)
    await come_late(gates, code, [*students[199:]])
    await gates.tell()
    assert (await in_thread(current, room.opening)).relieved_at is None, "10 of 209"
    await come_late(gates, code, [students[0]])
    await gates.tell()
    assert (await in_thread(current, room.opening)).relieved_at is not None, "11 of 209"


async def test_nobody_widens_it_from_outside(room: Room, gates: Gates):
    """T-FR-8: signed out, not on the list, one student again and again, or with a code too old for any grace."""
    expected = await students_of(room, gates, 15)

    def strangers() -> list[Person]:
        return [room.world.student() for _ in range(15)]

    code = gates.code(room.opening)
    gates.wait(seconds=80)
    await come_late(gates, code, [None] * 30)
    await come_late(gates, code, [*await in_thread(strangers)])
    await come_late(gates, code, [expected[0]] * 30)
    ancient = gates.code(room.opening, at=gates.state.at - timedelta(minutes=3))
    await come_late(gates, ancient, [*expected])
    await come_late(gates, code[:-1] + ("0" if code[-1] != "0" else "1"), [*expected])
    await gates.tell()
    assert await in_thread(LateCode.objects.count) == 1
    assert (await in_thread(current, room.opening)).relieved_at is None


async def test_killed_codes_and_stopped_screens_count_for_nothing(room: Room, gates: Gates):
    expected = await students_of(room, gates, 15)
    second = (await in_thread(services.add_display, room.opening, by=room.lecturer, at=NINE)).display
    code, of_second = gates.code(room.opening), gates.code(room.opening, slot=second.slot)
    await in_thread(services.revoke_display, second, by=room.lecturer, at=FIVE_PAST)
    await gates.tell()
    gates.wait(seconds=80)
    await come_late(gates, of_second, [*expected])
    await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=gates.state.at, pace="standard", kill=True)
    await gates.tell()
    await come_late(gates, code, [*expected])
    await gates.tell()
    assert await in_thread(LateCode.objects.count) == 0


async def test_a_kill_ends_relief_and_a_new_pace_does_not(room: Room, gates: Gates):
    def relieve() -> None:
        students = [room.world.student().pk for _ in range(10)]
        services.count_late_codes(room.opening.pk, students, at=FIVE_PAST)
        services.count_late_codes(room.opening.pk, students, at=FIVE_PAST)

    await in_thread(relieve)
    assert await in_thread(Event.objects.filter(verb="checkin.relief").count) == 1
    await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=FIVE_PAST, pace="strict")
    await gates.tell()
    epochs = gates.state.known.by_pk[room.opening.pk].epochs
    assert [epoch.grace_ms for epoch in epochs] == [RELIEF_GRACE_MS] * 2
    latest = await in_thread(lambda: room.opening.epochs.latest("number"))
    assert (pace_of(latest), latest.grace_ms) == ("strict", PACES["strict"].grace_ms), "the pace is still known by its name"
    await in_thread(services.begin_epoch, room.opening, by=room.lecturer, at=FIVE_PAST, pace="strict", kill=True)
    await gates.tell()
    assert gates.state.known.by_pk[room.opening.pk].epochs[0].grace_ms == PACES["strict"].grace_ms
    assert await in_thread(LateCode.objects.count) == 0


async def test_a_late_typed_code_counts_as_well(room: Room, gates: Gates):
    typed = gates.typed(room.opening)
    gates.wait(seconds=80)
    phone: Phone = gates.phone(room.alice)
    assert refusal(await phone.post("/in/code", {"code": typed})) == "stale_code"
    await gates.tell()
    assert await in_thread(lambda: LateCode.objects.get().student) == room.alice


# Time


async def test_a_form_that_never_comes_is_answered_all_the_same(
    room: Room, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "FORM_SECONDS", 0.05)
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    cookies = "; ".join(f"{one.name}={one.value}" for one in phone.cookies.jar)
    heard: list[Any] = []

    async def nothing_comes() -> Any:
        await asyncio.sleep(30)

    async def send(message: Any) -> None:
        heard.append(message)

    headers = [(b"host", b"localhost:8000"), (b"origin", ORIGIN.encode()), (b"cookie", cookies.encode())]
    scope = {"type": "http", "method": "POST", "path": "/in/confirm", "headers": headers, "client": ("127.0.0.1", 1)}
    await asyncio.wait_for(gates.gate(scope, nothing_comes, send), 5)
    assert heard[0]["status"] == 408
    assert await in_thread(marks) == []
