"""Passkeys: signing in with one, adding one to a local account, taking one away."""

import json

from allauth.account.models import Login
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from adsum.accounts import second_factors
from adsum.accounts.allauth_internals import perform_login
from adsum.core.errors import AdsumError
from adsum.integrations.sign_in import passkeys
from adsum.integrations.sign_in.allauth import note_second_factor, own_path
from adsum.web import floods
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.signin.entrance import first_page, return_path
from adsum.web.signin.forms import NewPasskeyForm
from adsum.web.signin.second_factor import PASSKEY_WRONG, PasskeyForm, is_local, password_proves
from adsum.web.signin.two_step import overview


@never_cache
@require_POST
@floods.guarded("POST")
def options(request: HttpRequest) -> HttpResponse:
    """A challenge for a passkey of any person."""
    return JsonResponse(passkeys.ask(request.session, at=request.at))  # type: ignore[attr-defined]


@never_cache
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in the owner of the passkey; it is password and second step in one."""
    wanted = own_path(request.POST.get("next")) or return_path(request)
    if request.user.is_authenticated:
        return redirect(wanted)
    form = PasskeyForm(request.POST)
    if form.is_valid():
        person = form.cleaned_data["credential"].user
        if is_local(person):
            form.remember()
            answer: HttpResponse = perform_login(request, Login(user=person, redirect_url=wanted))
            if request.user.is_authenticated:
                stepup.note(request)
            return answer
        form.add_error(None, PASSKEY_WRONG)
    return first_page(request, problem=" ".join(str(wrong) for wrongs in form.errors.values() for wrong in wrongs))


@never_cache
@require_POST
@login_required
def new_options(request: PersonRequest) -> HttpResponse:
    """A challenge for a new passkey."""
    if not is_local(request.user):
        raise Http404
    return JsonResponse(passkeys.begin(request.session, request.user, at=request.at))


@never_cache
@sensitive_post_parameters("password")
@require_POST
@login_required
def add(request: PersonRequest) -> HttpResponse:
    """Keep the passkey the browser has just made. The first of an account that has only a password needs that; any other
    needs what is there already."""
    person = request.user
    if not is_local(person):
        raise Http404
    first = not second_factors.has_second_step(person)
    if not first and (stop := stepup.ask(request)):
        return stop
    form = NewPasskeyForm(request.POST, first=first)
    if not form.is_valid() or (first and not password_proves(request, form)):
        return overview(request, passkey=form)
    try:
        made = passkeys.finish(request.session, person, json.loads(form.cleaned_data["credential"]), at=request.at)
        codes = second_factors.add_passkey(
            person,
            made.credential,
            key=made.key,
            name=form.cleaned_data["name"],
            synced=made.synced,
            counter=made.counter,
            by=person.actor,
            at=request.at,
        )
    except (ValueError, RecursionError, passkeys.NotProven):
        form.add_error(None, PASSKEY_WRONG)
        return overview(request, passkey=form)
    except AdsumError as refused:
        form.add_error(None, refused.message)
        return overview(request, passkey=form)
    note_second_factor(request, person, Authenticator.Type.WEBAUTHN)
    stepup.note(request)
    if codes:
        return render(request, "adsum/signin/recovery_codes.html", {"codes": codes})
    messages.success(request, _("The passkey is yours. You can sign in with it from now on."))
    return redirect("security")


@never_cache
@require_POST
@login_required
@stepup.required
def remove(request: PersonRequest, pk: int) -> HttpResponse:
    """Take one passkey away; sign-ins made with it go on."""
    if not second_factors.remove_passkey(request.user, pk, by=request.user.actor, at=request.at):
        raise Http404
    messages.success(request, _("That passkey signs nobody in any more. You can delete it on the device, too."))
    return redirect("security")
