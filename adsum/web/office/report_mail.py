"""Reports by mail: those that a person has, a form for another, and a button that stops one."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.models import Department
from adsum.accounts.rules import STAFF, Role
from adsum.core.errors import AdsumError
from adsum.messages import ordering
from adsum.messages.models import ReportOrder
from adsum.messages.report_rules import NEEDS, Every, Report
from adsum.messages.topics.ordered import EVERY, LABELS
from adsum.web.departments import DepartmentField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

ORDERS = frozenset[Role]().union(*NEEDS.values())


class OrderForm(forms.Form):
    """What, of which department, and how often."""

    what = forms.ChoiceField(label=gettext_lazy("Report"))
    department = DepartmentField()
    every = forms.ChoiceField(label=gettext_lazy("When"), choices=[(one.value, label) for one, label in EVERY.items()])

    def __init__(self, request: PersonRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = [(one.value, LABELS[one]) for one in Report if request.access.holds(*NEEDS[one])]
        self.fields["what"].choices = mine  # type: ignore[attr-defined]
        reach = request.access.departments(*ORDERS)
        if reach is not None:
            every = Department.objects.filter(pk__in=reach).order_by("name")
            self.fields["department"].queryset = every  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(ORDERS)
def report_mail(request: PersonRequest) -> HttpResponse:
    """One's own reports, and a form for another."""
    posted = request.method == "POST"
    form = OrderForm(request, request.POST if posted else None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            ordering.order(request.user, Report(given["what"]), given["department"], Every(given["every"]), at=request.at)
            messages.success(request, _("It comes from now on, with totals and a link."))
            return redirect("report_mail")
        except AdsumError as refused:
            form.add_error(None, refused.message)
    mine = ReportOrder.objects.standing().filter(owner=request.user).select_related("department").order_by("pk")
    rows = [{"one": one, "what": LABELS[Report(one.what)], "every": EVERY[Every(one.every)]} for one in mine]
    return render(request, "adsum/office/report_mail.html", {"form": form, "rows": rows}, status=422 if posted else 200)


@require_POST
@for_roles(STAFF)
def stop(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One of one's own comes no more; whatever roles are left."""
    ordering.stop(
        get_object_or_404(ReportOrder.objects.filter(owner=request.user).select_related("owner"), ref=ref), at=request.at
    )
    messages.success(request, _("Stopped. Nothing more comes."))
    return redirect("report_mail" if request.roles & ORDERS else "home")
