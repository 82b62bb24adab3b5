"""The only code by which a person changes a class: it is cancelled, restored, moved, covered or added.

A change by a person outside the timetabling team is a report: it takes effect at once, and waits to be confirmed or undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from adsum.accounts.generation import raises_generation
from adsum.accounts.models import Person
from adsum.audit.services import record, record_all
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassReport, ClassSession, Group, Module, Room
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import Change, ClassStatus, Delivery, Kind, change_between, times_refused
from adsum.timetable.services import class_facts, write_classes
from adsum.timetable.writes import ClassStep

NEW = "new"
"""What a report changes when it adds a class."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The wanted facts of a class; None leaves a fact as it is. Times are UTC."""

    status: ClassStatus | None = None
    times: tuple[datetime, datetime] | None = None
    rooms: Sequence[Room] | None = None
    staff: Sequence[Person] | None = None
    groups: Sequence[Group] | None = None
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True)
class NewClass:
    """A class that no timetable named. Times are UTC."""

    module: Module
    title: str
    kind: Kind
    starts_at: datetime
    ends_at: datetime
    groups: Sequence[Group]
    rooms: Sequence[Room] = ()
    staff: Sequence[Person] = ()
    delivery: Delivery = Delivery.IN_PERSON
    mandatory: bool = True


