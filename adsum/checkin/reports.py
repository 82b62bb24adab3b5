"""Reads about check-in: what a student could mean now, what waits for the lecturer, which screens show a class."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import NamedTuple
from uuid import UUID

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery

from adsum.accounts.models import Person
from adsum.attendance.known import in_force
from adsum.attendance.models import Mark, Register
from adsum.attendance.rules import ATTENDED, Source, Status
from adsum.checkin.codes import RELIEF_GRACE_MS, EpochKey, epoch_keys, make_code, make_typed
from adsum.checkin.models import (
    Alarm,
    CheckAnswer,
    Display,
    Epoch,
    GateState,
    Kiosk,
    Opening,
    RetiredKey,
    Scan,
    SecondCheck,
    SlowSpell,
    SpotCall,
)
from adsum.checkin.rules import HELD, PACES, Called, Refusal, milliseconds
from adsum.checkin.slowness import BEFORE, CALM
from adsum.core import keyring
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession

CHECK_GRACE = timedelta(seconds=30)
"""How long after the end of a second check its code may still be typed: the longest grace."""


def open_now_for(student: int, at: datetime) -> list[int]:
    """The openings a student could check in to at that instant, or be checked in again, soonest class first, by id (two
    queries)."""
    expecting = ClassSession.objects.expecting(Person(pk=student))
    adjusted = in_force([student], civil_date(at)).get(student, ())
    more = timedelta(minutes=max((one.extra_minutes for one in adjusted), default=0))
    checked = Exists(SecondCheck.objects.filter(opening=OuterRef("pk"), started_at__lte=at, ends_at__gt=at - CHECK_GRACE))
    taking = Q(Q(stopped_at=None) | Q(stopped_at__gt=at), opens_at__lte=at, late_until__gt=at - more, session__ends_at__gt=at)
    return list(
        Opening.objects.filter(taking | checked, session__in=expecting)
        .exclude(session__status="cancelled")
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
    return _waiting().filter(session=session).select_related("student").order_by("id")


class HeldClass(NamedTuple):
    """A class in which scans wait for the lecturer."""

    ref: UUID
    title: str
    starts_at: datetime
    scans: int


def held_in(sessions: QuerySet[ClassSession], since: datetime) -> list[HeldClass]:
    """Those of these classes since then in which scans wait, oldest first (one query)."""
    waiting = _waiting().filter(session__in=sessions.values("pk"), session__starts_at__gte=since)
    by_class = waiting.values("session").annotate(scans=Count("pk")).order_by("session__starts_at")
    return [HeldClass(*row) for row in by_class.values_list("session__ref", "session__title", "session__starts_at", "scans")]


_COULD_BE_BETTER = (Refusal.OTHER_BROWSER, Refusal.OFFLINE, Refusal.RECOVERED)
"""Held scans that could still be worth more than a late mark."""


def _is_in() -> "ExpressionWrapper[Q]":
    """Whether a scan's student attends its class already, in any way. A late mark from a later scan does not settle a scan
    made in time (`_COULD_BE_BETTER`)."""
    theirs = Mark.objects.filter(session=OuterRef("session"), student=OuterRef("student"))
    late = Q(Exists(theirs.filter(status=Status.LATE, source=Source.SCAN)), refusal__in=_COULD_BE_BETTER)
    late &= Q(first_seen_at__lt=F("opening__present_until"))
    return ExpressionWrapper(Q(Exists(theirs.filter(status__in=ATTENDED))) & ~late, output_field=BooleanField())


def is_in(scan: Scan) -> bool:
    """Whether nothing is left to decide about a scan, because its student attends the class already (one query)."""
    return Scan.objects.filter(_is_in(), pk=scan.pk).exists()


def waiting_scans(sessions: Collection[int]) -> QuerySet[Scan]:
    """Scans of these classes that wait for a decision."""
    return _waiting().filter(session__in=sessions)


def _waiting() -> QuerySet[Scan]:
    return Scan.objects.filter(~_is_in(), refusal__in=HELD, decision=None)


def uncaptured(at: datetime, *, began: timedelta) -> QuerySet[ClassSession]:
    """Classes under way for at least `began` in which nothing is captured: no screen shows the code, no student scanned or was
    looked for by hand, no heads were counted (one query)."""
    signs = (
        Display.objects.filter(opening__session=OuterRef("pk"), revoked_at=None),
        Scan.objects.filter(session=OuterRef("pk"), refusal=""),
        Mark.objects.observations().filter(session=OuterRef("pk")),
        Register.objects.filter(Q(headcount__isnull=False) | ~Q(state=Register.State.OPEN), session=OuterRef("pk")),
    )
    now = ClassSession.objects.filter(starts_at__lte=at - began, ends_at__gt=at, status="scheduled")
    # No class lasts longer than a day: the bound keeps this to an index of the start.
    now = now.filter(starts_at__gt=at - timedelta(days=1))
    return now.exclude(reduce(or_, (Q(Exists(sign)) for sign in signs))).order_by("starts_at", "pk")


def attempts_of(session: ClassSession, student: Person) -> QuerySet[Scan]:
    """Every scan of one student in one class, newest first, with what was decided about it and whether they attend anyway
    (`is_in`; one query)."""
    return attempts_among([session.pk], student)


def attempts_among(sessions: Collection[int], student: Person) -> QuerySet[Scan]:
    """The same of several classes."""
    scans = Scan.objects.filter(session__in=sessions, student=student).annotate(is_in=_is_in())
    return scans.select_related("decision__by").order_by("-id")


# Second checks and spot checks


def answers_of(check: SecondCheck) -> dict[int, datetime | None]:
    """By student who was in when it began, when they answered this second check, None for not (four queries).

    An answer is a scan, or a typed code, of the check's own codes: the interval they were made in began with it or later. One
    browser answers for one account: the one that checked in to this class with it, or else the first that answered with it.
    """
    session, began, ended = check.opening.session_id, check.started_at, check.ends_at
    if began is None or ended is None:
        return {}
    here = Mark.objects.filter(session=session, status__in=CHECKED, at__lt=began)
    answered: dict[int, datetime | None] = dict.fromkeys(here.order_by("student").values_list("student_id", flat=True))
    epoch = Epoch.objects.get(opening=check.opening, number=check.epoch or 0)
    scans = Scan.objects.filter(
        session=session,
        student__in=answered,
        refusal__in=["", Refusal.ALREADY_IN],
        first_seen_at__gte=began,
        first_seen_at__lt=ended + timedelta(milliseconds=grace_of(epoch, check.opening)),
        age_ms__isnull=False,
    )
    accepted = Scan.objects.filter(session=session, refusal="").exclude(device="")
    owners: dict[str, int] = dict(accepted.values_list("device", "student_id"))
    rows = scans.order_by("id").values_list("student_id", "first_seen_at", "age_ms", "device")
    for student, seen, age, device in rows:
        of_the_check = seen - timedelta(milliseconds=age or 0) >= began
        if of_the_check and (not device or owners.setdefault(device, student) == student):
            answered[student] = answered[student] or seen
    return answered


CHECKED = frozenset({Status.PRESENT, Status.LATE, Status.OTHER_GROUP})
"""The marks of students whom a second check asks: those who left or take part from elsewhere are not in the room."""


def second_checks(session: ClassSession) -> QuerySet[SecondCheck]:
    """Those of a class, the latest first, with who asked (one query)."""
    return SecondCheck.objects.filter(opening__session=session).select_related("opening", "asked_by").order_by("-pk")


def unconfirmed_in(session: ClassSession) -> set[int]:
    """Students who missed a second check of a class and whom no person has confirmed as there (one query)."""
    missed = CheckAnswer.objects.filter(second_check__opening__session=session, confirmed_at=None, seen_by=None)
    return set(missed.values_list("student_id", flat=True))


def checks_of(session: ClassSession, student: Person) -> tuple[list[CheckAnswer], list[SpotCall]]:
    """What second checks and spot checks of a class found of one student (two queries)."""
    answers = CheckAnswer.objects.filter(second_check__opening__session=session, student=student)
    calls = SpotCall.objects.filter(spot_check__session=session, student=student).exclude(result=Called.NOT_ASKED)
    return (
        list(answers.select_related("second_check", "seen_by").order_by("pk")),
        list(calls.select_related("spot_check", "result_by").order_by("pk")),
    )


class Shown(NamedTuple):
    """What one screen shows at an instant, and for how long."""

    code: str
    typed: str
    left_ms: int
    period_ms: int
    grace_ms: int


def shown_on(display: Display, at: datetime) -> Shown:
    """The code a screen shows at that instant, by this node's clock (one query)."""
    opening = display.opening
    epoch = latest_epoch(opening)
    keys = keys_of(epoch, opening, keyring.masters()[epoch.kid])
    now_ms = milliseconds(at)
    counter = keys.counter_at(now_ms)
    return Shown(
        make_code(keys, handle=opening.handle, slot=display.slot, counter=counter),
        make_typed(keys, counter),
        keys.left_ms(now_ms),
        epoch.period_ms,
        keys.grace_ms,
    )


