"""Live streams: a display gets its current code and nothing more; a register gets each mark within a second."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Any, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import Error
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adsum.accounts.models import Person
from adsum.accounts.services import note_seen
from adsum.attendance.reports import Seen, changes_since
from adsum.attendance.rules import ATTENDED
from adsum.checkin.codes import make_code, make_typed
from adsum.checkin.gate.entries import Entry, clock_text, instant
from adsum.checkin.gate.http import HEADERS
from adsum.checkin.gate.pages import language_of
from adsum.checkin.gate.state import State
from adsum.checkin.models import Display
from adsum.checkin.reports import HeldScan, held_since, may_run
from adsum.checkin.rules import milliseconds
from adsum.checkin.services import display_fingerprint, hear_display
from adsum.core.reader import Reader
from adsum.timetable.models import ClassSession
from adsum.web.live.hub import Hub, Watch
from adsum.web.live.seats import Seat, Seats
from adsum.web.notes import held_reason, late_note, left_note, relief_note, window_note
from adsum.web.qr import TYPED_ADDRESS, code_svg, spaced
from adsum.web.signin.lifetime import over
from adsum.web.signin.second_factor import is_too_weak, lacks_second_step
from adsum.web.templatetags.adsum_ui import status_label

P = ParamSpec("P")
R = TypeVar("R")
BEAT_SECONDS = 15.0
LIFE_SECONDS = 600.0
CHECK_SECONDS = 60.0
GLANCE_SECONDS = 0.3
"""How often a display looks whether its code was replaced before its time."""
MOST_WAITING = 500
"""How many may wait to be let in at once: about a second's worth. More are told to come back, and no one else notices."""
SESSION = re.compile("[a-z0-9]{32}")
CREDENTIAL = re.compile("[A-Za-z0-9_-]{32}")
"""What the keys of a sign-in and of a display look like: for anything else the database is not asked."""
STREAM_HEADERS = {**HEADERS, "X-Accel-Buffering": "no"}


def display_cookie(ref: UUID) -> str:
    """The cookie that holds a display's credential, one for each display."""
    return f"{settings.COOKIE_PREFIX}adsum_display_{ref.hex}"


def event(name: str, data: dict[str, Any], id_: int | str = "") -> str:
    """One server-sent event."""
    return f"id: {id_}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


class _Crowd(Exception):
    """Too many people wait to be let in."""


