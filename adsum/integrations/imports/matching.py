"""Which known class a row of a timetable speaks of, so that a class that moves keeps its marks."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from adsum.integrations.imports.rows import ClassRow
from adsum.timetable.models import ClassSession

Pair = tuple[ClassRow, ClassSession | None]


def match(rows: Iterable[ClassRow], sessions: Iterable[ClassSession], at: datetime) -> tuple[list[Pair], list[ClassSession]]:
    """Every row with its class (None: a new one), and the classes that no row speaks of."""
    by_event: defaultdict[tuple[str, str], tuple[list[ClassRow], list[ClassSession]]] = defaultdict(lambda: ([], []))
    for row in rows:
        by_event[row.source, row.event_id][0].append(row)
    for session in sessions:
        by_event[session.source, session.source_id][1].append(session)
    pairs: list[Pair] = []
    missing: list[ClassSession] = []
    for some_rows, some_sessions in by_event.values():
        event = _Event(some_rows, some_sessions)
        event.match(at)
        pairs += event.pairs
        missing += event.sessions
    return pairs, missing


class _Event:
    """One event's rows and known occurrences. What is matched moves to `pairs`."""

    def __init__(self, rows: list[ClassRow], sessions: list[ClassSession]) -> None:
        self.rows = sorted(rows, key=lambda row: row.starts_at)
        self.sessions = sorted(sessions, key=lambda session: session.starts_at)
        self.pairs: list[Pair] = []

    def match(self, at: datetime) -> None:
        """By the source's own name of the occurrence; else by its time; else by its day; else, when as many are left on
        both sides, one after the other, but no class that has begun already is taken for another one."""
        alone = len(self.rows) == len(self.sessions) == 1
        self._by(lambda row: row.label, lambda session: session.occurrence)
        self._by(lambda row: row.starts_at, lambda session: session.starts_at)
        self._by(lambda row: row.day, lambda session: session.starts_on)
        still_to_come = all(session.starts_at > at for session in self.sessions)
        if len(self.rows) == len(self.sessions) and (alone or still_to_come):
            self.pairs += zip(self.rows, self.sessions, strict=True)
            self.rows, self.sessions = [], []
        self.pairs += [(row, None) for row in self.rows]

    def _by(self, of_row: Callable[[ClassRow], object], of_session: Callable[[ClassSession], object]) -> None:
        left = {of_session(session): session for session in reversed(self.sessions)}
        rows = []
        for row in self.rows:
            session = left.pop(key, None) if (key := of_row(row)) is not None else None
            if session is None:
                rows.append(row)
            else:
                self.pairs.append((row, session))
                self.sessions.remove(session)
        self.rows = rows