def keys_of(epoch: Epoch, opening: Opening, master: bytes, *, retired: Collection[str] = ()) -> EpochKey:
    """An epoch as codes are made and read with it: the same for a screen and for the gate."""
    key, typed_key = epoch_keys(master, opening=opening.pk, epoch=epoch.number)
    return EpochKey(
        opening=opening.pk,
        number=epoch.number,
        key=key,
        typed_key=typed_key,
        period_ms=epoch.period_ms,
        grace_ms=grace_of(epoch, opening),
        started_ms=milliseconds(epoch.started_at),
        ended_ms=milliseconds(epoch.ended_at) if epoch.ended_at else None,
        killed=epoch.killed or epoch.kid in retired,
        check=epoch.of_check,
    )


def latest_epoch(opening: Opening) -> Epoch:
    """The epoch that is shown now (one query)."""
    return Epoch.objects.filter(opening=opening).latest("number")


def pace_of(epoch: Epoch) -> str:
    """Which of the presets an epoch has."""
    wanted = epoch.period_ms, epoch.grace_ms
    return next((name for name, pace in PACES.items() if (pace.period_ms, pace.grace_ms) == wanted), "standard")


def grace_of(epoch: Epoch, opening: Opening) -> int:
    """How long a code of that epoch stays good after its interval, in milliseconds; longer while the class is in relief."""
    return max(epoch.grace_ms, RELIEF_GRACE_MS) if opening.relieved_at else epoch.grace_ms


