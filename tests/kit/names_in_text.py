"""Text columns that are declared to name nobody, and what in them names somebody after all."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from django.db.models import Field, Model

from adsum.accounts.models import ContactDetail, Identifier, Person
from adsum.privacy.declarations import declarations

TEXT = {"CharField", "TextField", "EmailField", "URLField", "SlugField", "JSONField"}
WORD = re.compile(r"[\w@.+'’-]*\w")
SHORTEST = 5
"""A family name or number of fewer letters stands in too many words by chance."""


class Known(NamedTuple):
    """What people are called and reached by."""

    alone: frozenset[str]
    """Addresses, and numbers: one word says who it is."""
    names: frozenset[tuple[str, str]]
    """Given and family names, one after the other."""
    family: frozenset[str]
    """Family names that are nothing else in the university, such as a building's."""


def known_people(*, places: str = "") -> Known:
    """Everybody in the database. `places`: words that are names of places, too."""
    people = list(Person.objects.all())
    alone = {word for one in people for word in (one.username, one.email, one.number) if len(word) >= SHORTEST}
    told = {*Identifier.objects.values_list("value", flat=True), *ContactDetail.objects.values_list("value", flat=True)}
    alone |= {one for one in told if "@" in one or any(map(str.isdigit, one))}
    names = {(given, one.family_name) for one in people for given in (one.given_name, one.preferred_name) if given}
    last = {(given.split()[-1], family.split()[0]) for given, family in names if family}
    elsewhere = set(WORD.findall(places))
    family = {one.family_name for one in people if len(one.family_name) >= SHORTEST} - elsewhere
    return Known(frozenset(one.casefold() for one in alone), frozenset(last), frozenset(family))


def nameless_columns() -> Iterator[tuple[type[Model], "Field[Any, Any]"]]:
    """Columns with text of which the declaration says that it names nobody."""
    for model, table in declarations().items():
        for name, declared in table.fields.items():
            field = model._meta.get_field(name)
            if isinstance(field, Field) and field.get_internal_type() in TEXT and not declared.text:
                yield model, field


def found(known: Known) -> dict[str, str]:
    """By column, one of the names found in it."""
    wrong: dict[str, str] = {}
    for model, field in nameless_columns():
        for value in model._default_manager.order_by().values_list(field.name, flat=True).distinct():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            if (named := _named(text, known)) is not None:
                wrong[f"{model.__name__}.{field.name}"] = named
                break
    return wrong


def _named(text: str, known: Known) -> str | None:
    words: list[str] = WORD.findall(text)
    for word in words:
        if word.casefold() in known.alone or word in known.family:
            return word
    return next((" ".join(pair) for pair in pairwise(words) if pair in known.names), None)
