"""Evidence of scans and checks whose short life is over is emptied or deleted, and the disposal recorded."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from adsum.audit import services as audit_log
from adsum.checkin.models import Alarm, CheckAnswer, KnownBrowser, LateCode, RevokedPass, Scan, SlowSpell, SpotCall, TypedTries
from adsum.checkin.rules import MOST_REMEMBER_DAYS
from adsum.core.declared import LIVES, Keep

SIGNS_KEPT = timedelta(days=LIVES[Keep.NETWORK].days)
"""Network class, kind of browser, new browser, changed network, sign-in after the scan: 30 days after it."""
CODES_KEPT = timedelta(days=LIVES[Keep.SCANS].days)
"""Browser's tag, typed or scanned, screen, age of the code: 90 days after the scan."""
SIGN_INS_KEPT = timedelta(days=2)
"""A sign-in that nothing is remembered of: longer than it can last."""
BROWSERS_KEPT = timedelta(days=MOST_REMEMBER_DAYS + 1)
"""A known browser after its last use, ended or not: longer than anything tied to its tag can be believed."""


def empty_evidence(*, at: datetime, batch: int = 2_000) -> dict[str, int]:
    """Empty or delete the evidence whose short life is over (docs/rules.md D 3 to 5); how many rows of each kind.

    Scan, mark and time stay: what they prove is the record. Doing it again changes nothing. Each batch is a transaction
    of its own, so that no check-in waits for it; the event at the end certifies the disposal.
    """
    counts = {
        "signs": _empty(
            Scan.objects.filter(first_seen_at__lte=at - SIGNS_KEPT, network_changed__isnull=False),
            batch,
            network="",
            agent="",
            new_device=None,
            network_changed=None,
            signed_in_after=None,
            remembered=None,
        ),
        "codes": _empty(
            Scan.objects.filter(first_seen_at__lte=at - CODES_KEPT, slot__isnull=False),
            batch,
            device="",
            typed=None,
            slot=None,
            age_ms=None,
        ),
        "late_codes": LateCode.objects.filter(opening__late_until__lt=at - timedelta(days=1)).delete()[0],
        "browsers": KnownBrowser.objects.filter(
            Q(remembered=False, began_at__lt=at - SIGN_INS_KEPT) | Q(seen_at__lt=at - BROWSERS_KEPT)
        ).delete()[0],
        "passes": RevokedPass.objects.filter(at__lt=at - SIGNS_KEPT).delete()[0],
        "tries": TypedTries.objects.filter(session__ends_at__lt=at - CODES_KEPT).delete()[0],
        "answers": CheckAnswer.objects.filter(second_check__settled_at__lt=at - CODES_KEPT).delete()[0],
        "calls": SpotCall.objects.filter(spot_check__asked_at__lt=at - CODES_KEPT).delete()[0],
        "spells": SlowSpell.objects.filter(seen_at__lt=at - CODES_KEPT).delete()[0],
        "alarms": Alarm.objects.filter(at__lt=at - CODES_KEPT).delete()[0],
    }
    if any(counts.values()):
        audit_log.record(
            actor="system:retention",
            verb="evidence.dispose",
            subject="scan:*",
            at=at,
            counts=counts,
            signs_before=(at - SIGNS_KEPT).isoformat(),
            codes_before=(at - CODES_KEPT).isoformat(),
        )
    return counts


def _empty(scans: QuerySet[Scan], batch: int, **empty: object) -> int:
    """Set these columns of the scans, a batch at a time in the order they were made; how many there were."""
    number = last = 0
    while ids := list(scans.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:batch]):
        number += scans.filter(pk__gt=last, pk__lte=ids[-1]).update(**empty)
        last = ids[-1]
    return number
