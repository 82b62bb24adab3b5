"""What a comparison of the tables with the event log reads of the log, and the comparison of looks. Marks and roles are
compared where their tables are known (`attendance.reconciliation`, `accounts.reconciliation`)."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Min, Q
from django.db.models.functions import TruncDate

from adsum.audit.encoding import ALIAS, Difference, Differs, Facts, key_of
from adsum.audit.models import AccessLog, Alias, Checkpoint, Event, Leaf, LookSeal, Reconciliation
from adsum.audit.tree import COLUMNS, open_alias, unsealed

CHUNK = 20_000
BEGIN = "record.begin"
"""The event of an update: what was there already has no digests."""
RECONCILED = "record.reconcile"
SEALED = "look.seal"
WITHOUT_EVENT = "without_event"
"""Rows of before, of which no event speaks: only counted, and never more than the first time."""


@dataclass(slots=True)
class Compared:
    """What one comparison saw: how many rows of each kind, and the first difference."""

    counts: dict[str, int] = field(default_factory=dict)
    difference: Difference | None = None

    def add(self, kind: str, number: int) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + number

    def found(self, difference: Difference | None) -> None:
        """The first one stays."""
        self.difference = self.difference or difference


def who_is_who() -> dict[str, int]:
    """Everybody whose alias opens: alias to person."""
    opened = ((alias.token, open_alias(alias)) for alias in Alias.objects.iterator(chunk_size=CHUNK))
    return {token: pk for token, pk in opened if pk is not None}


def behind(name: str, people: Mapping[str, int]) -> int | None:
    """The id of the person in `person:<alias>`: 0 if they were erased, None if it names no person."""
    found = ALIAS.fullmatch(name)
    return people.get(found[1], 0) if found else None


def plain(at: Any) -> str | None:
    """An instant as it comes from a cursor, written as SQLite keeps it: UTC, without a zone."""
    if isinstance(at, datetime):
        return (at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at).isoformat(" ")
    return None if at is None else str(at)


# Events


class MarkEvent(NamedTuple):
    """An event that made a mark what it is."""

    pk: int
    session: int
    student: str
    """`person:<alias>`"""
    by: str
    """Likewise; empty for a scan, and for what the system did."""
    key: tuple[Any, ...]
    """What its row must say: its digest; of before there were any, the status before and after, and the time."""


_MARKING = "(verb = 'scan.accept' OR verb LIKE 'mark.%%')"
_IS_MARKING = Q(verb="scan.accept") | Q(verb__startswith="mark.")


def _mark_event(pk: int, at: Any, actor: str, subject: str, detail: Mapping[str, Any]) -> MarkEvent | None:
    session = subject.removeprefix("session:")
    if "after" not in detail or not session.isdecimal():
        return None
    row = detail.get("row")
    key = (row,) if row else (detail.get("before"), detail["after"], plain(at))
    return MarkEvent(pk, int(session), str(detail.get("student", actor)), str(detail.get("by", "")), key)


def mark_events() -> Iterator[MarkEvent]:
    """Every event of a mark, in the order of their ids, some at a time."""
    statement = f"SELECT id, at, actor, subject, detail FROM adsum_event WHERE id > %s AND {_MARKING} ORDER BY id LIMIT {CHUNK}"  # noqa: S608
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [last])
            rows = cursor.fetchall()
        for pk, at, actor, subject, detail in rows:
            if event := _mark_event(pk, at, actor, subject, json.loads(detail)):
                yield event
        if len(rows) < CHUNK:
            return
        last = rows[-1][0]


def mark_events_of(sessions: Collection[int]) -> list[MarkEvent]:
    """The events of the marks of some classes, in the order of their ids."""
    subjects = {f"session:{session}" for session in sessions}
    found = []
    for event in _events(subject_key__in=[key_of(subject) for subject in subjects]):
        if event.subject in subjects and (event.verb == "scan.accept" or event.verb.startswith("mark.")):
            one = _mark_event(event.pk, event.at, event.actor, event.subject, event.detail)
            found += [one] if one else []
    return found


def classes_since(event: int) -> set[int]:
    """Classes in which marks were made or changed by events after this one."""
    subjects = Event.objects.filter(_IS_MARKING, pk__gt=event).values_list("subject", flat=True).distinct()
    return {int(one.removeprefix("session:")) for one in subjects if one.removeprefix("session:").isdecimal()}


def last_event() -> int:
    """The highest id of an event; 0 without any."""
    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def events_with(*verbs: str) -> list[Facts]:
    """Every event with one of these verbs, in the order of their ids."""
    return [event for event in _events(verb_key__in=[key_of(verb) for verb in verbs]) if event.verb in verbs]


def _events(**keys: Any) -> list[Facts]:
    """Events by the index of the tree, which verification holds to be whole; and all that wait for their place."""
    head = Checkpoint.objects.order_by("-size", "-pk").first()
    pks = {*Leaf.objects.filter(**keys).values_list("event_id", flat=True)}
    pks.update(unsealed(head.settled if head else 0).values_list("pk", flat=True))
    rows: list[tuple[Any, ...]] = []
    ordered = sorted(pks)
    for start in range(0, len(ordered), CHUNK):
        rows += Event.objects.filter(pk__in=ordered[start : start + CHUNK]).order_by("pk").values_list(*COLUMNS)
    return [Facts(*row) for row in rows]


def begin() -> Facts | None:
    """The event that says up to where rows have no digests: that of the update, and so one before any digest."""
    first = next(iter(events_with(BEGIN)), None)
    if first is None or Event.objects.filter(_IS_MARKING, pk__lt=first.pk, detail__has_key="row").exists():
        return None
    return first


def most_without_event() -> int | None:
    """How many rows of before had no event the first time the whole was compared; None when that was never done."""
    for event in events_with(RECONCILED):
        if event.detail.get("whole") and not event.detail.get("differs"):
            return int(event.detail.get("compared", {}).get(WITHOUT_EVENT, 0))
    return None


def last_reconciliation(**of: Any) -> Reconciliation | None:
    """The last comparison, or the last like `of`."""
    return Reconciliation.objects.filter(**of).order_by("-at", "-pk").first()


# Looks

KEPT_DAYS = 727
"""Looks are kept for two years: of so many days none may be missing."""
AGAIN = 3
"""Of so many days looks are compared each day; of all of them when the whole is."""


def day_of_looks(day: date, salt: str) -> tuple[int, str]:
    """How many looks there are on one day (UTC), and their digest: each row, in the order of their ids (one query)."""
    start = datetime.combine(day, time(0), tzinfo=UTC)
    rows = AccessLog.objects.filter(at__gte=start, at__lt=start + timedelta(days=1)).order_by("pk")
    columns = ("at", "viewer", "role", "department", "subject", "page", "purpose", "slot")
    hashed, number = sha256(salt.encode()), 0
    for at, *rest in rows.values_list(*columns).iterator(chunk_size=CHUNK):
        hashed.update(json.dumps([plain(at), *rest]).encode() + b"\n")
        number += 1
    return number, hashed.hexdigest()


def days_with_looks(since: date | None = None) -> dict[date, tuple[int, int]]:
    """By day (UTC), how many looks there are and the id of the first (one query)."""
    rows = AccessLog.objects.all()
    if since is not None:
        rows = rows.filter(at__gte=datetime.combine(since, time(0), tzinfo=UTC))
    days = rows.values_list(TruncDate("at", tzinfo=UTC)).annotate(Count("pk"), Min("pk")).order_by()
    return {day: (number, first) for day, number, first in days}


def compare_looks(compared: Compared, *, whole: bool, at: datetime) -> None:
    """Whether the looks of each day are as they were sealed, and no day without a seal has any."""
    oldest = at.astimezone(UTC).date() - timedelta(days=KEPT_DAYS if whole else AGAIN)
    sealed: dict[date, Facts] = {}
    for event in events_with(SEALED):
        sealed.setdefault(date.fromisoformat(event.subject.removeprefix("looks:")), event)
    salts = dict(LookSeal.objects.values_list("day", "salt"))
    for day, event in sorted(sealed.items()):
        if day < oldest:
            continue
        if day not in salts:
            return compared.found(Difference(Differs.LOST, "adsum_lookseal", None, event.pk, f"{day}"))
        number, digest = day_of_looks(day, salts[day])
        compared.add("looks", number)
        if number != event.detail["looks"]:
            return compared.found(Difference(Differs.MISCOUNTED, "adsum_accesslog", None, event.pk, f"{day}"))
        if digest != event.detail["digest"]:
            return compared.found(Difference(Differs.DIFFERENT, "adsum_accesslog", None, event.pk, f"{day}"))
    latest = max(sealed, default=oldest)
    for day, (_number, first) in sorted(days_with_looks(oldest).items()):
        if day < latest and day not in sealed:
            return compared.found(Difference(Differs.UNRECORDED, "adsum_accesslog", first, None, f"{day}"))
    return None
