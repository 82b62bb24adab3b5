"""The week that a page is asked for."""

from datetime import date

from django.http import Http404, HttpRequest

from adsum.core.clock import monday_of


def asked_week(request: HttpRequest) -> date | None:
    """The Monday of `?week=` (any of its days); None without it. Raises Http404 for what is no day of any timetable."""
    if "week" not in request.GET:
        return None
    try:
        monday = monday_of(date.fromisoformat(request.GET["week"]))
    except ValueError as unread:
        raise Http404 from unread
    if monday.year not in range(1900, 2200):  # beyond any timetable, and near where dates end
        raise Http404
    return monday
