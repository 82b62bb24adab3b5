"""Naming who steps in, and saying who is away. Both move the open cases at once."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Department, Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.engagement.cases import refuse_not_there, settle_owners
from adsum.engagement.models import Fallback, Leave


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
