"""What phones bring back: scans they kept while they had no network, and acknowledgements they ask about. Answers are JSON for
the page that asked; each says in words what happened, in the page's language."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from adsum.checkin import recovered
from adsum.checkin.acknowledgements import KEPT_FOR_MS, MOST_ASKED, Acknowledgement, is_account_of, unseal_acknowledgement
from adsum.checkin.codes import KeptReading, Pass, parse_code, read_kept, seal_ticket
from adsum.checkin.gate.answers import Answers
from adsum.checkin.gate.entries import Entry, clock_text, instant
from adsum.checkin.gate.evidence import DEVICE_DAYS, device_hash, new_device_tag
from adsum.checkin.gate.http import DEVICE_COOKIE, Answer, Ask
from adsum.checkin.gate.limits import Limit
from adsum.checkin.gate.pages import REFUSALS, TELL, language_of
from adsum.checkin.gate.state import State
from adsum.checkin.gate.tickets import Tickets, Waiting, network_of
from adsum.checkin.recovered import Place
from adsum.checkin.rules import OUTAGE_TICKET_MS, Attempt, Outcome, Refusal, Ticket
from adsum.checkin.writer import Busy, Unavailable, Writer
from adsum.core import keyring

IN = _("You’re in")
TOO_OLD = (
    _("This scan is too old to be checked"),
    _("It was kept on this phone for more than twenty hours. Say “I was there” on that class’s page in your record."),
)
ARRIVED = _("Your scan of {title} from {time} has arrived, and is kept. If you were there, tell your lecturer.")
HELD_TEXT = _("{title}, {time}. {text}")
FOR_CHECK = (
    _("Your scan came too late for the second check"),
    _("Only your phone can say when you scanned. It is kept; tell your lecturer that you were there."),
)
NOT_OURS = (_("This is not a check-in code"), _("It was scanned without a network, and it is not one of our codes."))

_AGO = re.compile(r"(\d{1,11})(\.\d{1,9})?", re.ASCII)

Submit = Callable[[Ask, Pass, Waiting], Awaitable[Outcome]]


class Returned:
    """The two doors at which phones bring something back."""

    def __init__(self, state: State, answers: Answers, tickets: Tickets, writer: Writer, submit: Submit, taps: Limit) -> None:
        self.state, self.answers, self.tickets, self.writer = state, answers, tickets, writer
        self._submit, self._taps = submit, taps

    async def kept(self, request: Ask) -> Answer:
        """POST: a scan that this phone kept. Judged and written as every other one; a time that only the phone knows makes it a
        held scan."""
        pass_ = self.answers.pass_of(request)
        if pass_ is None:
            return _answer("sign_in", status=401)
        form = await request.form()
        if not is_account_of(pass_.person, form.get("whose", ""), keyring.keys_for("account/v1")):
            return _answer("another")
        now = self.state.now_ms()
        if wait := self._taps.wait(pass_.person, now):
            return _later(wait)
        tag = request.device_tag or new_device_tag()
        waiting = self._proven(pass_, form.get("ticket", "")) or await self._read(request, pass_, form, tag, now)
        answer = waiting if isinstance(waiting, Answer) else await self._write(request, pass_, waiting, now)
        if not request.device_tag:
            answer.keep(DEVICE_COOKIE, tag, seconds=DEVICE_DAYS * 86_400)
        return answer

    def _proven(self, pass_: Pass, sealed: str) -> Waiting | None:
        """A scan whose time was proven when it was first sent, and that could not be written then."""
        waiting = self.tickets.read(sealed)
        mine = waiting is not None and waiting.ticket.person == pass_.person and waiting.ticket.refusal is None
        return waiting if mine else None

    async def _read(self, request: Ask, pass_: Pass, form: dict[str, str], tag: str, now: int) -> Waiting | Answer:
        """What the code proves together with what the phone says; or the answer, when it is no scan."""
        ago, code = _AGO.fullmatch(form.get("ago", "")), parse_code(form.get("code", ""))
        if code is None:
            return self._said(request, "unknown", *NOT_OURS)
        if ago is None:  # never taken for "just now": the phone goes on keeping it
            return _answer("unreadable", status=400)
        ago_ms, entry = int(ago[1]), await self.state.entry_for(code.handle)
        if ago_ms > KEPT_FOR_MS or entry is None:
            return self._said(request, "unknown", *TOO_OLD)
        read = read_kept(code, entry.epochs, ago_ms=ago_ms, now_ms=now, edges=entry.edges(pass_.person))
        if entry.is_for_check(read.reading.epoch):  # a second check takes only what is proven, at whatever time
            read = read_kept(code, entry.epochs, ago_ms=ago_ms, now_ms=now)
        if read.reading.refusal == Refusal.UNKNOWN_CODE:
            return self._said(request, "unknown", *NOT_OURS)
        if read.reading.from_the_future:
            self.state.early(entry.pk, code.slot, read.reading.age_ms)
        ticket = self._ticket(request, entry, pass_, read, tag=tag, slot=code.slot, counter=code.counter)
        if code.slot in entry.revoked_slots:
            ticket = replace(ticket, refusal=Refusal.STALE_CODE)
        return Waiting("", ticket, entry)

    async def _write(self, request: Ask, pass_: Pass, waiting: Waiting, now: int) -> Answer:
        """Have it written; or keep the proof of its time with the phone, until it can be."""
        ticket = waiting.ticket
        proof = self._sealed(ticket, None) if ticket.refusal is None and not ticket.unproven else ""
        try:
            outcome = await self._submit(request, pass_, waiting)
        except (Busy, Unavailable, Error):
            return _later(5, proof)
        if outcome.refusal == Refusal.PAUSED:
            return _later(60, proof)
        await self.state.read(recovered.query_if_closed, outcome.scan, at=instant(now))
        return self._tell(request, pass_, waiting, outcome)

    def _ticket(
        self, request: Ask, entry: Entry, pass_: Pass, read: KeptReading, *, tag: str, slot: int, counter: int
    ) -> Ticket:
        """The ticket this scan would have had. The same code of the same student is one scan, however often it is sent."""
        one = f"{entry.pk}|{read.reading.epoch}|{counter}|{pass_.person}".encode()
        return Ticket(
            id=blake2b(one, digest_size=16, person=b"adsum kept").digest(),
            opening=entry.pk,
            epoch=read.reading.epoch,
            slot=slot,
            counter=counter,
            first_seen_ms=read.seen_ms,
            age_ms=read.reading.age_ms,
            network=network_of(request),
            typed=False,
            new_device=not request.device_tag,
            device=device_hash(tag, entry.device_key),
            person=pass_.person,
            expires_ms=read.seen_ms + OUTAGE_TICKET_MS,
            refusal=read.reading.refusal,
            unproven=not read.proven,
        )

    def _tell(self, request: Ask, pass_: Pass, waiting: Waiting, outcome: Outcome) -> Answer:
        ticket, entry = waiting.ticket, waiting.entry
        time = clock_text(instant(ticket.first_seen_ms // 60_000 * 60_000))
        kept = self.answers.acknowledgement(pass_, waiting, outcome)
        if outcome.counts:
            return self._said(request, "in", IN, f"{entry.title}, {time}", kept=kept)
        refusal = outcome.refusal or Refusal.UNKNOWN_CODE
        if entry.is_for_check(ticket.epoch):
            return self._said(request, "refused", *FOR_CHECK, kept=kept)
        what, text, _symbol = REFUSALS[refusal]
        if kept:
            text = format_lazy(HELD_TEXT, title=entry.title, time=time, text=text)
            return self._said(request, "held", what, text, kept=kept, tell=self._sealed(ticket, refusal))
        tell = self._sealed(ticket, refusal) if refusal in TELL else ""
        text = format_lazy(ARRIVED, title=entry.title, time=time) if tell else text
        return self._said(request, "refused", what, text, tell=tell)

    def _sealed(self, ticket: Ticket, refusal: Refusal | None) -> str:
        """The ticket as proof: of its time; or with a refusal in it, of an attempt that makes no mark."""
        kid = keyring.current()
        return seal_ticket(replace(ticket, refusal=refusal, unproven=False), keyring.keys_for("ticket/v1")[kid], kid)

    async def acknowledged(self, request: Ask) -> Answer:
        """POST: are these scans recorded still? One that is gone becomes a held scan again, however old it is."""
        pass_ = self.answers.pass_of(request)
        if pass_ is None:
            return _answer("sign_in", status=401)
        now = self.state.now_ms()
        if wait := self._taps.wait(pass_.person, now):
            return _later(wait)
        texts = (await request.form()).get("kept", "").split()[:MOST_ASKED]
        keys = keyring.keys_for("acknowledgement/v1")
        read = [unseal_acknowledgement(text, keys) for text in texts]
        mine = [one for one in read if one and one.person == pass_.person]
        found = await self.state.read(recovered.standing, mine, pass_.person)
        answers = []
        for one in read:
            if one is None or one.person != pass_.person:
                answers.append({"state": "another" if one else "unknown"})
                continue
            ref = UUID(bytes=one.scan)
            if ref in found.signed:
                answers.append({"state": "signed", "receipt": f"/record/classes/{found.signed[ref]}/receipt.txt"})
            elif ref in found.recorded:
                answers.append({"state": "recorded"})
            else:
                try:
                    answers.append({"state": await self._take_back(one, found.places.get(UUID(bytes=one.session)))})
                except (Busy, Unavailable):
                    return _later(5)
        return _json({"state": "told", "scans": answers})

    async def _take_back(self, one: Acknowledgement, place: Place | None) -> str:
        """Write down again what had been lost; tell those who run the servers."""
        at, seen = instant(self.state.now_ms()), instant(one.seen_ms)
        if place is not None and place.opening is not None:
            outcome = await self.writer.submit(
                Attempt(
                    ref=UUID(bytes=one.scan),
                    opening=place.opening,
                    session=place.session,
                    student=one.person,
                    ticket=UUID(bytes=one.ticket),
                    verdict=Refusal.RECOVERED if place.expected else Refusal.NOT_EXPECTED,
                    late=one.kept_as == "late",
                    minutes_late=0,
                    first_seen_at=seen,
                    finished_at=at,
                    typed=None,
                    slot=None,
                    age_ms=None,
                    device="",
                    new_device=None,
                    network="",
                    network_changed=None,
                    signed_in_after=None,
                    agent="",
                    remembered=None,
                )
            )
            await self.state.read(recovered.query_if_closed, outcome.scan, at=at)
        await self.state.read(recovered.tell_of_lost, place, one, seen_at=seen, at=at)
        if place is None:
            return "lost"
        return "recovered" if place.opening is not None else "queried"

    def _said(self, request: Ask, state: str, title: object, text: object, **more: str) -> Answer:
        language = language_of(request.cookies.get(settings.LANGUAGE_COOKIE_NAME, ""), request.header(b"accept-language"))
        with translation.override(language):
            return _json({"state": state, "title": str(title), "text": str(text), **more})


def _json(said: object, status: int = 200) -> Answer:
    return Answer(json.dumps(said).encode(), status, b"application/json")


def _answer(state: str, *, status: int = 200) -> Answer:
    return _json({"state": state}, status)


def _later(seconds: int, ticket: str = "") -> Answer:
    """Not now: the phone goes on keeping it, and with it the ticket, if there is one."""
    answer = _json({"state": "later", **({"ticket": ticket} if ticket else {})}, 503)
    answer.add(b"retry-after", str(seconds))
    return answer
