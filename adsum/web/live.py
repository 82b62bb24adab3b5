"""Live streams: a display gets its current code and nothing more; a register gets each mark within a second."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from adsum.accounts.models import Person
from adsum.attendance.reports import Seen, changes_since, marks_of
from adsum.checkin.gate.http import HEADERS
from adsum.checkin.gate.pages import language_of
from adsum.checkin.gate.state import Entry, State, clock_text, instant, milliseconds
from adsum.checkin.models import Display
from adsum.checkin.reports import HeldScan
from adsum.checkin.rules import make_code, make_typed
from adsum.checkin.services import display_fingerprint
from adsum.timetable.models import ClassSession
from adsum.web.codes import code_svg, spaced
from adsum.web.hub import Hub, Watch
from adsum.web.templatetags.adsum_ui import status_label
from adsum.web.words import held_reason, late_note

BEAT_SECONDS = 15.0
LIFE_SECONDS = 600.0
CHECK_SECONDS = 60.0
GLANCE_SECONDS = 0.5
"""How often a display looks whether its code was replaced before its time."""
STREAM_HEADERS = {**HEADERS, "X-Accel-Buffering": "no"}


def display_cookie(ref: UUID) -> str:
    """The cookie that holds a display's credential, one for each display."""
    return f"{settings.COOKIE_PREFIX}adsum_display_{ref.hex}"


def event(name: str, data: dict[str, Any], id_: int | str = "") -> str:
    """One server-sent event."""
    return f"id: {id_}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


