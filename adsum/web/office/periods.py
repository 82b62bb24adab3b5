"""Periods that were reported to an authority outside: a form to add one, which first shows what it would lock, and a button
to withdraw one entered by mistake."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.models import Person
from adsum.accounts.reports import the_student
from adsum.accounts.rules import COMPLIANCE
from adsum.attendance import reported
from adsum.attendance.models import ReportedPeriod
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.timetable.reports import as_one_of
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

PAGE = 25
BODIES = {
    ReportedPeriod.Body.UKVI: gettext_lazy("UK Visas and Immigration"),
    ReportedPeriod.Body.SLC: gettext_lazy("Student Loans Company"),
    ReportedPeriod.Body.OTHER: gettext_lazy("Another authority"),
}


def _day(label: Any, needed: Any) -> DayField:
    return DayField(label=label, error_messages={"required": needed})


class PeriodForm(forms.Form):
    """The authority, the days and the student of a report."""

    body = forms.ChoiceField(label=gettext_lazy("Reported to"))
    starts_on = _day(gettext_lazy("First day"), gettext_lazy("Say from which day on."))
    ends_on = _day(gettext_lazy("Last day"), gettext_lazy("Say until which day."))
    student = forms.CharField(
        label=gettext_lazy("Student number or university e-mail"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("Empty: the report was about everyone."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    reference = forms.CharField(
        label=gettext_lazy("Reference"), max_length=120, required=False, help_text=gettext_lazy("To find the report again.")
    )

    def __init__(self, *args: Any, bodies: list[ReportedPeriod.Body], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].choices = [(body.value, BODIES[body]) for body in bodies]  # type: ignore[attr-defined]

    def clean_student(self) -> Person | None:
        called = self.cleaned_data["student"]
        if not called:
            return None
        if (student := the_student(called)) is None:
            raise forms.ValidationError(_("No single student has exactly this number or e-mail. Check it."))
        return student


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(COMPLIANCE)
def overview(request: PersonRequest) -> HttpResponse:
    """What was reported, newest first; a form for the next. A POST shows what it would lock, and then notes it."""
    posted = request.method == "POST"
    form = PeriodForm(request.POST if posted else None, bodies=ReportedPeriod.bodies_of(request.access))
    preview = None
    if form.is_valid():
        given = {**form.cleaned_data, "body": ReportedPeriod.Body(form.cleaned_data["body"])}
        try:
            if request.POST.get("step") == "report":
                reported.report_period(by=request.user, at=request.at, **given)
                messages.success(request, _("Noted. Only the attendance team changes these marks now, and you are told of it."))
                return redirect("reported_periods")
            preview = reported.preview_period(ReportedPeriod(**given), at=request.at)
        except AdsumError as refused:
            form.add_error("ends_on", refused.message)
    visible = ReportedPeriod.objects.visible_to(request.access)
    known = visible.select_related("student", "reported_by", "withdrawn_by").order_by("-reported_at", "-pk")
    waiting = Count("corrections", filter=Q(corrections__seen_at=None))
    page = Paginator(known.annotate(made=Count("corrections"), waiting=waiting), PAGE).get_page(request.GET.get("page"))
    counted = form.cleaned_data["student"] if preview else None
    students = {one.student_id for one in page if one.student_id} | ({counted.pk} if counted else set())
    looked_through(request, Page.REPORTED, [(pk, as_one_of(request.access, COMPLIANCE)) for pk in sorted(students)])
    rows = [(one, BODIES[ReportedPeriod.Body(one.body)]) for one in page]
    context = {"form": form, "preview": preview, "page": page, "rows": rows}
    return render(request, "adsum/office/periods.html", context, status=422 if posted and preview is None else 200)


@require_POST
@for_roles(COMPLIANCE)
def withdraw(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Withdraw a period entered by mistake."""
    period = get_object_or_404(ReportedPeriod.objects.visible_to(request.access), ref=ref)
    reported.withdraw_period(period, by=request.user, at=request.at)
    messages.success(request, _("Withdrawn. It locks nothing any more; corrections noted before stay on record."))
    return redirect("reported_periods")
