"""What the university says of itself as controller, for the data-protection officer: whom to ask, and each purpose's lawful
basis. The documents follow from it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from adsum.accounts.rules import Role
from adsum.core.declared import For
from adsum.privacy.particulars import current, say
from adsum.privacy.publishing import publish_documents
from adsum.privacy.purpose_labels import BASES, CONDITIONS, PURPOSES
from adsum.privacy.purposes import ALWAYS, Condition, Missing, Pursued, Says, missing
from adsum.web.acts import act_of
from adsum.web.documents import NAMES
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

SAYS = frozenset({Role.DATA_PROTECTION, Role.ADMINISTRATOR})
PLAIN: dict[str, tuple[Any, Any]] = {
    "controller": (gettext_lazy("Legal name of the university"), gettext_lazy("As in its charter.")),
    "address": (gettext_lazy("Postal address"), gettext_lazy("Where a letter about data protection arrives.")),
    "registration": (gettext_lazy("Number in the register of the Information Commissioner"), gettext_lazy("Such as Z1234567.")),
    "officer_email": (
        gettext_lazy("E-mail of the data-protection officer"),
        gettext_lazy("A mailbox that is read when one is away."),
    ),
    "officer_telephone": (
        gettext_lazy("Their telephone"),
        gettext_lazy("Or an address: there must be another way than e-mail."),
    ),
    "officer_post": (gettext_lazy("Their address"), gettext_lazy("If it is not the university’s.")),
    "accessibility_email": (
        gettext_lazy("E-mail for what is not accessible"),
        gettext_lazy("It stands in the accessibility statement."),
    ),
    "transfers": (
        gettext_lazy("Countries outside the United Kingdom"),
        gettext_lazy("To which data goes, with the safeguard. Empty: to none."),
    ),
}
REQUIRED = ("controller", "address", "officer_email", "accessibility_email")
MISSING: dict[Missing, Promise] = {
    Missing.CONTROLLER: gettext_lazy("The legal name and the address of the university"),
    Missing.CONTACT: gettext_lazy("How to reach the data-protection officer: an e-mail address and one other way"),
    Missing.BASIS: gettext_lazy("The lawful basis of “%(purpose)s”"),
    Missing.CONDITION: gettext_lazy("The condition for special-category data of “%(purpose)s”"),
    Missing.ACCESSIBILITY: gettext_lazy("Whom to tell what is not accessible"),
}


def what_is_missing() -> list[str]:
    """What has to be said before people come, in words (one query)."""
    return [str(MISSING[what]) % {"purpose": PURPOSES[purpose][0] if purpose else ""} for what, purpose in missing(current())]


class ParticularsForm(forms.Form):
    """Everything that only the university can say."""

    def __init__(self, data: Any, *, says: Says) -> None:
        super().__init__(data)
        for name, (label, help_text) in PLAIN.items():
            self.fields[name] = forms.CharField(
                label=label,
                help_text=help_text,
                max_length=300,
                required=False,
                initial=getattr(says, name),
                widget=forms.EmailInput() if name.endswith("email") else forms.TextInput(),
            )
        for purpose in For:
            said = says.of(purpose)
            if purpose not in ALWAYS:
                self.fields[f"{purpose}_pursued"] = forms.BooleanField(
                    label=gettext_lazy("We do this"), required=False, initial=said.pursued
                )
            self.fields[f"{purpose}_basis"] = forms.ChoiceField(
                label=gettext_lazy("Lawful basis"),
                choices=[("", gettext_lazy("Not said yet")), *((one.value, label) for one, label in BASES.items())],
                required=False,
                initial=said.basis,
            )
            self.fields[f"{purpose}_condition"] = forms.ChoiceField(
                label=gettext_lazy("Condition for special-category data"),
                choices=[(one.value, CONDITIONS[one]) for one in Condition],
                required=False,
                initial=said.condition,
            )
            self.fields[f"{purpose}_recipients"] = forms.CharField(
                label=gettext_lazy("Who gets it outside the university"),
                max_length=300,
                required=False,
                initial=said.recipients,
            )

    @property
    def plain(self) -> list[Any]:
        return [self[name] for name in PLAIN]

    @property
    def purposes(self) -> list[tuple[Promise, Promise, list[Any]]]:
        """By purpose: its name, what it is, and its fields."""
        return [(*PURPOSES[one], [self[name] for name in self.fields if name.startswith(f"{one}_")]) for one in For]

    @property
    def says(self) -> Says:
        said = self.cleaned_data
        purposes = {
            one: Pursued(
                basis=said[f"{one}_basis"],
                condition=said[f"{one}_condition"],
                recipients=said[f"{one}_recipients"].strip(),
                pursued=one in ALWAYS or said[f"{one}_pursued"],
            )
            for one in For
        }
        return Says(**{name: said[name].strip() for name in PLAIN}, purposes=purposes)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(SAYS)
def particulars(request: PersonRequest) -> HttpResponse:
    """The form, what is missing, and the documents. Only the officer changes it."""
    may_say = Role.DATA_PROTECTION in request.roles
    form = ParticularsForm((request.POST or None) if may_say else None, says=current())
    if request.method == "POST" and form.is_valid():
        if say(form.says, act=act_of(request)):
            made = publish_documents(at=request.at)
            told = _("Kept. %(n)s documents have a new version.") % {"n": len(made)} if made else _("Kept.")
            messages.success(request, told)
        else:
            messages.info(request, _("Nothing was changed."))
        return redirect("particulars")
    context = {"form": form, "missing": what_is_missing(), "may_say": may_say, "documents": list(NAMES.values())}
    return render(request, "adsum/oversight/particulars.html", context, status=422 if form.is_bound else 200)