def showing(opening: Opening) -> QuerySet[Display]:
    """The screens that show a class now, by slot (one query)."""
    return Display.objects.filter(opening=opening, revoked_at=None).select_related("opened_by").order_by("slot")


def kiosks_of(opening: Opening) -> QuerySet[Kiosk]:
    """The kiosks of a class that take numbers, the first opened first (one query)."""
    return Kiosk.objects.filter(opening=opening, revoked_at=None).select_related("opened_by").order_by("pk")


def may_run(shown: Display | Kiosk, session: int, at: datetime) -> bool:
    """Whether a screen or a kiosk of a class may go on: the account of the person who opened it is open, and they may still
    open the register of the class (a few queries)."""
    opener = Person.objects.filter(pk=shown.opened_by_id, is_active=True).first()
    return opener is not None and ClassSession.objects.visible_to(opener, opener.access(at)).filter(pk=session).exists()


class HeldScan(NamedTuple):
    """A held scan as a register shows it; `open` until someone decides, or the student is in by another way."""

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
    """Which of these scans no longer wait (one query)."""
    return _held(Scan.objects.filter(Q(decision__isnull=False) | _is_in(), pk__in=scans))


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
            not hasattr(scan, "decision") and not scan.is_in,
        )
        for scan in scans.select_related("student", "decision").annotate(is_in=_is_in()).order_by("id")
    ]


