"""Closure days: those to come and those before, a form for new ones, and a button that takes one back."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.engagement import closures
from adsum.engagement.models import Closure
from adsum.web.acts import act_of
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

TEAM = frozenset({Role.ATTENDANCE_TEAM})


def everywhere(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For an attendance team over the whole university: it closes as a whole."""

    @wraps(view)
    def checked(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.access.departments(*TEAM) is not None:
            raise Http404
        return view(request, *args, **kwargs)

    return for_roles(TEAM)(checked)


class ClosureForm(forms.Form):
    """What it is called, and its days."""

    name = forms.CharField(
        label=gettext_lazy("What is it called?"),
        max_length=120,
        help_text=gettext_lazy("For example: the university is closed over Christmas."),
        error_messages={"required": gettext_lazy("Give it a name: people read why a day does not count.")},
    )
    first = DayField(label=gettext_lazy("First day"), error_messages={"required": gettext_lazy("Say from which day on.")})
    last = DayField(label=gettext_lazy("Last day"), error_messages={"required": gettext_lazy("Say until which day.")})


@require_http_methods(["GET", "HEAD", "POST"])
@everywhere
def overview(request: PersonRequest) -> HttpResponse:
    """When the university is closed; a POST adds days."""
    form = ClosureForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            closures.add_closure(**form.cleaned_data, act=act_of(request))
        except AdsumError as refused:
            form.add_error("last", refused.message)
        else:
            messages.success(request, _("Entered. Notices that run over these days run longer."))
            return redirect("closures")
    known = list(Closure.objects.order_by("-starts_on", "pk"))
    rows = [(one, one.starts_on > request.today) for one in known]
    return render(request, "adsum/office/closures.html", {"form": form, "rows": rows}, status=422 if form.errors else 200)


@require_POST
@everywhere
def remove(request: PersonRequest, pk: int) -> HttpResponse:
    """Take closure days to come back."""
    try:
        closures.remove_closure(get_object_or_404(Closure, pk=pk), act=act_of(request))
        messages.success(request, _("Taken back. These days count again."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("closures")
