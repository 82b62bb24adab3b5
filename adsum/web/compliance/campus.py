"""Which sponsored students were on campus today, or this week, and which were not seen."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import Person
from adsum.audit.rules import Page
from adsum.compliance.campus import Seen, Where, on_campus, places_of
from adsum.compliance.sponsorship import sponsored
from adsum.core.clock import monday_of
from adsum.integrations.files import exports
from adsum.timetable.reports import as_one_of, university_zone
from adsum.web.compliance import UKVI
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.teaching.sheet import download
from adsum.web.viewing import looked_through

PER_PAGE = 50


class Row(NamedTuple):
    """A sponsored student, and when they were seen."""

    student: Person
    seen: Seen | None
    where: Where | None = None


def _placed(rows: Iterable[Row]) -> list[Row]:
    """The same, with what and where the class was in which they were seen last."""
    listed = list(rows)
    places = places_of({one.seen.session for one in listed if one.seen is not None and one.seen.session is not None})
    return [one._replace(where=places.get(one.seen.session or 0) if one.seen else None) for one in listed]


def _asked(request: HttpRequest, today: date) -> tuple[str, date, date]:
    """`day` or `week`, and its first and last day: the one that is asked for, at most today's."""
    span = "week" if request.GET.get("span") == "week" else "day"
    try:
        on = min(date.fromisoformat(request.GET.get("on", "")), today)
    except ValueError:
        on = today
    first = monday_of(on) if span == "week" else on
    return span, first, min(first + timedelta(days=6), today) if span == "week" else on


def _rows(request: PersonRequest, first: date, last: date) -> list[Row]:
    profiles = sponsored(None, last)
    people = Person.objects.filter(pk__in=profiles).exclude(pk=request.user.pk).order_by("family_name", "given_name", "pk")
    seen = on_campus(list(profiles), first, last, university_zone())
    return [Row(one, seen.get(one.pk)) for one in people]


@require_safe
@for_roles(UKVI)
def campus(request: PersonRequest) -> HttpResponse:
    """Who was seen on a day or in a week, and who was not (six queries, however many)."""
    span, first, last = _asked(request, request.today)
    rows = _rows(request, first, last)
    show = "unseen" if request.GET.get("show") == "unseen" else "seen"
    listed = [one for one in rows if (one.seen is None) == (show == "unseen")]
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    relation = as_one_of(request.access, UKVI)
    looked_through(request, Page.DUTIES, [(one.student.pk, relation) for one in page])
    back = timedelta(days=7 if span == "week" else 1)
    context = {
        "span": span,
        "first": first,
        "last": last,
        "before": first - back,
        "after": first + back if first + back <= request.today else None,
        "page": page,
        "rows": _placed(page),
        "show": show,
        "seen": sum(one.seen is not None for one in rows),
        "whole": len(rows),
    }
    return render(request, "adsum/compliance/campus.html", context)


@require_POST
@for_roles(UKVI)
@stepup.required
def as_table(request: PersonRequest) -> HttpResponse:
    """The same of everyone, as a table."""
    _span, first, last = _asked(request, request.today)
    rows: list[list[object]] = [
        [one.student.number, one.student.display_name, *_cells(one)] for one in _placed(_rows(request, first, last))
    ]
    header = ["number", "name", "times", "days", "last_seen", "where"]
    table = exports.Table(("on-campus", first.isoformat(), last.isoformat()), header, rows)
    return download(exports.taken(table, "csv", what="campus", subject="sponsored:all", by=request.user, at=request.at))


def _cells(row: Row) -> list[object]:
    seen, where = row.seen, row.where
    if seen is None:
        return [0, 0, "", ""]
    return [
        seen.times,
        seen.days,
        seen.at.astimezone(university_zone()).isoformat(timespec="minutes"),
        where.rooms if where is not None else seen.place,
    ]
