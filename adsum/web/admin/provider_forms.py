"""What an administrator fills in about a sign-in provider."""

from collections.abc import Iterator
from typing import Any

from allauth.socialaccount.models import SocialApp
from django import forms
from django.forms import BaseFormSet, BoundField, formset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.rules import NEVER_CLAIMED, Role
from adsum.integrations.sign_in.providers import Policy, kind_of, usual_rule
from adsum.web.role_labels import ROLES

CODE = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
KIND_WORDS = {
    "entra": gettext_lazy("Microsoft Entra ID"),
    "oidc": gettext_lazy("OpenID Connect"),
    "saml": gettext_lazy("SAML 2.0"),
}


class ProviderForm(forms.Form):
    """What every provider has; below, what each kind has besides."""

    name = forms.CharField(
        label=gettext_lazy("What people call it"),
        max_length=40,
        help_text=gettext_lazy("Shown on the way there, such as “University login”."),
        error_messages={"required": gettext_lazy("Give it the name people know it by, such as “University login”.")},
    )
    domains = forms.CharField(
        label=gettext_lazy("E-mail domains"),
        widget=forms.Textarea(attrs={"rows": 2, **CODE}),
        help_text=gettext_lazy("Whose people sign in with it: one or more, such as uni.ac.uk and student.uni.ac.uk."),
        error_messages={"required": gettext_lazy("Give at least one e-mail domain whose people sign in with it.")},
    )
    off = forms.BooleanField(label=gettext_lazy("Not in use yet: nobody signs in with it, but you can test it"), required=False)
    match_claim = forms.CharField(
        label=gettext_lazy("Claim that finds people"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=CODE),
        help_text=gettext_lazy(
            "At their first sign-in only. The provider alone must set it, and never give it to someone else: a student or"
            " staff number, not an e-mail. Leave empty when people are linked already."
        ),
    )
    match_identifier = forms.CharField(
        label=gettext_lazy("What that claim is"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs=CODE),
        help_text=gettext_lazy("“number” for the person’s own number, or a kind of identifier of your roster, such as upn."),
    )
    create_people = forms.BooleanField(label=gettext_lazy("Add people the roster does not know"), required=False)
    mfa = forms.CharField(
        label=gettext_lazy("What proves two factors"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, **CODE}),
        help_text=gettext_lazy(
            "One per line; any of them is enough. amr=mfa, amr=pwd+otp (both), acr=…, acrs=c1, or context=… for SAML. What"
            " can be asked for is asked for. Staff come in only with this, or with a second step of their account here."
        ),
    )
    students_mfa = forms.BooleanField(label=gettext_lazy("Students need two factors, too"), required=False)
    roles_claim = forms.CharField(
        label=gettext_lazy("Claim that gives roles"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=CODE),
        help_text=gettext_lazy(
            "Read at every sign-in: roles come and go with its values. Roles given by hand or by the roster stay as they are."
        ),
    )
    administrators = forms.BooleanField(label=gettext_lazy("It may make administrators"), required=False)

    COMMON = ("name", "domains", "off")
    GROUPS = (
        (gettext_lazy("Whose sign-in it is"), ("match_claim", "match_identifier", "create_people")),
        (gettext_lazy("Two factors"), ("mfa", "students_mfa")),
        (gettext_lazy("Roles"), ("roles_claim", "administrators")),
    )
    OWN: tuple[str, ...] = ()
    OWN_TITLE: Any = ""

    def groups(self) -> Iterator[tuple[str, str, list[BoundField]]]:
        """The parts of the form: an id, a heading, the fields."""
        yield "people", _("The provider"), [self[name] for name in self.COMMON]
        yield "own", str(self.OWN_TITLE), [self[name] for name in self.OWN]
        for number, (title, names) in enumerate(self.GROUPS):
            yield f"part{number}", str(title), [self[name] for name in names]

    def clean_domains(self) -> list[str]:
        return str(self.cleaned_data["domains"]).replace(",", " ").split()

    def clean_mfa(self) -> list[str]:
        return [line.strip() for line in str(self.cleaned_data["mfa"]).splitlines() if line.strip()]

    def policy(self, roles: list[dict[str, str]]) -> Policy:
        """What was filled in, as the provider takes it."""
        data = self.cleaned_data
        names = ("name", "domains", "match_claim", "match_identifier", "create_people", "mfa", "students_mfa", "roles_claim")
        return Policy(
            **{name: data[name] for name in names}, roles=roles, administrators=data["administrators"], off=data["off"]
        )

    @classmethod
    def initial_of(cls, app: SocialApp | None, kind: str) -> dict[str, Any]:
        """What the form shows of a provider, or of a new one."""
        if app is None:
            return {"mfa": "\n".join(usual_rule(kind)), "off": True}
        told = app.settings
        plain = (
            "match_claim",
            "match_identifier",
            "create_people",
            "students_mfa",
            "roles_claim",
            "administrators",
            "off",
            "tenant",
            "uid_field",
            "uid_attribute",
        )
        return {name: told[name] for name in plain if name in told} | {
            "name": app.name,
            "client_id": app.client_id,
            "issuer": told.get("server_url", ""),
            "domains": "\n".join(told.get("domains", [])),
            "mfa": "\n".join(told.get("mfa", usual_rule(kind_of(app)))),
        }


