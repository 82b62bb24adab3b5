"""funding.csv: funding profiles of the Student Loans Company, as the student record has them. Columns:
docs/guides/compliance.md.

A row whose student, course or module cannot be matched is kept aside for a person, and gets no code; a row that says something
impossible is refused, with its line.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.compliance.funding import LeftOver, Profile, keep_left_over, keep_profiles, money
from adsum.core.turns import let_others_write
from adsum.integrations.imports.people_rows import PeopleRows
from adsum.integrations.imports.plan import Plan, chunks, rows_with
from adsum.integrations.imports.problems import Problem, Unusable
from adsum.integrations.imports.reading import Record
from adsum.timetable.models import Course, Module

REQUIRED = frozenset({"student", "academic_year", "product", "ssn", "starts_on"})
AMOUNTS = ("fee", "fee_loan", "maintenance")
KNOWN = REQUIRED | {"course", "module", "slc_course_code", "course_year", "ends_on", "cooling_off_end", "at_distance", *AMOUNTS}
TEXTS = {"academic_year": 9, "product": 40, "ssn": 20, "slc_course_code": 40}
YES, NO = frozenset({"yes", "true", "1"}), frozenset({"", "no", "false", "0"})
ASIDE = frozenset({"unknown", "several", "zeros", "blank"})
"""Problems of a row about whom or what it means: it is kept aside, not refused."""
WHO = frozenset({"student", "course", "module"})


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file: how many profiles it named, how many are new or changed, how many rows are kept aside, and which
    lines could not be used, and why."""

    named: int
    new: int
    changed: int
    aside: int
    problems: tuple[tuple[int, str], ...]


class _Reader(PeopleRows):
    subject = "student"

    def __init__(self, content: bytes, file: str, plan: Plan, by: Person) -> None:
        super().__init__(content, file, plan, required=REQUIRED, known=KNOWN)
        self.by = by
        self.students = set(RoleGrant.objects.filter(role=Role.STUDENT).values_list("person", flat=True))
        self.courses = {one.code: one for one in rows_with(Course.objects.all(), "code", (r.get("course") for r in self.rows))}
        self.modules = {one.code: one for one in rows_with(Module.objects.all(), "code", (r.get("module") for r in self.rows))}
        self.wanted: dict[tuple[int, str, int | None, int | None], tuple[int, Profile]] = {}
        self.aside: list[LeftOver] = []

    def read(self, problems: list[Problem]) -> None:
        """Use every row that can be; keep aside those that cannot be matched."""
        found: list[Problem] = []
        super().read(found)
        rows = {row.line: row for row in self.rows}
        for problem in found:
            if problem.line and problem.code in ASIDE and problem.values.get("column") in WHO:
                row = rows[problem.line]
                values = {name: str(value) for name, value in problem.values.items()}
                self.aside.append(LeftOver(row.line, row.get("ssn")[:20], row.get("student")[:200], problem.code, values))
            else:
                problems.append(problem)

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable."""
        if person.pk not in self.students or person.pk == self.by.pk:
            raise Unusable(row.problem("unknown", column="student", value=row.get("student")))
        if bool(row.get("course")) == bool(row.get("module")):
            raise Unusable(row.problem("course_or_module"))
        course, module = self.named(row, "course", self.courses), self.named(row, "module", self.modules)
        profile = Profile(
            person.pk, course.pk if course else None, module.pk if module else None, row.get("academic_year"), _values(row)
        )
        if profile.key in self.wanted:
            lines = f"{self.wanted[profile.key][0]}, {row.line}"
            raise Unusable(row.problem("duplicate", id=row.get("student"), lines=lines))
        self.wanted[profile.key] = row.line, profile


def _values(row: Record) -> dict[str, Any]:
    """What a row says of the funding. Raises Unusable."""
    for column, limit in TEXTS.items():
        if column in REQUIRED and not row.get(column):
            raise Unusable(row.problem("blank", column=column))
        if len(row.get(column)) > limit:
            raise Unusable(row.problem("too_long", column=column, found=len(row.get(column)), limit=limit))
    starts_on, ends_on = row.day("starts_on"), row.day("ends_on")
    if starts_on is None:
        raise Unusable(row.problem("blank", column="starts_on"))
    if ends_on is not None and ends_on < starts_on:
        raise Unusable(row.problem("order", first="starts_on", last="ends_on"))
    at_distance = row.get("at_distance").casefold()
    if at_distance not in YES | NO:
        raise Unusable(row.problem("choice", column="at_distance", value=row.get("at_distance"), allowed="yes, no"))
    return {
        "product": row.get("product"),
        "ssn": row.get("ssn"),
        "slc_course_code": row.get("slc_course_code"),
        "course_year": _course_year(row),
        "starts_on": starts_on,
        "ends_on": ends_on,
        "cooling_off_end": row.day("cooling_off_end"),
        "at_distance": at_distance in YES,
        **{column: _amount(row, column) for column in AMOUNTS},
    }


def _course_year(row: Record) -> int | None:
    value = row.get("course_year")
    if value and not (value.isascii() and value.isdigit() and 1 <= int(value[:4]) <= 20):
        raise Unusable(row.problem("whole_number", column="course_year", value=value, most=20))
    return int(value) if value else None


def _amount(row: Record, column: str) -> Decimal | None:
    """An empty cell: the amount is not known."""
    try:
        return money(row.get(column)) if row.get(column) else None
    except ValueError:
        raise Unusable(row.problem("amount", column=column, value=row.get(column))) from None


def bring_funding(content: bytes, file: str, *, by: Person, at: datetime) -> Brought:
    """Read a funding.csv and keep what it says, in parts. Raises Refused when the file as a whole is unusable."""
    plan = Plan([])
    reader = _Reader(content, file, plan, by)
    reader.read(plan.problems)
    new = changed = 0
    for part in chunks(reader.wanted.values()):
        kept = keep_profiles([profile for _line, profile in part], by=by, at=at)
        new, changed = new + kept.new, changed + kept.changed
        let_others_write()
    keep_left_over(reader.aside, file=file[-200:], by=by, at=at)
    problems = tuple((one.line, one.message) for one in sorted(plan.problems, key=lambda one: one.line))
    return Brought(len(reader.wanted), new, changed, len(reader.aside), problems)
