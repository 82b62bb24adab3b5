"""The live streams: what a display and a register are told, by whom they may be heard, and what they cost."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from adsum.accounts.models import Person
from adsum.attendance.models import MarkChange
from adsum.attendance.rules import Status
from adsum.checkin import services
from adsum.checkin.codes import make_code, make_typed
from adsum.checkin.models import Epoch, Opening, Scan
from adsum.checkin.rules import Refusal
from adsum.checkin.services import add_display, begin_epoch, freeze, revoke_display, rosters_changed, stop_checkin
from adsum.core import keyring
from adsum.web.live import hub as hub_module
from adsum.web.live import streams as live_module
from adsum.web.qr import code_svg, spaced
from tests.kit.listening import SLACK, Class, House, now, signed_in, until
from tests.kit.marking import decide_held
from tests.kit.world import World, cancel_class, in_thread


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()


@pytest.fixture
def room(world: World) -> Class:
    return Class.begin(world)


@pytest.fixture
async def house(room: Class) -> AsyncIterator[House]:
    async with House.open() as house:
        yield house


# A display


async def test_a_display_gets_the_current_code_and_never_one_to_come(room: Class, house: House) -> None:
    """T-DISP-1: everything a display is sent over several intervals, byte for byte."""
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    await in_thread(Epoch.objects.update, period_ms=500, grace_ms=300)
    await in_thread(_touch, room.opening)
    await house.state.refresh()
    epoch = house.state.known.by_pk[room.opening.pk].epochs[0]
    assert epoch.period_ms == 500
    stream = await house.display(shown)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["cache-control"] == "no-store"

    def code(counter: int) -> str:
        return make_code(epoch, handle=room.opening.handle, slot=shown.display.slot, counter=counter)

    counters = []
    for _ in range(6):
        pushed = await stream.next("code")
        current = epoch.counter_at(house.state.now_ms())
        drawn = {code_svg(code(counter)): counter for counter in range(current - 2, current + 20)}
        counters.append(drawn[pushed.data["svg"]])
        assert counters[-1] <= current, "a code that is still to come"
        assert pushed.data["typed"] == spaced(make_typed(epoch, counters[-1]))
        assert 0 < pushed.data["left_ms"] <= 500
        assert pushed.data["period_ms"] == 500
        sent = stream.raw.decode()
        for coming in range(epoch.counter_at(house.state.now_ms()) + 1, current + 20):
            for form in (code(coming), spaced(make_typed(epoch, coming)), make_typed(epoch, coming)):
                assert form not in sent
    assert counters == list(range(counters[0], counters[0] + 6)), "one code for each interval"
    sent = stream.raw.decode()
    for secret in (epoch.key, epoch.typed_key, *keyring.masters().values()):
        assert secret.hex() not in sent
    names = {name for event in stream.events for name in event.data}
    assert names == {
        "svg",
        "typed",
        "address",
        "left_ms",
        "period_ms",
        "grace_ms",
        "here",
        "expected",
        "phase",
        "note",
        "ends_in_ms",
    }


def _touch(opening: Opening) -> None:
    with transaction.atomic():
        services._touch(opening)


async def test_a_display_needs_its_own_credential(room: Class, house: House) -> None:
    """T-DISP-2 and T-DISP-3: the address alone is useless."""
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    other = await in_thread(_other_display, room.world)
    await house.state.refresh()
    for credential in ("", "guessed", other.credential, shown.credential[:-1]):
        stream = await house.display(shown, credential)
        assert stream.status == 403
        assert stream.events == []
    lecturers = await in_thread(signed_in, room.lecturer)
    assert (await house.listen(f"/live/display/{shown.display.ref}", lecturers)).status == 403
    assert (await house.listen(f"/live/display/{uuid4()}", {})).status == 403
    assert (await house.display(shown)).status == 200


def _other_display(world: World) -> Any:
    other = Class.begin(world)
    return add_display(other.opening, by=other.lecturer, at=now())


async def test_a_revoked_display_ends_within_a_second_and_the_other_goes_on(room: Class, house: House) -> None:
    first, second = [await in_thread(add_display, room.opening, by=room.lecturer, at=now()) for _ in range(2)]
    await house.state.refresh()
    streams = [await house.display(one) for one in (first, second)]
    codes = [(await stream.next("code")).data for stream in streams]
    assert codes[0]["svg"] != codes[1]["svg"], "each screen has a slot of its own"
    assert codes[0]["typed"] == codes[1]["typed"]
    await in_thread(revoke_display, first.display, by=room.lecturer, at=now())
    revoked = asyncio.get_running_loop().time()
    assert (await streams[0].next()).name == "end"
    assert await streams[0].ended() - revoked < 1 + SLACK
    assert (await house.display(first)).status == 403
    await in_thread(room.scan, room.students[0])
    assert (await streams[1].next("count")).data == {"here": 1, "expected": 3}
    assert streams[1].open


async def test_both_displays_of_a_class_count(room: Class, house: House) -> None:
    shown = [await in_thread(add_display, room.opening, by=room.lecturer, at=now()) for _ in range(2)]
    await house.state.refresh()
    streams = [await house.display(one) for one in shown]
    for stream in streams:
        assert (await stream.next("code")).data["here"] == 0
    await in_thread(room.scan, *room.students[:2])
    for stream in streams:
        assert (await stream.next("count")).data["here"] == 2


async def test_a_display_shows_a_new_code_when_the_old_ones_die(room: Class, house: House) -> None:
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    await house.state.refresh()
    stream = await house.display(shown)
    first = await stream.next("code")
    await in_thread(begin_epoch, room.opening, by=room.lecturer, at=now(), pace="brisk", kill=True)
    second = await stream.next("code")
    assert second.data["svg"] != first.data["svg"]
    assert second.data["period_ms"] == 20_000
    await in_thread(freeze, by=room.lecturer.actor, at=now(), reason="drill")
    assert (await stream.next("code", phase="paused")).data["note"] == "Check-in is paused for the whole university."


async def test_a_display_ends_with_its_class(room: Class, house: House) -> None:
    shown = [await in_thread(add_display, room.opening, by=room.lecturer, at=now()) for _ in range(2)]
    await house.state.refresh()
    stream = await house.display(shown[0])
    await stream.next("code")
    await in_thread(stop_checkin, room.opening, by=room.lecturer, at=now())
    assert (await stream.next("end")).data["title"] == "Check-in has closed"
    await stream.ended()
    other = await in_thread(Class.begin, room.world)
    screen = await in_thread(add_display, other.opening, by=other.lecturer, at=now())
    await house.state.refresh()
    stream = await house.display(screen)
    await stream.next("code")
    await in_thread(_cancel, other)
    await stream.next("end")
    await stream.ended()


def _cancel(one: Class) -> None:
    with transaction.atomic():
        cancel_class(one.session, at=now(), actor=one.lecturer.actor)
        rosters_changed()


async def test_the_current_code_once_for_a_display_without_a_stream(room: Class, house: House) -> None:
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    await house.state.refresh()
    streamed = await (await house.display(shown)).next("code")
    path = f"/live/display/{shown.display.ref}/now"
    polled = await house.listen(path, {live_module.display_cookie(shown.display.ref): shown.credential})
    await polled.ended()
    assert polled.status == 200
    assert streamed.data["svg"].encode().replace(b'"', b'\\"') in polled.raw
    assert (await house.listen(path, {})).status == 403


# A register: what


async def test_a_mark_arrives_within_a_second_of_its_commit(room: Class, house: House) -> None:
    stream = await house.register(room.session.ref, room.lecturer)
    counts = (await stream.next("counts")).data
    assert counts == {"present": 0, "late": 0, "absent": 0, "expected": 3, "held": 0}
    for student in room.students:
        await in_thread(room.scan, student, late=student == room.students[2], minutes_late=16)
        committed = asyncio.get_running_loop().time()
        pushed = await stream.next("mark", student=str(student.ref))
        assert pushed.at - committed < 1 + SLACK
    last = stream.events[stream.read - 1].data
    assert (last["status"], last["label"], last["minutes_late"]) == ("late", "Late", 16)
    assert (await stream.next("counts")).data == {"present": 3, "late": 1, "absent": 0, "expected": 0, "held": 0}
    await in_thread(room.mark, room.students[0], Status.ABSENT)
    assert (await stream.next("mark")).data["status"] == "absent_unauthorised"
    assert (await stream.next("counts")).data == {"present": 2, "late": 1, "absent": 1, "expected": 0, "held": 0}
    await house.quiet()
    assert len([event for event in stream.events if event.name == "mark"]) == 4, "each once"


async def test_only_the_marks_of_that_class_arrive(room: Class, house: House) -> None:
    other = await in_thread(Class.begin, room.world)
    streams = [await house.register(one.session.ref, one.lecturer) for one in (room, other)]
    await in_thread(room.scan, room.students[0])
    await in_thread(other.scan, other.students[0])
    for stream, one in zip(streams, (room, other), strict=True):
        await stream.next("mark")
        await house.quiet()
        assert [event.data["student"] for event in stream.events if event.name == "mark"] == [str(one.students[0].ref)]


async def test_a_stream_goes_on_where_it_was(room: Class, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Last-Event-ID: all that was missed, and of what was already told only the last moments again."""
    monkeypatch.setattr(hub_module, "LAG_SECONDS", 0.5)
    monkeypatch.setattr(hub_module, "OVERLAP", 0)
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.2)
    ann, bob, cat = room.students
    await in_thread(room.scan, ann)
    first = await house.register(room.session.ref, room.lecturer)
    assert (await first.next("mark")).data["student"] == str(ann.ref)
    await in_thread(room.scan, bob)
    await first.next("mark", student=str(bob.ref))
    newest = await in_thread(lambda: MarkChange.objects.latest("pk").pk)
    await until(lambda: first.events[-1].name == "beat" and int(first.events[-1].id) >= newest)
    position = first.events[-1].id
    await first.close()
    await in_thread(room.scan, cat)
    again = await house.register(room.session.ref, room.lecturer, last_event_id=position)
    await again.next("counts", present=3)
    assert [event.data["student"] for event in again.events if event.name == "mark"] == [str(cat.ref)]
    fresh = await house.register(room.session.ref, room.lecturer)
    await fresh.next("counts", present=3)
    assert {event.data["student"] for event in fresh.events if event.name == "mark"} == {str(one.ref) for one in room.students}


