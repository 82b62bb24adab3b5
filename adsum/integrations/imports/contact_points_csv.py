"""contact_points.csv: supervisions, submissions, examinations and other contacts of students that no other table knows of.

Columns: person, channel, on, and id, by which the same contact is known again (empty: person, channel and day are enough).
Classes, meetings and conversations are read where they happen, so a file never brings those.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time

from adsum.accounts.models import Person
from adsum.core.university import civil_date
from adsum.engagement.case_rules import READ, Channel
from adsum.engagement.contacts import Point, record_points
from adsum.integrations.imports.people_rows import PeopleRows, by_line
from adsum.integrations.imports.plan import Plan, chunks
from adsum.integrations.imports.problems import Unusable
from adsum.integrations.imports.reading import Record
from adsum.timetable.reports import university_zone

REQUIRED = frozenset({"person", "channel", "on"})
KNOWN = REQUIRED | {"id"}
SOURCE = "contact_points"
BROUGHT = [channel for channel in Channel if channel not in READ]


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a file: how many contacts it named, how many of them are new, and which lines could not be used."""

    named: int
    new: int
    problems: tuple[tuple[int, str], ...]


class _Reader(PeopleRows):
    def __init__(self, content: bytes, file: str, plan: Plan, at: datetime) -> None:
        super().__init__(content, file, plan, required=REQUIRED, known=KNOWN)
        self.at, self.points = at, dict[str, Point]()

    def use(self, row: Record, person: Person) -> None:
        """Raises Unusable."""
        channel, on = row.get("channel").casefold(), row.day("on")
        if channel not in BROUGHT:
            raise Unusable(row.problem("choice", column="channel", value=row.get("channel"), allowed=", ".join(BROUGHT)))
        if on is None:
            raise Unusable(row.problem("blank", column="on"))
        if on > civil_date(self.at):
            raise Unusable(row.problem("ahead", column="on", value=on))
        noon = datetime.combine(on, time(12), tzinfo=university_zone()).astimezone(UTC)
        key = row.get("id") or f"{person.pk}:{channel}:{on}"
        self.points[key[:200]] = Point(person.pk, Channel(channel), min(noon, self.at))


def bring_contact_points(content: bytes, file: str, *, by: Person, at: datetime) -> Brought:
    """Read a contact_points.csv and keep what is new in it, in parts. Raises Refused when the file as a whole is unusable."""
    plan = Plan([])
    reader = _Reader(content, file, plan, at)
    reader.read(plan.problems)
    new = 0
    for part in chunks(sorted(reader.points)):
        new += record_points({key: reader.points[key] for key in part}, source=SOURCE, by=by, at=at)
    return Brought(len(reader.points), new, by_line(plan))
