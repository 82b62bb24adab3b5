"""Lanes: how many compute at once, who goes first, and who is asked to come again."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import httpx
import pytest
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse

from adsum.core.turns import while_waiting
from adsum.web.lanes import LATEST, PATHS, PLANS, SOONEST, Lane, Pages, Plan

PATIENCE = 20


def _wait_until(is_so: Callable[[], bool]) -> None:
    over = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < over
        time.sleep(0.01)


@contextmanager
def lane(**plan) -> Iterator[Lane]:
    made = Lane("test", Plan(**plan))
    try:
        yield made
    finally:
        made.close()


class Count:
    """How many are inside at once, at most."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    @contextmanager
    def inside(self) -> Iterator[None]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        yield
        with self._lock:
            self.now -= 1


async def test_a_lane_has_so_many_threads_and_no_more():
    threads, together = Count(), threading.Barrier(3)

    def job() -> str:
        with threads.inside():
            together.wait(PATIENCE)
            return threading.current_thread().name

    with lane(threads=3) as three:
        assert await asyncio.gather(*(three(job) for _ in range(9))) == ["test"] * 9
    assert threads.most == 3


async def test_few_compute_at_once_but_many_may_wait_for_another_machine():
    computing, waiting, everybody = Count(), Count(), threading.Barrier(4)

    def job() -> None:
        with computing.inside():
            pass
        with while_waiting(), waiting.inside():
            everybody.wait(PATIENCE)
        with computing.inside():
            pass

    with lane(threads=4, at_work=1) as four:
        await asyncio.gather(*(four(job) for _ in range(8)))
    assert (computing.most, waiting.most) == (1, 4)


async def test_who_came_first_goes_on_first():
    order: list[int] = []
    began, go_on = threading.Event(), threading.Event()

    def first() -> None:
        began.set()
        go_on.wait(PATIENCE)

    def noted(n: int) -> None:
        order.append(n)

    with lane(threads=12, at_work=1) as narrow:
        jobs = [asyncio.create_task(narrow(first))]
        await asyncio.to_thread(began.wait, PATIENCE)
        jobs += [asyncio.create_task(narrow(noted, n)) for n in range(30)]
        await asyncio.sleep(0)  # each has asked
        go_on.set()
        await asyncio.gather(*jobs)
    assert order == list(range(30))


async def test_the_urgent_go_first_and_the_rest_have_a_turn_now_and_then():
    order: list[str] = []
    began, go_on = threading.Event(), threading.Event()

    def first() -> None:
        began.set()
        go_on.wait(PATIENCE)

    with lane(threads=50, at_work=1) as urgent:
        rest = Lane("rest", Plan(threads=50, after="test"), turns=urgent.turns)
        jobs = [asyncio.create_task(urgent(first))]
        await asyncio.to_thread(began.wait, PATIENCE)
        jobs += [asyncio.create_task(some(order.append, some.name)) for some in [rest] * 3 + [urgent] * 41]
        await asyncio.to_thread(_wait_until, lambda: urgent.turns.waiting == 44)
        go_on.set()
        await asyncio.gather(*jobs)
        rest.close()
    nineteen = ["test"] * 19
    assert order == [*nineteen, "rest", *nineteen, "rest", "test", "test", "test", "rest"]


@pytest.mark.postgresql  # SQLite has nothing that can go away
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keeps", [True, False])
async def test_a_lane_keeps_its_connection_and_gets_another_when_it_broke(keeps: bool):
    def ask() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        return id(connection.connection)

    def break_it() -> None:
        connection.connection.close()
        with pytest.raises(Error), connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def is_open() -> bool:
        return connection.connection is not None

    with lane(threads=1, keeps=keeps) as one:
        await one(ask)
        assert await one(is_open) is keeps
        if keeps:
            await one(break_it)
        await one(ask)


class Door:
    """A handler whose pages are made when the test says so."""

    def __init__(self) -> None:
        self.opens = threading.Event()
        self.pages = Pages()
        self.pages.lanes["signing-in"] = Lane("signing-in", Plan(threads=2, most=2))
        self.came = threading.Semaphore(0)
        self.pages.get_response = self._made  # type: ignore[method-assign]

    def _made(self, request: HttpRequest) -> HttpResponse:
        self.came.release()
        self.opens.wait(PATIENCE)
        return HttpResponse(threading.current_thread().name)

    async def knock(self, path: str, method: str = "GET") -> httpx.Response:
        transport = httpx.ASGITransport(app=self.pages)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    yield door
    door.opens.set()
    door.pages.close()


async def test_when_many_sign_in_newcomers_are_asked_to_come_again_and_others_do_not_wait(door: Door):
    held = [asyncio.create_task(door.knock("/sign-in/")) for _ in range(2)]
    for _ in held:
        await asyncio.to_thread(door.came.acquire, timeout=PATIENCE)
    turned_away = await door.knock("/oidc/uni/login/")
    assert turned_away.status_code == 503
    assert int(turned_away.headers["Retry-After"]) > 0
    assert "Your scan is safe" in turned_away.text
    assert "content-security-policy" in turned_away.headers
    on_their_way = [
        asyncio.create_task(door.knock(path, method))
        for path, method in (("/oidc/uni/login/callback/?code=1", "GET"), ("/saml/uni/acs/", "POST"), ("/sign-in/", "POST"))
    ]
    others = [asyncio.create_task(door.knock(path)) for path in ("/today/", "/teaching/", "/sign-in/password/")]
    for _ in others:
        await asyncio.to_thread(door.came.acquire, timeout=PATIENCE)
    door.opens.set()
    answers = [await one for one in (*held, *on_their_way, *others)]
    assert [one.text for one in answers] == ["signing-in"] * 5 + ["students", "pages", "passwords"]


async def test_when_many_open_their_day_newcomers_hear_that_a_receipt_is_enough(door: Door):
    door.pages.lanes["students"] = Lane("students", Plan(threads=1, most=1))
    held = asyncio.create_task(door.knock("/today/"))
    await asyncio.to_thread(door.came.acquire, timeout=PATIENCE)
    turned_away = await door.knock("/today/")
    assert (turned_away.status_code, "you are checked in" in turned_away.text) == (503, True)
    assert "scan is safe" not in turned_away.text
    door.opens.set()
    await held


async def test_those_who_come_again_come_one_after_the_other_as_fast_as_pages_are_made():
    with lane(threads=1, most=10) as one:
        assert one.appointment(100.0) == SOONEST, "nothing is known of its pace yet"
        await asyncio.gather(*(one(time.sleep, 0.05) for _ in range(40)))
        first, *others = [one.appointment(200.0) for _ in range(20)]
        apart = [b - a for a, b in pairwise([first, *others])]
        assert all(0.03 < seconds < 0.5 for seconds in apart), apart
        assert max(one.appointment(200.0) for _ in range(5_000)) == LATEST
        assert one.appointment(900.0) < SOONEST + 0.5, "later nobody waits any more"


def test_every_lane_named_by_a_path_exists_and_signing_in_computes_with_few():
    assert {name for _, name in PATHS} < set(PLANS)
    assert 0 < PLANS["signing-in"].at_work < PLANS["signing-in"].threads
