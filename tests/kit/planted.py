"""A student with a marker in every text of every table: what a search must not find any more once they are erased.

Rows are written as the columns allow, whatever the constraints of their meaning: the search is about text, not about sense.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.db.models import ForeignKey, Model, OneToOneField

from adsum.accounts.models import Person
from adsum.core.declared import Field as Declared
from adsum.privacy.declarations import declarations

MARK = "zqx"
"""Markers are this, the table and the column: no other text has it."""
THEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@contextmanager
def unconstrained() -> Iterator[None]:
    """SQLite takes rows that make no sense."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.execute("PRAGMA ignore_check_constraints=ON")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints=OFF")
            cursor.execute("PRAGMA foreign_keys=ON")


def marker(model: type[Model], field: Any) -> str:
    """As much of the marker of this column as it holds."""
    text = f"{MARK}{model.__name__}{field.name}".replace("_", "").lower()
    return text[: field.max_length] if field.max_length and field.get_internal_type() != "TextField" else text


def plant(student: Person) -> set[str]:
    """A row of this student in every table that leads to one; the markers that were put into text."""
    marks: set[str] = set()
    made: dict[type[Model], Model] = {Person: student}
    for model, table in declarations().items():
        if table.person and model is not Person:
            marks |= _row(model, student, made, set())
    for field in Person._meta.concrete_fields:
        declared = Person.declared.fields.get(field.name)
        if declared is not None and declared.text:
            setattr(student, field.name, marker(Person, field))
            marks.add(marker(Person, field))
    student.save()
    return marks


def _row(model: type[Model], student: Person, made: dict[type[Model], Model], above: set[type[Model]]) -> set[str]:
    if model in made or model in above:
        return set()
    table, marks, values = declarations()[model], set(), {}
    for field in model._meta.concrete_fields:
        declared = table.fields.get(field.name)
        if isinstance(field, ForeignKey | OneToOneField):
            target: Any = field.related_model
            if target is Person:
                first = table.person.split("__")[0] == field.name
                values[field.attname] = student.pk if first else _somebody(field.null)
            elif not field.null or table.person.split("__")[0] == field.name:
                marks |= _row(target, student, made, above | {model})
                values[field.attname] = made[target].pk if target in made else None
        elif not field.primary_key and declared is not None:
            values[field.name], mark = _value(model, field, declared)
            marks |= mark
    row = model(**values)
    row.save(force_insert=True)
    made[model] = row
    if table.person.count("__") and "marks__" in table.person:  # a proposal leads to its students by its marks
        marks |= _row(model._meta.get_field("marks").related_model, student, made, above)  # type: ignore[arg-type]
    return marks


def _somebody(nullable: bool) -> int | None:
    if nullable:
        return None
    return Person.objects.get_or_create(username="officer@uni.example", defaults={"family_name": "Officer"})[0].pk


def _value(model: type[Model], field: Any, declared: Declared) -> tuple[Any, set[str]]:
    kind = field.get_internal_type()
    mark = marker(model, field)
    if kind in {"CharField", "TextField", "EmailField", "URLField", "SlugField"}:
        if declared.text and declarations()[model].person:
            return mark, {mark}
        if field.choices:
            return field.choices[0][0], set()
        return (str(uuid.uuid4())[: field.max_length] if field.unique else ""), set()
    if kind == "JSONField":
        return ({"said": mark}, {mark}) if declared.text else ({}, set())
    if kind == "BinaryField":
        return mark.encode(), {mark}
    simple: dict[str, Any] = {
        "DateTimeField": THEN,
        "DateField": date(2026, 11, 23),
        "UUIDField": uuid.uuid4(),
        "BooleanField": False,
        "GenericIPAddressField": "192.0.2.77",
        "FloatField": 0.0,
    }
    if field.null:
        return None, set()
    return simple.get(kind, 1), set()
