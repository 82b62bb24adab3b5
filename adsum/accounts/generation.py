"""A number that every verb raises which writes what an import compares a file with: people, roles, groups, places, classes.
As long as it stays, what was planned from those tables holds. Scans and marks do not raise it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.db.models import F

from adsum.accounts.models import Generation

P = ParamSpec("P")
T = TypeVar("T")
ONLY = 1


def generation() -> int:
    """The number now."""
    return Generation.objects.filter(pk=ONLY).values_list("number", flat=True).first() or 0


def hold_generation() -> int:
    """The number, which stays so until the transaction ends: whoever would raise it waits. Take it before any row."""
    Generation.objects.get_or_create(pk=ONLY)
    return Generation.objects.select_for_update().get(pk=ONLY).number


def raise_generation() -> None:
    """What was planned before no longer holds. Call it at the beginning of the transaction, before any row is locked: an import
    that holds the number then waits for none of them."""
    if not Generation.objects.filter(pk=ONLY).update(number=F("number") + 1):
        Generation.objects.get_or_create(pk=ONLY, defaults={"number": 1})


def raises_generation(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb that writes what imports plan with, in one transaction."""

    @wraps(verb)
    def raising(*args: P.args, **kwargs: P.kwargs) -> T:
        with transaction.atomic():
            raise_generation()
            return verb(*args, **kwargs)

    return raising
