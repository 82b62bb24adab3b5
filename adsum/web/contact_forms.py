"""The form of contact details, for students themselves and for those who keep their records."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from adsum.accounts.models import ContactDetail
from adsum.accounts.reaching import LONGEST, tidy
from adsum.accounts.rules import ContactBy
from adsum.core.errors import AdsumError

WAYS = {
    ContactBy.TELEPHONE: gettext_lazy("Telephone"),
    ContactBy.PERSONAL_EMAIL: gettext_lazy("Personal e-mail"),
    ContactBy.ADDRESS: gettext_lazy("Address"),
}
HELP = {
    ContactBy.TELEPHONE: gettext_lazy("Where you can be rung in the day, such as 07700 900123."),
    ContactBy.PERSONAL_EMAIL: gettext_lazy("Used only when you have not opened a formal message at your university address."),
    ContactBy.ADDRESS: gettext_lazy("Where you live in term."),
}


class ContactForm(forms.Form):
    """An empty field takes a detail away."""

    telephone = forms.CharField(label=WAYS[ContactBy.TELEPHONE], required=False, max_length=LONGEST)
    personal_email = forms.CharField(label=WAYS[ContactBy.PERSONAL_EMAIL], required=False, max_length=LONGEST)
    address = forms.CharField(
        label=WAYS[ContactBy.ADDRESS], required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, data: Any, *, known: Mapping[ContactBy, ContactDetail], own: bool = False) -> None:
        super().__init__(data, initial={way.value: detail.value for way, detail in known.items()})
        types = {ContactBy.TELEPHONE: ("tel", "tel"), ContactBy.PERSONAL_EMAIL: ("email", "email")}
        for way, (kind, filled) in types.items():
            self.fields[way].widget.input_type = kind
            self.fields[way].widget.attrs["autocomplete"] = filled if own else "off"
        if own:
            for way, text in HELP.items():
                self.fields[way].help_text = text

    def clean(self) -> None:
        for way in ContactBy:
            try:
                self.cleaned_data[way] = tidy(way, self.cleaned_data.get(way, ""))
            except AdsumError as wrong:
                self.add_error(way, wrong.message)

    @property
    def wanted(self) -> dict[ContactBy, str]:
        return {way: self.cleaned_data[way] for way in ContactBy}