class Live:
    """The streams of one process."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.hub = Hub(lambda: state.known.rosters_version)
        self.seats = Seats()
        self._door = Reader("live-door")
        self._waiting = 0
        self.app = Starlette(
            routes=[
                Route("/live/display/{ref:uuid}", self.display, methods=["GET"]),
                Route("/live/display/{ref:uuid}/now", self.display_now, methods=["GET"]),
                Route("/live/register/{ref:uuid}", self.register, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _nothing, Error: _away, _Crowd: _away, Exception: _nothing},
        )

    def end(self) -> None:
        """Close every stream, and each that begins from now on: the process is going to stop."""
        self.hub.end()

    async def stop(self) -> None:
        await self.hub.stop()
        await self._door.close()

    async def _ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the database says about a newcomer. It does not hold up those who listen already. Raises _Crowd."""
        if self._waiting >= MOST_WAITING:
            raise _Crowd
        self._waiting += 1
        try:
            return await self._door(function, *args, **kwargs)
        finally:
            self._waiting -= 1

    # A display

    async def _shown(self, request: Request) -> Display | None:
        ref, at = request.path_params["ref"], instant(self.state.now_ms())
        credential = request.cookies.get(display_cookie(ref), "")
        return await self._ask(_display, ref, credential, at) if CREDENTIAL.fullmatch(credential) else None

    async def display(self, request: Request) -> Response:
        """The current code of one display, pushed when it changes, and how many are here."""
        display = await self._shown(request)
        entry = self.state.known.by_pk.get(display.opening_id) if display else None
        if display is None or entry is None:
            return _forbidden()
        seat = self.seats.take(**{"class": entry.session, "screen": display.pk})
        if seat is None:
            return _full()
        return _Stream(self._display_events(display, entry.session, _language(request)), seat)

    async def display_now(self, request: Request) -> Response:
        """The same, once: for a display whose stream does not come through."""
        display = await self._shown(request)
        entry = self.state.known.by_pk.get(display.opening_id) if display else None
        if display is None or entry is None or display.slot in entry.revoked_slots:
            return _forbidden()
        await self._ask(hear_display, display, at=instant(self.state.now_ms()))
        watch = await self.hub.watch(entry.session)
        try:
            with translation.override(_language(request)):
                payload = self._code(entry, display.slot, watch)
        finally:
            self.hub.leave(watch)
        return JSONResponse(payload, headers=HEADERS)

    async def _display_events(self, display: Display, session: int, language: str) -> AsyncGenerator[str, None]:
        watch = await self.hub.watch(session)
        expected = watch.board.expected
        ends, beat = (time.monotonic() + seconds for seconds in (LIFE_SECONDS, BEAT_SECONDS))
        check = time.monotonic()  # at once: it is heard from the moment it listens
        may_show = True
        shown: tuple[object, ...] = ()
        try:
            while time.monotonic() < ends:
                entry = self.state.known.by_pk.get(display.opening_id)
                now = self.state.now_ms()
                if time.monotonic() >= check:
                    with suppress(Error):  # without a database the room keeps its code: asked again in a moment
                        may_show = await self.hub.read(_goes_on, display, session, instant(now))
                        check += CHECK_SECONDS
                if entry is None or display.slot in entry.revoked_slots or not may_show:
                    with translation.override(language):
                        yield event(
                            "end", {"title": _("This screen was stopped"), "text": _("Show the code again from the register.")}
                        )
                    return
                with translation.override(language):
                    if entry.cancelled or entry.is_over(now):
                        again = entry.check_to_come and not entry.cancelled
                        yield event("end", {"title": _("Check-in has closed"), "text": entry.title, "again": again})
                        return
                    current = (entry.version, entry.epochs[0].counter_at(now), self.state.known.frozen, self._phase(entry, now))
                    if current != shown:
                        shown = current
                        yield event("code", self._code(entry, display.slot, watch))
                if time.monotonic() >= beat:
                    beat = time.monotonic() + BEAT_SECONDS
                    yield event("beat", {})
                wait = min(GLANCE_SECONDS, entry.epochs[0].left_ms(now) / 1000 + 0.005)
                news = await _news(watch, wait)
                if None in news:
                    return
                if news or expected is not watch.board.expected:
                    expected = watch.board.expected
                    yield event("count", {"here": watch.board.here(), "expected": len(watch.board.expected)})
        finally:
            self.hub.leave(watch)

    def _phase(self, entry: Entry, now: int) -> str:
        if self.state.known.frozen:
            return "paused"
        at = instant(now)
        if entry.is_checking(now):
            return "check"
        if at < entry.opens_at:
            return "early"
        return "open" if at < entry.present_until else "late" if at < entry.late_until else "longer"

    def _code(self, entry: Entry, slot: int, watch: Watch) -> dict[str, Any]:
        """What a display shows now: the current code and no other, and no names."""
        now = self.state.now_ms()
        epoch = entry.epochs[0]
        counter = epoch.counter_at(now)
        times = {
            "opens": clock_text(entry.opens_at),
            "present": clock_text(entry.present_until),
            "late": clock_text(entry.late_until),
            "check": clock_text(instant(entry.check_ends_ms // 1000 * 1000), "%H:%M:%S") if entry.check_ends_ms else "",
        }
        phase = self._phase(entry, now)
        return {
            "svg": code_svg(make_code(epoch, handle=entry.handle, slot=slot, counter=counter)),
            "typed": spaced(make_typed(epoch, counter)),
            "address": TYPED_ADDRESS,
            "left_ms": epoch.left_ms(now),
            "period_ms": epoch.period_ms,
            "grace_ms": epoch.grace_ms,
            "here": watch.board.here(),
            "expected": len(watch.board.expected),
            "phase": phase,
            "note": window_note(phase, **times),
            "ends_in_ms": max(milliseconds(entry.shown_until), entry.check_ends_ms or 0) - now,
        }

    # A register

    async def register(self, request: Request) -> Response:
        """Every mark of a class as it is made, for those who may open its register."""
        ref = request.path_params["ref"]
        key = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
        visitor = await self._ask(_visitor, key, ref, instant(self.state.now_ms())) if SESSION.fullmatch(key) else None
        if visitor is None:
            return _forbidden()
        seat = self.seats.take(**{"class": visitor.session, "account": visitor.person})
        if seat is None:
            return _full()
        return _Stream(self._register_events(visitor.session, key, ref, _last(request), _language(request)), seat)

    async def _register_events(self, session: int, key: str, ref: UUID, last: int, language: str) -> AsyncGenerator[str, None]:
        """What changed after `last` (0: since the beginning), then each change as it is made.

        Each event carries the position to come back with. It may stand a few seconds behind, so that nothing is missed
        that is committed late; a mark that comes twice is the same mark.
        """
        watch = await self.hub.watch(session)
        ends, beat, check = (time.monotonic() + seconds for seconds in (LIFE_SECONDS, BEAT_SECONDS, CHECK_SECONDS))
        expected: set[int] | None = None
        told: dict[int, int] = {}
        relieved = False
        try:
            position = max(last, self.hub.position)
            news: list[Seen | HeldScan | None] = [*await self.hub.read(changes_since, [session], last)]
            news += await self.hub.read(held_since, [session], 0)
            while time.monotonic() < ends and None not in news:
                with translation.override(language):
                    for one in news:
                        if isinstance(one, HeldScan):
                            yield self._held(one, position)
                        elif one is not None and one.id > told.get(one.student, 0):
                            told[one.student] = one.id
                            yield self._mark(one, position)
                if news or expected is not watch.board.expected:
                    expected = watch.board.expected
                    yield event("counts", watch.board.counts(), position)
                if relieved != self._relieved(session):
                    relieved = not relieved
                    with translation.override(language):
                        yield event("relief", {"text": relief_note() if relieved else ""}, position)
                if time.monotonic() >= check:
                    with suppress(Error):  # without a database there is no news: asked again in a moment
                        if await self.hub.read(_still_there, key, ref, instant(self.state.now_ms())) is None:
                            return
                        check += CHECK_SECONDS
                if time.monotonic() >= beat:
                    beat += BEAT_SECONDS
                    yield event("beat", {}, position)
                news = await _news(watch, 1.0)
                position = max(position, self.hub.position)
        finally:
            self.hub.leave(watch)

    def _relieved(self, session: int) -> bool:
        entry = self.state.known.by_session.get(session)
        return entry is not None and entry.relieved

    def _mark(self, mark: Seen, position: int) -> str:
        data = {
            "student": str(mark.student_ref),
            "status": mark.status,
            "label": status_label(mark.status),
            "at": clock_text(mark.at) if mark.status in ATTENDED else "",
            "minutes_late": mark.minutes_late or None,
            "note": late_note(mark.minutes_late) or left_note(mark.left_at),
        }
        return event("mark", data, position)

    def _held(self, scan: HeldScan, position: int) -> str:
        data = {
            "id": str(scan.ref),
            "student": str(scan.student_ref),
            "name": scan.name,
            "number": scan.number,
            "at": clock_text(scan.at),
            "why": held_reason(scan.refusal),
            "url": f"/held/{scan.ref}/" if scan.open else "",
        }
        return event("held", data, position)


async def _news(watch: Watch, seconds: float) -> list[Seen | HeldScan | None]:
    """What is new, waiting at most so long for the first of it."""
    try:
        news = [await asyncio.wait_for(watch.news.get(), seconds)]
    except TimeoutError:
        return []
    while not watch.news.empty():
        news.append(watch.news.get_nowait())
    return news


class _Stream(StreamingResponse):
    """A stream that gives its seat back however it ends."""

    def __init__(self, events: AsyncGenerator[str, None], seat: Seat) -> None:
        super().__init__(_while_it_lasts(events), headers=STREAM_HEADERS, media_type="text/event-stream")
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._seat.give_back()


async def _while_it_lasts(events: AsyncGenerator[str, None]) -> AsyncIterator[str]:
    """The same, ending when the database goes away; the browser comes back by itself."""
    async with aclosing(events):
        with suppress(Error):
            async for one in events:
                yield one


async def _nothing(_request: Request, refused: Exception) -> Response:
    """An address or method that is not a stream: said with the same headers as everything else."""
    status = refused.status_code if isinstance(refused, HTTPException) else 500
    return Response("There is nothing live at this address.", status, HEADERS, "text/plain")


async def _away(_request: Request, _failure: Exception) -> Response:
    headers = {**HEADERS, "Retry-After": "5"}
    return Response("The register cannot be reached right now. This page tries again by itself.", 503, headers, "text/plain")


def _full() -> Response:
    headers = {**HEADERS, "Retry-After": "15"}
    return Response("This live view is open in too many windows already. Close some of them.", 429, headers, "text/plain")


def _forbidden() -> Response:
    return Response("This live view is not open to you here. Reload the page, or sign in again.", 403, HEADERS, "text/plain")


def _last(request: Request) -> int:
    """The position of the last event this browser had; 0 when it has none, or none of ours."""
    last = request.query_params.get("last_event_id") or request.headers.get("last-event-id") or ""
    return int(last) if last.isascii() and last.isdigit() and len(last) < 19 else 0


def _language(request: Request) -> str:
    return language_of(request.cookies.get(settings.LANGUAGE_COOKIE_NAME, ""), request.headers.get("accept-language", ""))


def _display(ref: UUID, credential: str, at: datetime) -> Display | None:
    """The display with this credential, if it may still show at that instant."""
    shown = Display.objects.filter(ref=ref, credential=display_fingerprint(credential), revoked_at=None)
    display = shown.select_related("opening").first()
    return display if display is not None and may_run(display, display.opening.session_id, at) else None


def _goes_on(display: Display, session: int, at: datetime) -> bool:
    """Whether a screen that listens may go on showing; it is alive."""
    hear_display(display, at=at)
    return may_run(display, session, at)


class Visitor(NamedTuple):
    """Who listens to a register, and of which class."""

    person: int
    session: int


def _still_there(session_key: str, ref: UUID, at: datetime) -> Visitor | None:
    """The same for one who has been listening. While the class is on, an open register is a sign of life: a lecturer who talks
    for an hour is not away (docs/adr/0059)."""
    visitor = _visitor(session_key, ref, at)
    if visitor is not None and ClassSession.objects.filter(ref=ref, starts_at__lte=at, ends_at__gt=at).exists():
        note_seen(session_key, at=at)
    return visitor


def _visitor(session_key: str, ref: UUID, at: datetime) -> Visitor | None:
    """The person signed in with this browser session, and the class, if they may open its register at that instant."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    person = get_user(request)
    if not isinstance(person, Person) or not person.is_active:
        return None
    access = person.access(at)
    weak = lacks_second_step(person, access.roles) or is_too_weak(request, person, access.roles)
    if weak or over(request.session, access.roles, at):
        return None
    visible = ClassSession.objects.visible_to(person, access)
    session = visible.filter(ref=ref).values_list("pk", flat=True).first()
    return None if session is None else Visitor(person.pk, session)
