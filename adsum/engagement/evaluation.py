"""Alerts are found each night, and looked at again whenever a record that they rest on changes.

What was found is judged again for the same instant with what is known now: an alert that was never so is withdrawn, one that
rests on a class under query waits, and one whose student has come back closes. `alerts` makes the steps.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, Q

from adsum.accounts.models import RoleGrant
from adsum.accounts.reaching import stopped_among
from adsum.accounts.rules import Role
from adsum.attendance.counting import Calendar
from adsum.attendance.models import MarkChange, ReportedPeriod
from adsum.audit.following import Reader, take_up
from adsum.audit.services import Entry, record_all
from adsum.core.turns import let_others_write
from adsum.engagement.alert_life import OPEN, TICKED_FROM, Back, State, Step, disproved, held_until
from adsum.engagement.alerts import ACTOR, hash_of, move_by_itself
from adsum.engagement.case_rules import Reply
from adsum.engagement.contacts import contacts_of
from adsum.engagement.keeping_back import backs_of, is_working_hour, unticked
from adsum.engagement.ladder import Due, Heard, next_step, recovered
from adsum.engagement.models import Alert, AlertClass, Contacted, RuleVersion
from adsum.engagement.notice_days import notice_days
from adsum.engagement.observed import BATCH, Observations, observed
from adsum.engagement.policies import rule_set_in_force, studies_of, university_calendar
from adsum.engagement.reminders import facts_of
from adsum.engagement.rules import Rule, RuleSet, Seen, holds, judge
from adsum.engagement.standing import Stands, is_news, looks_back_to, stands
from adsum.timetable.models import ClassChange, ClassSession
from adsum.timetable.reports import university_zone

FRESH = timedelta(days=3)
"""Changes older than this when they are first seen (a restored backup) are left to the night."""


def evaluate(students: Collection[int] | None = None, *, at: datetime) -> int:
    """Look at every student, or at these: at their open alerts again, and for new ones; how many were found. In batches, each a
    transaction of its own. Running it twice finds nothing more."""
    rules = rule_set_in_force(at)
    if students is None:
        here = RoleGrant.objects.filter(role=Role.STUDENT, person__is_active=True)
        students = set(here.values_list("person", flat=True))
    everyone = sorted(set(students) - stopped_among(students))
    calendar = university_calendar()
    since = min((looks_back_to(rule, calendar, at) for rule in rules.rules), default=at) if rules else at
    classes, found = Observations(since=since, until=at), 0
    for first in range(0, len(everyone), BATCH):
        batch = everyone[first : first + BATCH]
        with transaction.atomic():
            take_up("alerts")  # one at a time
            reconsider(batch, at=at, calendar=calendar)
            if rules is not None:
                found += _find(batch, rules, calendar, classes, at)
        let_others_write()
    return found


# New ones


def _find(students: Sequence[int], rules: RuleSet, calendar: Calendar, classes: Observations, at: datetime) -> int:
    studies = studies_of(students, calendar.day(at))
    seen = classes.of(studies)
    contacts = contacts_of(studies, since=classes.since)
    records, spent, closed = _records(studies), _spent(studies), _closed(studies)
    found = list[tuple[int, Due]]()
    for student, courses in studies.items():
        record = records.get(student, {})
        if any(alert.state != State.TOLD for alert in record.values()):
            continue  # one waits already, the student has answered, or a person has to look first
        told = {stage: arrival for stage, alert in record.items() if (arrival := _arrived(alert)) is not None}
        if len(told) < len(record):
            continue  # a message has not arrived: no stage goes on
        known = seen[student], contacts.get(student, ()), calendar, at
        holding = [rule for rule in rules.rules if rule.scope.covers(courses) and holds(rule, *known)]
        step = next_step(((rule, judge(rule, *known)) for rule in holding), rules, told, at) if holding else None
        if step is not None and is_news(step.finding, spent.get((student, step.stage), ()), seen[student], closed.get(student)):
            found.append((student, step))
    _write(found, rules, {student: {one.session: one for one in seen[student]} for student, _ in found}, at)
    return len(found)


def _arrived(alert: Alert) -> Heard | None:
    """That the student has an alert's message: the friendly word once it was written, any later stage once it was read or a
    person has taken it on. Unread is not refused."""
    when = alert.told_at if alert.stage == 0 else alert.opened_at
    return Heard(when) if when is not None else None


def _records(students: Collection[int]) -> dict[int, dict[int, Alert]]:
    """By student, their open alerts by stage (one query)."""
    found = defaultdict[int, dict[int, Alert]](dict)
    for alert in Alert.objects.open().filter(student__in=students):
        known = found[alert.student_id].get(alert.stage)
        if known is None or known.state != State.REVIEW:  # one to be reviewed holds the others up
            found[alert.student_id][alert.stage] = alert
    return found


def _spent(students: Collection[int]) -> dict[tuple[int, int], set[int]]:
    """By student and stage, the missed classes that an alert which is over rested on (one query)."""
    found = defaultdict[tuple[int, int], set[int]](set)
    over = AlertClass.objects.filter(alert__student__in=students, missed=True).exclude(alert__state__in=OPEN)
    for student, stage, session in over.values_list("alert__student", "alert__stage", "session"):
        found[student, stage].add(session)
    return found


def _closed(students: Collection[int]) -> dict[int, datetime]:
    """By student, when their last record closed of which they had been told (one query)."""
    over = Alert.objects.filter(student__in=students, state__in=[State.RECOVERED, State.CLOSED], told_at__isnull=False)
    return dict(over.order_by().values_list("student").annotate(last=Max("ended_at")))


def _write(found: Collection[tuple[int, Due]], rules: RuleSet, seen: Mapping[int, Mapping[int, Seen]], at: datetime) -> None:
    zone, days = university_zone(), notice_days()
    made, classes = list[Alert](), list[AlertClass]()
    for student, (stage, rule, finding) in found:
        facts = facts_of(rule, rules, finding, seen[student])
        alert = Alert(
            student_id=student,
            stage=stage,
            rule=rule.code,
            version=rules.number,
            found_at=at,
            facts=facts,
            hash=hash_of(facts),
            held_until=held_until(at, rule.hold_days, zone, days),
        )
        made.append(alert)
        classes += [AlertClass(alert=alert, session_id=pk, status=status, missed=bad) for pk, status, bad in facts["classes"]]
    Alert.objects.bulk_create(made)
    AlertClass.objects.bulk_create(classes, batch_size=1000)
    record_all(
        [
            Entry(
                "alert.find",
                f"alert:{alert.ref}",
                {
                    "student": alert.student_id,
                    "stage": alert.stage,
                    "rule": alert.rule,
                    "version": alert.version,
                    "hash": alert.hash,
                },
            )
            for alert in made
        ],
        actor=ACTOR,
        at=at,
    )


# Those that are there


class _Rules:
    """The versions by which alerts were found (two queries)."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        versions = RuleVersion.objects.filter(number__in={alert.version for alert in alerts}).prefetch_related("rules")
        self._by_code = {(one.number, rule.code): rule for one in versions for rule in one.rule_set.rules}

    def of(self, alert: Alert) -> Rule:
        return self._by_code[alert.version, alert.rule]


