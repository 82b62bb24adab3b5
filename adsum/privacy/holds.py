"""Legal holds: what keeps a student's data from ending."""

from datetime import date

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.privacy.models import LegalHold


@transaction.atomic
def hold(student: Person, why: str, review_on: date, *, act: Act) -> LegalHold:
    """Keep everything of a student until a person ends it. Raises AdsumError `held` when there is a hold, `no_reason`."""
    if not why.strip():
        raise AdsumError("no_reason", _("Say why: a hold is looked at again later, perhaps by somebody else."))
    try:
        with transaction.atomic():
            made = LegalHold.objects.create(
                student=student, why=why.strip(), review_on=review_on, begun_at=act.at, begun_by=act.by
            )
    except IntegrityError as there:
        raise AdsumError("held", _("There is a legal hold for this student already.")) from there
    detail = {"student": student.pk, "review_on": str(review_on)}
    audit_log.record(actor=act.by.actor, verb="privacy.hold", subject=f"hold:{made.pk}", at=act.at, **detail)
    return made


@transaction.atomic
def release(held: LegalHold, *, act: Act) -> None:
    """End a hold. Does nothing the second time."""
    if LegalHold.objects.filter(pk=held.pk, ended_at=None).update(ended_at=act.at, ended_by=act.by):
        detail = {"student": held.student_id}
        audit_log.record(actor=act.by.actor, verb="privacy.release", subject=f"hold:{held.pk}", at=act.at, **detail)
