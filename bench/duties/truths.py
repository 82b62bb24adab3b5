"""What truly happens to the sponsored students of the made-up year, and on which day the university learns of it. Pure: the
same seed gives the same year.

Scotland, 2025/26. Both clock changes are in it, and both fall on Sundays.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import NamedTuple

DAY = timedelta(days=1)
FIRST, LAST = date(2025, 9, 15), date(2026, 9, 13)
BACK, FORTH = date(2025, 10, 26), date(2026, 3, 29)
"""Clocks go back, and forth."""


class Span(NamedTuple):
    """Days, both included."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    def days(self) -> Iterator[date]:
        for n in range((self.last - self.first).days + 1):
            yield self.first + n * DAY


@dataclass(frozen=True, slots=True)
class Taught:
    """A course: at what level, when it teaches, and the vacations that hold its students' clocks."""

    code: str
    level: str
    terms: tuple[Span, ...]
    vacations: tuple[Span, ...]
    whose: str
    """Whose vacations these are: the university's, the level's or the course's own."""
    weekday: int


TERMS = (Span(date(2025, 9, 22), date(2025, 12, 12)), Span(date(2026, 1, 12), date(2026, 3, 27)))
SPRING = Span(date(2026, 4, 13), date(2026, 6, 5))
WINTER, EASTER = Span(date(2025, 12, 13), date(2026, 1, 11)), Span(date(2026, 3, 28), date(2026, 4, 12))
SUMMER = Span(date(2026, 6, 6), date(2026, 9, 13))
UNIVERSITY = (WINTER, EASTER, SUMMER)
COURSES = (
    Taught("HISTORY", "degree", (*TERMS, SPRING), UNIVERSITY, "university", 1),
    Taught("DATA", "taught_postgraduate", (*TERMS, Span(date(2026, 4, 13), date(2026, 8, 28))), (WINTER, EASTER), "level", 2),
    Taught(
        "NURSING",
        "degree",
        (Span(date(2025, 9, 22), date(2025, 12, 19)), Span(date(2026, 1, 5), date(2026, 7, 24))),
        (Span(date(2025, 12, 20), date(2026, 1, 4)), Span(date(2026, 7, 25), date(2026, 8, 30))),
        "course",
        3,
    ),
    Taught("FOUNDATION", "below_degree", (*TERMS, SPRING), UNIVERSITY, "university", 0),
    Taught("DOCTORATE", "research", (), (), "none", 4),
)
HISTORY, DATA, NURSING, FOUNDATION, DOCTORATE = range(5)


class Kind(StrEnum):
    """What is the matter with a student."""

    USUAL = "usual"
    NOT_SPONSORED = "not_sponsored"
    """Stops one day; nobody has to report it."""
    STOPS = "stops"
    RETURNS = "returns"
    """Is away without leave for 55 to 65 days, and comes back."""
    SUNDAY = "sunday"
    """Stops so that the sixtieth day is a Sunday."""
    CLOCKS_BACK = "clocks_back"
    CLOCKS_FORTH = "clocks_forth"
    """The sixtieth day is the day of the change."""
    MIDNIGHT = "midnight"
    """Hands work in within an hour of midnight, while the clock is an hour ahead of Greenwich."""
    LEAVE = "leave"
    DECLINED = "declined"
    SHORT = "short"
    """Tells of illnesses that need nobody's approval, and stops."""
    ABROAD = "abroad"
    ABROAD_SHORT = "abroad_short"
    """A day too short, because of a bank holiday of Scotland alone."""
    SUSPENDED = "suspended"
    SUSPENDED_AHEAD = "suspended_ahead"
    """It is known before it begins."""
    GONE = "gone"
    """Missing from the roster first, and called a withdrawal later."""
    WITHDRAWN = "withdrawn"
    WITHDRAWN_LATE = "withdrawn_late"
    """The registry learns of it months later."""
    COMPLETED_EARLY = "completed_early"
    COMPLETED = "completed"
    """At the end of the course; nobody ends the sponsorship."""
    MOVED = "moved"
    ENROLS_LATE = "enrols_late"
    NEVER_ENROLS = "never_enrols"
    NEVER_COMES = "never_comes"
    """Enrols, and is not seen again."""
    PERMISSION = "permission"
    APPLIES = "applies"
    RENEWS = "renews"
    LATE_MARK = "late_mark"
    """Was marked absent, and present days later; compliance confirms it."""
    LATE_UNCONFIRMED = "late_unconfirmed"
    LATE_REVERSED = "late_reversed"
    """Compliance confirms it, and takes that back after the duty has opened."""
    PAGES_ONLY = "pages_only"
    """Opens pages of the learning environment, and does nothing else."""
    RESEARCH = "research"
    RESEARCH_STOPS = "research_stops"
    ENDS = "ends"
    """The university stops sponsoring the student before the sixtieth day."""


