"""The declarations of every table, found through Django's registry: privacy imports no feature's tables."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

from django.apps import apps
from django.db.models import Model

from adsum.core.declared import Table
from adsum.privacy.others import OTHERS


def tables() -> Iterator[type[Model]]:
    """Every table with columns of its own. Those between two tables belong to the column that they are for."""
    return (model for model in apps.get_models() if not model._meta.proxy)


@cache
def declarations() -> dict[type[Model], Table]:
    """Each table with its declaration. A table without any fails a test, and is missing here."""
    found = {model: model.__dict__.get("declared", OTHERS.get(model._meta.label)) for model in tables()}
    return {model: table for model, table in found.items() if table is not None}


def columns(model: type[Model]) -> set[str]:
    """What has to be declared of a table: every column but its number, and what it holds many of."""
    fields = [*model._meta.local_concrete_fields, *model._meta.local_many_to_many]
    return {field.name for field in fields if field.name != "id"}


def faults() -> list[str]:
    """What is wrong with the declarations, each in a sentence that says what to do."""
    wrong = []
    for model in tables():
        label, table = model._meta.label, declarations().get(model)
        if table is None:
            wrong.append(f"{label} declares nothing: give it `declared` (adsum/core/declared.py says how).")
            continue
        there = columns(model) if model._meta.local_concrete_fields else set()
        wrong += [f"{label}.{name} is not declared." for name in sorted(there - table.fields.keys())]
        wrong += [f"{label} declares {name}, which it does not have." for name in sorted(table.fields.keys() - there)]
        named = filter(None, (table.verb, table.nightly))
        wrong += [f"{label} names {one}, which is not there." for one in named if not callable(verb(one))]
        if table.verb and callable(called := verb(table.verb)) and not _takes_rows(called):
            wrong.append(f"{label} names {table.verb}, which cannot be called with the rows that end, and at.")
        for path in filter(None, (table.person, table.since)):
            try:
                model._default_manager.filter(**{f"{path}__isnull": False})
            except Exception as nowhere:  # noqa: BLE001 (whatever Django says of a path that leads nowhere)
                wrong.append(f"{label}: {path} leads nowhere ({nowhere}).")
    return wrong


def _takes_rows(called: Callable[..., Any]) -> bool:
    try:
        signature(called).bind([], at=None)
    except TypeError:
        return False
    return True


def verb(dotted: str) -> Any:
    """A verb by its dotted name; None when there is none."""
    module, _dot, name = dotted.rpartition(".")
    try:
        return getattr(import_module(module), name, None)
    except ImportError:
        return None
