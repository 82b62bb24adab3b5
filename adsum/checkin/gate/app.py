"""The gate's four doors: read a code, type a code, confirm, tell the lecturer. Only the confirming tap writes a mark."""

import random
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error
from django.utils.text import format_lazy
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adsum.attendance.rules import minutes_late
from adsum.checkin import services
from adsum.checkin.codes import (
    Pass,
    Reading,
    clean_typed,
    parse_code,
    read_code,
    read_typed,
    relieved,
    seal_ticket,
    unseal_ticket,
)
from adsum.checkin.gate.evidence import agent_class, device_hash, network_class, new_device_tag
from adsum.checkin.gate.http import Answer, Ask
from adsum.checkin.gate.limits import Limit
from adsum.checkin.gate.pages import EXPECTED_NOW, OPENS_AT, REFUSALS, TELL, TYPED, TYPED_PROBLEMS, Pages, language_of
from adsum.checkin.gate.state import Entry, State, clock_text, instant
from adsum.checkin.reports import expected_now, open_now_for
from adsum.checkin.rules import NETWORKS, AlarmKind, Attempt, Outcome, Refusal, Ticket, judge
from adsum.checkin.writer import Busy, Unavailable, Writer
from adsum.core import ids, keyring
from adsum.timetable.reports import Name

log = structlog.get_logger("adsum.gate")

TICKET_COOKIE = f"{settings.COOKIE_PREFIX}adsum_ticket"
PASS_COOKIE = f"{settings.COOKIE_PREFIX}adsum_pass"
DEVICE_COOKIE = f"{settings.COOKIE_PREFIX}adsum_device"
DEVICE_DAYS = 180
TICKET_KEPT = 24 * 3_600
"""How long a browser keeps its ticket, in seconds: an outage declared later can still make it good for that long."""


