"""A number that rises with every write to what an import compares a file with: people, roles, groups, places, classes.
As long as it stays the same, a plan made from those tables holds. Scans and marks do not raise it."""

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
    """The number, locked until the transaction ends: transactions that would raise it wait. Lock it before any other row."""
    Generation.objects.get_or_create(pk=ONLY)
    return Generation.objects.select_for_update().get(pk=ONLY).number


def raise_generation() -> None:
    """Raise the number: plans made before no longer hold. Call it at the beginning of the transaction, before any row is
    locked, so that an import that has locked the number never waits for one of those rows."""
    if not Generation.objects.filter(pk=ONLY).update(number=F("number") + 1):
        Generation.objects.get_or_create(pk=ONLY, defaults={"number": 1})


def raises_generation(verb: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that writes what imports plan with: it runs in one transaction and raises the number."""

    @wraps(verb)
    def raising(*args: P.args, **kwargs: P.kwargs) -> T:
        with transaction.atomic():
            raise_generation()
            return verb(*args, **kwargs)

    return raising
