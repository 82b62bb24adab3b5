"""What an import leaves in the event log: one event for each row, with what changed and never what a person is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import models

from adsum.accounts.models import Department, Identifier, Person, RoleGrant
from adsum.audit.services import Entry
from adsum.timetable.models import Course, Enrolment, GroupStaff, ModuleLeader, Place

M = TypeVar("M", bound=models.Model)
BATCH = 2000


@dataclass(slots=True)
class Rows(Generic[M]):
    """Rows of one table to write: unsaved ones to add, saved ones whose values changed, and ones to remove."""

    new: list[M] = field(default_factory=list)
    changed: list[M] = field(default_factory=list)
    gone: list[M] = field(default_factory=list)


AUDITED = {
    "departments": "department",
    "terms": "term",
    "courses": "course",
    "modules": "module",
    "groups": "group",
    "people": "person",
    "identifiers": "identifier",
    "grants": "grant",
    "leaders": "leader",
    "enrolments": "enrolment",
    "staff": "group_staff",
    "rooms": "room",
}
"""Tables of which each row that an import writes leaves an event; places leave one for each group."""

TOLD: dict[type[models.Model], tuple[str, ...]] = {
    Department: ("parent",),
    Course: ("department",),
    Person: ("is_active",),
    Identifier: ("system", "kind"),
    RoleGrant: ("role", "department", "starts_on", "ends_on"),
    ModuleLeader: ("module", "starts_on", "ends_on"),
    Enrolment: ("course", "status", "tutor", "starts_on", "ends_on"),
    GroupStaff: ("group",),
}
"""What the event of such a row says beside the names of the fields that changed: what decides who may see what. Never what a
person is called."""


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


def events_of(kind: str, rows: Rows[Any], fields: Mapping[int, list[str]]) -> list[Entry]:
    """One event for each row, about the person where it has one."""
    entries = []
    for verb, some in (("new", rows.new), ("changed", rows.changed), ("gone", rows.gone)):
        for row in some:
            person = getattr(row, "person_id", None)
            told = {
                name: _told(row, name) for name in TOLD.get(type(row), ()) if kind != "person" or name in fields.get(row.pk, ())
            }
            detail = told | ({"fields": sorted(fields[row.pk])} if verb == "changed" else {})
            entries.append(Entry(f"import.{kind}.{verb}", f"person:{person}" if person else f"{kind}:{row.pk}", detail))
    return entries


def _told(row: models.Model, name: str) -> Any:
    """A value as an event says it: other rows by their keys, people so that they can be forgotten, days as text."""
    column: Any = row._meta.get_field(name)
    value = getattr(row, column.attname)
    if column.related_model is Person and value:
        return f"person:{value}"
    return value if value is None or isinstance(value, bool | int) else str(value)


def events_of_places(rows: Rows[Place]) -> list[Entry]:
    """Places come by the thousand: one event for each group."""
    groups: dict[int, dict[str, int]] = {}
    for verb, places in (("new", rows.new), ("changed", rows.changed)):
        for place in places:
            counts = groups.setdefault(place.group_id, {})
            counts[verb] = counts.get(verb, 0) + 1
    return [Entry("import.places", f"group:{pk}", counts) for pk, counts in groups.items()]
