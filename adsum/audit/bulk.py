"""Many rows of one table at once, as imports write them: only the columns that change, and one event for each row, with what
changed and never what a person is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.contrib.auth import get_user_model
from django.db import models

from adsum.audit.services import Entry

M = TypeVar("M", bound=models.Model)
BATCH = 2000
Told = Mapping[type[models.Model], Collection[str]]
"""What the event of a row says beside the names of the fields that changed, by table."""


@dataclass(slots=True)
class Rows(Generic[M]):
    """Rows of one table to write: unsaved ones to add, saved ones whose values changed, and ones to remove."""

    new: list[M] = field(default_factory=list)
    changed: list[M] = field(default_factory=list)
    gone: list[M] = field(default_factory=list)
    fields: dict[int, list[str]] = field(default_factory=dict)
    """By key, the fields in which the changed rows differ from what was read; `note` fills it in."""

    def note(self) -> None:
        """Note which fields the changed rows are to get, as long as the tables are as they were read. What others change
        from then on in other fields stays."""
        unknown = [row for row in self.changed if row.pk not in self.fields]
        self.fields |= fields_changed(unknown)


def fields_changed(rows: Sequence[models.Model]) -> dict[int, list[str]]:
    """By key, the names of the fields that these rows are about to change (one query a batch, or none)."""
    found = {}
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        before = type(batch[0])._default_manager.in_bulk([row.pk for row in batch])
        for row in batch:
            columns = row._meta.concrete_fields
            found[row.pk] = [c.name for c in columns if getattr(row, c.attname) != getattr(before[row.pk], c.attname)]
    return found


def save_rows(rows: Rows[Any], *, feature: str) -> None:
    """Write rows of one table, which is one of that feature's own."""
    rows.note()
    some = next(iter([*rows.new, *rows.changed, *rows.gone]), None)
    if some is None:
        return
    model = type(some)
    if not model.__module__.startswith(f"adsum.{feature}."):
        raise ValueError(f"{model.__name__} is not written by {feature}")
    if rows.gone:
        model._default_manager.filter(pk__in=[row.pk for row in rows.gone]).delete()
    update_rows(rows.changed, rows.fields)  # before the new ones: a changed row may give up what a new one takes
    if rows.new:
        model._default_manager.bulk_create(rows.new, batch_size=BATCH)


def update_rows(rows: Sequence[models.Model], fields: Mapping[int, Sequence[str]]) -> None:
    """Give rows these fields anew, those with the same fields in one statement per batch: many times faster than a CASE for
    every value."""
    alike: defaultdict[tuple[str, ...], list[models.Model]] = defaultdict(list)
    for row in rows:
        alike[tuple(sorted(fields[row.pk]))].append(row)
    for names, some in alike.items():
        if names:
            type(some[0])._default_manager.bulk_create(
                some, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=names
            )


def events_of(kind: str, rows: Rows[Any], told: Told) -> list[Entry]:
    """One event for each row that was saved, about the person where it has one."""
    entries = []
    for verb, some in (("new", rows.new), ("changed", rows.changed), ("gone", rows.gone)):
        for row in some:
            fields = rows.fields.get(row.pk, []) if verb == "changed" else []
            person = getattr(row, "person_id", None)
            names = [name for name in told.get(type(row), ()) if kind != "person" or name in fields]
            detail = {name: _told(row, name) for name in names} | ({"fields": sorted(fields)} if verb == "changed" else {})
            entries.append(Entry(f"import.{kind}.{verb}", f"person:{person}" if person else f"{kind}:{row.pk}", detail))
    return entries


def _told(row: models.Model, name: str) -> Any:
    """A value as an event says it: other rows by their keys, people so that they can be forgotten, days as text."""
    column: Any = row._meta.get_field(name)
    value = getattr(row, column.attname)
    if column.related_model is get_user_model() and value:
        return f"person:{value}"
    return value if value is None or isinstance(value, bool | int) else str(value)
