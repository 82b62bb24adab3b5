"""A person changes a class: the timetable, its check-in and every gate, in one step."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.generation import raises_generation
from adsum.accounts.models import Person
from adsum.attendance.models import Register
from adsum.attendance.policies import terms_of
from adsum.attendance.reports import is_team_of, observed_in, reported_in
from adsum.checkin.services import follow_timetable
from adsum.core.errors import AdsumError
from adsum.timetable import changes
from adsum.timetable.changes import NewClass, Wanted
from adsum.timetable.models import ClassReport, ClassSession, Group
from adsum.timetable.rules import ClassStatus, Delivery

CANCELLED, TAKES_PLACE = Wanted(status=ClassStatus.CANCELLED), Wanted(status=ClassStatus.SCHEDULED)
ONLINE, IN_THE_ROOM = Wanted(delivery=Delivery.REMOTE), Wanted(delivery=Delivery.IN_PERSON)


def weigh(session: ClassSession, wanted: Wanted, *, by: Person, at: datetime, final: bool = False) -> bool:
    """Whether a person must first prove who they are to change this class (docs/adr/0012): marks of a closed register would no
    longer count, count again, or belong to a class that was taught in another way.

    Raises AdsumError for changes that a class that is over does not allow: `over` (its time and groups; the timetabling team,
    `final`, may change them while nothing is captured), `closed` for people of neither team, `reported` for days reported
    outside.
    """
    if session.ends_at > at:
        return False
    captured = session.pk in observed_in([session.pk])
    moved = wanted.times is not None and wanted.times != (session.starts_at, session.ends_at)
    if (moved or wanted.groups is not None) and (captured or not final):
        raise AdsumError("over", _("This class is over, so its time and its groups stay. Add an extra class instead."))
    said = wanted.status not in {None, session.status} or wanted.delivery not in {None, session.delivery}
    if not said or not captured:
        return False
    if reported_in([session.pk]):
        raise AdsumError(
            "reported",
            _(
                "The attendance of this day has been reported to another authority, so the class stays as it is. The "
                "attendance team can change its marks: each is then a correction."
            ),
        )
    if not _is_settled(session, at):
        return False
    if not (final or is_team_of(session, by, at)):
        raise AdsumError(
            "closed", _("This class is over and has marks. Only the attendance or the timetabling team can say that now.")
        )
    return True


def _is_settled(session: ClassSession, at: datetime) -> bool:
    """Whether the register of a class that is over has closed. The register of a cancelled class stays open for ever, so for
    it the question is whether the deadline for changing marks is over."""
    if session.cancelled:
        return at >= session.ends_at + timedelta(hours=terms_of(session).amend_hours)
    return Register.objects.filter(session=session).exclude(state=Register.State.OPEN).exists()


@transaction.atomic
def change(
    session: ClassSession,
    wanted: Wanted,
    *,
    by: Person,
    at: datetime,
    reason: str = "",
    final: bool = False,
    rooms: Sequence[str] | None = None,
) -> ClassSession:
    """Do `timetable.changes.change_class`, and make check-in follow. `rooms`: by their names, known or not. Raises what that
    and `weigh` raise."""
    if rooms is not None:
        wanted = replace(wanted, rooms=changes.rooms_called(rooms))
    weigh(session, wanted, by=by, at=at, final=final)
    changed = changes.change_class(session, wanted, by=by, at=at, reason=reason, final=final)
    follow_timetable([session.pk], actor=by.actor, at=at)
    return changed


@transaction.atomic
def add(
    new: NewClass, *, by: Person, at: datetime, reason: str = "", final: bool = False, rooms: Sequence[str] = ()
) -> ClassSession:
    """Do `timetable.changes.add_class`, and tell the gates. `rooms`: by their names, known or not."""
    new = replace(new, rooms=changes.rooms_called(rooms)) if rooms else new
    session = changes.add_class(new, by=by, at=at, reason=reason, final=final)
    follow_timetable([], actor=by.actor, at=at)
    return session


def weigh_undoing(report: ClassReport, *, by: Person, at: datetime) -> bool:
    """The same as `weigh`, for taking a report back."""
    back = report.undo
    status = ClassStatus(back["status"]) if "status" in back else None
    groups = list(Group.objects.filter(pk__in=back["groups"])) if "groups" in back else None
    times = (datetime.fromisoformat(back["when"][0]), datetime.fromisoformat(back["when"][1])) if "when" in back else None
    delivery = Delivery(back["delivery"]) if "delivery" in back else None
    return weigh(report.session, Wanted(status, times, groups=groups, delivery=delivery), by=by, at=at, final=True)


@transaction.atomic
def decide(report: ClassReport, *, confirmed: bool, by: Person, at: datetime) -> None:
    """The timetabling team confirms a report, or undoes it, and check-in follows."""
    if confirmed:
        changes.confirm_report(report, by=by, at=at)
    else:
        weigh_undoing(report, by=by, at=at)
        changes.undo_report(report, by=by, at=at)
        follow_timetable([report.session_id], actor=by.actor, at=at)


@raises_generation
def decide_missing(session: ClassSession, *, cancelled: bool, by: Person, at: datetime) -> None:
    """The timetabling team decides about a class that is missing from its source. Does nothing if the source names it again
    meanwhile, or if a colleague was faster. Raises what `weigh` raises."""
    suspect = ClassSession.objects.select_for_update(of=("self",)).filter(pk=session.pk, suspect_since__isnull=False)
    if found := suspect.select_related("module").first():
        change(found, CANCELLED if cancelled else TAKES_PLACE, by=by, at=at, final=True)
