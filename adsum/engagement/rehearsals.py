"""Rehearsal: a version runs night after night beside life, and no student hears of it. Staff say of some of what it finds
whether they would have written, and why; a report says how often they agree.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.counting import Calendar
from adsum.audit import services as audit_log
from adsum.core.clock import civil_day
from adsum.core.turns import let_others_write
from adsum.engagement.alert_life import held_until
from adsum.engagement.contacts import contacts_of
from adsum.engagement.ladder import Heard, next_step, recovered
from adsum.engagement.models import Judgement, RuleSwitch, RuleVersion, WouldBe
from adsum.engagement.notice_days import notice_days
from adsum.engagement.observed import BATCH, Observations
from adsum.engagement.policies import studies_of, university_calendar, version_at
from adsum.engagement.reminders import facts_of, finding_of
from adsum.engagement.rules import Rule, Seen, holds, judge
from adsum.engagement.standing import Stands, is_news, looks_back_to, stands_held

A_WEEK = 20
"""Would-be alerts of a week that staff are asked about: as many as can be read with care."""


def rehearse(students: Collection[int] | None = None, *, at: datetime) -> int:
    """One night of the rehearsal that is on, for everyone or these students; how many would-be alerts were found. Running it
    twice finds nothing more."""
    version = version_at(RuleSwitch.Place.REHEARSAL, at)
    if version is None:
        return 0
    if students is None:
        here = RoleGrant.objects.filter(role=Role.STUDENT, person__is_active=True)
        students = set(here.values_list("person", flat=True))
    everyone = sorted(students)
    calendar = university_calendar()
    since = min(looks_back_to(rule, calendar, at) for rule in version.rule_set.rules)
    classes, found = Observations(since=since, until=at), 0
    for first in range(0, len(everyone), BATCH):
        with transaction.atomic():
            found += _night(version, everyone[first : first + BATCH], classes, calendar, at)
        let_others_write()
    return found


def _night(version: RuleVersion, batch: Collection[int], classes: Observations, calendar: Calendar, at: datetime) -> int:
    rules, studies, days = version.rule_set, studies_of(batch, calendar.day(at)), notice_days()
    seen, contacts = classes.of(studies), contacts_of(studies, since=classes.since)
    records = _records(version, batch)
    new, moved = list[WouldBe](), list[WouldBe]()
    for student, courses in studies.items():
        own = [rule for rule in rules.rules if rule.scope.covers(courses)]
        known, met = seen[student], contacts.get(student, ())
        record = _Record(records.get(student, []), own, at)
        moved += record.move(known, met, calendar)
        if record.is_held:
            continue
        holding = [(rule, judge(rule, known, met, calendar, at)) for rule in own if holds(rule, known, met, calendar, at)]
        due = next_step(holding, rules, record.told, at)
        if due is not None and is_news(due.finding, record.spent(due.stage), known, record.closed_at):
            facts = facts_of(due.rule, rules, due.finding, {one.session: one for one in known})
            leaves_at = held_until(at, due.rule.hold_days, calendar.zone, days)
            new.append(
                WouldBe(
                    version=version,
                    student_id=student,
                    stage=due.stage,
                    rule=due.rule.code,
                    found_at=at,
                    leaves_at=leaves_at,
                    facts=facts,
                )
            )
    WouldBe.objects.bulk_update(moved, ["told_at", "ended_at"], batch_size=500)
    WouldBe.objects.bulk_create(new)
    return len(new)


class _Record:
    """All would-be alerts of one student in a rehearsal, the earliest first."""

    def __init__(self, rows: Sequence[WouldBe], rules: Sequence[Rule], at: datetime) -> None:
        self._rows, self._rules, self._at = rows, {rule.code: rule for rule in rules}, at

    def move(self, known: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar) -> list[WouldBe]:
        """What was held leaves now, or was never so; a record whose student came back closes. Returns what changed."""
        changed = list[WouldBe]()
        for one in self._rows:
            if one.ended_at is None and one.told_at is None:
                rule, found_at = self._rules.get(one.rule), one.found_at
                stand = stands_held(rule, known, contacts, calendar, found_at, self._at) if rule else Stands.UNTRUE
                if stand == Stands.UNTRUE:
                    one.ended_at = self._at
                elif stand == Stands.TRUE and self._at >= one.leaves_at:
                    one.told_at = self._at
                changed.append(one)
        told = [one for one in self._rows if one.told_at is not None and one.ended_at is None]
        if told and (latest := told[-1].told_at) is not None:
            rule = self._rules.get(told[-1].rule)
            if rule is None or recovered(rule, known, latest, self._at):
                for one in told:
                    one.ended_at = self._at
                changed += told
        return changed

    @property
    def is_held(self) -> bool:
        return any(one.ended_at is None and one.told_at is None for one in self._rows)

    @property
    def told(self) -> dict[int, Heard]:
        """The stages of the record that is open."""
        return {one.stage: Heard(one.told_at) for one in self._rows if one.ended_at is None and one.told_at is not None}

    @property
    def closed_at(self) -> datetime | None:
        """When the last record closed."""
        return max((one.ended_at for one in self._rows if one.told_at is not None and one.ended_at is not None), default=None)

    def spent(self, stage: int) -> set[int]:
        """The classes that those which are over rested on."""
        over = (one for one in self._rows if one.stage == stage and one.ended_at is not None)
        return {pk for one in over for pk in finding_of(one).rests_on}


def _records(version: RuleVersion, students: Collection[int]) -> dict[int, list[WouldBe]]:
    """By student, all there is of them (one query)."""
    records = defaultdict[int, list[WouldBe]](list)
    for one in WouldBe.objects.filter(version=version, student__in=students).order_by("found_at", "pk"):
        records[one.student_id].append(one)
    return records


# What staff would have done


def to_judge(version: RuleVersion, monday: date, students: QuerySet[Person]) -> list[WouldBe]:
    """Those of a week that a person who may see these students is asked about: the same 20 for everyone, drawn by nothing but
    their random references (one query, and one for the judgements)."""
    zone = university_calendar().zone
    begin, end = civil_day(monday, zone)[0], civil_day(monday + timedelta(days=6), zone)[1]
    week = WouldBe.objects.filter(version=version, found_at__gte=begin, found_at__lt=end)
    drawn = week.order_by("ref").values_list("pk", flat=True)[:A_WEEK]
    mine = WouldBe.objects.filter(pk__in=list(drawn), student__in=students).select_related("student").order_by("ref")
    return list(mine.prefetch_related("judgements"))


@transaction.atomic
def judge_it(would_be: WouldBe, *, send: bool, why: str, by: Person, at: datetime) -> None:
    """Say whether one would have sent it, and why; said again, the last word counts."""
    Judgement.objects.update_or_create(would_be=would_be, by=by, defaults={"send": send, "why": why.strip()[:300], "at": at})
    audit_log.record(
        actor=by.actor, verb="rehearsal.judge", subject=would_be.student.actor, at=at, stage=would_be.stage, send=send
    )


class Agreement(NamedTuple):
    """How often staff would have done what the rules would have done, at one stage."""

    stage: int
    found: int
    told: int
    """How many would have left; the others turned out not to be so while they were held."""
    judged: int
    send: int
    """How many of the judgements say: send it."""
    divided: int
    """Would-be alerts on which two people do not agree with each other."""

    @property
    def percent(self) -> int | None:
        """None while none is judged."""
        return round(100 * self.send / self.judged) if self.judged else None


def agreement(version: RuleVersion) -> list[Agreement]:
    """The report, by stage (two queries)."""
    stages = defaultdict[int, list[int]](lambda: [0, 0])
    for stage, told_at in WouldBe.objects.filter(version=version).values_list("stage", "told_at").iterator():
        stages[stage][0] += 1
        stages[stage][1] += told_at is not None
    said = defaultdict[tuple[int, int], list[bool]](list)
    rows = Judgement.objects.filter(would_be__version=version)
    for stage, would_be, send in rows.values_list("would_be__stage", "would_be", "send"):
        said[stage, would_be].append(send)
    return [
        Agreement(
            stage,
            found,
            told,
            judged=sum(len(words) for (where, _), words in said.items() if where == stage),
            send=sum(sum(words) for (where, _), words in said.items() if where == stage),
            divided=sum(len(set(words)) > 1 for (where, _), words in said.items() if where == stage),
        )
        for stage, (found, told) in sorted(stages.items())
    ]


def reasons(version: RuleVersion, *, send: bool, students: QuerySet[Person], most: int = 20) -> list[Judgement]:
    """The latest reasons why staff would (not) have written, of students whom the reader may see (one query)."""
    found = Judgement.objects.filter(would_be__version=version, would_be__student__in=students, send=send).exclude(why="")
    return list(found.select_related("by", "would_be__student").order_by("-at", "-pk")[:most])
