"""What someone who is signed in proves themselves with: the password of their local account, a code from their phone."""

from allauth.account.adapter import get_adapter
from allauth.mfa.base.internal.flows import check_rate_limit
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from adsum.accounts import services
from adsum.accounts.models import Person
from adsum.web.middleware import PersonRequest

ONE_TIME = {"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": "12", "spellcheck": "false"}
CODE_MISSING = {"required": _("Type the code your phone shows now.")}
CODE_WRONG = _("That code does not match. It changes every 30 seconds: type the one your phone shows now.")
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
    if services.use_code(request.user, form.cleaned_data["code"], at=request.at) is None:
        form.add_error("code", CODE_WRONG)
        return False
    allow_more_tries()
    return True
