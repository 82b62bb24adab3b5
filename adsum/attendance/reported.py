"""Periods reported outside, which lock the marks of their days, and the corrections made after that."""

from datetime import date, datetime
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import Correction, Query, Register, ReportedPeriod
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession


class Locked(NamedTuple):
    """What a reported period locks, and what of it is not settled yet."""

    classes: int
    not_observed: int
    """Classes among them whose register closed without any observation."""
    open_queries: int


def _checked(period: ReportedPeriod, at: datetime) -> None:
    if period.ends_on < period.starts_on:
        raise AdsumError("backwards", _("The last day comes before the first. Check the dates."))
    if period.ends_on > civil_date(at):
        raise AdsumError("not_yet", _("These days are not over yet. Choose a last day that has come."))


def preview_period(period: ReportedPeriod, *, at: datetime) -> Locked:
    """What reporting this unsaved period would lock (three queries); writes nothing. Raises what `report_period` raises."""
    _checked(period, at)
    classes = ClassSession.objects.filter(starts_on__range=(period.starts_on, period.ends_on)).exclude(status="cancelled")
    queries = Query.objects.filter(state=Query.State.OPEN)
    if period.student is not None:
        classes, queries = classes.filter(marks__student=period.student), queries.filter(student=period.student)
    empty = classes.filter(register__state=Register.State.NOT_OBSERVED)
    return Locked(classes.count(), empty.count(), queries.filter(session__in=classes.values("pk")).count())


@transaction.atomic
def report_period(
    body: ReportedPeriod.Body,
    *,
    starts_on: date,
    ends_on: date,
    by: Person,
    at: datetime,
    student: Person | None = None,
    reference: str = "",
) -> ReportedPeriod:
    """Note that attendance of these days (both included) was reported outside, for one student or for everyone: from now on
    only the attendance team changes its marks, and each change is a correction. Raises AdsumError `backwards`, and `not_yet`
    for days to come."""
    period = ReportedPeriod(
        body=body, student=student, starts_on=starts_on, ends_on=ends_on, reference=reference, reported_at=at, reported_by=by
    )
    _checked(period, at)
    period.save()
    audit_log.record(
        actor=by.actor,
        verb="period.report",
        subject=f"period:{period.pk}",
        at=at,
        body=body,
        starts_on=str(starts_on),
        ends_on=str(ends_on),
        student=student and student.pk,
    )
    return period


@transaction.atomic
def withdraw_period(period: ReportedPeriod, *, by: Person, at: datetime) -> None:
    """It was entered by mistake: nothing is locked by it any more. Corrections noted meanwhile stay. Once: the first who says
    so is kept."""
    if ReportedPeriod.objects.standing().filter(pk=period.pk).update(withdrawn_at=at, withdrawn_by=by):
        audit_log.record(actor=by.actor, verb="period.withdraw", subject=f"period:{period.pk}", at=at)


@transaction.atomic
def note_correction(correction: Correction, *, by: Person, at: datetime) -> None:
    """Somebody who reports has seen this correction, and does what is to be done. Once: the first who says so is kept."""
    if Correction.objects.filter(pk=correction.pk, seen_at=None).update(seen_at=at, seen_by=by):
        audit_log.record(actor=by.actor, verb="correction.seen", subject=f"change:{correction.pk}", at=at)
