"""Which duty opens on which day, said a second time in plain loops over what is known: days are counted one by one, and nothing
of Adsum's own rules is used. Pure.

The numbers are those of the editions that Adsum comes with: 60 calendar days, 10 working days for a report, 10 working days
elsewhere. Bank holidays of Scotland: gov.uk, as proclaimed for 2025/26 when the editions were read.
"""

from datetime import date
from typing import NamedTuple

from bench.duties.truths import CONTACTS, DAY, DOCTORATE, FIRST, Fact, Truth, What

CEILING, REPORT_IN, ELSEWHERE, APPROVED_FROM = 60, 10, 10, 5
HOLIDAYS = {
    date(2025, 12, 1),
    date(2025, 12, 25),
    date(2025, 12, 26),
    date(2026, 1, 1),
    date(2026, 1, 2),
    date(2026, 4, 3),
    date(2026, 5, 4),
    date(2026, 5, 25),
    date(2026, 8, 3),
}


class Due(NamedTuple):
    """A duty that has to be there."""

    student: int
    kind: str
    trigger: date
    opened: date
    due: date


def works(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def working_days(first: date, last: date) -> int:
    """How many working days there are from one day to another."""
    count, day = 0, first
    while day <= last:
        count += works(day)
        day += DAY
    return count


def due_after(trigger: date) -> date:
    left, day = REPORT_IN, trigger
    while left:
        day += DAY
        left -= works(day)
    return day


class Student:
    """One student, watched through the year."""

    def __init__(self, number: int, truth: Truth) -> None:
        self.number, self.truth = number, truth
        self.facts = sorted(truth.facts, key=lambda one: one.known)
        self.known: list[Fact] = []
        self.read = 0
        self.found: list[Due] = []
        self.names: set[tuple[str, date]] = set()
        self.silent_since: date | None = None
        """Since when the student had been silent when a duty of non-engagement opened that is still about this silence."""

    # What is known

    def learn(self, evening: date) -> None:
        while self.read < len(self.facts) and self.facts[self.read].known <= evening:
            self.known.append(self.facts[self.read])
            self.read += 1

    def latest(self, what: What) -> Fact | None:
        found = [one for one in self.known if one.what == what]
        return found[-1] if found else None

    def sponsored(self, day: date) -> bool:
        until = self.latest(What.UNTIL)
        return self.truth.sponsored and self.truth.since <= day and (until is None or day <= until.first)

    def contact_days(self) -> list[date]:
        days = [one.first for one in self.known if one.what in CONTACTS]
        enrolled = self.latest(What.ENROLLED)
        if enrolled is not None:
            days.append(enrolled.first)  # the visa was looked at on that day
        late = {one.first for one in self.known if one.what == What.LATE}
        for day in late:
            said = [one for one in self.known if one.first == day and one.what in {What.CONFIRMED, What.UNCONFIRMED}]
            if said and said[-1].what == What.CONFIRMED:
                days.append(day)
        return days

    def paused(self, day: date) -> bool:
        if self.truth.course != DOCTORATE and any(one.holds(day) for one in self.truth.taught.vacations):
            return True
        for one in self.known:
            last = one.last or one.first
            if one.what == What.SUSPENDED and one.first <= day <= last:
                return True
            if one.what == What.LEAVE and one.first <= day <= last:
                return True
            if one.what == What.SHORT and one.first <= day <= last and working_days(one.first, last) < APPROVED_FROM:
                return True
        return False

    def studies(self, day: date) -> bool:
        """Whether the course is running for this student."""
        for one in self.known:
            if one.what in {What.WITHDRAWN, What.COMPLETED} and one.first < day:
                return False
        return day <= self.truth.ends

    # Duties

    def open(self, kind: str, trigger: date, name: date, today: date) -> None:
        if (kind, name) not in self.names:
            self.names.add((kind, name))
            self.found.append(Due(self.number, kind, trigger, today, due_after(trigger)))

    def morning(self, today: date) -> None:
        """What opens in the night before this day."""
        self.rows(today)
        if not self.sponsored(today):
            return
        self.silence(today)
        truth = self.truth
        if truth.enrol_by is not None and today > truth.enrol_by and self.latest(What.ENROLLED) is None:
            self.open("no_enrolment", truth.enrol_by, truth.enrol_by, today)
        permission, applied = self.latest(What.PERMISSION), self.latest(What.APPLIED)
        ends = permission.first if permission else truth.permission_end
        if today > ends and applied is None:
            self.open("permission", ends + DAY, ends, today)
        for one in self.known:
            if one.what == What.LEAVE and one.place and one.first <= today:
                assert one.last is not None
                if working_days(one.first, one.last) >= ELSEWHERE:
                    self.open("change_of_location", one.first, one.first, today)
            if one.what == What.MOVED and one.first <= today:
                self.open("course_change", one.first, one.first, today)

    def rows(self, today: date) -> None:
        """What opens from what the registry enters, in the night or on the same day."""
        if not self.truth.sponsored:
            return
        for one in self.known:
            known_since = min(one.first, today)
            if one.what == What.SUSPENDED:
                self.open("suspension", known_since, one.first, today)
            if one.what == What.GONE and one.first < today:
                self.open("withdrawal", one.first, one.first, today)
            if one.what == What.WITHDRAWN:
                self.open("withdrawal", known_since, one.first, today)
            if one.what == What.COMPLETED and one.first < self.truth.ends:
                self.open("early_completion", known_since, one.first, today)

    def silence(self, today: date) -> None:
        if not self.studies(today):
            return
        enrolled = self.latest(What.ENROLLED)
        begins = max(self.truth.since, self.truth.starts, enrolled.first if enrolled else self.truth.starts)
        if begins > today:
            return
        since = begins - DAY
        for day in self.contact_days():
            if begins <= day < today:
                since = max(since, day)
        if self.silent_since is not None and since <= self.silent_since:
            return  # still the same silence, or a longer one
        days, day = 0, since + DAY
        while day <= today:
            if not self.paused(day):
                days += 1
                if days == CEILING:
                    self.silent_since = since
                    self.open("non_engagement", day, since, today)
                    return
            day += DAY


def expected(truths: list[Truth], last: date) -> list[Due]:
    """Every duty of the year up to a day."""
    found = list[Due]()
    for number, truth in enumerate(truths):
        student, today = Student(number, truth), FIRST
        student.learn(FIRST - DAY)
        while today <= last:
            student.morning(today)
            student.learn(today)
            student.rows(today)
            today += DAY
        found += student.found
    return sorted(found)
