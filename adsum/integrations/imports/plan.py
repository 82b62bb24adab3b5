"""What an import would do: rows to write, and the diff a person reads. Planning changes nothing in the database."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import islice
from json import dumps
from typing import Any, NamedTuple, TypeVar

from django.db.models import CharField, Model, QuerySet
from django.utils.translation import gettext as _

from adsum.audit.bulk import Rows
from adsum.integrations.imports.problems import Problem
from adsum.integrations.imports.reading import Record
from adsum.timetable.rules import Change
from adsum.timetable.services import Line
from adsum.timetable.writes import Writes

M = TypeVar("M", bound=Model)
T = TypeVar("T")
STOP_ABOVE = 0.20
"""A full file that would remove more than this part of what is known stops and asks (docs/rules.md F 2)."""
CHUNK = 500
Progress = Callable[[int, int], None]


class Standing(NamedTuple):
    """Whether a class has begun, been observed or been reported: this can change during planning although its timetable does
    not."""

    begun: bool
    observed: bool
    reported: bool


@dataclass(slots=True)
class Plan:
    """Collects the steps of one import."""

    problems: list[Problem]
    source: str = ""
    """The name of the source, once the file is read."""
    writes: Writes = field(default_factory=Writes)
    lines: list[Line] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)
    gains: set[str] = field(default_factory=set)
    """The actors who would see more of other people's records by it: they may not apply it themselves."""
    at_stake: int = 0
    """How many known classes still to come the timetable covers: these could vanish by it."""
    standing: dict[int, Standing | None] = field(default_factory=dict)
    """The state of the classes in the plan when it was made, by key."""
    whose_past_changes: set[int] = field(default_factory=set)
    """Students who, by it, may not have been expected in a class on days that are over."""

    def count(self, what: str, change: Change, number: int = 1) -> None:
        """Count steps that have no line of their own."""
        if number:
            self.counts.setdefault(what, Counter())[change.value] += number

    def line(self, change: Change, what: str, label: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        """Count one step and show it."""
        self.count(what, change)
        self.lines.append(Line(change, what, label, before, after))

    def stop_if_too_many(self, file: str, gone: int, known: int) -> None:
        """Ask before more than a fifth of what one full file had before disappears."""
        if gone > STOP_ABOVE * known:
            values = {"file": file, "gone": gone, "known": known, "percent": round(100 * gone / known)}
            self.stops.append(
                _("%(file)s would remove %(gone)s of %(known)s rows (%(percent)s%%). Is it the whole export?") % values
            )

    def merge(self, rows: Rows[M], model: type[M], old: M | None, values: Mapping[str, Any], what: str, label: str = "") -> M:
        """A new row, or the old one with what differs; counted and shown either way, under `label` or its own name."""
        if old is None:
            new = model(**values)
            rows.new.append(new)
            self.line(Change.NEW, what, label or str(new), None, _shown(values))
            return new
        before = {name: getattr(old, name) for name in values}
        changed = {name: value for name, value in values.items() if before[name] != value}
        if changed:
            for name, value in changed.items():
                setattr(old, name, value)
            rows.changed.append(old)
            back = changed.get("is_active") or ("ended_on" in changed and before["ended_on"])
            change = Change.RESTORED if back else Change.CHANGED
            self.line(change, what, label or str(old), _shown({name: before[name] for name in changed}), _shown(changed))
        else:
            self.count(what, Change.UNCHANGED)
        return old

    @property
    def said(self) -> set[str]:
        """Every line of the diff, as text."""
        return {dumps(line, sort_keys=True) for line in self.lines}

    @property
    def digest(self) -> str:
        """A digest of all lines and stops: the same when, and only when, the same diff would be shown."""
        text = dumps([sorted(dumps(line, sort_keys=True) for line in self.lines), self.stops])
        return sha256(text.encode()).hexdigest()


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, bool | int | None) else str(value)
        for name, value in values.items()
        if value is not None and value != "" and name not in {"source", "source_id", "in_source", "person"}
    }


def too_long(record: Record, model: type[Model], values: Mapping[str, Any], columns: Mapping[str, str]) -> Problem | None:
    """The problem of a row with a text that is too long, if any; `columns` says which cell each field came from."""
    for name, value in values.items():
        column = model._meta.get_field(name)
        if isinstance(column, CharField) and isinstance(value, str) and len(value) > (column.max_length or len(value)):
            return record.problem("too_long", column=columns.get(name, name), found=len(value), limit=column.max_length)
    return None


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists of at most CHUNK: as many as every database takes in one query."""
    iterator = iter(values)
    while part := list(islice(iterator, CHUNK)):
        yield part


def rows_with(queryset: QuerySet[M], name: str, values: Iterable[Any]) -> list[M]:
    """The rows in which this field has one of the values."""
    wanted = sorted({value for value in values if value})
    return [row for part in chunks(wanted) for row in queryset.filter(**{f"{name}__in": part})]


def is_on(last: date | None, today: date) -> bool:
    """Whether something with this last day still lasts."""
    return last is None or last >= today


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few, for a sentence."""
    return ", ".join(names[:most]) + (" …" if len(names) > most else "")
