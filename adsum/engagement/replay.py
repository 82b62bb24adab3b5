"""What a set of rules would have done with one student, night by night, each night with what was known by then. Pure.

It is how a version is tried against a term that is over. What people would have done is not part of it: no answers, no talks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from adsum.attendance.counting import Calendar
from adsum.attendance.rules import Status
from adsum.core.clock import monday_of
from adsum.engagement.ladder import Due, Heard, next_step, recovered, why_wait
from adsum.engagement.rules import Rule, RuleSet, Seen, Trigger, Verdict, judge, verdict_of
from adsum.engagement.standing import Stands, is_news, stands


class Known(NamedTuple):
    """From this instant on a class of a student was known as this; `seen` is None where it no longer was on the record."""

    at: datetime
    session: int
    seen: Seen | None


class Night(NamedTuple):
    """One evaluation; `leaves_at` is when what it finds may leave, by how many days it is held (`Rule.hold_days`)."""

    at: datetime
    on: date
    leaves_at: tuple[datetime, ...]


_OF_THE_DAY = frozenset({Trigger.NO_CHECK_IN_DAYS})
"""What can begin to hold on any day. The others only can when a class becomes known, or when a week begins."""


class Record:
    """One student's classes as they become known, in order of time."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._coming = iter(known)
        self._next = next(self._coming, None)
        self._at = dict[int, int]()
        self.seen: list[Seen] = []

    def learn(self, until: datetime) -> bool:
        """Take in what became known until then; whether any of it may speak against the student, or for them after all."""
        news, order = False, False
        while self._next is not None and self._next.at <= until:
            one, self._next = self._next, next(self._coming, None)
            place = self._at.get(one.session)
            if place is None and one.seen is not None:
                order = order or (bool(self.seen) and self.seen[-1].starts_at > one.seen.starts_at)
                self._at[one.session] = len(self.seen)
                self.seen.append(one.seen)
                news = news or one.seen.counted.status != Status.PRESENT
            elif place is not None:
                news = order = True
                self.seen[place] = one.seen or self.seen[place]
                if one.seen is None:
                    self.seen = [seen for seen in self.seen if seen.session != one.session]
                self._places()
        if order:
            self.seen.sort(key=lambda seen: (seen.starts_at, seen.session))
            self._places()
        return news

    def _places(self) -> None:
        self._at = {seen.session: n for n, seen in enumerate(self.seen)}


def replay(
    rules: RuleSet, known: Iterable[Known], contacts: Sequence[datetime], calendar: Calendar, nights: Iterable[Night]
) -> dict[int, date]:
    """By stage, the day on which the student would first have been told of it. `rules` are those that are for the student."""
    questions = _Questions(rules, Record(known), contacts, calendar)
    first, heard, spent = dict[int, date](), dict[int, Heard](), dict[int, set[int]]()
    told_by: Rule | None = None
    closed_at: datetime | None = None
    held: _Held | None = None
    for night in nights:
        questions.learn(night)
        if told_by and heard and recovered(told_by, questions.seen, max(one.at for one in heard.values()), night.at):
            heard, closed_at = {}, night.at
        if held is not None:
            standing = questions.stands(held) if night.at >= held.leaves_at else Stands.DOUBTED
            if standing == Stands.DOUBTED:
                continue
            if standing == Stands.TRUE:
                heard, told_by = {**heard, held.due.stage: Heard(night.at)}, held.due.rule
                first.setdefault(held.due.stage, night.on)
            spent.setdefault(held.due.stage, set()).update(held.due.finding.rests_on)
        due, held = questions.due(heard, night.at), None
        if due is not None and is_news(due.finding, spent.get(due.stage, ()), questions.seen, closed_at):
            held = _Held(due, night.at, night.leaves_at[due.rule.hold_days])
    return first


class _Held(NamedTuple):
    """What was found, and waits."""

    due: Due
    found_at: datetime
    leaves_at: datetime


class _Questions:
    """Asks the rules about one student, and keeps a "no" for as long as nothing can have changed it."""

    def __init__(self, rules: RuleSet, record: Record, contacts: Sequence[datetime], calendar: Calendar) -> None:
        # Percentages are the dearest to add up, so they come last.
        self._order = sorted(rules.rules, key=lambda rule: (rule.trigger == Trigger.PERCENT_BELOW, -rule.number))
        self._rules, self._record, self._contacts, self._calendar = rules, record, contacts, calendar
        self._no = set[tuple[object, ...]]()
        self._weeks = date.min, date.min

    @property
    def seen(self) -> Sequence[Seen]:
        return self._record.seen

    def learn(self, night: Night) -> None:
        """Take in what is new. A rule can only begin to hold with a class not attended in time, a correction, or a period that
        begins."""
        news, seen = self._record.learn(night.at), self._record.seen
        weeks = monday_of(night.on), monday_of(seen[-1].on) if seen else date.min
        if news or weeks != self._weeks or night.on.day == 1:
            self._no.clear()
            self._weeks = weeks

    def stands(self, held: _Held) -> Stands:
        """Whether what was found is still so, by what is known now."""
        return stands(held.due.rule, self._record.seen, self._contacts, self._calendar, held.found_at)

    def due(self, heard: Mapping[int, Heard], at: datetime) -> Due | None:
        """The stage that is due now."""
        stage = next((one for one in self._rules.stages if one not in heard), None)
        if stage is None or not any(self._may_lead_to(rule, stage, heard, at) for rule in self._order):
            return None
        findings = ((rule, judge(rule, self.seen, self._contacts, self._calendar, at)) for rule in self._rules.rules)
        return next_step(findings, self._rules, heard, at)

    def _may_lead_to(self, rule: Rule, stage: int, heard: Mapping[int, Heard], at: datetime) -> bool:
        """Whether the rule holds and may start the stage now."""
        question = rule.trigger, rule.number, rule.period, rule.last
        if rule.stage < stage or question in self._no or why_wait(rule, stage, self._rules, heard, at) is not None:
            return False
        verdict = verdict_of(rule, self._record.seen, self._contacts, self._calendar, at)
        if verdict == Verdict.NOT_REACHED and rule.trigger not in _OF_THE_DAY:
            self._no.add(question)
        return verdict == Verdict.HOLDS
