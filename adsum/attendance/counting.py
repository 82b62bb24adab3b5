"""How attendance is counted: which marks count, and what they are worth. Pure, and easy to read for anyone who asks why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

from adsum.attendance.rules import ATTENDED, Status, Windows
from adsum.core.clock import monday_of

COUNTED = frozenset(
    {Status.PRESENT, Status.LATE, Status.LEFT_EARLY, Status.OTHER_GROUP, Status.REMOTE, Status.ABSENT, Status.PENDING}
)
"""What always counts (docs/rules.md A 8). Cancelled, not expected and not observed never do; authorised absence as the
policy says."""


class Authorised(StrEnum):
    """How an authorised absence counts: universities differ, so the policy says."""

    EXCLUDE = "exclude"
    AS_PRESENT = "as_present"
    AS_ABSENT = "as_absent"


class Weighting(StrEnum):
    """What a sum adds up: classes, each the same, or their scheduled minutes (docs/rules.md A 9)."""

    SESSIONS = "sessions"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class Counting:
    """How a policy counts."""

    authorised: Authorised = Authorised.EXCLUDE
    late_percent: int = 100
    """What a late mark is worth, in hundredths of attending in time."""
    remote_counts: bool = True
    """Whether attending remotely counts as attending; it is in the sum either way."""
    weighting: Weighting = Weighting.SESSIONS
    min_events: int = 4
    """With fewer classes in the sum, no rule about a percentage applies (docs/rules.md A 10)."""

    def counts(self, status: Status) -> bool:
        """Whether a mark is in the sum at all."""
        return status in COUNTED or (status == Status.AUTHORISED and self.authorised != Authorised.EXCLUDE)

    def share(self, status: Status) -> float:
        """How much of a class that counts was attended, from 0 to 1."""
        if status == Status.LATE:
            return self.late_percent / 100
        if status == Status.REMOTE:
            return float(self.remote_counts)
        if status == Status.AUTHORISED:
            return float(self.authorised == Authorised.AS_PRESENT)
        return float(status in ATTENDED)


@dataclass(frozen=True, slots=True)
class Tally:
    """How much a student attended: shown as "18 of 21", never as a percentage alone, and with what was added up."""

    attended: float
    counted: float
    weighting: Weighting = Weighting.SESSIONS
    classes: int = 0
    """How many classes are in the sum, however it is weighted."""
    min_events: int = 0

    @property
    def percent(self) -> float | None:
        """None while nothing counts yet."""
        return round(100 * self.attended / self.counted, 1) if self.counted else None

    def below(self, percent: float) -> bool:
        """Whether less than this percentage was attended: exactly, not as it is rounded for people to read."""
        return self.attended * 100 < percent * self.counted

    @property
    def enough(self) -> bool:
        """Whether there are enough classes for a rule about the percentage."""
        return self.classes >= max(1, self.min_events)


class Counted(NamedTuple):
    """One class of one student, as it enters a sum; or `times` classes that are alike. `minutes` are the scheduled ones."""

    status: Status
    mandatory: bool = True
    minutes: int = 60
    counting: Counting = Counting()
    times: int = 1

    @property
    def counts(self) -> bool:
        """Whether it is in a sum at all."""
        return self.mandatory and self.counting.counts(self.status)


def tally(marks: Iterable[Counted]) -> Tally:
    """Add up, each class as its own policy counts (docs/rules.md A 8). Optional classes never count.

    Minutes and classes cannot be mixed: the sum is in minutes only if every class in it is weighted by minutes.
    """
    found = list(marks)
    times = Counter(map(id, found))  # a class is one object for all its students, and alike ones are: add them up together
    inside = [(one, times[key] * one.times) for key, one in {id(one): one for one in found}.items() if one.counts]
    by_minutes = bool(inside) and all(one.counting.weighting == Weighting.MINUTES for one, _ in inside)
    weighed = [(number * (one.minutes if by_minutes else 1), one.counting.share(one.status)) for one, number in inside]
    return Tally(
        attended=sum(weight * share for weight, share in weighed),
        counted=sum(weight for weight, _ in weighed),
        weighting=Weighting.MINUTES if by_minutes else Weighting.SESSIONS,
        classes=sum(number for _, number in inside),
        min_events=max((one.counting.min_events for one, _ in inside), default=0),
    )


# When: the period a sum is of, misses in a row, the last contact (docs/rules.md A 11, A 12)

MISSED = frozenset({Status.ABSENT, Status.PENDING})
"""The student was expected and did not come. Authorised, cancelled and not observed classes are transparent: they neither
lengthen nor end a row of misses."""


class Period(StrEnum):
    """What a sum or a rule looks back over. Weeks run from Monday to Sunday, and only weeks with teaching are counted: those of
    a vacation, and those in which nothing of this student counted, are passed over."""

    TWO_WEEKS = "two_weeks"
    FOUR_WEEKS = "four_weeks"
    MONTH = "month"
    """The calendar month of the day."""
    TERM = "term"
    YEAR = "year"
    LAST = "last_classes"
    """The last so many classes that counted."""


WEEKS = {Period.TWO_WEEKS: 2, Period.FOUR_WEEKS: 4}


class Days(NamedTuple):
    """Civil days from one to another, both included."""

    first: date
    last: date


class TermDays(NamedTuple):
    """A term, and the academic year that it belongs to."""

    first: date
    last: date
    year: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The university's own calendar: its civil days, terms and vacations."""

    zone: ZoneInfo
    terms: tuple[TermDays, ...] = ()
    vacations: tuple[Days, ...] = ()

    def day(self, at: datetime) -> date:
        """The civil day of an instant."""
        return at.astimezone(self.zone).date()

    def is_vacation(self, monday: date) -> bool:
        """Whether Monday to Friday of a week all fall into vacations."""
        days = [monday + timedelta(days=n) for n in range(5)]
        return all(any(one.first <= day <= one.last for one in self.vacations) for day in days)

    def is_term(self, day: date) -> bool:
        """Whether a day falls into a term, and not into a vacation."""
        in_term = not self.terms or any(one.first <= day <= one.last for one in self.terms)
        return in_term and not any(one.first <= day <= one.last for one in self.vacations)

    def term_of(self, on: date) -> TermDays | None:
        """The term of a day; between two terms the one that is over. None before the first."""
        return max((one for one in self.terms if one.first <= on), default=None)

    def first_day(self, period: Period, on: date) -> date:
        """The first day of a month, term or year that is not over on `on`. Where no term is known, a year begins in August."""
        term = self.term_of(on)
        if period == Period.MONTH:
            return on.replace(day=1)
        if term is None:
            return date(on.year - (on.month < 8), 8, 1)
        if period == Period.TERM:
            return term.first
        return min(one.first for one in self.terms if one == term or (one.year and one.year == term.year))


