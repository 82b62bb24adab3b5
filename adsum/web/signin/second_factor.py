"""What people with a local account prove themselves with: their password, a code from their phone, a passkey."""

import json
from collections.abc import Set as AbstractSet
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from adsum.accounts import second_factors
from adsum.accounts.allauth_internals import check_rate_limit, post_authentication
from adsum.accounts.models import Person
from adsum.accounts.rules import STAFF, Role
from adsum.integrations.sign_in import passkeys
from adsum.integrations.sign_in.allauth import one_factor_alone, provider_for
from adsum.web.middleware import PersonRequest

log = structlog.get_logger()

ONE_TIME = {"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": "12", "spellcheck": "false"}
CODE_MISSING = {"required": _("Type the code your phone shows now.")}
CODE_WRONG = _("That code does not match. It changes every 30 seconds: type the one your phone shows now.")
PASSKEY_WRONG = _("That passkey was not accepted. Try once more, or use another way.")
PASSKEY_ANOTHER = _("That passkey belongs to someone else’s account. Choose yours.")
PASSWORD_WRONG = _("That password does not match. Check capitals and the keyboard’s language, then try again.")


class PasswordForm(forms.Form):
    """The password of a local account."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Type your password.")},
    )


class PasskeyForm(forms.Form):
    """What the browser answers when its owner uses a passkey; with `user`, it must be that person's."""

    credential = forms.CharField(max_length=20_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_credential(self) -> Authenticator:
        """The passkey, and its owner with it. The challenge is used up either way."""
        try:
            answer = json.loads(self.cleaned_data["credential"])
            passkey = passkeys.answer(context.request.session, answer, at=context.request.at)
        except (ValueError, RecursionError, passkeys.NotProven) as wrong:
            log.warning("sign_in.passkey_refused", why=str(wrong)[:200])
            raise forms.ValidationError(PASSKEY_WRONG) from wrong
        if self.user is not None and passkey.user_id != self.user.pk:
            raise forms.ValidationError(PASSKEY_ANOTHER)
        return passkey

    def remember(self) -> None:
        """Tell django-allauth how this person came in."""
        post_authentication(context.request, self.cleaned_data["credential"], passwordless=self.user is None)

    save = remember  # the name django-allauth calls it by


class ProofForm(PasswordForm):
    """That it is the owner of the account who asks, phone in hand."""

    code = forms.CharField(
        label=_("Code"),
        help_text=_("The six digits your authenticator app shows now."),
        widget=forms.TextInput(attrs=ONE_TIME),
        error_messages=CODE_MISSING,
    )
    field_order = ("code", "password")


def has_password(person: Person) -> bool:
    """Whether this person has a password here. (Imported people have an empty one.)"""
    return bool(person.password) and person.has_usable_password()


def is_local(person: Person) -> bool:
    """Whether this person signs in with an account kept here, not at a provider of the university."""
    return has_password(person) and provider_for(person.username) is None


def lacks_second_step(person: Person, roles: AbstractSet[Role]) -> bool:
    """Whether this person must set up a second step before they may do anything else. Never in a demo: its people are made up,
    and visitors sign in as them without a password."""
    return not settings.DEMO and bool(roles & STAFF) and is_local(person) and not second_factors.has_second_step(person)


def is_too_weak(request: HttpRequest, person: Person, roles: AbstractSet[Role]) -> bool:
    """Whether this sign-in is of a member of staff who has shown only one factor: they signed in before they were staff, or
    with a password before they had a second step."""
    return not settings.DEMO and bool(roles & STAFF) and one_factor_alone(request, person)


def password_proves(request: PersonRequest, form: PasswordForm) -> bool:
    """Whether the valid form's password is the person's; tries are counted with those at the door. Else the form says so."""
    try:
        if get_adapter(request).reauthenticate(request.user, form.cleaned_data["password"]):
            return True
        form.add_error("password", PASSWORD_WRONG)
    except ValidationError as too_many:
        form.add_error("password", too_many)
    return False


def code_proves(request: PersonRequest, form: ProofForm) -> bool:
    """Whether the valid form's code is the person's, and use it up; tries are counted. Else the form says so."""
    try:
        allow_more_tries = check_rate_limit(request.user)
    except ValidationError as too_many:
        form.add_error("code", too_many)
        return False
    if second_factors.use_code(request.user, form.cleaned_data["code"], at=request.at) is None:
        form.add_error("code", CODE_WRONG)
        return False
    allow_more_tries()
    return True
