"""The scan that waits while its owner signs in."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.http import HttpRequest

from adsum.checkin.codes import unseal_ticket
from adsum.checkin.gate.app import TICKET_COOKIE
from adsum.checkin.models import Opening
from adsum.core import keyring


class Waiting(NamedTuple):
    """A class, and when its code was scanned (UTC)."""

    title: str
    scanned_at: datetime


def scan_waiting(request: HttpRequest) -> Waiting | None:
    """The scan this browser holds a good ticket for."""
    text = request.COOKIES.get(TICKET_COOKIE, "")
    ticket = unseal_ticket(text, keyring.keys_for("ticket/v1")) if text else None
    now_ms = request.at.timestamp() * 1000  # type: ignore[attr-defined]
    if ticket is None or ticket.refusal is not None or ticket.expires_ms <= now_ms:
        return None
    opening = Opening.objects.select_related("session").filter(pk=ticket.opening).first()
    return Waiting(opening.session.title, datetime.fromtimestamp(ticket.first_seen_ms / 1000, UTC)) if opening else None
