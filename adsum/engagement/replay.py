"""What a set of rules would have done with one student, night by night, each night with what was known by then. Pure.

It is how a version is tried against a term that is over. What people would have done is not part of it: no answers, no talks.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from adsum.attendance.counting import WEEKS, Calendar, Counting, Weighting
from adsum.attendance.rules import Status
from adsum.core.clock import monday_of
from adsum.engagement.ladder import Due, Heard, next_step, recovered, why_wait
from adsum.engagement.rules import Rule, RuleSet, Seen, Trigger, Verdict, judge, verdict_of
from adsum.engagement.standing import Stands, is_news, stands_held


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

    def __init__(self, known: Iterable[Known], calendar: Calendar) -> None:
        self._coming = iter(known)
        self._next = next(self._coming, None)
        self._at = dict[int, int]()
        self.seen: list[Seen] = []
        self.weeks = WeekSums(calendar)
        self.news = False
        """Whether what was learnt last may speak against the student: anything but having been there in time."""

    def learn(self, until: datetime) -> bool:
        """Take in what became known until then; whether any of it was."""
        one, self.news = self._next, False
        if one is None or one.at > until:
            return False
        order = False
        while one is not None and one.at <= until:
            place = self._at.get(one.session)
            if place is not None or one.seen is None or one.seen.counted.status != Status.PRESENT:
                self.news = True
            if place is not None:
                self.weeks.add(self.seen[place], -1)
                if one.seen is None:
                    del self.seen[place]
                    self._at = {seen.session: n for n, seen in enumerate(self.seen)}
                else:
                    self.seen[place] = one.seen
                order = True
            elif one.seen is not None:
                order = order or (bool(self.seen) and self.seen[-1].starts_at > one.seen.starts_at)
                self._at[one.session] = len(self.seen)
                self.seen.append(one.seen)
            if one.seen is not None:
                self.weeks.add(one.seen, 1)
            one = next(self._coming, None)
        self._next = one
        if order:
            self.seen.sort(key=lambda seen: (seen.starts_at, seen.session))
            self._at = {seen.session: n for n, seen in enumerate(self.seen)}
        return True


class WeekSums:
    """The sums of each week of teaching, kept while classes become known, so that no class is added up twice. They are used
    where all classes are counted in one way and each is worth the same; elsewhere a rule is asked in full."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._weeks = dict[date, list[float]]()
        self._counting: Counting | None = None
        self.alike = True

    def add(self, seen: Seen, times: int) -> None:
        if not seen.counts:
            return
        counting = seen.counted.counting
        if counting is not self._counting:
            self.alike = self.alike and self._counting is None and counting.weighting == Weighting.SESSIONS
            self._counting = counting
        monday = _monday(seen.on)
        week = self._weeks.get(monday)
        if week is None:
            week = self._weeks[monday] = [0.0, 0.0, float(self._calendar.is_vacation(monday))]
        week[0] += times
        week[1] += times * counting.share(seen.counted.status)

    def verdict(self, rule: Rule) -> Verdict | None:
        """What a rule about the last weeks of teaching says; None: it has to be asked in full."""
        many = WEEKS.get(rule.period) if rule.period is not None else None
        if not self.alike or many is None:
            return None
        counted, attended = 0.0, 0.0
        for week in sorted(self._weeks, reverse=True):
            in_week, came, vacation = self._weeks[week]
            if not many:
                break
            if in_week and not vacation:
                counted, attended, many = counted + in_week, attended + came, many - 1
        if counted < max(1, self._counting.min_events if self._counting is not None else 0):
            return Verdict.TOO_FEW
        return Verdict.HOLDS if attended * 100 < rule.number * counted else Verdict.NOT_REACHED


_monday = cache(monday_of)
"""A term has few days, and students many classes."""


