"""monitoring.csv: to which monitoring groups students belong. Columns: docs/guides/administrator.md.

Columns: student, characteristic, group. The file is the whole of it: what was brought before goes. No line of it is shown to
anybody, and its problems name lines, never what they say.
"""

from dataclasses import dataclass

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.engagement.equity import bring_groups
from adsum.integrations.imports.people_rows import PeopleRows, by_line
from adsum.integrations.imports.plan import Plan
from adsum.integrations.imports.problems import Refused, Unusable
from adsum.integrations.imports.reading import Record

KNOWN = frozenset({"student", "characteristic", "group"})
LONGEST = {"characteristic": 40, "group": 80}


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file: of how many students it says something, and which lines could not be used, and why."""

    students: int
    problems: tuple[tuple[int, str], ...]


class _Reader(PeopleRows):
    subject = "student"

    def __init__(self, content: bytes, file: str, plan: Plan) -> None:
        super().__init__(content, file, plan, required=KNOWN, known=KNOWN)
        self.groups: dict[int, dict[str, str]] = {}

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable."""
        for column, longest in LONGEST.items():
            if not row.get(column):
                raise Unusable(row.problem("blank", column=column))
            if (found := len(row.get(column))) > longest:
                raise Unusable(row.problem("too_long", column=column, found=found, limit=longest))
        mine = self.groups.setdefault(person.pk, {})
        if mine.setdefault(row.get("characteristic"), row.get("group")) != row.get("group"):
            raise Unusable(row.problem("two_groups"))


def bring_monitoring(content: bytes, file: str, *, act: Act) -> Brought:
    """Read a monitoring.csv and have it take the place of what was known. Raises Refused when the file as a whole is unusable,
    or not one line of it can be used: then what was known stays."""
    plan = Plan([])
    reader = _Reader(content, file, plan)
    reader.read(plan.problems)
    if not reader.groups:
        raise Refused("no_line", file=file)
    bring_groups(reader.groups, act=act)
    return Brought(len(reader.groups), by_line(plan))