class What(StrEnum):
    """What the university learns."""

    CAME = "came"
    """To the class of that day, and scanned."""
    WORK = "work"
    EXAM = "exam"
    SUPERVISED = "supervised"
    PAGE = "page"
    LATE = "late"
    """A lecturer says later that the student had come."""
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    LEAVE = "leave"
    DECLINED = "declined"
    SHORT = "short"
    ENROLLED = "enrolled"
    SUSPENDED = "suspended"
    GONE = "gone"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"
    MOVED = "moved"
    UNTIL = "until"
    """Sponsored up to this day."""
    APPLIED = "applied"
    PERMISSION = "permission"
    """Permission up to this day."""


CONTACTS = frozenset({What.CAME, What.WORK, What.EXAM, What.SUPERVISED})


class Fact(NamedTuple):
    """One thing that is so, and the day on which it becomes known (in the evening)."""

    known: date
    what: What
    first: date
    last: date | None = None
    minute: int = 600
    """Of the day, by the clock on the wall."""
    place: str = ""


@dataclass(slots=True)
class Truth:
    """One student."""

    kind: Kind
    course: int
    sponsored: bool = True
    since: date = FIRST
    starts: date = TERMS[0].first
    ends: date = date(2027, 6, 4)
    """The course, as the CAS names it."""
    enrol_by: date | None = date(2025, 10, 6)
    permission_end: date = date(2028, 1, 31)
    facts: list[Fact] = field(default_factory=list)

    @property
    def taught(self) -> Taught:
        return COURSES[self.course]

    def drop_from(self, day: date, until: date = date.max) -> None:
        """Nothing is seen of the student on these days."""
        self.facts = [one for one in self.facts if one.what not in CONTACTS or not day <= one.first <= until]

    def add(
        self, known: date, what: What, first: date, last: date | None = None, *, minute: int = 600, place: str = ""
    ) -> None:
        self.facts.append(Fact(known, what, first, last, minute, place))


USUAL_SHARE = 0.4


def students(number: int, last: date, seed: int) -> list[Truth]:
    """So many students in a year that is followed until `last`: some of every kind."""
    random, kinds = Random(seed), list(Kind)
    some = [kinds[n % len(kinds)] for n in range(max(len(kinds), round(number * (1 - USUAL_SHARE))))]
    found = [*some, *[Kind.USUAL] * number][: max(number, len(kinds))]
    return [_student(kind, last, random) for kind in found]


def _student(kind: Kind, last: date, random: Random) -> Truth:
    truth = Truth(kind, _course(kind, random))
    if truth.course == DOCTORATE:
        truth.since = truth.starts = date(2024, 10, 1)
        truth.enrol_by = None
    elif kind not in {Kind.NEVER_ENROLS, Kind.ENROLS_LATE}:
        day = truth.starts - random.randrange(4) * DAY
        truth.add(day, What.ENROLLED, day)
    _comes(truth, random)
    _HAPPENS.get(kind, _nothing)(truth, last, random)
    truth.facts.sort(key=lambda one: (one.known, one.first, one.what))
    return truth


