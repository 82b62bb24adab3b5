"""Who steps in: who takes what has no owner, by department, and who is away."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.engagement.covering import end_leave, name_fallback, take_leave
from adsum.engagement.models import Fallback, Leave
from adsum.web.acts import act_of
from adsum.web.guards import for_roles_everywhere
from adsum.web.middleware import PersonRequest

NAMES = frozenset({Role.ADMINISTRATOR, Role.ATTENDANCE_TEAM})
DUTIES = {
    Fallback.Duty.CASES: gettext_lazy("Cases without a tutor"),
    Fallback.Duty.WELLBEING: gettext_lazy("Wellbeing: hears of every concern"),
}


class ColleagueField(forms.CharField):
    """A colleague by their university e-mail, exactly."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        super().__init__(max_length=254, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> Person | None:
        text = super().clean(value)
        if not text:
            return None
        found = Person.objects.filter(username=text.strip().casefold(), is_active=True).first()
        if found is None:
            raise forms.ValidationError(_("No colleague has exactly this e-mail. Check it in the directory."))
        return found


class NameForm(forms.Form):
    department = forms.ModelChoiceField(
        Department.objects.order_by("name"),
        required=False,
        label=gettext_lazy("Department"),
        empty_label=gettext_lazy("The whole university"),
    )
    duty = forms.ChoiceField(label=gettext_lazy("For what?"), choices=list(DUTIES.items()))
    person = ColleagueField(label=gettext_lazy("University e-mail"))


class LeaveForm(forms.Form):
    person = ColleagueField(label=gettext_lazy("Who is away? University e-mail"))
    deputy = ColleagueField(
        label=gettext_lazy("Who does their work?"), required=False, help_text=gettext_lazy("Empty: the department’s person.")
    )
    starts_on = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label=gettext_lazy("Until"), widget=forms.DateInput(attrs={"type": "date"}))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles_everywhere(NAMES)
def overview(request: PersonRequest) -> HttpResponse:
    """Who is named and who is away; two forms that change it. Open cases move at once."""
    action = request.POST.get("action") if request.method == "POST" else None
    naming = NameForm(request.POST if action == "name" else None, auto_id="name_%s")
    leaving = LeaveForm(request.POST if action == "leave" else None, auto_id="leave_%s")
    try:
        if action == "name" and naming.is_valid():
            given = naming.cleaned_data
            name_fallback(given["department"], Fallback.Duty(given["duty"]), given["person"], act=act_of(request))
            messages.success(request, _("Named. From now on they take it."))
            return redirect("cover")
        if action == "leave" and leaving.is_valid():
            given = leaving.cleaned_data
            take_leave(given["person"], given["deputy"], given["starts_on"], given["ends_on"], act=act_of(request))
            messages.success(request, _("Written down. Their open cases move while they are away."))
            return redirect("cover")
    except AdsumError as refused:
        (naming if action == "name" else leaving).add_error(None, refused.message)
    named = Fallback.objects.select_related("department", "person").order_by("department__name", "duty")
    leaves = Leave.objects.filter(ends_on__gte=request.today).select_related("person", "deputy").order_by("starts_on")
    context = {
        "named": [(one, DUTIES[Fallback.Duty(one.duty)]) for one in named],
        "leaves": leaves,
        "naming": naming,
        "leaving": leaving,
        "missing": not any(one.department_id is None and one.duty == Fallback.Duty.CASES for one in named),
        "no_wellbeing": not any(one.duty == Fallback.Duty.WELLBEING for one in named),
    }
    return render(request, "adsum/office/cover.html", context, status=422 if naming.errors or leaving.errors else 200)


@require_POST
@for_roles_everywhere(NAMES)
def back(request: PersonRequest, pk: int) -> HttpResponse:
    """The person is back."""
    leave = get_object_or_404(Leave.objects.select_related("person"), pk=pk)
    end_leave(leave, act=act_of(request))
    messages.success(request, _("%(name)s is there again. Their colleague hands the cases back.") % {"name": leave.person})
    return redirect("cover")
