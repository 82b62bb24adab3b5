"""What is known of alerts that have not left yet, so that `alert_life.keeps_back` can say what keeps them back."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max

from adsum.accounts.reaching import stopped_among
from adsum.core.university import civil_date
from adsum.engagement.alert_life import Back, Known, is_office_hour, keeps_back
from adsum.engagement.contacts import spoken_to
from adsum.engagement.models import Alert, AlertClass, Tick, WelfareHold
from adsum.engagement.not_checked import fingerprint, not_checked
from adsum.engagement.notice_days import notice_days
from adsum.timetable.reports import studying, university_zone


def known_of(alerts: Collection[Alert], at: datetime) -> dict[int, Known]:
    """By alert, what is known of it and its student (a constant number of queries). A tick counts here as it was made:
    `unticked` says whether there is more to show since."""
    students = {alert.student_id for alert in alerts}
    stopped = stopped_among(students)
    welfare = set(WelfareHold.objects.filter(student__in=students, ended_at=None).values_list("student", flat=True))
    here, spoken = studying(students, civil_date(at)), spoken_to(students, at)
    told = Alert.objects.filter(student__in=students, told_at__isnull=False).order_by().values_list("student", "stage")
    last = {(student, stage): when for student, stage, when in told.annotate(last=Max("told_at"))}
    pks = [alert.pk for alert in alerts]
    missed = set(AlertClass.objects.filter(alert__in=pks, missed=True).values_list("alert", "session"))
    ticked = set(Tick.objects.filter(alert__in=pks).values_list("alert", "session"))
    waiting = {alert for alert, _session in missed - ticked}
    return {
        alert.pk: Known(
            stage=alert.stage,
            held_until=alert.held_until,
            no_contact=alert.student_id in stopped,
            by_hand=alert.held_by_id is not None,
            welfare=alert.student_id in welfare,
            suspended=alert.student_id not in here,
            doubted=alert.doubted_at is not None,
            ticked=alert.pk not in waiting,
            spoken_at=spoken.get(alert.student_id),
            told_at=last.get((alert.student_id, alert.stage)),
        )
        for alert in alerts
    }


def backs_of(alerts: Collection[Alert], at: datetime, *, working: bool = True) -> dict[int, Back | None]:
    """By alert, what keeps it back at that instant (`known_of`)."""
    return {pk: keeps_back(known, at, working=working) for pk, known in known_of(alerts, at).items()}


def is_working_hour(at: datetime) -> bool:
    """Whether reminders leave at that instant (one query)."""
    return is_office_hour(at, university_zone(), notice_days())


def unticked(alert: Alert, at: datetime) -> set[int]:
    """The missed classes of an alert that no person has ticked, or about which there is more to show since (a few queries)."""
    rows = alert.classes.filter(missed=True).select_related("session__module")
    found = not_checked(alert.student_id, [row.session for row in rows], at)
    ticks = dict(alert.ticks.values_list("session", "shown"))
    return {session for session, signs in found.items() if ticks.get(session) != fingerprint(signs)}
