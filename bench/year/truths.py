"""Who the students of the made-up year are and what truly happens to them. Pure: the same seed gives the same year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from random import Random
from typing import NamedTuple


class Kind(StrEnum):
    """What is the matter with a student, if anything."""

    USUAL = "usual"
    STRUGGLING = "struggling"
    STOPPED = "stopped"
    ILL = "ill"
    UNTOLD = "untold"
    PART_TIME = "part_time"
    PLACEMENT = "placement"
    WEAK_PHONE = "weak_phone"
    FORGETFUL = "forgetful"


ODD = (Kind.ILL, Kind.PART_TIME, Kind.PLACEMENT, Kind.WEAK_PHONE, Kind.FORGETFUL)
"""Those who do nothing wrong, and may look as if they did."""


class Rate(NamedTuple):
    """How often something happens."""

    share: float
    what: str
    source: str


GUESS = "ours, and on the high side; nothing measured was found"
KINDS = {
    Kind.STRUGGLING: Rate(0.05, "comes to 55 classes of a hundred", GUESS),
    Kind.STOPPED: Rate(0.03, "stops from one day to the next, tells nobody and opens nothing", GUESS),
    Kind.ILL: Rate(0.06, "is ill once or twice, for two to ten days, and tells of it", GUESS),
    Kind.UNTOLD: Rate(0.02, "is ill as long, and tells nobody", GUESS),
    Kind.PART_TIME: Rate(0.06, "takes two modules of four", GUESS),
    Kind.PLACEMENT: Rate(0.03, "is on a placement for six weeks", GUESS),
    Kind.WEAK_PHONE: Rate(
        0.03, "has a phone that fails in 12 classes of a hundred", "students' unions: cards and phones that fail"
    ),
    Kind.FORGETFUL: Rate(
        0.03, "forgets to scan in 8 classes of a hundred", "a forgotten tap, in the rules of several universities"
    ),
}
"""The share of students of each kind; all others are usual."""
COMES = {0.97: 0.6, 0.93: 0.3, 0.85: 0.1}
"""Of a hundred classes so many are attended, by what share of the students."""
STRUGGLES, PHONE, FORGETS = 0.55, 0.12, 0.08
BAD_PHONE = Rate(0.008, "classes in which a usual phone is flat or without network", GUESS)
FORGOTTEN = Rate(0.008, "classes in which a usual student forgets to scan", GUESS)
WRONG_ROOM = Rate(0.003, "classes for which a student sits with a parallel group, and scans there", GUESS)
TROUBLE = Rate(0.01, "classes in which half of the phones cannot reach Adsum, and a paper list goes round", GUESS)
LATE_LIST = Rate(0.15, "of those lists, entered 16 to 20 days later instead of within six", "amendments long after the class")
NO_LIST = Rate(0.2, "of those lists, lost", "an adjudicator's case: records that nobody could find")
NO_REGISTER = Rate(0.015, "classes of which no register is taken", GUESS)
OUTAGES = Rate(0.1, "days on which a building has an outage of three hours; a quarter are declared three days late", GUESS)
TICKED = Rate(0.5, "failed phones that the lecturer sees, and ticks by hand at once", GUESS)
NOTICES = Rate(0.35, "mistakes that the student notices the same evening, and queries", GUESS)
QUERIES = Rate(0.9, "mistakes that are queried once a reminder shows them", GUESS)
CLAIMS = Rate(0.03, "true absences in a reminder that are queried all the same", GUESS)
UPHELD = Rate(0.9, "true queries that the lecturer remembers, and upholds", "a lecturer cannot always remember")
RATES = (
    BAD_PHONE,
    FORGOTTEN,
    WRONG_ROOM,
    TROUBLE,
    LATE_LIST,
    NO_LIST,
    NO_REGISTER,
    OUTAGES,
    TICKED,
    NOTICES,
    QUERIES,
    CLAIMS,
    UPHELD,
)


class Span(NamedTuple):
    """Days, both included."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(slots=True)
class Truth:
    """One student, as only the made-up year knows them."""

    kind: Kind
    comes: float
    reads: float
    """How likely they open a message on the day it comes."""
    phone: float = BAD_PHONE.share
    forgets: float = FORGOTTEN.share
    stops_on: date | None = None
    ill: tuple[Span, ...] = ()
    tells: bool = False
    placement: Span | None = None

    def away(self, day: date) -> bool:
        """Whether they are ill or on placement, so that they cannot come."""
        spans = [*self.ill, *([self.placement] if self.placement else ())]
        return any(span.holds(day) for span in spans)

    def chance(self, day: date) -> float:
        """How likely they come to a class on that day."""
        gone = self.stops_on is not None and day >= self.stops_on
        return 0.0 if gone or self.away(day) else self.comes


def people(number: int, weeks: Sequence[date], random: Random) -> list[Truth]:
    """So many students. `weeks` are the Mondays of the weeks of teaching."""
    kinds = [kind for kind, rate in KINDS.items() for _ in range(max(1, round(rate.share * number)))]
    kinds += [Kind.USUAL] * (number - len(kinds))
    random.shuffle(kinds)
    return [_person(kind, weeks, random) for kind in kinds[:number]]


def _person(kind: Kind, weeks: Sequence[date], random: Random) -> Truth:
    truth = Truth(kind, random.choices(list(COMES), list(COMES.values()))[0], reads=0.8)
    if kind == Kind.STRUGGLING:
        truth.comes = STRUGGLES
    elif kind == Kind.STOPPED:
        # early enough in a term that there are two weeks of it left to be noticed in
        truth.stops_on = _day(random.choice([one for one in weeks if one + timedelta(days=21) in weeks]), random)
        truth.reads = 0.0
    elif kind in {Kind.ILL, Kind.UNTOLD}:
        first = [_day(random.choice(weeks), random) for _ in range(random.choice((1, 2)))]
        truth.ill = tuple(Span(one, one + timedelta(days=random.choice((1, 2, 3, 4, 9)))) for one in sorted(set(first)))
        truth.tells = kind == Kind.ILL
    elif kind == Kind.PLACEMENT:
        monday = random.choice(weeks[:-5] or weeks)
        truth.placement = Span(monday, monday + timedelta(days=41))
    elif kind == Kind.WEAK_PHONE:
        truth.phone = PHONE
    elif kind == Kind.FORGETFUL:
        truth.forgets = FORGETS
    return truth


def _day(monday: date, random: Random) -> date:
    return monday + timedelta(days=random.randrange(5))
