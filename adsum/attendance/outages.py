"""Outages: declared, ended and withdrawn by a person. Registers that had closed as usual are put right, with a history; they
are put back if the outage was declared by mistake."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.closing import EXPLAINED, because_of
from adsum.attendance.marks import restore_marks, write_marks
from adsum.attendance.models import Mark, MarkChange, Outage, Register
from adsum.attendance.reports import LONGEST_BEFORE, outages_of, touched_by
from adsum.attendance.rules import Explanation, Reason, Source, Status
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession, Room, Site
from adsum.timetable.reports import expected_ids

BACK = timedelta(days=30)
"""How long ago an outage may have begun when it is declared."""
AHEAD = timedelta(days=7)
"""How far ahead to look for classes when the end of an outage is not known."""


class Touched(NamedTuple):
    """How many classes and students an outage touches, and how many absences it takes back."""

    classes: int
    students: int
    closed: int
    """Registers among them that had closed already."""
    absences: int
    """Absences that closing gave in those registers, and that become not observed."""


def _checked(outage: Outage, at: datetime) -> None:
    if not outage.reason.strip():
        raise AdsumError("no_reason", _("Say what happened: students read it."))
    if outage.ends_at is not None and outage.ends_at <= outage.starts_at:
        raise AdsumError("ends_first", _("An outage ends after it begins. Check the two times."))
    if outage.starts_at < at - BACK:
        raise AdsumError("too_old", _("An outage may have begun at most 30 days ago. Ask the attendance team to amend marks."))
    if outage.site is not None and outage.room is not None:
        raise AdsumError("where", _("Choose a site or a room, not both."))


def _standing(outage: Outage) -> Outage:
    outage = Outage.objects.select_for_update(of=("self",)).get(pk=outage.pk)
    if outage.withdrawn_at is not None:
        raise AdsumError("withdrawn", _("This outage has been withdrawn already. It touches nothing any more."))
    return outage


def _classes(outage: Outage, at: datetime) -> list[ClassSession]:
    """Classes that the outage may touch, as far as is known at `at`, without cancelled ones."""
    until = outage.ends_at or max(outage.starts_at, at) + AHEAD
    classes = ClassSession.objects.filter(ends_at__gt=outage.starts_at, starts_at__lt=until + LONGEST_BEFORE)
    return list(classes.exclude(status="cancelled").select_related("module"))


def _taken_back(sessions: Sequence[int]) -> list[Mark]:
    """Absences that only the closing of these registers gave."""
    given = Mark.objects.filter(session__in=sessions, status=Status.ABSENT, source=Source.SYSTEM)
    return list(given.select_for_update(of=("self",)).order_by("session", "student"))


def _turned(
    marks: Sequence[Mark], status: Status, outage: Outage, why: Reason, *, by: Person, at: datetime
) -> list[MarkChange]:
    """Give these marks that status and return the steps of their history. Saves neither."""
    changes = [
        MarkChange(
            session_id=mark.session_id,
            student_id=mark.student_id,
            before=mark.status,
            after=status,
            source=Source.SYSTEM,
            seen_at=mark.at,
            at=at,
            by=by,
            reason_code=why,
            reason=outage.reason,
        )
        for mark in marks
    ]
    for mark in marks:
        mark.status, mark.changed_at = status, at
    return changes


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
    *,
    by: Person,
    at: datetime,
    starts_at: datetime,
    ends_at: datetime | None,
    reason: str,
    site: Site | None = None,
    room: Room | None = None,
) -> Outage:
    """Declare that check-in could not be relied on. From now on, closing marks no student absent in the classes it touches;
    absences that closing has already given become not observed. What a person marked stays.

    Raises AdsumError `no_reason`, `ends_first`, `too_old` (begun more than 30 days ago) or `where`.
    """
    outage = Outage(
        site=site, room=room, starts_at=starts_at, ends_at=ends_at, reason=reason.strip()[:200], declared_by=by, declared_at=at
    )
    _checked(outage, at)
    outage.save()
    sessions = list(touched_by([outage], _classes(outage, at)))
    marks = _taken_back(sessions)
    changes = _turned(marks, Status.NOT_OBSERVED, outage, Reason.OUTAGE, by=by, at=at)
    write_marks(marks, changes, actor=by.actor, verb="mark.outage", at=at)
    empty = list(Register.objects.select_for_update().filter(session__in=sessions, state=Register.State.NOT_OBSERVED))
    for register in (one for one in empty if not one.explained):
        because_of(outage, register)
    Register.objects.bulk_update(empty, EXPLAINED, batch_size=500)
    audit_log.record(
        actor=by.actor,
        verb="outage.declare",
        subject=f"outage:{outage.pk}",
        at=at,
        starts_at=starts_at.isoformat(),
        ends_at=ends_at.isoformat() if ends_at else None,
        site=outage.site_id,
        room=outage.room_id,
        classes=len(sessions),
    )
    return outage


@transaction.atomic
def end_outage(outage: Outage, *, by: Person, at: datetime) -> Outage:
    """Say that it is over: classes whose check-in opens from now on are not touched. Does nothing when it had ended.

    Raises AdsumError `not_begun` for one that has not begun, `withdrawn` for one that is.
    """
    outage = _standing(outage)
    if outage.ends_at is not None and outage.ends_at <= at:
        return outage
    if outage.starts_at > at:
        raise AdsumError("not_begun", _("This outage has not begun yet. Withdraw it if it will not come."))
    outage.ends_at, outage.ended_by = at, by
    outage.save(update_fields=["ends_at", "ended_by"])
    audit_log.record(actor=by.actor, verb="outage.end", subject=f"outage:{outage.pk}", at=at)
    return outage


# Declared by mistake


class Returned(NamedTuple):
    """What withdrawing an outage gives back."""

    absences: int
    """Students not observed because of it who are absent again, as closing had them or would have."""
    registers: int
    """Registers that wait to be completed again."""


def _kept_by(outage: Outage, at: datetime) -> tuple[list[Mark], list[Register], dict[int, Outage]]:
    """What this outage alone did to its classes and has not been changed since: marks, in registers in which something was
    captured, and registers that it explains. Also, by class id, other outages that touch its classes."""
    classes = _classes(outage, at)
    sessions = touched_by([outage], classes)
    rest = Outage.objects.standing().exclude(pk=outage.pk)
    others = outages_of([one for one in classes if one.pk in sessions], at, rest)
    unseen = Mark.objects.filter(
        session__in=sessions.keys() - others.keys(),
        session__register__state=Register.State.CLOSED,
        status=Status.NOT_OBSERVED,
        source=Source.SYSTEM,
    )
    explained = Register.objects.filter(
        session__in=sessions,
        state=Register.State.NOT_OBSERVED,
        explained=Explanation.OUTAGE,
        explained_by=outage.declared_by_id,
        explained_at=outage.declared_at,
    )
    marks = unseen.select_for_update(of=("self",)).order_by("session", "student")
    return list(marks), list(explained.select_for_update(of=("self",))), others


@transaction.atomic
def preview_withdrawal(outage: Outage, *, at: datetime) -> Returned:
    """What withdrawing it would give back; writes nothing. Raises what `withdraw_outage` raises."""
    marks, registers, others = _kept_by(_standing(outage), at)
    return Returned(len(marks), sum(register.session_id not in others for register in registers))


@transaction.atomic
def withdraw_outage(outage: Outage, *, by: Person, at: datetime) -> Returned:
    """Withdraw an outage declared by mistake: it touches nothing any more. Students who are not observed only because of it
    become absent, as closing marked them or would have; registers it explained wait to be completed. What a person changed
    since stays.

    Raises AdsumError `withdrawn` when it is already.
    """
    outage = _standing(outage)
    outage.withdrawn_at, outage.withdrawn_by = at, by
    outage.save(update_fields=["withdrawn_at", "withdrawn_by"])
    marks, registers, others = _kept_by(outage, at)
    changes = _turned(marks, Status.ABSENT, outage, Reason.UNDONE, by=by, at=at)
    restore_marks(marks, changes, actor=by.actor, at=at)
    for register in registers:
        because_of(others.get(register.session_id), register)
    Register.objects.bulk_update(registers, EXPLAINED, batch_size=500)
    waiting = sum(not register.explained for register in registers)
    audit_log.record(
        actor=by.actor, verb="outage.withdraw", subject=f"outage:{outage.pk}", at=at, absences=len(marks), registers=waiting
    )
    return Returned(len(marks), waiting)
