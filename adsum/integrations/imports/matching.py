"""Finds the known class that a row of a timetable means, so that a class that moves keeps its marks, and marks never pass to
another class. A class that has begun keeps its module and its day; another module means another class (docs/rules.md F 4)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from adsum.integrations.imports.plan import rows_with
from adsum.integrations.imports.rows import ClassRow
from adsum.timetable.models import ClassSession, Module

Pair = tuple[ClassRow, ClassSession | None]
Found = tuple[ClassRow, ClassSession]


@dataclass(slots=True)
class Matched:
    """What was found: every row with its class (None: a new one), and notes on how it was found."""

    pairs: list[Pair] = field(default_factory=list)
    missing: list[ClassSession] = field(default_factory=list)
    """Classes of the source that no row means."""
    renamed: list[Found] = field(default_factory=list)
    """Pairs in which the row has a new id of the same source for the class: module, time and room agree."""
    taken: list[Found] = field(default_factory=list)
    """Pairs whose class another source brought, or a person: module, time and room agree."""
    begun: list[ClassRow] = field(default_factory=list)
    """Rows of new classes whose id belongs to a class that has begun, of another module or day."""
    reused: list[Found] = field(default_factory=list)
    """Classes still to come whose id belongs to another module now, each with such a row: the classes are missing."""


class Modules:
    """The modules that the rows name, where a name means exactly one module."""

    def __init__(self, rows: Iterable[ClassRow], new: Iterable[str]) -> None:
        """`new`: codes that the timetable itself would make."""
        codes = {row.module for row in rows}
        self.known: dict[str, int | None] = {}
        for module in rows_with(Module.objects.all(), "source_id", codes):
            self.known[module.source_id] = None if module.source_id in self.known else module.pk
        self.known |= {module.code: module.pk for module in rows_with(Module.objects.all(), "code", codes)}
        self.new = set(new)

    def of(self, row: ClassRow) -> int | None:
        """The key of a row's module; None where there is none yet, or it is not clear."""
        return self.known.get(row.module)

    def differ(self, row: ClassRow, session: ClassSession) -> bool:
        """Whether they are certainly of different modules. A module that is not known is a problem of its row alone."""
        known = self.of(row)
        return known != session.module_id if known else row.module in self.new


def begun(session: ClassSession, at: datetime) -> bool:
    """Whether a class has begun: from then on its module and its day no longer change."""
    return session.starts_at <= at


def may_be(row: ClassRow, session: ClassSession, modules: Modules, at: datetime) -> bool:
    """Whether a row may mean that class."""
    if modules.differ(row, session):
        return False
    days = {session.starts_on, session.starts_at.astimezone(ZoneInfo(session.zone)).date()}
    return not begun(session, at) or row.day in days or session.said == row.said()


def match(
    rows: Iterable[ClassRow], sessions: Iterable[ClassSession], others: QuerySet[ClassSession], modules: Modules, at: datetime
) -> Matched:
    """Match every row with its class, and find the classes of the source that no row means.

    First by id: the source's own name of the occurrence, else its time, else its day. Then, regardless of id and source, by
    module, time and room. Then, under one id, in order of time if as many are left on both sides. `sessions`: those of the
    source; `others`: all the rest, of which only possible matches are loaded.
    """
    matcher = _Matcher(rows, sessions, modules, at)
    matcher.by_id()
    matcher.by_likeness(others)
    matcher.in_order()
    return matcher.found


@dataclass(slots=True)
class _Event:
    """What is left of one event: rows and known occurrences, in the order of their times."""

    rows: list[ClassRow] = field(default_factory=list)
    sessions: list[ClassSession] = field(default_factory=list)


