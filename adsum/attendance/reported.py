"""Periods reported outside, which lock the marks of their days, and the corrections made after that."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.models import Correction, MarkChange, Query, Register, ReportedPeriod
from adsum.attendance.rules import Source
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
    """Withdraw a period entered by mistake: it locks nothing any more. Corrections noted meanwhile stay. Does nothing the
    second time: the first person to withdraw it is kept."""
    if ReportedPeriod.objects.standing().filter(pk=period.pk).update(withdrawn_at=at, withdrawn_by=by):
        audit_log.record(actor=by.actor, verb="period.withdraw", subject=f"period:{period.pk}", at=at)


# Corrections


def note_corrections(changes: Sequence[MarkChange]) -> None:
    """Note changes of days that were reported outside as corrections, for the people who report to see. Marks that closing
    gives are not corrections (one query where nothing was ever reported; at most three, and one that writes)."""
    made = [one for one in changes if one.by_id or one.source != Source.SYSTEM]
    if not made or not ReportedPeriod.objects.standing().exists():
        return
    sessions = ClassSession.objects.filter(pk__in={change.session_id for change in made})
    days = dict(sessions.values_list("pk", "starts_on"))
    reported = ReportedPeriod.objects.standing().filter(
        Q(student=None) | Q(student__in={change.student_id for change in made}),
        starts_on__lte=max(days.values()),
        ends_on__gte=min(days.values()),
    )
    periods = list(reported.order_by("-reported_at"))
    found = []
    for change in made:
        for period in periods:
            held = period.starts_on <= days[change.session_id] <= period.ends_on
            if held and period.student_id in {None, change.student_id}:
                found.append(Correction(change=change, period=period))
                break
    Correction.objects.bulk_create(found, batch_size=1000)


SWEPT_FOR = timedelta(days=7)
"""How long after a report to look for corrections made at the same time: the job runs daily, and may have been down."""
CROSSED = timedelta(minutes=1)
"""How long before a report a change may have begun and still have been written after it."""


@transaction.atomic
def sweep_corrections(*, at: datetime) -> int:
    """Note the corrections that a race left out; returns how many. A change that was being written while its day was reported
    saw no report, and the report may not have seen the change. A minute before counts as well: people can dismiss a
    correction too many, but would never find a missing one. Run again, it finds none."""
    count = 0
    for period in ReportedPeriod.objects.standing().filter(reported_at__gt=at - SWEPT_FOR).order_by("-reported_at"):
        crossed = MarkChange.objects.filter(
            session__starts_on__range=(period.starts_on, period.ends_on),
            at__gte=period.reported_at - CROSSED,
            correction__isnull=True,
        ).exclude(source=Source.SYSTEM, by=None)
        if period.student_id is not None:
            crossed = crossed.filter(student=period.student_id)
        missed = [Correction(change=change, period=period) for change in crossed.order_by("pk")]
        Correction.objects.bulk_create(missed, batch_size=1000)
        count += len(missed)
    return count


@transaction.atomic
def note_correction(correction: Correction, *, by: Person, at: datetime) -> None:
    """Note that a person who reports has seen this correction and will act on it. Only the first such note is kept."""
    if Correction.objects.filter(pk=correction.pk, seen_at=None).update(seen_at=at, seen_by=by):
        audit_log.record(actor=by.actor, verb="correction.seen", subject=f"change:{correction.pk}", at=at)
