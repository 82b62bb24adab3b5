"""An authority outside asked for a person's data: written down with what became of it."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date
from adsum.privacy.disclosure_rules import Basis, Body, why_not
from adsum.privacy.models import Disclosure

WORDED = {
    "needs_who": gettext_lazy("Say who asked: name, rank or office."),
    "needs_why": gettext_lazy(
        "Say what they asked for and why the ground holds. It is what you will be asked about in a year."
    ),
}


@transaction.atomic
def record_disclosure(
    person: Person,
    body: Body,
    basis: Basis,
    *,
    asked_by: str,
    why: str,
    given: str,
    given_on: date,
    may_be_told: bool,
    reference: str = "",
    act: Act,
) -> Disclosure:
    """Write down what was given, or that nothing was (`given` empty). Raises AdsumError."""
    if refused := why_not(asked_by=asked_by, why=why):
        raise AdsumError(refused, str(WORDED[refused]))
    if given_on > civil_date(act.at):
        raise AdsumError("not_yet", _("It cannot have been given on a day that is still to come."))
    made = Disclosure.objects.create(
        person=person,
        body=body,
        asked_by=asked_by.strip(),
        reference=reference.strip(),
        basis=basis,
        why=why.strip(),
        given=given.strip(),
        given_on=given_on,
        may_be_told=may_be_told,
        entered_at=act.at,
        entered_by=act.by,
    )
    audit_log.record(
        actor=act.by.actor,
        verb="rights.disclose",
        subject=f"disclosure:{made.ref}",
        at=act.at,
        body=body,
        basis=basis,
        given=bool(made.given),
    )
    return made
