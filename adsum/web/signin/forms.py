"""What a person types to sign in."""

from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from django import forms
from django.utils.translation import gettext_lazy as _

from adsum.accounts import second_factors
from adsum.accounts.allauth_internals import check_rate_limit
from adsum.web.signin.second_factor import CODE_MISSING, CODE_WRONG, ONE_TIME, PasswordForm


class EmailForm(forms.Form):
    """The first question, and for most people the only one: whose sign-in page comes next?"""

    email = forms.EmailField(
        label=_("University e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={
            "required": _("Type your university e-mail, such as s1234567@uni.ac.uk."),
            "invalid": _("That is not a complete e-mail address. It looks like s1234567@uni.ac.uk."),
        },
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().casefold()


class CodeForm(AuthenticateForm):
    """The second question, for those who set it up."""

    code = forms.CharField(
        label=_("Code"),
        help_text=_("Six digits from your authenticator app, or one of your recovery codes."),
        widget=forms.TextInput(attrs=ONE_TIME),
        error_messages=CODE_MISSING,
    )

    def clean_code(self) -> str:
        allow_more_tries = check_rate_limit(self.user)
        code = str(self.cleaned_data["code"])
        authenticator = second_factors.use_code(self.user, code, at=context.request.at)
        if authenticator is None:
            raise forms.ValidationError(CODE_WRONG)
        self.authenticator = authenticator
        allow_more_tries()
        return code


class NewPasswordForm(PasswordForm):
    """A new password for a local account; `password` is the current one."""

    password = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Type your current password.")},
    )
    new = forms.CharField(
        label=_("New password"),
        help_text=_("At least 12 characters. A few words you will remember are better than symbols you will not."),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Type a new password.")},
    )


class NewPasskeyForm(PasswordForm):
    """What a new passkey is called, and what the browser made."""

    name = forms.CharField(
        label=_("What do you call it?"),
        help_text=_("So that you know it again, such as “My phone” or “Key on my key ring”."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Give the passkey a name.")},
    )
    credential = forms.CharField(
        max_length=20_000,
        widget=forms.HiddenInput,
        error_messages={"required": _("Your browser made no passkey. Try once more.")},
    )
    field_order = ("name", "password", "credential")

    def __init__(self, *args: Any, first: bool, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "passkey_%s", **kwargs})
        if not first:  # then what is there already proves it
            del self.fields["password"]
