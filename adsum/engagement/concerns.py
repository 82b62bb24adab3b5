"""A teacher is worried about a student: told to the tutor and the wellbeing contact, and acknowledged within a working day."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.case_rules import ACKNOWLEDGED_IN, Worry
from adsum.engagement.models import Case, Concern
from adsum.engagement.owners import Staffing, owner_of, stand_in, wellbeing_of
from adsum.timetable.models import ClassSession

ACTOR = "system:cases"


@transaction.atomic
def raise_concern(student: Person, worry: Worry, words: str, *, act: Act, session: ClassSession | None = None) -> Concern:
    """Tell the tutor and the wellbeing contact. Raises AdsumError `own_record`, `needs_words` for a worry of another kind."""
    if student.pk == act.by.pk:
        raise AdsumError("own_record", _("This is about yourself. Speak with your tutor, or with the wellbeing team."))
    if worry == Worry.OTHER and not words.strip():
        raise AdsumError("needs_words", _("Say in a few words what you noticed. Leave out anything about health."))
    wellbeing = wellbeing_of(student, act.at)
    concern = Concern.objects.create(
        student=student,
        by=act.by,
        at=act.at,
        session=session,
        worry=worry,
        words=words.strip(),
        owner=owner_of(student, act.at, besides=[act.by.pk]),
        wellbeing=wellbeing if wellbeing and wellbeing.pk != act.by.pk else None,
        due_on=working_days().after(civil_date(act.at), ACKNOWLEDGED_IN),
        case=Case.objects.under_way().filter(student=student).first(),
    )
    _record(concern, "raise", act.by.actor, act.at)
    return concern


@transaction.atomic
def acknowledge(concern: Concern, *, act: Act) -> Concern:
    """Somebody has it in hand, and the teacher is told so. Raises AdsumError `own`, `answered` when a colleague was faster."""
    concern = Concern.objects.select_for_update().get(pk=concern.pk)
    if concern.acknowledged_at is not None:
        raise AdsumError("answered", _("A colleague has already acknowledged this concern."))
    if concern.by_id == act.by.pk:
        raise AdsumError("own", _("You raised this concern. A colleague acknowledges it."))
    concern.acknowledged_at, concern.acknowledged_by = act.at, act.by
    concern.save(update_fields=["acknowledged_at", "acknowledged_by"])
    _record(concern, "acknowledge", act.by.actor, act.at)
    return concern


@transaction.atomic
def pass_on_unacknowledged(*, at: datetime) -> int:
    """Give concerns that were not acknowledged in time to who stands in for their owner, once; how many."""
    late = Concern.objects.waiting().filter(due_on__lt=civil_date(at), passed_on_at=None).select_related("student")
    passed_on = 0
    for concern in late.select_for_update(of=("self",)).order_by("pk"):
        try:
            concern.owner = owner_of(concern.student, at, besides=[concern.owner_id, concern.by_id])
        except AdsumError:
            continue  # there is no third person: it stays where it is, and is tried again
        concern.passed_on_at = at
        concern.save(update_fields=["owner", "passed_on_at"])
        _record(concern, "pass_on", ACTOR, at)
        passed_on += 1
    return passed_on


def settle_concerns(staffing: Staffing, *, at: datetime) -> int:
    """Give concerns that wait with those who are not there to others; how many have moved."""
    moved_on = 0
    for concern in Concern.objects.waiting().select_related("student").select_for_update(of=("self",)).order_by("pk"):
        to = stand_in(staffing, concern.owner_id, concern.student, at, besides=[concern.by_id])
        if to is not None:
            concern.owner = to
            concern.save(update_fields=["owner"])
            _record(concern, "pass_on", ACTOR, at)
            moved_on += 1
    return moved_on


def _record(concern: Concern, verb: str, actor: str, at: datetime) -> None:
    audit_log.record(
        actor=actor,
        verb=f"concern.{verb}",
        subject=f"person:{concern.student_id}",
        at=at,
        concern=str(concern.ref),
        person=concern.owner_id,
    )
