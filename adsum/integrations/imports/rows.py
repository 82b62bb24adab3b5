"""What a file says, before it is compared with what is known: plain rows, each with the record it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from adsum.accounts.rules import Role
from adsum.integrations.imports.problems import Problem
from adsum.integrations.imports.reading import Record
from adsum.timetable.rules import Delivery, Kind


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    code: str
    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class TermRow:
    name: str
    academic_year: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class ModuleRow:
    code: str
    title: str
    department: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    module: str
    code: str
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class PersonRow:
    username: str
    email: str
    given_name: str
    family_name: str
    preferred_name: str
    pronouns: str
    number: str
    is_active: bool
    identifiers: frozenset[tuple[str, str]]
    """(kind, value) of each further number."""


@dataclass(frozen=True, slots=True)
class GrantRow:
    person: str
    role: Role
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class PlaceRow:
    group: str
    person: str
    starts_on: date | None
    ends_on: date | None
    """The last day, included."""


@dataclass(frozen=True, slots=True)
class StaffRow:
    group: str
    person: str


LIST_PREFIX = "list:"
"""The start of the source id of a group that a timetable made from a list of students."""

R = TypeVar("R")
V = TypeVar("V")
NEVER = datetime.min.replace(tzinfo=UTC)
S = TypeVar("S")


def newest(versions: Sequence[V], *, age: Callable[[V], Any], says: Callable[[V], object]) -> tuple[list[V], bool]:
    """The newest of several versions of one thing, and whether these all say the same."""
    latest = max(age(version) for version in versions)
    found = [version for version in versions if age(version) == latest]
    return found, all(says(version) == says(found[0]) for version in found)


@dataclass(slots=True)
class Entry(Generic[R]):
    """One id of one file: its row, or None when the file asks for its removal."""

    record: Record
    row: R | None
    changed: datetime | None


@dataclass(slots=True)
class Section(Generic[R]):
    """One file's rows by id. `bulk`: what is not in it is gone. `held`: ids whose rows cannot be used, and so are not gone."""

    file: str
    bulk: bool
    read: dict[str, list[Entry[R]]] = field(default_factory=dict)
    entries: dict[str, Entry[R]] = field(default_factory=dict)
    held: dict[str, Record] = field(default_factory=dict)

    def add(self, id_: str, entry: Entry[R]) -> None:
        """Take one row; `settle` decides between rows of the same id when all are read."""
        self.read.setdefault(id_, []).append(entry)

    def settle(self, problems: list[Problem]) -> None:
        """One entry per id, whatever the order of the rows: the newest version; the same row twice counts once; of two
        that contradict each other neither is used."""
        repeated = 0
        for id_, entries in self.read.items():
            if id_ in self.held:
                continue
            versions, agree = newest(entries, age=lambda entry: entry.changed or NEVER, says=lambda entry: entry.row)
            if agree:
                self.entries[id_] = min(versions, key=lambda entry: entry.record.line)
                repeated += len(versions) - 1
            else:
                lines = ", ".join(str(line) for line in sorted(entry.record.line for entry in versions))
                problems.extend(entry.record.problem("duplicate", id=id_, lines=lines) for entry in versions)
                self.held[id_] = versions[0].record
        self.read.clear()
        if repeated:
            problems.append(Problem("repeated", self.file, values={"count": repeated}))

    def hold(self, id_: str, record: Record) -> None:
        """Note that the row of this id cannot be used: what is known of it stays as it is."""
        self.entries.pop(id_, None)
        self.held[id_] = record

    def live(self) -> Iterator[tuple[str, R, Record]]:
        """The rows without removals, by id."""
        for id_, entry in sorted(self.entries.items()):
            if entry.row is not None:
                yield id_, entry.row, entry.record

    def pick(self, choose: Callable[[str, Entry[R]], S | None]) -> Section[S]:
        """The rows that `choose` makes of these, as a section of their own; removals and held ids go along."""
        picked: Section[S] = Section(self.file, self.bulk, held=dict(self.held))
        for id_, entry in self.entries.items():
            row = None if entry.row is None else choose(id_, entry)
            if entry.row is None or row is not None:
                picked.entries[id_] = Entry(entry.record, row, entry.changed)
        return picked

    def gone(self) -> set[str]:
        """The ids that the file asks to remove by name."""
        return {id_ for id_, entry in self.entries.items() if entry.row is None}


