"""What sets of rules would have done with one student, night by night, each night with what was known by then. Pure.

It is how a version is tried against a term that is over. What people would have done is not part of it: no answers, no talks.
The sets share one record: what is learnt of a student is taken in once, and a question that several ask is answered once.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from adsum.attendance.counting import WEEKS, Calendar, Counting, Period, Weighting
from adsum.attendance.rules import Status
from adsum.core.clock import monday_of
from adsum.engagement.ladder import Due, Heard, recovered, why_wait
from adsum.engagement.rules import ZERO_CONTACT_NEEDS, Rule, RuleSet, Seen, Trigger, Verdict, judge, verdict_of
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

Question = tuple[Trigger, int, Period | None, int, int]
"""What a rule asks of a record: rules of several sets that ask the same are answered once."""


def question_of(rule: Rule) -> Question:
    return rule.trigger, rule.number, rule.period, rule.last, rule.misses


class Record:
    """One student's classes as they become known, in order of time, and what rules say of them."""

    def __init__(self, known: Iterable[Known], contacts: Sequence[datetime], calendar: Calendar) -> None:
        self.contacts, self.calendar = contacts, calendar
        self._coming = iter(known)
        self._next = next(self._coming, None)
        self._at = dict[int, int]()
        self.seen: list[Seen] = []
        self._weeks = WeekSums(calendar)
        self._no = set[Question]()
        self._row: tuple[int, int] | None = None
        self._this_week = date.min, date.min
        self.new = False
        """Whether anything was learnt this night."""
        self.moved = False
        """Whether a rule can say something else than the night before: something was learnt, or a period begins."""
        self.against = False
        """Whether a rule can begin to hold that did not hold the night before."""
        self.rewritten = 0
        """How often something else became known of the nights before: of a class that was known, or of one long over."""
        self._until = _NEVER

    def learn(self, night: Night) -> None:
        """Take in what became known until that night. A rule can only begin to hold with a class not attended in time, a
        correction, or a period that begins: then each "no" is forgotten."""
        news = self._learn(night.at)
        weeks = _monday(night.on), self.seen[-1].week if self.seen else date.min
        self.against = news or weeks != self._this_week or night.on.day == 1
        self.moved = self.new or self.against
        if self.against:
            self._no.clear()
            self._this_week = weeks

    def _learn(self, until: datetime) -> bool:
        """Whether any of it may speak against the student: anything but having been there in time."""
        one, news, order, known, before = self._next, False, False, self.seen, self._until
        self.new = one is not None and one.at <= until
        self._until = until
        if not self.new:
            return False
        self._row, latest = None, known[-1].starts_at if known else _NEVER
        while one is not None and one.at <= until:
            session, seen = one.session, one.seen
            if session in self._at:
                news = order = True
                self._rewrite(self._at[session], seen)
            elif seen is not None:
                begins = seen.starts_at
                news = news or seen.counted.status is not _THERE
                if begins <= before:
                    self.rewritten += 1
                if begins < latest:
                    order = True
                else:
                    latest = begins
                self._at[session] = len(known)
                known.append(seen)
                if seen.counts:
                    self._weeks.add(seen, 1)
            else:
                news = True
            one = next(self._coming, None)
        self._next = one
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

    def verdict(self, rule: Rule, question: Question, at: datetime) -> Verdict:
        """What a rule says this night. A "no" is kept for as long as nothing can have changed it."""
        if question in self._no:
            return Verdict.NOT_REACHED
        quick = self._quickly(rule, at)
        verdict = quick or verdict_of(rule, self.seen, self.contacts, self.calendar, at)
        if verdict == Verdict.NOT_REACHED and (quick is not None or rule.trigger not in _OF_THE_DAY):
            self._no.add(question)
        return verdict

    def keeps_no(self, question: Question) -> bool:
        """Whether the answer is a "no" that stays one until something speaks against the student."""
        return question in self._no

    def _quickly(self, rule: Rule, at: datetime) -> Verdict | None:
        """What a rule says, where the sums of the weeks or the last classes alone answer it; None: ask it in full."""
        if rule.trigger == Trigger.PERCENT_BELOW:
            return self._weeks.verdict(rule)
        if self.seen and self.seen[-1].starts_at > at:
            return None
        missed, counted = self._row = self._row or self._since_attended()
        if rule.trigger == Trigger.MISSED_IN_A_ROW:
            return Verdict.HOLDS if missed >= rule.number else Verdict.NOT_REACHED
        enough = missed if rule.trigger == Trigger.NO_CHECK_IN_DAYS else counted
        return Verdict.NOT_REACHED if enough < ZERO_CONTACT_NEEDS else None

    def _since_attended(self) -> tuple[int, int]:
        """How many classes were missed, and how many counted, since one was attended."""
        missed = counted = 0
        for one in reversed(self.seen):
            if one.attended:
                break
            missed, counted = missed + one.missed, counted + one.counts
        return missed, counted


