"""The kiosk on the lectern: opened by a lecturer, used by students without a phone, one number at a time."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import transaction

from adsum.accounts.models import Identifier, Person
from adsum.attendance import amendments
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import ATTENDED, Reason, Source, Status
from adsum.attendance.services import Done
from adsum.attendance.services import mark as make_mark
from adsum.attendance.weighing import Act, Entry, Why
from adsum.audit import services as audit_log
from adsum.checkin.entered import whose
from adsum.checkin.models import Kiosk, Opening
from adsum.checkin.own_windows import own_window, shown_until
from adsum.checkin.pairing import waiting_pairing
from adsum.checkin.reports import may_run, paused
from adsum.checkin.services import display_fingerprint
from adsum.timetable.reports import expected_ids

TAKEN_BACK_WITHIN = timedelta(seconds=15)
"""How long the student just marked can be taken back."""
MOST_WRONG = 10
WRONG_FOR = timedelta(minutes=5)
"""After so many numbers of no student of this class within this time, the kiosk rests until the time is over."""
CARD = "card"
"""The kind of identifier that a card reader types."""


class NewKiosk(NamedTuple):
    """A kiosk and the secret that its browser keeps. The secret is not stored anywhere else."""

    kiosk: Kiosk
    credential: str


@transaction.atomic
def open_kiosk(opening: Opening, *, by: Person, at: datetime) -> NewKiosk:
    """One more kiosk for this class."""
    credential = secrets.token_urlsafe(24)
    kiosk = Kiosk.objects.create(opening=opening, credential=display_fingerprint(credential), opened_by=by, opened_at=at)
    audit_log.record(actor=by.actor, verb="kiosk.open", subject=f"session:{opening.session_id}", at=at, kiosk=str(kiosk.ref))
    return NewKiosk(kiosk, credential)


@transaction.atomic
def pair_kiosk(code: str, opening: Opening, *, by: Person, at: datetime) -> Kiosk:
    """Make a waiting screen a kiosk of this class. Raises AdsumError `unknown_screen` for a wrong or old code."""
    pairing = waiting_pairing(code, at=at)
    kiosk = open_kiosk(opening, by=by, at=at).kiosk
    kiosk.credential = pairing.credential  # the screen already holds a secret: the kiosk is known by that one
    kiosk.save(update_fields=["credential"])
    pairing.kiosk = kiosk
    pairing.save(update_fields=["kiosk"])
    return kiosk


@transaction.atomic
def stop_kiosk(kiosk: Kiosk, *, by: Person, at: datetime) -> None:
    """Close a kiosk: it takes no more numbers. Does nothing the second time."""
    if Kiosk.objects.filter(pk=kiosk.pk, revoked_at=None).update(revoked_at=at):
        session = kiosk.opening.session_id
        audit_log.record(actor=by.actor, verb="kiosk.stop", subject=f"session:{session}", at=at, kiosk=str(kiosk.ref))


class Answer(StrEnum):
    """How a kiosk answers a number."""

    IN = "in"
    ALREADY = "already"
    UNKNOWN = "unknown"
    """The number belongs to no student of this class."""
    ASK = "ask"
    """A person has marked this student otherwise: only a person may change that."""
    SLOW = "slow"
    EARLY = "early"
    CLOSED = "closed"
    PAUSED = "paused"


class Entered(NamedTuple):
    """The answer, and the student if it names one."""

    answer: Answer
    student: Person | None = None
    status: str = ""


@transaction.atomic
def enter(kiosk: Kiosk, number: str, *, at: datetime) -> Entered:
    """A student number, or what a reader types for a card: mark its student as the clock says, present or late.

    The mark is the lecturer's who opened the kiosk, with the reason `kiosk`. It never replaces what a person, an approved
    absence or a scan has decided.
    """
    kiosk = Kiosk.objects.select_for_update(of=("self",)).select_related("opening__session", "opened_by").get(pk=kiosk.pk)
    opening, session = kiosk.opening, kiosk.opening.session
    if shut := is_shut(kiosk, at):
        return Entered(shut)
    if kiosk.wrong >= MOST_WRONG and kiosk.wrong_since is not None and at < kiosk.wrong_since + WRONG_FOR:
        return Entered(Answer.SLOW)
    student = _student_of(number, session.pk)
    if student is None:
        if kiosk.wrong_since is None or at >= kiosk.wrong_since + WRONG_FOR:
            kiosk.wrong, kiosk.wrong_since = 0, at
        kiosk.wrong += 1
        kiosk.save(update_fields=["wrong", "wrong_since"])
        return Entered(Answer.UNKNOWN)
    mark = Mark.objects.filter(session=session, student=student).first()
    if mark is not None and mark.status in ATTENDED:
        return Entered(Answer.ALREADY, student, mark.status)
    if mark is not None and mark.source != Source.SYSTEM:
        return Entered(Answer.ASK)
    window = own_window(opening, student.pk)
    if at >= window.late_until:
        return Entered(Answer.CLOSED)
    status = Status.LATE if at >= window.present_until else Status.PRESENT
    act = Act(kiosk.opened_by, at, proposes=False)
    if not isinstance(make_mark(session, [Entry(student, status, at)], act=act, why=Why(Reason.KIOSK)), Done):
        return Entered(Answer.ASK)
    kiosk.last, kiosk.last_at = student, at
    kiosk.save(update_fields=["last", "last_at"])
    return Entered(Answer.IN, student, status)


def is_shut(kiosk: Kiosk, at: datetime) -> Answer | None:
    """Why the kiosk takes no numbers at that instant; None while it does (a few queries). It ends with the roles and the
    account of the person who opened it, because its marks are made in their name."""
    opening = kiosk.opening
    over = at >= shown_until(opening) or (opening.stopped_at is not None and at >= opening.stopped_at)
    if kiosk.revoked_at is not None or opening.session.cancelled or over:
        return Answer.CLOSED
    if at < opening.opens_at:
        return Answer.EARLY
    if not may_run(kiosk, opening.session_id, at):
        return Answer.CLOSED
    return Answer.PAUSED if paused() else None


def _student_of(number: str, session: int) -> Person | None:
    """The one student expected in the class whom this number, or card, belongs to (at most three queries)."""
    if not number.strip() or len(number) > 200:
        return None
    people = {person.pk: person for person in Person.objects.filter(pk__in=expected_ids([session])[session])}
    cards = Identifier.objects.filter(kind=CARD, person__in=people, valid_to=None).values_list("value", "person")
    found = whose(number, [*((person.number, pk) for pk, person in people.items()), *cards])
    return people[found] if found is not None else None


@transaction.atomic
def take_back(kiosk: Kiosk, *, at: datetime) -> Person | None:
    """Take back the mark just made, because the number was another student's. The mark is what it was before, and the history
    says so. Returns the student; None when no mark can be taken back any more."""
    kiosk = Kiosk.objects.select_for_update(of=("self",)).select_related("opening__session", "opened_by").get(pk=kiosk.pk)
    student, last = kiosk.last, kiosk.last_at
    kiosk.last, kiosk.last_at = None, None
    kiosk.save(update_fields=["last", "last_at"])
    session = kiosk.opening.session
    if student is None or last is None or at > last + TAKEN_BACK_WITHIN or not may_run(kiosk, session.pk, at):
        return None
    mark = Mark.objects.select_for_update().filter(session=session, student=student).first()
    step = MarkChange.objects.filter(session=session, student=student).order_by("pk").last()
    if mark is None or step is None or (step.reason_code, step.at) != (Reason.KIOSK, last):
        return None  # changed since: that is for a person
    amendments.take_back(session, [step], {student.pk: mark}, by=kiosk.opened_by, at=at, reason=Reason.WITHDRAWN)
    return student
