"""What sets of rules would have done with one student, night by night, each night with what was known by then. Pure.

It is how a version is tried against a term that is over. What people would have done is not part of it: no answers, no talks.
The sets share one record: what is learnt of a student is taken in once, and a question that several ask is answered once.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from adsum.attendance.counting import WEEKS, Calendar, Counting, Weighting
from adsum.attendance.rules import Status
from adsum.core.clock import monday_of
from adsum.engagement.ladder import Due, Heard, recovered, why_wait
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
    """One student's classes as they become known, in order of time, and what rules say of them."""

    def __init__(self, known: Iterable[Known], contacts: Sequence[datetime], calendar: Calendar) -> None:
        self.contacts, self.calendar = contacts, calendar
        self._coming = iter(known)
        self._next = next(self._coming, None)
        self._at = dict[int, int]()
        self.seen: list[Seen] = []
        self._weeks = WeekSums(calendar)
        self._no = set[tuple[object, ...]]()
        self._this_week = date.min, date.min
        self.new = False
        """Whether anything was learnt this night."""
        self.moved = False
        """Whether a rule can say something else than the night before: something was learnt, or a period begins."""
        self.against = False
        """Whether a rule can begin to hold that did not hold the night before."""
        self.rewritten = 0
        """How often something else became known of the nights before: of a class that was known, or of one long over."""
        self._until: datetime | None = None

    def learn(self, night: Night) -> None:
        """Take in what became known until that night. A rule can only begin to hold with a class not attended in time, a
        correction, or a period that begins: then each "no" is forgotten."""
        news = self._learn(night.at)
        weeks = _monday(night.on), _monday(self.seen[-1].on) if self.seen else date.min
        self.against = news or weeks != self._this_week or night.on.day == 1
        self.moved = self.new or self.against
        if self.against:
            self._no.clear()
            self._this_week = weeks

    def _learn(self, until: datetime) -> bool:
        """Whether any of it may speak against the student: anything but having been there in time."""
        one, news = self._next, False
        self.new = one is not None and one.at <= until
        order = False
        while one is not None and one.at <= until:
            place = self._at.get(one.session)
            if place is not None:
                news = True
                order = True
                self._rewrite(place, one.seen)
            elif one.seen is not None:
                seen = one.seen
                news = news or seen.counted.status != Status.PRESENT
                if self._until is not None and seen.starts_at <= self._until:
                    self.rewritten += 1
                order = order or (bool(self.seen) and self.seen[-1].starts_at > seen.starts_at)
                self._at[one.session] = len(self.seen)
                self.seen.append(seen)
                if seen.counts:
                    self._weeks.add(seen, 1)
            else:
                news = True
            one = next(self._coming, None)
        self._next, self._until = one, until
        if order:
            self.seen.sort(key=_BY_TIME)
            self._at = {seen.session: n for n, seen in enumerate(self.seen)}
        return news

    def _rewrite(self, place: int, seen: Seen | None) -> None:
        """Something else is known of a class."""
        self.rewritten += 1
        if self.seen[place].counts:
            self._weeks.add(self.seen[place], -1)
        if seen is None:
            del self.seen[place]
            self._at = {one.session: n for n, one in enumerate(self.seen)}
            return
        self.seen[place] = seen
        if seen.counts:
            self._weeks.add(seen, 1)

    def verdict(self, rule: Rule, at: datetime) -> Verdict:
        """What a rule says this night. A "no" is kept for as long as nothing can have changed it."""
        question = rule.trigger, rule.number, rule.period, rule.last
        if question in self._no:
            return Verdict.NOT_REACHED
        summed = self._weeks.verdict(rule) if rule.trigger == Trigger.PERCENT_BELOW else None
        verdict = summed or verdict_of(rule, self.seen, self.contacts, self.calendar, at)
        if verdict == Verdict.NOT_REACHED and rule.trigger not in _OF_THE_DAY:
            self._no.add(question)
        return verdict


