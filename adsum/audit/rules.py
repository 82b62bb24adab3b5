"""Which looks at students' records are unusual enough to report to the data-protection officer (docs/rules.md D 8).

A finding is not an accusation: most have a good reason. It is something that a person may want to ask about.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any


class Page(StrEnum):
    """What kind of page a person looked at."""

    RECORD = "record"
    """The whole record of a student."""
    CASE = "case"
    """A student's case."""
    CONDUCT = "conduct"
    """A question about a student's check-in."""
    CASES = "cases"
    """A list of cases, of concerns, or of such questions."""
    STUDENT_IN_CLASS = "student_in_class"
    """One student in one class: the mark and its history."""
    REGISTER = "register"
    """The list of one class: noted once for the class, not for each student on it."""
    MODULE = "module"
    """The list of one module: noted once for the module."""
    ACCOUNT = "account"
    """A person's account and roles."""
    EVENTS = "events"
    """The events by and about a person in the event log."""
    STUDENTS = "students"
    """A list of students with how much each attended, when last, and their open queries."""
    ALERTS = "alerts"
    """Alerts about attendance: one, or the list of those that wait."""
    QUERIES = "queries"
    """The list of queries, in the students' words."""
    ADJUSTMENTS = "adjustments"
    """The list of standing adjustments."""
    PLACEMENTS = "placements"
    """The list of placements."""
    CONTRADICTIONS = "contradictions"
    """The list of what two records say and cannot both be so."""
    CHANGES = "changes"
    """The list of changes of marks that wait for a second person, and of corrections."""
    REPORTED = "reported"
    """The list of periods that were reported to an authority, where one is about a single student."""
    MAIL = "mail"
    """The list of letters, by whom they are for and what about."""
    DESK = "desk"
    """What a help desk sees of one student: the classes of these days, and what became of scans."""
    DUTY = "duty"
    """Something about a student that may have to be reported to an authority."""
    DUTIES = "duties"
    """The list of sponsored students and of such duties, or of who was on campus."""
    ABSENCE = "absence"
    """One absence of a student, with its reason."""
    ABSENCES = "absences"
    """A list of absences, with reasons."""
    FOUND = "found"
    """The names and numbers that a help desk found."""
    FUNDING = "funding"
    """One student's funding, and what is said of it outside."""
    FUNDED = "funded"
    """A list of funded students, with codes and how they attend."""
    PACK = "pack"
    """An evidence pack, or being one of those drawn for one."""
    RIGHTS_REQUEST = "rights_request"
    """A person's request or complaint about their own data, with the texts read for it."""
    RIGHTS = "rights"
    """The list of such requests, or of what was given to authorities outside."""
    SPONSOR = "sponsor"
    """What is known of one sponsored student: profile, clocks, contacts."""
    SPONSORED = "sponsored"
    """A list of sponsored students, with how they stand."""
    EVENT_LIST = "event_list"
    """The event log, when it named a person who was not searched for."""


LISTS = frozenset(
    {
        Page.STUDENTS,
        Page.ALERTS,
        Page.QUERIES,
        Page.ADJUSTMENTS,
        Page.PLACEMENTS,
        Page.CONTRADICTIONS,
        Page.CHANGES,
        Page.REPORTED,
        Page.MAIL,
        Page.FOUND,
        Page.EVENT_LIST,
        Page.CASES,
        Page.DUTIES,
        Page.ABSENCES,
        Page.FUNDED,
        Page.SPONSORED,
        Page.RIGHTS,
    }
)
"""Pages with a few facts about many people: noted for each person on the page, and less weighty than a whole record."""
CLASSES = frozenset({Page.REGISTER, Page.MODULE})
"""Pages that are noted for the class or module."""


class Unusual(StrEnum):
    """What may be worth asking about, the most serious first."""

    MANY_OUTSIDE = "many_outside"
    OUTSIDE = "outside"
    MANY_PEOPLE = "many_people"
    COLLEAGUE = "colleague"
    REPEATED = "repeated"
    AT_NIGHT = "at_night"
    MANY_LISTED = "many_listed"
    MANY_CLASSES = "many_classes"


