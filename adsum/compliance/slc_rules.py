"""What is said of a funded student at a liability point, when a person may say it, and what money moves. Pure, and easy to read
for an officer who asks why.

Sources: docs/rules.md C 2 to 7 and G 1 to 3. No number of the authority stands here: they come from the edition in force
(`Numbers`), and liability points are data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

from adsum.compliance.slc_codes import LEAVES, POSITIVE, STOPS_MONEY, AttendanceCode, Because, ChangeKind, ConfirmationState
from adsum.core.working_days import WorkingDays

FIRST = 1
"""The number of the first liability point."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the edition in force says."""

    goes_on_days: int
    """Days of term: who took part within so many is still attending."""
    goes_on_times: int
    """How often a student has taken part since the last liability point, at the least, to be confirmed again."""
    not_attending_days: int
    """Days of term without taking part from which on a student is not in attendance."""
    answer_working_days: int
    """How long a student has for an answer before a code that stops money is confirmed."""
    not_registered_days: tuple[int, int, int]
    """Calendar days after the start: two reminders, and the day by which N is due."""
    change_working_days: int
    change_working_days_autumn: int
    autumn: tuple[int, int]
    """The first and last month in which a change takes longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one student's funding at one liability point."""

    point: int
    liable_from: date
    today: date
    cooling_off_end: date | None = None
    enrolled: bool = True
    suspended: bool = False
    withdrawn: bool = False
    registered: bool = True
    earlier_open: bool = False
    """An earlier liability point has no code yet: the portal takes none for this one."""
    expected: int = 0
    """Classes that counted since the last liability point, or since the start."""
    attended: int = 0
    """How often the student took part since then, in classes or otherwise."""
    doubtful: int = 0
    """Classes since then that are under query, under decision, or touched by an outage."""
    first: date | None = None
    last: date | None = None
    days_since: int | None = None
    """Days of term since the student last took part."""
    course_differs: bool = False
    fee_differs: bool = False


class Suggestion(NamedTuple):
    """A code and why, or why there is none: then a person looks."""

    code: AttendanceCode | None
    because: Because


def suggest(facts: Facts, numbers: Numbers) -> Suggestion:
    """What to say. It is a proposal: a person confirms every code."""
    if (why := _no_code(facts)) is not None:
        return Suggestion(None, why)
    if facts.suspended:
        return Suggestion(AttendanceCode.SUSPENDED, Because.SUSPENDED)
    if (early := _too_early(facts.liable_from, facts.cooling_off_end, facts.today)) is not None:
        return Suggestion(None, early)
    if facts.first is None or facts.days_since is None:
        return _never_came(facts)
    if facts.days_since >= numbers.not_attending_days:
        return _doubted(facts, Suggestion(AttendanceCode.NOT_ATTENDING, Because.STOPPED))
    return _attends(facts, facts.days_since, numbers)


def _no_code(facts: Facts) -> Because | None:
    if facts.earlier_open:
        return Because.EARLIER_OPEN
    if facts.withdrawn:
        return Because.WITHDRAWN
    return None if facts.enrolled else Because.NOT_ENROLLED


def _too_early(liable_from: date, cooling_off_end: date | None, today: date) -> Because | None:
    if today < liable_from:
        return Because.NOT_LIABLE
    return Because.COOLING_OFF if cooling_off_end is not None and today <= cooling_off_end else None


def _never_came(facts: Facts) -> Suggestion:
    if facts.point != FIRST:
        return Suggestion(None, Because.NEVER_CAME_LATE)
    if not facts.expected:
        return Suggestion(None, Because.NOTHING_OBSERVED)
    return _doubted(facts, Suggestion(AttendanceCode.NEVER_ATTENDED, Because.NEVER_CAME))


def _doubted(facts: Facts, otherwise: Suggestion) -> Suggestion:
    """Nothing that stops money rests on classes of which the record may be wrong."""
    return Suggestion(None, Because.DOUBTFUL) if facts.doubtful else otherwise


def _attends(facts: Facts, days_since: int, numbers: Numbers) -> Suggestion:
    if not facts.registered:
        return Suggestion(None, Because.NOT_REGISTERED)
    if days_since > numbers.goes_on_days:
        return Suggestion(None, Because.NOT_LATELY)
    if facts.point != FIRST and facts.attended < numbers.goes_on_times:
        return Suggestion(None, Because.TOO_THIN)
    if facts.course_differs:
        return Suggestion(AttendanceCode.COURSE_MISMATCH, Because.COURSE_DIFFERS)
    if facts.fee_differs:
        return Suggestion(AttendanceCode.FEE_MISMATCH, Because.FEE_DIFFERS)
    return Suggestion(AttendanceCode.ATTENDING, Because.BEGAN if facts.point == FIRST else Because.GOES_ON)


# What a person may say


class Refusal(StrEnum):
    """Why a code cannot be said now."""

    LOCKED = "locked"
    EARLIER_OPEN = "earlier_open"
    NOT_LIABLE = "not_liable"
    COOLING_OFF = "cooling_off"
    NOT_THE_FIRST = "not_the_first"
    NEEDS_REASON = "needs_reason"
    NEEDS_PROPOSAL = "needs_proposal"


