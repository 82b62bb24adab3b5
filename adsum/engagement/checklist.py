"""A reminder's checklist as its student stands with it, and until when its marks can be queried."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from adsum.absence.models import AbsenceRequest
from adsum.accounts.models import Person
from adsum.attendance.models import Query
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.alert_life import STANDING, State
from adsum.engagement.checklist_steps import ANSWERED_HERE, QUERY_WORKING_DAYS, Step
from adsum.engagement.models import Alert, AlertClass, ReminderAnswer
from adsum.engagement.observed import observed


def checklist(alert: Alert, at: datetime) -> dict[Step, bool]:
    """Which steps of a reminder the student has done, in order (a constant number of queries)."""
    told = alert.told_at or at
    answered = set(ReminderAnswer.objects.filter(alert=alert).values_list("step", flat=True))
    asked = Query.objects.filter(student=alert.student_id, session__in=alert.classes.values("session"), raised_at__gte=told)
    queried = asked.exists()
    absent = AbsenceRequest.objects.filter(student=alert.student_id, told_at__gte=told)
    back = any(one.attended for one in observed([alert.student_id], since=told, until=at)[alert.student_id])
    return {
        Step.RECORD: Step.RECORD in answered or queried,
        Step.LECTURER: queried,
        Step.SCANNED: queried,
        Step.CIRCUMSTANCES: Step.CIRCUMSTANCES in answered or absent.exists(),
        Step.RETURN: back,
    }


@transaction.atomic
def answer(alert: Alert, step: Step, *, at: datetime) -> None:
    """The student ticks a step of their reminder; a second time changes nothing.

    Raises AdsumError `over` when the reminder is closed, `shown` for a step that shows in what they do.
    """
    alert = Alert.objects.select_for_update(of=("self",)).select_related("student").get(pk=alert.pk)
    if alert.state not in STANDING:
        raise AdsumError("over", _("This reminder is closed. There is nothing left to answer."))
    if step not in ANSWERED_HERE:
        raise AdsumError("shown", _("This step is ticked by itself when you have done it."))
    _row, new = ReminderAnswer.objects.get_or_create(alert=alert, step=step, defaults={"at": at})
    if new:
        audit_log.record(
            actor=alert.student.actor, verb="alert.answer", subject=alert.student.actor, at=at, alert=str(alert.ref), step=step
        )


def may_query_until(student: Person, at: datetime) -> Mapping[int, date]:
    """By class, the day up to which its mark can be queried because a reminder rests on it, or what was decided after one: ten
    working days after the student was told, or has read it (two queries)."""
    decided = Q(state=State.CLOSED) & ~Q(outcome="")
    standing = Alert.objects.filter(Q(state__in=STANDING) | decided, student=student, told_at__lte=at)
    days = {alert.pk: query_until(alert) for alert in standing}
    found: dict[int, date] = {}
    for session, alert in AlertClass.objects.filter(alert__in=days).values_list("session", "alert"):
        if (until := days[alert]) is not None:
            found[session] = max(until, found.get(session, until))
    return found


def query_until(alert: Alert) -> date | None:
    """The day up to which the marks that a reminder rests on can be queried; None before the student was told."""
    delivered = alert.opened_at or alert.told_at
    return working_days().after(civil_date(delivered), QUERY_WORKING_DAYS) if delivered else None
