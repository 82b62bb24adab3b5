"""Which edition of an authority's guidance applies on a day, and the numbers it sets; and how editions come and are put in
force."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.guidance import MEANINGS, Authority, Number, Unit, numbers_of
from adsum.compliance.labels import AUTHORITIES, NUMBERS
from adsum.compliance.models import Edition, EditionNumber
from adsum.core.errors import AdsumError

SHIPPED = Path(__file__).with_name("editions.json")
"""Editions that Adsum comes with. None is in force before an officer says so."""
ACTOR = "system:guidance"


@dataclass(frozen=True, slots=True)
class Guidance:
    """The edition that applies, with its numbers: read once, and asked often."""

    edition: Edition
    values: Mapping[Number, Decimal]

    def number(self, key: Number) -> Decimal:
        """Raises AdsumError `no_number` where the edition in force does not set it."""
        if key not in self.values:
            raise AdsumError(
                "no_number",
                _("“%(edition)s” does not say: %(number)s. Enter an edition that does under Guidance, and put it in force.")
                % {"edition": self.edition.title, "number": NUMBERS[key]},
            )
        return self.values[key]

    def whole(self, key: Number) -> int:
        """The same, of days and other things that are counted."""
        return int(self.number(key))


def guidance(authority: Authority, on: date) -> Guidance:
    """What applies on a day (two queries). Raises AdsumError `no_edition`."""
    edition = edition_in_force(authority, on)
    return Guidance(edition, values_of(edition))


def edition_in_force(authority: Authority, on: date) -> Edition:
    """The edition that applies on a day (one query). Raises AdsumError `no_edition` when there is none."""
    begun = Edition.objects.filter(authority=authority, in_force_from__lte=on)
    edition = begun.select_related("put_in_force_by").order_by("-in_force_from").first()
    if edition is None:
        raise AdsumError(
            "no_edition",
            _(
                "No edition of the guidance of %(authority)s is in force on %(day)s. A compliance officer puts one in force "
                "under Guidance."
            )
            % {"authority": AUTHORITIES[authority], "day": date_format(on, "j F Y")},
        )
    return edition


def number(key: Number, on: date) -> Decimal:
    """What the edition in force on a day sets: the one place where a rule gets a number from (two queries). Raises AdsumError
    `no_edition` or `no_number`."""
    return guidance(MEANINGS[key].authority, on).number(key)


def values_of(edition: Edition) -> dict[Number, Decimal]:
    """The numbers of an edition (one query)."""
    known = set(Number)
    return {Number(key): value for key, value in edition.numbers.values_list("key", "value") if key in known}


# How they come


@dataclass(frozen=True, slots=True)
class Given:
    """A number, and where it stands."""

    value: Decimal
    source: str = ""


def why_not_number(key: Number, value: Decimal) -> str:
    """Why a number cannot be this; '' when it can."""
    if MEANINGS[key].unit == Unit.PERCENT:
        return "" if 0 <= value <= 100 else _("A percentage is between 0 and 100.")
    return "" if 0 < value <= 100_000 else _("It must be more than 0.")


@transaction.atomic
def load_shipped(*, at: datetime) -> int:
    """Enter the editions of the file that are not known yet; how many. Those that are known stay as they are."""
    known = set(Edition.objects.exclude(key="").values_list("key", flat=True))
    new = [one for one in json.loads(SHIPPED.read_text(encoding="utf-8")) if one["key"] not in known]
    for one in new:
        edition = Edition.objects.create(
            key=one["key"],
            authority=Authority(one["authority"]),
            title=one["title"],
            source=one["source"],
            dated=date.fromisoformat(one["dated"]),
            read=one["read"],
            entered_at=at,
        )
        _write(edition, {Number(key): Given(Decimal(said["value"]), said["source"]) for key, said in one["numbers"].items()})
        audit_log.record(actor=ACTOR, verb="edition.enter", subject=f"edition:{edition.pk}", at=at, key=edition.key)
    return len(new)


@transaction.atomic
def enter(
    authority: Authority, *, title: str, source: str, dated: date, read: bool, numbers: Mapping[Number, Given], act: Act
) -> Edition:
    """Enter an edition, which is not in force yet. Raises AdsumError `lacks` when it does not set every number of its
    authority, `number` for one that cannot be."""
    if missing := [one for one in numbers_of(authority) if one not in numbers]:
        raise AdsumError("lacks", _("Fill in: %(numbers)s.") % {"numbers": ", ".join(str(NUMBERS[one]) for one in missing)})
    for key, given in numbers.items():
        if why := why_not_number(key, given.value):
            raise AdsumError("number", f"{NUMBERS[key]}: {why}")
    edition = Edition.objects.create(
        authority=authority, title=title, source=source, dated=dated, read=read, entered_at=act.at, entered_by=act.by
    )
    _write(edition, numbers)
    audit_log.record(
        actor=act.by.actor,
        verb="edition.enter",
        subject=f"edition:{edition.pk}",
        at=act.at,
        authority=authority,
        dated=str(dated),
    )
    return edition


def _write(edition: Edition, numbers: Mapping[Number, Given]) -> None:
    EditionNumber.objects.bulk_create(
        [EditionNumber(edition=edition, key=key, value=given.value, source=given.source) for key, given in numbers.items()]
    )


def held(edition: Edition) -> Edition:
    """The edition as it stands now; nobody else puts one of its authority in force until the end of the transaction."""
    rows = Edition.objects.select_for_update(of=("self",)).filter(authority=edition.authority).order_by("pk")
    return next(one for one in rows if one.pk == edition.pk)


@transaction.atomic
def put_in_force(edition: Edition, *, since: date, act: Act, touched: Mapping[str, Any] | None = None) -> Edition:
    """From that day on this edition applies. Pages go through `adoption.adopt`, which shows first what it touches.

    Raises AdsumError `in_force` when it already is, `earlier` for a day before the edition that applies now, `day_taken`.
    """
    edition = held(edition)
    if edition.in_force_from is not None:
        raise AdsumError("in_force", _("This edition is in force already, or will be on the day that was chosen."))
    last = Edition.objects.filter(authority=edition.authority, in_force_from__gt=since).order_by("in_force_from").first()
    if last is not None:
        raise AdsumError(
            "earlier",
            _("“%(edition)s” applies from a later day. Choose a day after that, so that what was decided by it stays true.")
            % {"edition": last.title},
        )
    edition.in_force_from, edition.put_in_force_at, edition.put_in_force_by = since, act.at, act.by
    edition.touched = dict(touched or {})
    try:
        with transaction.atomic():
            edition.save(update_fields=["in_force_from", "put_in_force_at", "put_in_force_by", "touched"])
    except IntegrityError:
        raise AdsumError("day_taken", _("Another edition begins on that day. Choose the next.")) from None
    audit_log.record(actor=act.by.actor, verb="edition.in_force", subject=f"edition:{edition.pk}", at=act.at, since=str(since))
    return edition


def read_number(text: str) -> Decimal | None:
    """A number as people write it; None when it is none."""
    try:
        return Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        return None
