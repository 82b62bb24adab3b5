"""People, what they are called elsewhere, what they may do and their departments, many at once, as the files of a source have
them. Every import writes them by this; what one person says of another is `services`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adsum.accounts.models import Department, Identifier, Person, RoleGrant
from adsum.accounts.services import end_sign_ins
from adsum.audit.bulk import Rows, Told, events_of, save_rows
from adsum.audit.services import Entry

AUDITED = {"people": "person", "identifiers": "identifier", "grants": "grant"}
TOLD: Told = {
    Department: ("parent",),
    Person: ("is_active",),
    Identifier: ("system", "kind"),
    RoleGrant: ("role", "department", "starts_on", "ends_on", "source"),
}
"""What an event says beside the names of the fields that changed: what decides who may see what."""


@dataclass(slots=True)
class PeopleWrites:
    """What one import changes of people, in the order in which one table refers to another."""

    departments: Rows[Department] = field(default_factory=Rows)
    people: Rows[Person] = field(default_factory=Rows)
    identifiers: Rows[Identifier] = field(default_factory=Rows)
    grants: Rows[RoleGrant] = field(default_factory=Rows)


def write_people(writes: PeopleWrites) -> list[Entry]:
    """Write them, and end every sign-in of those whose account closes by it. (The gate's passes end with
    `checkin.services`.) Returns the events to record in the same transaction."""
    writes.departments.note()
    for department in [*writes.departments.new, *writes.departments.changed]:
        department.save()  # one by one, parents first: a tree in one table
    entries = events_of("department", writes.departments, TOLD)
    for name, kind in AUDITED.items():
        rows: Rows[Any] = getattr(writes, name)
        save_rows(rows, feature="accounts")
        entries += events_of(kind, rows, TOLD)
    for person in closed(writes):
        end_sign_ins(person)
    return entries


def closed(writes: PeopleWrites) -> list[Person]:
    """Whose account these close."""
    return [person for person in writes.people.changed if not person.is_active]