@pytest.mark.parametrize("position", ["-1", "x", "9" * 40, "²"])
async def test_a_position_that_is_none_of_ours_means_the_beginning(room: Class, house: House, position: str) -> None:
    await in_thread(room.scan, room.students[0])
    stream = await house.register(room.session.ref, room.lecturer, last_event_id=position)
    assert (await stream.next("mark")).data["student"] == str(room.students[0].ref)


@pytest.mark.postgresql
async def test_what_is_committed_late_is_not_missed(room: Class, house: House) -> None:
    """A row may get its number before another and be committed after it: while a stream is open, and between two."""
    ann, bob, _cat = room.students
    stream = await house.register(room.session.ref, room.lecturer)
    await stream.next("counts")
    with _slow(room, ann) as commit:
        await in_thread(room.scan, bob)
        told = await stream.next("mark")
        assert told.data["student"] == str(bob.ref)
        await house.quiet()
        numbers = await in_thread(lambda: dict(MarkChange.objects.values_list("student", "pk")))
        await stream.close()
        again = await house.register(room.session.ref, room.lecturer, last_event_id=told.id)
        await again.next("counts")
        await in_thread(commit)
        assert (await again.next("mark", student=str(ann.ref))).data["status"] == "present"
    late = await in_thread(MarkChange.objects.get, student=ann)
    assert late.pk < numbers[bob.pk]
    between = await house.register(room.session.ref, room.lecturer, last_event_id=told.id)
    await between.next("mark", student=str(ann.ref))


