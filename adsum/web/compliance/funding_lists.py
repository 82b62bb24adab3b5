"""What does not fit together: profiles that match nobody, rows of the worklist that are not ours, another course or fee; and
who is not registered yet."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.compliance.funding import settle_left_over
from adsum.compliance.funding_reports import (
    DIFFERS,
    NOT_OURS,
    latest_worklists,
    left_over,
    not_on_worklist,
    on_lists,
    open_registrations,
    rows_with,
    with_timers,
)
from adsum.compliance.slc_codes import Finding
from adsum.compliance.slc_labels import FINDINGS
from adsum.compliance.slc_numbers import slc_numbers
from adsum.core.errors import AdsumError
from adsum.integrations.imports.problems import Problem
from adsum.web.acts import act_of
from adsum.web.compliance.funding import LISTS, OFFICERS, looked_at_funding
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

PAGE = 50


@require_safe
@for_roles(OFFICERS)
def lists(request: PersonRequest) -> HttpResponse:
    """One of the four lists, 50 rows to a page."""
    show = request.GET.get("show", "")
    show = show if show in LISTS else next(iter(LISTS))
    counts = on_lists(request.today)
    context: dict[str, Any] = {
        "show": show,
        "tabs": [(name, label, counts[name]) for name, label in LISTS.items()],
        "query": f"show={show}&",
        "worklists": latest_worklists(request.today),
    }
    if show == "left_over":
        page: Any = Paginator(left_over(), PAGE).get_page(request.GET.get("page"))
        context["rows"] = [(one, Problem(one.code, one.file, one.line, values=one.values).message) for one in page]
    elif show == "missing":
        found = [(point, funding) for one in context["worklists"] for point, funding in _missing(one)]
        page = Paginator(found, PAGE).get_page(request.GET.get("page"))
        context["rows"] = list(page)
        looked_at_funding(request, {funding.student_id for _point, funding in page})
    else:
        page = Paginator(rows_with(DIFFERS if show == "differs" else NOT_OURS, request.today), PAGE).get_page(
            request.GET.get("page")
        )
        context["rows"] = [(one, FINDINGS[Finding(one.finding)]) for one in page]
        looked_at_funding(request, {one.funding.student_id for one in page if one.funding})
    context["page"] = page
    return render(request, "adsum/compliance/funding_lists.html", context)


def _missing(worklist: Any) -> list[tuple[Any, Any]]:
    return [(worklist.point, one) for one in not_on_worklist(worklist.point, worklist).order_by("student__family_name", "pk")]


@require_POST
@for_roles(OFFICERS)
def settled(request: PersonRequest, row: int) -> HttpResponse:
    """A person has dealt with a row that matched nobody."""
    settle_left_over(get_object_or_404(left_over(), pk=row), act=act_of(request))
    messages.success(request, _("Noted. It is off the list."))
    return redirect("funding_lists")


@require_safe
@for_roles(OFFICERS)
def registrations(request: PersonRequest) -> HttpResponse:
    """Funded students whose registration is not confirmed, the longest waiting first."""
    page = Paginator(open_registrations(request.today), PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {"page": page, "rows": []}
    try:
        context["rows"] = with_timers(list(page), request.today, slc_numbers(request.today))
    except AdsumError as missing:
        context["missing"] = missing.message
    looked_at_funding(request, {one.student_id for one in page})
    return render(request, "adsum/compliance/funding_registrations.html", context)
