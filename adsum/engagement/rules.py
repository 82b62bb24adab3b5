"""When a student should hear from us: what a rule looks for, and whether it is there. Pure, for anyone who asks why.

Sources: docs/rules.md A 10 to 15 and 17. Nothing here reads a clock, a table or a language: `why` turns the facts of a finding
into the sentence that people read.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from adsum.attendance.counting import (
    MISSED,
    Calendar,
    Counted,
    Period,
    Tally,
    days_since,
    misses_in_a_row,
    tally,
    weeks_without,
    within,
)
from adsum.attendance.rules import ATTENDED, Source, Status
from adsum.core.clock import monday_of
from adsum.engagement.recovery import Recovery

# What a rule says


class Trigger(StrEnum):
    """What a rule looks for."""

    MISSED_IN_A_ROW = "missed_in_a_row"
    NO_CHECK_IN_DAYS = "no_check_in_days"
    PERCENT_BELOW = "percent_below"
    WEEKS_WITHOUT = "weeks_without"


class Recipient(StrEnum):
    """Who hears of an alert."""

    STUDENT = "student"
    TUTOR = "tutor"
    DEPARTMENT = "department"
    TEAM = "attendance_team"


STAGES = (0, 1, 2, 3)
"""A friendly word, a reminder, a meeting, a panel. From 2 on a person looks at what was not checked before anything leaves."""
LONGEST_HOLD = 10
"""Working days."""
ZERO_CONTACT_NEEDS = 2
"""Counted classes without which nothing can be said about a student who was not seen."""
LATE_AFTER = timedelta(days=14)
"""A miss that came to be known longer after its class than this starts no stage."""


class Studies(NamedTuple):
    """What a student studies, as far as a rule may ask: the departments of the course (with those above it), level and mode."""

    departments: frozenset[int] = frozenset()
    level: str = ""
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a rule is for; empty means everyone."""

    department: int | None = None
    level: str = ""
    mode: str = ""

    def covers(self, studies: Iterable[Studies]) -> bool:
        """Whether one of the courses of a student is one it is for."""
        if self == Scope():
            return True
        return any(
            (self.department is None or self.department in one.departments)
            and self.level in ("", one.level)
            and self.mode in ("", one.mode)
            for one in studies
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one version. `code` names it within its set ("1a")."""

    code: str
    stage: int
    trigger: Trigger
    number: int
    """Misses in a row, days, per cent or weeks, as the trigger says."""
    period: Period | None = None
    """What a percentage is of."""
    last: int = 0
    """With `Period.LAST`: of how many classes."""
    misses: int = 0
    """With a percentage: how many of its classes were missed, at the least. Where few classes count, one miss is a quarter of
    them: who has four a week would be below 80 % after the first one, who has eight would not."""
    scope: Scope = field(default_factory=Scope)
    wait_days: int = 7
    """How long the student has had the message of the stage before, at the least."""
    no_reply: bool = False
    """It holds only for a student who has not answered since the stage before."""
    hold_days: int = 1
    """Working days that an alert waits before anything leaves, so that queries and corrections come first."""
    recipients: tuple[Recipient, ...] = (Recipient.STUDENT,)
    notice_days: int = 0
    """Working days between the invitation and the meeting that the stage leads to; 0: it leads to none."""
    recovery: Recovery = field(default_factory=Recovery)

    def wrong(self) -> str | None:
        """The name of the value that is not allowed; None when all of them are."""
        most = {
            Trigger.MISSED_IN_A_ROW: 100,
            Trigger.NO_CHECK_IN_DAYS: 120,
            Trigger.PERCENT_BELOW: 100,
            Trigger.WEEKS_WITHOUT: 20,
        }
        percentage = self.trigger == Trigger.PERCENT_BELOW
        possible = {
            "stage": self.stage in STAGES,
            "number": 1 <= self.number <= most[self.trigger],
            "period": (self.period is not None) == percentage,
            "last": 1 <= self.last <= 200 if self.period == Period.LAST else self.last == 0,
            "misses": 0 <= self.misses <= 20 and (percentage or not self.misses),
            "wait_days": 0 <= self.wait_days <= 120,
            "no_reply": not self.no_reply or self.stage > STAGES[0],
            "hold_days": 1 <= self.hold_days <= LONGEST_HOLD,
            "recipients": Recipient.STUDENT in self.recipients and len(set(self.recipients)) == len(self.recipients),
            "notice_days": 0 <= self.notice_days <= 60,
            "recovery": 1 <= self.recovery.attend <= self.recovery.of <= 20,
        }
        return next((name for name, fine in possible.items() if not fine), None)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of all the rules. It never changes: what is to be different is a new version."""

    number: int
    rules: tuple[Rule, ...]
    stages: tuple[int, ...] = field(init=False)
    """Those that one of the rules leads to."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(sorted({rule.stage for rule in self.rules})))


# What is known of a student


class Doubt(StrEnum):
    """Why a missed class is left out, and the rule computed without it."""

    UNDER_QUERY = "under_query"
    UNDER_DECISION = "under_decision"
    OUTAGE = "outage"
    NOT_OBSERVED = "not_observed"
    COMPLETED_LATE = "completed_late"


@dataclass(frozen=True, slots=True)
class Seen:
    """One class of one student, as known. Nothing in it names the student, so that students of a class can share one."""

    session: int
    module: int
    starts_at: datetime
    ends_at: datetime
    on: date
    """The civil day of the class."""
    counted: Counted
    closed_at: datetime | None = None
    doubts: frozenset[Doubt] = frozenset()
    attended: bool = field(init=False)
    missed: bool = field(init=False)
    counts: bool = field(init=False)
    """Whether it is in a sum: what is missed and in doubt is not."""
    week: date = field(init=False)
    """The Monday of its week."""
    worth: float = field(init=False)
    """How much of it was attended, from 0 to 1, as its policy counts."""

    def __post_init__(self) -> None:
        status = self.counted.status
        attended = status in ATTENDED
        sure = attended or not self.doubts
        object.__setattr__(self, "attended", attended)
        object.__setattr__(self, "missed", sure and self.counted.mandatory and status in MISSED)
        object.__setattr__(self, "counts", sure and self.counted.counts)
        object.__setattr__(self, "week", monday_of(self.on))
        object.__setattr__(self, "worth", self.counted.counting.share(status))

    @property
    def left_out(self) -> bool:
        """Whether it would count against the student if it were not in doubt."""
        return bool(self.doubts) and not self.attended and self.counted.mandatory


def doubts_of(
    status: Status, source: Source, *, changed_at: datetime, ends_at: datetime, queried: bool, outage: bool
) -> frozenset[Doubt]:
    """Why a mark is not used against a student."""
    found = {
        Doubt.UNDER_QUERY: queried,
        Doubt.UNDER_DECISION: status == Status.PENDING,
        Doubt.OUTAGE: outage,
        Doubt.NOT_OBSERVED: status == Status.NOT_OBSERVED,
        Doubt.COMPLETED_LATE: status == Status.ABSENT and source != Source.ABSENCE and changed_at > ends_at + LATE_AFTER,
    }
    return frozenset(doubt for doubt, there in found.items() if there)


# Judging


class Verdict(StrEnum):
    """Whether a rule holds, and if not, what kind of reason there is."""

    HOLDS = "holds"
    NOT_REACHED = "not_reached"
    """The number that the rule asks for is not there."""
    TOO_FEW = "too_few"
    """There are too few classes to say anything."""
    NOT_FOR_THEM = "not_for_them"
    """The rule is for other students."""


@dataclass(frozen=True, slots=True)
class Because:
    """The facts of the sentence why, or why not: nothing else is needed to write it."""

    verdict: Verdict
    trigger: Trigger
    stage: int
    number: int
    period: Period | None
    last: int
    measured: float | None
    """What was found: misses in a row, days since the last contact (None: there was none), per cent, weeks."""
    classes: int
    """How many classes counted."""
    needed: int
    """How many it needs."""
    left_out: tuple[tuple[Doubt, int], ...] = ()
    """Classes in doubt and therefore left out, by why."""
    misses: int = 0
    """How many missed classes it asks for besides."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of a student, and on what it rests."""

    holds: bool
    rests_on: tuple[int, ...]
    """The missed classes that speak against the student, in order of time. None of them was in doubt."""
    considered: tuple[int, ...]
    """Every class that was looked at for it: the sum is theirs."""
    tally: Tally | None
    because: Because


def judge(rule: Rule, seen: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, at: datetime) -> Finding:
    """Whether the rule holds of a student at that instant.

    `seen` are their classes in order of time, `contacts` when they were in touch in other ways (in any order). Classes in doubt
    are left out and the rule is computed without them: it holds only if it is then still true.
    """
    known, look, verdict = _looked(rule, seen, contacts, calendar, at)
    doubted = Counter(min(one.doubts) for one in known if one.left_out and (look.since is None or one.on >= look.since))
    facts = (rule.trigger, rule.stage, rule.number, rule.period, rule.last, look.measured, len(look.classes), look.needed)
    return Finding(
        holds=verdict == Verdict.HOLDS,
        rests_on=tuple(one.session for one in look.classes if one.missed),
        considered=tuple(one.session for one in look.classes),
        tally=look.tally,
        because=Because(verdict, *facts, left_out=tuple(sorted(doubted.items())), misses=rule.misses),
    )


def verdict_of(rule: Rule, seen: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, at: datetime) -> Verdict:
    """The same, where only the answer is asked for."""
    return _looked(rule, seen, contacts, calendar, at)[2]


def holds(rule: Rule, seen: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, at: datetime) -> bool:
    """The same as yes or no. Who came to their last class is neither in a row of misses nor out of touch."""
    came = bool(seen) and seen[-1].attended and seen[-1].starts_at <= at
    if came and rule.trigger != Trigger.PERCENT_BELOW:
        return False
    return verdict_of(rule, seen, contacts, calendar, at) == Verdict.HOLDS


def _looked(
    rule: Rule, seen: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, at: datetime
) -> "tuple[Sequence[Seen], _Look, Verdict]":
    known = seen if not seen or seen[-1].starts_at <= at else seen[: bisect_right(seen, at, key=_starts_at)]
    basis = _Basis(rule, known, _last_contact(known, contacts, calendar, at), calendar, calendar.day(at))
    look = _LOOKS[rule.trigger](basis)
    if len(look.classes) < look.needed and (look.reached or look.tally is not None):
        return known, look, Verdict.TOO_FEW
    return known, look, Verdict.HOLDS if look.reached else Verdict.NOT_REACHED


_starts_at = attrgetter("starts_at")


class _Basis(NamedTuple):
    """What a trigger looks at; `last` is the day of the last contact."""

    rule: Rule
    known: Sequence[Seen]
    last: date | None
    calendar: Calendar
    on: date


class _Look(NamedTuple):
    """What a trigger found: whether its number is there, the classes that it looked at, and from which day on."""

    reached: bool
    classes: Sequence[Seen]
    measured: float | None
    needed: int
    since: date | None
    tally: Tally | None = None


def _percent_below(look: _Basis) -> _Look:
    rule = look.rule
    looked = within(look.known, rule.period or Period.FOUR_WEEKS, calendar=look.calendar, on=look.on, last=rule.last)
    summed = tally(one.counted for one in looked)
    since = looked[0].on if looked else None
    reached = summed.below(rule.number) and sum(one.missed for one in looked) >= rule.misses
    return _Look(reached, looked, summed.percent, max(1, summed.min_events), since, summed)


def _missed_in_a_row(look: _Basis) -> _Look:
    looked = misses_in_a_row(look.known)
    return _Look(len(looked) >= look.rule.number, looked, len(looked), 1, looked[0].on if looked else look.last)


def _no_check_in_days(look: _Basis) -> _Look:
    looked = [one for one in misses_in_a_row(look.known) if look.last is None or one.on > look.last]
    begin = look.last if look.last is not None else looked[0].on if looked else look.on
    days = days_since(begin, look.on, look.calendar)
    return _Look(days >= look.rule.number, looked, days, ZERO_CONTACT_NEEDS, begin)


def _weeks_without(look: _Basis) -> _Look:
    looked = weeks_without(look.known, look.last, calendar=look.calendar, on=look.on)
    weeks = len({monday_of(one.on) for one in looked})
    return _Look(weeks >= look.rule.number, looked, weeks, ZERO_CONTACT_NEEDS, looked[0].on if looked else look.last)


_LOOKS = {
    Trigger.PERCENT_BELOW: _percent_below,
    Trigger.MISSED_IN_A_ROW: _missed_in_a_row,
    Trigger.NO_CHECK_IN_DAYS: _no_check_in_days,
    Trigger.WEEKS_WITHOUT: _weeks_without,
}


def not_for_them(rule: Rule) -> Finding:
    """What a rule says of a student outside its scope."""
    facts = (rule.trigger, rule.stage, rule.number, rule.period, rule.last)
    because = Because(Verdict.NOT_FOR_THEM, *facts, measured=None, classes=0, needed=0, misses=rule.misses)
    return Finding(False, (), (), None, because)


def _last_contact(known: Sequence[Seen], contacts: Sequence[datetime], calendar: Calendar, at: datetime) -> date | None:
    """The day of the last contact, in a class or in another way."""
    attended = next((one.on for one in reversed(known) if one.attended), None)
    others = max((one for one in contacts if one <= at), default=None)
    days = [day for day in (attended, calendar.day(others) if others is not None else None) if day is not None]
    return max(days, default=None)
