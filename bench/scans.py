"""Scans of the made-up universities: everything about a phone that their years do not vary."""

from datetime import datetime, timedelta
from uuid import UUID

from adsum.checkin.models import Opening
from adsum.checkin.rules import Attempt, Refusal


def scanned(
    opening: Opening, student: int, seen: datetime, *, ref: UUID, ticket: UUID, verdict: Refusal | None = None
) -> Attempt:
    """A scan from a phone of the student's own, seen then and finished twenty seconds later, after signing in."""
    return Attempt(
        ref=ref,
        opening=opening.pk,
        session=opening.session_id,
        student=student,
        ticket=ticket,
        verdict=verdict,
        late=False,
        minutes_late=0,
        first_seen_at=seen,
        finished_at=seen + timedelta(seconds=20),
        typed=False,
        slot=0,
        age_ms=9_000,
        device="",
        new_device=False,
        network="campus",
        network_changed=False,
        signed_in_after=True,
        agent="ios",
    )
