"""Placements: those that last and those to come, a form for a new one, and many from a file."""

from datetime import timedelta
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.absence.models import Placement
from adsum.absence.placements import Stay, end_placement, place
from adsum.accounts.rules import KEEPS_RECORDS, Role
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.integrations.imports.placements_csv import bring_placements
from adsum.timetable.reports import as_one_of, students_visible_to
from adsum.web.acts import act_of
from adsum.web.entered import DayField
from adsum.web.files import bring, file_form
from adsum.web.guards import for_roles, for_roles_everywhere
from adsum.web.middleware import PersonRequest
from adsum.web.student_forms import AboutStudentForm
from adsum.web.viewing import looked_through

PAGE = 50
COLUMNS = gettext_lazy("A CSV with the columns id, student, starts_on, ends_on (as 2026-11-30) and where.")


class PlacementForm(AboutStudentForm):
    """Who, with whom, and for how long."""

    where = forms.CharField(
        label=gettext_lazy("With whom"),
        max_length=120,
        help_text=gettext_lazy("The company, school or ward. Teachers only read that the student is not expected."),
        error_messages={"required": gettext_lazy("Say with whom the student is.")},
    )
    starts_on = DayField(label=gettext_lazy("From"), error_messages={"required": gettext_lazy("Say from which day.")})
    ends_on = DayField(label=gettext_lazy("To"), error_messages={"required": gettext_lazy("Say up to which day.")})


def _mine(request: PersonRequest) -> QuerySet[Placement]:
    return Placement.objects.visible_to(request.user, request.access).select_related("student", "made_by")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(KEEPS_RECORDS)
def overview(request: PersonRequest) -> HttpResponse:
    """Placements of the students of one's departments that are not over; a form for a new one."""
    posted = request.method == "POST"
    form = PlacementForm(request.POST if posted else None, students=students_visible_to(request.user, request.access))
    if form.is_valid():
        given = form.cleaned_data
        try:
            stay = Stay(given["starts_on"], given["ends_on"], given["where"].strip())
            made = place(given["number"], stay, act=act_of(request))
            messages.success(request, _("Saved for %(name)s. They are not expected in class then.") % {"name": made.student})
            return redirect("placements")
        except AdsumError as refused:
            form.add_error(None, refused.message)
    text = request.GET.get("q", "").strip()[:100]
    lasting = _mine(request).filter(ends_on__gte=request.today).exclude(ended_on__lt=request.today)
    if text:
        name = Q(student__family_name__istartswith=text) | Q(student__given_name__istartswith=text)
        lasting = lasting.filter(name | Q(student__number=text))
    page = Paginator(lasting.order_by("starts_on", "student__family_name", "pk"), PAGE).get_page(request.GET.get("page"))
    relation = as_one_of(request.access, KEEPS_RECORDS)
    looked_through(request, Page.PLACEMENTS, [(one.student_id, relation) for one in page])
    context = {
        "form": form,
        "page": page,
        "today": request.today,
        "q": text,
        "query": f"q={text}&" if text else "",
        "everywhere": request.access.departments(Role.ATTENDANCE_TEAM) is None,
    }
    return render(request, "adsum/office/placements.html", context, status=422 if posted else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles_everywhere(frozenset({Role.ATTENDANCE_TEAM}))
def from_file(request: PersonRequest) -> HttpResponse:
    """Bring placements in. For an attendance team over the whole university: a file does not stop at a department."""
    form = file_form(request, COLUMNS)
    brought = bring(form, lambda content, name: bring_placements(content, name, act=act_of(request)))
    failed = request.method == "POST" and brought is None
    return render(
        request, "adsum/office/placements_file.html", {"form": form, "brought": brought}, status=422 if failed else 200
    )


@require_POST
@for_roles(KEEPS_RECORDS)
def end(request: PersonRequest, ref: UUID) -> HttpResponse:
    """End one: its last day was yesterday. One that has not begun is taken back."""
    one = get_object_or_404(_mine(request), ref=ref)
    try:
        end_placement(one, last_day=request.today - timedelta(days=1), act=act_of(request))
        messages.success(request, _("Ended. The student is expected in class again from today."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("placements")
