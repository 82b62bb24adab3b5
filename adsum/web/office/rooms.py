"""Room use, for Estates and those who timetable: what was booked, where people came, and where nobody was seen."""

from datetime import timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import KEEPS_REGISTERS, Role
from adsum.attendance.room_use import Use, use_of_rooms
from adsum.core.clock import monday_of
from adsum.integrations.files import exports
from adsum.integrations.files.tables import FORMS
from adsum.timetable.models import ClassSession
from adsum.web.entered import day_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.teaching.sheet import download
from adsum.web.weeks import asked_week

SEES_ROOMS = KEEPS_REGISTERS | {Role.TIMETABLING, Role.ADMINISTRATOR}
WEEK = timedelta(weeks=1)


def _uses(request: PersonRequest, monday: object) -> list[Use]:
    everything = request.access.holds(Role.TIMETABLING, Role.ADMINISTRATOR)
    sessions = ClassSession.objects.all()
    if not everything:
        sessions = sessions.visible_to(request.user, request.access)
    return use_of_rooms(sessions.filter(starts_on__gte=monday, starts_on__lt=monday + WEEK), request.at)  # type: ignore[operator]


@require_safe
@for_roles(SEES_ROOMS)
def rooms(request: PersonRequest) -> HttpResponse:
    """The rooms of one week."""
    this = monday_of(request.today)
    monday = asked_week(request) or this
    uses = _uses(request, monday)
    context = {
        "uses": uses,
        "monday": monday,
        "sunday": monday + timedelta(days=6),
        "before": monday - WEEK,
        "after": monday + WEEK if monday < this else None,
        "booked": sum(one.booked for one in uses),
        "unseen": sum(one.unseen for one in uses),
        "cancelled": sum(one.cancelled for one in uses),
    }
    return render(request, "adsum/office/rooms.html", context)


@require_POST
@for_roles(SEES_ROOMS)
def rooms_file(request: PersonRequest, form: str) -> HttpResponse:
    """The same as a file."""
    monday = day_of(request.POST.get("week", ""))
    if form not in FORMS or monday is None:
        raise Http404
    monday = monday_of(monday)
    header = [
        _("room"), _("site"), _("seats"), _("booked"), _("hours"), _("cancelled"), _("used"), _("nobody seen"),
        _("people"), _("expected"),
    ]  # fmt: skip
    rows = [
        [
            one.room.name,
            one.room.site.name if one.room.site else "",
            one.room.capacity or "",
            one.booked,
            round(one.hours, 1),
            one.cancelled,
            one.used,
            one.unseen,
            one.people,
            one.expected,
        ]
        for one in _uses(request, monday)
    ]
    table = exports.Table(["rooms", f"{monday}"], header, rows)
    return download(exports.taken(table, form, what="rooms", subject="session:*", by=request.user, at=request.at))