CLIENT_ID = {
    "label": gettext_lazy("Client id"),
    "max_length": 191,
    "help_text": gettext_lazy("What the provider calls Adsum; at Entra ID, the application id."),
    "error_messages": {"required": gettext_lazy("Give the client id (application id) that the provider shows for Adsum.")},
}
SECRET = {
    "label": gettext_lazy("Client secret"),
    "required": False,
    "max_length": 1000,
    "help_text": gettext_lazy("Kept encrypted and never shown again. Leave empty to keep the one there is."),
}


class EntraForm(ProviderForm):
    """Entra ID: one tenant, keyed on its id and each person’s object id."""

    tenant = forms.CharField(
        label=gettext_lazy("Tenant id"),
        max_length=36,
        widget=forms.TextInput(attrs=CODE),
        help_text=gettext_lazy("On the overview page of your Entra ID. Only this tenant’s people are believed."),
        error_messages={
            "required": gettext_lazy("Give the id of your tenant; it is on the overview page of your Entra ID."),
            "max_length": gettext_lazy("A tenant id looks like 7f3b1c1e-0000-4000-8000-000000000001."),
        },
    )
    client_id = forms.CharField(widget=forms.TextInput(attrs=CODE), **CLIENT_ID)  # type: ignore[arg-type]
    secret = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "off"}), strip=True, **SECRET)  # type: ignore[arg-type]
    OWN = ("tenant", "client_id", "secret")
    OWN_TITLE = gettext_lazy("The app registration")


class OidcForm(ProviderForm):
    """Any other provider of OpenID Connect, keyed on issuer and subject."""

    issuer = forms.CharField(
        label=gettext_lazy("Issuer"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://", **CODE}),
        help_text=gettext_lazy("Exactly as the provider writes it: it is checked. Another issuer is another provider."),
        error_messages={"required": gettext_lazy("Give the issuer, such as https://login.uni.ac.uk.")},
    )
    client_id = forms.CharField(widget=forms.TextInput(attrs=CODE), **CLIENT_ID)  # type: ignore[arg-type]
    secret = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "off"}), strip=True, **SECRET)  # type: ignore[arg-type]
    uid_field = forms.CharField(
        label=gettext_lazy("Claim that names people"),
        max_length=60,
        initial="sub",
        widget=forms.TextInput(attrs=CODE),
        help_text=gettext_lazy("For ever: “sub”, unless your provider says otherwise."),
        error_messages={"required": gettext_lazy("It is “sub” unless your provider says otherwise.")},
    )
    OWN = ("issuer", "client_id", "secret", "uid_field")
    OWN_TITLE = gettext_lazy("The client")


class SamlForm(ProviderForm):
    """A SAML identity provider, known by its metadata file."""

    metadata = forms.FileField(
        label=gettext_lazy("Metadata file"),
        required=False,
        help_text=gettext_lazy(
            "Of your own identity provider alone, from somebody you trust: it says which key is believed. It is never fetched"
            " anew by itself. Leave empty to keep what is pinned."
        ),
    )
    uid_attribute = forms.CharField(
        label=gettext_lazy("Attribute that names people"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=CODE),
        help_text=gettext_lazy(
            "For ever, with an @ and the university’s domain: subject-id, pairwise-id or eduPersonPrincipalName (if it is"
            " never given to someone else). Leave empty when the provider sends a persistent NameID."
        ),
    )
    OWN = ("metadata", "uid_attribute")
    OWN_TITLE = gettext_lazy("The identity provider")


FORMS: dict[str, type[ProviderForm]] = {"entra": EntraForm, "oidc": OidcForm, "saml": SamlForm}


class RoleRow(forms.Form):
    """One value of the claim, and the role it gives."""

    value = forms.CharField(label=gettext_lazy("Value"), required=False, max_length=300, widget=forms.TextInput(attrs=CODE))
    role = forms.ChoiceField(label=gettext_lazy("Role"), required=False)
    department = forms.CharField(
        label=gettext_lazy("Department code"), required=False, max_length=40, widget=forms.TextInput(attrs=CODE)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(role.value, ROLES[role]) for role in Role if role not in NEVER_CLAIMED]
        self.fields["role"].choices = [("", "–"), *roles]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A value and a role, or nothing."""
        data = super().clean() or {}
        if (data.get("value") or data.get("department")) and not data.get("role"):
            self.add_error("role", _("Choose the role this value gives, or clear the row."))
        if (data.get("role") or data.get("department")) and not data.get("value"):
            self.add_error("value", _("Type the value that gives this role, or clear the row."))
        return data


RoleRows = formset_factory(RoleRow, extra=3, max_num=50, absolute_max=60)


def filled(rows: "BaseFormSet[Any]") -> list[dict[str, str]]:
    """The rows that hold something."""
    return [row.cleaned_data for row in rows if row.cleaned_data.get("value")]
