"""Messages: what this person was told, whether or not it also went by mail, and how they want it by mail."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages as notices
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.rules import Role
from adsum.messages import services
from adsum.messages.choices import choose
from adsum.messages.models import Message
from adsum.messages.reports import choices_of, unread
from adsum.messages.rules import How, chosen
from adsum.messages.topic import Kind
from adsum.messages.topics.registry import KINDS, letter_of
from adsum.web.middleware import PersonRequest

PER_PAGE = 20
HOW = {
    How.WEEKLY: gettext_lazy("Once a week, in one letter"),
    How.EACH: gettext_lazy("Each at once"),
    How.NEVER: gettext_lazy("Not by mail: I read them here"),
}


@require_safe
@login_required
def messages(request: PersonRequest) -> HttpResponse:
    """A person's own messages, the newest first. What is formal is opened one by one."""
    page = Paginator(Message.objects.of(request.user).order_by("-created_at", "-pk"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [(message, letter_of(message.kind, message.facts), _is_sealed(message)) for message in page]
    context = {"page": page, "rows": rows, "unread": unread(request.user), "student": Role.STUDENT in request.roles}
    context["phones"] = settings.PHONE_APP
    return render(request, "adsum/messages.html", context)


@require_POST
@login_required
def read(request: PersonRequest) -> HttpResponse:
    """Everything is read, but for formal messages that were not opened."""
    services.mark_read(request.user, at=request.at)
    return redirect("messages")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def message(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One message, where a letter leads to it. A formal one says what it is about, and is opened with a button: so that nobody
    is taken to have read what a preview fetched."""
    found = get_object_or_404(Message.objects.of(request.user).select_related("person"), ref=ref)
    if request.method == "POST":
        services.open_message(found, at=request.at)
        return redirect("message", ref)
    letter = letter_of(found.kind, found.facts)
    return render(request, "adsum/message.html", {"message": found, "letter": letter, "sealed": _is_sealed(found)})


def _is_sealed(message: Message) -> bool:
    return KINDS[message.kind].formal and message.opened_at is None


class ChoicesForm(forms.Form):
    """How each kind goes by mail, for the kinds that this person has had so far and may choose about."""

    def __init__(self, *args: object, kinds: list[Kind], known: dict[str, How], **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        for kind in kinds:
            allowed = [How.WEEKLY] * kind.digest + [How.EACH] + [How.NEVER] * kind.mutable
            self.fields[kind.name] = forms.ChoiceField(
                label=str(kind.label),
                choices=[(how.value, HOW[how]) for how in allowed],
                initial=chosen(formal=False, mutable=kind.mutable, digest=kind.digest, choice=known.get(kind.name)),
                widget=forms.RadioSelect,
            )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def choices(request: PersonRequest) -> HttpResponse:
    """Which kinds of message a person has by mail, and how often."""
    had = set(Message.objects.of(request.user).order_by().values_list("kind", flat=True).distinct())
    known = {kind: how for (_person, kind), how in choices_of([request.user.pk]).items()}
    kinds = [kind for kind in KINDS.values() if kind.name in had | known.keys()]
    free = [kind for kind in kinds if not kind.formal and (kind.mutable or kind.digest)]
    form = ChoicesForm(request.POST or None, kinds=free, known=known)
    if request.method == "POST" and form.is_valid():
        changed = choose(request.user, {kind: How(how) for kind, how in form.cleaned_data.items()}, at=request.at)
        said = ngettext("%(n)s choice was changed.", "%(n)s choices were changed.", changed) % {"n": changed}
        notices.success(request, said if changed else _("Nothing was changed."))
        return redirect("message_choices")
    context = {"form": form, "always": [kind.label for kind in kinds if kind not in free]}
    return render(request, "adsum/message_choices.html", context, status=422 if form.is_bound else 200)
