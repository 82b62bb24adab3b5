"""Changes of classes in words: the flags of every list, and what undoing a report would bring back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.attendance.labels import DELIVERIES
from adsum.timetable.models import ClassReport, ClassSession, Group, Room
from adsum.timetable.reports import News
from adsum.web.times import from_to

FIELDS = {
    "new": gettext_lazy("Extra class"),
    "status": gettext_lazy("Status"),
    "when": gettext_lazy("Time"),
    "rooms": gettext_lazy("Room"),
    "staff": gettext_lazy("Taught by"),
    "groups": gettext_lazy("Groups"),
    "delivery": gettext_lazy("Taught"),
}
"""The facts that a report can change, in words."""


def flags(session: ClassSession, news: News | None, *, staff: bool) -> list[str]:
    """What changed lately, for a list; `session` comes with its rooms. `staff`: what only staff need to know too."""
    told: list[str] = []
    if news is None:
        return told
    if news.added:
        told.append(_("Extra class"))
    if news.restored and not session.cancelled:
        told.append(_("Takes place after all"))
    if news.starts_at is not None and news.starts_at != session.starts_at:
        same_day = localtime(news.starts_at).date() == localtime(session.starts_at).date()
        before = date_format(localtime(news.starts_at), "H:i" if same_day else "D j M, H:i")
        told.append(_("Moved, was %(time)s") % {"time": before})
    if news.rooms is not None and _in_other_rooms(session, news):
        told.append(_("Room changed, was %(room)s") % {"room": ", ".join(news.rooms) or _("none")})
    if news.covered:
        told.append(_("Someone else teaches it"))
    if news.groups_changed and staff:
        told.append(_("Groups changed"))
    if news.reported_by and staff:
        told.append(_("Reported by %(name)s, timetabling to confirm") % {"name": news.reported_by})
    return told


def _in_other_rooms(session: ClassSession, news: News) -> bool:
    rooms = session.rooms.all()
    if news.room_ids is None:
        return {room.name for room in rooms} != set(news.rooms or ())
    return {room.pk for room in rooms} != news.room_ids


def undoing(reports: Iterable[ClassReport]) -> list[tuple[ClassReport, list[tuple[str, str, str]]]]:
    """Each report with its steps: (what, as it is now, as it would be after undoing). Three queries, however many."""
    listed = list(reports)
    names = {
        "rooms": _names(Room.objects.in_bulk(_keys(listed, "rooms"))),
        "staff": {pk: person.display_name for pk, person in Person.objects.in_bulk(_keys(listed, "staff")).items()},
        "groups": _names(Group.objects.in_bulk(_keys(listed, "groups"))),
    }
    return [(report, [(str(FIELDS[name]), *_step(report, name, names)) for name in report.touches]) for report in listed]


def _keys(reports: list[ClassReport], name: str) -> set[int]:
    return {key for report in reports for key in report.undo.get(name, [])}


def _names(rows: dict[int, Any]) -> dict[int, str]:
    return {pk: str(row) for pk, row in rows.items()}


def _step(report: ClassReport, name: str, names: dict[str, dict[int, str]]) -> tuple[str, str]:
    session, back = report.session, report.undo.get(name)
    if name == "new":
        return from_to(session.starts_at, session.ends_at), _("cancelled")
    if name == "status":
        on, off = _("takes place"), _("cancelled")
        return off if session.cancelled else on, off if back == "cancelled" else on
    if name == "when":
        start, end, _zone = back or ("", "", "")
        return from_to(session.starts_at, session.ends_at), from_to(datetime.fromisoformat(start), datetime.fromisoformat(end))
    if name == "delivery":
        return str(DELIVERIES[session.delivery]), str(DELIVERIES[back or session.delivery])
    related: Any = getattr(session, name).all()
    now = sorted(row.display_name if isinstance(row, Person) else str(row) for row in related)
    then = sorted(names[name].get(key, "–") for key in back or [])
    return ", ".join(now) or "–", ", ".join(then) or "–"
