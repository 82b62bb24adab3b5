"""Standing adjustments: made, ended, and what they come to in a class. Marks that were made before stay as they are."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.ahead import MOST_EXTRA
from adsum.attendance.ahead_tables import Adjustment
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError

WARNED_BEFORE = timedelta(days=28)
"""How long before its end or its review an adjustment asks for attention."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What an adjustment says, and for how long."""

    starts_on: date
    ends_on: date | None = None
    review_on: date | None = None
    extra_minutes: int = 0
    by_hand: bool = False
    exempt_from: str = ""
    other_contact: bool = False
    instruction: str = ""

    @property
    def says_something(self) -> bool:
        return bool(self.extra_minutes or self.by_hand or self.exempt_from or self.other_contact or self.instruction)

    def wrong(self) -> AdsumError | None:
        """What does not fit, as the error to raise; None when all of it does."""
        if not self.says_something:
            return AdsumError("empty", _("Say what the adjustment is: tick or fill in at least one of them."))
        if self.extra_minutes > MOST_EXTRA:
            return AdsumError("too_long", _("An adjustment adds at most %(most)d minutes.") % {"most": MOST_EXTRA})
        if self.ends_on is not None and self.ends_on < self.starts_on:
            return AdsumError("ends_first", _("An adjustment ends on or after its first day. Check the two dates."))
        if self.review_on is not None and not self.starts_on <= self.review_on <= (self.ends_on or self.review_on):
            return AdsumError("review", _("The review is between the first day and the last. Check the dates."))
        return None


def attention(adjustments: Iterable[Adjustment], on: date) -> list[Adjustment]:
    """Those of these adjustments in force that end, or are to be looked at again, within four weeks of that day."""
    until = on + WARNED_BEFORE
    return [one for one in adjustments if any(day is not None and day <= until for day in (one.ends_on, one.review_on))]


@transaction.atomic
def adjust(
    student: Person, what: Arrangement, *, actor: str, at: datetime, by: Person | None = None, key: tuple[str, str] = ("", "")
) -> Adjustment:
    """Make an adjustment, or, with the `key` of one that a file made (source, id there), say it anew, unless a person has
    ended that. Registers and check-in heed it from now on.

    Raises AdsumError `empty`, `too_long`, `ends_first`, `review`, and `own` when staff would adjust their own classes.
    """
    if wrong := what.wrong():
        raise wrong
    if by is not None and by.pk == student.pk:
        raise AdsumError("own", _("You cannot make an adjustment for yourself. Ask a colleague."))
    said = {field.name: getattr(what, field.name) for field in fields(what)}
    known = None
    if key[0]:
        known = Adjustment.objects.select_for_update(of=("self",)).filter(source=key[0], source_id=key[1]).first()
    if known is not None:
        same = known.student_id == student.pk and all(getattr(known, name) == value for name, value in said.items())
        if same or known.ended_by_id is not None:
            return known
    adjustment = known or Adjustment(student=student, source=key[0], source_id=key[1], made_at=at, made_by=by)
    adjustment.student = student
    for name, value in said.items():
        setattr(adjustment, name, value)
    adjustment.ended_at = adjustment.ended_by = None
    adjustment.save()
    audit_log.record(
        actor=actor,
        verb="adjustment.change" if known else "adjustment.make",
        subject=f"adjustment:{adjustment.pk}",
        at=at,
        student=student.pk,
        starts_on=str(what.starts_on),
        ends_on=str(what.ends_on or ""),
    )
    return adjustment


@transaction.atomic
def end_adjustment(adjustment: Adjustment, *, last_day: date, actor: str, at: datetime, by: Person | None = None) -> Adjustment:
    """End it on that day, its last. Does nothing where it ends by then anyway.

    Raises AdsumError `own` as `adjust`.
    """
    adjustment = Adjustment.objects.select_for_update(of=("self",)).get(pk=adjustment.pk)
    if by is not None and by.pk == adjustment.student_id:
        raise AdsumError("own", _("You cannot end an adjustment of your own. Ask a colleague."))
    if adjustment.ends_on is not None and adjustment.ends_on <= last_day:
        return adjustment
    adjustment.ends_on, adjustment.ended_at, adjustment.ended_by = last_day, at, by
    adjustment.save(update_fields=["ends_on", "ended_at", "ended_by"])
    audit_log.record(
        actor=actor,
        verb="adjustment.end",
        subject=f"adjustment:{adjustment.pk}",
        at=at,
        student=adjustment.student_id,
        ends_on=str(last_day),
    )
    return adjustment
