"""Outages: what is going on and what was; one form declares one, after showing whom it touches; one button ends it; and one
that was a mistake is withdrawn, after showing what comes back."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.rules import DECLARES_OUTAGES
from adsum.attendance import outages
from adsum.attendance.models import Outage
from adsum.checkin.services import outages_changed
from adsum.core.errors import AdsumError
from adsum.timetable.models import Room, Site
from adsum.web.entered import MomentField
from adsum.web.guards import for_roles_everywhere
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup

PAGE = 25
_MOMENT = {"type": "datetime-local", "step": 60}


everywhere = for_roles_everywhere(DECLARES_OUTAGES)
"""For administrators and an attendance team over the whole university: an outage does not stop at a department."""


class OutageForm(forms.Form):
    """What happened, where, from when to when."""

    reason = forms.CharField(
        label=gettext_lazy("What happened?"),
        max_length=200,
        help_text=gettext_lazy("Students read it, for example: the network was down."),
        error_messages={"required": gettext_lazy("Say what happened: students read it.")},
    )
    starts_at = MomentField(label=gettext_lazy("From"), error_messages={"required": gettext_lazy("Say since when.")})
    ends_at = MomentField(
        label=gettext_lazy("Until"), required=False, help_text=gettext_lazy("Empty while nobody knows: end it here.")
    )
    site = forms.ModelChoiceField(Site.objects.order_by("name"), required=False, label=gettext_lazy("Site"))
    room = forms.ModelChoiceField(
        Room.objects.order_by("name"),
        required=False,
        label=gettext_lazy("Room"),
        help_text=gettext_lazy("Without a site or room it is the whole university."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("site", "room"):
            self.fields[name].empty_label = _("All")  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@everywhere
def overview(request: PersonRequest) -> HttpResponse:
    """The present outages, and all earlier ones; a form for a new one. A POST shows what it would touch, and then declares it.
    It may take back the absences of a whole month, so the person first proves who they are."""
    posted = request.method == "POST"
    form = OutageForm(request.POST if posted else None, initial={"starts_at": localtime(request.at)})
    preview = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            preview = outages.preview_outage(Outage(declared_by=request.user, declared_at=request.at, **given), at=request.at)
            if request.POST.get("step") == "declare":
                if first := stepup.ask(request):
                    return first
                with transaction.atomic():
                    outages.declare_outage(by=request.user, at=request.at, **given)
                    outages_changed(at=request.at)
                messages.success(request, _("Declared. Nobody is marked absent for it, and students are told why."))
                return redirect("office_outages")
        except AdsumError as refused:
            form.add_error(None, refused.message)
    known = Outage.objects.select_related("site", "room", "declared_by", "ended_by", "withdrawn_by")
    over = Q(ends_at__lte=request.at) | Q(withdrawn_at__isnull=False)
    going_on = list(known.standing().filter(Q(ends_at=None) | Q(ends_at__gt=request.at)).order_by("starts_at"))
    page = Paginator(known.filter(over).order_by(Coalesce("withdrawn_at", "ends_at").desc(), "-pk"), PAGE)
    context = {"form": form, "preview": preview, "going_on": going_on, "page": page.get_page(request.GET.get("page"))}
    return render(request, "adsum/office/outages.html", context, status=422 if posted and preview is None else 200)


@require_POST
@everywhere
def end(request: PersonRequest, ref: UUID) -> HttpResponse:
    """End an outage."""
    outage = get_object_or_404(Outage, ref=ref)
    try:
        with transaction.atomic():
            outages.end_outage(outage, by=request.user, at=request.at)
            outages_changed(at=request.at)
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Ended. Check-in that opens from now on counts as usual."))
    return redirect("office_outages")


@require_http_methods(["GET", "HEAD", "POST"])
@everywhere
def withdraw(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Withdraw an outage: show what comes back, then do it, once the person has proved who they are."""
    outage = get_object_or_404(Outage.objects.select_related("site", "room", "declared_by", "ended_by"), ref=ref)
    try:
        if request.method != "POST":
            returned = outages.preview_withdrawal(outage, at=request.at)
            return render(request, "adsum/office/outage_withdraw.html", {"one": outage, "returned": returned})
        if first := stepup.ask(request):
            return first
        with transaction.atomic():
            outages.withdraw_outage(outage, by=request.user, at=request.at)
            outages_changed(at=request.at)
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Withdrawn. It touches nothing any more, and what it changed is as it was."))
    return redirect("office_outages")
