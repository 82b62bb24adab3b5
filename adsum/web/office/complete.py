"""Registers that closed with nothing captured: completed on their own page, or explained here. Lecturers first, then the
department."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from adsum.accounts.rules import KEEPS_REGISTERS, Access
from adsum.attendance.closing import explain_register
from adsum.attendance.labels import EXPLANATIONS
from adsum.attendance.reports import closed_until, to_complete
from adsum.attendance.rules import TO_DEPARTMENT_AFTER, Explanation
from adsum.timetable.models import ClassSession
from adsum.web.departments import DepartmentField, offer
from adsum.web.guards import for_roles, of_class
from adsum.web.middleware import PersonRequest
from adsum.web.teaching.tasks import tasks
from adsum.web.walking import begin

PAGE = 25


class TaskFilter(forms.Form):
    """Which registers to list."""

    who = forms.ChoiceField(
        label=gettext_lazy("Waiting for"),
        required=False,
        choices=[
            ("", gettext_lazy("The department")),
            ("lecturer", gettext_lazy("The lecturer")),
            ("all", gettext_lazy("Anyone")),
        ],
    )
    department = DepartmentField()

    def __init__(self, access: Access, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, access)


@require_safe
@for_roles(KEEPS_REGISTERS)
def registers(request: PersonRequest) -> HttpResponse:
    """What is left to complete, the longest waiting first, 25 to a page."""
    form = TaskFilter(request.access, request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    sessions = ClassSession.objects.visible_to(request.user, request.access)
    if department := wanted.get("department"):
        sessions = sessions.filter(module__department=department)
    found = to_complete(sessions)
    due = closed_until(TO_DEPARTMENT_AFTER, request.at)
    if wanted.get("who", "") == "lecturer":
        found = found.filter(closed_at__gte=due)
    elif wanted.get("who", "") == "":
        found = found.filter(closed_at__lt=due)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    begin(request, [reverse("class_register", args=[one.session.ref]) for one in page])
    parameters = request.GET.copy()
    parameters.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "tasks": tasks(page, request.today),
        "days": TO_DEPARTMENT_AFTER,
        "parameters": f"{parameters.urlencode()}&" if parameters else "",
    }
    return render(request, "adsum/office/registers.html", context)


class ExplainForm(forms.Form):
    """Why a class has no register."""

    why = forms.ChoiceField(
        label=gettext_lazy("Why is there no register?"),
        widget=forms.RadioSelect,
        choices=[(code.value, words) for code, words in EXPLANATIONS.items() if code != Explanation.OUTAGE],
        error_messages={"required": gettext_lazy("Choose what happened.")},
    )
    note = forms.CharField(
        label=gettext_lazy("In your words"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Colleagues read it; students do not."),
    )

    def clean(self) -> None:
        if self.cleaned_data.get("why") == Explanation.OTHER and not self.cleaned_data.get("note", "").strip():
            self.add_error("note", _("Say in a few words what the reason is."))


@of_class("GET", "HEAD", "POST")
def explain(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Say why this register will not be completed."""
    form = ExplainForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        why, note = Explanation(form.cleaned_data["why"]), form.cleaned_data["note"]
        explain_register(session, why, note=note, by=request.user, at=request.at)
        messages.success(request, _("Noted. Nobody is asked for this register any more; it counts for nobody."))
        return redirect("class_register", session.ref)
    context = {"session": session, "form": form}
    return render(request, "adsum/office/explain.html", context, status=422 if request.method == "POST" else 200)
