"""The verbs of a case. Each asks `case_rules.MOVES` whether it may, writes one step of history and one event."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.case_rules import FIRST_STEP_IN, Event
from adsum.engagement.contacts import spoken_to
from adsum.engagement.models import Case, CaseStep
from adsum.engagement.owners import owner_of

__all__ = ["open_case", "spoken_to"]


@transaction.atomic
def open_case(student: Person, *, because: str, act: Act) -> Case:
    """The student's open case; a new one where there is none, with an owner and a day by which its first step is due.

    `because` says why, in words that the student reads too.
    """
    Person.objects.select_for_update().get(pk=student.pk)  # of two at once the second finds the first one's case
    known = Case.objects.under_way().filter(student=student).first()
    if known is not None:
        return known
    case = Case.objects.create(
        student=student,
        opened_at=act.at,
        opened_by=act.by,
        because=because.strip()[:200],
        owner=owner_of(student, act.at),
        next_step=_("Get in touch with the student"),
        due_on=working_days().after(civil_date(act.at), FIRST_STEP_IN),
    )
    _write_step(case, Event.OPENED, by=act.by, at=act.at, owner=case.owner, due_on=case.due_on)
    return case


def _write_step(
    case: Case, event: Event, *, by: Person | None, at: datetime, words: str = "", actor: str = "system:cases", **facts: Any
) -> CaseStep:
    """One step of a case's history, and its event. Words are in the step alone."""
    step = CaseStep.objects.create(case=case, event=event, at=at, by=by, words=words.strip(), **facts)
    detail = {"case": str(case.ref), "step": str(step.ref)}
    if step.owner_id is not None:
        detail["person"] = f"person:{step.owner_id}"
    audit_log.record(
        actor=by.actor if by else actor, verb=f"case.{event}", subject=f"person:{case.student_id}", at=at, **detail
    )
    return step
