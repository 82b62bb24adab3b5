"""Scans that wait for the lecturer: accepted or declined, one by one or all."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from adsum.attendance.rules import Needs, needs_proof
from adsum.checkin import held as services
from adsum.checkin.models import Scan
from adsum.checkin.rules import Refusal
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.web.guards import of_class, said, sign_in_first, wants_json
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.teaching.visitors import swap_of, told_in


@require_POST
def decide(request: PersonRequest, scan: UUID) -> HttpResponse:
    """Accept or decline one held scan."""
    if not request.user.is_authenticated:
        return sign_in_first(request, reverse("home"))
    visible = ClassSession.objects.visible_to(request.user, request.access)
    held = get_object_or_404(Scan.objects.select_related("session", "student", "opening"), ref=scan, session__in=visible)
    register = reverse("class_register", args=[held.session.ref])
    decision = request.POST.get("decision")
    if decision not in {"accept", "decline"}:
        return said(request, AdsumError("undecided", _("Choose Accept or Decline.")), register)
    accept = decision == "accept"
    old = accept and needs_proof(at=request.at, ends_at=held.session.ends_at, changing=0)
    if old and (first := stepup.ask(request)):
        return first
    reload = accept and held.refusal == Refusal.NOT_EXPECTED  # someone who was not on the list has no seat on the page yet
    try:
        swapped = services.decide_held(held, accept=accept, by=request.user, at=request.at, swap=swap_of(request))
        name = held.student.display_name
        told = told_in(name, swapped) if accept else _("Declined: %(name)s stays as they were.") % {"name": name}
    except AdsumError as refused:
        if refused.code != Needs.SECOND_PERSON:
            return said(request, refused, register)
        try:
            services.propose_held(held, by=request.user, at=request.at)
        except AdsumError as asked:
            return said(request, asked, register)
        told, reload = _("A colleague has to confirm this change: until then nothing changes."), True
    if wants_json(request):
        return JsonResponse({"marks": [], "message": told, "next": register if reload else ""})
    messages.success(request, told)
    return redirect(register)


@of_class("POST")
def accept_all(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Accept every scan of the class that waits."""
    changing = services.changed_by(services.first_waiting(session, by=request.user))
    if needs_proof(at=request.at, ends_at=session.ends_at, changing=changing) and (first := stepup.ask(request)):
        return first
    try:
        count = services.accept_all_held(session, by=request.user, at=request.at, swap=swap_of(request))
    except AdsumError as refused:
        if refused.code != Needs.SECOND_PERSON:
            raise
        message = _(
            "So many marks, or such old ones, change only when a colleague confirms it. Accept the scans one by one, or select "
            "these students and mark them: where a colleague is needed, they are then asked."
        )
        raise AdsumError(Needs.SECOND_PERSON, message) from refused
    told = ngettext("%(count)s held scan accepted.", "%(count)s held scans accepted.", count) % {"count": count}
    if wants_json(request):
        return JsonResponse({"marks": [], "message": told, "next": reverse("class_register", args=[session.ref])})
    messages.success(request, told)
    return redirect("class_register", session.ref)
