"""What tests of the demo university share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import models, transaction

from adsum.accounts.models import Department, Person
from adsum.attendance.ahead_tables import Adjustment
from adsum.audit.encoding import ALIAS
from adsum.audit.models import AccessLog, Alias, Cursor, Processed
from adsum.compliance.models import TheirWorklist
from adsum.engagement.models import RuleVersion
from adsum.messages.models import Message
from adsum.ops.demo.guide import personas
from adsum.timetable.models import ClassChange, ClassSession, Group, Module, Room
from adsum.timetable.rules import ClassStatus

AT = datetime(2026, 11, 24, 11, 20, tzinfo=UTC)
"""A Tuesday in term, in the middle of the morning's classes."""
SMALL = 0.04
REF = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAMED: dict[str, type[models.Model]] = {
    "session": ClassSession,
    "module": Module,
    "person": Person,
    "rules": RuleVersion,
    "adjustment": Adjustment,
}
"""What a log's subject names."""
LISTED: dict[str, type[models.Model]] = {"room_ids": Room, "group_ids": Group, "staff_ids": Person}
"""What the history of a class names."""
POSITIONS = {Alias, Cursor, Processed}
"""Tables that are about keys of others: what they say of them is nobody's."""
FOR_WHOM = re.compile(r":(\d+)$")
"""The end of a message's key."""


@contextmanager
def undone() -> Iterator[None]:
    """A transaction that never was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _without_keys(value: Any, classes: dict[Any, int]) -> Any:
    """What an alert, its message and its event keep: its classes by their places, and no digest of their keys."""
    if not isinstance(value, dict):
        return value
    said = {name: _without_keys(one, classes) for name, one in value.items() if name not in {"hash", "contact"}}
    for name, one in said.items():
        if name == "classes" and isinstance(one, list) and all(isinstance(row, list) for row in one):
            said[name] = [[classes[row[0]], *row[1:]] for row in one]
        elif name == "session" and isinstance(one, int):
            said[name] = classes[one]
    return said


ROWS = {"change", "check", "confirmation", "course", "duty", "edition", "enrolment", "funding", "point", "profile", "term"}
"""What events name by the number of its row."""


class _Places:
    """What the log names by numbers of rows: the place of the row in its table, or else among what the log has named so far."""

    def __init__(self, rank: Mapping[Any, Mapping[Any, int]]) -> None:
        self._rank = rank
        self._others = dict[str, int]()

    def of_subject(self, subject: str) -> object:
        """None where a subject is no number."""
        kind, _, number = subject.partition(":")
        if not number.isdecimal():
            return None
        if kind in NAMED:
            return kind, self._rank[NAMED[kind]].get(int(number))
        return kind, self._others.setdefault(subject, len(self._others))

    def of_detail(self, detail: dict[str, Any]) -> dict[str, Any]:
        named = sorted(ROWS & detail.keys())
        return detail | {key: self._others.setdefault(f"{key}:{detail[key]}", len(self._others)) for key in named}


def content() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of ours, with its place among its table's rows instead of its key; no passwords, no salts."""
    ours = apps.get_app_config("adsum").get_models(include_auto_created=True)
    tables = [table for table in ours if table not in POSITIONS]
    rank = {
        table: {pk: nth for nth, pk in enumerate(table._default_manager.order_by("pk").values_list("pk", flat=True))}
        for table in tables
    }

    places = _Places(rank)
    refs = dict[str, int]()  # references are chance: which of them come again where is not

    def told(field: models.Field[Any, Any], value: Any) -> object:
        if isinstance(field, models.ForeignKey):
            return rank[field.related_model].get(value)
        if field.model is AccessLog and field.name in {"viewer", "department"}:
            return rank[Person if field.name == "viewer" else Department].get(value)
        if field.name == "subject" and (known := places.of_subject(str(value))) is not None:
            return known
        if field.name == "actor" and field.model is ClassChange and str(value).startswith("person:"):
            return rank[Person].get(int(str(value).partition(":")[2]))
        if field.name == "hash" or (field.name == "content" and field.model is TheirWorklist):  # sealed anew each time
            return None
        if field.name == "key" and field.model is Message:
            value = FOR_WHOM.sub(lambda found: f":{rank[Person].get(int(found[1]), found[1])}", str(value))
        value = _without_keys(value, rank[ClassSession])
        if isinstance(value, dict):  # what became of a class names others by their keys
            value = {key: sorted(rank[LISTED[key]][pk] for pk in one) if key in LISTED else one for key, one in value.items()}
        if field.name == "detail":  # a digest is of a salted row
            value = {**places.of_detail(value), "row": "·", "department": rank[Department].get(value.get("department"))}
        said = REF.sub(lambda found: f"ref {refs.setdefault(found[0], len(refs))}", repr(value))
        return ALIAS.sub("person:·", said)  # people are told apart by chance there

    rows: dict[str, list[tuple[object, ...]]] = {}
    for table in tables:
        fields = [field for field in table._meta.concrete_fields if field.name not in {"password", "id", "salt"}]
        stored = table._default_manager.order_by("pk").values_list(*(field.attname for field in fields))
        rows[table.__name__] = [tuple(told(*one) for one in zip(fields, row, strict=True)) for row in stored]
    return rows


def assert_a_class_now(at: datetime) -> None:
    people = personas()
    for person, classes in (
        ("lecturer", ClassSession.objects.taught_by(people["lecturer"])),
        ("student", ClassSession.objects.expecting(people["student"])),
    ):
        scheduled = classes.filter(status=ClassStatus.SCHEDULED)
        assert scheduled.filter(starts_at__lte=at, ends_at__gt=at).count() == 1, f"{person} has one class at {at}"
        assert scheduled.filter(starts_at__gt=at, starts_at__lte=at + timedelta(minutes=30)).count() == 1, f"{person}, soon"