class _Matcher:
    def __init__(self, rows: Iterable[ClassRow], sessions: Iterable[ClassSession], modules: Modules, at: datetime) -> None:
        self.modules, self.at = modules, at
        self.found = Matched()
        self.events: defaultdict[tuple[str, str], _Event] = defaultdict(_Event)
        for row in sorted(rows, key=lambda row: row.starts_at):
            self.events[row.source, row.event_id].rows.append(row)
        for session in sorted(sessions, key=lambda session: (session.starts_at, session.pk)):
            self.events[session.source, session.source_id].sessions.append(session)

    def by_id(self) -> None:
        for event in self.events.values():
            if event.rows and event.sessions:
                self._by(event, lambda row: row.label or None, lambda session: session.occurrence)
                self._by(event, lambda row: row.starts_at, lambda session: session.starts_at)
                self._by(event, lambda row: row.day, lambda session: session.starts_on)

    def _by(self, event: _Event, of_row: Callable[[ClassRow], object], of_session: Callable[[ClassSession], object]) -> None:
        left: defaultdict[object, list[ClassSession]] = defaultdict(list)
        for session in event.sessions:
            left[of_session(session)].append(session)
        found: list[Found] = []
        for row in event.rows:
            key = of_row(row)
            there = left.get(key, []) if key is not None else []
            known = next((each for each in there if may_be(row, each, self.modules, self.at)), None)
            if known is not None:
                there.remove(known)
                found.append((row, known))
        self.found.pairs += found
        event.rows, event.sessions = _left(event.rows, event.sessions, found)

    def by_likeness(self, others: QuerySet[ClassSession]) -> None:
        """Match missing and new classes with the same module, time and room, regardless of their ids."""
        if rows := self._rows():
            own = [session for event in self.events.values() for session in event.sessions]
            self.found.renamed = alike(rows, own, self.modules)
            self._take(self.found.renamed)
        if rows := self._rows():
            self.found.taken = alike(rows, rows_with(others, "starts_at", (row.starts_at for row in rows)), self.modules)
            self._take(self.found.taken)

    def _rows(self) -> list[ClassRow]:
        return [row for event in self.events.values() for row in event.rows]

    def _take(self, found: Sequence[Found]) -> None:
        self.found.pairs += found
        for row, session in found:
            self.events[row.source, row.event_id].rows.remove(row)
            if (name := (session.source, session.source_id)) in self.events:
                self.events[name].sessions.remove(session)

    def in_order(self) -> None:
        """Match moved classes in order of time, but no class that has begun, and none of another module."""
        for event in self.events.values():
            coming = [session for session in event.sessions if not begun(session, self.at)]
            if len(event.rows) == len(coming) and not any(map(self.modules.differ, event.rows, coming)):
                self.found.pairs += zip(event.rows, coming, strict=True)
                event.rows, event.sessions = [], [session for session in event.sessions if session not in coming]
            elif event.rows and event.sessions:
                self._say(event, coming)
            self.found.pairs += [(row, None) for row in event.rows]
            self.found.missing += event.sessions

    def _say(self, event: _Event, coming: Sequence[ClassSession]) -> None:
        """Note new classes under a known id, with the class whose id it was."""
        for session in coming:
            if all(self.modules.differ(row, session) for row in event.rows):
                self.found.reused.append((event.rows[0], session))
        for row in event.rows:
            if any(self._had_its_id(row, session, event) for session in event.sessions if session not in coming):
                self.found.begun.append(row)

    def _had_its_id(self, row: ClassRow, session: ClassSession, event: _Event) -> bool:
        """Whether a row would have matched this class if the class had not begun, and is not just one more occurrence."""
        alone = len(event.rows) == len(event.sessions) == 1
        return alone or session.occurrence == row.label or self.modules.differ(row, session)


Likeness = tuple[int | None, str, str, tuple[str, ...]]


def alike(rows: Sequence[ClassRow], sessions: Sequence[ClassSession], modules: Modules) -> list[Found]:
    """Rows and classes of one module, time and room, where it is clear which belongs to which: by what the source last said
    about a class, or by what the class is here."""
    found = _one_to_one([(_of_row(row, modules), row) for row in rows], [(_as_said(each), each) for each in sessions])
    rows, sessions = _left(rows, sessions, found)
    rooms = _rooms(sessions)
    as_it_is = [(_as_it_is(each, rooms[each.pk]), each) for each in sessions]
    return found + _one_to_one([(_of_row(row, modules), row) for row in rows], as_it_is)


def _of_row(row: ClassRow, modules: Modules) -> Likeness:
    return modules.of(row), row.starts_at.isoformat(), row.ends_at.isoformat(), tuple(sorted(row.rooms))


def _as_said(session: ClassSession) -> Likeness | None:
    if not session.said:
        return None
    starts_at, ends_at, _ = session.said["when"]
    return session.module_id, starts_at, ends_at, tuple(sorted(session.said["rooms"]))


def _as_it_is(session: ClassSession, rooms: Iterable[str]) -> Likeness:
    starts_at, ends_at = (each.astimezone(UTC).isoformat() for each in (session.starts_at, session.ends_at))
    return session.module_id, starts_at, ends_at, tuple(sorted(rooms))


def _rooms(sessions: Iterable[ClassSession]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {session.pk: [] for session in sessions}
    for link in rows_with(ClassSession.rooms.through.objects.select_related("room"), "classsession", names):
        names[link.classsession_id].append(link.room.name)
    return names


def _one_to_one(
    rows: Iterable[tuple[Likeness, ClassRow]], sessions: Iterable[tuple[Likeness | None, ClassSession]]
) -> list[Found]:
    """Of several alike, the pairs that agree in every word, or whose title only one on each side has."""
    alike: defaultdict[Likeness | None, tuple[list[ClassRow], list[ClassSession]]] = defaultdict(lambda: ([], []))
    for like, row in rows:
        alike[like][0].append(row)
    for key, session in sessions:
        if key in alike:
            alike[key][1].append(session)
    found: list[Found] = []
    for left in alike.values():
        for same in (_in_every_word, _in_title, _alone):
            now = same(*left)
            left = _left(*left, now)  # noqa: PLW2901
            found += now
    return found


def _in_every_word(rows: Sequence[ClassRow], sessions: Sequence[ClassSession]) -> list[Found]:
    left, found = list(sessions), []
    for row in rows:
        if session := next((each for each in left if each.said == row.said()), None):
            left.remove(session)
            found.append((row, session))
    return found


def _in_title(rows: Sequence[ClassRow], sessions: Sequence[ClassSession]) -> list[Found]:
    found = []
    for row in rows:
        called = [session for session in sessions if session.title == row.title]
        if len(called) == 1 and sum(each.title == row.title for each in rows) == 1:
            found.append((row, called[0]))
    return found


def _alone(rows: Sequence[ClassRow], sessions: Sequence[ClassSession]) -> list[Found]:
    return [(rows[0], sessions[0])] if len(rows) == len(sessions) == 1 else []


def _left(
    rows: Sequence[ClassRow], sessions: Sequence[ClassSession], found: Sequence[Found]
) -> tuple[list[ClassRow], list[ClassSession]]:
    used, taken = {id(row) for row, _ in found}, {session.pk for _, session in found}
    return [row for row in rows if id(row) not in used], [session for session in sessions if session.pk not in taken]
