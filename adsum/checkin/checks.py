"""Second checks and spot checks: how they begin, how they are settled, and what people saw. They never change a mark."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.reports import in_outage
from adsum.audit import services as audit_log
from adsum.checkin.models import CheckAnswer, Display, Opening, SecondCheck, SpotCall, SpotCheck
from adsum.checkin.reports import CHECKED, answers_of, latest_epoch
from adsum.checkin.rules import Called, Void
from adsum.checkin.services import next_epoch
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession

LASTS = timedelta(seconds=90)
"""How long a second check lasts."""
SETTLED_AFTER = timedelta(minutes=10)
"""How long after its end it is settled: students who scanned in time have finished signing in by then."""
SPOT_NAMES = 5
"""How many names a spot check calls."""


def check_moment(*, at: datetime, late_until: datetime, ends_at: datetime, pick: Callable[[int], int]) -> datetime | None:
    """A random moment for a second check: after check-in has closed, and so that it is over five minutes before the class
    is. None when there is not enough time. `pick(n)` gives a number from 0 to n - 1."""
    first = max(at, late_until) + timedelta(minutes=1)
    room = int((ends_at - timedelta(minutes=5) - LASTS - first).total_seconds())
    return first + timedelta(seconds=pick(room)) if room > 0 else None


def _during(opening: Opening, at: datetime) -> None:
    session = opening.session
    if session.cancelled or not session.starts_at <= at < session.ends_at - LASTS:
        raise AdsumError("not_on", _("A second check needs a class that is on, and two minutes left of it."))


def _asked(opening: Opening, *, by: Person, at: datetime, planned_for: datetime | None) -> SecondCheck:
    Opening.objects.select_for_update().get(pk=opening.pk)
    if SecondCheck.objects.filter(opening=opening, settled_at=None).exists():
        raise AdsumError("one_at_a_time", _("A second check of this class is under way or planned already."))
    return SecondCheck.objects.create(opening=opening, asked_by=by, asked_at=at, planned_for=planned_for)


def _is_shown(opening: Opening) -> bool:
    return Display.objects.filter(opening=opening, revoked_at=None).exists()


def _start(check: SecondCheck, at: datetime) -> None:
    """From now on screens show only codes of the check. Epochs begin on a whole millisecond, because codes count in them."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    check.started_at, check.ends_at = at, at + LASTS
    check.epoch = next_epoch(check.opening, at=at, of_check=True)
    check.save(update_fields=["started_at", "ends_at", "epoch"])


@transaction.atomic
def begin_check(opening: Opening, *, by: Person, at: datetime) -> SecondCheck:
    """Check now, for 90 seconds.

    Raises AdsumError `not_on` outside the class, `no_screen` when no screen shows it, `one_at_a_time`.
    """
    _during(opening, at)
    if not _is_shown(opening):
        raise AdsumError("no_screen", _("No screen shows this class. Show the code first: the check uses the same screens."))
    check = _asked(opening, by=by, at=at, planned_for=None)
    _start(check, at)
    audit_log.record(actor=by.actor, verb="check.begin", subject=f"session:{opening.session_id}", at=at, check=str(check.ref))
    return check


@transaction.atomic
def plan_check(opening: Opening, *, by: Person, at: datetime) -> SecondCheck:
    """Plan a check at a secret random moment after check-in has closed.

    Raises AdsumError `not_on`, `too_short` when the class is too short for that, `one_at_a_time`.
    """
    _during(opening, at)
    moment = check_moment(at=at, late_until=opening.late_until, ends_at=opening.session.ends_at, pick=secrets.randbelow)
    if moment is None:
        raise AdsumError("too_short", _("The class is too short, or too far gone, for a random moment. Check now instead."))
    check = _asked(opening, by=by, at=at, planned_for=moment)
    audit_log.record(actor=by.actor, verb="check.plan", subject=f"session:{opening.session_id}", at=at, check=str(check.ref))
    return check


@transaction.atomic
def take_back_check(check: SecondCheck, *, by: Person, at: datetime) -> None:
    """Cancel a planned check, or void one that runs. Raises AdsumError `settled` when it is too late."""
    check = SecondCheck.objects.select_for_update(of=("self",)).select_related("opening__session").get(pk=check.pk)
    if check.settled_at is not None:
        raise AdsumError("settled", _("This second check is over and settled. Say of each student that you saw them instead."))
    _settle(check, at=at, void=Void.TAKEN_BACK, actor=by.actor)