def refused(
    code: AttendanceCode,
    *,
    point: int,
    liable_from: date,
    cooling_off_end: date | None,
    today: date,
    earlier_open: bool,
    state: ConfirmationState,
) -> Refusal | None:
    """Why this code cannot be said at this point, whatever else is known; None when it can."""
    if state == ConfirmationState.LOCKED:
        return Refusal.LOCKED
    if earlier_open:
        return Refusal.EARLIER_OPEN
    if code == AttendanceCode.NEVER_ATTENDED and point != FIRST:
        return Refusal.NOT_THE_FIRST
    if code in POSITIVE:
        early = _too_early(liable_from, cooling_off_end, today)
        return Refusal(early) if early is not None else None
    return None


def confirmed_from(proposed_on: date, *, deadline: date, numbers: Numbers, days: WorkingDays) -> date:
    """From which day on a code that stops money may be confirmed without the student's answer: when the term is over, and no
    later than the deadline, which no silence moves."""
    return min(days.after(proposed_on, numbers.answer_working_days), max(deadline, proposed_on))


def unconfirmed(code: AttendanceCode, *, state: ConfirmationState, reason: str, as_suggested: bool) -> Refusal | None:
    """What a person has to do before a code that may be said is confirmed; None: nothing. (Whether the student was heard is
    asked of `representations`.)"""
    if not reason.strip() and not (code == AttendanceCode.ATTENDING and as_suggested):
        return Refusal.NEEDS_REASON
    if code in STOPS_MONEY and state != ConfirmationState.PROPOSED:
        return Refusal.NEEDS_PROPOSAL
    return None


# The money at stake


class Point(NamedTuple):
    """A liability point, as far as money goes."""

    number: int
    starts_on: date
    pays_on: date
    share: Decimal


class Portion(NamedTuple):
    """A share of the fee that is not paid; the amount is None where the loan is not known."""

    number: int
    share: Decimal
    amount: Decimal | None
    pays_on: date


class Stake(NamedTuple):
    """What moves."""

    portions: tuple[Portion, ...]
    maintenance: bool
    """The next maintenance payment stops, of itself,"""
    maintenance_amount: Decimal | None = None
    """and how much that is, where it is known."""

    @property
    def share(self) -> Decimal:
        return sum((one.share for one in self.portions), Decimal(0))

    @property
    def amount(self) -> Decimal | None:
        """None where the loan is not known."""
        amounts = [one.amount for one in self.portions]
        return sum((one for one in amounts if one is not None), Decimal(0)) if None not in amounts else None


NOTHING = Stake((), maintenance=False)


def stake_of(
    code: AttendanceCode, number: int, points: Sequence[Point], *, loan: Decimal | None, maintenance: Decimal | None
) -> Stake:
    """What a code costs the student: X and S hold back this point's share and the next maintenance payment; D takes every
    share, with the entitlement."""
    if code not in STOPS_MONEY:
        return NOTHING
    everything = code == AttendanceCode.NEVER_ATTENDED
    return _stake([one for one in points if everything or one.number == number], loan, maintenance)


def stake_of_leaving(
    kind: ChangeKind, last_day: date, points: Sequence[Point], *, loan: Decimal | None, maintenance: Decimal | None
) -> Stake:
    """What leaving on that day means: the shares of liability points that come later are not owed, and not paid."""
    if kind not in LEAVES:
        return NOTHING
    return _stake([one for one in points if one.starts_on > last_day], loan, maintenance)


def _stake(points: Iterable[Point], loan: Decimal | None, maintenance: Decimal | None) -> Stake:
    portions = tuple(Portion(one.number, one.share, _part(loan, one.share), one.pays_on) for one in points)
    return Stake(portions, maintenance=True, maintenance_amount=maintenance)


def _part(loan: Decimal | None, share: Decimal) -> Decimal | None:
    return (loan * share / 100).quantize(Decimal("0.01"), ROUND_HALF_UP) if loan is not None else None


# The date of last attendance


class Candidate(NamedTuple):
    """A day on which a student took part, and where that is written."""

    on: date
    source: str
    what: str = ""


def candidates(found: Iterable[Candidate], today: date) -> list[Candidate]:
    """Those that may be the date of last attendance, the latest first: each day and source once, none to come, and never a
    login to the learning environment."""
    fine = {(one.on, one.source): one for one in found if one.on <= today and one.source != "vle"}
    return sorted(fine.values(), key=lambda one: (-one.on.toordinal(), one.source, one.what))


# Timers


class Timer(StrEnum):
    """How long a student has not been registered."""

    WATCHED = "watched"
    FIRST = "first"
    SECOND = "second"
    DUE = "due"
    OVERDUE = "overdue"


def registration_due(starts_on: date, numbers: Numbers) -> date:
    """The day by which N is due at the latest: calendar days, on weekends too."""
    return starts_on + timedelta(days=numbers.not_registered_days[2])


def registration_timer(starts_on: date, today: date, numbers: Numbers) -> Timer | None:
    """How urgent it is; None before the start."""
    days = (today - starts_on).days
    first, second, due = numbers.not_registered_days
    steps = ((due + 1, Timer.OVERDUE), (due, Timer.DUE), (second, Timer.SECOND), (first, Timer.FIRST), (0, Timer.WATCHED))
    return next((timer for at, timer in steps if days >= at), None)


def change_due(since: date, numbers: Numbers, days: WorkingDays) -> date:
    """By when a change that was opened or submitted on that day is settled."""
    autumn = numbers.autumn[0] <= since.month <= numbers.autumn[1]
    return days.after(since, numbers.change_working_days_autumn if autumn else numbers.change_working_days)