class Gate:
    """Everything the gate's doors need, for one process."""

    def __init__(self, state: State, writer: Writer) -> None:
        self.state = state
        self.writer = writer
        self.pages = Pages()
        # A hundred taps at once get a hundred answers (docs/check-in.md); a script that goes on knocking does not.
        self.taps = Limit(a_minute=30, at_once=120)
        self.browsers = Limit(a_minute=120, at_once=120)
        self.scanners = Limit(a_minute=120, at_once=120)
        self.doors: dict[str, dict[str, Callable[[Ask], Awaitable[Response]]]] = {
            "/in": {"GET": self.typed_page},
            "/in/code": {"POST": self._own(self.typed)},
            "/in/confirm": {"GET": self.confirm_page, "POST": self._own(self.confirm)},
            "/in/query": {"POST": self._own(self.tell)},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. A look-up instead of a router: this is the hot path."""
        request = Ask(scope, receive)
        doors = self.doors.get(scope["path"]) or {"GET": self.scan}
        door = doors.get("GET" if scope["method"] == "HEAD" else scope["method"])
        try:
            if not self.state.known.version:  # nothing was ever read: no code can be known
                await self.state.refresh(at_most_every=0.2)
            response = await door(request) if door else Answer(b"", 405, b"text/plain")
        except Error as failure:
            log.warning("gate.away", why=str(failure))
            response = self._away(request)
        await response(scope, receive, send)

    # Doors

    async def scan(self, request: Ask) -> Response:
        """GET of a code: read it, keep what it proves in a ticket. Writes nothing; harmless to prefetch and preview."""
        now = self.state.now_ms()
        pass_ = self._pass(request)
        if wait := self._scans_too_fast(request, pass_, now):
            return self._wait(request, wait, "/in/confirm" if TICKET_COOKIE in request.cookies else "")
        code = parse_code(request.path[1:])
        entry = await self.state.entry_for(code.handle) if code else None
        if code is None:
            return self._refused(request, Refusal.UNKNOWN_CODE, None)
        reading = read_code(code, entry.epochs if entry else (), now_ms=now)
        if entry is None or reading.refusal == Refusal.UNKNOWN_CODE:
            return self._refused(request, Refusal.UNKNOWN_CODE, None)
        if reading.from_the_future:
            detail = f"screen {code.slot + 1}, {-reading.age_ms / 1000:.1f} s early"
            self.state.alarm(AlarmKind.FUTURE_CODE, entry.pk, detail)
        refusal = Refusal.STALE_CODE if code.slot in entry.revoked_slots else reading.refusal
        if refusal == Refusal.STALE_CODE and code.slot not in entry.revoked_slots:
            await self._note_late(entry, pass_, read_code(code, relieved(entry.epochs), now_ms=now))
        ticket = self._ticket(
            request,
            entry,
            pass_,
            now=now,
            epoch=reading.epoch,
            slot=code.slot,
            counter=code.counter,
            age_ms=reading.age_ms,
            typed=False,
            refusal=refusal,
        )
        return await self._take(request, entry, pass_, ticket)

    async def typed_page(self, request: Ask) -> Response:
        """Where the eight digits are typed, or the camera of this page is used."""
        pass_ = self._pass(request)
        if pass_ is None:
            return self._to_sign_in("/in")
        return await self._typed_page(request, pass_)

    async def typed(self, request: Ask) -> Response:
        """POST of eight digits: matched only against the classes this student is expected in now."""
        pass_ = self._pass(request)
        if pass_ is None:
            return self._to_sign_in("/in")
        if wait := self.taps.wait(pass_.person, self.state.now_ms()):
            return self._wait(request, wait, "/in")
        digits = clean_typed((await request.form()).get("code", ""))
        if digits is None:
            return await self._typed_page(request, pass_, problem="shape")
        now = self.state.now_ms()
        open_now = await self.state.read(open_now_for, pass_.person, instant(now))
        entries = [entry for pk in open_now if (entry := self.state.known.by_pk.get(pk))]
        if not entries:
            return await self._typed_page(request, pass_, problem="nothing")
        sessions = [entry.session for entry in entries]
        if not await self.state.read(services.spend_try, pass_.person, sessions):
            return self._refused(request, Refusal.TOO_MANY_TRIES, entries[0])
        for entry in entries:
            reading, counter = read_typed(digits, entry.epochs, now_ms=now)
            if reading.refusal == Refusal.UNKNOWN_CODE:
                continue
            await self.state.read(services.forgive_tries, pass_.person, sessions)
            if reading.refusal == Refusal.STALE_CODE:
                await self._note_late(entry, pass_, read_typed(digits, relieved(entry.epochs), now_ms=now)[0])
            ticket = self._ticket(
                request,
                entry,
                pass_,
                now=now,
                epoch=reading.epoch,
                slot=0,
                counter=counter,
                age_ms=reading.age_ms,
                typed=True,
                refusal=reading.refusal,
            )
            return await self._take(request, entry, pass_, ticket)
        return await self._typed_page(request, pass_, problem="wrong")

    async def confirm_page(self, request: Ask) -> Response:
        """After sign-in: the same scan, waiting for one tap."""
        sealed = request.cookies.get(TICKET_COOKIE, "")
        ticket, entry = self._waiting(sealed)
        if ticket is None or entry is None:
            return self._refused(request, Refusal.UNKNOWN_CODE, None)
        return await self._show(request, entry, self._pass(request), ticket, sealed)

    async def confirm(self, request: Ask) -> Response:
        """POST of the tap: the only door that writes a mark. Twice, or a hundred times at once, is once."""
        pass_ = self._pass(request)
        if pass_ is None:
            return self._to_sign_in("/in/confirm")
        sealed = (await request.form()).get("ticket") or request.cookies.get(TICKET_COOKIE, "")
        if wait := self.taps.wait(pass_.person, self.state.now_ms()):
            return self._wait(request, wait, "/in/confirm", sealed)
        ticket, entry = self._waiting(sealed)
        if ticket is None or entry is None:
            return self._refused(request, Refusal.UNKNOWN_CODE, None)
        try:
            outcome = await self._submit(request, pass_, entry, ticket)
        except (Busy, Unavailable):
            return await self._confirm_page(request, pass_, entry, ticket, sealed, busy=True)
        if outcome.counts:
            return self._receipt(request, entry, outcome, await self._name(entry, pass_), ticket)
        refusal = outcome.refusal or Refusal.UNKNOWN_CODE
        note: object = ""
        if refusal in {Refusal.CLOSED, Refusal.NOT_EXPECTED}:
            now = await self.state.read(expected_now, pass_.person, instant(self.state.now_ms()))
            if now is not None:
                note = format_lazy(EXPECTED_NOW, title=now.title, time=clock_text(now.starts_at))
        return self._refused(request, refusal, entry, sealed=sealed, note=note)

    async def tell(self, request: Ask) -> Response:
        """POST: turn a refused attempt into a query, its evidence attached."""
        pass_ = self._pass(request)
        if pass_ is None:
            return self._to_sign_in("/in/confirm")
        sealed = (await request.form()).get("ticket", "")
        if wait := self.taps.wait(pass_.person, self.state.now_ms()):
            return self._wait(request, wait, "/in/query", sealed)
        ticket, entry = self._waiting(sealed)
        if ticket is None or entry is None:
            return self._refused(request, Refusal.UNKNOWN_CODE, None)
        try:
            outcome = await self._submit(request, pass_, entry, ticket)
        except (Busy, Unavailable):
            return self._refused(request, ticket.refusal or Refusal.CLOSED, entry, sealed=sealed, status=503)
        if outcome.counts:
            return self._receipt(request, entry, outcome, await self._name(entry, pass_), ticket)
        evidence = {
            "scan": str(outcome.scan),
            "refusal": outcome.refusal or "",
            "first_seen": instant(ticket.first_seen_ms).isoformat(),
        }
        at = instant(self.state.now_ms())
        await self.state.read(services.query_attempt, entry.session, pass_.person, at=at, evidence=evidence)
        return self._page(request, "told", entry)

    # What the doors share

    def _scans_too_fast(self, request: Ask, pass_: Pass | None, now: int) -> int:
        """Seconds this browser or this account has to wait; 0 when it need not. Who shows neither costs one HMAC."""
        tag = request.cookies.get(DEVICE_COOKIE)
        wait = self.browsers.wait(tag[:64], now) if tag else 0
        return wait or (self.scanners.wait(pass_.person, now) if pass_ else 0)

    async def _note_late(self, entry: Entry, pass_: Pass | None, reading: Reading) -> None:
        """A stale code that a longer grace would have made good, from someone expected: a sign that the grace is too short."""
        if pass_ and reading.refusal is None and pass_.person in await self.state.roster(entry):
            self.state.came_late(entry, pass_.person)

    async def _submit(self, request: Ask, pass_: Pass, entry: Entry, ticket: Ticket) -> Outcome:
        now = self.state.now_ms()
        roster = await self.state.roster(entry)
        facts = entry.facts(frozen=self.state.known.frozen, expected=pass_.person in roster)
        verdict = judge(ticket, person=pass_.person, facts=facts, now_ms=now)
        if verdict == Refusal.PAUSED:
            return Outcome(UUID(bytes=ticket.id), Refusal.PAUSED)  # the same ticket finishes when it goes on
        seen = instant(ticket.first_seen_ms)
        late = seen >= entry.present_until
        device = self._device(request, entry) or ticket.device
        network = self._network(request)
        return await self.writer.submit(
            Attempt(
                ref=UUID(bytes=ids.token(), version=4),
                opening=entry.pk,
                session=entry.session,
                student=pass_.person,
                ticket=UUID(bytes=ticket.id),
                verdict=verdict,
                late=late,
                minutes_late=minutes_late(starts_at=entry.starts_at, at=seen) if late else 0,
                first_seen_at=seen,
                finished_at=instant(now),
                typed=ticket.typed,
                slot=ticket.slot,
                age_ms=ticket.age_ms,
                device=device.hex() if any(device) else "",
                new_device=ticket.new_device,
                network=NETWORKS[network],
                network_changed=network != ticket.network,
                signed_in_after=not ticket.person,
                agent=agent_class(request.header(b"user-agent")),
            )
        )

    def _ticket(
        self,
        request: Ask,
        entry: Entry,
        pass_: Pass | None,
        *,
        now: int,
        epoch: int,
        slot: int,
        counter: int,
        age_ms: int,
        typed: bool,
        refusal: Refusal | None,
    ) -> Ticket:
        device = self._device(request, entry)
        return Ticket(
            id=ids.token(),
            opening=entry.pk,
            epoch=epoch,
            slot=slot,
            counter=counter,
            first_seen_ms=now,
            age_ms=age_ms,
            network=self._network(request),
            typed=typed,
            new_device=device is None,
            device=device or bytes(16),
            person=pass_.person if pass_ else 0,
            expires_ms=now + entry.ticket_seconds * 1000,
            refusal=refusal,
        )

    async def _take(self, request: Ask, entry: Entry, pass_: Pass | None, ticket: Ticket) -> Response:
        """Show what a fresh ticket is good for, and leave it with the browser."""
        sealed = self._sealed(ticket)
        response = await self._show(request, entry, pass_, ticket, sealed)
        # An old picture scanned by mistake does not take away the good scan made before it.
        if ticket.refusal is None or not self._has_good(request, ticket):
            response.keep(TICKET_COOKIE, sealed, seconds=TICKET_KEPT)
        if DEVICE_COOKIE not in request.cookies:
            response.keep(DEVICE_COOKIE, new_device_tag(), seconds=DEVICE_DAYS * 86_400)
        return response

    async def _show(self, request: Ask, entry: Entry, pass_: Pass | None, ticket: Ticket, sealed: str) -> Answer:
        """The page for a ticket that waits: refused, sign in, or confirm."""
        if ticket.refusal is not None:
            return self._refused(request, ticket.refusal, entry, sealed=sealed)
        if pass_ is None:
            return self._page(request, "scanned", entry, scanned=_second(ticket))
        return await self._confirm_page(request, pass_, entry, ticket, sealed)

    def _has_good(self, request: Ask, ticket: Ticket) -> bool:
        held, _entry = self._waiting(request.cookies.get(TICKET_COOKIE, ""))
        return held is not None and held.refusal is None and held.opening == ticket.opening

    def _waiting(self, text: str) -> tuple[Ticket, Entry] | tuple[None, None]:
        """The genuine ticket in `text`, and its opening."""
        ticket = unseal_ticket(text, self.state.keys("ticket/v1")) if text else None
        entry = self.state.known.by_pk.get(ticket.opening) if ticket else None
        return (ticket, entry) if ticket and entry else (None, None)

    def _sealed(self, ticket: Ticket) -> str:
        kid = keyring.current()
        return seal_ticket(ticket, keyring.keys_for("ticket/v1")[kid], kid)

    def _pass(self, request: Ask) -> Pass | None:
        text = request.cookies.get(PASS_COOKIE)
        return self.state.believe(text) if text else None

    def _device(self, request: Ask, entry: Entry) -> bytes | None:
        tag = request.cookies.get(DEVICE_COOKIE)
        return device_hash(tag[:64], entry.device_key) if tag else None

    def _network(self, request: Ask) -> int:
        return network_class(request.peer, request.forwarded_for)

    def _own(self, door: Callable[[Ask], Awaitable[Response]]) -> Callable[[Ask], Awaitable[Response]]:
        """Only our own pages may post here."""

        async def checked(request: Ask) -> Response:
            if not request.is_ours():
                return Answer(b"Open the check-in page itself and try again.", 403, b"text/plain")
            return await door(request)

        return checked

    # Pages

    def _page(
        self,
        request: Ask,
        template: str,
        entry: Entry | None,
        shape: tuple[object, ...] = (),
        context: Mapping[str, object] | None = None,
        status: int = 200,
        **values: object,
    ) -> Answer:
        """A page of the gate. `shape` names what of `context` changes the page itself; `values` only fill it in."""
        language = language_of(request.cookies.get(settings.LANGUAGE_COOKIE_NAME, ""), request.header(b"accept-language"))
        if entry is not None:
            values |= {"title": entry.title, "rooms": entry.rooms, "starts": entry.starts, "ends": entry.ends}
        kind = entry.kind if entry else ""
        return Answer(self.pages.fill(template, (kind, *shape), language, kind, context or {}, values), status)

    async def _confirm_page(
        self, request: Ask, pass_: Pass, entry: Entry, ticket: Ticket, sealed: str, *, busy: bool = False
    ) -> Answer:
        name = await self._name(entry, pass_)
        check = entry.is_for_check(ticket.epoch)
        answer = self._page(
            request,
            "confirm",
            entry,
            (busy, check),
            {"busy": busy, "check": check},
            503 if busy else 200,
            name=name.name,
            number=name.number,
            scanned=_second(ticket),
            ticket=sealed,
        )
        return self._later(answer) if busy else answer

    def _away(self, request: Ask) -> Answer:
        """The database does not answer, and this request needs it."""
        held = TICKET_COOKIE in request.cookies
        return self._later(self._page(request, "away", None, (held,), {"held": held}, 503))

    def _later(self, answer: Answer) -> Answer:
        answer.add(b"retry-after", str(random.randint(2, 6)))  # noqa: S311 - spreads retries, guards nothing
        return answer

    async def _name(self, entry: Entry, pass_: Pass) -> Name:
        return (await self.state.roster(entry)).get(pass_.person) or await self.state.name_of(pass_.person)

    def _receipt(self, request: Ask, entry: Entry, outcome: Outcome, name: Name, ticket: Ticket) -> Answer:
        checked = outcome.refusal == Refusal.ALREADY_IN and entry.is_for_check(ticket.epoch)
        already = outcome.refusal == Refusal.ALREADY_IN
        reference = ids.encode(outcome.scan.int >> 98, 6)
        when = clock_text(outcome.at.replace(second=0, microsecond=0)) if outcome.at else ""
        return self._page(
            request,
            "receipt",
            entry,
            (already, checked, outcome.status),
            {"already": already, "checked": checked, "status": outcome.status},
            name=name.name,
            time=when,
            scanned=_second(ticket),
            receipt=f"{reference[:4]}-{reference[4:]}",
        )

    def _refused(
        self, request: Ask, refusal: Refusal, entry: Entry | None, *, sealed: str = "", note: object = "", status: int = 200
    ) -> Answer:
        what, text, symbol = REFUSALS[refusal]
        signed_in = self._pass(request) is not None
        if refusal == Refusal.TOO_EARLY and entry is not None:
            note = format_lazy(OPENS_AT, time=clock_text(entry.opens_at))
        tell = refusal in TELL and signed_in and bool(sealed)
        context = {
            "refusal": refusal.value,
            "what": what,
            "text": text,
            "symbol": symbol,
            "tell": tell,
            "typed": refusal in TYPED,
            "sign_in": refusal in TELL and not signed_in,
            "noted": bool(note),
        }
        return self._page(
            request, "refused", entry, (refusal, tell, signed_in, bool(note)), context, status, note=note, ticket=sealed
        )

    async def _typed_page(self, request: Ask, pass_: Pass, problem: str = "") -> Answer:
        name = await self.state.name_of(pass_.person)
        context = {"problem": TYPED_PROBLEMS.get(problem, "")}
        answer = self._page(request, "typed", None, (problem,), context, name=name.name, number=name.number)
        answer.let_a_camera_in()
        return answer

    def _wait(self, request: Ask, seconds: int, then: str, sealed: str = "") -> Answer:
        """Too fast: where to go on in a moment, the ticket kept. A ticket in `sealed` is posted to `then` again."""
        answer = self._page(
            request,
            "wait",
            None,
            (then, bool(sealed)),
            {"then": then, "held": bool(sealed)},
            429,
            ticket=sealed,
            seconds=seconds,
        )
        answer.add(b"retry-after", str(seconds))
        return answer

    def _to_sign_in(self, then: str) -> Answer:
        answer = Answer(b"", 303)
        answer.add(b"location", f"/sign-in/?next={then}")
        return answer


def _second(ticket: Ticket) -> str:
    """When it was scanned, to the second."""
    return clock_text(instant(ticket.first_seen_ms // 1000 * 1000), "%H:%M:%S")
