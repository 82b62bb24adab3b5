"""Supervisions: asked for each month, answered by the supervisor, chased, and not observed when nobody answers."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.models import Supervision, SupervisionPlan
from adsum.engagement.supervising import MOVES, Supervised, chased_on, closed_on, month_end
from adsum.timetable.models import Enrolment
from adsum.timetable.reports import university_zone

ACTOR = "system:supervisions"
CHANGES_FOR = timedelta(days=92)
"""How long a supervisor sees, and may change, what was answered."""


def supervisions_of(supervisor: Person, *, on: date) -> QuerySet[Supervision]:
    """Those that wait for this person's answer, and those of the last months."""
    mine = Supervision.objects.filter(supervisor=supervisor).select_related("student")
    return mine.filter(Q(state=Supervised.WAITING) | Q(month__gte=on - CHANGES_FOR)).order_by(
        "-month", "student__family_name", "pk"
    )


@transaction.atomic
def answer(supervision: Supervision, *, met_on: date | None, act: Act) -> Supervision:
    """The supervisor met the student on that day of the month; None: they did not meet. Raises AdsumError `another_month`,
    `ahead`, or `same` when it says so already."""
    row = Supervision.objects.select_for_update(of=("self",)).get(pk=supervision.pk)
    wanted = Supervised.MET if met_on is not None else Supervised.NOT_MET
    if wanted not in MOVES[Supervised(row.state)]:
        raise AdsumError("same", _("This has been answered already."))
    row.met_at = None
    if met_on is not None:
        if not row.month <= met_on <= month_end(row.month):
            raise AdsumError("another_month", _("This day is not in that month. Choose the day on which you met."))
        if met_on > civil_date(act.at):
            raise AdsumError("ahead", _("This day has not come yet. Answer when you have met."))
        noon = datetime.combine(met_on, time(12), tzinfo=university_zone()).astimezone(UTC)
        row.met_at = min(noon, act.at)
    row.state, row.answered_at, row.answered_by = wanted, act.at, act.by
    row.save(update_fields=["state", "met_at", "answered_at", "answered_by"])
    audit_log.record(
        actor=act.by.actor,
        verb="supervision.answer",
        subject=f"supervision:{row.ref}",
        at=act.at,
        student=row.student_id,
        state=wanted,
    )
    return row


@transaction.atomic
def ask_for(level: str, since: date, *, act: Act) -> SupervisionPlan:
    """From that day on supervisors of students at this level of enrolment are asked each month."""
    plan, new = SupervisionPlan.objects.get_or_create(
        level=level.strip(), ended_at=None, defaults={"since": since, "made_by": act.by}
    )
    if new:
        audit_log.record(actor=act.by.actor, verb="supervision.plan", subject=f"plan:{plan.pk}", at=act.at, since=str(since))
    return plan


@transaction.atomic
def stop_asking(plan: SupervisionPlan, *, act: Act) -> None:
    """Supervisors are not asked any more; what was answered stays."""
    if SupervisionPlan.objects.filter(pk=plan.pk, ended_at=None).update(ended_at=act.at, ended_by=act.by):
        audit_log.record(actor=act.by.actor, verb="supervision.plan_end", subject=f"plan:{plan.pk}", at=act.at)


@transaction.atomic
def tend_supervisions(*, at: datetime) -> int:
    """Ask for this month's, chase and close those of earlier months; how many steps. Running it twice does nothing more."""
    return _ask(at) + _chase(at) + _close(at)


def _ask(at: datetime) -> int:
    today = civil_date(at)
    month = today.replace(day=1)
    levels = SupervisionPlan.objects.filter(ended_at=None, since__lte=today).values("level")
    supervised = Enrolment.objects.on(today).filter(
        level__in=levels, status=Enrolment.Status.ENROLLED, tutor__is_active=True, person__is_active=True
    )
    stopped = Enrolment.objects.on(today).filter(status=Enrolment.Status.SUSPENDED).values("person")
    supervisors = dict(supervised.exclude(person__in=stopped).order_by("starts_on", "pk").values_list("person", "tutor"))
    asked = set(Supervision.objects.filter(month=month, student__in=supervisors).values_list("student", flat=True))
    made = [
        Supervision(student_id=student, supervisor_id=supervisor, month=month)
        for student, supervisor in supervisors.items()
        if student not in asked and supervisor is not None
    ]
    Supervision.objects.bulk_create(made, batch_size=1000)
    return len(made)


def _chase(at: datetime) -> int:
    today, days = civil_date(at), working_days()
    waiting = Supervision.objects.filter(state=Supervised.WAITING, chased_at=None, month__lt=today.replace(day=1))
    due = [one.pk for one in waiting.only("pk", "month") if chased_on(one.month, days) <= today]
    return Supervision.objects.filter(pk__in=due).update(chased_at=at)


def _close(at: datetime) -> int:
    today, days = civil_date(at), working_days()
    waiting = Supervision.objects.select_for_update(of=("self",)).filter(
        state=Supervised.WAITING, month__lt=today.replace(day=1)
    )
    over = [one for one in waiting if closed_on(one.month, days) <= today]
    Supervision.objects.filter(pk__in=[one.pk for one in over]).update(state=Supervised.NOT_OBSERVED)
    audit_log.record_all(
        [audit_log.Entry("supervision.close", f"supervision:{one.ref}", {"student": one.student_id}) for one in over],
        actor=ACTOR,
        at=at,
    )
    return len(over)
