"""A screen without a sign-in asks to be told what to show, and a lecturer tells it from their phone."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.checkin.entered import plain
from adsum.checkin.models import Display, Opening, Pairing
from adsum.checkin.services import add_display, display_fingerprint
from adsum.core import ids
from adsum.core.errors import AdsumError

PAIRING_LIFE = timedelta(minutes=10)


class NewPairing(NamedTuple):
    """A waiting screen and the secret its browser keeps."""

    pairing: Pairing
    credential: str


def forget_pairings(*, at: datetime) -> None:
    """Delete requests of waiting screens that were not confirmed in time, and those whose screen shows a class by now."""
    Pairing.objects.filter(created_at__lt=at - PAIRING_LIFE).delete()


def begin_pairing(*, at: datetime) -> NewPairing:
    """A screen asks to be told what to show: an 8-character code, good for ten minutes, that a lecturer confirms."""
    forget_pairings(at=at)
    credential = secrets.token_urlsafe(24)
    while True:
        code = ids.encode(secrets.randbits(40), 8)
        try:
            with transaction.atomic():
                pairing = Pairing.objects.create(code=code, credential=display_fingerprint(credential), created_at=at)
        except IntegrityError:
            continue
        return NewPairing(pairing, credential)


_AS_READ = str.maketrans({"O": "0", "I": "1", "L": "1"})
"""Characters that people type in place of those of Crockford's alphabet."""


def waiting_pairing(code: str, *, at: datetime) -> Pairing:
    """The screen that waits with these eight characters, locked until commit. Raises AdsumError `unknown_screen`."""
    pairings = Pairing.objects.select_for_update(of=("self",)).filter(created_at__gte=at - PAIRING_LIFE)
    pairing = pairings.filter(code=plain(code).upper().translate(_AS_READ), display=None, kiosk=None).first()
    if pairing is None:
        raise AdsumError(
            "unknown_screen", _("No screen is waiting with that code. Check the 8 characters, or ask the screen for new ones.")
        )
    return pairing


@transaction.atomic
def confirm_pairing(code: str, opening: Opening, *, by: Person, at: datetime) -> Display:
    """Make a waiting screen show this class. Raises AdsumError `unknown_screen` for a wrong or old code."""
    pairing = waiting_pairing(code, at=at)
    display = add_display(opening, by=by, at=at).display
    # The screen already keeps a secret, which becomes the display's.
    display.credential = pairing.credential
    display.save(update_fields=["credential"])
    pairing.display = display
    pairing.save(update_fields=["display"])
    return display
