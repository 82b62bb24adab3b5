"""Which partner teaches which classes and students for the university, as it is entered by hand."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.audit.services import Entry, record, record_all
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession, Enrolment
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.rules import Change
from adsum.timetable.services import facts_of, write_classes
from adsum.timetable.writes import ClassStep


def add_partner(code: str, name: str, *, by: Person, at: datetime) -> DeliveryPartner:
    """A new partner. Raises AdsumError `needs_name`, `known`."""
    code, name = code.strip()[:40], name.strip()[:200]
    if not code or not name:
        raise AdsumError("needs_name", _("A partner needs a code, by which files name it, and a name."))
    try:
        with transaction.atomic():
            made = DeliveryPartner.objects.create(code=code, name=name)
            record(actor=by.actor, verb="partner.add", subject=f"partner:{made.pk}", at=at, code=code)
    except IntegrityError as known:
        raise AdsumError("known", _("There is a partner with this code already.")) from known
    return made


@transaction.atomic
def end_partner(partner: DeliveryPartner, last_day: date | None, *, by: Person, at: datetime) -> None:
    """Say when the subcontract ended; None: it goes on. What it taught stays on record as its own."""
    DeliveryPartner.objects.filter(pk=partner.pk).update(ended_on=last_day)
    record(actor=by.actor, verb="partner.end", subject=f"partner:{partner.pk}", at=at, last_day=last_day and str(last_day))


@transaction.atomic
def give_classes(sessions: Iterable[ClassSession], partner: DeliveryPartner | None, *, by: Person, at: datetime) -> int:
    """From now on these classes are taught by that partner; None: by the university itself. How many that changes."""
    steps = []
    for session in sessions:
        before = facts_of(session)
        session.delivery_partner = partner
        after = facts_of(session)
        if before != after:
            steps.append(ClassStep(session, Change.CHANGED, before, after))
    record_all(write_classes(steps, run=None, at=at, actor=by.actor), actor=by.actor, at=at)
    return len(steps)


@transaction.atomic
def give_students(enrolments: Iterable[Enrolment], partner: DeliveryPartner | None, *, by: Person, at: datetime) -> int:
    """The same for students on a course. How many that changes."""
    code = partner.code if partner else None
    changed = [one for one in enrolments if one.delivery_partner_id != code]
    for one in changed:
        one.delivery_partner = partner
    Enrolment.objects.bulk_update(changed, ["delivery_partner"])
    told = [
        Entry("enrolment.partner", f"person:{one.person_id}", {"course": one.course_id, "partner": code}) for one in changed
    ]
    record_all(told, actor=by.actor, at=at)
    return len(changed)
