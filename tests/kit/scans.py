"""Attempts to check in, as the gate hands them to the writer."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from adsum.accounts.models import Person
from adsum.checkin.models import Opening
from adsum.checkin.rules import Attempt
from tests.kit.world import NINE


def attempt(opening: Opening, student: Person, **fields: object) -> Attempt:
    """A good scan two minutes into the class, unless told otherwise."""
    plain = Attempt(
        ref=uuid4(),
        opening=opening.pk,
        session=opening.session_id,
        student=student.pk,
        ticket=uuid4(),
        verdict=None,
        late=False,
        minutes_late=0,
        first_seen_at=NINE + timedelta(minutes=2),
        finished_at=NINE + timedelta(minutes=3),
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
    return replace(plain, **fields)  # type: ignore[arg-type]
