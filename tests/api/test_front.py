"""What is given again for a moment, before Django: to the same token alone, counted as any call, and not after a change."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

import httpx
import pytest
from starlette.types import ASGIApp

from adsum.accounts.application_tables import ApplicationCalls
from adsum.api import callers, calls
from adsum.api.front import KEPT_FOR, Front
from adsum.api.problems import Problem
from adsum.web.lanes import Pages
from tests.kit.api import Tool, tool
from tests.kit.world import World, in_thread


class Made(NamedTuple):
    path: str
    one: Tool
    other: Tool


def make() -> Made:
    world = World()
    session = world.session(world.group(students=2), starts_at=datetime.now(UTC) - timedelta(minutes=5))
    return Made(f"/api/v1/classes/{session.ref}/register", tool(world), tool(world))


def counted(one: Tool) -> dict[tuple[str, int], int]:
    calls.counts.flush()
    rows = ApplicationCalls.objects.filter(application=one.application)
    found: dict[tuple[str, int], int] = {}
    for row in rows:
        found[row.operation, row.status] = found.get((row.operation, row.status), 0) + row.count
    return found


def _often(*_: Any) -> dict[str, str]:
    raise Problem(429, "too_many_calls", "Wait.", headers={"Retry-After": "1"})


def test_a_token_that_is_ended_is_refused_within_a_second():
    assert callers.KNOWN_FOR + KEPT_FOR < 1


@pytest.mark.django_db(transaction=True)
async def test_the_same_call_is_answered_from_memory(monkeypatch: pytest.MonkeyPatch):
    made = await in_thread(make)
    monkeypatch.setattr("adsum.api.front.KEPT_FOR", 60.0)
    monkeypatch.setattr(calls.counts, "gathers", True)  # as in a server
    monkeypatch.setattr(calls, "EVERY", 3_600.0)
    pages = Pages()
    front = Front(cast("ASGIApp", pages))
    own, others = ({"Authorization": f"Bearer {each.secret}"} for each in (made.one, made.other))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=cast("Any", front)), base_url="http://localhost") as client:
        first, again = [await client.get(made.path, headers=own) for _ in range(2)]
        assert (again.status_code, again.content, again.headers["ETag"]) == (200, first.content, first.headers["ETag"])
        assert len(front.kept) == 1
        assert len(again.headers.get_list("RateLimit")) == 1
        assert await in_thread(counted, made.one) == {("api_register", 200): 2}
        known = own | {"If-None-Match": first.headers["ETag"]}
        assert [(await client.get(made.path, headers=known)).status_code for _ in range(2)] == [304, 304]
        assert (await client.get(made.path, headers=others)).status_code == 200
        assert await in_thread(counted, made.other) == {("api_register", 200): 1}
        assert (await client.get(made.path)).status_code == 401
        assert len(front.kept) == 3  # what is refused is not kept
        await client.post(made.path, headers=own)  # 405: nothing changed
        assert len(front.kept) == 3
        monkeypatch.setattr("adsum.api.front.limits.count", _often)
        often = await client.get(made.path, headers=own)
        assert often.status_code == 429
        assert (often.headers["Cache-Control"], often.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    await in_thread(pages.close)
    calls.counts.forget()


@pytest.mark.parametrize(("status", "left"), [(200, 0), (409, 1)])
async def test_only_a_change_forgets_and_does_so_before_it_is_answered(status: int, left: int):
    seen: list[int] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(_message: Any) -> None:
        seen.append(len(front.kept))

    front = Front(cast("ASGIApp", app))
    front.kept[("x", b"", ())] = cast("Any", None)
    await front({"type": "http", "path": "/api/v1/classes/x/marks", "method": "POST"}, cast("Any", None), send)
    assert seen == [left, left]