def _course(kind: Kind, random: Random) -> int:
    if kind in {Kind.RESEARCH, Kind.RESEARCH_STOPS, Kind.CLOCKS_BACK}:
        return DOCTORATE
    if kind in {Kind.CLOCKS_FORTH, Kind.MIDNIGHT}:
        return NURSING
    if kind in {Kind.COMPLETED, Kind.MOVED}:
        return HISTORY
    return random.choice((HISTORY, DATA, NURSING, FOUNDATION))


def _comes(truth: Truth, random: Random) -> None:
    """What is seen of a student who studies as usual."""
    if truth.course == DOCTORATE:
        day = date(2025, 8, 4) + random.randrange(20) * DAY
        while day <= LAST:
            truth.add(day, What.SUPERVISED, day, minute=random.randrange(540, 1080))
            day += random.randrange(20, 36) * DAY
        return
    for term in truth.taught.terms:
        for day in term.days():
            if day.weekday() == truth.taught.weekday and random.random() < 0.85:
                truth.add(day, What.CAME, day)
        day = term.last - random.randrange(3) * DAY
        truth.add(day, random.choice((What.EXAM, What.WORK)), day, minute=random.randrange(5, 1435))


def _day(random: Random, first: date, last: date) -> date:
    return first + random.randrange(max(1, (last - first).days + 1)) * DAY


def _stop(truth: Truth, day: date, random: Random) -> None:
    """Hands something in on that day, and is not seen again."""
    truth.drop_from(day)
    truth.add(day, What.WORK, day, minute=random.randrange(5, 1435))


def _nothing(truth: Truth, last: date, random: Random) -> None:
    pass


def _stops(truth: Truth, last: date, random: Random) -> None:
    _stop(truth, _day(random, date(2025, 9, 29), last - 20 * DAY), random)
    truth.sponsored = truth.kind != Kind.NOT_SPONSORED


def _returns(truth: Truth, last: date, random: Random) -> None:
    day = _day(random, date(2025, 9, 29), max(date(2025, 10, 8), last - 120 * DAY))
    back = day + random.randrange(55, 66) * DAY
    truth.drop_from(day, back)
    truth.add(day, What.WORK, day, minute=random.randrange(5, 1435))
    truth.add(back, What.WORK, back, minute=random.randrange(5, 1435))


def _sunday(truth: Truth, last: date, random: Random) -> None:
    """Sixty days after a Wednesday is a Sunday, in a stretch without a vacation."""
    weeks = [date(2025, 9, 24) + 7 * n * DAY for n in range(3)]
    if last > date(2026, 6, 1) and truth.course == NURSING:
        weeks += [date(2026, 1, 7) + 7 * n * DAY for n in range(12)]
    _stop(truth, random.choice(weeks), random)


def _clocks_back(truth: Truth, _last: date, random: Random) -> None:
    _stop(truth, BACK - 60 * DAY, random)


def _clocks_forth(truth: Truth, _last: date, random: Random) -> None:
    _stop(truth, FORTH - 60 * DAY, random)


def _midnight(truth: Truth, last: date, random: Random) -> None:
    day = random.choice(
        [one for one in (date(2025, 9, 30), date(2025, 10, 25), date(2026, 3, 30), date(2026, 5, 4)) if one < last]
    )
    truth.drop_from(day)
    truth.add(day, What.WORK, day, minute=random.choice((2, 20, 45, 1410, 1437)))


def _leave(truth: Truth, last: date, random: Random) -> None:
    """Away with leave that compliance approves, or does not; nothing is seen of the student afterwards."""
    day = _day(random, date(2025, 9, 29), last - 75 * DAY)
    _stop(truth, day, random)
    first = day + random.randrange(3, 30) * DAY
    end = first + random.randrange(6, 40) * DAY
    known = max(day, first + random.randrange(-5, 4) * DAY)
    truth.add(known, What.LEAVE if truth.kind == Kind.LEAVE else What.DECLINED, first, end)