def open_classes(at: datetime) -> QuerySet[Opening]:
    """Openings that take scans at that instant, soonest class first, with their classes and rooms."""
    return (
        Opening.objects.filter(Q(stopped_at=None) | Q(stopped_at__gt=at), opens_at__lte=at, late_until__gt=at)
        .exclude(session__status="cancelled")
        .select_related("session__module")
        .prefetch_related("session__rooms")
        .order_by("session__starts_at", "session__title", "pk")
    )


def held_counts(openings: QuerySet[Opening]) -> dict[int, int]:
    """How many scans wait in each of these classes that has any, by class (one query)."""
    waiting = _waiting().filter(session__in=openings.order_by().values("session"))
    return dict(waiting.order_by().values_list("session").annotate(n=Count("pk")))


def screen_counts(openings: QuerySet[Opening]) -> dict[int, int]:
    """How many screens show each of these openings, by opening (one query)."""
    shown = Display.objects.filter(opening__in=openings.order_by().values("pk"), revoked_at=None)
    return dict(shown.order_by().values_list("opening").annotate(n=Count("pk")))


def results_in(openings: QuerySet[Opening]) -> dict[str, int]:
    """How many scans of these classes ended how: by refusal, '' for recorded ones, the most frequent first (one query)."""
    scans = Scan.objects.filter(session__in=openings.order_by().values("session"))
    return dict(scans.values_list("refusal").annotate(n=Count("pk")).order_by("-n"))


def kids_shown(openings: QuerySet[Opening]) -> dict[str, int]:
    """How many of these classes show codes of which key (one query)."""
    latest = Epoch.objects.filter(opening=OuterRef("pk")).order_by("-number").values("kid")[:1]
    shown = openings.order_by().values(kid=Subquery(latest)).annotate(n=Count("pk", distinct=True))
    return {row["kid"]: row["n"] for row in shown}


def alarms_since(at: datetime) -> QuerySet[Alarm]:
    """What the gates noticed since then, newest first, with the class it is about (one query)."""
    return Alarm.objects.filter(at__gte=at).select_related("opening__session__module").order_by("-at")


def slow_spells(since: datetime) -> QuerySet[SlowSpell]:
    """Times since then at which signing in was slow, newest first (one query)."""
    return SlowSpell.objects.filter(seen_at__gte=since).order_by("-began_at")


def was_slow(at: datetime) -> bool:
    """Whether signing in was slow for who scanned then (one query)."""
    return slow_spells(at - CALM).filter(seen_at__gt=at - CALM, began_at__lte=at + BEFORE).exists()


def paused() -> GateState | None:
    """Since when and why check-in of the university is paused; None while it goes on (one query)."""
    return GateState.objects.filter(frozen_at__isnull=False).first()


def retired_keys() -> QuerySet[RetiredKey]:
    """The keys whose codes, tickets and passes no longer count (one query)."""
    return RetiredKey.objects.order_by("at")


def keys_that_count(purpose: str) -> dict[str, bytes]:
    """The keys for a purpose that are not retired, by key id (one query). The gate knows them without asking."""
    retired = {key.kid for key in retired_keys()}
    return {kid: key for kid, key in keyring.keys_for(purpose).items() if kid not in retired}


def kids_used() -> set[str]:
    """Every key id there ever was here, so that none is used twice (two queries)."""
    used = Epoch.objects.order_by().values_list("kid", flat=True).distinct()
    return {*keyring.masters(), *used, *retired_keys().values_list("kid", flat=True)}


def newest_scan() -> int:
    """The id of the latest scan of any class; 0 before the first."""
    return Scan.objects.order_by("-id").values_list("id", flat=True).first() or 0
