"""Giving the team's work to a colleague, where the work has no owner of its own."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.engagement.models import Assigned

HOLDS_FOR = timedelta(days=90)
"""How long after it was given a thing counts as somebody's: what is older was settled, or is everybody's again."""


@transaction.atomic
def assign(kind: str, things: Collection[str], to: Person, *, act: Act) -> None:
    """From now on `to` has these things of that kind."""
    Assigned.objects.bulk_create(
        [Assigned(kind=kind, thing=thing, to=to, by=act.by, at=act.at) for thing in things],
        update_conflicts=True,
        unique_fields=["kind", "thing"],
        update_fields=["to", "by", "at"],
    )
    audit_log.record_all(
        [audit_log.Entry("work.assign", f"{kind}:{thing}", {"person": to.pk}) for thing in sorted(things)],
        actor=act.by.actor,
        at=act.at,
    )


def assigned(kinds: Collection[str], at: datetime) -> Mapping[str, dict[str, int]]:
    """By kind, which of its things a colleague who still works here has, and who (one query)."""
    found: dict[str, dict[str, int]] = {kind: {} for kind in kinds}
    rows = Assigned.objects.filter(kind__in=kinds, at__gt=at - HOLDS_FOR, to__is_active=True)
    for kind, thing, to in rows.values_list("kind", "thing", "to"):
        found[kind][thing] = to
    return found
