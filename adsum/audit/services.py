"""The only way an event is written, and a look at a record noted."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from adsum.audit.models import AccessLog, AccessReport, Event
from adsum.audit.rules import Finding, Page


class Entry(NamedTuple):
    """One event to be: `subject` is `<kind>:<id>`."""

    verb: str
    subject: str
    detail: dict[str, Any]


def record(*, actor: str, verb: str, subject: str, at: datetime, **detail: Any) -> None:
    """Write one event. Call it inside the transaction of the change."""
    record_all([Entry(verb, subject, detail)], actor=actor, at=at)


def record_all(entries: Iterable[Entry], *, actor: str, at: datetime) -> None:
    """Write many events of one actor at one time. Raises ValueError without an actor: nothing is anonymous."""
    if not actor:
        raise ValueError("every event needs an actor")
    Event.objects.bulk_create(
        [Event(at=at, actor=actor, verb=e.verb, subject=e.subject, detail=e.detail) for e in entries], batch_size=2000
    )


# Who looked

SLOT_SECONDS = 600
KEPT_FOR = timedelta(days=730)
"""How long it is known who looked (docs/rules.md D 5)."""


def note_view(
    subject: str, page: Page, *, viewer: int, role: str, at: datetime, department: int | None = None, purpose: str = ""
) -> None:
    """Note one look at `subject`: at most one insert, and none when the same page was looked at within the ten minutes."""
    look = AccessLog(
        at=at, viewer=viewer, role=role, department=department, subject=subject, page=page, purpose=purpose,
        slot=int(at.timestamp()) // SLOT_SECONDS,
    )  # fmt: skip
    AccessLog.objects.bulk_create([look], ignore_conflicts=True)


def forget_views(*, at: datetime) -> int:
    """Forget the looks that are older than they are kept for; how many."""
    return AccessLog.objects.filter(at__lt=at - KEPT_FOR).delete()[0]


def keep_report(monday: date, findings: Iterable[Finding], *, at: datetime) -> None:
    """Keep what was unusual in a week that is over. A week that has its report keeps it."""
    AccessReport.objects.get_or_create(
        monday=monday, defaults={"made_at": at, "findings": [finding.as_json() for finding in findings]}
    )
