"""Placements: students who learn elsewhere for a time. While one lasts no class expects them, and no rule sees absence."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from adsum.absence.models import Placement
from adsum.absence.reports import classes_in, span_of
from adsum.absence.rules import Spell
from adsum.accounts.models import Person
from adsum.attendance.ahead import Origin, Says
from adsum.attendance.ahead_tables import Foreseen
from adsum.attendance.foreseen import foresee
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession

LONGEST = timedelta(days=500)
"""A year in industry and its holidays: what is longer is a date that was mistyped."""


@dataclass(frozen=True, slots=True)
class Stay:
    """From which day to which, both included, and with whom."""

    starts_on: date
    ends_on: date
    where: str

    def wrong(self) -> AdsumError | None:
        """What does not fit, as the error to raise; None when all of it does."""
        if self.ends_on < self.starts_on:
            return AdsumError("ends_first", _("A placement ends on or after its first day. Check the two dates."))
        if self.ends_on - self.starts_on > LONGEST:
            return AdsumError("too_long", _("A placement lasts at most 500 days. Check the two dates."))
        return None


@transaction.atomic
def place(student: Person, stay: Stay, *, act: Act, key: tuple[str, str] = ("", "")) -> Placement:
    """Note a placement, or, with the `key` of one that a file made (source, id there), say it anew, unless a person has ended
    that. Its classes expect the student no more, and marks that say that they were absent there follow.

    Raises AdsumError `ends_first`, `too_long`, and `own` when staff would note their own.
    """
    if wrong := stay.wrong():
        raise wrong
    if act.by.pk == student.pk:
        raise AdsumError("own", _("You cannot note a placement of your own. Ask a colleague."))
    known = None
    if key[0]:
        known = Placement.objects.select_for_update(of=("self",)).filter(source=key[0], source_id=key[1]).first()
    if known is not None:
        same = (known.student_id, known.starts_on, known.ends_on, known.where) == (
            student.pk,
            stay.starts_on,
            stay.ends_on,
            stay.where,
        )
        if same or known.ended_by_id is not None:
            return known
        if known.student_id != student.pk:
            foresee(Origin.PLACEMENT, known.ref, known.student, {}, act=act)
    placement = known or Placement(source=key[0], source_id=key[1], made_at=act.at, made_by=act.by)
    placement.student, placement.starts_on, placement.ends_on, placement.where = (
        student,
        stay.starts_on,
        stay.ends_on,
        stay.where,
    )
    placement.save()
    _note("placement.change" if known else "placement.make", placement, act)
    link_placement(placement, act=act)
    return placement


@transaction.atomic
def end_placement(placement: Placement, *, last_day: date, act: Act) -> Placement:
    """End it on that day, its last; on a day before its first it is taken back. Does nothing where it ends by then anyway.

    Raises AdsumError `own` as `place`.
    """
    placement = Placement.objects.select_for_update(of=("self",)).select_related("student").get(pk=placement.pk)
    if act.by.pk == placement.student_id:
        raise AdsumError("own", _("You cannot end a placement of your own. Ask a colleague."))
    if placement.last_day <= last_day:
        return placement
    placement.ended_on, placement.ended_at, placement.ended_by = last_day, act.at, act.by
    placement.save(update_fields=["ended_on", "ended_at", "ended_by"])
    _note("placement.end", placement, act)
    link_placement(placement, act=act)
    return placement


def _note(verb: str, placement: Placement, act: Act) -> None:
    audit_log.record(
        actor=act.by.actor,
        verb=verb,
        subject=f"placement:{placement.ref}",
        at=act.at,
        student=placement.student_id,
        starts_on=str(placement.starts_on),
        ends_on=str(placement.last_day),
    )


def link_placement(placement: Placement, *, act: Act) -> None:
    """Have every class of the placement say so, as the timetable stands now."""
    wanted: dict[int, Says] = {}
    if placement.last_day >= placement.starts_on:
        span = span_of(Spell(placement.starts_on, placement.last_day))
        wanted = dict.fromkeys(classes_in(placement.student, *span).values_list("pk", flat=True), Says.ON_PLACEMENT)
    foresee(Origin.PLACEMENT, placement.ref, placement.student, wanted, act=act)


def follow_classes(sessions: Iterable[ClassSession], students: Collection[int], *, at: datetime) -> int:
    """Link again the placements that say, or may have to say, something of these classes; how many."""
    pks, about = set[int](), Q(pk__in=[])
    for session in sessions:
        pks.add(session.pk)
        about |= Q(starts_on__lte=session.starts_on, ends_on__gte=session.starts_on, student__in=students)
    refs = Foreseen.objects.filter(session__in=pks, origin=Origin.PLACEMENT).values("ref")
    return _again(Placement.objects.filter(about | Q(ref__in=refs)).values_list("pk", flat=True) if pks else [], at)


def sweep_placements(*, since: date, at: datetime) -> int:
    """Link again every placement that ended on that day or later, for groups and enrolments may have changed; how many."""
    return _again(Placement.objects.filter(ends_on__gte=since).order_by("pk").values_list("pk", flat=True), at)


def _again(pks: Iterable[int], at: datetime) -> int:
    found = list(pks)
    for pk in found:
        with transaction.atomic():
            placement = Placement.objects.select_for_update(of=("self",)).select_related("student", "made_by").get(pk=pk)
            link_placement(placement, act=Act(placement.made_by, at))
    return len(found)
