"""A copy of the database with the same shapes and sums and nobody in it, as the declarations say (docs/adr/0055).

Rows are read in the order of their keys, some thousand at a time, and written as they come: a copy takes no more memory for a
large university than for a small one. Nothing is decrypted on the way: of sealed words, only their length is read.
"""

from collections.abc import Callable, Iterator, Sequence
from secrets import token_bytes
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from django.apps import apps
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.management.color import no_style
from django.db import connections, transaction
from django.db.models import BinaryField, EmailField, Field, ForeignKey, GenericIPAddressField, JSONField, Model, UUIDField
from django.db.models.functions import Length

from adsum.accounts.erasing import ERASED, NAMELESS
from adsum.accounts.models import Person
from adsum.core.declared import AtEnd, Class, Table
from adsum.core.sealed import SealedText
from adsum.privacy.declarations import declarations
from adsum.privacy.ending import nothing, referrers_first
from adsum.privacy.scrub_rules import LOG, NOWHERE, SIGNED_IN, Fate, Masks, Why, fate, words

AT_ONCE = 2_000
SEALED_TAKES = 100
"""Letters that sealing adds to a text, at least; the rest is a third longer than the words."""
AnyField: TypeAlias = "Field[Any, Any]"
SPOKEN = frozenset({"given_name", "family_name", "preferred_name"})


class Plan(NamedTuple):
    """Which tables are copied, in an order in which rows come after those they lead to; and which are left out, and why."""

    copied: list[type[Model]]
    left_out: dict[type[Model], Why]


def plan() -> Plan:
    """What a copy is made of."""
    left_out = {model: why for model, table in declarations().items() if (why := _why_left_out(model, table)) is not None}
    order = [model for model in reversed(referrers_first()) if model not in left_out]
    while led := [model for model in order if any(_must_lead(model, other) for other in left_out)]:
        left_out |= dict.fromkeys(led, Why.LED_THERE)
        order = [model for model in order if model not in left_out]
    return Plan(order, left_out)


def _why_left_out(model: type[Model], table: Table) -> Why | None:
    if model._meta.app_label != "adsum":
        return Why.NOT_OURS
    if model.__name__ in LOG:
        return Why.LOG
    if table.keep in SIGNED_IN:
        return Why.SIGNED_IN
    fields = [(model._meta.get_field(name), one) for name, one in table.fields.items()]
    if any(one.klass == Class.SECRET and getattr(field, "unique", False) for field, one in fields):
        return Why.KEYS
    special = [field for field, one in fields if one.klass == Class.SPECIAL and not one.text]
    if any(isinstance(field, BinaryField) for field in special):
        return Why.FILE
    return Why.SPECIAL if special and table.rows == AtEnd.ERASE else None


def _must_lead(model: type[Model], other: type[Model]) -> bool:
    return any(
        isinstance(field, ForeignKey) and field.related_model is other and not field.null
        for field in model._meta.concrete_fields
    )


def copy(source: str, target: str, *, done: Callable[[str, int], None] = lambda _name, _rows: None) -> dict[str, int]:
    """Copy from one connection to another, whose tables are there and empty but for what making them wrote; how many rows of
    each table. `done` is told after each part."""
    planned = plan()
    masks = Masks(token_bytes(32), _vocabulary())
    for model in reversed(planned.copied):
        for table in (*(through for through in _between(model)), model):
            with connections[target].cursor() as cursor:
                cursor.execute(f"DELETE FROM {connections[target].ops.quote_name(table._meta.db_table)}")  # noqa: S608 (ours)
    counts: dict[str, int] = {}
    there: set[type[Model]] = set()
    later: list[_Copying] = []
    for model in planned.copied:
        copying = _Copying(model, declarations()[model], source, target, masks, there | {model})
        counts[model.__name__] = copying.run(done)
        there.add(model)
        if copying.later:
            later.append(copying)
    for copying in later:
        copying.lead_on(there)
    for model in planned.copied:
        for through in _between(model):
            if all(field.related_model in there for field in through._meta.concrete_fields if isinstance(field, ForeignKey)):
                counts[through.__name__] = _Copying(through, None, source, target, masks, there).run(done)
    with connections[target].cursor() as cursor:
        for statement in connections[target].ops.sequence_reset_sql(no_style(), list(there)):
            cursor.execute(statement)
    return counts


def _between(model: type[Model]) -> Iterator[type[Model]]:
    """The tables that only say which rows of two tables belong together."""
    for field in model._meta.local_many_to_many:
        through = field.remote_field.through
        if through is not None and through._meta.auto_created:
            yield through


def _vocabulary() -> set[str]:
    """Every code that a column of ours may hold."""
    fields = (field for model in apps.get_app_config("adsum").get_models() for field in model._meta.concrete_fields)
    return {str(value) for field in fields for value, _label in field.flatchoices}


