"""Where an application wants to be told that something changed: its address, its secret, and each message to it."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.application_tables import Application
from adsum.accounts.rules import SETS_UP_APPLICATIONS
from adsum.core.errors import AdsumError
from adsum.integrations.webhooks import services as verbs
from adsum.integrations.webhooks.models import Webhook, WebhookDelivery
from adsum.integrations.webhooks.rules import CHOSEN, State, Topic
from adsum.web.admin.applications import of_application
from adsum.web.guards import for_roles, said
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup

P = ParamSpec("P")
WebhookPage = Callable[Concatenate[PersonRequest, Webhook, P], HttpResponse]
PER_PAGE = 25
TOPICS = {
    Topic.REGISTER: gettext_lazy("Marks of a class changed"),
    Topic.CLASS: gettext_lazy("A class was moved, cancelled or changed"),
    Topic.TEST: gettext_lazy("Test"),
}
STATES = {
    State.WAITING: gettext_lazy("waiting"),
    State.SENT: gettext_lazy("taken"),
    State.FAILED: gettext_lazy("failed"),
    State.DROPPED: gettext_lazy("dropped"),
}
PROBLEMS = {
    "address": gettext_lazy("not a web address"),
    "not_allowed": gettext_lazy("leads into a private network"),
    "certificate": gettext_lazy("its certificate is not good"),
    "slow": gettext_lazy("took longer than ten seconds"),
    "unreadable": gettext_lazy("what it answered is not HTTP"),
    "unreachable": gettext_lazy("no answer"),
    "unreadable_secret": gettext_lazy("its secret was sealed with another key: make a new one"),
}


class WebhookForm(forms.Form):
    """The address, and what it is told of."""

    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=500, help_text=gettext_lazy("Beginning with https://."), widget=forms.URLInput
    )
    topics = forms.MultipleChoiceField(
        label=gettext_lazy("What it is told of"),
        choices=[(one.value, TOPICS[one]) for one in CHOSEN],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one.")},
    )


def of_webhook(view: WebhookPage[P]) -> Callable[..., HttpResponse]:
    """The view is given the webhook at its address. What a verb refuses is said on its page."""

    @for_roles(SETS_UP_APPLICATIONS)
    @wraps(view)
    def checked(request: PersonRequest, /, ref: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        found = get_object_or_404(Webhook.objects.select_related("application", "made_by"), ref=ref)
        try:
            return view(request, found, *args, **kwargs)
        except AdsumError as refused:
            return said(request, refused, reverse("webhook", args=[ref]))

    return checked


@require_safe
@of_webhook
def webhook(request: PersonRequest, webhook: Webhook) -> HttpResponse:
    """What it is told of, and its messages, the latest first."""
    return _page(request, webhook)


def _page(request: PersonRequest, webhook: Webhook, secret: str = "") -> HttpResponse:
    """The webhook's page; `secret`, shown this once."""
    found = WebhookDelivery.objects.filter(webhook=webhook).select_related("session__module").order_by("-at", "-pk")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "one": webhook,
        "topics": [(one.value, TOPICS[one]) for one in CHOSEN if one in webhook.about],
        "page": page,
        "rows": [
            {
                "one": delivery,
                "topic": TOPICS[Topic(delivery.topic)],
                "state": STATES[State(delivery.state)],
                "problem": PROBLEMS.get(delivery.problem, ""),
                "replay": delivery.state != State.WAITING and webhook.ended_at is None and webhook.application.ended_at is None,
            }
            for delivery in page
        ],
        "secret": secret,
        "both_until": webhook.earlier_until if webhook.earlier_until and webhook.earlier_until > request.at else None,
    }
    return render(request, "adsum/admin/webhook.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_application
@stepup.required
def new(request: PersonRequest, application: Application) -> HttpResponse:
    """Add an address of an application, and show its secret this once."""
    form = WebhookForm(request.POST if request.method == "POST" else None, initial={"topics": list(CHOSEN)})
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = verbs.create(
                application, given["url"], [Topic(one) for one in given["topics"]], by=request.user, at=request.at
            )
        except AdsumError as refused:
            form.add_error(refused.code if refused.code in form.fields else None, refused.message)
        else:
            return _page(request, made.webhook, made.secret)
    context = {"form": form, "one": application}
    return render(request, "adsum/admin/webhook_form.html", context, status=422 if form.is_bound else 200)


@require_POST
@of_webhook
@stepup.required
def rotate(request: PersonRequest, webhook: Webhook) -> HttpResponse:
    """Give it a new secret, and show that this once."""
    made = verbs.rotate(webhook, by=request.user, at=request.at)
    return _page(request, made.webhook, made.secret)


@require_POST
@of_webhook
def test(request: PersonRequest, webhook: Webhook) -> HttpResponse:
    """Have a test sent."""
    verbs.send_test(webhook, by=request.user, at=request.at)
    messages.success(request, _("A test is on its way. It leaves within a minute: reload the page to see how it went."))
    return redirect("webhook", webhook.ref)


@require_POST
@of_webhook
def replay(request: PersonRequest, webhook: Webhook, delivery: UUID) -> HttpResponse:
    """Have one message sent again."""
    found = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), webhook=webhook, ref=delivery)
    verbs.replay(found, by=request.user, at=request.at)
    messages.success(request, _("The message is on its way again, with the id that it had."))
    return redirect("webhook", webhook.ref)


@require_POST
@of_webhook
@stepup.required
def end(request: PersonRequest, webhook: Webhook) -> HttpResponse:
    """Tell this address no more."""
    verbs.end(webhook, by=request.user, at=request.at)
    messages.success(request, _("Nothing more is sent to this address. Messages that were waiting are dropped."))
    return redirect("application", webhook.application.ref)
