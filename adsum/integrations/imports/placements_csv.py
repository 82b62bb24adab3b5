"""placements.csv: placements of students who are known. Columns: docs/guides/attendance-team.md.

Each row has an id of its own, by which the same row of a later file is known again: it says the placement anew. What a file
does not name any more stays until its last day, or until a person ends it.
"""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from adsum.absence.placements import Stay, place
from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.core.turns import let_others_write
from adsum.integrations.imports.people_rows import PeopleRows, by_line
from adsum.integrations.imports.plan import Plan, chunks
from adsum.integrations.imports.problems import Unusable
from adsum.integrations.imports.reading import Record

KNOWN = frozenset({"id", "student", "starts_on", "ends_on", "where"})
SOURCE = "placements"
LONGEST_ID, LONGEST_WHERE = 200, 120


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file: how many placements it names, and which lines could not be used, and why."""

    placements: int
    problems: tuple[tuple[int, str], ...]


class _Reader(PeopleRows):
    subject = "student"

    def __init__(self, content: bytes, file: str, plan: Plan, by: Person) -> None:
        super().__init__(content, file, plan, required=KNOWN, known=KNOWN)
        self.by = by
        self.students = set(RoleGrant.objects.filter(role=Role.STUDENT).values_list("person", flat=True))
        self.wanted: dict[str, tuple[Person, Stay]] = {}

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable."""
        key, where = row.get("id"), row.get("where")
        first, last = _day(row, "starts_on"), _day(row, "ends_on")
        for column, value in (("id", key), ("where", where)):
            if not value:
                raise Unusable(row.problem("blank", column=column))
        if len(key) > LONGEST_ID or key in self.wanted:
            raise Unusable(row.problem("row_id", id=key[:40]))
        if person.pk not in self.students or person.pk == self.by.pk:
            raise Unusable(row.problem("unknown", column="student", value=row.get("student")))
        if len(where) > LONGEST_WHERE:
            raise Unusable(row.problem("too_long", column="where", found=len(where), limit=LONGEST_WHERE))
        stay = Stay(first, last, where)
        if wrong := stay.wrong():
            raise Unusable(row.problem("placement", why=wrong.message))
        self.wanted[key] = person, stay


def _day(row: Record, column: str) -> date:
    if (day := row.day(column)) is None:
        raise Unusable(row.problem("blank", column=column))
    return day


def bring_placements(content: bytes, file: str, *, act: Act) -> Brought:
    """Read a placements.csv and note, or say anew, what it names, in parts. Raises Refused when the file as a whole is
    unusable."""
    plan = Plan([])
    reader = _Reader(content, file, plan, act.by)
    reader.read(plan.problems)
    for part in chunks(sorted(reader.wanted)):
        with transaction.atomic():
            for key in part:
                person, stay = reader.wanted[key]
                place(person, stay, act=act, key=(SOURCE, key))
        let_others_write()
    return Brought(len(reader.wanted), by_line(plan))