@contextmanager
def _slow(room: Class, student: Person) -> Any:
    """A check-in that is written and not yet committed; call what this yields to commit it."""
    written, go = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                room.scan(student)
                written.set()
                go.wait(30)
        finally:
            connection.close()

    def commit() -> None:
        go.set()
        thread.join(30)

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(30)
    try:
        yield commit
    finally:
        commit()


async def test_held_scans_and_their_decisions_arrive(room: Class, house: House) -> None:
    guest, early = await in_thread(lambda: (room.world.student("Gus Guest"), room.world.student("Eve Early")))
    await in_thread(room.scan, early, verdict=Refusal.NOT_EXPECTED)
    stream = await house.register(room.session.ref, room.lecturer)
    assert (await stream.next("held")).data["name"] == "Eve Early", "those that wait already"
    assert (await stream.next("counts")).data["held"] == 1
    await in_thread(room.scan, guest, verdict=Refusal.NOT_EXPECTED)
    held = (await stream.next("held")).data
    scan = await in_thread(Scan.objects.select_related("session", "opening", "student").get, student=guest)
    assert (held["id"], held["student"], held["name"]) == (str(scan.ref), str(guest.ref), "Gus Guest")
    assert held["url"] == f"/held/{scan.ref}/"
    assert (await stream.next("counts")).data["held"] == 2
    await in_thread(decide_held, scan, accept=True, by=room.lecturer, at=now())
    assert (await stream.next("mark", student=str(guest.ref))).data["status"] == "attended_other_group"
    await stream.next("held", id=str(scan.ref), url="")
    assert (await stream.next("counts", held=1)).data["present"] == 1
    again = await house.register(room.session.ref, room.lecturer, last_event_id=stream.events[-1].id)
    await again.next("counts")
    known = {event.data["name"]: bool(event.data["url"]) for event in again.events if event.name == "held"}
    assert known == {"Eve Early": True, "Gus Guest": False}, "a page that was away takes the decided one from its list"


