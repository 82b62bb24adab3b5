"""Standing adjustments: those that ask for attention, those in force, a form for a new one, and a button that ends one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.rules import Role
from adsum.attendance.adjustments import Arrangement, attention
from adsum.attendance.ahead import MOST_EXTRA, allowance
from adsum.attendance.ahead_tables import Adjustment
from adsum.attendance.labels import instructions
from adsum.audit.rules import Page
from adsum.checkin import adjusting
from adsum.core.errors import AdsumError
from adsum.integrations.imports.adjustments_csv import bring_adjustments
from adsum.timetable.reports import as_one_of, students_visible_to
from adsum.timetable.rules import Kind
from adsum.web.entered import DayField
from adsum.web.files import bring, file_form
from adsum.web.guards import for_roles, for_roles_everywhere
from adsum.web.middleware import PersonRequest
from adsum.web.student_forms import AboutStudentForm
from adsum.web.templatetags.adsum_ui import kind_label
from adsum.web.viewing import looked_through

TEAM = frozenset({Role.ATTENDANCE_TEAM})
PAGE = 50


class AdjustmentForm(AboutStudentForm):
    """What to do for whom, and for how long. There is no field for the reason."""

    extra_minutes = forms.IntegerField(
        label=gettext_lazy("More minutes to check in"),
        min_value=0,
        max_value=MOST_EXTRA,
        required=False,
        help_text=gettext_lazy("In time and late alike, never past the end of the class."),
    )
    by_hand = forms.BooleanField(label=gettext_lazy("Teachers mark this student by hand"), required=False)
    exempt_from = forms.ChoiceField(label=gettext_lazy("Not expected in"), required=False)
    other_contact = forms.BooleanField(label=gettext_lazy("Keeps in touch in other ways than classes"), required=False)
    instruction = forms.CharField(
        label=gettext_lazy("Anything else teachers are asked to do"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Teachers read it. Write what to do, never why, and nothing medical."),
    )
    starts_on = DayField(label=gettext_lazy("From"), error_messages={"required": gettext_lazy("Say from which day.")})
    ends_on = DayField(label=gettext_lazy("To"), required=False, help_text=gettext_lazy("Leave empty for no end date."))
    review_on = DayField(label=gettext_lazy("Look at it again on"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [("", _("–")), *((kind.value, kind_label(kind)) for kind in Kind)]
        self.fields["exempt_from"].choices = kinds  # type: ignore[attr-defined]

    @property
    def said(self) -> Arrangement:
        given = {name: value for name, value in self.cleaned_data.items() if name != "number"}
        return Arrangement(
            **given | {"extra_minutes": given["extra_minutes"] or 0, "instruction": given["instruction"].strip()}
        )


def _what(one: Adjustment) -> list[str]:
    """Everything that an adjustment says."""
    exempt = [_("Not expected in: %(kind)s") % {"kind": kind_label(one.exempt_from)}] if one.exempt_from else []
    return [*exempt, *instructions(allowance([one], ""))]


def _mine(request: PersonRequest) -> Any:
    return Adjustment.objects.visible_to(request.user, request.access).select_related("student", "made_by")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(TEAM)
def overview(request: PersonRequest) -> HttpResponse:
    """Adjustments of the students of one's departments, those to look at first; a form for a new one."""
    posted = request.method == "POST"
    students = students_visible_to(request.user, request.access)
    form = AdjustmentForm(request.POST if posted else None, students=students, initial={"starts_on": request.today})
    if form.is_valid():
        try:
            made = adjusting.make(form.cleaned_data["number"], form.said, by=request.user, at=request.at)
            messages.success(request, _("Saved for %(name)s. It applies from now on.") % {"name": made.student})
            return redirect("office_adjustments")
        except AdsumError as refused:
            form.add_error(None, refused.message)
    text = request.GET.get("q", "").strip()[:100]
    lasting = _mine(request).filter(Q(ends_on=None) | Q(ends_on__gte=request.today))
    if text:
        name = Q(student__family_name__istartswith=text) | Q(student__given_name__istartswith=text)
        lasting = lasting.filter(name | Q(student__number=text))
    soon = {one.pk for one in attention(lasting, request.today)}
    by_urgency = sorted(lasting, key=lambda one: (one.pk not in soon, one.student.family_name, one.student.given_name, one.pk))
    page = Paginator(by_urgency, PAGE).get_page(request.GET.get("page"))
    relation = as_one_of(request.access, TEAM)
    looked_through(request, Page.ADJUSTMENTS, [(one.student_id, relation) for one in page])
    rows = [{"one": one, "what": _what(one), "soon": one.pk in soon, "to_come": one.starts_on > request.today} for one in page]
    query = f"q={text}&" if text else ""
    context = {"form": form, "rows": rows, "page": page, "q": text, "query": query, "soon": len(soon)}
    context["everywhere"] = request.access.departments(Role.ATTENDANCE_TEAM) is None
    return render(request, "adsum/office/adjustments.html", context, status=422 if posted else 200)


COLUMNS = gettext_lazy(
    "A CSV with the columns id, student and starts_on, and any of ends_on, review_on, extra_minutes, by_hand, "
    "exempt_from, other_contact and instruction."
)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles_everywhere(TEAM)
def from_file(request: PersonRequest) -> HttpResponse:
    """Bring adjustments in. For an attendance team over the whole university: a file does not stop at a department."""
    form = file_form(request, COLUMNS)
    brought = bring(form, lambda content, name: bring_adjustments(content, name, by=request.user, at=request.at))
    failed = request.method == "POST" and brought is None
    return render(
        request, "adsum/office/adjustments_file.html", {"form": form, "brought": brought}, status=422 if failed else 200
    )


@require_POST
@for_roles(TEAM)
def end(request: PersonRequest, ref: UUID) -> HttpResponse:
    """End one today: its last day was yesterday."""
    one = get_object_or_404(_mine(request), ref=ref)
    try:
        adjusting.end(one, last_day=request.today - timedelta(days=1), by=request.user, at=request.at)
        messages.success(request, _("Ended. Marks that were made stay as they are."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("office_adjustments")
