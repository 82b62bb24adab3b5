"""What an import is about to change, as planning hands it to `services`; whole, and in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any

from adsum.accounts.bulk import PeopleWrites
from adsum.accounts.models import Person
from adsum.audit.bulk import Rows, fields_changed
from adsum.timetable.models import (
    ClassReport,
    ClassSession,
    Course,
    Enrolment,
    Group,
    GroupStaff,
    Module,
    ModuleLeader,
    Place,
    Room,
    Term,
)
from adsum.timetable.rules import Change, ClassFacts


@dataclass(slots=True)
class ClassStep:
    """One step of one class: the session as it will be, what it was and becomes; None leaves rooms (…) as they are."""

    session: ClassSession
    change: Change
    before: ClassFacts | None
    after: ClassFacts
    rooms: Sequence[Room] | None = None
    groups: Sequence[Group] | None = None
    staff: Sequence[Person] | None = None
    reason: str = ""


@dataclass(slots=True)
class SourceWord:
    """What a source says now about a class with a report that waits. If the report agrees, it is settled; otherwise undoing it
    restores what the source says. None: the source says nothing new about that fact."""

    report: ClassReport
    agrees: bool
    status: str | None = None
    when: tuple[str, str, str] | None = None
    rooms: Sequence[Room] | None = None
    staff: Sequence[Person] | None = None
    groups: Sequence[Group] | None = None
    delivery: str | None = None


@dataclass(slots=True)
class Writes(PeopleWrites):
    """Everything one import changes."""

    terms: Rows[Term] = field(default_factory=Rows)
    courses: Rows[Course] = field(default_factory=Rows)
    modules: Rows[Module] = field(default_factory=Rows)
    groups: Rows[Group] = field(default_factory=Rows)
    leaders: Rows[ModuleLeader] = field(default_factory=Rows)
    enrolments: Rows[Enrolment] = field(default_factory=Rows)
    places: Rows[Place] = field(default_factory=Rows)
    staff: Rows[GroupStaff] = field(default_factory=Rows)
    rooms: Rows[Room] = field(default_factory=Rows)
    classes: list[ClassStep] = field(default_factory=list)
    touched: list[ClassSession] = field(default_factory=list)
    """Classes for which only the source's latest words are stored: no new version."""
    renamed: list[ClassSession] = field(default_factory=list)
    """Classes with a new id at their source, or that another source has taken over."""
    words: list[SourceWord] = field(default_factory=list)
    fields: dict[int, list[str]] = field(default_factory=dict)
    """By key, the fields of classes that change."""

    def note(self) -> None:
        """Note which fields change, as the tables are now: when it is written, only these are."""
        for each in dataclass_fields(self):
            if isinstance(rows := getattr(self, each.name), Rows):
                rows.note()
        self.fields = fields_changed([step.session for step in self.classes if step.before])

    def spoken_of(self) -> set[int]:
        """Keys of the known classes of which it writes anything."""
        steps = (step.session for step in self.classes if step.before)
        return {session.pk for session in (*steps, *self.touched, *self.renamed)}

    def students(self) -> set[int]:
        """Keys of the people whose places or enrolments it writes."""
        rows = (self.places, self.enrolments)
        return {row.person_id or row.person.pk for some in rows for row in (*some.new, *some.changed, *some.gone)}

    def parts(self, most: int) -> Iterator[Writes]:
        """The same in parts of about that many rows, at least one, each after those that it refers to."""
        part, room = Writes(fields=self.fields), most
        for name, kind, row, weight in self._pieces():
            if room < weight and room < most:
                yield part
                part, room = Writes(fields=self.fields), most
            room -= weight
            target: Any = getattr(part, name)
            (getattr(target, kind) if kind else target).append(row)
            if kind == "changed":
                target.fields[row.pk] = getattr(self, name).fields[row.pk]
        yield part

    def _pieces(self) -> Iterator[tuple[str, str, Any, int]]:
        for name in IN_ORDER:
            rows: Rows[Any] = getattr(self, name)
            for kind in ("gone", "changed", "new"):
                yield from ((name, kind, row, 1) for row in getattr(rows, kind))
        yield from (("renamed", "", session, 1) for session in self.renamed)
        for name, weight in (("classes", CLASS), ("touched", 1), ("words", CLASS)):
            yield from ((name, "", row, weight) for row in getattr(self, name))

    @property
    def names_more(self) -> bool:
        """Whether it adds or renames things that a timetable may name."""
        named: tuple[Rows[Any], ...] = (self.modules, self.groups, self.people, self.identifiers)
        return any(rows.new or rows.changed for rows in named)


IN_ORDER = (
    "departments",
    "terms",
    "courses",
    "modules",
    "groups",
    "people",
    "identifiers",
    "grants",
    "leaders",
    "enrolments",
    "places",
    "staff",
    "rooms",
)
"""The tables of `Writes`, each before those that refer to it."""
CLASS = 5
"""How many rows a class counts for: itself, its rooms, groups and staff, its history."""
