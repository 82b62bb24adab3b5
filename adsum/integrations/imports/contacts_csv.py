"""contacts.csv: telephone number, personal e-mail and address of people who are known. Columns: docs/imports.md.

No diff is kept, and what a row says is shown to nobody: these are restricted. An empty cell says nothing, and what a person
entered by hand stays.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from adsum.accounts.models import Person
from adsum.accounts.reaching import enter_many, tidy
from adsum.accounts.rules import ContactBy
from adsum.core.errors import AdsumError
from adsum.core.turns import let_others_write
from adsum.integrations.imports.people_rows import PeopleRows, by_line
from adsum.integrations.imports.plan import Plan, chunks
from adsum.integrations.imports.problems import Unusable
from adsum.integrations.imports.reading import Record

REQUIRED = frozenset({"person"})
KNOWN = REQUIRED | set(ContactBy)
SOURCE = "contacts"


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file: how many people it named, how many of them changed, and which lines could not be used, and why."""

    people: int
    changed: int
    problems: tuple[tuple[int, str], ...]


class _Reader(PeopleRows):
    def __init__(self, content: bytes, file: str, plan: Plan) -> None:
        super().__init__(content, file, plan, required=REQUIRED, known=KNOWN)
        self.wanted: dict[int, dict[ContactBy, str]] = {}

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable."""
        details = self.wanted.setdefault(person.pk, {})
        for way in ContactBy:
            try:
                value = tidy(way, row.get(way))
            except AdsumError:
                raise Unusable(row.problem("contact", column=way)) from None
            if value:
                details[way] = value


def bring_contacts(content: bytes, file: str, *, by: Person, at: datetime, source: str = SOURCE) -> Brought:
    """Read a contacts.csv and keep what it says, in parts. Raises Refused when the file as a whole is unusable."""
    plan = Plan([])
    reader = _Reader(content, file, plan)
    reader.read(plan.problems)
    changed = 0
    for part in chunks(sorted(reader.wanted)):
        with transaction.atomic():
            of_part = {person: reader.wanted[person] for person in part}
            found = enter_many(of_part, by=by, actor=by.actor, at=at, source=source)
        changed += sum(bool(ways) for ways in found.values())
        let_others_write()
    return Brought(len(reader.wanted), changed, by_line(plan))
