"""adjustments.csv: standing adjustments of students who are known. Columns: docs/guides/attendance-team.md.

Each row has an id of its own, by which the same row of a later file is known again: it says the adjustment anew. What a file
does not name any more stays until its last day, or until a person ends it: a file that was cut short takes no support away.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.adjustments import Arrangement, adjust
from adsum.attendance.ahead import MOST_EXTRA
from adsum.checkin.services import rosters_changed
from adsum.core.turns import let_others_write
from adsum.integrations.imports.people_rows import PeopleRows, by_line
from adsum.integrations.imports.plan import Plan, chunks
from adsum.integrations.imports.problems import Unusable
from adsum.integrations.imports.reading import Record
from adsum.timetable.rules import Kind

REQUIRED = frozenset({"id", "student", "starts_on"})
KNOWN = REQUIRED | {"ends_on", "review_on", "extra_minutes", "by_hand", "exempt_from", "other_contact", "instruction"}
SOURCE = "adjustments"
YES, NO = frozenset({"yes", "true", "1"}), frozenset({"", "no", "false", "0"})
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file: how many adjustments it names, and which lines could not be used, and why."""

    adjustments: int
    problems: tuple[tuple[int, str], ...]


class _Reader(PeopleRows):
    subject = "student"

    def __init__(self, content: bytes, file: str, plan: Plan, by: Person) -> None:
        super().__init__(content, file, plan, required=REQUIRED, known=KNOWN)
        self.by = by
        self.students = set(RoleGrant.objects.filter(role=Role.STUDENT).values_list("person", flat=True))
        self.wanted: dict[str, tuple[Person, Arrangement]] = {}

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable."""
        key = row.get("id")
        if not key:
            raise Unusable(row.problem("blank", column="id"))
        if len(key) > LONGEST or key in self.wanted:
            raise Unusable(row.problem("row_id", id=key[:40]))
        if person.pk not in self.students or person.pk == self.by.pk:
            raise Unusable(row.problem("unknown", column="student", value=row.get("student")))
        first = row.day("starts_on")
        if first is None:
            raise Unusable(row.problem("blank", column="starts_on"))
        if len(row.get("instruction")) > LONGEST:
            raise Unusable(row.problem("too_long", column="instruction", found=len(row.get("instruction")), limit=LONGEST))
        what = Arrangement(
            starts_on=first,
            ends_on=row.day("ends_on"),
            review_on=row.day("review_on"),
            extra_minutes=_minutes(row),
            by_hand=_yes(row, "by_hand"),
            exempt_from=_kind(row),
            other_contact=_yes(row, "other_contact"),
            instruction=row.get("instruction"),
        )
        if wrong := what.wrong():
            raise Unusable(row.problem("adjustment", why=wrong.message))
        self.wanted[key] = person, what


def _minutes(row: Record) -> int:
    value = row.get("extra_minutes") or "0"
    if not (value.isascii() and value.isdigit() and len(value) < 4) or int(value) > MOST_EXTRA:
        raise Unusable(row.problem("choice", column="extra_minutes", value=value, allowed=f"0–{MOST_EXTRA}"))
    return int(value)


def _yes(row: Record, column: str) -> bool:
    value = row.get(column).casefold()
    if value not in YES | NO:
        raise Unusable(row.problem("choice", column=column, value=row.get(column), allowed="yes, no"))
    return value in YES


def _kind(row: Record) -> str:
    value = row.get("exempt_from").casefold()
    if value and value not in set(Kind):
        raise Unusable(row.problem("choice", column="exempt_from", value=value, allowed=", ".join(Kind)))
    return value


def bring_adjustments(content: bytes, file: str, *, by: Person, at: datetime) -> Brought:
    """Read an adjustments.csv and make, or say anew, what it names, in parts. Raises Refused when the file as a whole is
    unusable."""
    plan = Plan([])
    reader = _Reader(content, file, plan, by)
    reader.read(plan.problems)
    for part in chunks(sorted(reader.wanted)):
        with transaction.atomic():
            for key in part:
                person, what = reader.wanted[key]
                adjust(person, what, actor=by.actor, at=at, key=(SOURCE, key))
            rosters_changed()
        let_others_write()
    return Brought(len(reader.wanted), by_line(plan))
