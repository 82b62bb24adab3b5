"""For the data-protection officer: records opened from outside, at once; and what was unusual, week by week."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import BreakGlass, Person
from adsum.accounts.reports import unusual_in_week
from adsum.accounts.rules import READS_ACCESS_LOG, Role
from adsum.accounts.services import note_break_glass_seen
from adsum.audit.rules import MANY_CLASSES, MANY_LISTED, MANY_OUTSIDE, MANY_PEOPLE, NIGHT, REPEATED, Finding, Unusual
from adsum.core.clock import monday_of
from adsum.messages.topics.oversight import UNUSUAL
from adsum.timetable.reports import university_zone
from adsum.web.entered import day_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.oversight.particulars import what_is_missing
from adsum.web.role_labels import purpose_label, role_label

PER_PAGE = 25
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "what": lambda row: list(Unusual).index(row["finding"].kind),
    "who": lambda row: _name(row["viewer"]),
    "whose": lambda row: _name(row["person"]),
    "count": lambda row: -row["finding"].count,
    "last": lambda row: -row["finding"].last.timestamp(),
}


def _name(person: Person | None) -> tuple[str, str]:
    return (person.family_name.casefold(), person.given_name.casefold()) if person else ("", "")


@require_safe
@for_roles(READS_ACCESS_LOG)
def access(request: PersonRequest) -> HttpResponse:
    """Records opened from outside, those not yet read about first; below, one week's unusual looks."""
    this_week = monday_of(request.today)
    monday = _monday(request.GET["week"]) if "week" in request.GET else this_week
    if monday > this_week:
        raise Http404
    findings = unusual_in_week(monday, university_zone())
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else "what"
    waits = ExpressionWrapper(Q(seen_at=None), output_field=BooleanField())
    opened = BreakGlass.objects.select_related("viewer", "student", "seen_by").annotate(waits=waits)
    page = Paginator(opened.order_by("-waits", "-opened_at", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    found = Paginator(sorted(_rows(findings), key=SORTS[sort]), PER_PAGE)
    context = {
        "opened": [
            {
                "one": one,
                "role": role_label(one.role),
                "purpose": purpose_label(one.purpose),
                "is_open": one.ends_at > request.at,
            }
            for one in page
        ],
        "page": page,
        "unseen": BreakGlass.objects.filter(seen_at=None).count(),
        "missing": what_is_missing(),
        "may_note": Role.DATA_PROTECTION in request.roles,
        "rows": found.get_page(request.GET.get("found")),
        "sort": sort,
        "found_query": f"week={monday}&sort={sort}&",
        "monday": monday,
        "sunday": monday + timedelta(days=6),
        "before": monday - timedelta(weeks=1),
        "after": monday + timedelta(weeks=1) if monday < this_week else None,
        "this_week": monday == this_week,
        "limits": {
            "outside": MANY_OUTSIDE,
            "people": MANY_PEOPLE,
            "listed": MANY_LISTED,
            "classes": MANY_CLASSES,
            "repeated": REPEATED,
            "from": NIGHT[0].strftime("%H:%M"),
            "to": NIGHT[1].strftime("%H:%M"),
        },
    }
    return render(request, "adsum/oversight/access.html", context)


def _rows(findings: list[Finding]) -> list[dict[str, Any]]:
    """Findings with their people (one query)."""
    people = Person.objects.in_bulk({pk for one in findings for pk in (one.viewer, one.person) if pk})
    return [
        {
            "finding": one,
            "what": UNUSUAL[one.kind],
            "viewer": people.get(one.viewer),
            "person": people.get(one.person) if one.person else None,
        }
        for one in findings
    ]


def _monday(text: str) -> date:
    monday = day_of(text)
    if monday is None or monday.weekday():
        raise Http404
    return monday


@require_POST
@for_roles(frozenset({Role.DATA_PROTECTION}))
def seen(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The data-protection officer has read why a record was opened."""
    note_break_glass_seen(get_object_or_404(BreakGlass, ref=ref), by=request.user, at=request.at)
    return redirect("privacy_access")
