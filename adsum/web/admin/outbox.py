"""Mail of the whole university: what waits, what was refused and why, and what a person can do about it."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import RUNS_CHECKIN
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.messages import mail, reports, services
from adsum.messages.models import Message
from adsum.messages.rules import MOVES, State
from adsum.messages.topics.registry import KINDS
from adsum.timetable.reports import as_one_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

PER_PAGE = 25
LATE = timedelta(minutes=30)
"""A message due for longer than this means the mail is not well."""
STATES = {
    State.WAITING: gettext_lazy("Waiting"),
    State.GATHERED: gettext_lazy("For the week’s letter"),
    State.REFUSED: gettext_lazy("Refused"),
    State.BOUNCED: gettext_lazy("Bounced"),
    State.HELD: gettext_lazy("Held back"),
    State.SENT: gettext_lazy("Sent"),
    State.DELIVERED: gettext_lazy("Delivered"),
    State.MUTED: gettext_lazy("Not by mail"),
    State.LAPSED: gettext_lazy("Came too late"),
    State.WITHDRAWN: gettext_lazy("Withdrawn"),
    State.STOPPED: gettext_lazy("Stopped"),
}
ACTIONS = {
    "retry": (State.WAITING, services.send_again),
    "hold": (State.HELD, services.hold),
    "withdraw": (State.WITHDRAWN, services.withdraw),
}


@require_safe
@for_roles(RUNS_CHECKIN)
def outbox(request: PersonRequest) -> HttpResponse:
    """How the mail is, and the messages of one state: those that were refused, unless another is chosen."""
    counts = reports.counts()
    chosen = request.GET.get("state", "")
    if chosen not in set(State):
        chosen = next((one for one in (State.REFUSED, State.BOUNCED) if counts[one]), State.WAITING)
    found = Message.objects.filter(state=chosen).select_related("person").order_by("-created_at", "-pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    looked_through(request, Page.MAIL, [(one.person_id, as_one_of(request.access, RUNS_CHECKIN)) for one in page])
    oldest = reports.oldest_due(request.at)
    context = {
        "counts": [(state, STATES[state], counts[state]) for state in STATES],
        "chosen": chosen,
        "page": page,
        "rows": [(message, KINDS[message.kind].label) for message in page],
        "configured": mail.is_configured(),
        "host": settings.EMAIL_HOST,
        "oldest": oldest,
        "late": oldest is not None and request.at - oldest > LATE,
        "query": f"state={chosen}&",
        "may": [name for name, (to, _verb) in ACTIONS.items() if to in MOVES[State(chosen)]],
    }
    return render(request, "adsum/admin/outbox.html", context)


@require_POST
@for_roles(RUNS_CHECKIN)
def decide(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Try one message again, hold it back, or take it back."""
    message = get_object_or_404(Message, ref=ref)
    before = message.state
    if action := ACTIONS.get(request.POST.get("action", "")):
        try:
            action[1](message, by=request.user, at=request.at)
        except AdsumError as refused:
            messages.warning(request, refused.message)
        else:
            messages.success(request, _("Done. The message is now: %(state)s.") % {"state": STATES[State(message.state)]})
    answer = redirect("office_outbox")
    answer["Location"] += f"?state={before}"
    return answer
