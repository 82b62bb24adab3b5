"""What the server runs: the gate and the live streams for their own paths, Django for everything else."""

import asyncio
import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsum.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402 - Django must be set up first
from django.urls import get_resolver  # noqa: E402
from servestatic import ServeStaticASGI  # noqa: E402
from starlette.types import Message, Receive, Scope, Send  # noqa: E402

from adsum.api.calls import counts  # noqa: E402
from adsum.api.front import Front  # noqa: E402
from adsum.checkin.codes import CODE_LENGTH  # noqa: E402
from adsum.checkin.gate.app import Gate  # noqa: E402
from adsum.checkin.gate.http import RAW_HEADERS  # noqa: E402
from adsum.checkin.gate.state import State  # noqa: E402
from adsum.checkin.writer import DatabaseEngine, Writer  # noqa: E402
from adsum.integrations.sign_in.straight import Doors  # noqa: E402
from adsum.web.bodies import Bounded  # noqa: E402
from adsum.web.lanes import Pages  # noqa: E402
from adsum.web.live.streams import Live  # noqa: E402

STATIC_HEADERS = [one for one in RAW_HEADERS if one[0] != b"cache-control"]
HASHED = r"^.+\.[0-9a-f]{12}\..+$"
"""Static files that carry a hash in their name never change."""
GATE_WAITS = 0.001
"""Seconds for which a thread that makes a page goes on when the gate wants to compute; Python says 0.005, and a check-in wants
to some five times: with two threads that make pages all the time its slowest took half as long again (bench/RESULTS.md)."""
COLLECTED_AFTER = 50_000
"""Objects made and not given back, after which the youngest are looked through; Python says 700."""


def _with_headers(send: Send) -> Send:
    """What is sent, with the headers of every answer: ServeStatic leaves them out of those that say that nothing changed."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in STATIC_HEADERS if one[0] not in there)]
        await send(message)

    return send_with_headers


def make_ready() -> None:
    """Load every page, and tell the garbage collector that what is loaded now stays: it would else go through all of it again
    and again, and keep every request waiting meanwhile, for a tenth of a second (bench/RESULTS.md). It also comes less often:
    a page makes thousands of small objects that do not outlive it, and looking through them took a fifth of its time."""
    get_resolver().url_patterns  # noqa: B018 - reading it imports the pages
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, 20, 20)
    sys.setswitchinterval(GATE_WAITS)


class Application:
    """Sends each request where it belongs; starts and ends the parts that live as long as the process."""

    def __init__(self) -> None:
        self.state = State()
        self.writer = Writer(DatabaseEngine())
        self.doors = Doors()
        self.gate = Gate(self.state, self.writer, self.doors.lead)
        self.live = Live(self.state)
        self.django = Pages()
        self.applications = Front(Bounded(self.django))
        self.pages = ServeStaticASGI(
            Bounded(self.django), root=settings.STATIC_ROOT, prefix=settings.STATIC_URL, immutable_file_test=HASHED
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        await self.state.start()
        await self.doors.start()
        path: str = scope["path"]
        if path == "/in" or path.startswith("/in/") or (len(path) == CODE_LENGTH + 1 and "/" not in path[1:]):
            await self.gate(scope, receive, send)  # it bounds the forms it reads itself
        elif path.startswith("/live/"):
            await self.live.app(scope, receive, send)
        elif path.startswith("/api/"):
            await self.applications(scope, receive, send)
        elif path.startswith(settings.STATIC_URL):
            await self.pages(scope, receive, _with_headers(send))
        else:
            await self.pages(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._hear_signals()
                await self.state.start()
                await self.doors.start()
                counts.gathers = True
                make_ready()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def stop(self) -> None:
        """End what lives as long as the process, and give the connections to the database back."""
        await self.live.stop()
        await self.writer.close()
        await self.doors.stop()
        await self.state.stop()
        await asyncio.to_thread(self.django.close)
        await asyncio.to_thread(counts.close)

    def _hear_signals(self) -> None:
        """End the live streams when the server is told to stop: it waits for them before it says so here."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            servers_own = signal.getsignal(number)

            def handle(number: int, frame: FrameType | None, servers_own: Any = servers_own) -> None:
                loop.call_soon_threadsafe(self.live.end)
                if callable(servers_own):
                    servers_own(number, frame)

            signal.signal(number, handle)


application = Application()