@transaction.atomic
def reconsider(students: Collection[int], *, at: datetime, calendar: Calendar | None = None, over: bool = False) -> int:
    """Judge the alerts of these students again, also those that are `over`; how many moved. Constant in queries, but for those
    that move."""
    known = Alert.objects.filter(student__in=students).exclude(state=State.WITHDRAWN)
    known = known.filter(Q(state__in=OPEN) | Q(told_at__isnull=False)) if over else known.open()
    alerts = list(known.select_for_update(of=("self",)).order_by("student", "stage", "pk"))
    if not alerts:
        return 0
    calendar = calendar or university_calendar()
    rules = _Rules(alerts)
    concerned = {alert.student_id for alert in alerts}
    since = min(looks_back_to(rules.of(alert), calendar, alert.found_at) for alert in alerts)
    seen = observed(concerned, since=since, until=at)
    contacts = contacts_of(concerned, since=since)
    moved = 0
    for student in sorted(concerned):
        own = [alert for alert in alerts if alert.student_id == student]
        moved += _reconsidered(own, rules, seen[student], contacts.get(student, ()), calendar, at)
    return moved


def _reconsidered(
    alerts: Sequence[Alert], rules: _Rules, seen: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, at: datetime
) -> int:
    """The alerts of one student."""
    moved = 0
    for alert in alerts:
        rule = rules.of(alert)
        then = now = stands(rule, seen, contacts, calendar, alert.found_at)
        if alert.state in {State.HELD, State.RELEASED}:
            now = stands(rule, seen, contacts, calendar, at)
        if then == Stands.UNTRUE:
            step = None if _is_settled(alert) else _disproved(alert)
        else:
            step = Step.RECOVER if now == Stands.UNTRUE else None
        if step is not None:
            move_by_itself(alert, step, at=at, because="untrue" if then == Stands.UNTRUE else "overtaken")
            moved += 1
            continue
        doubted = Stands.DOUBTED in {then, now}
        if alert.state in OPEN and doubted != (alert.doubted_at is not None):
            alert.doubted_at = at if doubted else None
            alert.save(update_fields=["doubted_at"])
    return moved + _close_recovered(alerts, rules, seen, at)


def _close_recovered(alerts: Sequence[Alert], rules: _Rules, seen: Sequence[Seen], at: datetime) -> int:
    """A record closes as a whole: what the student was last told of says what it takes."""
    told = [alert for alert in alerts if alert.state in {State.TOLD, State.PAUSED}]
    last = max(told, key=lambda alert: alert.stage, default=None)
    if last is None or last.told_at is None or not recovered(rules.of(last), seen, last.told_at, at):
        return 0
    waiting = [alert for alert in alerts if alert.state in {State.HELD, State.RELEASED}]
    for alert in (*told, *waiting):
        move_by_itself(alert, Step.RECOVER, at=at, because="attended")
    return len(told) + len(waiting)


def _disproved(alert: Alert) -> Step | None:
    return disproved(State(alert.state), told=alert.told_at is not None, grave=_is_grave(alert))


