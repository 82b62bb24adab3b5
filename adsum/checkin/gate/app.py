"""The gate's four doors: read a code, type a code, confirm, tell the lecturer. Only the confirming tap writes a mark."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from django.db import Error
from django.utils.text import format_lazy
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adsum.attendance.rules import minutes_late
from adsum.checkin import services
from adsum.checkin.codes import (
    Pass,
    Reading,
    Remembered,
    browser_name,
    clean_typed,
    parse_code,
    read_code,
    read_typed,
    relieved,
    seal_remembered,
)
from adsum.checkin.gate.answers import Answers, Lead, no_lead
from adsum.checkin.gate.entries import Entry, clock_text, instant
from adsum.checkin.gate.evidence import DEVICE_DAYS, agent_class, device_hash, new_device_tag
from adsum.checkin.gate.http import DEVICE_COOKIE, KNOWN_COOKIE, PASS_COOKIE, TICKET_COOKIE, Answer, Ask, NeverCame
from adsum.checkin.gate.limits import Limit
from adsum.checkin.gate.pages import EXPECTED_NOW, TYPE_FOR_CHECK, TYPE_LATE, TYPE_NOW
from adsum.checkin.gate.returned import Returned
from adsum.checkin.gate.state import State
from adsum.checkin.gate.tickets import Tickets, Waiting, device_of, network_of
from adsum.checkin.reports import expected_now, open_now_for
from adsum.checkin.rules import NETWORKS, RENEWED_EVERY_MS, Attempt, Outcome, Refusal, judge
from adsum.checkin.slowness import Sign, sign_ins
from adsum.checkin.writer import Busy, Unavailable, Writer
from adsum.core import ids, keyring

log = structlog.get_logger("adsum.gate")

TICKET_KEPT = 24 * 3_600
"""How long a browser keeps its ticket, in seconds: an outage declared later can still make it good for that long."""

__all__ = ["DEVICE_COOKIE", "PASS_COOKIE", "TICKET_COOKIE", "Gate"]


class Gate:
    """Everything the gate's doors need, for one process."""

    def __init__(self, state: State, writer: Writer, lead: Lead = no_lead) -> None:
        self.state = state
        self.writer = writer
        self.answers = Answers(state, lead)
        self.tickets = Tickets(state)
        # A hundred taps at once get a hundred answers (docs/check-in.md); a script that keeps trying does not.
        self.taps = Limit(a_minute=30, at_once=120)
        self.browsers = Limit(a_minute=120, at_once=120)
        self.scanners = Limit(a_minute=120, at_once=120)
        returned = Returned(state, self.answers, self.tickets, writer, self._submit, self.taps)
        self.doors: dict[str, dict[str, Callable[[Ask], Awaitable[Response]]]] = {
            "/in": {"GET": self.typed_page},
            "/in/code": {"POST": self._own(self.typed)},
            "/in/confirm": {"GET": self.confirm_page, "POST": self._own(self.confirm)},
            "/in/query": {"POST": self._own(self.tell)},
            "/in/offline": {"GET": self.offline_page},
            "/in/kept": {"POST": self._own(returned.kept)},
            "/in/acknowledged": {"POST": self._own(returned.acknowledged)},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A look-up takes the place of a router because most requests come here."""
        request = Ask(scope, receive)
        doors = self.doors.get(scope["path"]) or {"GET": self.scan}
        door = doors.get("GET" if scope["method"] == "HEAD" else scope["method"])
        try:
            if not self.state.known.version:  # nothing has been read yet, so every code would look unknown
                await self.state.refresh(at_most_every=0.2)
            response = await door(request) if door else Answer(b"", 405, b"text/plain")
        except Error as failure:
            log.warning("gate.away", why=str(failure))
            response = self.answers.away(request)
        except NeverCame:
            response = Answer(
                b"What was to be sent did not arrive in time. Please send it again.", 408, b"text/plain; charset=utf-8"
            )
        except Exception:
            log.exception("gate.broken")
            response = Answer(b"Something went wrong here. Please try again.", 500, b"text/plain; charset=utf-8")
        await response(scope, receive, send)

    # Doors

    async def scan(self, request: Ask) -> Response:
        """GET of a code: read it, and keep what it proves in a ticket. Writes nothing, so prefetching it does no harm."""
        now = self.state.now_ms()
        pass_ = self.answers.pass_of(request)
        if wait := self._scans_too_fast(request, pass_, now):
            return self.answers.wait(request, wait, "/in/confirm" if TICKET_COOKIE in request.cookies else "")
        code = parse_code(request.path[1:])
        entry = await self.state.entry_for(code.handle) if code else None
        if code is None:
            return self.answers.refused(request, Refusal.UNKNOWN_CODE, None)
        reading = read_code(code, entry.epochs if entry else (), now_ms=now)
        if entry is None or reading.refusal == Refusal.UNKNOWN_CODE:
            return self.answers.refused(request, Refusal.UNKNOWN_CODE, None)
        if reading.from_the_future:
            self.state.early(entry.pk, code.slot, reading.age_ms)
        revoked = code.slot in entry.revoked_slots
        if reading.refusal == Refusal.STALE_CODE and not revoked:
            await self._note_late(entry, pass_, read_code(code, relieved(entry.epochs), now_ms=now))
        refusal = Refusal.STALE_CODE if revoked else reading.refusal
        return await self._take(
            request, entry, pass_, reading, now=now, slot=code.slot, counter=code.counter, typed=False, refusal=refusal
        )

    async def typed_page(self, request: Ask) -> Response:
        """The page to type the eight digits, or to scan with the page's camera."""
        pass_ = self.answers.pass_of(request)
        if pass_ is None:
            return self.answers.to_sign_in("/in")
        return await self.answers.typed(request, pass_)

    async def typed(self, request: Ask) -> Response:
        """POST of eight digits: matched only against the classes this student is expected in now."""
        pass_ = self.answers.pass_of(request)
        if pass_ is None:
            return self.answers.to_sign_in("/in")
        if wait := self.taps.wait(pass_.person, self.state.now_ms()):
            return self.answers.wait(request, wait, "/in")
        digits = clean_typed((await request.form()).get("code", ""))
        if digits is None:
            return await self.answers.typed(request, pass_, problem="shape")
        now = self.state.now_ms()
        open_now = await self.state.read(open_now_for, pass_.person, instant(now))
        entries = [entry for pk in open_now if (entry := self.state.known.by_pk.get(pk))]
        if not entries:
            return await self.answers.typed(request, pass_, problem="nothing")
        sessions = [entry.session for entry in entries]
        if not await self.state.read(services.spend_try, pass_.person, sessions):
            reading, refusal = Reading(Refusal.TOO_MANY_TRIES), Refusal.TOO_MANY_TRIES
            tried = max(entries, key=lambda entry: (entry.starts_at <= instant(now), entry.starts_at))  # the one they sit in
            return await self._take(request, tried, pass_, reading, now=now, slot=0, counter=0, typed=True, refusal=refusal)
        for entry in entries:
            reading, counter = read_typed(digits, entry.epochs, now_ms=now)
            if reading.refusal == Refusal.UNKNOWN_CODE:
                continue
            await self.state.read(services.forgive_tries, pass_.person, sessions)
            if reading.refusal == Refusal.STALE_CODE:
                await self._note_late(entry, pass_, read_typed(digits, relieved(entry.epochs), now_ms=now)[0])
            return await self._take(
                request, entry, pass_, reading, now=now, slot=0, counter=counter, typed=True, refusal=reading.refusal
            )
        return await self.answers.typed(request, pass_, problem="wrong")

    async def confirm_page(self, request: Ask) -> Response:
        """After sign-in: the same scan waits for one tap. A browser without a scan ("Open in browser") can get one here."""
        pass_ = self.answers.pass_of(request)
        waiting = self.tickets.kept(request)
        if waiting is None:
            return await self.answers.typed(request, pass_, lost=True)
        return await self.answers.show(request, pass_, waiting, request.device_tag)

    async def offline_page(self, request: Ask) -> Response:
        """What a phone keeps for when it has no network."""
        return self.answers.offline(request)

    async def confirm(self, request: Ask) -> Response:
        """POST of the tap: the only door that writes a mark. Many taps, even at once, make one mark."""
        return await self._tap(request, "/in/confirm", self._refuse)

    async def tell(self, request: Ask) -> Response:
        """POST: turn a refused attempt into a query, its evidence attached."""
        return await self._tap(request, "/in/query", self._raise_query)

    # What the doors share

    async def _tap(
        self, request: Ask, door: str, otherwise: Callable[[Ask, Pass, Waiting, Outcome], Awaitable[Response]]
    ) -> Response:
        """Write down an attempt. Answer with a receipt, or with the page from `otherwise` when the student is not in."""
        pass_ = self.answers.pass_of(request)
        if pass_ is None:
            return self.answers.to_sign_in("/in/confirm")
        sealed = (await request.form()).get("ticket") or request.cookies.get(TICKET_COOKIE, "")
        if wait := self.taps.wait(pass_.person, self.state.now_ms()):
            return self.answers.wait(request, wait, door, sealed)
        waiting = self.tickets.at_tap(request, sealed)
        if waiting is None:
            return self.answers.refused(request, Refusal.UNKNOWN_CODE, None)
        try:
            outcome = await self._submit(request, pass_, waiting)
        except (Busy, Unavailable):
            if waiting.ticket.refusal is None and door == "/in/confirm":
                return await self.answers.confirm(request, pass_, waiting, busy=True)
            refusal = waiting.ticket.refusal or Refusal.CLOSED
            return self.answers.refused(request, refusal, waiting.entry, sealed=waiting.sealed, status=503)
        if outcome.counts:
            receipt = await self.answers.receipt(request, pass_, waiting, outcome)
            if pass_.remembered:
                self._renew(request, pass_, receipt)
            return receipt
        return await otherwise(request, pass_, waiting, outcome)

    def _renew(self, request: Ask, pass_: Pass, answer: Answer) -> None:
        """A known browser that was used to check in is known for the whole time again, from now on."""
        now, kid = self.state.now_ms(), keyring.current()
        if now - pass_.issued_ms >= RENEWED_EVERY_MS:
            proof = Remembered(pass_.person, pass_.sign_in, browser_name(request.device_tag), now)
            sealed = seal_remembered(proof, keyring.keys_for("remembered/v1")[kid], kid)
            answer.keep(KNOWN_COOKIE, sealed, seconds=self.state.known.remember_days * 86_400)
            self.state.was_used(pass_)

    async def _refuse(self, request: Ask, pass_: Pass, waiting: Waiting, outcome: Outcome) -> Response:
        """Say why the attempt was refused, and where to go instead."""
        sealed, ticket, entry = waiting
        refusal = outcome.refusal or Refusal.UNKNOWN_CODE
        now = self.state.now_ms()
        note: object = ""
        if refusal in {Refusal.CLOSED, Refusal.NOT_EXPECTED}:
            elsewhere = await self.state.read(expected_now, pass_.person, instant(now))
            if elsewhere is not None:
                note = format_lazy(EXPECTED_NOW, title=elsewhere.title, time=clock_text(elsewhere.starts_at))
        elif refusal == Refusal.OTHER_BROWSER and not entry.is_over(now, pass_.person):
            turns_late = instant(ticket.first_seen_ms) < entry.window(pass_.person).present_until <= instant(now)
            note = TYPE_FOR_CHECK if entry.is_for_check(ticket.epoch) else TYPE_LATE if turns_late else TYPE_NOW
        kept = self.answers.acknowledgement(pass_, waiting, outcome)
        return self.answers.refused(request, refusal, entry, sealed=sealed, note=note, kept=kept)

    async def _raise_query(self, request: Ask, pass_: Pass, waiting: Waiting, outcome: Outcome) -> Response:
        seen = instant(waiting.ticket.first_seen_ms).isoformat()
        evidence = {"scan": str(outcome.scan), "refusal": outcome.refusal or "", "first_seen": seen}
        at = instant(self.state.now_ms())
        await self.state.read(services.query_attempt, waiting.entry.session, pass_.person, at=at, evidence=evidence)
        return self.answers.page(request, "told", waiting.entry)

    async def _submit(self, request: Ask, pass_: Pass, waiting: Waiting) -> Outcome:
        """Judge what can be judged without the register, and have the rest written."""
        _sealed, ticket, entry = waiting
        now = self.state.now_ms()
        roster = await self.state.roster(entry)
        window = entry.window(pass_.person)
        slow = self.state.was_slow(ticket.first_seen_ms)
        facts = entry.facts(window, frozen=self.state.known.frozen, expected=pass_.person in roster, slow=slow)
        if not ticket.person and pass_.issued_ms > ticket.first_seen_ms:
            way = (pass_.issued_ms - ticket.first_seen_ms) / 1000
            sign_ins.saw(Sign.WAY, way, now=time.monotonic(), whose=pass_.person)
        browser = device_of(request, entry)
        verdict = judge(ticket, person=pass_.person, facts=facts, now_ms=now, device=browser)
        if verdict == Refusal.PAUSED:
            return Outcome(UUID(bytes=ticket.id), Refusal.PAUSED)  # the same ticket finishes when check-in goes on
        seen = instant(ticket.first_seen_ms)
        late = seen >= window.present_until
        device = browser or ticket.device
        network = network_of(request)
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
                remembered=pass_.remembered,
                elsewhere=entry.is_for_check(ticket.epoch) and (ticket.unproven or not ticket.is_of(browser)),
            )
        )

    async def _take(
        self,
        request: Ask,
        entry: Entry,
        pass_: Pass | None,
        reading: Reading,
        *,
        now: int,
        slot: int,
        counter: int,
        typed: bool,
        refusal: Refusal | None,
    ) -> Response:
        """Make the ticket, show its page, and leave it with the browser. A browser without a tag gets one first."""
        tag = request.device_tag or new_device_tag()
        device = device_hash(tag, entry.device_key)
        waiting = self.tickets.make(
            request, entry, pass_, reading, now=now, device=device, slot=slot, counter=counter, typed=typed, refusal=refusal
        )
        response = await self.answers.show(request, pass_, waiting, tag)
        # Scanning an old picture by mistake does not replace the good scan made before it.
        if refusal is None or not self.tickets.has_good(request, device, entry):
            response.keep(TICKET_COOKIE, waiting.sealed, seconds=TICKET_KEPT)
        if not request.device_tag:
            response.keep(DEVICE_COOKIE, tag, seconds=DEVICE_DAYS * 86_400)
        return response

    def _scans_too_fast(self, request: Ask, pass_: Pass | None, now: int) -> int:
        """Seconds this browser or this account has to wait; 0 when it need not. A browser with neither costs one HMAC."""
        wait = self.browsers.wait(request.device_tag, now) if request.device_tag else 0
        return wait or (self.scanners.wait(pass_.person, now) if pass_ else 0)

    async def _note_late(self, entry: Entry, pass_: Pass | None, reading: Reading) -> None:
        """Note a stale code of an expected student that a longer grace would have accepted: the grace may be too short."""
        if pass_ and reading.refusal is None and pass_.person in await self.state.roster(entry):
            self.state.came_late(entry, pass_.person)

    def _own(self, door: Callable[[Ask], Awaitable[Response]]) -> Callable[[Ask], Awaitable[Response]]:
        """Wrap a door so that only our own pages may post to it."""

        async def checked(request: Ask) -> Response:
            if not request.is_ours():
                return Answer(b"Open the check-in page itself and try again.", 403, b"text/plain")
            return await door(request)

        return checked
