"""To the university's own sign-in and back."""

from typing import Any
from urllib.parse import urlencode

import structlog
from allauth.account.models import Login
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.allauth_internals import perform_login, record_authentication
from adsum.accounts.models import Person
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in import oidc, saml, straight
from adsum.integrations.sign_in.allauth import (
    OIDC,
    SAML,
    Refusal,
    Refused,
    in_use,
    own_path,
    provider_for,
    provider_named,
    provider_of_guests,
)
from adsum.integrations.sign_in.arrival import Aside, Purpose
from adsum.web import floods
from adsum.web.middleware import PersonRequest
from adsum.web.signin import passes, stepup, trial
from adsum.web.signin.entrance import CONFIRM, page, pending, return_path

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
        _(
            "Your university’s answer was not complete, so nobody was signed in. Start again; if it happens twice, tell"
            " your IT service."
        ),
        "shield-check",
        400,
    ),
    Refusal.UNKNOWN_PERSON: (
        _("We don’t know you yet"),
        _(
            "You signed in at your university, but that account is not on our lists. If you have just enrolled or"
            " started, it can take a day. After that, ask the attendance team to add you; tell them the time below."
        ),
        "person",
        403,
    ),
    Refusal.INCOMPLETE: (
        _("Your university told us too little"),
        _(
            "You signed in at your university, but it did not send us your name or an e-mail address it has verified, "
            "so we could not add you. Tell your IT service, with the time below: its sign-in must send both to Adsum."
        ),
        "person",
        403,
    ),
    Refusal.GUEST: (
        _("You are a guest there"),
        _(
            "That is a guest’s account, and we do not know whose it is here. If you study or work here, use your "
            "account at this university; otherwise ask an administrator to link this one, and tell them the time below."
        ),
        "person",
        403,
    ),
    Refusal.ELSEWHERE: (
        _("You sign in somewhere else now"),
        _(
            "We know you, but your university e-mail belongs to another sign-in by now. Start again and type that e-mail; it"
            " leads you there."
        ),
        "person",
        403,
    ),
    Refusal.SECOND_STEP: (
        _("One step is missing"),
        _(
            "This sign-in needs two steps, and your university told us of one. Start again and use your authenticator app,"
            " key or passkey there. If you did, tell your IT service that its sign-in does not report it to Adsum."
        ),
        "lock",
        403,
    ),
    Refusal.NOT_FRESH: (
        _("Your university did not ask you again"),
        _(
            "You are still signed in here, but this needs a sign-in of just now, and your university did not say that there was"
            " one. Try once more; if it stays like this, tell your IT service."
        ),
        "shield-check",
        403,
    ),
    Refusal.SOMEONE_ELSE: (
        _("That was someone else’s account"),
        _("You are still signed in here as yourself, and nothing was done. Confirm it with your own account."),
        "person",
        403,
    ),
}
PROTOCOLS: dict[str, Any] = {OIDC: oidc, SAML: saml}


@never_cache
@require_safe
def university(request: HttpRequest) -> HttpResponse:
    """One moment on the way to the provider. A page of its own, because browsers apply our Content-Security-Policy's
    `form-action` to every redirect that follows a form, and where a provider redirects to is its own business."""
    email = pending(request)["email"]
    app = provider_for(email) or provider_of_guests(email)
    if request.user.is_authenticated or app is None:
        return redirect("sign_in")
    return page(request, "university", app=app, go=way_to(app))


@never_cache
@require_safe
@floods.guarded("GET", "HEAD")
def begin(request: HttpRequest, provider_id: str, protocol: str = OIDC) -> HttpResponse:
    """Off to the provider, with a question of this browser's own; `?strong` asks it for two factors."""
    app = provider_named(provider_id, protocol)
    if app is None or not in_use(app):
        raise Http404
    if request.user.is_authenticated:
        return redirect(return_path(request))
    return leave(request, app, Purpose.SIGN_IN)


@never_cache
@require_safe
def callback(request: HttpRequest, provider_id: str, protocol: str = OIDC) -> HttpResponse:
    """Back from the provider, as the browser that went there."""
    app = provider_named(provider_id, protocol)
    if app is None:
        raise Http404
    if protocol == OIDC and straight.is_straight(request.GET.get("state", "")):
        return _from_scan(request, app)
    return _arrived(request, app)


@never_cache
@csrf_exempt
@require_POST
@floods.guarded("POST")
def saml_answer(request: HttpRequest, provider_id: str) -> HttpResponse:
    """A SAML provider's answer, posted by its page. The browser sends no cookie of ours with a form of another site, so
    nothing is decided here but whether the answer is genuine; the browser then fetches what it was told."""
    app = provider_named(provider_id, SAML)
    if app is None:
        raise Http404
    to = reverse("saml_finish", args=[app.provider_id])
    try:
        told = {"answer": saml.receive(app, request.POST.get("SAMLResponse", ""), at=request.at)}  # type: ignore[attr-defined]
    except Refused as refused:
        log.warning("sign_in.refused", refusal=refused.refusal.value, provider=app.name, why=refused.message, **refused.facts)
        told = {"why": refused.refusal.value, "reason": saml.sealed_reason(refused)}
    except AdsumError as closed:
        log.warning("sign_in.refused", refusal=closed.code, provider=app.name, why=closed.message)
        told = {"why": Refusal.NOT_PROVEN.value}
    return HttpResponse(status=303, headers={"Location": f"{to}?{urlencode(told)}"})


