"""Reads about reminders: which is open, what it rests on, what closes it; and for any student one sentence why, or why not."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.attendance.counting import Period, Tally, Weighting
from adsum.core.university import civil_date
from adsum.engagement.alert_life import STANDING, State
from adsum.engagement.contacts import contacts_of
from adsum.engagement.models import Alert, RuleVersion, StageWording, WouldBe
from adsum.engagement.observed import observed
from adsum.engagement.policies import rule_set_in_force, studies_of, university_calendar
from adsum.engagement.recovery import promise
from adsum.engagement.rules import Because, Doubt, Finding, Rule, RuleSet, Seen, Trigger, Verdict, judge, not_for_them
from adsum.engagement.standing import looks_back_to
from adsum.engagement.why import why
from adsum.engagement.wordings import FIRST
from adsum.timetable.models import ClassSession
from adsum.timetable.rules import ClassStatus

LOOKS_AHEAD = timedelta(days=70)
"""How far ahead classes are looked for that close a reminder: a term."""


SHOWN_FOR = timedelta(days=28)
"""How long a student reads why a reminder was closed."""


def open_reminder(student: Person) -> Alert | None:
    """The reminder that is open for a student, the highest stage of several; None where none is (one query)."""
    return Alert.objects.filter(student=student, state__in=STANDING).order_by("-stage").first()


def latest_reminder(student: Person, at: datetime) -> Alert | None:
    """The same; where none is open, the last one that a person has closed lately, with why (one query)."""
    told = Alert.objects.filter(student=student, told_at__isnull=False)
    closed = Q(state=State.CLOSED) & (Q(ended_at__gt=at - SHOWN_FOR) | Q(reviewed_at__gt=at - SHOWN_FOR))
    found = list(told.filter(Q(state__in=STANDING) | closed))
    standing = [alert for alert in found if alert.state in STANDING]
    return max(standing, key=lambda one: one.stage, default=None) or max(found, key=lambda one: one.pk, default=None)


def rule_of(alert: Alert) -> Rule:
    """The rule that found it (two queries)."""
    version = RuleVersion.objects.prefetch_related("rules").get(number=alert.version)
    return next(rule for rule in version.rule_set.rules if rule.code == alert.rule)


def wordings_of(alert: Alert) -> QuerySet[StageWording]:
    """The university's own words for its stage, in each language that has some: its first language, and others once a named
    reader has read them (one query)."""
    read = Q(language=FIRST) | Q(approval__isnull=False)
    return StageWording.objects.filter(read, version__number=alert.version, stage=alert.stage)


def facts_of(rule: Rule, rules: RuleSet, finding: Finding, seen: Mapping[int, Seen]) -> dict[str, Any]:
    """What was found, as it is kept; `seen` are the student's classes by id."""
    missed = set(finding.rests_on)
    sessions = sorted(missed | set(finding.considered))
    return {
        "version": rules.number,
        "rule": rule.code,
        "because": asdict(finding.because),
        "tally": asdict(finding.tally) if finding.tally else None,
        "classes": [[pk, seen[pk].counted.status.value, pk in missed] for pk in sessions],
    }


def finding_of(alert: Alert | WouldBe) -> Finding:
    """What was found, as it was kept."""
    said, summed = dict(alert.facts["because"]), alert.facts["tally"]
    because = Because(
        **{
            **said,
            "verdict": Verdict(said["verdict"]),
            "trigger": Trigger(said["trigger"]),
            "period": Period(said["period"]) if said["period"] else None,
            "left_out": tuple((Doubt(doubt), number) for doubt, number in said["left_out"]),
        }
    )
    tally = Tally(**{**summed, "weighting": Weighting(summed["weighting"])}) if summed else None
    classes = alert.facts["classes"]
    return Finding(True, tuple(pk for pk, _s, bad in classes if bad), tuple(pk for pk, _s, _b in classes), tally, because)


class Promised(NamedTuple):
    """What closes a reminder: attending `attend` of these classes, whichever they are, the last of them on the day `by`."""

    attend: int
    classes: list[ClassSession]
    by: date


def promise_of(alert: Alert, at: datetime) -> Promised | None:
    """What a student can still do to close it, as the timetable and the record are now. None: too few classes are left, or the
    student has not been told, and a person decides (a constant number of queries)."""
    if alert.told_at is None:
        return None
    since = [
        one.attended for one in observed([alert.student_id], since=alert.told_at, until=at)[alert.student_id] if one.counts
    ]
    ahead = ClassSession.objects.expecting(alert.student).between(at, at + LOOKS_AHEAD)
    ahead = ahead.filter(status=ClassStatus.SCHEDULED, mandatory=True).order_by("starts_at", "pk").select_related("module")
    recovery = rule_of(alert).recovery
    coming = list(ahead.prefetch_related("rooms")[: recovery.of])
    promised = promise(recovery, since, range(len(coming)))
    if promised is None:
        return None
    classes = [coming[n] for n in promised.classes]
    return Promised(promised.attend, classes, civil_date(classes[-1].starts_at))


NOW = {
    State.HELD: gettext_lazy("It is held, and nobody was told."),
    State.RELEASED: gettext_lazy("It leaves at the next working hour."),
    State.TOLD: gettext_lazy("The student was told."),
    State.PAUSED: gettext_lazy("The student has answered, so it is paused."),
    State.REVIEW: gettext_lazy("It was not so, and a person has to review it."),
}


def why_not(student: Person, at: datetime) -> str:
    """One sentence that says why a student is flagged, or why not: from the rule as it was evaluated."""
    alert = Alert.objects.open().filter(student=student).order_by("-stage").first()
    if alert is not None:
        return f"{why(finding_of(alert))} {NOW[State(alert.state)]}"
    rules = rule_set_in_force(at)
    if rules is None:
        return _("No alert rules are in force, so nobody is reminded.")
    calendar = university_calendar()
    courses = studies_of([student.pk], calendar.day(at)).get(student.pk)
    if courses is None:
        return _("The student is not on a course today, or is suspended, so no rule is looked at.")
    since = min(looks_back_to(rule, calendar, at) for rule in rules.rules)
    seen = observed([student.pk], since=since, until=at)[student.pk]
    contacts = contacts_of([student.pk], since=since).get(student.pk, ())
    judged = [
        judge(rule, seen, contacts, calendar, at) if rule.scope.covers(courses) else not_for_them(rule) for rule in rules.rules
    ]
    return why(min(judged, key=_nearest))


def _nearest(finding: Finding) -> tuple[bool, bool, bool, int]:
    """The finding that says most of a student: a rule that holds, then the first stage that is for them."""
    verdict = finding.because.verdict
    few = verdict == Verdict.TOO_FEW
    return not finding.holds, verdict == Verdict.NOT_FOR_THEM, few, finding.because.stage
