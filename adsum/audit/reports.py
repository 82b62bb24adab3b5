"""Reads of the logs: what happened to a person or a thing, and who looked at whose record."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import TruncDate

from adsum.audit.encoding import Facts, key_of, keys_of
from adsum.audit.models import AccessLog, AccessReport, Checkpoint, Event, Leaf
from adsum.audit.rules import CLASSES, LISTS, Finding, Page, Unusual, View, Wide
from adsum.audit.tree import COLUMNS, published, tokens_of


def events_about(subject: str) -> QuerySet[Event]:
    """What happened to `subject` (`person:<id>`, …), the latest first: found by the index of the tree, which every event
    enters within a minute, and among those still waiting for it. Events name people by alias; `tree.people_behind` tells
    who they are."""
    kind, _, number = subject.partition(":")
    subjects = [f"person:{token}" for token in tokens_of(int(number))] if kind == "person" else [subject]
    head = Checkpoint.objects.order_by("-size", "-pk").first()
    sealed = Leaf.objects.filter(subject_key__in=map(key_of, subjects)).values_list("event_id", flat=True)
    waiting = Q(pk__gt=head.settled if head else 0)
    return Event.objects.filter(Q(pk__in=list(sealed)) | waiting, subject__in=subjects).order_by("-id")


AT_ONCE = 500
"""How many subjects or events one query names."""


def history_of(person: int, subjects: Collection[str] = ()) -> list[Facts]:
    """What the log knows of a person, in order: every event by or about them, and about these `subjects`. Found by the index of
    the tree, and among the events that still wait for their place."""
    people = {key_of(f"person:{token}") for token in tokens_of(person)}
    about = sorted(people | {key_of(subject) for subject in subjects})
    named = Leaf.objects.filter(actor_key__in=people) | Leaf.objects.filter(about_key__in=people)
    found = set(named.values_list("event_id", flat=True))
    for first in range(0, len(about), AT_ONCE):
        some = Leaf.objects.filter(subject_key__in=about[first : first + AT_ONCE])
        found |= set(some.values_list("event_id", flat=True))
    head = Checkpoint.objects.order_by("-size", "-pk").first()
    waiting = Event.objects.filter(pk__gt=head.settled if head else 0)
    events = {row[0]: Facts(*row) for row in waiting.values_list(*COLUMNS).iterator()}
    events = {pk: one for pk, one in events.items() if pk in found or _concerns(one, people, set(about))}
    sealed = sorted(found - events.keys())
    for first in range(0, len(sealed), AT_ONCE):
        rows = Event.objects.filter(pk__in=sealed[first : first + AT_ONCE]).values_list(*COLUMNS)
        events |= {row[0]: Facts(*row) for row in rows}
    return [events[pk] for pk in sorted(events)]


def signed_of(person: int, subjects: Collection[str]) -> list[Facts]:
    """What a person did to these subjects, as far as the newest published checkpoint signs it (four queries)."""
    checkpoint = published().first()
    if checkpoint is None or not subjects:
        return []
    leaves = Leaf.objects.filter(
        actor_key__in=[key_of(f"person:{token}") for token in tokens_of(person)],
        subject_key__in=[key_of(subject) for subject in subjects],
        index__lt=checkpoint.size,
    )
    rows = Event.objects.filter(pk__in=list(leaves.values_list("event_id", flat=True)), subject__in=list(subjects))
    return [Facts(*row) for row in rows.values_list(*COLUMNS)]


def _concerns(event: Facts, people: Collection[int], subjects: Collection[int]) -> bool:
    keys = keys_of(event)
    return keys.actor in people or keys.about in people or keys.subject in subjects


class Looks(NamedTuple):
    """Looks of one kind on one day: as what, how often, and when the last was."""

    day: date
    role: str
    department: int | None
    page: str
    purpose: str
    times: int
    last: datetime


def looks_at(person: int, zone: ZoneInfo) -> QuerySet[Any, Any]:
    """Who looked at the record of this person, by day and role, the latest first: rows of `Looks`' values."""
    return (
        AccessLog.objects.filter(subject=f"person:{person}")
        .values_list(TruncDate("at", tzinfo=zone), "role", "department", "page", "purpose")
        .annotate(times=Count("pk"), last=Max("at"))
        .order_by("-last", "role")
    )


def views_between(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[View]:
    """Every look at one person's record in [start, end), in the university's time (one query). Looks at accounts are left out,
    as they are the administrators' work, and so are looks at lists of people."""
    rows = AccessLog.objects.filter(at__gte=start, at__lt=end, subject__startswith="person:")
    rows = rows.exclude(page__in=[Page.ACCOUNT, *LISTS])
    for at, viewer, subject, purpose in rows.values_list("at", "viewer", "subject", "purpose").iterator():
        yield View(at.astimezone(zone), viewer, int(subject.removeprefix("person:")), outside=bool(purpose))


def wide_between(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Wide]:
    """How many different people in lists, and how many registers and modules, each person saw on each day in [start, end)
    (two queries)."""
    for kind, pages in ((Unusual.MANY_LISTED, LISTS), (Unusual.MANY_CLASSES, CLASSES)):
        rows = AccessLog.objects.filter(at__gte=start, at__lt=end, page__in=pages)
        days = rows.values_list("viewer", TruncDate("at", tzinfo=zone)).annotate(Count("subject", distinct=True), Max("at"))
        for viewer, _day, count, last in days:
            yield Wide(kind, viewer, count, last)


def kept_report(monday: date) -> list[Finding] | None:
    """What was unusual in that week, when its report has been made (one query)."""
    kept = AccessReport.objects.filter(monday=monday).first()
    return None if kept is None else [Finding.from_json(finding) for finding in kept.findings]


def placed_from(index: int, most: int) -> list[tuple[int, Facts]]:
    """The events at this place of the tree and behind it, in order, with their places (two queries). A place is given once, to
    an event that is committed, within a minute: who goes on behind the last one misses nothing and reads nothing twice."""
    leaves = dict(Leaf.objects.filter(index__gte=index).order_by("index").values_list("event_id", "index")[:most])
    rows = {row[0]: Facts(*row) for row in Event.objects.filter(pk__in=leaves).values_list(*COLUMNS)}
    return [(place, rows[event]) for event, place in leaves.items() if event in rows]


def next_place() -> int:
    """The place that the next event of the tree will have (one query)."""
    last = Leaf.objects.aggregate(last=Max("index"))["last"]
    return 0 if last is None else int(last) + 1
