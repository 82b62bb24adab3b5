"""Where answers to letters go: an address that somebody reads, department by department."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from adsum.accounts.models import Department
from adsum.accounts.rules import RUNS_CHECKIN
from adsum.accounts.services import set_answers_to
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest


class AnswersForm(forms.Form):
    """One address for each department; empty: that of the department above it, or the university's."""

    def __init__(self, *args: Any, departments: list[Department]) -> None:
        super().__init__(*args)
        for one in departments:
            field = forms.EmailField(label=one.name, required=False, initial=one.answers_to, max_length=254)
            field.widget.attrs["autocomplete"] = "off"
            self.fields[f"d{one.pk}"] = field


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(RUNS_CHECKIN)
def answers(request: PersonRequest) -> HttpResponse:
    """Where answers to the letters of each department's students go."""
    departments = list(Department.objects.order_by("name", "pk"))
    form = AnswersForm(request.POST or None, departments=departments)
    if request.method == "POST" and form.is_valid():
        for one in departments:
            set_answers_to(one, form.cleaned_data[f"d{one.pk}"], by=request.user.actor, at=request.at)
        messages.success(request, _("Kept. Letters from now on name these addresses."))
        return redirect("office_answers")
    default = settings.MAIL_REPLY_TO or settings.DEFAULT_FROM_EMAIL
    context = {"form": form, "default": default}
    return render(request, "adsum/admin/answers.html", context, status=422 if form.is_bound else 200)