@dataclass(slots=True)
class Roster:
    """People, groups and places as one source has them. A section that is None was not in the file."""

    source: str
    departments: Section[DepartmentRow] | None = None
    terms: Section[TermRow] | None = None
    modules: Section[ModuleRow] | None = None
    groups: Section[GroupRow] | None = None
    people: Section[PersonRow] | None = None
    grants: Section[GrantRow] | None = None
    places: Section[PlaceRow] | None = None
    staff: Section[StaffRow] | None = None


GroupRef = tuple[str, str]
"""(module code, group code), or ('', any id of the group)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """One class as its source has it. Times are UTC; `zone` is where its civil date is read."""

    source: str
    event_id: str
    label: str | None
    """Which repetition it is, where the source says so: '' for an event that does not repeat. None: it does not say."""
    title: str
    module: str
    kind: Kind
    starts_at: datetime
    ends_at: datetime
    zone: str
    delivery: Delivery
    mandatory: bool
    cancelled: bool
    rooms: tuple[str, ...]
    staff: tuple[str, ...]
    groups: tuple[GroupRef, ...]
    changed_at: datetime | None
    sequence: int
    partner: str | None = None
    """The code of the partner that teaches it, '' for none; None: the source does not say."""
    record: Record = field(compare=False, repr=False)

    @property
    def day(self) -> date:
        """The civil date of the class."""
        return self.starts_at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def age(self) -> tuple[int, datetime]:
        """Which of two versions of a class is newer."""
        return self.sequence, self.changed_at or NEVER

    def said(self) -> dict[str, object]:
        """What the source says, in its own words, kept for comparison next time."""
        partner = {} if self.partner is None else {"partner": self.partner}
        return partner | {
            "when": [self.starts_at.isoformat(), self.ends_at.isoformat(), self.zone],
            "title": self.title,
            "module": self.module,
            "kind": str(self.kind),
            "delivery": str(self.delivery),
            "mandatory": self.mandatory,
            "cancelled": self.cancelled,
            "rooms": list(self.rooms),
            "staff": list(self.staff),
            "groups": [list(ref) for ref in self.groups],
        }


@dataclass(slots=True)
class Timetable:
    """The classes of one file. `partial`: what is not in it stays as it is."""

    file: str
    rows: list[ClassRow] = field(default_factory=list)
    held: set[tuple[str, str]] = field(default_factory=set)
    """(source, event id) of rows that could not be used: their classes are not missing."""
    dropped: set[tuple[str, str, str]] = field(default_factory=set)
    """(source, event id, label) of repetitions the source excludes by name."""
    sources: set[str] = field(default_factory=set)
    partial: bool = False
    modules: dict[str, str] = field(default_factory=dict)
    """Titles by code, of modules to make where they are unknown."""
    groups: dict[GroupRef, str] = field(default_factory=dict)
    """Names of groups to make where they are unknown."""
    students: dict[GroupRef, tuple[str, ...]] = field(default_factory=dict)
    """Ids of the students of groups that this file itself makes."""

    def settle(self, problems: list[Problem]) -> None:
        """One row per class, whatever their order: the newest version; the same row twice counts once; of two rows for
        one class that contradict each other neither is used."""
        by_class: dict[tuple[str, str, str], list[ClassRow]] = {}
        for row in self.rows:
            key = row.day.isoformat() if row.label is None else row.label
            by_class.setdefault((row.source, row.event_id, key), []).append(row)
        self.rows, repeated = [], 0
        for (source, event_id, _), rows in sorted(by_class.items()):
            versions, agree = newest(rows, age=lambda row: row.age, says=lambda row: row)
            if agree:
                self.rows.append(min(versions, key=lambda row: row.record.line))
                repeated += len(versions) - 1
            else:
                lines = ", ".join(str(line) for line in sorted(row.record.line for row in versions))
                problems.extend(row.record.problem("duplicate", id=event_id, lines=lines) for row in versions)
                self.held.add((source, event_id))
        if repeated:
            problems.append(Problem("repeated", self.file, values={"count": repeated}))