class Dated(Protocol):
    """One class of one student that has begun, on its civil day."""

    @property
    def on(self) -> date: ...
    @property
    def counts(self) -> bool: ...
    @property
    def attended(self) -> bool: ...
    @property
    def missed(self) -> bool: ...


D = TypeVar("D", bound=Dated)


def within(classes: Sequence[D], period: Period, *, calendar: Calendar, on: date, last: int = 0) -> list[D]:
    """Those of `classes`, which are in order of time, that count and fall into the period as it stands on the day `on`."""
    if period == Period.LAST:
        return [one for one in classes if one.counts][-last:] if last > 0 else []
    if period not in WEEKS:
        first = calendar.first_day(period, on)
        return [one for one in classes if one.counts and one.on >= first]
    found, weeks, days = list[D](), set[date](), dict[date, date]()
    for one in reversed(classes):
        if not one.counts:
            continue
        week = days.get(one.on) or days.setdefault(one.on, monday_of(one.on))
        if week not in weeks:
            if calendar.is_vacation(week):
                continue
            if len(weeks) == WEEKS[period]:
                break
            weeks.add(week)
        found.append(one)
    return found[::-1]


def misses_in_a_row(classes: Sequence[D]) -> list[D]:
    """The classes that were missed since one was last attended, in order of time. What is neither is passed over."""
    row = list[D]()
    for one in reversed(classes):
        if one.attended:
            break
        if one.missed:
            row.append(one)
    return row[::-1]


