"""Outages: declared and ended by a person. What had closed as if nothing had happened is put right, with its history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.closing import EXPLAINED, because_of
from adsum.attendance.models import Mark, MarkChange, Outage, Register
from adsum.attendance.reports import LONGEST_BEFORE, touched_by
from adsum.attendance.rules import Reason, Source, Status
from adsum.attendance.services import write_marks
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession, Room, Site
from adsum.timetable.reports import expected_ids

BACK = timedelta(days=30)
"""How long ago an outage may have begun when it is declared."""
AHEAD = timedelta(days=7)
"""How far classes are looked for when nobody knows when it ends."""


class Touched(NamedTuple):
    """How many classes and students an outage touches, and how many absences it takes back."""

    classes: int
    students: int
    closed: int
    """Registers among them that had closed already."""
    absences: int
    """Absences that closing gave in those, which become not observed."""


def _checked(outage: Outage, at: datetime) -> None:
    if not outage.reason.strip():
        raise AdsumError("no_reason", _("Say what happened: students read it."))
    if outage.ends_at is not None and outage.ends_at <= outage.starts_at:
        raise AdsumError("ends_first", _("An outage ends after it begins. Check the two times."))
    if outage.starts_at < at - BACK:
        raise AdsumError("too_old", _("An outage may have begun at most 30 days ago. Ask the attendance team to amend marks."))
    if outage.site is not None and outage.room is not None:
        raise AdsumError("where", _("Choose a site or a room, not both."))


def _classes(outage: Outage, at: datetime) -> list[ClassSession]:
    """Those that may be touched, as it looks at that moment, and are not cancelled."""
    until = outage.ends_at or max(outage.starts_at, at) + AHEAD
    classes = ClassSession.objects.filter(ends_at__gt=outage.starts_at, starts_at__lt=until + LONGEST_BEFORE)
    return list(classes.exclude(status="cancelled").select_related("module"))


def _taken_back(sessions: Sequence[int]) -> list[Mark]:
    """Absences given by nobody but the closing of these registers."""
    given = Mark.objects.filter(session__in=sessions, status=Status.ABSENT, source=Source.SYSTEM)
    return list(given.select_for_update(of=("self",)).order_by("session", "student"))


@transaction.atomic
def preview_outage(outage: Outage, *, at: datetime) -> Touched:
    """What declaring this unsaved outage would touch (up to a week ahead while its end is not known); writes nothing.

    Raises what `declare_outage` raises.
    """
    _checked(outage, at)
    sessions = list(touched_by([outage], _classes(outage, at)))
    students = set[int]().union(*expected_ids(sessions).values())
    closed = Register.objects.filter(session__in=sessions).exclude(state=Register.State.OPEN)
    return Touched(len(sessions), len(students), closed.count(), len(_taken_back(sessions)))


@transaction.atomic
def declare_outage(
    *, by: Person, at: datetime, starts_at: datetime, ends_at: datetime | None, reason: str, site: Site | None = None,
    room: Room | None = None,
) -> Outage:  # fmt: skip
    """Declare that check-in could not be relied on. From now on closing makes nobody absent in the classes it touches; where
    it has done so already, those absences become not observed. What a person marked stays.

    Raises AdsumError `no_reason`, `ends_first`, `too_old` (begun more than 30 days ago) or `where`.
    """
    outage = Outage(
        site=site, room=room, starts_at=starts_at, ends_at=ends_at, reason=reason.strip()[:200], declared_by=by, declared_at=at
    )
    _checked(outage, at)
    outage.save()
    sessions = list(touched_by([outage], _classes(outage, at)))
    marks = _taken_back(sessions)
    changes = [
        MarkChange(
            session_id=mark.session_id, student_id=mark.student_id, before=mark.status, after=Status.NOT_OBSERVED,
            source=Source.SYSTEM, seen_at=mark.at, at=at, by=by, reason_code=Reason.OUTAGE, reason=outage.reason,
        )
        for mark in marks
    ]  # fmt: skip
    for mark in marks:
        mark.status, mark.changed_at = Status.NOT_OBSERVED, at
    write_marks(marks, changes, actor=by.actor, verb="mark.outage", at=at)
    empty = list(Register.objects.select_for_update().filter(session__in=sessions, state=Register.State.NOT_OBSERVED))
    for register in (one for one in empty if not one.explained):
        because_of(outage, register)
    Register.objects.bulk_update(empty, EXPLAINED, batch_size=500)
    audit_log.record(
        actor=by.actor, verb="outage.declare", subject=f"outage:{outage.pk}", at=at, starts_at=starts_at.isoformat(),
        ends_at=ends_at.isoformat() if ends_at else None, site=outage.site_id, room=outage.room_id, classes=len(sessions),
    )  # fmt: skip
    return outage


@transaction.atomic
def end_outage(outage: Outage, *, by: Person, at: datetime) -> Outage:
    """Say that it is over: classes whose check-in opens from now on are not touched. Does nothing when it had ended.

    Raises AdsumError `not_begun` for one that has not begun.
    """
    outage = Outage.objects.select_for_update(of=("self",)).get(pk=outage.pk)
    if outage.ends_at is not None and outage.ends_at <= at:
        return outage
    if outage.starts_at > at:
        raise AdsumError("not_begun", _("This outage has not begun yet. Declare another if its time has changed."))
    outage.ends_at, outage.ended_by = at, by
    outage.save(update_fields=["ends_at", "ended_by"])
    audit_log.record(actor=by.actor, verb="outage.end", subject=f"outage:{outage.pk}", at=at)
    return outage
