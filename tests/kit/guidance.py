"""Guidance in force, for tests of what rests on its numbers."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.compliance.editions import Given, enter, load_shipped, put_in_force
from adsum.compliance.guidance import Authority, Number, numbers_of
from adsum.compliance.models import Edition
from tests.kit.world import NINE

SINCE = date(2025, 9, 1)


def in_force(by: Person, *, since: date = SINCE) -> list[Edition]:
    """Every edition that Adsum comes with, in force from a day on."""
    load_shipped(at=NINE)
    return [
        put_in_force(edition, since=max(since, edition.dated), act=Act(by, NINE))
        for edition in Edition.objects.filter(in_force_from=None).order_by("dated")
    ]


def edition(by: Person, changed: Mapping[Number, int], *, like: Edition) -> Edition:
    """An edition like another but for these numbers; not in force."""
    known = {Number(key): value for key, value in like.numbers.values_list("key", "value")}
    authority = Authority(like.authority)
    numbers = {key: Given(Decimal(changed[key]) if key in changed else known[key]) for key in numbers_of(authority)}
    return enter(
        authority,
        title="The next edition",
        source="§ 2",
        dated=date(2026, 12, 1),
        read=True,
        numbers=numbers,
        act=Act(by, NINE),
    )
