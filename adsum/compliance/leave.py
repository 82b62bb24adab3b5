"""Absences of sponsored students that compliance decides about, too: which wait, the total of twelve months, and the
decision."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.absence.models import AbsenceDecision, AbsenceRequest
from adsum.absence.reports import in_force, outcomes_of
from adsum.absence.rules import Outcome, State
from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.clocks import Rules
from adsum.compliance.models import LeaveApproval
from adsum.compliance.pauses import needs_approval
from adsum.compliance.sponsor_rules import Held, days_of_year, why_not_approve
from adsum.compliance.sponsor_terms import Terms
from adsum.compliance.sponsorship import sponsored
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date

HELD: Mapping[Held, Promise] = {
    Held.BACKWARDS: gettext_lazy("The last day comes before the first. Correct one of the two days."),
    Held.PERMISSION: gettext_lazy(
        "The course could not be finished before the permission ends. A longer permission, or a break in studies, comes first."
    ),
    Held.CAP: gettext_lazy("With this, the student would be away for more than %(cap)s days in twelve months. Say why."),
    Held.CEILING: gettext_lazy("With this, the student would be away for more than %(ceiling)s days in twelve months."),
}
AUTHORISED = frozenset({Outcome.WHOLE, Outcome.PART})
WAITS_FOR = timedelta(days=60)
"""How long after its last day an absence is still listed."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Days away, agreed for the course: of a request that was authorised, or told to an officer."""

    first: date
    last: date
    in_uk: bool = True
    place: str = ""
    """Where the student studies meanwhile, if elsewhere."""
    agreed_by: Person | None = None


def waiting(students: Collection[int], terms: Terms, *, today: date) -> list[AbsenceRequest]:
    """Absences that were authorised and wait for compliance, the earliest first (three queries)."""
    decided = LeaveApproval.objects.filter(student__in=students, request__isnull=False).values("request")
    requests = AbsenceRequest.objects.filter(student__in=students, state=State.DECIDED, last_day__gte=today - WAITS_FOR)
    found = requests.exclude(pk__in=decided).select_related("student").order_by("first_day", "pk")
    long = [one for one in found if needs_approval(one.first_day, one.last_day, terms)]
    outcomes = outcomes_of(long)
    return [one for one in long if outcomes.get(one.pk) in AUTHORISED]


def approvals_of(students: Collection[int]) -> dict[int, list[LeaveApproval]]:
    """By student, what compliance decided, the latest first (one query)."""
    found = defaultdict[int, list[LeaveApproval]](list)
    rows = LeaveApproval.objects.filter(student__in=students, withdrawn_at=None).select_related("decided_by", "agreed_by")
    for row in rows.order_by("-first_day", "-pk"):
        found[row.student_id].append(row)
    return found


def total_of(approvals: Collection[LeaveApproval], on: date) -> int:
    """The approved calendar days of the twelve months up to a day."""
    return days_of_year([(one.first_day, one.last_day) for one in approvals if one.approved], on)


def decider_of(request: AbsenceRequest) -> Person | None:
    """Who authorised it for the course (one query)."""
    decision: AbsenceDecision | None = in_force(request)
    return decision.by if decision is not None else None


@transaction.atomic
def decide_leave(
    student: Person, leave: Leave, *, approved: bool, words: str = "", request: AbsenceRequest | None = None, act: Act
) -> LeaveApproval:
    """Compliance decides about an absence. Only what is approved stops the clock; it needs two people.

    Raises AdsumError with a code of `sponsor_rules.Held`, `not_sponsored`, `same_person`, `needs_words` to decline, `decided`.
    """
    today = civil_date(act.at)
    Person.objects.select_for_update(no_key=True).get(pk=student.pk)  # of two at once the second counts the first one's days
    profile = sponsored([student.pk], leave.first).get(student.pk)
    if profile is None:
        raise AdsumError("not_sponsored", _("The student is not sponsored on these days."))
    if approved and leave.agreed_by is not None and leave.agreed_by.pk == act.by.pk:
        raise AdsumError("same_person", _("You authorised this absence for the course. A colleague approves it."))
    if request is not None and LeaveApproval.objects.filter(request=request).exists():
        raise AdsumError("decided", _("A colleague has already decided about this absence."))
    if not approved and not words.strip():
        raise AdsumError("needs_words", _("Say in a few words why not."))
    if approved:
        rules = Rules.on(today)
        known = LeaveApproval.objects.filter(student=student, approved=True, withdrawn_at=None)
        held = why_not_approve(
            leave.first,
            leave.last,
            list(known.values_list("first_day", "last_day")),
            profile.facts,
            cap=rules.terms.absence_cap,
            ceiling=rules.ceiling,
            explained=bool(words.strip()),
        )
        if held is not None:
            raise AdsumError(held, str(HELD[held]) % {"cap": rules.terms.absence_cap, "ceiling": rules.ceiling})
    made = LeaveApproval.objects.create(
        student=student,
        request=request,
        first_day=leave.first,
        last_day=leave.last,
        in_uk=leave.in_uk,
        place=leave.place.strip(),
        agreed_by=leave.agreed_by,
        approved=approved,
        words=words.strip()[:500],
        decided_by=act.by,
        decided_at=act.at,
    )
    audit_log.record(
        actor=act.by.actor,
        verb="leave.approve" if approved else "leave.decline",
        subject=student.actor,
        at=act.at,
        leave=str(made.ref),
        first=str(leave.first),
        last=str(leave.last),
    )
    return made


@transaction.atomic
def withdraw_leave(leave: LeaveApproval, *, act: Act) -> None:
    """It does not take place, or was decided by mistake: the clock runs as if it had never been."""
    if LeaveApproval.objects.filter(pk=leave.pk, withdrawn_at=None).update(withdrawn_at=act.at):
        audit_log.record(
            actor=act.by.actor, verb="leave.withdraw", subject=f"person:{leave.student_id}", at=act.at, leave=str(leave.ref)
        )
