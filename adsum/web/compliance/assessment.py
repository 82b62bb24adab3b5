"""The Basic Compliance Assessment: how the university stands, and how many more may leave each course. Totals, for officers."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance.assessment import Assessment, Measured, assessment, enter_decisions
from adsum.compliance.bca import Band, Metric
from adsum.core.errors import AdsumError
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

METRICS = {
    Metric.REFUSALS: gettext_lazy("Refused visas"),
    Metric.ENROLMENT: gettext_lazy("Enrolment"),
    Metric.COMPLETION: gettext_lazy("Completion"),
}
BANDS = {Band.GREEN: gettext_lazy("Green"), Band.AMBER: gettext_lazy("Amber"), Band.RED: gettext_lazy("Red")}
MEANS = {
    Band.GREEN: gettext_lazy("Every metric that can be measured is green."),
    Band.AMBER: gettext_lazy("Amber freezes the allocation of CAS."),
    Band.RED: gettext_lazy("Red cuts the allocation of CAS by a tenth or more."),
}


class VisaForm(forms.Form):
    first = DayField(label=gettext_lazy("From"))
    last = DayField(label=gettext_lazy("To"))
    decided = forms.IntegerField(label=gettext_lazy("Applications decided"), min_value=0, max_value=1_000_000)
    refused = forms.IntegerField(label=gettext_lazy("Of these refused"), min_value=0, max_value=1_000_000)
    overturned = forms.IntegerField(
        label=gettext_lazy("Of these overturned"),
        min_value=0,
        max_value=1_000_000,
        initial=0,
        help_text=gettext_lazy("Only a successful administrative review takes a refusal away."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(frozenset({Role.COMPLIANCE_UKVI}))
def bca(request: PersonRequest) -> HttpResponse:
    """The year of today; a POST enters what became of visa applications."""
    posted = request.method == "POST"
    form = VisaForm(request.POST if posted else None)
    if form.is_valid():
        try:
            enter_decisions(**form.cleaned_data, act=Act(request.user, request.at))
        except AdsumError as refused:
            form.add_error("last" if refused.code == "days" else "refused", refused.message)
        else:
            messages.success(request, _("Entered."))
            return redirect("bca")
    context: dict[str, Any] = {"form": form}
    try:
        context |= _shown(assessment(request.access.on))
    except AdsumError as none:
        context["missing"] = none.message
    return render(request, "adsum/compliance/bca.html", context, status=422 if posted else 200)


def _shown(known: Assessment) -> dict[str, Any]:
    return {
        "known": known,
        "rating": BANDS[known.rating] if known.rating else "",
        "means": MEANS[known.rating] if known.rating else "",
        "rows": [(METRICS[one.metric], one, BANDS[one.band] if one.band else "", _limits(one)) for one in known.measured],
    }


def _limits(one: Measured) -> str:
    """The bands of a metric, in words."""
    if one.limits is None:
        return _("This edition does not say what is green, so there is no band.")
    numbers = {"green": f"{one.limits.green.normalize():f}", "red": f"{one.limits.red.normalize():f}"}
    if one.metric == Metric.REFUSALS:
        return _("Green below %(green)s%%, red from %(red)s%% on.") % numbers
    return _("Green from %(green)s%% on, red below %(red)s%%.") % numbers
