"""What is known of a sponsored student, and what follows from its dates. Pure; nothing here is inferred from a nationality.

Sources: docs/rules.md B 1, 2, 7, 13.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Route(StrEnum):
    """On which route a student is sponsored."""

    STUDENT = "student"
    CHILD_STUDENT = "child_student"
    TIER_4 = "tier_4"
    """Granted before October 2020."""


class Level(StrEnum):
    """At which level a sponsored student studies."""

    PRE_SESSIONAL = "pre_sessional"
    BELOW_DEGREE = "below_degree"
    DEGREE = "degree"
    TAUGHT = "taught_postgraduate"
    RESEARCH = "research"


IN_CLASSROOM = frozenset({Level.PRE_SESSIONAL, Level.BELOW_DEGREE})
"""Levels with a minimum of hours taught in a classroom in daytime each week (docs/rules.md B 13)."""


class Mode(StrEnum):
    """How a sponsored student studies."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"


class Arrival(StrEnum):
    """How far a student with a CAS has come, in the order in which it happens."""

    ARRIVED = "arrived"
    VISA_CHECKED = "visa_checked"
    ENROLLED = "enrolled"


class Wrong(StrEnum):
    """Why a profile cannot be kept like this."""

    NO_CAS = "no_cas"
    PERMISSION_BACKWARDS = "permission_backwards"
    COURSE_BACKWARDS = "course_backwards"
    SPONSORED_BACKWARDS = "sponsored_backwards"
    ENROLS_TOO_LATE = "enrols_too_late"


@dataclass(frozen=True, slots=True)
class Sponsorship:
    """What the university knows of one CAS. Days are civil ones, both ends included; an empty end is open."""

    cas_number: str
    level: Level
    since: date
    """From this day on the university sponsors the student."""
    until: date | None = None
    route: Route = Route.STUDENT
    mode: Mode = Mode.FULL_TIME
    course_starts_on: date | None = None
    course_ends_on: date | None = None
    enrol_by: date | None = None
    """The latest day on which the student may enrol."""
    permission_start: date | None = None
    permission_end: date | None = None
    applied_on: date | None = None
    """An application for further permission was made on this day, and is not decided."""

    def wrong(self) -> Wrong | None:
        """What cannot be so; None: nothing."""
        backwards: Mapping[Wrong, tuple[date | None, date | None]] = {
            Wrong.PERMISSION_BACKWARDS: (self.permission_start, self.permission_end),
            Wrong.COURSE_BACKWARDS: (self.course_starts_on, self.course_ends_on),
            Wrong.SPONSORED_BACKWARDS: (self.since, self.until),
            Wrong.ENROLS_TOO_LATE: (self.enrol_by, self.course_ends_on),
        }
        if not self.cas_number.strip():
            return Wrong.NO_CAS
        return next((why for why, (first, last) in backwards.items() if first and last and last < first), None)


# Permissions

ENDS_WITHIN = (30, 60, 90)
"""In how many days a permission ends, for those who have to know (docs/rules.md B 1)."""


class Permission(StrEnum):
    """How a student's permission stands on a day."""

    UNKNOWN = "unknown"
    NOT_BEGUN = "not_begun"
    HOLDS = "holds"
    ENDS_SOON = "ends_soon"
    """Within 90 days: see `days_left`."""
    PENDING = "pending"
    """An application is not decided: what the old permission allowed goes on."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a permission stands, and what makes it urgent."""

    state: Permission
    days_left: int | None = None
    before_course_ends: bool = False
    """It ends before the course does."""

    @property
    def within(self) -> int | None:
        """The narrowest of 30, 60 and 90 days in which it ends; None: later, or it has ended."""
        left = self.days_left
        return None if left is None or left < 0 else next((days for days in ENDS_WITHIN if left <= days), None)


def permission_on(one: Sponsorship, on: date) -> Standing:
    """How the permission stands on a day. The last day is one on which it still holds."""
    if one.permission_end is None:
        return Standing(Permission.PENDING if one.applied_on else Permission.UNKNOWN)
    left = (one.permission_end - on).days
    early = one.course_ends_on is not None and one.permission_end < one.course_ends_on
    if one.applied_on is not None and one.applied_on <= on:
        state = Permission.PENDING
    elif left < 0:
        state = Permission.ENDED
    elif one.permission_start is not None and on < one.permission_start:
        state = Permission.NOT_BEGUN
    else:
        state = Permission.ENDS_SOON if left <= max(ENDS_WITHIN) else Permission.HOLDS
    return Standing(state, left, early)


# Arrivals


class ArrivalStage(StrEnum):
    """How far a student who is expected has come."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    VISA_CHECKED = "visa_checked"
    ENROLLED = "enrolled"
    ATTENDING = "attending"
    MISSING = "missing"
    """The latest day to enrol is over, and the student has not enrolled."""


def stage_of(one: Sponsorship, steps: Mapping[Arrival, date], first_attended: date | None, on: date) -> ArrivalStage:
    """How far a student has come on a day. To have attended without being enrolled is not to have enrolled."""
    if Arrival.ENROLLED in steps:
        return ArrivalStage.ATTENDING if first_attended is not None else ArrivalStage.ENROLLED
    if one.enrol_by is not None and on > one.enrol_by:
        return ArrivalStage.MISSING
    if Arrival.VISA_CHECKED in steps:
        return ArrivalStage.VISA_CHECKED
    return ArrivalStage.ARRIVED if Arrival.ARRIVED in steps else ArrivalStage.EXPECTED


# Absences


LONG_ABSENCE = 14
"""Calendar days from which on an absence moves the end of the course."""


class Held(StrEnum):
    """Why compliance cannot approve an absence like this."""

    BACKWARDS = "backwards"
    PERMISSION = "permission"
    """The course could not be finished before the permission ends."""
    CAP = "cap"
    """The total of twelve months would be beyond the university's cap: only with words that say why."""
    CEILING = "ceiling"
    """Alone, or with what was approved, it is longer than guidance lets a student be away."""


def days_of_year(spells: Iterable[tuple[date, date]], last: date) -> int:
    """How many different calendar days of the twelve months up to `last` these cover."""
    first = date(last.year - 1, last.month, 28 if (last.month, last.day) == (2, 29) else last.day) + timedelta(days=1)
    return len(
        {
            one + timedelta(days=n)
            for one, end in spells
            for n in range((end - one).days + 1)
            if first <= one + timedelta(days=n) <= last
        }
    )


def why_not_approve(
    first: date, last: date, approved: Sequence[tuple[date, date]], one: Sponsorship, *, cap: int, ceiling: int, explained: bool
) -> Held | None:
    """Why an absence cannot be approved; None: it can. The total is of any twelve months that it lies in, up to its own last
    day or that of a later one, whichever was approved first (docs/rules.md B, rule 7). What makes the course too long for the
    permission, no words make good."""
    if last < first:
        return Held.BACKWARDS
    if one.permission_end is not None and one.course_ends_on is not None and one.applied_on is None:
        away = (last - first).days + 1
        left_over = (one.permission_end - one.course_ends_on).days
        if last > one.permission_end or (away >= LONG_ABSENCE and left_over < 0):
            return Held.PERMISSION
    both = [*approved, (first, last)]
    total = max(days_of_year(both, day) for _first, day in both if day >= last)
    if total > ceiling:
        return Held.CEILING
    return Held.CAP if total > cap and not explained else None
