"""What the gate answers: a page for each thing that can have happened."""

import random
from collections.abc import Callable, Mapping

from django.conf import settings
from django.utils.text import format_lazy

from adsum.checkin.acknowledgements import KEPT_AS, Acknowledgement, account_name, receipt_number, seal_acknowledgement
from adsum.checkin.codes import Pass
from adsum.checkin.gate.entries import Entry, clock_text, instant
from adsum.checkin.gate.http import KNOWN_COOKIE, PASS_COOKIE, PROVIDER_COOKIE, SHARED_COOKIE, TICKET_COOKIE, Answer, Ask
from adsum.checkin.gate.pages import OPENS_AT, REFUSALS, TELL, TYPED, TYPED_PROBLEMS, Pages, language_of
from adsum.checkin.gate.state import State
from adsum.checkin.gate.tickets import Waiting
from adsum.checkin.rules import HELD, Outcome, Refusal, Ticket
from adsum.core import keyring
from adsum.timetable.reports import Name

TO_SIGN_IN = "/sign-in/?next=/in/confirm"
Lead = Callable[[str, str, int], str]
"""Where the page of a scan leads, given the provider and the tag that this browser keeps, and the time: straight to a
provider, or '' when people are asked for their e-mail first."""


def no_lead(_provider: str, _device_tag: str, _now_ms: int) -> str:
    """A gate that knows of no provider."""
    return ""


