"""T-WEB-8: bodies of requests that are too large, announce nonsense, or never come."""

import asyncio
from typing import Any

import pytest

from adsum.web import bodies
from adsum.web.bodies import MOST_BYTES, Bounded


async def send_body(*parts: bytes, declared: str | None = None) -> tuple[int, int]:
    """What an application behind Bounded heard (bytes), and the status it answered; 0 when it was cut off."""
    heard = 0
    status: list[int] = []
    coming = iter(parts)

    async def inner(_scope: Any, receive: Any, send: Any) -> None:
        nonlocal heard
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            heard += len(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return

    async def receive() -> Any:
        part = next(coming, None)
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    headers = [(b"content-length", declared.encode())] if declared is not None else []
    await Bounded(inner)({"type": "http", "headers": headers}, receive, send)
    return heard, status[0] if status else 0


async def test_a_body_is_heard_up_to_its_limit():
    part = bytes(1024 * 1024)
    most = MOST_BYTES // len(part)
    assert await send_body(*[part] * most) == (MOST_BYTES, 200)
    assert await send_body(*[part] * (most + 1)) == (MOST_BYTES, 0), "cut off"
    assert await send_body(part, declared=str(MOST_BYTES)) == (len(part), 200)


@pytest.mark.parametrize(
    ("declared", "status"), [(str(MOST_BYTES + 1), 413), ("9" * 30, 413), ("9" * 5000, 413), ("-1", 400), ("x", 400), ("", 400)]
)
async def test_a_body_that_announces_too_much_is_not_heard(declared: str, status: int):
    assert await send_body(b"x", declared=declared) == (0, status)


@pytest.mark.parametrize(
    ("sent", "answers", "status"),
    [
        (0, True, 408),  # nothing comes
        (1, True, 408),  # the beginning comes
        (0, False, 408),  # the page would say nothing
        (3, True, 200),  # all of it, and the page takes longer than the body might
    ],
)
async def test_a_body_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, sent: int, answers: bool, status: int
):
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)
    statuses: list[int] = []
    heard = 0

    async def inner(_scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect" and message["more_body"]:
            pass
        if message["type"] == "http.disconnect":
            assert (await receive())["type"] == "http.disconnect", "asked again, it is still gone"
        else:
            with pytest.raises(TimeoutError):  # a page may listen for the browser going away as long as it likes
                await asyncio.wait_for(receive(), 0.5)
        if answers:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        nonlocal heard
        if heard == sent:
            await asyncio.Event().wait()
        heard += 1
        return {"type": "http.request", "body": b"x", "more_body": heard < 3}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await Bounded(inner)({"type": "http", "headers": [(b"content-length", b"3")]}, receive, send)
    assert statuses == [status]


async def test_a_long_body_has_the_time_it_needs(monkeypatch: pytest.MonkeyPatch):
    """A second more for each 32 KB: a slow line brings a large file, one that trickles does not keep its place for ever."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(bodies, "BYTES_A_SECOND", 1_000)
    for pace, arrives in ((400, True), (10, False)):  # bytes every fifth of a second: 2,000 and 50 a second
        got, slow = await heard_at(pace)
        assert (got == 10 * pace, not slow) == (arrives, arrives)


async def heard_at(pace: int) -> tuple[int, bool]:
    """Ten parts of so many bytes, one every 0.2 s: how many were heard, and whether it was sent away."""
    parts, statuses, got = iter(range(10)), list[int](), 0

    async def inner(_scope: Any, receive: Any, _send: Any) -> None:
        nonlocal got
        while (message := await receive())["type"] == "http.request":
            got += len(message["body"])
            if not message["more_body"]:
                return

    async def receive() -> Any:
        await asyncio.sleep(0.2)
        return {"type": "http.request", "body": bytes(pace), "more_body": next(parts) < 9}

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    await Bounded(inner)({"type": "http", "headers": []}, receive, send)
    return got, 408 in statuses
