"""Forms in which a person says when and where a class is. Times are civil times of the university."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.attendance.labels import DELIVERIES
from adsum.timetable.models import Group, Module
from adsum.timetable.reports import university_zone
from adsum.timetable.rules import Kind
from adsum.web.entered import DayField
from adsum.web.templatetags.adsum_ui import kind_label

OVERNIGHT = timedelta(hours=12)
"""An end that comes before its start is on the next day, unless the class would then last longer than this."""


def instants(on: date, start: time, end: time) -> tuple[datetime, datetime]:
    """A class's start and end in UTC. Raises ValidationError for a time that does not exist on that day, or an end that
    comes before the start by day. Where the clocks go back, the first of the two hours is meant."""
    first = _instant(on, start)
    last = _instant(on if end > start else on + timedelta(days=1), end)
    if last - first > OVERNIGHT and end <= start:
        raise forms.ValidationError({"end": _("The end comes before the start. Correct one of the two.")})
    return first, last


def _instant(on: date, at: time) -> datetime:
    civil = datetime.combine(on, at, tzinfo=university_zone())
    instant = civil.astimezone(UTC)
    if instant.astimezone(university_zone()).replace(tzinfo=None) != civil.replace(tzinfo=None):
        raise forms.ValidationError(_("The clocks go forward on that day, and this time does not exist. Choose another one."))
    return instant


class WhenForm(forms.Form):
    """When and where."""

    on = DayField(label=gettext_lazy("Day"))
    start = forms.TimeField(label=gettext_lazy("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    end = forms.TimeField(label=gettext_lazy("To"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    room = forms.CharField(
        label=gettext_lazy("Room"),
        required=False,
        max_length=600,
        help_text=gettext_lazy(
            "Choose it from the list. A place that is not on it can be written, and timetabling is told that it is not known. "
            "Several rooms: put ; between them."
        ),
        widget=forms.TextInput(attrs={"list": "known-rooms", "autocomplete": "off"}),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        """The times as instants, under `times`."""
        cleaned = super().clean() or {}
        if not self.errors:
            cleaned["times"] = instants(cleaned["on"], cleaned["start"], cleaned["end"])
        return cleaned

    def rooms(self) -> list[str]:
        """The names of the rooms, each once."""
        return list(dict.fromkeys(name.strip()[:200] for name in self.cleaned_data["room"].split(";") if name.strip()))


class ExtraForm(WhenForm):
    """A class that no timetable named."""

    groups = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        label=gettext_lazy("Groups"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one group: its students are expected.")},
    )
    title = forms.CharField(label=gettext_lazy("Title"), required=False, max_length=250)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=[])
    delivery = forms.ChoiceField(label=gettext_lazy("Taught"), choices=[])
    optional = forms.BooleanField(
        label=gettext_lazy("Attendance is optional"),
        required=False,
        help_text=gettext_lazy("Whoever comes is marked, and nobody’s percentage changes."),
    )
    field_order = ("groups", "title", "kind", "on", "start", "end", "room", "delivery", "optional", "reason")

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = Group.objects.filter(module=module, ended_on=None).order_by("code")
        self.fields["groups"].queryset = groups  # type: ignore[attr-defined]
        self.fields["kind"].choices = [(kind.value, kind_label(kind)) for kind in Kind]  # type: ignore[attr-defined]
        ways = [(way, capfirst(str(word))) for way, word in DELIVERIES.items()]
        self.fields["delivery"].choices = ways  # type: ignore[attr-defined]
        self.fields["title"].widget.attrs["placeholder"] = module.title
