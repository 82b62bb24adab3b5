"""Slow sign-ins: when they count as slow, and what becomes of scans of that time."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from adsum.audit.models import Event
from adsum.checkin import services
from adsum.checkin.gate.state import State
from adsum.checkin.models import Alarm, SlowSpell
from adsum.checkin.rules import AlarmKind, Refusal
from adsum.checkin.slowness import BEFORE, CALM, FEWEST, LIMITS, WINDOW, Seen, Sign, Slow, sign_ins
from tests.kit.open_class import FIVE_PAST, Room, marks
from tests.kit.phones import Gates, in_thread, refusal

SLOW = Slow(Sign.WAY, 200)


@pytest.fixture(autouse=True)
def nothing_seen_before() -> Iterator[None]:
    sign_ins.forget()
    yield
    sign_ins.forget()


@pytest.mark.parametrize("sign", Sign)
@pytest.mark.parametrize(
    ("slow", "quick", "is_slow"),
    [(1, 0, True), (0.51, 0.49, True), (0.49, 0.51, False), (0, 1, False)],
    ids=["all", "just over half", "just under half", "none"],
)
def test_it_is_slow_when_half_of_many_waited_too_long(sign: Sign, slow: float, quick: float, is_slow: bool):
    seen = Seen()
    for share, seconds in ((slow, LIMITS[sign] + 1), (quick, LIMITS[sign])):
        for _ in range(round(share * 100)):
            seen.saw(sign, seconds, now=1000)
    assert seen.slow(1000) == (Slow(sign, LIMITS[sign] + 1) if is_slow else None)


@pytest.mark.parametrize("sign", Sign)
def test_few_say_nothing_and_neither_does_what_was_long_ago(sign: Sign):
    seen = Seen()
    for n in range(FEWEST[sign]):
        assert seen.slow(1000) is None, n
        seen.saw(sign, LIMITS[sign] * 2, now=1000)
    assert seen.slow(1000) is not None
    assert seen.slow(1000 + WINDOW) is None


def test_one_person_counts_once_however_often_they_come():
    seen = Seen()
    for _ in range(1000):
        seen.saw(Sign.WAY, 3600, now=1000, whose=1)
    assert seen.slow(1000) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("noticed", "counts"),
    [
        (None, False),
        (FIVE_PAST, True),
        (FIVE_PAST + BEFORE - timedelta(seconds=1), True),
        (FIVE_PAST + BEFORE + timedelta(seconds=1), False),
        (FIVE_PAST - CALM + timedelta(seconds=1), True),
        (FIVE_PAST - CALM - timedelta(seconds=1), False),
    ],
    ids=["never", "then", "within ten minutes", "later", "until just before", "over"],
)
async def test_a_scan_made_while_signing_in_was_slow_counts_however_long_it_took(noticed, counts):
    room = await in_thread(Room)
    async with Gates.open(FIVE_PAST) as gates:
        phone = gates.phone()
        await phone.scan(room.opening)
        if noticed:
            await in_thread(services.sign_in_is_slow, SLOW, at=noticed)
        gates.wait(minutes=25)
        await gates.tell()
        phone.sign_in(room.alice)
        answer = await phone.tap()
        assert refusal(answer) == ("" if counts else Refusal.CLOSED)
    assert await in_thread(marks) == ([(room.alice.pk, "present")] if counts else [])


@pytest.mark.django_db(transaction=True)
async def test_the_gate_notices_by_itself_says_so_and_keeps_one_spell():
    room = await in_thread(Room)
    async with Gates.open(FIVE_PAST) as gates:
        before = await gates.phone().scan(room.opening)
        assert "slow" not in before.text
        for _ in range(FEWEST[Sign.QUEUE]):
            sign_ins.saw(Sign.QUEUE, 30, now=time.monotonic())
        await gates.tell()
        after = await gates.phone().scan(room.opening)
        assert "Signing in is slow this morning" in after.text
        await gates.tell()
    await in_thread(services.sign_in_is_slow, Slow(Sign.WAY, 170.2), at=FIVE_PAST + CALM / 2)
    spells = await in_thread(lambda: list(SlowSpell.objects.values_list("began_at", "seen_at", "sign", "seconds")))
    assert spells == [(FIVE_PAST, FIVE_PAST + CALM / 2, "queue", 170)]
    await in_thread(services.sign_in_is_slow, SLOW, at=FIVE_PAST + CALM * 2)
    assert await in_thread(SlowSpell.objects.count) == 2
    assert await in_thread(Event.objects.filter(verb="sign_in.slow").count) == 2


@pytest.mark.django_db(transaction=True)
async def test_the_whole_way_is_seen_at_the_tap_of_those_who_signed_in_after_their_scan():
    room = await in_thread(Room)
    async with Gates.open(FIVE_PAST) as gates:
        for person, signs_in_first in ((room.alice, False), (room.bob, True)):
            phone = gates.phone(person if signs_in_first else None)
            await phone.scan(room.opening)
            gates.wait(minutes=4)
            if not signs_in_first:
                phone.sign_in(person)
            await phone.tap()
    assert sign_ins.waits(Sign.WAY) == [240.0]


@pytest.mark.django_db(transaction=True)
async def test_a_worker_writes_down_what_it_noticed_without_being_asked():
    state = State()
    state.alarm(AlarmKind.CLOCK, None, "somewhere: +300 ms")
    await state.start()
    await state.stop()
    assert await in_thread(lambda: [alarm.detail for alarm in Alarm.objects.all()]) == ["somewhere: +300 ms"]
