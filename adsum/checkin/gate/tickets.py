"""How the gate makes a ticket for a browser, which keeps it, and finds it again when the browser returns."""

from typing import NamedTuple

from adsum.checkin.codes import Pass, Reading, seal_ticket, unseal_ticket
from adsum.checkin.gate.entries import Entry
from adsum.checkin.gate.evidence import device_hash, network_class
from adsum.checkin.gate.http import TICKET_COOKIE, Ask
from adsum.checkin.gate.state import State
from adsum.checkin.rules import Refusal, Ticket
from adsum.core import ids, keyring


class Waiting(NamedTuple):
    """A genuine ticket as its browser holds it, and the opening it is for."""

    sealed: str
    ticket: Ticket
    entry: Entry


def device_of(request: Ask, entry: Entry) -> bytes | None:
    """The hash of this browser's tag, as used in this class; None before its first scan."""
    return device_hash(request.device_tag, entry.device_key) if request.device_tag else None


def network_of(request: Ask) -> int:
    """Where this request comes from, as an index into `rules.NETWORKS`."""
    return network_class(request.peer, request.forwarded_for)


class Tickets:
    """Makes and reads tickets with the keys that count now."""

    def __init__(self, state: State) -> None:
        self.state = state

    def make(
        self,
        request: Ask,
        entry: Entry,
        pass_: Pass | None,
        reading: Reading,
        *,
        now: int,
        device: bytes,
        slot: int,
        counter: int,
        typed: bool,
        refusal: Refusal | None,
    ) -> Waiting:
        """A ticket for the browser with this tag. Without a sign-in it is bound to the browser; with one, to the person."""
        ticket = Ticket(
            id=ids.token(),
            opening=entry.pk,
            epoch=reading.epoch,
            slot=slot,
            counter=counter,
            first_seen_ms=now,
            age_ms=reading.age_ms,
            network=network_of(request),
            typed=typed,
            new_device=not request.device_tag,
            device=device,
            person=pass_.person if pass_ else 0,
            expires_ms=now + entry.ticket_seconds * 1000,
            refusal=refusal,
            bound=pass_ is None,
        )
        kid = keyring.current()
        return Waiting(seal_ticket(ticket, keyring.keys_for("ticket/v1")[kid], kid), ticket, entry)

    def read(self, text: str) -> Waiting | None:
        """The genuine ticket in `text`, if its opening is still known; None otherwise."""
        ticket = unseal_ticket(text, self.state.keys("ticket/v1")) if text else None
        entry = self.state.known.by_pk.get(ticket.opening) if ticket else None
        return Waiting(text, ticket, entry) if ticket and entry else None

    def kept(self, request: Ask) -> Waiting | None:
        """The ticket in this browser's cookie."""
        return self.read(request.cookies.get(TICKET_COOKIE, ""))

    def at_tap(self, request: Ask, text: str) -> Waiting | None:
        """The ticket for a tap: the one in the form; or the one in the cookie, if it is for the same class and only that one
        belongs to this browser. (Two first scans at once give a browser two tags, and it keeps the later one.)"""
        form = self.read(text)
        if form is None or not form.ticket.bound or form.ticket.is_of(device_of(request, form.entry)):
            return form
        kept = self.kept(request)
        same = kept is not None and kept.entry.pk == form.entry.pk and kept.ticket.is_of(device_of(request, kept.entry))
        return kept if same else form

    def has_good(self, request: Ask, device: bytes, entry: Entry) -> bool:
        """Whether this browser already keeps a scan of this class that can count."""
        kept = self.kept(request)
        return kept is not None and kept.ticket.refusal is None and kept.entry.pk == entry.pk and kept.ticket.is_of(device)
