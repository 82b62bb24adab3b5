"""Whom an authority may ask about: sponsored students, or those with funding. Nobody else has a pack of that scope."""

from datetime import date

from django.db.models import Q, QuerySet

from adsum.accounts.models import Identifier, Person
from adsum.accounts.rules import Access, Role
from adsum.compliance.scopes import Scope

SCOPES = {Role.COMPLIANCE_UKVI: Scope.UKVI, Role.COMPLIANCE_SLC: Scope.SLC}
KINDS = {Scope.UKVI: "cas", Scope.SLC: "ssn"}


def scopes_of(access: Access) -> list[Scope]:
    """The authorities whose packs a person makes."""
    return [scope for role, scope in SCOPES.items() if access.holds(role)]


def students_of(scope: Scope, on: date | None = None) -> QuerySet[Person]:
    """The students of an authority: on a day, or ever."""
    known = Identifier.objects.filter(kind=KINDS[scope])
    if on is not None:
        known = known.filter(Q(valid_from=None) | Q(valid_from__lte=on), Q(valid_to=None) | Q(valid_to__gte=on))
    return Person.objects.filter(pk__in=known.values("person")).order_by("pk")
