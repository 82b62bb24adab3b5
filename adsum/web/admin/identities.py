"""Who a person is at the university's sign-in: linked by their first sign-in, or by an administrator who has made sure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from allauth.socialaccount.models import SocialAccount
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.identities import UNUSED
from adsum.accounts.models import Person
from adsum.accounts.rules import domain_of
from adsum.integrations.sign_in.allauth import providers
from adsum.integrations.sign_in.arrival import UID_MAX
from adsum.integrations.sign_in.providers import known

SHOWN = 6
"""Letters of a subject that are shown: enough to tell one from another, too few to be taken for it."""


class Identity(NamedTuple):
    """A linked identity, as the page of its person shows it."""

    pk: int
    provider: str
    subject: str
    since: Any
    used: Any
    """When it was last used to sign in; None: never."""


def identities_of(person: Person) -> Iterator[Identity]:
    """Those of one person, the latest used first (two queries)."""
    names = {app.provider_id: app.name for app in providers()}
    for one in SocialAccount.objects.filter(user=person).order_by("-last_login"):
        short = f"{one.uid[:SHOWN]}…" if len(one.uid) > SHOWN else one.uid
        used = None if one.extra_data.get(UNUSED) else one.last_login
        yield Identity(one.pk, names.get(one.provider, one.provider), short, one.date_joined, used)


class LinkForm(forms.Form):
    """A provider that speaks for this person's domain, and what it calls them."""

    provider = forms.ChoiceField(label=gettext_lazy("Provider"))
    subject = forms.CharField(
        label=gettext_lazy("What it calls this person"),
        max_length=UID_MAX,
        strip=False,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "Letter by letter, as your IT service reads it there: the object id at Entra ID, else the “sub”, the persistent"
            " NameID or the attribute that names people. Never an e-mail."
        ),
    )

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "link_%s", **kwargs})
        domain = domain_of(person.username)
        speaking = [app for app in providers() if domain in app.settings.get("domains", [])]
        self.guest = not speaking and not person.password
        """No provider speaks for their domain, and they have no password here: any provider can have them as a guest."""
        self.apps = {app.provider_id: app for app in (providers() if self.guest else speaking)}
        self.fields["provider"].choices = [  # type: ignore[attr-defined]
            (name, f"{app.name} ({known(app)})") for name, app in self.apps.items()
        ]

    def clean_subject(self) -> str:
        subject = str(self.cleaned_data["subject"])
        if subject != subject.strip() or not subject.isprintable():
            raise forms.ValidationError(_("There is a space or an invisible letter around it. Copy the value alone."))
        return subject
