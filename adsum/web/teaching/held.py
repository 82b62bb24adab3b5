"""Scans that wait for the lecturer: accepted or declined, one by one or all."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from adsum.attendance.rules import Needs
from adsum.checkin import held as services
from adsum.checkin.models import Scan
from adsum.checkin.rules import Refusal
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.web.acts import carry_out, not_done
from adsum.web.guards import of_class, said, sign_in_first, wants_json
from adsum.web.middleware import PersonRequest
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
    reload = accept and held.refusal == Refusal.NOT_EXPECTED  # someone who was not on the list has no seat on the page yet
    swap = swap_of(request)
    try:
        answer = carry_out(request, lambda act: services.decide_held(held, accept=accept, act=act, swap=swap))
    except AdsumError as refused:
        return said(request, refused, register)
    if not isinstance(answer, services.Decided):
        return not_done(request, answer, held.session)
    name = held.student.display_name
    told = told_in(name, answer.instead_of) if accept else _("Declined: %(name)s stays as they were.") % {"name": name}
    if wants_json(request):
        return JsonResponse({"marks": [], "message": told, "next": register if reload else ""})
    messages.success(request, told)
    return redirect(register)


@of_class("POST")
def accept_all(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Accept every scan of the class that waits."""
    count = carry_out(request, lambda act: services.accept_all_held(session, act=act, swap=swap_of(request)))
    if isinstance(count, HttpResponse):
        return count
    if isinstance(count, Needs):
        message = _(
            "So many marks, or such old ones, change only when a colleague confirms it. Accept the scans one by one, or select "
            "these students and mark them: where a colleague is needed, they are then asked."
        )
        raise AdsumError(count, message)
    told = ngettext("%(count)s held scan accepted.", "%(count)s held scans accepted.", count) % {"count": count}
    if wants_json(request):
        return JsonResponse({"marks": [], "message": told, "next": reverse("class_register", args=[session.ref])})
    messages.success(request, told)
    return redirect("class_register", session.ref)
