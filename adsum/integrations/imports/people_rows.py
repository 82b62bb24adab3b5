"""How files about known people (roles, enrolments) are read: row by row. People whom a bad row means keep what they have."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from adsum.accounts.models import Department, Person
from adsum.integrations.imports.plan import Plan, rows_with
from adsum.integrations.imports.problems import Problem, Unusable
from adsum.integrations.imports.reading import Record, records
from adsum.integrations.imports.resolving import People

M = TypeVar("M")


class PeopleRows:
    """The rows of one such file; what each says is kept by `use`, which raises Unusable with what is wrong with it."""

    subject = "person"
    """The column that says of whom a row speaks."""
    others: Iterable[str] = ()
    """Further columns that name people."""

    def __init__(self, content: bytes, file: str, plan: Plan, *, required: frozenset[str], known: frozenset[str]) -> None:
        """Raises Refused."""
        self.rows = list(records(content, file, plan.problems, required=required, known=known))
        columns = (self.subject, *self.others)
        self.people = People({cell for row in self.rows for column in columns if (cell := row.get(column))})
        codes = {row.get("department") for row in self.rows}
        self.departments = {one.code: one for one in rows_with(Department.objects.all(), "code", codes)}
        self.held: set[int] = set()
        """People of whom a row cannot be used: nothing of theirs counts as gone."""
        if not self.rows:
            plan.problems.append(Problem("no_rows", file))

    def read(self, problems: list[Problem]) -> None:
        """Use every row that can be."""
        for row in self.rows:
            try:
                row.check()
                self._take(row)
            except Unusable as reason:
                problems.append(reason.problem)

    def _take(self, row: Record) -> None:
        try:
            person = self.person(row, self.subject)
        except Unusable:
            self.held |= self.people.meant(row.get(self.subject))
            raise
        try:
            self.use(row, person)
        except Unusable:
            self.held.add(person.pk)
            raise

    def use(self, row: Record, person: Person) -> None:
        """Keep what a row says of a person. Raises Unusable."""
        raise NotImplementedError

    def person(self, row: Record, column: str) -> Person:
        """The person a cell names. Raises Unusable."""
        if value := row.get(column):
            return self.people.one(row, column, value)
        raise Unusable(row.problem("blank", column=column))

    def named(self, row: Record, column: str, known: Mapping[str, M]) -> M | None:
        """What a cell names, None where it is empty. Raises Unusable."""
        value = row.get(column)
        if value and value not in known:
            raise Unusable(row.problem("unknown", column=column, value=value))
        return known.get(value)


def by_line(plan: Plan) -> tuple[tuple[int, str], ...]:
    """What could not be used, and why, in the order of the lines."""
    return tuple((one.line, one.message) for one in sorted(plan.problems, key=lambda one: one.line))
