"""Liability points: data of each academic year and product, entered or imported, with the page they were read in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.models import Confirmation, LiabilityPoint
from adsum.compliance.slc_codes import ConfirmationState
from adsum.compliance.slc_rules import Point
from adsum.core.errors import AdsumError

Key = tuple[str, str]
"""Academic year and product."""
WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Given:
    """A liability point as a person or a file gives it."""

    academic_year: str
    product: str
    number: int
    starts_on: date
    deadline: date
    pays_on: date
    share: Decimal
    source: str
    says: str = ""

    @property
    def key(self) -> Key:
        return self.academic_year, self.product


def points_of(keys: Iterable[Key]) -> dict[Key, list[LiabilityPoint]]:
    """By year and product, their liability points in order (one query); those without any are left out."""
    wanted = set(keys)
    years = {year for year, _product in wanted}
    found: dict[Key, list[LiabilityPoint]] = {}
    for point in LiabilityPoint.objects.filter(academic_year__in=years).order_by("number"):
        key = point.academic_year, point.product
        if key in wanted:
            found.setdefault(key, []).append(point)
    return found


def as_money(points: Iterable[LiabilityPoint]) -> list[Point]:
    """The same, as far as money goes."""
    return [Point(one.number, one.starts_on, one.pays_on, one.share) for one in points]


@transaction.atomic
def enter_points(given: Sequence[Given], *, act: Act) -> int:
    """Enter the liability points of one or more years and products: those named are replaced, as long as nothing was confirmed
    at them; how many. Raises AdsumError `numbers`, `days`, `shares` or `confirmed` with what to correct."""
    by_key: dict[Key, list[Given]] = {}
    for one in given:
        by_key.setdefault(one.key, []).append(one)
    for key, points in by_key.items():
        _check(key, sorted(points, key=lambda one: one.number))
    known = {(*key, one.number): one for key, points in points_of(by_key).items() for one in points}
    _refuse_confirmed(known, given)
    for one in given:
        old = known.get((*one.key, one.number))
        values = {
            "starts_on": one.starts_on,
            "deadline": one.deadline,
            "pays_on": one.pays_on,
            "share": one.share,
            "says": one.says,
            "source": one.source,
            "entered_at": act.at,
            "entered_by": act.by,
        }
        if old is None:
            LiabilityPoint.objects.create(academic_year=one.academic_year, product=one.product, number=one.number, **values)
        else:
            LiabilityPoint.objects.filter(pk=old.pk).update(**values)
    for (year, product), points in by_key.items():
        audit_log.record(
            actor=act.by.actor,
            verb="liability.enter",
            subject=f"liability:{year}/{product}",
            at=act.at,
            points=[[one.number, str(one.starts_on), str(one.deadline), str(one.pays_on), str(one.share)] for one in points],
        )
    return len(given)


def _check(key: Key, points: Sequence[Given]) -> None:
    what = {"what": " ".join(key)}
    if [one.number for one in points] != list(range(1, len(points) + 1)):
        raise AdsumError("numbers", _("%(what)s: number the liability points 1, 2, 3, each once.") % what)
    for one in points:
        if one.pays_on < one.starts_on or one.pays_on < one.deadline:
            raise AdsumError("days", _("%(what)s: the payment comes after the liability date and the deadline.") % what)
    if any(later.starts_on <= one.starts_on for one, later in pairwise(points)):
        raise AdsumError("days", _("%(what)s: each liability point begins after the one before.") % what)
    if sum(one.share for one in points) != WHOLE:
        raise AdsumError("shares", _("%(what)s: the shares of all points together have to be 100.") % what)


def _refuse_confirmed(known: Mapping[tuple[str, str, int], LiabilityPoint], given: Sequence[Given]) -> None:
    """What a code was confirmed by does not change any more; only its deadline and its payment day may."""
    touched = [
        old.pk
        for one in given
        if (old := known.get((*one.key, one.number))) is not None and (old.starts_on, old.share) != (one.starts_on, one.share)
    ]
    said = [ConfirmationState.CONFIRMED, ConfirmationState.LOCKED]
    if touched and Confirmation.objects.filter(point__in=touched, state__in=said).exists():
        raise AdsumError(
            "confirmed", _("Codes were confirmed at one of these points: its liability date and share stay as they are.")
        )
