"""A local account's own page: its password, and what proves who it is besides: a code from the phone, passkeys."""

from datetime import timedelta

import segno
from allauth.account.adapter import get_adapter
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts import second_factors, services
from adsum.accounts.allauth_internals import (
    clear_totp_secret,
    get_authentication_records,
    get_totp_secret,
    record_authentication,
)
from adsum.checkin.services import revoke_passes
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in.allauth import note_second_factor
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.signin.forms import NewPasskeyForm, NewPasswordForm
from adsum.web.signin.second_factor import CODE_WRONG, ProofForm, code_proves, is_local, lacks_second_step, password_proves


def _uses_app(request: PersonRequest) -> bool:
    return bool(Authenticator.objects.filter(user=request.user, type=Authenticator.Type.TOTP).exists())


@never_cache
@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def security(request: PersonRequest) -> HttpResponse:
    """How this account proves who signs in; its form sets the authenticator app up, or removes it. People who sign in at the
    university have theirs there."""
    if not is_local(request.user):
        raise Http404
    on = _uses_app(request)
    if request.method != "POST":
        return overview(request)
    if not on and second_factors.has_second_step(request.user) and (first := stepup.ask(request)):
        return first
    form = ProofForm(request.POST)
    if form.is_valid() and password_proves(request, form):
        if on:
            return _removed(request, form) or overview(request, app=form)
        if codes := _added(request, form):
            return render(request, "adsum/signin/recovery_codes.html", {"codes": codes})
        if not form.errors:
            messages.success(request, _("The authenticator app is on."))
            return redirect("security")
    return overview(request, app=form)


FEW = 3
"""Recovery codes that are left when it is time for new ones."""


def overview(request: PersonRequest, *, app: ProofForm | None = None, passkey: NewPasskeyForm | None = None) -> HttpResponse:
    """Everything on one page; the form that was wrong says what is."""
    kept = list(Authenticator.objects.filter(user=request.user).order_by("pk"))
    of = {kind: [one for one in kept if one.type == kind] for kind in Authenticator.Type}
    on, has_passkeys = bool(of[Authenticator.Type.TOTP]), bool(of[Authenticator.Type.WEBAUTHN])
    recovery = of[Authenticator.Type.RECOVERY_CODES]
    context: dict[str, object] = {
        "form": app or ProofForm(),
        "passkey_form": passkey or NewPasskeyForm(first=not (on or has_passkeys)),
        "wrong": app or passkey,
        "passkeys": of[Authenticator.Type.WEBAUTHN],
        "on": on,
        "any": on or has_passkeys,
        "codes_left": len(recovery[0].wrap().get_unused_codes()) if recovery else 0,
        "few": FEW,
        "must": lacks_second_step(request.user, request.roles),
    }
    if not on:
        secret = get_totp_secret()
        url = get_mfa_adapter().build_totp_url(request.user, secret)
        code = segno.make(url, error="m", micro=False)
        context["qr"] = mark_safe(code.svg_inline(scale=4, border=4, light="#fff"))  # noqa: S308 - made by us
        context["link"] = url
        context["secret"] = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
    return render(request, "adsum/signin/security.html", context, status=422 if app or passkey else 200)


@never_cache
@require_POST
@login_required
@stepup.required
def recovery_codes(request: PersonRequest) -> HttpResponse:
    """Ten new recovery codes, shown once."""
    if not is_local(request.user):
        raise Http404
    try:
        codes = second_factors.new_recovery_codes(request.user, by=request.user.actor, at=request.at)
    except AdsumError as refused:
        messages.error(request, refused.message)
        return redirect("security")
    return render(request, "adsum/signin/recovery_codes.html", {"codes": codes, "again": True})


def _added(request: PersonRequest, form: ProofForm) -> list[str]:
    secret = get_totp_secret()
    step = second_factors.matching_step(secret, "".join(form.cleaned_data["code"].split()), at=request.at)
    if step is None:
        form.add_error("code", CODE_WRONG)
        return []
    try:
        codes = second_factors.enable_totp(request.user, secret, step=step, by=request.user.actor, at=request.at)
    except AdsumError as already:
        form.add_error(None, already.message)
        return []
    clear_totp_secret(request)
    note_second_factor(request, request.user, Authenticator.Type.TOTP)
    stepup.note(request)
    return codes


def _removed(request: PersonRequest, form: ProofForm) -> HttpResponse | None:
    if not code_proves(request, form):
        return None
    second_factors.disable_totp(request.user, by=request.user.actor, at=request.at)
    if second_factors.has_second_step(request.user):
        messages.success(request, _("The authenticator app is off. Your passkeys sign you in."))
    else:
        messages.success(request, _("The second step is off. Your password alone signs you in."))
    return redirect("security")


@never_cache
@login_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: PersonRequest) -> HttpResponse:
    """Change the password of a local account; other browsers are signed out."""
    if not is_local(request.user):
        raise Http404
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and password_proves(request, form):
        try:
            with transaction.atomic():
                services.set_password(request.user, form.cleaned_data["new"], by=request.user.actor, at=request.at)
                # All passes but the one this answer brings.
                revoke_passes(request.user.pk, at=request.at - timedelta(milliseconds=1))
        except AdsumError as weak:
            form.add_error("new", weak.message)
        else:
            person, shown = request.user, get_authentication_records(request, request.user)
            logout(request)
            get_adapter(request).login(request, person)  # a new sign-in, so that this browser alone goes on
            for one in shown:
                record_authentication(request, person, one["method"], type=one.get("type"))
            messages.success(request, _("Your password is changed. Other browsers have been signed out."))
            return redirect("security")
    return render(request, "adsum/signin/new_password.html", {"form": form}, status=422 if form.errors else 200)
