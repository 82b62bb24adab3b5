"""Acknowledgements that phones bring back: whether what they say is recorded still; and what had been lost, taken in again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from adsum.accounts.models import Person
from adsum.attendance.models import Query, Register
from adsum.attendance.queries import raise_query
from adsum.audit.reports import signed_of
from adsum.checkin.acknowledgements import Acknowledgement, receipt_number
from adsum.checkin.models import Alarm, Opening, Scan
from adsum.checkin.rules import UNDECIDED, AlarmKind
from adsum.checkin.services import raise_alarm
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_ids

ACTOR = "system:gate"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lost scan belongs."""

    session: int
    opening: int | None
    expected: bool
    """Whether the student is on the class's list: a visitor's scan comes back as a visitor's."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of the scans that one student's phone asks about."""

    recorded: frozenset[UUID]
    signed: dict[UUID, UUID]
    """Those whose event a published checkpoint has, with the class where their receipt is."""
    places: dict[UUID, Place]
    """By class, as addresses name it: where a lost one goes. A class that is gone is not in it."""


def standing(asked: Collection[Acknowledgement], student: int) -> Standing:
    """What is recorded of these scans, all of one student (eight queries, however many they are)."""
    refs = [UUID(bytes=one.scan) for one in asked]
    scans = Scan.objects.filter(ref__in=refs, student=student)
    classes = {ref: (session, name) for ref, session, name in scans.values_list("ref", "session_id", "session__ref")}
    events = signed_of(student, {f"session:{session}" for session, _name in classes.values()})
    signed = {UUID(event.detail["scan"]) for event in events if event.verb.startswith("scan.")}
    wanted = {UUID(bytes=one.session) for one, ref in zip(asked, refs, strict=True) if ref not in classes}
    sessions = dict(ClassSession.objects.filter(ref__in=wanted).values_list("ref", "pk")) if wanted else {}
    openings = dict(Opening.objects.filter(session__in=sessions.values()).values_list("session_id", "pk")) if sessions else {}
    lists = expected_ids(sessions.values()) if sessions else {}
    return Standing(
        recorded=frozenset(classes),
        signed={ref: name for ref, (_session, name) in classes.items() if ref in signed},
        places={ref: Place(pk, openings.get(pk), student in lists[pk]) for ref, pk in sessions.items()},
    )


@transaction.atomic
def tell_of_lost(place: Place | None, one: Acknowledgement, *, seen_at: datetime, at: datetime) -> None:
    """An acknowledged scan was gone here. Administrators are told, once; where no check-in of its class is left to hold it, the
    student's query carries it."""
    ref = UUID(bytes=one.scan)
    if place is not None and place.opening is None:
        if Query.objects.filter(session=place.session, student=one.person, evidence__scan=str(ref)).exists():
            return
        evidence = {"scan": str(ref), "refusal": "recovered", "first_seen": seen_at.isoformat()}
        _query(place.session, one.person, evidence, at)
    detail = f"{receipt_number(ref)}, scanned {seen_at:%Y-%m-%d %H:%M} UTC"
    if not Alarm.objects.filter(kind=AlarmKind.RECOVERED, detail=detail).exists():
        raise_alarm(AlarmKind.RECOVERED, place.opening if place else None, detail, at=at)


@transaction.atomic
def query_if_closed(ref: UUID, *, at: datetime) -> None:
    """A scan that came to be held after its register had closed: its mark is under query from now on, as it would be had the
    scan waited already. Once for each scan."""
    scan = Scan.objects.filter(ref=ref, refusal__in=UNDECIDED, decision=None).first()
    if scan is None or not Register.objects.filter(session=scan.session_id).exclude(state=Register.State.OPEN).exists():
        return
    if not Query.objects.filter(session=scan.session_id, student=scan.student_id, evidence__scan=str(ref)).exists():
        evidence = {"scan": str(ref), "refusal": scan.refusal, "first_seen": scan.first_seen_at.isoformat()}
        _query(scan.session_id, scan.student_id, evidence, at)


def _query(session: int, student: int, evidence: dict[str, str], at: datetime) -> None:
    about, whose = ClassSession.objects.get(pk=session), Person.objects.get(pk=student)
    raise_query(about, whose, at=at, evidence=evidence, actor=ACTOR)
