"""Who looked at whose record: noted, sealed day by day, and forgotten when it is old."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from secrets import token_hex
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max

from adsum.audit.models import AccessLog, AccessReport, LookSeal
from adsum.audit.reconciliation import SEALED, day_of_looks, days_with_looks
from adsum.audit.rules import Finding, Page
from adsum.audit.services import record
from adsum.core.declared import LIVES, Keep

SLOT_SECONDS = 600
KEPT_FOR = timedelta(days=LIVES[Keep.LOOKS].days)
"""How long it is known who looked (docs/rules.md D 5)."""


class Look(NamedTuple):
    """At what, and as what."""

    subject: str
    role: str
    department: int | None = None


def note_views(looks: Iterable[Look], page: Page, *, viewer: int, at: datetime, purpose: str = "") -> None:
    """Note a look at one page, for everybody on it: at most one insert. People whom the same page showed within the same ten
    minutes are not noted again."""
    rows = [
        AccessLog(
            at=at,
            viewer=viewer,
            role=look.role,
            department=look.department,
            subject=look.subject,
            page=page,
            purpose=purpose,
            slot=int(at.timestamp()) // SLOT_SECONDS,
        )
        for look in looks
    ]
    AccessLog.objects.bulk_create(rows, ignore_conflicts=True)


def note_view(
    subject: str, page: Page, *, viewer: int, role: str, at: datetime, department: int | None = None, purpose: str = ""
) -> None:
    """The same for a page about one person, class or module."""
    note_views([Look(subject, role, department)], page, viewer=viewer, at=at, purpose=purpose)


LOOKS_END = timedelta(hours=1)
"""How long after its end the looks of a day are sealed: a page asked for before midnight has noted its look by then."""


def seal_looks(*, at: datetime) -> int:
    """Seal the looks of every day (UTC) that is over and is not sealed yet: one event each, with their count and digest. How
    many days. What is older than the last sealed day is not sealed any more: there was nothing then."""
    last = LookSeal.objects.aggregate(last=Max("day"))["last"]
    since = last + timedelta(days=1) if last else None
    today = (at - LOOKS_END).astimezone(UTC).date()
    days = sorted(day for day in days_with_looks(since) if day < today)
    for day in days:
        with transaction.atomic():
            made = LookSeal.objects.create(day=day, salt=token_hex(16))
            looks, digest = day_of_looks(day, made.salt)
            record(actor="system:looks", verb=SEALED, subject=f"looks:{day}", at=at, looks=looks, digest=digest)
    return len(days)


def forget_views(*, at: datetime) -> int:
    """Forget the looks that are older than they are kept for, and what sealed them; how many looks."""
    LookSeal.objects.filter(day__lt=(at - KEPT_FOR).astimezone(UTC).date()).delete()
    return AccessLog.objects.filter(at__lt=at - KEPT_FOR).delete()[0]


def keep_report(monday: date, findings: Iterable[Finding], *, at: datetime) -> None:
    """Keep what was unusual in a week that is over. A week that has its report keeps it."""
    AccessReport.objects.get_or_create(
        monday=monday, defaults={"made_at": at, "findings": [finding.as_json() for finding in findings]}
    )