def _short(truth: Truth, last: date, random: Random) -> None:
    day = _day(random, date(2025, 9, 29), last - 70 * DAY)
    _stop(truth, day, random)
    classes = [one for term in truth.taught.terms for one in term.days() if one.weekday() == truth.taught.weekday and one > day]
    for one in classes[:2]:
        truth.add(one - DAY, What.SHORT, one - DAY, one + random.randrange(2) * DAY)


def _abroad(truth: Truth, last: date, random: Random) -> None:
    first = _day(random, date(2025, 10, 6), last - 40 * DAY)
    first -= first.weekday() * DAY
    end = first + random.choice((11, 12, 13, 18, 25)) * DAY  # Friday of the second week, and later
    truth.drop_from(first, end)
    truth.add(first + random.randrange(-6, 3) * DAY, What.LEAVE, first, end, place="Lagos")


def _abroad_short(truth: Truth, last: date, _random: Random) -> None:
    """Two weeks from Monday to Friday around St Andrew's Day: nine working days in Scotland, ten in England."""
    first = date(2025, 12, 1)
    truth.drop_from(first, first + 11 * DAY)
    truth.add(first - 7 * DAY, What.LEAVE, first, first + 11 * DAY, place="Lagos")


def _suspended(truth: Truth, last: date, random: Random) -> None:
    first = _day(random, date(2025, 10, 6), last - 45 * DAY)
    ahead = truth.kind == Kind.SUSPENDED_AHEAD
    known = first - random.randrange(3, 12) * DAY if ahead else first + random.randrange(12) * DAY
    end = first + random.randrange(20, 120) * DAY
    truth.drop_from(first)
    truth.add(known, What.SUSPENDED, first, end)


def _withdrawn(truth: Truth, last: date, random: Random) -> None:
    late = truth.kind == Kind.WITHDRAWN_LATE
    on = _day(random, date(2025, 10, 6), last - (80 if late else 30) * DAY)
    truth.drop_from(on)
    known = on + (random.randrange(62, 78) if late else random.randrange(15)) * DAY
    if truth.kind == Kind.GONE:
        truth.add(known, What.GONE, on)
        known += random.randrange(2, 15) * DAY
    truth.add(known, What.WITHDRAWN, on)
    if random.random() < 0.5:
        truth.add(known, What.UNTIL, known)


def _completed_early(truth: Truth, last: date, random: Random) -> None:
    on = _day(random, date(2025, 11, 3), last - 20 * DAY)
    truth.drop_from(on + DAY)
    truth.add(on + random.randrange(10) * DAY, What.COMPLETED, on)


def _completed(truth: Truth, last: date, random: Random) -> None:
    truth.ends = min(SPRING.last, last - 5 * DAY)
    truth.drop_from(truth.ends + DAY)
    truth.add(truth.ends + random.randrange(20) * DAY, What.COMPLETED, truth.ends)


def _moved(truth: Truth, last: date, random: Random) -> None:
    on = _day(random, date(2025, 10, 6), last - 30 * DAY)
    truth.drop_from(on)
    truth.add(on + random.randrange(-4, 8) * DAY, What.MOVED, on)
    for n in range(1, 40):
        day = on + 9 * n * DAY
        if day <= LAST:
            truth.add(day, What.WORK, day)


def _enrols_late(truth: Truth, last: date, random: Random) -> None:
    assert truth.enrol_by is not None
    day = truth.enrol_by + random.randrange(1, 9) * DAY
    truth.drop_from(FIRST, day)
    truth.add(day, What.ENROLLED, day)


def _never_enrols(truth: Truth, last: date, random: Random) -> None:
    assert truth.enrol_by is not None
    truth.facts = []
    truth.add(truth.enrol_by + 14 * DAY, What.UNTIL, truth.enrol_by + 14 * DAY)


