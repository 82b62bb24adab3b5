"""Who hears a register: those who may open it, as long as they may, and strangers at the door cost nobody else anything."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from adsum.accounts.models import Person, RoleGrant
from adsum.checkin.services import add_display
from adsum.timetable.models import Teaching
from adsum.web.live import streams as live_module
from tests.kit.listening import SLACK, Class, House, now, signed_in, until
from tests.kit.world import World, in_thread


@pytest.fixture
def room(transactional_db: None) -> Class:
    return Class.begin(World())


@pytest.fixture
async def house(room: Class) -> AsyncIterator[House]:
    async with House.open() as house:
        yield house


async def test_a_register_is_open_to_those_who_may_open_it(room: Class, house: House) -> None:
    """T-DISP-2, for the register."""
    outsider = await in_thread(room.world.lecturer)
    for person in (None, room.students[0], outsider):
        stream = await house.register(room.session.ref, person)
        assert stream.status == 403
        assert stream.events == []
    assert (await house.register(uuid4(), room.lecturer)).status == 403
    assert (await house.listen(f"/live/register/{room.session.ref}", {"adsum_session": "guessed"})).status == 403
    assert (await house.register(room.session.ref, room.lecturer)).status == 200


@pytest.mark.parametrize("how", ["role", "class", "sign-in", "account"])
async def test_who_may_no_longer_see_it_is_cut_off_at_the_next_check(
    room: Class, house: House, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(live_module, "CHECK_SECONDS", 0.4)
    asked = counted(monkeypatch, "_visitor")
    stream = await house.register(room.session.ref, room.lecturer)
    await stream.next("counts")
    await until(lambda: len(asked) > 1)  # at the door, and again
    assert stream.open
    await in_thread(_remove, room, how)
    removed = asyncio.get_running_loop().time()
    # A stream that nothing is sent on looks about itself once a second.
    assert await stream.ended() - removed < 0.4 + 1 + SLACK
    await in_thread(room.scan, room.students[0])
    assert [event.name for event in stream.events] == ["counts"]


@pytest.mark.parametrize("how", ["role", "class", "account"])
async def test_a_screen_ends_with_whoever_opened_it(
    room: Class, house: House, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """T-DISP-2, for a screen: it needs no sign-in, but somebody who may still show this class."""
    monkeypatch.setattr(live_module, "CHECK_SECONDS", 0.4)
    shown = await in_thread(add_display, room.opening, by=room.lecturer, at=now())
    await house.state.refresh()
    asked = counted(monkeypatch, "may_run")
    stream = await house.display(shown)
    await stream.next("code")
    await until(lambda: len(asked) > 1)
    assert stream.open
    await in_thread(_remove, room, how)
    removed = asyncio.get_running_loop().time()
    await stream.next("end")
    assert await stream.ended() - removed < 0.4 + live_module.GLANCE_SECONDS + SLACK
    assert (await house.display(shown)).status == 403
    polled = {live_module.display_cookie(shown.display.ref): shown.credential}
    assert (await house.listen(f"/live/display/{shown.display.ref}/now", polled)).status == 403


@pytest.mark.parametrize(("name", "seconds"), [("signed_in_at", 12 * 3600), ("seen_at", 30 * 60)])
async def test_a_stream_does_not_outlive_the_sign_in_it_was_opened_with(
    room: Class, house: House, monkeypatch: pytest.MonkeyPatch, name: str, seconds: int
) -> None:
    """Listening is no sign of life: half an hour after the last page a register that nobody looks at tells nothing more."""
    monkeypatch.setattr(live_module, "CHECK_SECONDS", 0.4)
    cookies = await in_thread(signed_in, room.lecturer)
    await in_thread(_age, cookies, name, seconds - 60)
    address = f"/live/register/{room.session.ref}"
    asked = counted(monkeypatch, "_visitor")
    stream = await house.listen(address, cookies)
    await stream.next("counts")
    await until(lambda: len(asked) > 1)
    assert stream.open
    await in_thread(_age, cookies, name, seconds)
    await stream.ended()
    assert (await house.listen(address, cookies)).status == 403


def _age(cookies: dict[str, str], name: str, seconds: int) -> None:
    """Let this moment of the sign-in be so long ago."""
    (key,) = cookies.values()
    session = SessionStore(key)
    at = now().timestamp()
    session.update({"signed_in_at": at, "seen_at": at, name: at - seconds})
    session.save()


async def test_strangers_at_the_door_keep_nobody_waiting_who_listens(
    room: Class, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await house.register(room.session.ref, room.lecturer)
    await stream.next("counts")
    address, asked, go = f"/live/register/{room.session.ref}", [], threading.Event()
    monkeypatch.setattr(live_module, "MOST_WAITING", 3)

    def slow(*args: Any) -> None:
        asked.append(args)
        go.wait(30)

    monkeypatch.setattr(live_module, "_visitor", slow)
    for key in ("", "guessed", "A" * 32, "a" * 4000):
        assert (await house.listen(address, {"adsum_session": key})).status == 403
    assert asked == [], "what cannot be a key is not looked for"
    crowd = [asyncio.create_task(house.listen(address, {"adsum_session": f"{number:032}"})) for number in range(3)]
    await until(lambda: house.live._waiting == len(crowd))
    turned_away = await house.listen(address, {"adsum_session": "a" * 32})
    assert (turned_away.status, turned_away.headers["retry-after"]) == (503, "5")
    await in_thread(room.scan, room.students[0])
    await stream.next("mark")
    go.set()
    assert {(await one).status for one in crowd} == {403}


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """Every call of this question of the streams, which is answered as before."""
    ask, calls = getattr(live_module, name), list[Any]()

    def asked(*args: Any) -> Any:
        calls.append(args)
        return ask(*args)

    monkeypatch.setattr(live_module, name, asked)
    return calls


def _remove(room: Class, how: str) -> None:
    if how == "role":
        RoleGrant.objects.filter(person=room.lecturer).delete()
    elif how == "class":
        Teaching.objects.filter(person=room.lecturer).delete()
    elif how == "sign-in":
        Session.objects.all().delete()
    else:
        Person.objects.filter(pk=room.lecturer.pk).update(is_active=False)
