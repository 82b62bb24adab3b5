"""Browsers that listen to live streams in process: one task for each stream, and what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client
from starlette.types import Message

from adsum.accounts.models import Person
from adsum.attendance.rules import Reason, Status
from adsum.checkin.gate.state import State
from adsum.checkin.models import Opening
from adsum.checkin.services import NewDisplay, open_checkin
from adsum.checkin.writer import record_scans
from adsum.timetable.models import ClassSession, Group, Place
from adsum.web.live.streams import Live, display_cookie
from tests.kit.marking import mark_students
from tests.kit.scans import attempt
from tests.kit.world import World, in_thread

PATIENCE = 20.0
"""Seconds until something that must come has not come."""
SLACK = 1.5
"""Seconds that a busy machine may add to what is promised."""


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition, and not longer than for anything else that must come."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


@dataclass
class Event:
    name: str
    data: dict[str, Any]
    id: str
    at: float
    """By the loop's clock."""


@dataclass
class Stream:
    """One open stream. `raw` is everything the server sent, byte for byte."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    events: list[Event] = field(default_factory=list)
    read: int = 0
    """How many events `next` has handed out."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _task: asyncio.Task[None] | None = None
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _rest: bytes = b""

    async def start(self, live: Live, path: str, cookies: dict[str, str], **query: object) -> Self:
        """Ask, and wait for the first answer."""
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": urlencode(query).encode(),
            "headers": [(b"host", b"localhost"), (b"cookie", cookie.encode())],
            "client": ("203.0.113.9", 1),
            "server": None,
        }
        self._task = asyncio.create_task(live.app(scope, self._receive, self._send))
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.status), PATIENCE)
        return self

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        async with self._news:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                self.raw += message["body"]
                *whole, self._rest = (self._rest + message["body"]).split(b"\n\n")
                self.events += [self._event(one.decode()) for one in whole if b"event: " in one]
            self._news.notify_all()

    def _event(self, text: str) -> Event:
        lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        return Event(lines["event"], json.loads(lines["data"]), lines.get("id", ""), asyncio.get_running_loop().time())

    async def next(self, name: str = "", seconds: float = PATIENCE, **wanted: object) -> Event:
        """The next event, or the next one of that name and with that data; others are passed over."""

        def found() -> bool:
            while self.read < len(self.events):
                self.read += 1
                event = self.events[self.read - 1]
                if name in {"", event.name} and wanted.items() <= event.data.items():
                    return True
            return False

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(found), seconds)
        return self.events[self.read - 1]

    async def ended(self, seconds: float = PATIENCE) -> float:
        """Wait until the server has closed it; when that was, by the loop's clock."""
        assert self._task
        await asyncio.wait_for(asyncio.shield(self._task), seconds)
        return asyncio.get_running_loop().time()

    @property
    def open(self) -> bool:
        return self._task is not None and not self._task.done()

    async def close(self) -> None:
        """The browser goes away."""
        self._gone.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=PATIENCE)
            self._task.result()


@dataclass
class House:
    """One process with live streams, on the real clock."""

    state: State
    live: Live
    streams: list[Stream] = field(default_factory=list)
    ticks: int = 0
    """How often the hub has looked for news."""

    def __post_init__(self) -> None:
        tick = self.live.hub._tick

        async def counted() -> None:
            await tick()
            self.ticks += 1

        self.live.hub._tick = counted  # type: ignore[method-assign]

    async def quiet(self) -> None:
        """Whatever was committed before has been told to every stream: looked for once, and once more after it was told."""
        seen = self.ticks
        await until(lambda: self.ticks >= seen + 3)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        state = State()
        await state.start()
        house = cls(state, Live(state))
        try:
            yield house
        finally:
            for stream in house.streams:
                await stream.close()
            await house.live.stop()
            await state.stop()

    async def listen(self, path: str, cookies: dict[str, str], **query: object) -> Stream:
        stream = await Stream().start(self.live, path, cookies, **query)
        self.streams.append(stream)
        return stream

    async def display(self, shown: NewDisplay, credential: str | None = None) -> Stream:
        cookies = {display_cookie(shown.display.ref): shown.credential if credential is None else credential}
        return await self.listen(f"/live/display/{shown.display.ref}", cookies)

    async def register(self, ref: object, person: Person | None, **query: object) -> Stream:
        return await self.listen(f"/live/register/{ref}", await in_thread(signed_in, person) if person else {}, **query)


def signed_in(person: Person) -> dict[str, str]:
    """The cookie of a new sign-in."""
    client = Client()
    client.force_login(person)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Class:
    """One class that began five minutes ago, its check-in open."""

    world: World
    lecturer: Person
    group: Group
    session: ClassSession
    opening: Opening
    students: list[Person]

    @classmethod
    def begin(cls, world: World, students: int = 3) -> "Class":
        lecturer = world.lecturer()
        group = world.group(students=students)
        session = world.session(group, starts_at=now() - timedelta(minutes=5), staff=[lecturer])
        opening = open_checkin(session, by=lecturer, at=now())
        people = [place.person for place in Place.objects.filter(group=group).select_related("person").order_by("pk")]
        return cls(world, lecturer, group, session, opening, people)

    def scan(self, *students: Person, **fields: Any) -> None:
        """They check in, as the gate would write it."""
        at = {"first_seen_at": now(), "finished_at": now()}
        record_scans([attempt(self.opening, student, **(at | fields)) for student in students])

    def mark(self, student: Person, status: Status) -> None:
        mark_students(self.session, [student], status, by=self.lecturer, at=now(), reason_code=Reason.NOT_IN_CLASS)
