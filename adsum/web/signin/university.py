"""To the university's own sign-in and back."""

from typing import Any

import structlog
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from adsum.integrations import oidc
from adsum.integrations.sign_on import Refusal, Refused, provider_for
from adsum.web import stepup
from adsum.web.middleware import PersonRequest
from adsum.web.signin.entrance import page, pending, return_path

log = structlog.get_logger()

SENTENCES: dict[Refusal, tuple[Any, Any, str, int]] = {
    Refusal.CANCELLED: (
        _("You stopped the sign-in"),
        _("Nothing has changed. Start again whenever you like."),
        "arrow-repeat",
        200,
    ),
    Refusal.STALE: (
        _("Let’s start the sign-in again"),
        _("It took more than ten minutes, or it was begun in another window. Starting again takes a moment."),
        "clock-history",
        400,
    ),
    Refusal.PROVIDER_DOWN: (
        _("Your university’s sign-in is not answering"),
        _("Wait a minute, then try again. If it stays like this, your IT service will want to know."),
        "wifi-off",
        503,
    ),
    Refusal.NOT_PROVEN: (
        _("We could not be sure it is you"),
        _("Your university’s answer was not complete, so nobody was signed in. Start again; if it happens twice, tell"
          " your IT service."),
        "shield-check",
        400,
    ),
    Refusal.UNKNOWN_PERSON: (
        _("We don’t know you yet"),
        _("You signed in at your university, but that account is not on our lists. If you have just enrolled or"
          " started, it can take a day. After that, ask the attendance team to add you; tell them the time below."),
        "person",
        403,
    ),
    Refusal.NOT_FRESH: (
        _("Your university did not ask you again"),
        _("You are still signed in here, but this needs a sign-in of just now, and your university did not say that there was"
          " one. Try once more; if it stays like this, tell your IT service."),
        "shield-check",
        403,
    ),
    Refusal.SOMEONE_ELSE: (
        _("That was someone else’s account"),
        _("You are still signed in here as yourself, and nothing was done. Confirm it with your own account."),
        "person",
        403,
    ),
}  # fmt: skip


@never_cache
@require_safe
def university(request: HttpRequest) -> HttpResponse:
    """One moment on the way to the provider. A page of its own, because browsers apply our Content-Security-Policy's
    `form-action` to every redirect that follows a form, and where a provider redirects to is its own business."""
    app = provider_for(pending(request)["email"])
    if request.user.is_authenticated or app is None:
        return redirect("sign_in")
    return page(request, "university", app=app, go=reverse("openid_connect_login", args=[app.provider_id]))


@never_cache
@require_safe
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Off to the provider, with fresh state, nonce and PKCE challenge."""
    app = oidc.app_named(provider_id)
    if app is None:
        raise Http404
    if request.user.is_authenticated:
        return redirect(return_path(request))
    kept = pending(request)
    hint = kept["email"] if provider_for(kept["email"]) == app else ""
    try:
        response: HttpResponse = oidc.begin(request, app, email=hint, next_path=return_path(request))
    except Refused as refused:
        return _refused(request, refused, app.name)
    return response


@never_cache
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the provider."""
    app = oidc.app_named(provider_id)
    if app is None:
        raise Http404
    try:
        response: HttpResponse = oidc.finish(request, app)
    except Refused as refused:
        return _refused(request, refused, app.name)
    if getattr(request, "signed_in_again", False):
        stepup.note(request)
    return response


@never_cache
@require_safe
@login_required
def confirm(request: PersonRequest) -> HttpResponse:
    """Off to the provider once more, to prove who it is who is signed in here."""
    app = stepup.provider_of(request.user)
    if app is None:
        return redirect("confirm")
    try:
        response: HttpResponse = oidc.begin_again(request, app, next_path=reverse("confirmed"))
    except Refused as refused:
        return _refused(request, refused, app.name)
    return response


@require_safe
@login_required
def confirmed(request: PersonRequest) -> HttpResponse:
    """Back from there, in a tab of its own."""
    return page(request, "confirmed")


def _refused(request: HttpRequest, refused: Refused, provider: str) -> HttpResponse:
    log.warning("sign_in.refused", refusal=refused.refusal.value, provider=provider, why=refused.message)
    title, text, icon, status = SENTENCES[refused.refusal]
    return page(
        request, "refused", status=status, title=title, text=text, icon=icon, provider=provider,
        refusal=refused.refusal.value, at=request.at,  # type: ignore[attr-defined]
    )  # fmt: skip