@require_safe
def saml_metadata(_request: HttpRequest, provider_id: str) -> HttpResponse:
    """What this SAML provider must know of us. It is no secret."""
    app = provider_named(provider_id, SAML)
    if app is None:
        raise Http404
    return HttpResponse(saml.our_metadata(app), content_type="application/samlmetadata+xml")


@never_cache
@require_safe
@login_required
def confirm(request: PersonRequest) -> HttpResponse:
    """Off to the provider once more, to prove who it is who is signed in here."""
    app = stepup.provider_of(request.user)
    if app is None:
        return redirect("confirm")
    return leave(request, app, Purpose.FRESH, reverse("confirmed"))


@require_safe
@login_required
def confirmed(request: PersonRequest) -> HttpResponse:
    """Back from there, in a tab of its own."""
    return page(request, "confirmed")


def leave(request: HttpRequest, app: SocialApp, purpose: Purpose, next_path: str = "") -> HttpResponse:
    """Off to a provider, for whatever purpose."""
    if purpose is Purpose.TEST:
        trial.begin(request, app)
    email = request.user.username if isinstance(request.user, Person) else pending(request)["email"]
    hint = email if app in (provider_for(email), provider_of_guests(email)) else ""
    try:
        address = PROTOCOLS[app.provider].begin(
            request,
            app,
            email=hint,
            next_path=next_path or return_path(request),
            purpose=purpose,
            strong="strong" in request.GET,
        )
    except AdsumError as refused:
        return refusal_page(request, refused, app)
    return redirect(address)


def _from_scan(request: HttpRequest, app: SocialApp) -> HttpResponse:
    """The answer to a person who went there from the page of a scan: back to that scan, signed in; or why not."""
    try:
        person, browser = straight.finish(request, app, passes.tag_of(request), own=passes.is_own(request))
    except Refused as refused:
        if refused.ask_again:
            return redirect(f"{way_to(app)}?strong=1")
        return refusal_page(request, refused, app)
    except AdsumError as refused:
        return refusal_page(request, refused, app)
    if browser is None:
        record_authentication(request, person, "socialaccount", provider=app.provider_id)
        response: HttpResponse = perform_login(request, Login(user=person, redirect_url=CONFIRM))
    else:
        log.info("sign_in.done", person=person.pk)
        response = redirect(CONFIRM)
        passes.give(request, response, browser)
    passes.came_from(response, app)
    return response


def _arrived(request: HttpRequest, app: SocialApp) -> HttpResponse:
    """The answer to a person who comes back: signed in, a fresh proof, a report for the administrator, or why not."""
    try:
        outcome = PROTOCOLS[app.provider].finish(request, app)
    except Refused as refused:
        if refused.refusal is not Refusal.STALE and trial.is_under_way(request, app):
            return _tried(request, app, refused)
        if refused.ask_again:
            return redirect(f"{_way_again(request, app)}?strong=1")
        return refusal_page(request, refused, app)
    except AdsumError as refused:
        return refusal_page(request, refused, app)
    if not isinstance(outcome, Aside):
        response: HttpResponse = outcome
        passes.came_from(response, app)
        return response
    if outcome.report is None:
        stepup.note(request)
    else:
        trial.succeeded(request, app, outcome.report)
    return redirect(own_path(outcome.next_path) or settings.LOGIN_REDIRECT_URL)


def _tried(request: HttpRequest, app: SocialApp, refused: Refused) -> HttpResponse:
    log.warning("sign_in.tried", refusal=refused.refusal.value, provider=app.name, why=refused.message, **refused.facts)
    trial.failed(request, app, refused)
    return redirect("provider", app.provider_id)


def way_to(app: SocialApp) -> str:
    """Where the way to this provider begins."""
    return reverse(f"{app.provider}_login", args=[app.provider_id])


def _way_again(request: HttpRequest, app: SocialApp) -> str:
    return reverse("confirm_university") if request.user.is_authenticated else way_to(app)


def refusal_page(request: HttpRequest, refused: AdsumError, app: SocialApp) -> HttpResponse:
    """The page that says why the sign-in failed, and what to do next."""
    refusal, facts = (refused.refusal, refused.facts) if isinstance(refused, Refused) else (Refusal.NOT_PROVEN, {})
    log.warning("sign_in.refused", refusal=refusal.value, provider=app.name, why=refused.message, **facts)
    title, text, icon, status = SENTENCES[refusal]
    again = f"{_way_again(request, app)}?strong=1" if refusal is Refusal.SECOND_STEP else reverse("sign_in")
    return page(
        request,
        "refused",
        status=status,
        title=title,
        text=text,
        icon=icon,
        provider=app.name,
        again=again,
        refusal=refusal.value,
        at=request.at,  # type: ignore[attr-defined]
    )
