"""A person changes a class: the timetable, its check-in and every gate, in one step."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from adsum.accounts.models import Person
from adsum.checkin.services import follow_timetable
from adsum.timetable import changes
from adsum.timetable.changes import NewClass, Wanted
from adsum.timetable.models import ClassReport, ClassSession


@transaction.atomic
def change(
    session: ClassSession, wanted: Wanted, *, by: Person, at: datetime, reason: str = "", final: bool = False,
    rooms: Sequence[str] | None = None,
) -> ClassSession:  # fmt: skip
    """As `timetable.changes.change_class`, and check-in follows. `rooms`: by their names, known or not."""
    if rooms is not None:
        wanted = replace(wanted, rooms=changes.rooms_called(rooms))
    changed = changes.change_class(session, wanted, by=by, at=at, reason=reason, final=final)
    follow_timetable([session.pk], actor=by.actor, at=at)
    return changed


@transaction.atomic
def add(
    new: NewClass, *, by: Person, at: datetime, reason: str = "", final: bool = False, rooms: Sequence[str] = ()
) -> ClassSession:
    """As `timetable.changes.add_class`, and the gates know of it. `rooms`: by their names, known or not."""
    new = replace(new, rooms=changes.rooms_called(rooms)) if rooms else new
    session = changes.add_class(new, by=by, at=at, reason=reason, final=final)
    follow_timetable([], actor=by.actor, at=at)
    return session


@transaction.atomic
def decide(report: ClassReport, *, confirmed: bool, by: Person, at: datetime) -> None:
    """The timetabling team confirms a report, or undoes it, and check-in follows."""
    if confirmed:
        changes.confirm_report(report, by=by, at=at)
    else:
        changes.undo_report(report, by=by, at=at)
        follow_timetable([report.session_id], actor=by.actor, at=at)
