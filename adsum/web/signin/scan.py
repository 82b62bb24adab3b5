"""The scan that waits while its owner signs in."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.http import HttpRequest

from adsum.checkin.codes import unseal_ticket
from adsum.checkin.gate.app import TICKET_COOKIE
from adsum.checkin.models import Opening
from adsum.checkin.reports import was_slow
from adsum.checkin.rules import OUTAGE_TICKET_MS
from adsum.core import keyring


class Waiting(NamedTuple):
    """A class, and when its code was scanned (UTC)."""

    title: str
    scanned_at: datetime
    slow: bool
    """Whether signing in was slow at the time."""


def scan_waiting(request: HttpRequest) -> Waiting | None:
    """The scan this browser holds a good ticket for."""
    text = request.COOKIES.get(TICKET_COOKIE, "")
    ticket = unseal_ticket(text, keyring.keys_for("ticket/v1")) if text else None
    now_ms = request.at.timestamp() * 1000  # type: ignore[attr-defined]
    if ticket is None or ticket.refusal is not None or now_ms >= ticket.first_seen_ms + OUTAGE_TICKET_MS:
        return None
    scanned_at = datetime.fromtimestamp(ticket.first_seen_ms / 1000, UTC)
    slow = was_slow(scanned_at)
    if now_ms >= ticket.expires_ms and not slow:
        return None
    opening = Opening.objects.select_related("session").filter(pk=ticket.opening).first()
    return Waiting(opening.session.title, scanned_at, slow) if opening else None
