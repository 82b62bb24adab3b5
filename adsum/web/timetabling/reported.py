"""Changes of classes reported from the room: the timetabling team confirms each, or undoes it."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import IMPORTS
from adsum.checkin import class_changes as changes
from adsum.core.errors import AdsumError
from adsum.integrations.imports import reports
from adsum.timetable.models import ClassReport
from adsum.web.class_news import undoing
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup

PER_PAGE = 25


@require_safe
@for_roles(IMPORTS)
def index(request: PersonRequest) -> HttpResponse:
    """Each class as it is now and as it would be after undoing, by whom and why."""
    page = Paginator(reports.open_reports(), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(report, steps) for report, steps in undoing(page.object_list)]
    return render(request, "adsum/timetabling/reported.html", {"page": page, "rows": rows})


@require_POST
@for_roles(IMPORTS)
def decide(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Confirm one report, or undo it: where marks of a class that is over then count again, after a fresh proof."""
    report = get_object_or_404(ClassReport.objects.select_related("session"), ref=ref)
    confirmed = request.POST.get("decision") != "undo"
    try:
        if not confirmed and changes.weigh_undoing(report, by=request.user, at=request.at) and (first := stepup.ask(request)):
            return first
        changes.decide(report, confirmed=confirmed, by=request.user, at=request.at)
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        done = _("Confirmed. It stays so when its timetable is imported again.")
        messages.success(request, done if confirmed else _("Undone. The class is as its timetable says."))
    return redirect("class_reports")
