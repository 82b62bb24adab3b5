"""Alerts of the last weeks in every state: held, ticked, told, read, answered, put right, closed; all by the real verbs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance import amendments
from adsum.attendance import services as register
from adsum.attendance.models import Mark
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act, Entry, Why
from adsum.engagement import alerts
from adsum.engagement.alert_life import TICKED_FROM, State
from adsum.engagement.case_rules import Reply, Way
from adsum.engagement.contacts import log_contact
from adsum.engagement.evaluation import evaluate, follow
from adsum.engagement.models import Alert, RuleSwitch, RuleVersion, WouldBe
from adsum.engagement.not_checked import fingerprint, not_checked
from adsum.engagement.notice_days import notice_days
from adsum.engagement.presets import UK_TAUGHT
from adsum.engagement.rehearsals import judge_it, rehearse
from adsum.engagement.rules import Trigger
from adsum.engagement.trials import begin_trial, run_trial
from adsum.engagement.versions import make_version, put
from adsum.messages.models import Message
from adsum.messages.services import open_message
from adsum.messages.telling import tell
from adsum.messages.topics import reminders
from adsum.ops.demo.people import PERSONA_SCHOOL, Population
from adsum.timetable.models import Term

DAYS = 35
"""For so long the rules have been in force."""
NIGHTS = (22, 13, 5, 0)
"""How many days ago the nights were on which the demo looked: enough for three stages."""
REHEARSED = 15
"""For so many days a draft has been rehearsed."""
JUDGED = 7
"""Of so many would-be alerts the team has said what they would have done."""
FOLLOWED = 24
"""Students whose alerts have a past; those of all others are found by the first night after loading."""


def make_alerts(population: Population, *, zone: ZoneInfo, at: datetime) -> None:
    """Put rules in force weeks ago, and live through the nights and mornings since."""
    team, began = population.personas["attendance_team"], at - timedelta(days=DAYS)
    version = make_version(UK_TAUGHT, name="UK taught", by=team, at=began)
    put(RuleSwitch.Place.IN_FORCE, version, by=team, at=began, reason="Tried against last term, and rehearsed for a month.")
    students = _who_missed_most(population, at)
    _try_and_rehearse(version, students, population, zone=zone, at=at)
    for ago in NIGHTS:
        night = _night(ago, zone, at)
        evaluate([one.pk for one in students], at=night)
        _look(team, students[:1], at=night + timedelta(hours=9))
        leaves = min(_next_working_noon(night), at)
        tell(reminders.TOPIC, at=leaves)
        _read(students[::2], at=min(leaves + timedelta(hours=2), at))
    _what_became_of_some(team, at)


def _night(ago: int, zone: ZoneInfo, at: datetime) -> datetime:
    return datetime.combine((at - timedelta(days=ago)).astimezone(zone).date(), time(2), tzinfo=zone)


def _try_and_rehearse(
    in_force: RuleVersion, students: Sequence[Person], population: Population, *, zone: ZoneInfo, at: datetime
) -> None:
    """A draft that waits longer before its first word: tried against the term, then rehearsed, with what staff said of it."""
    team, began = population.personas["attendance_team"], at - timedelta(days=REHEARSED)
    rules = [replace(rule, number=3) if rule.trigger == Trigger.MISSED_IN_A_ROW else rule for rule in UK_TAUGHT]
    note = "Two classes may be one bad day. Does waiting for the third lose us anybody?"
    draft = make_version(rules, name="Three in a row", by=team, at=began, based_on=in_force, note=note)
    term = Term.objects.filter(starts_on__lte=at.date()).latest("starts_on")
    run_trial(pk=begin_trial(draft, term, by=team, at=at - timedelta(hours=3)).pk)
    put(RuleSwitch.Place.REHEARSAL, draft, by=team, at=began, guests=[team])
    for ago in NIGHTS:
        if ago < REHEARSED:
            rehearse([one.pk for one in students], at=_night(ago, zone, at))
    found = WouldBe.objects.filter(version=draft).select_related("student").order_by("found_at", "student")
    for nth, one in enumerate(found[:JUDGED]):
        send = nth % 4 != 1
        why = "" if send else "He told me on Friday that his father is ill."
        judge_it(one, send=send, why=why, by=team, at=at - timedelta(hours=2))


def _next_working_noon(night: datetime) -> datetime:
    """Noon of the first working day after the one that follows this night."""
    day = notice_days().after(night.date(), 1)
    return datetime.combine(day, time(12), tzinfo=night.tzinfo)


def _who_missed_most(population: Population, at: datetime) -> list[Person]:
    """Students of the personas' school, those who missed most first."""
    people = {one.person.pk: one.person for one in population.students if one.school == PERSONA_SCHOOL and not one.suspended}
    missed = Count("pk", filter=Q(status=Status.ABSENT))
    marks = Mark.objects.filter(student__in=people, session__starts_at__gt=at - timedelta(days=NIGHTS[0] + 7))
    rows = marks.values_list("student").annotate(n=missed).order_by("-n", "student")[:FOLLOWED]
    return [people[pk] for pk, _n in rows]


