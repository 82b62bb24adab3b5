"""Contradictions: what two records say of one student and cannot both be so. Found each night, for the attendance team to look
at; nothing changes by itself."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count

from adsum.accounts.models import Person
from adsum.attendance.ahead import Contrary, Origin, Says
from adsum.attendance.ahead_tables import Contradiction, Foreseen
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import ATTENDED
from adsum.audit import services as audit_log
from adsum.timetable.rules import ClassStatus

LOOKS_BACK = timedelta(days=7)
"""How long after a class it is looked at, each night anew."""
MANY_CHANGES = 3
"""Changes of one mark by people within a day that ask for a look."""
AWAY = (Says.TOLD, Says.UNDER_DECISION, Says.AUTHORISED, Says.ON_PLACEMENT, Says.SUSPENDED)


class Found(NamedTuple):
    """One contradiction; `other` is the second of two classes."""

    kind: Contrary
    student: int
    session: int
    other: int | None = None


def _present_although_away(since: datetime, at: datetime) -> Iterator[Found]:
    away = Foreseen.objects.filter(session__ends_at__gt=since, session__ends_at__lte=at, says__in=AWAY)
    pairs = set(away.exclude(origin=Origin.SWAP).values_list("session", "student"))
    marks = Mark.objects.filter(session__in={session for session, _ in pairs}, status__in=ATTENDED)
    for session, student in marks.exclude(session__status=ClassStatus.CANCELLED).values_list("session", "student"):
        if (session, student) in pairs:
            yield Found(Contrary.PRESENT_ALTHOUGH_AWAY, student, session)


def _two_rooms(since: datetime, at: datetime) -> Iterator[Found]:
    """Two classes of one student that overlap, both attended. Whoever left the first early may have been in both."""
    there = Mark.objects.filter(session__ends_at__gt=since, session__ends_at__lte=at, status__in=ATTENDED, left_at=None)
    rows = there.exclude(session__status=ClassStatus.CANCELLED).order_by("student", "session__starts_at", "session")
    latest: dict[int, tuple[int, datetime]] = {}
    fields = rows.values_list("student", "session", "session__starts_at", "session__ends_at")
    for student, session, starts_at, ends_at in fields.iterator(chunk_size=5000):
        known = latest.get(student)
        if known is not None and starts_at < known[1]:
            yield Found(Contrary.TWO_ROOMS, student, session, known[0])
        if known is None or ends_at > known[1]:
            latest[student] = (session, ends_at)


def _many_changes(since: datetime, at: datetime) -> Iterator[Found]:
    """Marks that people changed three times within a day."""
    steps = MarkChange.objects.filter(at__gt=since, at__lte=at, by__isnull=False).exclude(before="")
    often = steps.values("session", "student").annotate(n=Count("pk")).filter(n__gte=MANY_CHANGES).order_by()
    pairs = set(often.values_list("session", "student"))
    times = defaultdict[tuple[int, int], list[datetime]](list)
    known = steps.filter(session__in={session for session, _ in pairs}).order_by("at")
    for session, student, changed_at in known.values_list("session", "student", "at"):
        if (session, student) in pairs:
            times[session, student].append(changed_at)
    for (session, student), moments in times.items():
        last = moments[MANY_CHANGES - 1 :]
        if any(late - early <= timedelta(days=1) for early, late in zip(moments, last, strict=False)):
            yield Found(Contrary.MANY_CHANGES, student, session)


@transaction.atomic
def find_contradictions(*, at: datetime) -> int:
    """Look through the classes of the last week; how many contradictions are new. Those of that week which are so no longer go,
    unless a person has looked at them (eight queries, and those that write)."""
    since = at - LOOKS_BACK
    every = (*_present_although_away(since, at), *_two_rooms(since, at), *_many_changes(since, at))
    found = {one[:3]: one for one in every}
    kept = Contradiction.objects.filter(found_at__gt=since).select_for_update(of=("self",))
    known = {(one.kind, one.student_id, one.session_id): one for one in kept}
    gone = [one.pk for key, one in known.items() if key not in found and one.seen_at is None]
    Contradiction.objects.filter(pk__in=gone).delete()
    new = [found[key] for key in sorted(found.keys() - known.keys())]
    Contradiction.objects.bulk_create(
        [
            Contradiction(kind=one.kind, student_id=one.student, session_id=one.session, other_id=one.other, found_at=at)
            for one in new
        ],
        ignore_conflicts=True,
    )
    return len(new)


@transaction.atomic
def note_contradiction(one: Contradiction, *, by: Person, at: datetime) -> None:
    """A person has looked at it, and it leaves the list. Does nothing the second time."""
    one = Contradiction.objects.select_for_update(of=("self",)).get(pk=one.pk)
    if one.seen_at is None:
        one.seen_at, one.seen_by = at, by
        one.save(update_fields=["seen_at", "seen_by"])
        audit_log.record(
            actor=by.actor, verb="contradiction.seen", subject=f"session:{one.session_id}", at=at, student=one.student_id
        )
