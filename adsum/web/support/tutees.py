"""A personal tutor's first page: their tutees, those who need them most first."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from adsum.accounts.rules import Access, Role
from adsum.audit.rules import Page
from adsum.timetable.reports import Relation, students_visible_to
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.support.students import rows
from adsum.web.viewing import looked_through

PER_PAGE = 50


def by_need(row: dict[str, Any]) -> tuple[float, int, str, int]:
    """Least attendance first, then most open queries, then by name; students with nothing to count come last."""
    percent = row["percent"]
    return (101 if percent is None else percent, -row["queries"], row["student"].family_name.casefold(), row["student"].pk)


@require_safe
@for_roles(frozenset({Role.TUTOR}))
def tutees(request: PersonRequest) -> HttpResponse:
    """The person's tutees of today."""
    as_tutor = Access(request.access.on, {Role.TUTOR: None})
    listed = rows(request, list(students_visible_to(request.user, as_tutor)))
    page = Paginator(sorted(listed, key=by_need), PER_PAGE).get_page(request.GET.get("page"))
    looked_through(request, Page.STUDENTS, [(row["student"].pk, Relation(Role.TUTOR)) for row in page])
    return render(request, "adsum/support/tutees.html", {"page": page, "rows": page.object_list})