def tend_checks(*, at: datetime) -> int:
    """Start checks that are planned for now, show ordinary codes again after a check, and settle checks that are over.
    Returns how many of these steps were taken."""
    steps = 0
    waiting = SecondCheck.objects.filter(settled_at=None).order_by("pk").values_list("pk", flat=True)
    for pk in list(waiting):
        with transaction.atomic():
            check = SecondCheck.objects.select_for_update(of=("self",)).select_related("opening__session").get(pk=pk)
            if check.settled_at is None:
                steps += _tend(check, at)
    return steps


def _tend(check: SecondCheck, at: datetime) -> bool:
    opening, session = check.opening, check.opening.session
    if check.started_at is None:
        if at >= session.ends_at - LASTS or session.cancelled:
            _settle(check, at=at, void=Void.NO_MOMENT, actor="system:checks")
            return True
        if check.planned_for is None or at < check.planned_for or not _is_shown(opening):
            return False
        _start(check, at)
        audit_log.record(
            actor="system:checks", verb="check.begin", subject=f"session:{session.pk}", at=at, check=str(check.ref)
        )
        return True
    ended = check.started_at + LASTS
    if at >= ended + SETTLED_AFTER:
        _settle(check, at=at, void="", actor="system:checks")
        return True
    latest = latest_epoch(opening)
    if at >= ended and latest.of_check:
        next_epoch(opening, at=at)
        return True
    return False


def _settle(check: SecondCheck, *, at: datetime, void: str, actor: str) -> None:
    """Write down who answered, and show ordinary codes again."""
    if check.started_at is not None and not void:
        answered = answers_of(check)
        if in_outage(check.opening.session, at):
            void = Void.OUTAGE
        elif not any(answered.values()):
            void = Void.NOBODY
        else:
            CheckAnswer.objects.bulk_create(
                [CheckAnswer(second_check=check, student_id=pk, confirmed_at=when) for pk, when in answered.items()]
            )
    check.settled_at, check.void = at, void
    check.save(update_fields=["settled_at", "void"])
    audit_log.record(
        actor=actor, verb="check.settle", subject=f"session:{check.opening.session_id}", at=at, check=str(check.ref), void=void
    )
    if latest_epoch(check.opening).of_check:
        next_epoch(check.opening, at=at)


@transaction.atomic
def say_seen(answer: CheckAnswer, *, by: Person, at: datetime) -> None:
    """Note that a student who missed the check was there, as a person says. Raises AdsumError `own_record` for their own."""
    if answer.student_id == by.pk:
        raise AdsumError("own_record", _("You cannot confirm yourself. Ask a colleague."))
    if CheckAnswer.objects.filter(pk=answer.pk, confirmed_at=None, seen_by=None).update(seen_by=by, seen_at=at):
        session = answer.second_check.opening.session_id
        audit_log.record(actor=by.actor, verb="check.seen", subject=f"session:{session}", at=at, student=answer.student_id)


# Spot checks


@transaction.atomic
def begin_spot_check(session: ClassSession, *, by: Person, at: datetime) -> SpotCheck:
    """Five random names of those who are in, to be called.

    Raises AdsumError `nobody` when no student is in, `not_on` outside the class.
    """
    if session.cancelled or not session.starts_at <= at < session.ends_at:
        raise AdsumError("not_on", _("Names can be called while the class is on."))
    here = Mark.objects.filter(session=session, status__in=CHECKED).exclude(student=by)
    students = list(here.order_by("student").values_list("student_id", flat=True))
    if not students:
        raise AdsumError("nobody", _("Nobody has checked in yet, so there is no name to call."))
    chosen = secrets.SystemRandom().sample(students, min(SPOT_NAMES, len(students)))
    spot = SpotCheck.objects.create(session=session, asked_by=by, asked_at=at)
    SpotCall.objects.bulk_create(
        [SpotCall(spot_check=spot, student_id=pk, place=place) for place, pk in enumerate(chosen, start=1)]
    )
    audit_log.record(actor=by.actor, verb="spot.begin", subject=f"session:{session.pk}", at=at, students=chosen)
    return spot


@transaction.atomic
def note_call(call: SpotCall, result: Called, *, by: Person, at: datetime) -> None:
    """Note seen, not seen, or not asked after all. The last answer counts; nothing follows from it automatically."""
    SpotCall.objects.filter(pk=call.pk).update(result=result, result_by=by, result_at=at)
    audit_log.record(
        actor=by.actor,
        verb="spot.call",
        subject=f"session:{call.spot_check.session_id}",
        at=at,
        student=call.student_id,
        result=result,
    )