class Live:
    """The streams of one process."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.hub = Hub()
        self.app = Starlette(
            routes=[
                Route("/live/display/{ref:uuid}", self.display, methods=["GET"]),
                Route("/live/display/{ref:uuid}/now", self.display_now, methods=["GET"]),
                Route("/live/register/{ref:uuid}", self.register, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _nothing},
        )

    def end(self) -> None:
        """Close every stream, and each that begins from now on: the process is going to stop."""
        self.hub.end()

    async def stop(self) -> None:
        await self.hub.stop()

    # A display

    async def display(self, request: Request) -> Response:
        """The current code of one display, pushed when it changes, and how many are here."""
        display = await self.hub.read(_display, request.path_params["ref"], _credential(request))
        entry = self.state.known.by_pk.get(display.opening_id) if display else None
        if display is None or entry is None:
            return _forbidden()
        return _stream(self._display_events(display, entry.session, _language(request)))

    async def display_now(self, request: Request) -> Response:
        """The same, once: for a display whose stream does not come through."""
        display = await self.hub.read(_display, request.path_params["ref"], _credential(request))
        entry = self.state.known.by_pk.get(display.opening_id) if display else None
        if display is None or entry is None or display.slot in entry.revoked_slots:
            return _forbidden()
        watch = await self.hub.watch(entry.session)
        try:
            with translation.override(_language(request)):
                payload = self._code(entry, display.slot, watch)
        finally:
            self.hub.leave(watch)
        return JSONResponse(payload, headers=HEADERS)

    async def _display_events(self, display: Display, session: int, language: str) -> AsyncIterator[str]:
        watch = await self.hub.watch(session)
        ends, beat = time.monotonic() + LIFE_SECONDS, time.monotonic() + BEAT_SECONDS
        shown: tuple[object, ...] = ()
        try:
            while time.monotonic() < ends:
                entry = self.state.known.by_pk.get(display.opening_id)
                now = self.state.now_ms()
                if entry is None or display.slot in entry.revoked_slots:
                    yield event("end", {"title": "", "text": ""})
                    return
                with translation.override(language):
                    if entry.cancelled or entry.is_over(now):
                        yield event("end", {"title": _("Check-in has closed"), "text": entry.title})
                        return
                    current = (
                        entry.version,
                        entry.epochs[0].counter_at(now),
                        self.state.known.frozen,
                        self._phase(entry, now),
                    )
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
                if news:
                    yield event("count", {"here": watch.board.here(), "expected": len(watch.board.expected)})
        finally:
            self.hub.leave(watch)

    def _phase(self, entry: Entry, now: int) -> str:
        if self.state.known.frozen:
            return "paused"
        at = instant(now)
        if at < entry.opens_at:
            return "early"
        return "open" if at < entry.present_until else "late"

    def _code(self, entry: Entry, slot: int, watch: Watch) -> dict[str, Any]:
        """What a display shows now: the current code and no other, and no names."""
        now = self.state.now_ms()
        epoch = entry.epochs[0]
        counter = epoch.counter_at(now)
        times = {
            "opens": clock_text(entry.opens_at), "present": clock_text(entry.present_until),
            "late": clock_text(entry.late_until),
        }  # fmt: skip
        phase = self._phase(entry, now)
        note = {
            "paused": _("Check-in is paused for the whole university."),
            "early": _("Check-in opens at %(opens)s."),
            "open": _("Open until %(present)s, then late until %(late)s."),
            "late": _("Late until %(late)s."),
        }[phase]
        return {
            "svg": code_svg(make_code(epoch, handle=entry.handle, slot=slot, counter=counter)),
            "typed": spaced(make_typed(epoch, counter)),
            "address": settings.ORIGIN.partition("://")[2] + "/in",
            "left_ms": epoch.left_ms(now), "period_ms": epoch.period_ms, "grace_ms": epoch.grace_ms,
            "here": watch.board.here(), "expected": len(watch.board.expected), "phase": phase, "note": note % times,
            "ends_in_ms": milliseconds(entry.late_until) - now,
        }  # fmt: skip

    # A register

    async def register(self, request: Request) -> Response:
        """Every mark of a class as it is made, for those who may open its register."""
        ref = request.path_params["ref"]
        key = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
        session = await self.hub.read(_visible, key, ref, instant(self.state.now_ms()))
        if session is None:
            return _forbidden()
        last = request.query_params.get("last_event_id") or request.headers.get("last-event-id") or "0"
        return _stream(self._register_events(session, key, ref, int(last) if last.isdigit() else 0, _language(request)))

    async def _register_events(self, session: int, key: str, ref: UUID, last: int, language: str) -> AsyncIterator[str]:
        watch = await self.hub.watch(session)
        began = time.monotonic()
        ends, beat, check = began + LIFE_SECONDS, began + BEAT_SECONDS, began + CHECK_SECONDS
        roster = self.state.known.rosters_version
        try:
            known = await (self.hub.read(changes_since, [session], last) if last else self.hub.read(marks_of, session))
            with translation.override(language):
                for mark in known:
                    yield self._mark(mark)
            yield event("counts", watch.board.counts())
            while time.monotonic() < ends:
                news = await _news(watch, 1.0)
                if None in news:
                    return
                with translation.override(language):
                    for one in news:
                        if one is not None:
                            yield self._mark(one) if isinstance(one, Seen) else self._held(one)
                if roster != self.state.known.rosters_version:
                    roster = self.state.known.rosters_version
                    await self.hub.rosters_changed()
                    news.append(None)
                if news:
                    yield event("counts", watch.board.counts())
                if time.monotonic() >= check:
                    check += CHECK_SECONDS
                    if await self.hub.read(_visible, key, ref, instant(self.state.now_ms())) is None:
                        return
                if time.monotonic() >= beat:
                    beat += BEAT_SECONDS
                    yield event("beat", {})
        finally:
            self.hub.leave(watch)

    def _mark(self, mark: Seen) -> str:
        data = {
            "student": str(mark.student_ref), "status": mark.status, "label": status_label(mark.status),
            "at": clock_text(mark.at), "minutes_late": mark.minutes_late or None, "note": late_note(mark.minutes_late),
        }  # fmt: skip
        return event("mark", data, mark.id)

    def _held(self, scan: HeldScan) -> str:
        data = {
            "id": str(scan.ref), "student": str(scan.student_ref), "name": scan.name, "number": scan.number,
            "at": clock_text(scan.at), "why": held_reason(scan.refusal),
            "url": f"/held/{scan.ref}/" if scan.open else "",
        }  # fmt: skip
        return event("held", data)


async def _news(watch: Watch, seconds: float) -> list[Seen | HeldScan | None]:
    """What is new, waiting at most so long for the first of it."""
    try:
        news = [await asyncio.wait_for(watch.news.get(), seconds)]
    except TimeoutError:
        return []
    while not watch.news.empty():
        news.append(watch.news.get_nowait())
    return news


def _stream(events: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(events, headers=STREAM_HEADERS, media_type="text/event-stream")


async def _nothing(_request: Request, refused: Exception) -> Response:
    """An address or method that is not a stream: said with the same headers as everything else."""
    status = refused.status_code if isinstance(refused, HTTPException) else 500
    return Response("There is nothing live at this address.", status, HEADERS, "text/plain")


def _forbidden() -> Response:
    return Response("This live view is not open to you here. Reload the page, or sign in again.", 403, HEADERS, "text/plain")


def _language(request: Request) -> str:
    return language_of(request.cookies.get(settings.LANGUAGE_COOKIE_NAME, ""), request.headers.get("accept-language", ""))


def _credential(request: Request) -> str:
    return request.cookies.get(display_cookie(request.path_params["ref"]), "")


def _display(ref: UUID, credential: str) -> Display | None:
    """The display with this credential, if it may still show."""
    return Display.objects.filter(ref=ref, credential=display_fingerprint(credential), revoked_at=None).first()


def _visible(session_key: str, ref: UUID, at: Any) -> int | None:
    """The class, if the person signed in with this browser session may open its register at that instant."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    person = get_user(request)
    if not isinstance(person, Person) or not person.is_active:
        return None
    visible = ClassSession.objects.visible_to(person, person.roles(at))
    return visible.filter(ref=ref).values_list("pk", flat=True).first()
