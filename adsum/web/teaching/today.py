"""A lecturer's first page: today's classes, the days around it, and what waits for an answer."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from adsum.accounts.rules import Role
from adsum.attendance.reports import open_queries, to_complete
from adsum.checkin.reports import held_in
from adsum.core.clock import civil_day, monday_of
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.web.class_rows import by_day, in_order, rows
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.teaching.tasks import tasks
from adsum.web.weeks import asked_week

AHEAD = timedelta(days=7)
HELD_FOR = timedelta(days=14)
"""How long a held scan is shown as waiting here; it stays on its register for good."""


@require_safe
@for_roles(frozenset({Role.LECTURER}))
def today(request: PersonRequest) -> HttpResponse:
    """Now, next, later, done; the coming week. With `?week=` that week instead."""
    mine = ClassSession.objects.taught_by(request.user)
    this_day = request.today
    week = asked_week(request)
    first, last = (week, week + timedelta(days=6)) if week else (this_day, this_day + AHEAD)
    start, end = civil_day(first, university_zone())[0], civil_day(last, university_zone())[1]
    listed = rows(in_order(mine.filter(starts_at__lt=end, ends_at__gt=start)), request.at)
    on_today = [] if week else [row for row in listed if localtime(row.session.starts_at).date() <= this_day]
    ready = {row.state: row.session.pk for row in reversed(on_today) if row.showable}
    monday = week or monday_of(this_day)
    context = {
        "week": week,
        "today": [row for row in on_today if row.session.ends_at > request.at],
        "earlier_today": [row for row in on_today if row.session.ends_at <= request.at],
        "lead": ready.get("now", ready.get("next")),
        "days": by_day(listed[len(on_today) :]),
        "upcoming": None if listed else mine.filter(starts_at__gte=end, status="scheduled").order_by("starts_at").first(),
        "day": request.at,
        "last": last,
        "earlier": monday - timedelta(weeks=1),
        "later": monday + timedelta(weeks=1),
        "queries": [] if week else open_queries(mine),
        "to_complete": [] if week else tasks(to_complete(mine), request.today),
        "held": [] if week else held_in(mine, request.at - HELD_FOR),
    }
    return render(request, "adsum/teaching/today.html", context)