MANY_OUTSIDE = 3
"""So many different people's records outside the usual relationship, by one person on one day."""
MANY_PEOPLE = 60
"""So many different people's records, whatever the relationship, by one person on one day."""
MANY_LISTED = 500
"""So many different people seen in lists, by one person on one day: twenty full pages."""
MANY_CLASSES = 60
"""So many different registers and modules, by one person on one day."""
REPEATED = 10
"""So many looks at one person's record, by one person in a week; looks within ten minutes are one."""
NIGHT = time(23), time(6)
"""From the first to the second, by the university's clocks."""


@dataclass(frozen=True, slots=True)
class View:
    """One look at one person's record. `at` is in the university's zone; `outside` the usual relationship or not."""

    at: datetime
    viewer: int
    person: int
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What is unusual: by whom, whose record (None: several), how many looks (or people), and when the last was."""

    kind: Unusual
    viewer: int
    person: int | None
    count: int
    last: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "viewer": self.viewer,
            "person": self.person,
            "count": self.count,
            "last": self.last.isoformat(),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Finding":
        last = datetime.fromisoformat(kept["last"])
        return cls(Unusual(kept["kind"]), kept["viewer"], kept["person"], kept["count"], last)


@dataclass(frozen=True, slots=True)
class Wide:
    """How many different people in lists, or registers and modules, one person saw on one day, and when the last was."""

    kind: Unusual
    viewer: int
    count: int
    last: datetime


def at_night(at: datetime) -> bool:
    """Whether this is a time when few people are at work."""
    return at.time() >= NIGHT[0] or at.time() < NIGHT[1]


def unusual(views: Iterable[View], colleagues: Collection[int], wide: Iterable[Wide] = ()) -> list[Finding]:
    """What is unusual in a week's looks, the most serious first. `colleagues` are the students who also work here; `wide` is
    what was seen in lists and registers: there a single look means little, but very many are worth reporting."""
    by_pair: defaultdict[tuple[int, int], list[View]] = defaultdict(list)
    by_day: defaultdict[tuple[int, date], list[View]] = defaultdict(list)
    for view in sorted(views, key=lambda view: view.at):
        by_pair[view.viewer, view.person].append(view)
        by_day[view.viewer, view.at.date()].append(view)
    limits = {Unusual.MANY_LISTED: MANY_LISTED, Unusual.MANY_CLASSES: MANY_CLASSES}
    found = [Finding(one.kind, one.viewer, None, one.count, one.last) for one in wide if one.count >= limits[one.kind]]
    for (viewer, _day), looks in by_day.items():
        outside = [view for view in looks if view.outside]
        if (people := len({view.person for view in outside})) >= MANY_OUTSIDE:
            found.append(Finding(Unusual.MANY_OUTSIDE, viewer, None, people, outside[-1].at))
        if (people := len({view.person for view in looks})) >= MANY_PEOPLE:
            found.append(Finding(Unusual.MANY_PEOPLE, viewer, None, people, looks[-1].at))
    for (viewer, person), looks in by_pair.items():
        outside = [view for view in looks if view.outside]
        night = [view for view in looks if at_night(view.at)]
        if outside:
            found.append(Finding(Unusual.OUTSIDE, viewer, person, len(outside), outside[-1].at))
        if person in colleagues:
            found.append(Finding(Unusual.COLLEAGUE, viewer, person, len(looks), looks[-1].at))
        if len(looks) >= REPEATED:
            found.append(Finding(Unusual.REPEATED, viewer, person, len(looks), looks[-1].at))
        if night:
            found.append(Finding(Unusual.AT_NIGHT, viewer, person, len(night), night[-1].at))
    order = list(Unusual)
    return sorted(found, key=lambda finding: (order.index(finding.kind), -finding.count, finding.viewer, finding.person or 0))
