"""Naming who steps in, and saying who is away. Both move the work of those who are not there at once."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Department, Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.engagement.cases import refuse_not_there, settle_cases
from adsum.engagement.concerns import settle_concerns
from adsum.engagement.conduct import settle_conduct
from adsum.engagement.models import Fallback, Leave
from adsum.engagement.owners import Staffing


@transaction.atomic
def settle_owners(*, at: datetime) -> int:
    """Give the open cases, concerns and conduct referrals of those who have left or are away to who stands in; how many have
    moved. Nothing happens to what has an owner who is there (seven queries when that is all of it), nor to what no other
    person could have: that is tried again the next time."""
    staffing = Staffing(civil_date(at))
    return sum(settle(staffing, at=at) for settle in (settle_cases, settle_concerns, settle_conduct))


@transaction.atomic
def name_fallback(department: Department | None, duty: Fallback.Duty, person: Person, *, act: Act) -> Fallback:
    """Name the person who takes what has no owner otherwise; None is the whole university. Raises AdsumError `not_there`."""
    refuse_not_there(person, at=act.at)
    made, _new = Fallback.objects.update_or_create(department=department, duty=duty, defaults={"person": person})
    subject = f"department:{department.pk}" if department else "university:all"
    audit_log.record(actor=act.by.actor, verb="fallback.name", subject=subject, at=act.at, duty=duty, person=person.pk)
    settle_owners(at=act.at)
    return made


@transaction.atomic
def take_leave(person: Person, deputy: Person | None, starts_on: date, ends_on: date, *, act: Act) -> Leave:
    """Say that a person is away, and who does their work. Raises AdsumError `order`, `own_deputy`."""
    if ends_on < starts_on:
        raise AdsumError("order", _("The last day is before the first one."))
    if deputy is not None and deputy.pk == person.pk:
        raise AdsumError("own_deputy", _("Choose somebody else as deputy."))
    made = Leave.objects.create(person=person, deputy=deputy, starts_on=starts_on, ends_on=ends_on)
    audit_log.record(actor=act.by.actor, verb="leave.take", subject=person.actor, at=act.at, leave=made.pk)
    settle_owners(at=act.at)
    return made


@transaction.atomic
def end_leave(leave: Leave, *, act: Act) -> None:
    """The person is back, or was not away after all."""
    subject, number = leave.person.actor, leave.pk
    leave.delete()
    audit_log.record(actor=act.by.actor, verb="leave.end", subject=subject, at=act.at, leave=number)
