"""Messages: what this person was told, whether or not it also went by mail."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from adsum.messages import services
from adsum.messages.models import Message
from adsum.messages.reports import unread
from adsum.messages.topics.registry import letter_of
from adsum.web.middleware import PersonRequest

PER_PAGE = 20


@require_safe
@login_required
def messages(request: PersonRequest) -> HttpResponse:
    """A person's own messages, the newest first."""
    page = Paginator(Message.objects.of(request.user).order_by("-created_at", "-pk"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [(message, letter_of(message.kind, message.facts)) for message in page]
    return render(request, "adsum/messages.html", {"page": page, "rows": rows, "unread": unread(request.user)})


@require_POST
@login_required
def read(request: PersonRequest) -> HttpResponse:
    """Everything is read."""
    services.mark_read(request.user, at=request.at)
    return redirect("messages")
