"""sponsors.csv: students whom the university sponsors. Columns: docs/guides/compliance.md.

A CAS that is known is said anew where something changed, and its history stays. A CAS that the file does not name stays as it
is: a file that was cut short ends no sponsorship. An empty cell means that nothing is known, and nothing is ever inferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from django.db import transaction

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance.models import SponsorProfile
from adsum.compliance.sponsor_rules import Arrival, Level, Mode, Route, Sponsorship
from adsum.compliance.sponsorship import WRONG, keep_profile, steps_of, take_step
from adsum.core.errors import AdsumError
from adsum.core.turns import let_others_write
from adsum.core.university import civil_date
from adsum.integrations.imports.people_rows import PeopleRows
from adsum.integrations.imports.plan import Plan, chunks, rows_with
from adsum.integrations.imports.problems import Unusable
from adsum.integrations.imports.reading import Record
from adsum.timetable.models import Course

E = TypeVar("E", bound=StrEnum)

REQUIRED = frozenset({"student", "cas_number", "level", "since"})
STEPS: Mapping[str, Arrival] = {
    "arrived_on": Arrival.ARRIVED,
    "visa_checked_on": Arrival.VISA_CHECKED,
    "enrolled_on": Arrival.ENROLLED,
}
DAYS = ("until", "course_starts_on", "course_ends_on", "enrol_by", "permission_start", "permission_end", "applied_on")
KNOWN = REQUIRED | {"route", "mode", "course", *DAYS, *STEPS}
SOURCE = "sponsors"


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file: how many profiles it names, how many of them are new or changed, and which lines could not be
    used."""

    named: int
    changed: int
    problems: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    line: int
    student: Person
    what: Sponsorship
    course: Course | None
    steps: Mapping[Arrival, date]


class _Reader(PeopleRows):
    subject = "student"

    def __init__(self, content: bytes, file: str, plan: Plan, at: datetime) -> None:
        super().__init__(content, file, plan, required=REQUIRED, known=KNOWN)
        self.today = civil_date(at)
        self.students = set(RoleGrant.objects.filter(role=Role.STUDENT).values_list("person", flat=True))
        self.courses = {
            one.code: one for one in rows_with(Course.objects.all(), "code", {row.get("course") for row in self.rows})
        }
        numbers = {row.get("cas_number") for row in self.rows}
        held = SponsorProfile.objects.filter(superseded_at=None)
        self.profiles = {one.cas_number: one for one in rows_with(held, "cas_number", numbers)}
        self.taken = steps_of(numbers)
        self.wanted: dict[str, _Wanted] = {}

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable."""
        if person.pk not in self.students:
            raise Unusable(row.problem("unknown", column="student", value=row.get("student")))
        since = row.day("since")
        if since is None:
            raise Unusable(row.problem("blank", column="since"))
        what = Sponsorship(
            cas_number=row.get("cas_number")[:40],
            level=_one_of(row, "level", Level, None),
            since=since,
            route=_one_of(row, "route", Route, Route.STUDENT),
            mode=_one_of(row, "mode", Mode, Mode.FULL_TIME),
            **{column: row.day(column) for column in DAYS},
        )
        if wrong := what.wrong():
            raise Unusable(row.problem("sponsorship", why=WRONG[wrong]))
        held = self.profiles.get(what.cas_number)
        if held is not None and held.student_id != person.pk:
            raise Unusable(row.problem("cas_of_another"))
        if what.cas_number in self.wanted:
            raise Unusable(row.problem("cas_twice", line=self.wanted[what.cas_number].line))
        steps = {step: on for column, step in STEPS.items() if (on := row.day(column)) is not None}
        for column, step in STEPS.items():
            if step in steps and steps[step] > self.today:
                raise Unusable(row.problem("ahead", column=column, value=steps[step]))
        course = self.named(row, "course", self.courses)
        self.wanted[what.cas_number] = _Wanted(row.line, person, what, course, steps)

    def keep(self, one: _Wanted, act: Act) -> bool:
        """Say what a row says; whether it was news. Most rows of a file that comes again are not."""
        profile = self.profiles.get(one.what.cas_number)
        known = self.taken.get(one.what.cas_number, {})
        course = one.course.pk if one.course is not None else None
        new = profile is None or profile.facts != one.what or profile.course_id != course
        if profile is None or new:
            profile = keep_profile(one.student, one.what, course=one.course, act=act, source=SOURCE)
        for step, on in one.steps.items():
            if step not in known:
                take_step(profile, step, on, act=act, source=SOURCE)
        return new or not known.keys() >= one.steps.keys()


def _one_of(row: Record, column: str, choices: type[E], default: E | None) -> E:
    value = row.get(column).casefold()
    if not value and default is not None:
        return default
    if value not in set(choices):
        raise Unusable(row.problem("choice", column=column, value=row.get(column), allowed=", ".join(choices)))
    return choices(value)


def bring_sponsors(content: bytes, file: str, *, by: Person, at: datetime) -> Brought:
    """Read a sponsors.csv and say what is new in it, in parts. Raises Refused when the file as a whole is unusable."""
    plan, act, changed = Plan([]), Act(by, at), 0
    reader = _Reader(content, file, plan, at)
    reader.read(plan.problems)
    refused: list[tuple[int, str]] = []
    for part in chunks(sorted(reader.wanted)):
        with transaction.atomic():
            for key in part:
                one = reader.wanted[key]
                try:
                    changed += reader.keep(one, act)
                except AdsumError as why:  # its CAS was taken meanwhile
                    refused.append((one.line, why.message))
        let_others_write()
    problems = [(one.line, one.message) for one in plan.problems]
    return Brought(len(reader.wanted), changed, tuple(sorted(problems + refused)))
