"""Reads across the outbox, and the people who are told about things other than their own classes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count

from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.core.university import civil_date
from adsum.messages.models import MailChoice, Message
from adsum.messages.rules import How, State
from adsum.timetable.models import Enrolment


def counts() -> dict[str, int]:
    """How many messages are in each state (one query)."""
    found = dict(Message.objects.order_by().values_list("state").annotate(n=Count("pk")))
    return {state.value: found.get(state.value, 0) for state in State}


def oldest_due(at: datetime) -> datetime | None:
    """Since when the message that has waited longest is due; None when nothing is overdue (one query)."""
    due = Message.objects.filter(state=State.WAITING, due_at__lte=at)
    return due.order_by("due_at").values_list("due_at", flat=True).first()


def unread(person: Person) -> int:
    """How many messages this person has not read here (one query)."""
    return Message.objects.of(person).filter(opened_at=None).count()


def choices_of(people: Collection[int]) -> dict[tuple[int, str], How]:
    """How these people chose to have kinds of messages by mail (one query)."""
    rows = MailChoice.objects.filter(person__in=people).values_list("person", "kind", "how")
    return {(person, kind): How(how) for person, kind, how in rows}


def answers_of(people: Collection[int]) -> dict[int, str]:
    """By student, the address of their department, or of the next above it that has one, which reads what they answer; those
    without are left out (two queries)."""
    departments = {
        pk: (parent, address) for pk, parent, address in Department.objects.values_list("pk", "parent", "answers_to")
    }
    if not any(address for _parent, address in departments.values()):
        return {}
    rows = Enrolment.objects.filter(person__in=people).order_by("starts_on", "pk").values_list("person", "course__department")
    found = {person: next((of[1] for of in _up(departments, department) if of[1]), "") for person, department in rows}
    return {person: address for person, address in found.items() if address}


def _up(departments: Mapping[int, tuple[int | None, str]], department: int | None) -> Iterator[tuple[int | None, str]]:
    """A department, and those above it."""
    while department is not None:
        yield departments[department]
        department = departments[department][0]


# Who is told


def holders(roles: Iterable[Role], at: datetime) -> list[Person]:
    """Everyone active who holds one of these roles (one query)."""
    held = RoleGrant.objects.filter(role__in=roles).held_on(civil_date(at))
    return list(Person.objects.filter(pk__in=held.values("person"), is_active=True).order_by("pk"))


def over_departments(role: Role, at: datetime) -> list[tuple[Person, frozenset[int] | None]]:
    """Everyone who holds this role, with the departments they hold it over (one query, and two for each of them)."""
    holders = RoleGrant.objects.filter(role=role, person__is_active=True).held_on(civil_date(at))
    people = Person.objects.filter(pk__in=holders.values("person")).order_by("pk")
    return [(person, person.access(at).departments(role)) for person in people]


def by_lecturer(rows: Iterable[Any], staff: Mapping[int, Mapping[int, Person]]) -> dict[Person, list[Any]]:
    """Rows about classes by who teaches these (`staff_of`): those who are here, and of a query never its own student."""
    found: dict[Person, list[Any]] = defaultdict(list)
    for row in rows:
        for person in staff[row.session_id].values():
            if person.is_active and person.pk != getattr(row, "student_id", None):
                found[person].append(row)
    return found