class _Copying:
    """One table, copied."""

    def __init__(
        self, model: type[Model], table: Table | None, source: str, target: str, masks: Masks, there: set[type[Model]]
    ) -> None:
        self.model, self.table, self.masks, self.there = model, table, masks, there
        self.source, self.target = source, connections[target]
        self.fields: list[AnyField] = list(model._meta.concrete_fields)
        self.unique = {name for one in model._meta.constraints for name in getattr(one, "fields", ())}
        self.masking = [self._mask(field) for field in self.fields]
        self.later = [
            field for field in self.fields if isinstance(field, ForeignKey) and field.null and field.related_model not in there
        ]
        """What leads to tables that are copied after this one."""

    def run(self, done: Callable[[str, int], None]) -> int:
        name = self.target.ops.quote_name
        columns = ", ".join(name(str(field.column)) for field in self.fields)
        places = ", ".join(["%s"] * len(self.fields))
        insert = f"INSERT INTO {name(self.model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 (ours)
        number = 0
        with transaction.atomic(using=self.target.alias):  # rows may lead to others of their own table
            for rows in self._rows([self._read(field) for field in self.fields]):
                with self.target.cursor() as cursor:
                    cursor.executemany(insert, [self._written(row) for row in rows])
                number += len(rows)
                done(self.model.__name__, len(rows))
        return number

    def lead_on(self, there: set[type[Model]]) -> None:
        """Fill in what leads to tables that were not there yet."""
        name = self.target.ops.quote_name
        for field in self.later:
            if field.related_model not in there:
                continue
            table, key = name(self.model._meta.db_table), name(str(self.model._meta.pk.column))
            update = f"UPDATE {table} SET {name(str(field.column))} = %s WHERE {key} = %s"  # noqa: S608 (ours)
            for rows in self._rows([field.attname]):
                leading = [(other, pk) for pk, other in rows if other is not None]
                with transaction.atomic(using=self.target.alias), self.target.cursor() as cursor:
                    cursor.executemany(update, leading)

    def _rows(self, columns: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
        """Rows in the order of their keys. Without a first column for the key, when a caller asks for every column."""
        whole = len(columns) == len(self.fields)
        first = self.fields.index(self.model._meta.pk) if whole else 0
        wanted = columns if whole else ["pk", *columns]
        rows, after = self.model._base_manager.using(self.source).order_by("pk").values_list(*wanted), None
        while batch := list((rows if after is None else rows.filter(pk__gt=after))[:AT_ONCE]):
            yield batch
            after = batch[-1][first]

    def _read(self, field: AnyField) -> Any:
        """What is read of a column: of sealed words their length, and nothing of files."""
        if isinstance(field, SealedText | BinaryField):
            return Length(field.attname)
        return field.attname

    def _written(self, row: tuple[Any, ...]) -> list[Any]:
        pk = row[self.fields.index(self.model._meta.pk)]
        return [
            masked if isinstance(field, SealedText) else field.get_db_prep_save(masked, self.target)
            for field, mask, value in zip(self.fields, self.masking, row, strict=True)
            for masked in [mask(value, pk)]
        ]

    def _mask(self, field: AnyField) -> Callable[[Any, Any], Any]:
        """What a value of this column becomes."""
        if isinstance(field, ForeignKey):
            gone = field.null and field.related_model not in self.there
            return (lambda _value, _pk: None) if gone else (lambda value, _pk: value)
        if isinstance(field, BinaryField):
            return lambda _value, _pk: None if field.null else b""
        if self.table is None or field.primary_key or field.name not in self.table.fields:
            return lambda value, _pk: value
        return self._declared(
            field, fate(field.name, self.table.fields[field.name], self.table.keep, unique=self._is_unique(field))
        )

    def _is_unique(self, field: AnyField) -> bool:
        return field.unique or field.name in self.unique

    def _declared(self, field: AnyField, becomes: Fate) -> Callable[[Any, Any], Any]:
        masks = self.masks
        if becomes == Fate.EMPTY or isinstance(field, GenericIPAddressField):
            empty = _nothing(field)
            return lambda _value, _pk: empty
        if isinstance(field, JSONField):
            return (lambda value, _pk: masks.kept(value)) if becomes == Fate.KEEP else (lambda value, _pk: masks.said(value))
        if isinstance(field, UUIDField):
            return lambda value, _pk: masks.ref(value) if isinstance(value, UUID) else value
        if becomes == Fate.NAME and self.model is Person and field.name in SPOKEN:
            return lambda value, pk: masks.called(pk, field.name)[: field.max_length] if value not in {"", NAMELESS} else value
        if becomes == Fate.NAME or isinstance(field, EmailField):
            return lambda value, _pk: _named(masks, value, field.max_length)
        if becomes == Fate.WORDS:
            return lambda value, _pk: _words(field, value)
        return lambda value, _pk: masks.plain(value) if isinstance(value, str) else value


def _named(masks: Masks, value: Any, most: int | None) -> Any:
    """A made-up name, address or number; who was erased has none, and keeps that."""
    if not isinstance(value, str):
        return value
    return masks.plain(value) if value.startswith(f"{ERASED}-") else masks.number(value, most)


def _words(field: AnyField, value: Any) -> Any:
    """As many letters of other words; of an address of a page, one that leads nowhere."""
    if not value:
        return "" if isinstance(field, SealedText) else value
    if isinstance(field, SealedText):
        return words(max(10, (value - SEALED_TAKES) * 3 // 4))[: field.max_length]
    if not isinstance(value, str):
        return nothing(field)
    return f"https://{NOWHERE}/" if value.startswith(("https://", "http://")) else words(len(value))


def _nothing(field: AnyField) -> Any:
    """What stands in a column of which nothing is to be known: of a choice that must be made, the one that says the least."""
    if field.name == "password":
        return UNUSABLE_PASSWORD_PREFIX
    if field.null or field.get_internal_type() not in {"CharField", "TextField"} or field.blank:
        return nothing(field)
    codes = [str(value) for value, _label in field.flatchoices]
    return codes[0] if codes and "other" not in codes else "other"