def _refuse_times(starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    """Raise AdsumError `order`, `long`, `past` or `future` for times that a person may not give."""
    sentences = {
        "order": _("The end comes before the start. Correct one of the two."),
        "long": _("This class would last longer than a day. Correct its start or its end."),
        "past": _("That is more than two weeks ago. Ask the timetabling team, who can import it."),
        "future": _("That is too far ahead. Check the year."),
    }
    if why := times_refused(starts_at, ends_at, at=at):
        raise AdsumError(why, sentences[why])


def _locked(session: ClassSession) -> ClassSession:
    return ClassSession.objects.select_for_update(of=("self",)).select_related("module").get(pk=session.pk)


@dataclass(slots=True)
class _Links:
    """The rooms, staff and groups of a class."""

    rooms: Sequence[Room]
    staff: Sequence[Person]
    groups: Sequence[Group]

    @classmethod
    def of(cls, session: ClassSession) -> _Links:
        groups = session.groups.select_related("module")
        return cls(list(session.rooms.all()), list(session.staff.all()), list(groups))


def _as_it_is(session: ClassSession, links: _Links) -> dict[str, Any]:
    """A class in the form of a report's `undo`."""
    return {
        "status": str(session.status),
        "when": [session.starts_at.isoformat(), session.ends_at.isoformat(), session.zone],
        "rooms": _keys(links.rooms),
        "staff": _keys(links.staff),
        "groups": _keys(links.groups),
        "delivery": str(session.delivery),
    }


def _keys(rows: Iterable[Any]) -> list[int]:
    return sorted(row.pk for row in rows)


def _set_times(session: ClassSession, starts_at: datetime, ends_at: datetime, zone: str) -> None:
    session.starts_at, session.ends_at, session.zone = starts_at, ends_at, zone
    session.starts_on = starts_at.astimezone(ZoneInfo(zone)).date()


def rooms_called(names: Iterable[str]) -> list[Room]:
    """The rooms with these names, ignoring case. An unknown room is added (a class may move to the lawn)."""
    rooms: dict[int, Room] = {}
    for name in names:
        known = Room.objects.filter(name__iexact=name).order_by("pk").first()
        room = known or _make_room(name[:200])
        rooms[room.pk] = room
    return list(rooms.values())


@raises_generation
def _make_room(name: str) -> Room:
    return Room.objects.create(name=name, by_hand=True)


@raises_generation
def change_class(
    session: ClassSession, wanted: Wanted, *, by: Person, at: datetime, reason: str = "", final: bool = False
) -> ClassSession:
    """Change a class at once as a person says. Facts that already are so stay; marks always stay.

    `final`: the timetabling team says so, which settles a report that waited. Otherwise a report waits for them.
    Raises AdsumError `over` for a class that was held and cannot move any more, `cancelled` for one that must first take
    place, and what `times_refused` says.
    """
    session = _locked(session)
    links = _Links.of(session)
    was, before = _as_it_is(session, links), class_facts(session, links.rooms, links.groups, links.staff)
    if wanted.times is not None and wanted.times != (session.starts_at, session.ends_at):
        if session.cancelled and wanted.status != ClassStatus.SCHEDULED:
            raise AdsumError("cancelled", _("This class is cancelled. Say first that it takes place, then move it."))
        if session.ends_at <= at:
            raise AdsumError("over", _("This class is over, so it stays where it was. Add an extra class for the new time."))
        _refuse_times(*wanted.times, at)
        _set_times(session, *wanted.times, session.zone)
    found = wanted.status is not None and session.suspect_since is not None
    if wanted.status is not None:
        session.status = wanted.status
    session.delivery = wanted.delivery or session.delivery
    if found:
        _found(session, at)
    links = _Links(
        links.rooms if wanted.rooms is None else list(wanted.rooms),
        links.staff if wanted.staff is None else list(wanted.staff),
        links.groups if wanted.groups is None else list(wanted.groups),
    )
    now = _as_it_is(session, links)
    touched = [name for name in was if was[name] != now[name]]
    if touched or found:
        _write(session, before, links, touched, by=by, at=at, reason=reason)
    if touched:
        if final:
            _settle(session, touched, by=by, at=at)
        else:
            report = _report(session, touched, {name: was[name] for name in touched}, by=by, at=at, reason=reason)
            if NEW not in report.touches and all(now[name] == value for name, value in report.undo.items()):
                report.decided_at, report.decided_by, report.confirmed = at, by, False  # a second change took it back
                report.save()
    return session


def _found(session: ClassSession, at: datetime) -> None:
    """Settle a class missing from its source: a person has said whether it takes place. If it does, it does not become suspect
    again until its source has named it. If not, the source counts as having left it out, and naming it again restores it."""
    session.suspect_since, session.kept_at = None, None if session.cancelled else at
    if session.cancelled and session.said:
        session.said["cancelled"] = True


def _write(
    session: ClassSession, before: Any, links: _Links, touched: Sequence[str], *, by: Person, at: datetime, reason: str
) -> None:
    after = class_facts(session, links.rooms, links.groups, links.staff)
    change = change_between(before, after)
    change = Change.RESTORED if change is Change.UNCHANGED else change  # missing from its source, and it takes place
    step = ClassStep(session, change, before, after, reason=reason.strip()[:200])
    step.rooms = links.rooms if "rooms" in touched else None
    step.staff = links.staff if "staff" in touched else None
    step.groups = links.groups if "groups" in touched else None
    record_all(write_classes([step], run=None, at=at, actor=by.actor), actor=by.actor, at=at)


def _report(
    session: ClassSession, touched: Sequence[str], undo: dict[str, Any], *, by: Person, at: datetime, reason: str
) -> ClassReport:
    """Keep one open report per class: a second report joins the first, and undoing goes back to before both."""
    report = ClassReport.objects.filter(session=session, decided_at=None).first() or ClassReport(session=session)
    report.by, report.at, report.reason = by, at, reason.strip()[:200]
    report.touches = sorted({*report.touches, *touched})
    report.undo = undo | report.undo
    report.save()
    return report


def _settle(session: ClassSession, touched: Sequence[str], *, by: Person, at: datetime) -> None:
    """Take what the timetabling team has decided off the open report of a class; when nothing is left, it is settled."""
    report = ClassReport.objects.filter(session=session, decided_at=None).first()
    if report is None:
        return
    report.touches = [name for name in report.touches if name not in touched]
    if not report.touches:
        report.touches, report.decided_at, report.decided_by, report.confirmed = sorted(touched), at, by, True
    report.save()


@raises_generation
def add_class(new: NewClass, *, by: Person, at: datetime, reason: str = "", final: bool = False) -> ClassSession:
    """Add a class that no timetable named. Raises what `times_refused` says, `no_groups`, or `other_module` when none of the
    groups is of the module."""
    _refuse_times(new.starts_at, new.ends_at, at)
    if not new.groups:
        raise AdsumError("no_groups", _("Choose at least one group: its students are expected."))
    if all(group.module_id != new.module.pk for group in new.groups):
        raise AdsumError("other_module", _("None of these groups is of that module. Choose one that is."))
    session = ClassSession(
        module=new.module,
        title=new.title.strip()[:250] or new.module.title,
        kind=new.kind,
        delivery=new.delivery,
        mandatory=new.mandatory,
    )
    _set_times(session, new.starts_at, new.ends_at, university_zone().key)
    after = class_facts(session, new.rooms, new.groups, new.staff)
    step = ClassStep(session, Change.NEW, None, after, new.rooms, new.groups, new.staff, reason.strip()[:200])
    record_all(write_classes([step], run=None, at=at, actor=by.actor), actor=by.actor, at=at)
    if not final:
        _report(session, [NEW], {"status": str(ClassStatus.CANCELLED)}, by=by, at=at, reason=reason)
    return session


def _open_report(report: ClassReport) -> ClassReport:
    """The report, locked. Raises AdsumError `decided` if a colleague was faster."""
    found = ClassReport.objects.select_for_update().filter(pk=report.pk, decided_at=None).first()
    if found is None:
        raise AdsumError("decided", _("A colleague has already decided this one. Reload the page to see how."))
    return found


@raises_generation
def confirm_report(report: ClassReport, *, by: Person, at: datetime) -> None:
    """Confirm a report: the class stays as reported, also in later imports, until its source says something new about it."""
    report = _open_report(report)
    report.decided_at, report.decided_by, report.confirmed = at, by, True
    report.save()
    record(actor=by.actor, verb="report.confirm", subject=f"session:{report.session_id}", at=at)


@raises_generation
def undo_report(report: ClassReport, *, by: Person, at: datetime) -> ClassSession:
    """Undo a report: the class becomes what its source says, or what it was before if it has no source. Marks stay."""
    report = _open_report(report)
    session = _locked(ClassSession(pk=report.session_id))
    links = _Links.of(session)
    was, before = _as_it_is(session, links), class_facts(session, links.rooms, links.groups, links.staff)
    back: dict[str, Any] = report.undo
    session.status, session.delivery = back.get("status", session.status), back.get("delivery", session.delivery)
    if "when" in back:
        start, end, zone = back["when"]
        _set_times(session, datetime.fromisoformat(start), datetime.fromisoformat(end), zone)
    links = _Links(
        list(Room.objects.filter(pk__in=back["rooms"])) if "rooms" in back else links.rooms,
        list(Person.objects.filter(pk__in=back["staff"])) if "staff" in back else links.staff,
        list(Group.objects.filter(pk__in=back["groups"]).select_related("module")) if "groups" in back else links.groups,
    )
    now = _as_it_is(session, links)
    if touched := [name for name in was if was[name] != now[name]]:
        _write(session, before, links, touched, by=by, at=at, reason="")
    report.decided_at, report.decided_by, report.confirmed = at, by, False
    report.save()
    record(actor=by.actor, verb="report.undo", subject=f"session:{report.session_id}", at=at)
    return session
