"""How check-in works in practice: which scans did not count and why, in which rooms, and how long after the start."""

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Count, QuerySet

from adsum.checkin.models import Scan
from adsum.checkin.rules import Refusal
from adsum.timetable.models import ClassSession

EARLY, LATE, STEP = -15, 60, 5
"""Minutes from the start of a class that are shown apart; what is outside counts at the end it is beyond."""


class InRoom(NamedTuple):
    """The scans in one room: how many there were, and how many of them did not count."""

    room: str
    scans: int
    refused: int

    @property
    def share(self) -> float:
        return 100 * self.refused / self.scans


class Health(NamedTuple):
    """The scans of some classes."""

    scans: int
    refused: int
    reasons: list[tuple[str, int]]
    """By why they did not count, the most frequent first. A second scan of a student who is in is none of them."""
    rooms: list[InRoom]
    """By the share that did not count, the largest first; rooms with few scans are left out."""
    minutes: list[tuple[int, int, int]]
    """In steps of five minutes from the start of the class: how many counted, and how many did not."""


FEWEST = 20
"""Scans in a room without which a share says nothing."""


def health_of(sessions: QuerySet[ClassSession]) -> Health:
    """What became of every scan of these classes (three queries, however many)."""
    scans = Scan.objects.filter(session__in=sessions.order_by().values("pk")).exclude(refusal=Refusal.ALREADY_IN)
    found = list(scans.order_by().values_list("session", "refusal").annotate(n=Count("pk")))
    reasons = Counter[str]()
    by_session = defaultdict[int, list[int]](lambda: [0, 0])
    for session, refusal, n in found:
        by_session[session][0] += n
        if refusal:
            by_session[session][1] += n
            reasons[refusal] += n
    return Health(
        scans=sum(all_ for all_, _bad in by_session.values()),
        refused=sum(reasons.values()),
        reasons=reasons.most_common(),
        rooms=_by_room(by_session),
        minutes=_by_minute(scans),
    )


def _by_room(by_session: dict[int, list[int]]) -> list[InRoom]:
    counts = defaultdict[str, list[int]](lambda: [0, 0])
    through = ClassSession.rooms.through.objects.filter(classsession__in=by_session)
    for session, room in through.values_list("classsession", "room__name"):
        for n, value in enumerate(by_session[session]):
            counts[room][n] += value
    rooms = [InRoom(room, scans, refused) for room, (scans, refused) in counts.items() if scans >= FEWEST]
    return sorted(rooms, key=lambda one: (-one.share, one.room))


def _by_minute(scans: QuerySet[Scan]) -> list[tuple[int, int, int]]:
    counted, not_counted = Counter[int](), Counter[int]()
    for seen, starts, refusal in scans.values_list("first_seen_at", "session__starts_at", "refusal").iterator(chunk_size=5_000):
        minute = int((seen - starts) / timedelta(minutes=STEP)) * STEP
        step = min(max(minute, EARLY), LATE)
        (not_counted if refusal else counted)[step] += 1
    steps: Collection[int] = range(EARLY, LATE + STEP, STEP)
    return [(step, counted[step], not_counted[step]) for step in steps]
