"""What is decided about a student is decided once: a case, and the reminder of the last stage that led to it, end together."""

from django.db import transaction

from adsum.attendance.weighing import Act
from adsum.engagement import alerts, cases
from adsum.engagement.alert_life import State
from adsum.engagement.case_rules import UNDER_WAY, Outcome
from adsum.engagement.models import Alert, Case
from adsum.engagement.rules import STAGES

LAST = max(STAGES)


@transaction.atomic
def conclude_case(case: Case, outcome: Outcome, words: str, *, act: Act) -> Case:
    """Close the case; where it was decided at the last stage, the student's reminder of that stage is closed with the same
    outcome. Raises AdsumError as `cases.close_case`."""
    closed = cases.close_case(case, outcome, words, act=act)
    if outcome in alerts.PANEL_DECIDES:
        for alert in Alert.objects.filter(student=case.student_id, stage=LAST, state__in=[State.TOLD, State.PAUSED]):
            alerts.close(alert, words, act=act, outcome=outcome)
    return closed


@transaction.atomic
def conclude_alert(alert: Alert, why: str, *, act: Act, outcome: str = "") -> Alert:
    """Close an alert; with an outcome, the student's open case is closed with the same. Raises AdsumError as `alerts.close`."""
    closed = alerts.close(alert, why, act=act, outcome=outcome)
    case = Case.objects.filter(student=alert.student_id, state__in=UNDER_WAY).first() if outcome else None
    if case is not None:
        cases.close_case(case, Outcome(outcome), why, act=act)
    return closed


@transaction.atomic
def decide_appeal(case: Case, words: str, *, uphold: bool, act: Act) -> Case:
    """Decide an appeal; where it is upheld, the outcome is taken back from the reminder, too. Raises AdsumError as
    `cases.decide_appeal`."""
    decided = cases.decide_appeal(case, words, uphold=uphold, act=act)
    if uphold:
        with_it = Alert.objects.filter(student=case.student_id, outcome=case.outcome, ended_at__gte=case.opened_at)
        for alert in with_it:
            alerts.take_back_outcome(alert, act=act)
    return decided
