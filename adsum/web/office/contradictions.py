"""Contradictions: what two records say of a student and cannot both be so, for the attendance team to look at."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import Role
from adsum.attendance.ahead import Contrary
from adsum.attendance.ahead_tables import Contradiction
from adsum.attendance.contradictions import note_contradiction
from adsum.attendance.labels import CONTRARIES
from adsum.audit.rules import Page
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import as_one_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

TEAM = frozenset({Role.ATTENDANCE_TEAM})
PAGE = 50


def waiting(request: PersonRequest) -> Any:
    """Those that nobody has looked at, in classes of this person's departments; never about themselves."""
    mine = ClassSession.objects.visible_to(request.user, request.access).values("pk")
    return Contradiction.objects.filter(seen_at=None, session__in=mine).exclude(student=request.user)


@require_safe
@for_roles(TEAM)
def overview(request: PersonRequest) -> HttpResponse:
    """What was found and waits, the latest first."""
    found = waiting(request).select_related("student", "session__module", "other").order_by("-found_at", "-pk")
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    relation = as_one_of(request.access, TEAM)
    looked_through(request, Page.CONTRADICTIONS, [(one.student_id, relation) for one in page])
    rows = [{"one": one, "what": CONTRARIES[Contrary(one.kind)]} for one in page]
    return render(request, "adsum/office/contradictions.html", {"rows": rows, "page": page})


@require_POST
@for_roles(TEAM)
def seen(request: PersonRequest, row: int) -> HttpResponse:
    """Take one off the list, having looked."""
    note_contradiction(get_object_or_404(waiting(request), pk=row), by=request.user, at=request.at)
    messages.success(request, _("Off the list."))
    return redirect("office_contradictions")