class WeekSums:
    """The sums of each week of teaching, kept while classes become known, so that no class is added up twice. They are used
    where all classes are counted in one way and each is worth the same; elsewhere a rule is asked in full."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._weeks = dict[date, list[float]]()
        self._lately = dict[int, tuple[float, float, float]]()
        self._counting: Counting | None = None
        self.alike = True

    def add(self, seen: Seen, times: int) -> None:
        """Add a class that counts, or take it out."""
        counting = seen.counted.counting
        if counting is not self._counting:
            self.alike = self.alike and self._counting is None and counting.weighting == Weighting.SESSIONS
            self._counting = counting
        week = self._weeks.get(seen.week)
        if week is None:
            week = self._weeks[seen.week] = [0.0, 0.0, 0.0, float(self._calendar.is_vacation(seen.week))]
        week[0] += times
        week[1] += times * seen.worth
        week[2] += times * seen.missed
        self._lately.clear()

    def verdict(self, rule: Rule) -> Verdict | None:
        """What a rule about the last weeks of teaching says; None: it has to be asked in full."""
        many = WEEKS.get(rule.period) if rule.period is not None else None
        if not self.alike or many is None:
            return None
        counted, attended, missed = self._lately.get(many) or self._sum(many)
        if counted < max(1, self._counting.min_events if self._counting is not None else 0):
            return Verdict.TOO_FEW
        reached = attended * 100 < rule.number * counted and missed >= rule.misses
        return Verdict.HOLDS if reached else Verdict.NOT_REACHED

    def _sum(self, many: int) -> tuple[float, float, float]:
        counted, attended, missed, left = 0.0, 0.0, 0.0, many
        for week in sorted(self._weeks, reverse=True):
            in_week, came, away, vacation = self._weeks[week]
            if not left:
                break
            if in_week and not vacation:
                counted, attended, missed, left = counted + in_week, attended + came, missed + away, left - 1
        self._lately[many] = counted, attended, missed
        return counted, attended, missed


_monday = cache(monday_of)
"""A term has few nights, and a university many students."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_THERE = Status.PRESENT
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
        order = sorted(rules.rules, key=lambda rule: (-rule.stage, rule.code))
        self._asked = {stage: [(rule, question_of(rule)) for rule in order if rule.stage >= stage] for stage in rules.stages}
        """By stage, the rules that may lead to it, those of the latest stage first."""
        self._stage = next(iter(rules.stages), None)
        """The first stage that the student has not been told of."""
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
        if self._last is not None and record.new and recovered(self._last[0], record.seen, self._last[1], night.at):
            self._hear({})
            self._last, self._closed_at, self._stale = None, night.at, False
        if self._held is not None:
            standing = self._stands(self._held, night.at)
            if standing == Stands.DOUBTED or (standing == Stands.TRUE and night.at < self._held.leaves_at):
                return
            self._let_go(self._held, standing, night)
        if self._stage is None or self._stage == self._quiet or (self._stale and not record.new):
            return
        due, self._stale = self._due(night.at), False
        if due is not None and is_news(due.finding, self._spent[due.stage], record.seen, self._closed_at):
            self._held = _Held(due, night.at, night.leaves_at[due.rule.hold_days], record.rewritten)
            self._stood = True
        elif due is not None:
            self._stale = True

    def _hear(self, heard: dict[int, Heard]) -> None:
        self._heard = heard
        self._stage = next((one for one in self._rules.stages if one not in heard), None)

    def _let_go(self, held: _Held, standing: Stands, night: Night) -> None:
        """What waited is told now, or was not so."""
        stage = held.due.stage
        if standing == Stands.TRUE:
            self._hear({**self._heard, stage: Heard(night.at)})
            self._last = held.due.rule, night.at
            self.first.setdefault(stage, night.on)
        self._spent[stage].update(held.due.finding.rests_on)
        self._held, self._stale = None, False

    def _stands(self, held: _Held, at: datetime) -> Stands:
        """Whether what was found still is so, by what is known now. While nothing has changed, it is."""
        record, rule = self._record, held.due.rule
        if self._stood and record.rewritten == held.rewritten:
            same = not record.moved and not record.contacts
            if same or record.verdict(rule, question_of(rule), at) == Verdict.HOLDS:
                return Stands.TRUE
        standing = stands_held(rule, record.seen, record.contacts, record.calendar, held.found_at, at)
        self._stood = standing == Stands.TRUE
        return standing

    def _due(self, at: datetime) -> Due | None:
        """The stage that is due now: `ladder.next_step`, which asks no more rules than it must."""
        heard, record, stage = self._heard, self._record, self._stage
        if stage is None or (self._last is not None and at < self._last[1] + self._waits[stage]):
            return None
        came = bool(record.seen) and record.seen[-1].attended
        quiet, waits = True, bool(heard)
        for rule, question in self._asked[stage]:
            if came and rule.trigger != Trigger.PERCENT_BELOW:
                continue  # who came last time is neither in a row of misses nor out of touch
            if waits and why_wait(rule, stage, self._rules, heard, at) is not None:
                quiet = False
                continue
            if record.verdict(rule, question, at) == Verdict.HOLDS:
                return Due(stage, rule, judge(rule, record.seen, record.contacts, record.calendar, at))
            quiet = quiet and record.keeps_no(question)
        self._quiet = stage if quiet else None
        return None
