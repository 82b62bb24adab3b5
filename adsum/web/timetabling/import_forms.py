"""Forms of the import pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.integrations.imports.mapping import FIELDS, LONGEST_PATTERN, PRESETS, RULES
from adsum.timetable.services import Polling
from adsum.timetable.sources import FeedMapping
from adsum.web.timetabling.import_labels import INTERVALS, PRESET_NAMES, RULE_NAMES


class UploadForm(forms.Form):
    """A file, or the address of one."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy(
            "A OneRoster zip, an events or enrolments CSV, an iCalendar file; for administrators a roles CSV. Up to 25 MB."
        ),
    )
    url = forms.CharField(
        label=gettext_lazy("Or the address of a calendar"),
        required=False,
        max_length=1000,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    mapping = forms.ChoiceField(
        label=gettext_lazy("How to read a calendar"),
        required=False,
        help_text=gettext_lazy("Only for iCalendar: which fields hold modules, groups and rooms."),
    )
    source = forms.CharField(
        label=gettext_lazy("Name of the source"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Leave empty to use the file’s own. The same name every time keeps what belongs together."),
    )
    partial = forms.BooleanField(
        label=gettext_lazy("This timetable is only a part: what is not in it stays as it is"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        saved = [(f"saved:{name}", name) for name in FeedMapping.objects.order_by("name").values_list("name", flat=True)]
        presets = [(f"preset:{name}", PRESET_NAMES[name]) for name in PRESETS]
        self.fields["mapping"].choices = [("", _("Not a calendar")), *saved, *presets]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """One file, from one place."""
        cleaned = super().clean() or {}
        if bool(cleaned.get("file")) == bool(cleaned.get("url")):
            self.add_error("file", _("Choose a file or give an address: one of the two."))
        return cleaned


class CalendarForm(forms.Form):
    """Where one source is, how it is read, and how often it is asked."""

    name = forms.CharField(
        label=gettext_lazy("Name of the source"), max_length=40, help_text=gettext_lazy("Its classes are kept under this name.")
    )
    format = forms.ChoiceField(
        label=gettext_lazy("What its address holds"),
        choices=[
            (FeedMapping.Format.ICALENDAR, gettext_lazy("A calendar (iCalendar)")),
            (FeedMapping.Format.EVENTS, gettext_lazy("A table (events CSV): the patterns below are not used")),
        ],
        initial=FeedMapping.Format.ICALENDAR,
        required=False,
    )
    url = forms.CharField(
        label=gettext_lazy("Address"), required=False, max_length=1000, widget=forms.URLInput(attrs={"placeholder": "https://"})
    )
    every_minutes = forms.TypedChoiceField(
        label=gettext_lazy("Ask it by itself"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", gettext_lazy("only when somebody fetches it")), *INTERVALS.items()],
    )
    apply_below = forms.IntegerField(
        label=gettext_lazy("Apply by itself up to (%)"),
        required=False,
        min_value=0,
        max_value=100,
        initial=20,
        help_text=gettext_lazy(
            "When no more of its classes than this would be cancelled or vanish, and no more would move. Anything above waits "
            "for you; 0 always does."
        ),
    )
    alarm_hours = forms.IntegerField(
        label=gettext_lazy("Alarm after (hours without an answer)"), required=False, min_value=1, max_value=24 * 30, initial=24
    )
    partial = forms.BooleanField(
        label=gettext_lazy("It is only a part of a timetable: what is not in it stays as it is"), required=False
    )
    create = forms.BooleanField(
        label=gettext_lazy("Make modules and groups that are not known yet"), required=False, initial=True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for rule in RULES:
            self.fields[f"{rule}_field"] = forms.ChoiceField(
                label=_("%(rule)s: field") % {"rule": RULE_NAMES[rule]}, choices=[(name, name) for name in FIELDS]
            )
            self.fields[f"{rule}_pattern"] = forms.CharField(
                label=_("%(rule)s: pattern") % {"rule": RULE_NAMES[rule]},
                required=False,
                max_length=LONGEST_PATTERN,
                widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "off"}),
            )

    def clean(self) -> dict[str, Any]:
        """A calendar needs to know its modules; whatever is polled needs an address."""
        cleaned = super().clean() or {}
        cleaned["format"] = cleaned.get("format") or FeedMapping.Format.ICALENDAR
        if cleaned["format"] == FeedMapping.Format.ICALENDAR and not cleaned.get("modules_pattern"):
            self.add_error("modules_pattern", _("Say how to find the module of a class: this pattern is needed."))
        if cleaned.get("every_minutes") and not cleaned.get("url"):
            self.add_error("url", _("Give the address that is to be asked."))
        return cleaned

    def polling(self) -> Polling:
        """How it is asked, as it is saved."""
        data, usual = self.cleaned_data, Polling()
        return Polling(
            format=data["format"],
            partial=data["partial"],
            every_minutes=data["every_minutes"],
            apply_below=usual.apply_below if data["apply_below"] is None else data["apply_below"],
            alarm_hours=data["alarm_hours"] or usual.alarm_hours,
        )

    @classmethod
    def initial_of(cls, mapping: dict[str, Any]) -> dict[str, Any]:
        """What the form shows of a saved mapping or a preset."""
        initial: dict[str, Any] = {"create": mapping.get("create", True)}
        for rule in RULES:
            known = mapping.get(rule) or {}
            initial |= {f"{rule}_field": known.get("field", FIELDS[0]), f"{rule}_pattern": known.get("pattern", "")}
        return initial

    def mapping(self) -> dict[str, Any]:
        """What was filled in, as it is saved."""
        data = self.cleaned_data
        rules = {
            rule: {"field": data[f"{rule}_field"], "pattern": data[f"{rule}_pattern"]}
            for rule in RULES
            if data[f"{rule}_pattern"]
        }
        if data["format"] == FeedMapping.Format.EVENTS:
            return {}
        return {**rules, "create": data["create"]}