def _look(team: Person, students: Sequence[Person], *, at: datetime) -> None:
    """The team looks at what was not checked of an alert of these students, and lets it go."""
    waiting = Alert.objects.filter(student__in=students, state=State.HELD, stage__gte=TICKED_FROM).first()
    if waiting is None:
        return
    act = Act(team, at, proved_at=at)
    sessions = [row.session for row in waiting.classes.filter(missed=True).select_related("session__module")]
    found = not_checked(waiting.student_id, sessions, at)
    alerts.tick(waiting, {one: fingerprint(found[one.pk]) for one in sessions}, act=act)
    alerts.release(waiting, act=act)


def _read(students: Sequence[Person], *, at: datetime) -> None:
    """Every other student reads what came."""
    for message in Message.objects.filter(person__in=students, opened_at=None, created_at__lt=at).order_by("pk"):
        open_message(message, at=at)


def _what_became_of_some(team: Person, at: datetime) -> None:
    """Of those that were told, one answered, one was put right, one led to an outcome and is to be reviewed, one was closed; of
    those that wait, one is held for welfare and one by hand."""
    act, minute = Act(team, at - timedelta(minutes=9), proved_at=at - timedelta(minutes=9)), timedelta(minutes=1)
    latest = Alert.objects.filter(state=State.TOLD).select_related("student").order_by("student", "-stage")
    by_student = dict[int, Alert]()
    for alert in latest:
        by_student.setdefault(alert.student_id, alert)
    waiting = list(Alert.objects.filter(state=State.HELD).select_related("student").order_by("pk"))
    for alert, do in zip(by_student.values(), (_put_right, _review, _answer, _close), strict=False):
        do(alert, act)
    follow(at=act.at + minute)
    tell(reminders.TOPIC, at=act.at + minute)
    if waiting:
        review_on = (at + timedelta(days=10)).date()
        alerts.hold_for_welfare(waiting[0].student, review_on=review_on, act=act)
    if len(waiting) > 1:
        alerts.hold(waiting[1], "I know her, and speak with her first.", act=act)


def _answer(alert: Alert, act: Act) -> None:
    log_contact(
        alert.student, Way.EMAIL, Reply.THEY_ANSWERED, act=act, words="Has a new job on Mondays, and asks to change group."
    )


def _amend(alert: Alert, act: Act) -> None:
    """A colleague finds that the student was there all the time."""
    why = Why(Reason.SCAN_TROUBLE, "Her phone could not reach the network of that building.")
    for row in alert.classes.filter(missed=True).select_related("session__module").order_by("session"):
        answer = register.mark(row.session, [Entry(alert.student, Status.PRESENT)], act=act, why=why)
        if isinstance(answer, register.Proposed):
            amendments.confirm(answer.proposal, act=act._replace(by=_colleague_of(act.by)))


def _colleague_of(person: Person) -> Person:
    """Somebody else of the team, who confirms what one person may not change alone."""
    team = RoleGrant.objects.filter(role=Role.ATTENDANCE_TEAM, department=None).exclude(person=person)
    return team.select_related("person").order_by("pk")[0].person


def _put_right(alert: Alert, act: Act) -> None:
    _amend(alert, act)


def _review(alert: Alert, act: Act) -> None:
    alerts.close(
        alert, "We met, and agreed on a warning.", act=act._replace(at=act.at - timedelta(minutes=1)), outcome="warned"
    )
    _amend(alert, act)


def _close(alert: Alert, act: Act) -> None:
    alerts.close(alert, "We have spoken: you are well, and coming again.", act=act)