class WeekSums:
    """The sums of each week of teaching, kept while classes become known, so that no class is added up twice. They are used
    where all classes are counted in one way and each is worth the same; elsewhere a rule is asked in full."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._weeks = dict[date, list[float]]()
        self._lately = dict[int, tuple[float, float]]()
        self._counting: Counting | None = None
        self.alike = True

    def add(self, seen: Seen, times: int) -> None:
        """Add a class that counts, or take it out."""
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
        self._lately.clear()

    def verdict(self, rule: Rule) -> Verdict | None:
        """What a rule about the last weeks of teaching says; None: it has to be asked in full."""
        many = WEEKS.get(rule.period) if rule.period is not None else None
        if not self.alike or many is None:
            return None
        counted, attended = self._lately.get(many) or self._sum(many)
        if counted < max(1, self._counting.min_events if self._counting is not None else 0):
            return Verdict.TOO_FEW
        return Verdict.HOLDS if attended * 100 < rule.number * counted else Verdict.NOT_REACHED

    def _sum(self, many: int) -> tuple[float, float]:
        counted, attended, left = 0.0, 0.0, many
        for week in sorted(self._weeks, reverse=True):
            in_week, came, vacation = self._weeks[week]
            if not left:
                break
            if in_week and not vacation:
                counted, attended, left = counted + in_week, attended + came, left - 1
        self._lately[many] = counted, attended
        return counted, attended


_monday = cache(monday_of)
"""A term has few days, and students many classes."""
_BY_TIME = attrgetter("starts_at", "session")


def replay(
    sets: Iterable[RuleSet], known: Iterable[Known], contacts: Sequence[datetime], calendar: Calendar, nights: Iterable[Night]
) -> list[dict[int, date]]:
    """For each set, by stage: the day on which the student would first have been told of it. The rules of a set are those that
    are for the student."""
    record = Record(known, contacts, calendar)
    ladders = [_Ladder(rules, record) for rules in sets]
    for night in nights:
        record.learn(night)
        for ladder in ladders:
            ladder.look(night)
    return [ladder.first for ladder in ladders]


class _Held(NamedTuple):
    """What was found, and waits."""

    due: Due
    found_at: datetime
    leaves_at: datetime
    rewritten: int
    """How often the record had been rewritten then."""


class _Ladder:
    """What one set of rules does with a student: what was said to them, and what waits."""

    def __init__(self, rules: RuleSet, record: Record) -> None:
        self.first = dict[int, date]()
        self._rules, self._record = rules, record
        self._order = sorted(rules.rules, key=lambda rule: (-rule.stage, rule.code))
        self._waits = {
            stage: timedelta(days=min(rule.wait_days for rule in rules.rules if rule.stage == stage)) for stage in rules.stages
        }
        self._spent = {stage: set[int]() for stage in rules.stages}
        self._heard = dict[int, Heard]()
        self._last: tuple[Rule, datetime] | None = None
        """What the student was last told of, and when."""
        self._closed_at: datetime | None = None
        self._held: _Held | None = None
        self._stood = True
        """Whether what waits was so the last time."""
        self._stale = False
        """Nothing but what was said already speaks against the student."""
        self._quiet: int | None = None
        """The stage that no rule can lead to before something changes."""

    def look(self, night: Night) -> None:
        """One night."""
        record = self._record
        if record.against:
            self._quiet = None
        if record.new and self._recovered(night.at):
            self._heard, self._last, self._closed_at, self._stale = {}, None, night.at, False
        if self._held is not None:
            standing = self._stands(self._held, night.at)
            if standing == Stands.DOUBTED or (standing == Stands.TRUE and night.at < self._held.leaves_at):
                return
            self._let_go(self._held, standing, night)
        if self._stale and not record.new:
            return
        due, self._stale = self._due(night.at), False
        if due is not None and is_news(due.finding, self._spent[due.stage], record.seen, self._closed_at):
            self._held = _Held(due, night.at, night.leaves_at[due.rule.hold_days], record.rewritten)
            self._stood = True
        elif due is not None:
            self._stale = True

    def _recovered(self, at: datetime) -> bool:
        if self._last is None:
            return False
        rule, told_at = self._last
        return recovered(rule, self._record.seen, told_at, at)

    def _let_go(self, held: _Held, standing: Stands, night: Night) -> None:
        """What waited is told now, or was not so."""
        stage = held.due.stage
        if standing == Stands.TRUE:
            self._heard, self._last = {**self._heard, stage: Heard(night.at)}, (held.due.rule, night.at)
            self.first.setdefault(stage, night.on)
        self._spent[stage].update(held.due.finding.rests_on)
        self._held, self._stale = None, False

    def _stands(self, held: _Held, at: datetime) -> Stands:
        """Whether what was found still is so, by what is known now. While nothing has changed, it is."""
        record, rule = self._record, held.due.rule
        if self._stood and record.rewritten == held.rewritten:
            same = not record.moved and not record.contacts
            if same or record.verdict(rule, at) == Verdict.HOLDS:
                return Stands.TRUE
        standing = stands_held(rule, record.seen, record.contacts, record.calendar, held.found_at, at)
        self._stood = standing == Stands.TRUE
        return standing

    def _due(self, at: datetime) -> Due | None:
        """The stage that is due now: `ladder.next_step`, which asks no more rules than it must."""
        heard, record = self._heard, self._record
        stage = next((one for one in self._rules.stages if one not in heard), None)
        if stage is None or stage == self._quiet:
            return None
        if self._last is not None and at < self._last[1] + self._waits[stage]:
            return None
        came = bool(record.seen) and record.seen[-1].attended
        quiet = came
        for rule in self._order:
            if rule.stage < stage or (came and rule.trigger != Trigger.PERCENT_BELOW):
                continue  # who came last time is neither in a row of misses nor out of touch
            if why_wait(rule, stage, self._rules, heard, at) is not None:
                quiet = False
                continue
            verdict = record.verdict(rule, at)
            if verdict == Verdict.HOLDS:
                return Due(stage, rule, judge(rule, record.seen, record.contacts, record.calendar, at))
            quiet = quiet and verdict == Verdict.NOT_REACHED and rule.trigger not in _OF_THE_DAY
        self._quiet = stage if quiet else None
        return None
