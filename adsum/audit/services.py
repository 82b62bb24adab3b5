"""The only way an event is written."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from adsum.audit.models import Event


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