class Answers:
    """The gate's pages, filled in for one student and class at a time."""

    def __init__(self, state: State, lead: Lead = no_lead) -> None:
        self.state = state
        self.pages = Pages()
        self._lead = lead

    def pass_of(self, request: Ask) -> Pass | None:
        """The sign-in that this browser's pass proves, or that it is known without one; None when it is neither."""
        text, known = request.cookies.get(PASS_COOKIE), request.cookies.get(KNOWN_COOKIE)
        pass_ = self.state.believe(text) if text else None
        if pass_ is None and known and SHARED_COOKIE not in request.cookies:
            return self.state.recognise(known, request.device_tag)
        return pass_

    def page(
        self,
        request: Ask,
        template: str,
        entry: Entry | None,
        shape: tuple[object, ...] = (),
        context: Mapping[str, object] | None = None,
        status: int = 200,
        **values: object,
    ) -> Answer:
        """A page of the gate. `shape` names the parts of `context` that change the page itself; `values` only fill it in."""
        language = language_of(request.cookies.get(settings.LANGUAGE_COOKIE_NAME, ""), request.header(b"accept-language"))
        if entry is not None:
            values |= {"title": entry.title, "rooms": entry.rooms, "starts": entry.starts, "ends": entry.ends}
        kind = entry.kind if entry else ""
        return Answer(self.pages.fill(template, (kind, *shape), language, kind, context or {}, values), status)

    async def show(self, request: Ask, pass_: Pass | None, waiting: Waiting, device_tag: str) -> Answer:
        """The page for a ticket that waits in the browser with this tag: refused, sign in, or confirm."""
        sealed, ticket, entry = waiting
        if ticket.refusal is not None:
            return self.refused(request, ticket.refusal, entry, sealed=sealed)
        if pass_ is None:
            now_ms = self.state.now_ms()
            go = self._lead(request.cookies.get(PROVIDER_COOKIE, ""), device_tag, now_ms) if device_tag else ""
            told = {"straight": bool(go), "slow": self.state.was_slow(now_ms)}
            return self.page(
                request, "scanned", entry, tuple(told.values()), told, scanned=_second(ticket), go=go or TO_SIGN_IN
            )
        return await self.confirm(request, pass_, waiting)

    async def confirm(self, request: Ask, pass_: Pass, waiting: Waiting, *, busy: bool = False) -> Answer:
        """The page to confirm: the name, the class, the time of the scan, and one button."""
        sealed, ticket, entry = waiting
        name = await self._name(entry, pass_)
        check = entry.is_for_check(ticket.epoch)
        answer = self.page(
            request,
            "confirm",
            entry,
            (busy, check, pass_.remembered),
            {"busy": busy, "check": check, "remembered": pass_.remembered},
            503 if busy else 200,
            name=name.name,
            number=name.number,
            scanned=_second(ticket),
            ticket=sealed,
            account=_account(pass_),
        )
        return self._later(answer) if busy else answer

    async def receipt(self, request: Ask, pass_: Pass, waiting: Waiting, outcome: Outcome) -> Answer:
        """The receipt: the student is in, just now or from before."""
        _sealed, ticket, entry = waiting
        already = outcome.refusal == Refusal.ALREADY_IN
        checked = already and entry.is_for_check(ticket.epoch)
        window = entry.window(pass_.person)
        when = clock_text(outcome.at.replace(second=0, microsecond=0)) if outcome.at else ""
        return self.page(
            request,
            "receipt",
            entry,
            (already, checked, outcome.status, pass_.remembered),
            {"already": already, "checked": checked, "status": outcome.status, "remembered": pass_.remembered},
            name=(await self._name(entry, pass_)).name,
            time=when,
            scanned=_second(ticket),
            present=clock_text(window.present_until),
            late=clock_text(window.late_until),
            receipt=receipt_number(outcome.scan),
            kept=self.acknowledgement(pass_, waiting, outcome),
            account=_account(pass_),
        )

    def acknowledgement(self, pass_: Pass, waiting: Waiting, outcome: Outcome) -> str:
        """What the phone keeps of a scan that is recorded now, counted or held; '' of any other."""
        if outcome.refusal is not None and outcome.refusal not in HELD:
            return ""
        kept_as = outcome.status if outcome.refusal is None else "held"
        one = Acknowledgement(
            scan=outcome.scan.bytes,
            ticket=waiting.ticket.id,
            session=waiting.entry.ref,
            person=pass_.person,
            kept_as=kept_as if kept_as in KEPT_AS else "present",
            seen_ms=waiting.ticket.first_seen_ms,
            made_ms=self.state.now_ms(),
        )
        kid = keyring.current()
        return seal_acknowledgement(one, keyring.keys_for("acknowledgement/v1")[kid], kid)

    def refused(
        self,
        request: Ask,
        refusal: Refusal,
        entry: Entry | None,
        *,
        sealed: str = "",
        note: object = "",
        status: int = 200,
        kept: str = "",
    ) -> Answer:
        """The page of a refusal: what happened, and what to do next."""
        what, text, symbol = REFUSALS[refusal]
        pass_ = self.pass_of(request)
        signed_in = pass_ is not None
        if refusal == Refusal.TOO_EARLY and entry is not None:
            note = format_lazy(OPENS_AT, time=clock_text(entry.opens_at))
        tell = refusal in TELL and signed_in and bool(sealed)
        over = entry is not None and entry.is_over(self.state.now_ms(), pass_.person if pass_ else None)
        context = {
            "refusal": refusal.value,
            "what": what,
            "text": text,
            "symbol": symbol,
            "tell": tell,
            "typed": refusal in TYPED and not (refusal == Refusal.OTHER_BROWSER and over),
            "sign_in": refusal in TELL and not signed_in,
            "noted": bool(note),
            "again": refusal == Refusal.PAUSED and bool(sealed),
        }
        shape = (refusal, tell, signed_in, context["typed"], bool(note), context["again"])
        return self.page(
            request, "refused", entry, shape, context, status, note=note, ticket=sealed, kept=kept, account=_account(pass_)
        )

    async def typed(self, request: Ask, pass_: Pass | None, problem: str = "", *, lost: bool = False) -> Answer:
        """The page to type the code, or to scan it with the page's camera. `lost`: an earlier scan was not found here."""
        name = await self.state.name_of(pass_.person) if pass_ else Name("", "")
        context = {"problem": TYPED_PROBLEMS.get(problem, ""), "signed_in": pass_ is not None, "lost": lost}
        shape = (problem, pass_ is not None, lost)
        answer = self.page(request, "typed", None, shape, context, name=name.name, number=name.number, account=_account(pass_))
        answer.let_a_camera_in()
        return answer

    def offline(self, request: Ask) -> Answer:
        """The page that a phone keeps for when it has no network: it scans, and keeps what was scanned. It names nobody."""
        answer = self.page(request, "offline", None, (), {"account": None, "worker": False})
        answer.let_a_camera_in()
        return answer

    def wait(self, request: Ask, seconds: int, then: str, sealed: str = "") -> Answer:
        """Too many tries: a page that goes on to `then` in a moment. The ticket is kept; one in `sealed` is posted again."""
        held = bool(sealed)
        context = {"then": then, "held": held}
        answer = self.page(request, "wait", None, (then, held), context, 429, ticket=sealed, seconds=seconds)
        answer.add(b"retry-after", str(seconds))
        return answer

    def away(self, request: Ask) -> Answer:
        """The page when this request needs the database, which does not answer."""
        held = TICKET_COOKIE in request.cookies
        return self._later(self.page(request, "away", None, (held,), {"held": held}, 503))

    def to_sign_in(self, then: str) -> Answer:
        answer = Answer(b"", 303)
        answer.add(b"location", f"/sign-in/?next={then}")
        return answer

    def _later(self, answer: Answer) -> Answer:
        answer.add(b"retry-after", str(random.randint(2, 6)))  # noqa: S311 - spreads retries, guards nothing
        return answer

    async def _name(self, entry: Entry, pass_: Pass) -> Name:
        return (await self.state.roster(entry)).get(pass_.person) or await self.state.name_of(pass_.person)


def _account(pass_: Pass | None) -> str:
    """By what the page knows this account again."""
    return account_name(pass_.person, keyring.keys_for("account/v1")[keyring.current()]) if pass_ else ""


def _second(ticket: Ticket) -> str:
    """When it was scanned, to the second."""
    return clock_text(instant(ticket.first_seen_ms // 1000 * 1000), "%H:%M:%S")
