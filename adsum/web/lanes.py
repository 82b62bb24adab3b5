"""Lanes: the threads that make pages, a few for each kind, so that a crowd of one kind does not keep the others waiting.

Without them every request has a thread of its own, and when a thousand people sign in at nine, a thousand threads share one
interpreter with the gate and with the lecturers' registers. Threads of a lane stay, and with them their connections to the
database: opening one costs more than many a page (docs/adr/0037).
"""

import asyncio
import contextvars
import json
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from adsum.checkin.gate.http import HEADERS
from adsum.checkin.slowness import Sign, sign_ins
from adsum.core.turns import Turns, taking_turns

P = ParamSpec("P")
R = TypeVar("R")
LOOK_AGAIN = 1.0
"""Seconds after which a connection that was not used is tried before it is used again: the database may have been away."""
CLOSING = 10.0
"""Seconds that a lane waits for its threads at the end."""


SOONEST, LATEST = 4.0, 120.0
"""Seconds within which those come again for whom there was no room."""
LOOKED_BACK = 20
"""Over so many pages it is reckoned how long one takes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much room a lane has."""

    threads: int
    at_work: int = 0
    """How many of its threads may compute at once; the others wait for another machine. 0: all."""
    most: int = 0
    """When so many are in it, those who wait included, newcomers are asked to come again in a moment; 0: never."""
    keeps: bool = True
    """Whether its threads keep their connections to the database."""
    after: str = ""
    """The lane with which it shares its turns to compute, and which goes first."""


class Lane:
    """Some threads, made when they are first needed, and the queue before them."""

    def __init__(
        self, name: str, plan: Plan, waited: Callable[[float], None] | None = None, turns: Turns | None = None
    ) -> None:
        self.name, self.plan = name, plan
        self._waited = waited
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.turns = turns or Turns(plan.at_work or plan.threads)
        self._inside = 0
        self._takes, self._appointed = 0.0, 0.0

    def is_full(self, *, for_newcomers: bool) -> bool:
        """Whether one more would wait for too long. Those who are on their way have three times the room of newcomers."""
        return 0 < self.plan.most * (1 if for_newcomers else 3) <= self._inside

    def appointment(self, now: float) -> float:
        """In how many seconds one more for whom there is no room should come again: one after the other, as fast as pages are
        made. Were they all to come every few seconds, asking would leave no time to make the pages that they ask for."""
        pace = self._takes / (self.plan.at_work or self.plan.threads)
        self._appointed = max(self._appointed, now + SOONEST) + pace
        return min(self._appointed - now, LATEST)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns or raises, called by one of the lane's threads."""
        self._inside += 1
        try:
            future: Future[R] = Future()
            work = partial(self._work, future, partial(function, *args, **kwargs), time.monotonic())
            self._jobs.put(partial(contextvars.copy_context().run, work))
            if len(self._threads) < min(self._inside, self.plan.threads):
                self._threads.append(threading.Thread(target=self._run, name=self.name, daemon=True))
                self._threads[-1].start()
            return await asyncio.wrap_future(future)
        finally:
            self._inside -= 1

    def close(self) -> None:
        """End the threads and give their connections back."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(CLOSING)
        self._threads.clear()

    def _run(self) -> None:
        used = time.monotonic()
        while (job := self._jobs.get()) is not None:
            if connection.errors_occurred or time.monotonic() - used > LOOK_AGAIN:
                _close_unless_usable()
            job()
            used = time.monotonic()
            if not self.plan.keeps:
                connection.close()
        connection.close()

    def _work(self, future: "Future[R]", call: Callable[[], R], asked: float) -> None:
        if not future.set_running_or_notify_cancel():
            return  # the browser has gone
        with taking_turns(self.turns, urgent=not self.plan.after):
            began = time.monotonic()
            if self._waited is not None:
                self._waited(began - asked)
            try:
                future.set_result(call())
            except BaseException as failure:  # noqa: BLE001 - whatever it is, it belongs to who asked
                future.set_exception(failure)
            self._takes += (time.monotonic() - began - self._takes) / LOOKED_BACK


def _close_unless_usable() -> None:
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    connection.errors_occurred = False


PLANS = {
    "signing-in": Plan(threads=12, at_work=2, most=600),
    "passwords": Plan(threads=40, keeps=False),  # they wait for the one that hashes (docs/adr/0032)
    "students": Plan(threads=2, most=40, after="signing-in"),
    "applications": Plan(threads=4, most=200, after="signing-in"),
    "pages": Plan(threads=10),
}
PATHS = (
    ("/sign-in/password/", "passwords"),
    ("/sign-in/", "signing-in"),
    ("/oidc/", "signing-in"),
    ("/saml/", "signing-in"),
    ("/today/", "students"),
    ("/record/", "students"),
    ("/api/", "applications"),
)
"""The beginning of an address, and its lane; the first that fits counts. What is not named here is one of the pages."""
COMING_BACK = ("/callback/", "/acs/", "/finish/")
"""The ends of addresses to which a provider sends people back. They have waited already, and their answer is good once."""


def _queued(seconds: float) -> None:
    sign_ins.saw(Sign.QUEUE, seconds, now=time.monotonic())


class Pages(ASGIHandler):
    """Django's pages, each made by a thread of its lane. All of our middleware and pages are plain functions."""

    def __init__(self) -> None:
        self.load_middleware()
        self.lanes = dict[str, Lane]()
        for name, plan in PLANS.items():
            turns = self.lanes[plan.after].turns if plan.after else None
            self.lanes[name] = Lane(name, plan, _queued if name == "signing-in" else None, turns)

    async def run_get_response(self, request: HttpRequest) -> Any:
        lane = self.lanes[next((name for start, name in PATHS if request.path_info.startswith(start)), "pages")]
        begins = request.method == "GET" and not request.path_info.endswith(COMING_BACK)
        if lane.is_full(for_newcomers=begins):
            return _in_a_moment(request, math.ceil(lane.appointment(time.monotonic())), signing_in=lane.name == "signing-in")
        response = await lane(self.get_response, request)
        response._handler_class = type(self)  # type: ignore[attr-defined] # Django's handlers note it for their last signal
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        return response

    def close(self) -> None:
        for lane in self.lanes.values():
            lane.close()


def _in_a_moment(request: HttpRequest, seconds: int, *, signing_in: bool) -> HttpResponse:
    """A page that comes again by itself; for an application a problem that says when to."""
    if request.path_info.startswith("/api/"):
        told = {
            "type": "/api/#problem-busy",
            "title": "Try again in a moment",
            "status": 503,
            "code": "busy",
            "detail": "Come again soon.",
        }
        headers = {**HEADERS, "Retry-After": str(seconds), "Content-Type": "application/problem+json"}
        return HttpResponse(json.dumps(told), status=503, headers=headers)
    text = _moment_text(translation.get_language_from_request(request), seconds, signing_in)
    return HttpResponse(text, status=503, headers={**HEADERS, "Retry-After": str(seconds)})


@cache
def _moment_text(language: str, seconds: int, signing_in: bool) -> str:
    with translation.override(language):
        return render_to_string("adsum/signin/in_a_moment.html", {"seconds": seconds, "signing_in": signing_in})
