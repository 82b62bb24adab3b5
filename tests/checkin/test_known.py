"""A browser that is known: it checks its owner in without a sign-in, and each thing that ends that ends it within a second."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from adsum.accounts import services as accounts
from adsum.accounts.models import Person
from adsum.audit.models import Event
from adsum.checkin import known, services
from adsum.checkin.codes import Remembered, browser_name, seal_pass, seal_remembered, unseal_pass, unseal_remembered
from adsum.checkin.disposal import empty_evidence
from adsum.checkin.gate.http import DEVICE_COOKIE, KNOWN_COOKIE, PASS_COOKIE, SHARED_COOKIE
from adsum.checkin.models import Alarm, GateState, KnownBrowser, Scan
from adsum.checkin.rules import AlarmKind, milliseconds
from adsum.core import keyring
from adsum.core.errors import AdsumError
from tests.kit.listening import until
from tests.kit.open_class import FIVE_PAST, Room, marks
from tests.kit.phones import ClockedState, Gates, Phone, in_thread, refusal
from tests.kit.signing_in import local_account
from tests.kit.world import World

pytestmark = pytest.mark.django_db(transaction=True)

TAG, OTHER_TAG = "the-tag-of-alices-phone", "the-tag-of-another-one"
A_WEEK = timedelta(days=7)


def know(person: Person, at: datetime, tag: str = TAG) -> KnownBrowser:
    return known.know(person, tag, remembered=True, at=at, provider="uni", strong=True, user_agent="Chrome/1 Android")


def proof_of(browser: KnownBrowser, at: datetime, tag: str = TAG) -> str:
    kid = keyring.current()
    proof = Remembered(browser.person_id, bytes.fromhex(browser.name), browser_name(tag), milliseconds(at))
    return seal_remembered(proof, keyring.keys_for("remembered/v1")[kid], kid)


async def known_phone(gates: Gates, person: Person, ago: timedelta = A_WEEK) -> tuple[Phone, KnownBrowser]:
    """A phone on which this person signed in so long ago, and has not been since."""
    at = FIVE_PAST - ago
    browser = await in_thread(know, person, at)
    phone = gates.phone()
    phone.cookies.set(DEVICE_COOKIE, TAG, domain="localhost.local")
    phone.cookies.set(KNOWN_COOKIE, proof_of(browser, at), domain="localhost.local")
    return phone, browser


async def is_known(phone: Phone, room: Room) -> bool:
    page = (await phone.scan(room.opening)).text
    assert ("Known here as" in page) is not ("Sign in to finish" in page)
    return "Known here as" in page


async def test_a_week_later_a_scan_and_a_tap_are_enough(room: Room, gates: Gates) -> None:
    phone, _ = await known_phone(gates, room.alice)
    assert await is_known(phone, room)
    receipt = (await phone.tap()).text
    assert "You’re in" in receipt
    assert 'href="/today/"' in receipt
    assert await in_thread(marks) == [(room.alice.pk, "present")]
    scan = await in_thread(Scan.objects.get)
    assert (scan.remembered, scan.signed_in_after, scan.new_device) == (True, False, False)


async def test_the_digits_are_enough_too(room: Room, gates: Gates) -> None:
    phone, _ = await known_phone(gates, room.alice)
    assert "Known here as" in (await phone.post("/in/code", {"code": gates.typed(room.opening)})).text


async def test_a_sign_in_goes_before_what_is_known(room: Room, gates: Gates) -> None:
    phone, _ = await known_phone(gates, room.alice)
    phone.sign_in(room.bob)
    assert "Signed in as" in (await phone.scan(room.opening)).text
    await phone.tap()
    scan = await in_thread(Scan.objects.get)
    assert (scan.student_id, scan.remembered) == (room.bob.pk, False)


@pytest.mark.parametrize(("days", "counts"), [(29.99, True), (30, False)])
async def test_it_lasts_thirty_days_without_use(room: Room, gates: Gates, days: float, counts: bool) -> None:
    phone, _ = await known_phone(gates, room.alice, timedelta(days=days))
    assert await is_known(phone, room) is counts


async def test_use_renews_it(room: Room, gates: Gates) -> None:
    phone, browser = await known_phone(gates, room.alice, timedelta(days=20))
    before = phone.cookies[KNOWN_COOKIE]
    await phone.scan(room.opening)
    assert phone.cookies[KNOWN_COOKIE] == before, "looking renews nothing"
    await phone.tap()
    await gates.tell()
    await in_thread(browser.refresh_from_db)
    assert browser.seen_at == FIVE_PAST
    gates.wait(days=25)
    assert gates.state.recognise(phone.cookies[KNOWN_COOKIE], TAG)
    assert gates.state.recognise(before, TAG) is None


# What ends it


def with_a_password(alice: Person) -> None:
    """A new one, as every caller of the verb sets it."""
    at = FIVE_PAST
    accounts.set_password(local_account(alice, "alice@uni.example"), "quite another horse", by="system:test", at=at)
    services.revoke_passes(alice.pk, at=at)


def closed(alice: Person) -> None:
    accounts.close_account(alice, by="system:test", at=FIVE_PAST)
    services.revoke_passes(alice.pk, at=FIVE_PAST)


def another_signs_in(_alice: Person) -> None:
    know(World().student("Eve"), FIVE_PAST)


def another_signs_in_to_look(_alice: Person) -> None:
    known.leave(TAG, World().student("Eve"), at=FIVE_PAST)


def ended_on_the_list(alice: Person) -> None:
    (one,) = known.known_of(alice, days=30, at=FIVE_PAST)
    known.forget(one, by=alice.actor, at=FIVE_PAST)


def never(_alice: Person) -> None:
    services.remember_for(0, by="system:test", at=FIVE_PAST)


def with_its_name(_alice: Person) -> None:
    one = KnownBrowser.objects.get()
    services.revoke_passes(one.person_id, at=FIVE_PAST, sign_in=one.name)


def fewer_days(_alice: Person) -> None:
    services.remember_for(6, by="system:test", at=FIVE_PAST)


ENDS: list[Callable[[Person], None]] = [
    with_a_password,
    closed,
    another_signs_in,
    another_signs_in_to_look,
    ended_on_the_list,
    never,
    with_its_name,
    fewer_days,
    lambda alice: services.sign_out_everywhere(alice, by="system:test", at=FIVE_PAST),
    lambda alice: services.revoke_all([alice.pk], at=FIVE_PAST),
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_it_ends(room: Room, gates: Gates, end: Callable[[Person], None]) -> None:
    phone, _ = await known_phone(gates, room.alice)
    assert await is_known(phone, room)
    await in_thread(end, room.alice)
    await gates.tell()
    assert not await is_known(phone, room)
    assert "/sign-in/" in (await phone.tap()).headers["location"]
    assert await in_thread(marks) == []


async def test_of_anybody_elses_end_it_hears_nothing(room: Room, gates: Gates) -> None:
    phone, _ = await known_phone(gates, room.alice)
    await in_thread(partial(services.sign_out_everywhere, room.bob, by="system:test", at=FIVE_PAST))
    await in_thread(partial(services.remember_for, 8, by="system:test", at=FIVE_PAST))
    await gates.tell()
    assert await is_known(phone, room)


async def test_a_process_that_starts_later_knows_what_has_ended(room: Room, gates: Gates) -> None:
    phone, _ = await known_phone(gates, room.alice)
    await in_thread(closed, room.alice)
    async with Gates.open(FIVE_PAST) as later:
        assert later.state.recognise(phone.cookies[KNOWN_COOKIE], TAG) is None


# What attackers try


async def test_a_copy_in_another_browser_is_worth_nothing(room: Room, gates: Gates) -> None:
    phone, _ = await known_phone(gates, room.alice)
    thief = gates.phone()
    thief.cookies.set(KNOWN_COOKIE, phone.cookies[KNOWN_COOKIE], domain="localhost.local")
    assert not await is_known(thief, room)
    thief.cookies.set(DEVICE_COOKIE, OTHER_TAG, domain="localhost.local")
    assert not await is_known(thief, room)


async def test_nobody_is_known_on_a_screen_or_a_kiosk(room: Room, gates: Gates) -> None:
    phone, _ = await known_phone(gates, room.alice)
    phone.cookies.set(SHARED_COOKIE, "1", domain="localhost.local")
    assert not await is_known(phone, room)


async def test_no_proof_passes_for_another(room: Room, gates: Gates) -> None:
    """T-TOK-5, and T-FLOW-9 for every character."""
    phone, browser = await known_phone(gates, room.alice)
    proof, kid = phone.cookies[KNOWN_COOKIE], keyring.current()
    phone.sign_in(room.alice)
    pass_ = phone.cookies[PASS_COOKIE]
    assert gates.state.believe(proof) is None
    assert gates.state.recognise(pass_, TAG) is None
    assert unseal_remembered(pass_, keyring.keys_for("remembered/v1")) is None
    assert unseal_pass(proof, keyring.keys_for("pass/v1")) is None
    signed = unseal_pass(pass_, keyring.keys_for("pass/v1"))
    assert signed
    crossed = seal_pass(signed, keyring.keys_for("remembered/v1")[kid], kid)
    assert gates.state.recognise(crossed, TAG) is None
    assert gates.state.recognise(proof, TAG), "the proof itself is good"
    for n in range(len(proof)):
        for other in "Ax_.":
            changed = proof[:n] + other + proof[n + 1 :]
            assert changed == proof or gates.state.recognise(changed, TAG) is None
    assert (
        await in_thread(
            partial(known.remembered_as, Remembered(room.bob.pk, bytes(16), browser_name(TAG), 0), TAG, at=FIVE_PAST)
        )
        is None
    )
    assert browser.person_id == room.alice.pk


async def test_a_retired_key_ends_what_it_signed(room: Room, gates: Gates) -> None:
    browser = await in_thread(know, room.alice, FIVE_PAST)
    sealed = proof_of(browser, FIVE_PAST)
    assert gates.state.recognise(sealed, TAG)
    gates.state.known.retired = frozenset({keyring.current()})
    assert gates.state.recognise(sealed, TAG) is None


async def test_a_lent_phone_holds_the_second_account_as_before(room: Room, gates: Gates) -> None:
    """T-FR-4."""
    phone, _ = await known_phone(gates, room.alice)
    await phone.scan(room.opening)
    await phone.tap()
    await in_thread(know, room.bob, FIVE_PAST)
    phone.sign_in(room.bob)
    await phone.scan(room.opening)
    assert refusal(await phone.tap()) == "same_device"


# What is kept


def test_the_database_holds_that_a_browser_knows_one_person(world: World) -> None:
    alice, bob = world.student("Alice"), world.student("Bob")
    first = know(alice, FIVE_PAST - A_WEEK)
    again = know(alice, FIVE_PAST)
    assert (again.pk, again.name) == (first.pk, first.name), "signing in again changes no name: nothing has to end"
    with pytest.raises(IntegrityError), transaction.atomic():
        KnownBrowser.objects.create(
            person=bob, name="f" * 32, device=again.device, remembered=True, strong=False, began_at=FIVE_PAST, seen_at=FIVE_PAST
        )
    know(bob, FIVE_PAST)
    assert KnownBrowser.objects.get(ended_at=None).person == bob
    assert list(Event.objects.values_list("verb", flat=True)) == ["person.browser_forgotten"]


def test_how_long_is_decided_once_and_recorded(world: World) -> None:
    assert known.known_for_days() == 30
    for days in (-1, 181):
        with pytest.raises(AdsumError, match="from 0 to 180"):
            services.remember_for(days, by="system:test", at=FIVE_PAST)
    for days in (14, 14):
        services.remember_for(days, by="system:test", at=FIVE_PAST)
    assert known.known_for_days() == 14
    assert [(one.verb, one.detail) for one in Event.objects.all()] == [("gate.remember", {"days": 14})]
    assert GateState.objects.get().remember_days == 14


def test_what_nobody_could_use_any_more_is_deleted(world: World) -> None:
    once = known.know(world.student("Once"), OTHER_TAG, remembered=False, at=FIVE_PAST)
    kept = know(world.student("Alice"), FIVE_PAST)
    empty_evidence(at=FIVE_PAST + timedelta(days=1))
    assert set(KnownBrowser.objects.all()) == {once, kept}
    empty_evidence(at=FIVE_PAST + timedelta(days=3))
    assert set(KnownBrowser.objects.all()) == {kept}
    empty_evidence(at=FIVE_PAST + timedelta(days=182))
    assert not KnownBrowser.objects.exists()


async def test_a_running_gate_writes_down_what_it_noticed(room: Room) -> None:
    state = ClockedState()
    state.at = FIVE_PAST
    await state.start()
    try:
        state.alarm(AlarmKind.FUTURE_CODE, room.opening.pk, "screen 1, 3.0 s early")
        await until(lambda: not state._alarms)
        await state.refresh()  # behind it in the same thread
    finally:
        await state.stop()
    assert (await in_thread(Alarm.objects.get)).kind == AlarmKind.FUTURE_CODE
