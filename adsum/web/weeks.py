"""The week that a page is asked for."""

from datetime import date

from django.http import Http404, HttpRequest

from adsum.core.clock import monday_of
from adsum.web.entered import day_of


def asked_week(request: HttpRequest) -> date | None:
    """The Monday of `?week=` (any of its days); None without it. Raises Http404 for what is no day of any timetable."""
    if "week" not in request.GET:
        return None
    if (day := day_of(request.GET["week"])) is None:
        raise Http404
    return monday_of(day)
