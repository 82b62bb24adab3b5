"""Days on which the university is closed: entered ahead, so that every notice that runs over them runs longer."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.engagement.models import Closure


@transaction.atomic
def add_closure(name: str, first: date, last: date, *, act: Act) -> Closure:
    """The university is closed from one day to another. Raises AdsumError `backwards`, or `over` for days that are past."""
    if last < first:
        raise AdsumError("backwards", _("The last day comes before the first. Check the dates."))
    if last < civil_date(act.at):
        raise AdsumError("over", _("These days are over: notices that ran over them have ended. Enter closures ahead."))
    made = Closure.objects.create(name=name.strip(), starts_on=first, ends_on=last)
    days = {"starts_on": str(first), "ends_on": str(last)}
    audit_log.record(actor=act.by.actor, verb="closure.add", subject=f"closure:{made.pk}", at=act.at, **days)
    return made


@transaction.atomic
def remove_closure(closure: Closure, *, act: Act) -> None:
    """The university is open on these days after all. Raises AdsumError `begun` for days that have come."""
    if closure.starts_on <= civil_date(act.at):
        raise AdsumError("begun", _("These days have begun, and notices were counted by them. They stay."))
    audit_log.record(actor=act.by.actor, verb="closure.remove", subject=f"closure:{closure.pk}", at=act.at)
    closure.delete()