def _is_settled(alert: Alert) -> bool:
    """Whether a person has found that it stands, and nothing has changed since of the classes up to its night (two queries,
    where one has)."""
    if alert.reviewed_at is None:
        return False
    later = {"at__gt": alert.reviewed_at, "session__starts_at__lte": alert.found_at}
    marks = MarkChange.objects.filter(student=alert.student_id, **later)
    return not (marks.exists() or ClassChange.objects.filter(session__in=alert.classes.values("session"), **later).exists())


def _is_grave(alert: Alert) -> bool:
    """Whether something has followed from an alert that a letter does not put right (two queries for what was told)."""
    if alert.outcome:
        return True
    if alert.told_at is None:
        return False
    classes = ClassSession.objects.filter(pk__in=alert.classes.values("session"))
    days = classes.aggregate(first=Min("starts_on"), last=Max("starts_on"))
    reported = ReportedPeriod.objects.standing().filter(Q(student=None) | Q(student=alert.student_id))
    within = reported.filter(starts_on__lte=days["last"], ends_on__gte=days["first"])
    return within.filter(reported_at__gte=alert.told_at).exists()


# Within a minute


def follow(*, at: datetime) -> int:
    """Look again at the alerts of students of whom a mark or a class has changed since the last time, and pause those of
    students who have answered; how many moved."""
    changed = _follow("alerts_marks", MarkChange, _of_marks, at) + _follow("alerts_classes", ClassChange, _of_classes, at)
    return changed + _pause_answered(at)


def _of_marks(reader: Reader, at: datetime) -> tuple[list[int], set[int]]:
    concerned = Alert.objects.exclude(state=State.WITHDRAWN).values("student")
    rows = reader.left(MarkChange.objects.filter(student__in=concerned, at__gt=at - FRESH))
    pairs = list(rows.values_list("pk", "student"))
    return [pk for pk, _ in pairs], {student for _, student in pairs}


def _of_classes(reader: Reader, at: datetime) -> tuple[list[int], set[int]]:
    concerned = AlertClass.objects.exclude(alert__state=State.WITHDRAWN).values("session")
    rows = reader.left(ClassChange.objects.filter(session__in=concerned, at__gt=at - FRESH))
    pairs = list(rows.values_list("pk", "session"))
    students = AlertClass.objects.filter(session__in={session for _, session in pairs}).values_list("alert__student", flat=True)
    return [pk for pk, _ in pairs], set(students)


@transaction.atomic
def _follow(source: str, table: Any, concerned: Any, at: datetime) -> int:
    reader = take_up(source, table)
    rows, students = concerned(reader, at)
    moved = reconsider(students, at=at, over=True) if students else 0
    reader.done(rows, at=at)
    reader.move(None, at=at)
    return moved


@transaction.atomic
def _pause_answered(at: datetime) -> int:
    reader = take_up("alerts_answers", Contacted)
    rows = list(reader.left(Contacted.objects.filter(reply=Reply.THEY_ANSWERED, at__gt=at - FRESH)))
    since = {row.student_id: row.at for row in rows}
    told = Alert.objects.filter(student__in=since, state=State.TOLD).select_for_update(of=("self",))
    answered = [alert for alert in told if alert.told_at is not None and alert.told_at <= since[alert.student_id]]
    for alert in answered:
        move_by_itself(alert, Step.PAUSE, at=at, because="answered")
    reader.done([row.pk for row in rows], at=at)
    reader.move(None, at=at)
    return len(answered)


# Leaving

MOST_AT_ONCE = 200
"""Alerts that leave in one minute: a Monday morning is spread over some."""


@transaction.atomic
def let_go(*, at: datetime) -> list[Alert]:
    """The alerts that leave now, each looked at once more: the first two stages by themselves once their window is over, the
    others after a person released them. Outside working hours none does."""
    if not is_working_hour(at):
        return []
    by_itself = Q(state=State.HELD, stage__lt=TICKED_FROM, held_by=None)
    over = Alert.objects.filter(Q(state=State.RELEASED) | by_itself, held_until__lte=at).order_by("held_until", "pk")
    waiting = list(over)
    known = backs_of(waiting, at)
    free = [alert for alert in waiting if known[alert.pk] in {None, Back.DOUBT}]  # a doubt may be settled by now
    due = sorted(free, key=lambda alert: known[alert.pk] is not None)[:MOST_AT_ONCE]
    reconsider({alert.student_id for alert in due}, at=at)
    left = list(
        Alert.objects.filter(pk__in=[alert.pk for alert in due], state__in=[State.HELD, State.RELEASED])
        .select_for_update(of=("self",))
        .order_by("held_until", "pk")
    )
    backs = backs_of(left, at)
    leaving = [alert for alert in left if backs[alert.pk] is None]
    for alert in leaving:
        if alert.state == State.HELD:
            move_by_itself(alert, Step.RELEASE, at=at)
        elif alert.stage >= TICKED_FROM and unticked(alert, at):
            move_by_itself(alert, Step.HOLD, at=at, because="more_to_show")
    return [alert for alert in leaving if alert.state == State.RELEASED]
