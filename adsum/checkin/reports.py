"""Reads about check-in: what a student could mean now, what waits for the lecturer, which screens show a class."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.rules import ATTENDED
from adsum.checkin.models import Display, Opening, Scan
from adsum.checkin.rules import HELD
from adsum.timetable.models import ClassSession


def open_now_for(student: int, at: datetime) -> list[int]:
    """The openings a student could check in to at that instant, soonest class first, by id."""
    expecting = ClassSession.objects.expecting(Person(pk=student))
    return list(
        Opening.objects.filter(
            Q(stopped_at=None) | Q(stopped_at__gt=at), session__in=expecting, opens_at__lte=at, late_until__gt=at
        )
        .order_by("session__starts_at")
        .values_list("pk", flat=True)
    )


def expected_now(student: int, at: datetime) -> ClassSession | None:
    """The class the student is expected in at that instant, if any."""
    return (
        ClassSession.objects.expecting(Person(pk=student))
        .filter(starts_at__lte=at, ends_at__gt=at, status="scheduled")
        .order_by("-starts_at")
        .first()
    )


def held_scans(session: ClassSession) -> QuerySet[Scan]:
    """Scans of a class that wait for the lecturer's decision, oldest first, with the student (one query)."""
    return (
        Scan.objects.filter(
            ~Exists(Mark.objects.filter(session=session, student=OuterRef("student"), status__in=ATTENDED)),
            session=session,
            refusal__in=HELD,
            decision=None,
        )
        .select_related("student")
        .order_by("id")
    )


def showing(opening: Opening) -> QuerySet[Display]:
    """The screens that show a class now, by slot (one query)."""
    return Display.objects.filter(opening=opening, revoked_at=None).select_related("opened_by").order_by("slot")


class HeldScan(NamedTuple):
    """A held scan as a register shows it; `open` until someone decides."""

    id: int
    session: int
    ref: UUID
    student_ref: UUID
    name: str
    number: str
    at: datetime
    refusal: str
    open: bool


def held_since(sessions: Collection[int], scan: int) -> list[HeldScan]:
    """The scans of these classes held after that scan, in order (one query)."""
    return _held(Scan.objects.filter(session__in=sessions, refusal__in=HELD, id__gt=scan))


def decided_among(scans: Collection[int]) -> list[HeldScan]:
    """Which of these scans have been decided (one query)."""
    return _held(Scan.objects.filter(pk__in=scans, decision__isnull=False))


def _held(scans: QuerySet[Scan]) -> list[HeldScan]:
    return [
        HeldScan(
            scan.pk,
            scan.session_id,
            scan.ref,
            scan.student.ref,
            scan.student.display_name,
            scan.student.number,
            scan.first_seen_at,
            scan.refusal,
            not hasattr(scan, "decision"),
        )
        for scan in scans.select_related("student", "decision").order_by("id")
    ]


def newest_scan() -> int:
    """The id of the latest scan of any class; 0 before the first."""
    return Scan.objects.order_by("-id").values_list("id", flat=True).first() or 0