def _never_comes(truth: Truth, last: date, random: Random) -> None:
    truth.drop_from(FIRST)


def _permission(truth: Truth, last: date, random: Random) -> None:
    truth.permission_end = _day(random, date(2025, 10, 20), last - 20 * DAY)
    if truth.kind == Kind.APPLIES:
        applied = truth.permission_end - random.randrange(40) * DAY
        truth.add(applied, What.APPLIED, applied)
    elif truth.kind == Kind.RENEWS:
        truth.add(truth.permission_end - random.randrange(1, 9) * DAY, What.PERMISSION, truth.permission_end + 700 * DAY)


def _late_mark(truth: Truth, last: date, random: Random) -> None:
    """Stops; a week or two later there is a class in which a lecturer remembers them after days."""
    day = _day(random, date(2025, 9, 29), date(2025, 10, 10))
    _stop(truth, day, random)
    first = next(one for one in TERMS[0].days() if one.weekday() == truth.taught.weekday and one > day + 3 * DAY)
    truth.add(first + 3 * DAY, What.LATE, first)
    if truth.kind != Kind.LATE_UNCONFIRMED:
        truth.add(first + random.randrange(4, 9) * DAY, What.CONFIRMED, first)
    if truth.kind == Kind.LATE_REVERSED:
        truth.add(first + 66 * DAY, What.UNCONFIRMED, first)


def _pages_only(truth: Truth, last: date, random: Random) -> None:
    day = _day(random, date(2025, 9, 29), last - 70 * DAY)
    _stop(truth, day, random)
    for n in range(1, 12):
        truth.add(day + 7 * n * DAY, What.PAGE, day + 7 * n * DAY)


def _research_stops(truth: Truth, last: date, random: Random) -> None:
    _stop(truth, _day(random, date(2025, 9, 16), last - 62 * DAY), random)


def _ends(truth: Truth, last: date, random: Random) -> None:
    day = _day(random, date(2025, 9, 29), last - 62 * DAY)
    _stop(truth, day, random)
    until = day + random.randrange(40, 60) * DAY
    truth.add(until - DAY, What.UNTIL, until)


_HAPPENS: Mapping[Kind, Callable[[Truth, date, Random], None]] = {
    Kind.NOT_SPONSORED: _stops,
    Kind.STOPS: _stops,
    Kind.RETURNS: _returns,
    Kind.SUNDAY: _sunday,
    Kind.CLOCKS_BACK: _clocks_back,
    Kind.CLOCKS_FORTH: _clocks_forth,
    Kind.MIDNIGHT: _midnight,
    Kind.LEAVE: _leave,
    Kind.DECLINED: _leave,
    Kind.SHORT: _short,
    Kind.ABROAD: _abroad,
    Kind.ABROAD_SHORT: _abroad_short,
    Kind.SUSPENDED: _suspended,
    Kind.SUSPENDED_AHEAD: _suspended,
    Kind.GONE: _withdrawn,
    Kind.WITHDRAWN: _withdrawn,
    Kind.WITHDRAWN_LATE: _withdrawn,
    Kind.COMPLETED_EARLY: _completed_early,
    Kind.COMPLETED: _completed,
    Kind.MOVED: _moved,
    Kind.ENROLS_LATE: _enrols_late,
    Kind.NEVER_ENROLS: _never_enrols,
    Kind.NEVER_COMES: _never_comes,
    Kind.PERMISSION: _permission,
    Kind.APPLIES: _permission,
    Kind.RENEWS: _permission,
    Kind.LATE_MARK: _late_mark,
    Kind.LATE_UNCONFIRMED: _late_mark,
    Kind.LATE_REVERSED: _late_mark,
    Kind.PAGES_ONLY: _pages_only,
    Kind.RESEARCH_STOPS: _research_stops,
    Kind.ENDS: _ends,
}
