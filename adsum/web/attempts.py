"""What became of scans, in plain words, with no more of the evidence than a lecturer needs."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from adsum.checkin.labels import RESULTS
from adsum.checkin.models import Scan


def result(refusal: str) -> str:
    """What became of a scan."""
    return str(RESULTS[refusal])


class Attempt(NamedTuple):
    """One scan as a lecturer reads it."""

    at: datetime
    how: str
    result: str
    decision: str
    ref: UUID


def attempts(scans: Iterable[Scan]) -> list[Attempt]:
    """Scans in words; `scans` come with their decisions."""
    return [Attempt(scan.first_seen_at, _how(scan), result(scan.refusal), _decided(scan), scan.ref) for scan in scans]


def _how(scan: Scan) -> str:
    if scan.typed is None:  # so long ago that it is no longer known
        return _("used the code")
    return _("typed the code") if scan.typed else _("scanned the code")


def _decided(scan: Scan) -> str:
    decision = getattr(scan, "decision", None)
    if decision is None:
        return ""
    return (_("accepted by %(who)s") if decision.accepted else _("declined by %(who)s")) % {"who": decision.by}