def days_since(last: date, on: date, calendar: Calendar) -> int:
    """How many days of term have passed since a day: a student who was away over Christmas was not out of touch. Where no terms
    are known, only the days of vacations are left out."""
    days = (last + timedelta(days=n) for n in range(1, (on - last).days + 1))
    return sum(calendar.is_term(day) for day in days)


def weeks_without(classes: Sequence[D], last_contact: date | None, *, calendar: Calendar, on: date) -> list[D]:
    """The counted classes of every whole week of teaching since the week of the last contact, in order of time."""
    since = monday_of(last_contact) if last_contact is not None else None
    found = list[D]()
    for one in reversed(classes):
        week = monday_of(one.on)
        if one.attended or (since is not None and week <= since):
            break
        if one.counts and week + timedelta(days=7) <= on and not calendar.is_vacation(week):
            found.append(one)
    return found[::-1]


class Reachable(NamedTuple):
    """What classes to come can still make of a sum."""

    best: float | None
    """The percentage if all of them are attended."""
    needed: int | None
    """How many of them are enough, whichever they are, for the percentage asked for; None: it is out of reach."""


def reachable(so_far: Sequence[Counted], to_come: Sequence[Counted], percent: float) -> Reachable:
    """What is still reachable. The shortest classes are taken to be the ones attended, so that the answer is never too small
    where minutes are added up."""
    ahead = sorted(to_come, key=lambda one: one.minutes)

    def after(attended: int) -> Tally:
        marks = [one._replace(status=Status.PRESENT if n < attended else Status.ABSENT) for n, one in enumerate(ahead)]
        return tally([*so_far, *marks])

    enough = (n for n in range(len(ahead) + 1) if (sum_then := after(n)).counted and not sum_then.below(percent))
    return Reachable(after(len(ahead)).percent, next(enough, None))


# What a policy says


@dataclass(frozen=True, slots=True)
class Terms:
    """What one version of a policy says of a class. Without any policy, these defaults (docs/rules.md A 1, 6, 8, 9)."""

    windows: Windows = field(default_factory=Windows)
    pace: str = "standard"
    """How often the code changes when check-in opens; the name of one of `checkin.rules.PACES`."""
    amend_hours: int = 7 * 24
    """How long after the end of a class its lecturers may change marks; the attendance team may later."""
    query_hours: int = 7 * 24
    """How long after the end of a class its students may query their mark."""
    counting: Counting = field(default_factory=Counting)

    def wrong(self) -> str | None:
        """The name of the value that is not allowed; None when all of them are."""
        windows, counting = self.windows, self.counting
        possible = {
            "opens_before": 0 <= windows.opens_before <= 120,
            "present_until": 0 < windows.present_until <= 480,
            "late_until": windows.present_until <= windows.late_until <= 480,
            "amend_hours": 0 <= self.amend_hours <= 366 * 24,
            "query_hours": 0 <= self.query_hours <= 366 * 24,
            "late_percent": 0 <= counting.late_percent <= 100,
            "min_events": 1 <= counting.min_events <= 100,
        }
        return next((name for name, fine in possible.items() if not fine), None)


class Scoped(Protocol):
    """A version of a policy, as far as it decides which classes it is for."""

    @property
    def department_id(self) -> int | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def inherits(self) -> bool: ...


V = TypeVar("V", bound=Scoped)


def in_force(
    versions: Iterable[V], *, parents: Mapping[int, int | None], department: int | None, kind: str, on: date
) -> V | None:
    """The version that applies to a class: of its kind and department, on its own date. None: there is no policy for it.

    The nearest department wins (a department's policy is also for those below it), then the university; within the same
    department the policy for this kind wins over the one for every kind. Within one scope the latest version that has begun
    counts; where that version says that the wider policy applies again, this scope is passed over.
    """
    chain: list[int | None] = []
    while department is not None and department not in chain:
        chain.append(department)
        department = parents.get(department)
    chain.append(None)
    latest: dict[tuple[int, bool], V] = {}
    for version in versions:
        if version.valid_from > on or version.kind not in {"", kind} or version.department_id not in chain:
            continue
        scope = chain.index(version.department_id), not version.kind
        if scope not in latest or latest[scope].valid_from < version.valid_from:
            latest[scope] = version
    return next((latest[scope] for scope in sorted(latest) if not latest[scope].inherits), None)
