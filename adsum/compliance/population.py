"""Whom an authority may ask about: sponsored students, or those with funding. Nobody else has a pack of that scope."""

from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from adsum.accounts.models import Person
from adsum.accounts.rules import Access, Role
from adsum.compliance.models import Funding
from adsum.compliance.scopes import Scope
from adsum.compliance.sponsorship import current

SCOPES = {Role.COMPLIANCE_UKVI: Scope.UKVI, Role.COMPLIANCE_SLC: Scope.SLC}


def scopes_of(access: Access) -> list[Scope]:
    """The authorities whose packs a person makes."""
    return [scope for role, scope in SCOPES.items() if access.holds(role)]


def students_of(scope: Scope, on: date | None = None) -> QuerySet[Person]:
    """The students of an authority: on a day, or ever."""
    if scope == Scope.UKVI:
        return _people(current(on).values_list("student", flat=True))
    funded = Funding.objects.all()
    if on is not None:
        funded = funded.filter(Q(ends_on=None) | Q(ends_on__gte=on), starts_on__lte=on)
    return _people(funded.values_list("student", flat=True))


def _people(students: QuerySet[Any, int]) -> QuerySet[Person]:
    return Person.objects.filter(pk__in=students).order_by("pk")