def replay(
    rules: RuleSet, known: Iterable[Known], contacts: Sequence[datetime], calendar: Calendar, nights: Iterable[Night]
) -> dict[int, date]:
    """By stage, the day on which the student would first have been told of it. `rules` are those that are for the student."""
    questions = _Questions(rules, Record(known, calendar), contacts, calendar)
    first, heard, spent = dict[int, date](), dict[int, Heard](), dict[int, set[int]]()
    told_by: Rule | None = None
    closed_at: datetime | None = None
    held: _Held | None = None
    stale = False
    for night in nights:
        new = questions.learn(night)
        if new and told_by and heard and recovered(told_by, questions.seen, max(one.at for one in heard.values()), night.at):
            heard, closed_at, stale = {}, night.at, False
        if held is not None:
            standing = questions.stands(held, night.at)
            if standing == Stands.DOUBTED or (standing == Stands.TRUE and night.at < held.leaves_at):
                continue
            if standing == Stands.TRUE:
                heard, told_by = {**heard, held.due.stage: Heard(night.at)}, held.due.rule
                first.setdefault(held.due.stage, night.on)
            spent.setdefault(held.due.stage, set()).update(held.due.finding.rests_on)
            stale = False
        if stale and not new:
            continue
        due, held, stale = questions.due(heard, night.at), None, False
        if due is not None and is_news(due.finding, spent.get(due.stage, ()), questions.seen, closed_at):
            held = _Held(due, night.at, night.leaves_at[due.rule.hold_days])
        elif due is not None:
            stale = True  # nothing but what is known already speaks against the student
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
        self._quiet: int | None = None
        self._waits = {
            stage: timedelta(days=min(rule.wait_days for rule in rules.rules if rule.stage == stage)) for stage in rules.stages
        }

    @property
    def seen(self) -> Sequence[Seen]:
        return self._record.seen

    def learn(self, night: Night) -> bool:
        """Take in what is new; whether anything is. A rule can only begin to hold with a class not attended in time, a
        correction, or a period that begins: then each "no" is forgotten."""
        new, seen = self._record.learn(night.at), self._record.seen
        weeks = _monday(night.on), _monday(seen[-1].on) if seen else date.min
        if self._record.news or weeks != self._weeks or night.on.day == 1:
            self._no.clear()
            self._weeks, self._quiet = weeks, None
        return new

    def stands(self, held: _Held, at: datetime) -> Stands:
        """Whether what was found still is so, by what is known now."""
        return stands_held(held.due.rule, self._record.seen, self._contacts, self._calendar, held.found_at, at)

    def due(self, heard: Mapping[int, Heard], at: datetime) -> Due | None:
        """The stage that is due now."""
        stage = next((one for one in self._rules.stages if one not in heard), None)
        if stage is None or stage == self._quiet:
            return None
        if heard and at < max(one.at for one in heard.values()) + self._waits[stage]:
            return None
        if not self._any_holds(stage, heard, at):
            return None
        findings = ((rule, judge(rule, self.seen, self._contacts, self._calendar, at)) for rule in self._rules.rules)
        return next_step(findings, self._rules, heard, at)

    def _any_holds(self, stage: int, heard: Mapping[int, Heard], at: datetime) -> bool:
        """Whether a rule holds that may start the stage now. Where none can before there is news, the stage is quiet."""
        came = bool(self.seen) and self.seen[-1].attended
        quiet = came
        for rule in self._order:
            question = rule.trigger, rule.number, rule.period, rule.last
            if rule.stage < stage or question in self._no:
                continue
            if rule.trigger != Trigger.PERCENT_BELOW and came:
                continue  # who came last time is neither in a row of misses nor out of touch
            if why_wait(rule, stage, self._rules, heard, at) is not None:
                quiet = False
                continue
            verdict = self._verdict(rule, at)
            if verdict == Verdict.HOLDS:
                return True
            if verdict == Verdict.NOT_REACHED and rule.trigger not in _OF_THE_DAY:
                self._no.add(question)
            else:
                quiet = False
        self._quiet = stage if quiet else None
        return False

    def _verdict(self, rule: Rule, at: datetime) -> Verdict:
        summed = self._record.weeks.verdict(rule) if rule.trigger == Trigger.PERCENT_BELOW else None
        return summed or verdict_of(rule, self._record.seen, self._contacts, self._calendar, at)