async def test_relief_shows_on_an_open_register_and_goes(room: Class, house: House) -> None:
    stream = await house.register(room.session.ref, room.lecturer)
    await stream.next("counts")
    await in_thread(Opening.objects.update, relieved_at=now())
    await in_thread(_touch, room.opening)
    assert "30 seconds" in (await stream.next("relief")).data["text"]
    await in_thread(begin_epoch, room.opening, by=room.lecturer, at=now(), pace="standard", kill=True)
    assert (await stream.next("relief")).data["text"] == ""


async def test_who_is_expected_changes_while_a_class_is_watched(room: Class, house: House) -> None:
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    await house.state.refresh()
    register, display = await house.register(room.session.ref, room.lecturer), await house.display(shown)
    assert (await register.next("counts")).data["expected"] == 3
    assert (await display.next("code")).data["expected"] == 3

    def join() -> None:
        with transaction.atomic():
            room.world.student(groups=[room.group])
            rosters_changed()

    await in_thread(join)
    assert (await register.next("counts")).data["expected"] == 4
    assert (await display.next("count")).data["expected"] == 4


# What every stream does


async def test_a_quiet_stream_says_that_it_is_alive_and_ends_after_its_life(
    room: Class, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.3)
    monkeypatch.setattr(live_module, "LIFE_SECONDS", 2.5)
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    await house.state.refresh()
    began = asyncio.get_running_loop().time()
    streams = [await house.display(shown), await house.register(room.session.ref, room.lecturer)]
    for stream in streams:
        await stream.next("beat")
        await stream.next("beat")
    for stream in streams:
        assert 2.5 <= await stream.ended() - began < 2.5 + 1 + SLACK
    assert house.live.hub.boards == {}


async def test_all_end_when_the_server_stops(room: Class, house: House) -> None:
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    await house.state.refresh()
    streams = [await house.display(shown), await house.register(room.session.ref, room.lecturer)]
    for stream in streams:
        await stream.next()
    house.live.end()
    told = asyncio.get_running_loop().time()
    for stream in [*streams, await house.register(room.session.ref, room.lecturer)]:
        assert await stream.ended() - told < SLACK


async def test_nothing_is_kept_for_a_browser_that_went_away(room: Class, house: House) -> None:
    stream = await house.register(room.session.ref, room.lecturer)
    await stream.next("counts")
    assert list(house.live.hub.boards) == [room.session.pk]
    await stream.close()
    assert house.live.hub.boards == {}
