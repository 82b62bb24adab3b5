"""Supervisions, for those who supervise: met, or not met, in one tap."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import Role
from adsum.core.errors import AdsumError
from adsum.engagement import supervisions as verbs
from adsum.engagement.models import Supervision
from adsum.engagement.supervising import Supervised, month_end
from adsum.web.acts import act_of
from adsum.web.entered import day_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

TUTORS = frozenset({Role.TUTOR})


@require_safe
@for_roles(TUTORS)
def supervisions(request: PersonRequest) -> HttpResponse:
    """Those that wait first, then those of the last months; every student at such a level, whoever sponsors whom."""
    rows = list(verbs.supervisions_of(request.user, on=request.today))
    waiting = [(row, min(request.today, month_end(row.month))) for row in rows if row.state == Supervised.WAITING]
    answered = [row for row in rows if row.state != Supervised.WAITING]
    return render(
        request, "adsum/support/supervisions.html", {"waiting": waiting, "answered": answered, "today": request.today}
    )


@require_POST
@for_roles(TUTORS)
def answer(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One tap: met, on the day that stands there, or not met."""
    row = get_object_or_404(Supervision, ref=ref, supervisor=request.user)
    met = request.POST.get("action") == "met"
    on = (day_of(request.POST.get("on")) or min(request.today, month_end(row.month))) if met else None
    try:
        verbs.answer(row, met_on=on, act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Thank you: written down."))
    return redirect("supervisions")
