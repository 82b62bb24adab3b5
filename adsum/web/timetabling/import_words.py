"""Words and forms of the import pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.integrations.imports.mapping import FIELDS, LONGEST_PATTERN, PRESETS, RULES
from adsum.timetable.rules import Change, ImportState, PollOutcome
from adsum.timetable.services import Polling
from adsum.timetable.sources import FeedMapping

STATES = {
    ImportState.WAITING: gettext_lazy("Waiting to be read"),
    ImportState.CHECKING: gettext_lazy("Being read"),
    ImportState.CHECKED: gettext_lazy("Waits for you"),
    ImportState.APPLYING: gettext_lazy("Being applied"),
    ImportState.APPLIED: gettext_lazy("Applied"),
    ImportState.REFUSED: gettext_lazy("Cannot be used"),
    ImportState.DISCARDED: gettext_lazy("Discarded"),
}
CHANGES = {
    Change.NEW: gettext_lazy("New"),
    Change.CHANGED: gettext_lazy("Changed"),
    Change.MOVED: gettext_lazy("Moved"),
    Change.CANCELLED: gettext_lazy("Cancelled"),
    Change.RESTORED: gettext_lazy("Back"),
    Change.VANISHED: gettext_lazy("Vanished"),
    Change.ENDED: gettext_lazy("Ended"),
    Change.UNCHANGED: gettext_lazy("Unchanged"),
}
THINGS = {
    "class": gettext_lazy("Classes"),
    "person": gettext_lazy("People"),
    "place": gettext_lazy("Places"),
    "places": gettext_lazy("Places, by group"),
    "role": gettext_lazy("Roles"),
    "lecturer": gettext_lazy("Lecturers of groups"),
    "leader": gettext_lazy("Module leaders"),
    "group": gettext_lazy("Groups"),
    "module": gettext_lazy("Modules"),
    "room": gettext_lazy("Rooms"),
    "term": gettext_lazy("Terms"),
    "department": gettext_lazy("Departments"),
    "identifier": gettext_lazy("Identifiers"),
    "course": gettext_lazy("Courses"),
    "enrolment": gettext_lazy("Students on courses"),
}
NAMES = {
    "when": gettext_lazy("when"),
    "title": gettext_lazy("title"),
    "module": gettext_lazy("module"),
    "kind": gettext_lazy("kind"),
    "delivery": gettext_lazy("delivery"),
    "mandatory": gettext_lazy("mandatory"),
    "status": gettext_lazy("status"),
    "rooms": gettext_lazy("rooms"),
    "staff": gettext_lazy("staff"),
    "groups": gettext_lazy("groups"),
    "students": gettext_lazy("students"),
    "join": gettext_lazy("join"),
    "leave": gettext_lazy("leave"),
    "code": gettext_lazy("code"),
    "name": gettext_lazy("name"),
    "role": gettext_lazy("role"),
    "until": gettext_lazy("until"),
    "username": gettext_lazy("sign-in name"),
    "email": gettext_lazy("e-mail"),
    "given_name": gettext_lazy("given name"),
    "family_name": gettext_lazy("family name"),
    "preferred_name": gettext_lazy("preferred name"),
    "pronouns": gettext_lazy("pronouns"),
    "number": gettext_lazy("number"),
    "is_active": gettext_lazy("may sign in"),
    "ended_on": gettext_lazy("last day"),
    "starts_on": gettext_lazy("first day"),
    "ends_on": gettext_lazy("last day"),
    "academic_year": gettext_lazy("academic year"),
    "department": gettext_lazy("department"),
    "parent": gettext_lazy("part of"),
    "source_id": gettext_lazy("id in its source"),
    "course": gettext_lazy("course"),
    "tutor": gettext_lazy("personal tutor"),
    "mode": gettext_lazy("mode"),
    "level": gettext_lazy("level"),
    "year_of_study": gettext_lazy("year"),
}
RULE_NAMES = {
    "modules": gettext_lazy("Modules"),
    "groups": gettext_lazy("Groups"),
    "rooms": gettext_lazy("Rooms"),
    "kinds": gettext_lazy("Kind of class"),
    "remote": gettext_lazy("Remote, when it matches"),
}
PRESET_NAMES = {"timeedit": gettext_lazy("TimeEdit"), "plain": gettext_lazy("Plain: “CS201 Algorithms – Lecture”")}


def counted(change: Change, number: int) -> str:
    """One part of the sum: “4 moved”."""
    words = {
        Change.NEW: ngettext("%(n)s new", "%(n)s new", number),
        Change.CHANGED: ngettext("%(n)s changed", "%(n)s changed", number),
        Change.MOVED: ngettext("%(n)s moved", "%(n)s moved", number),
        Change.CANCELLED: ngettext("%(n)s cancelled", "%(n)s cancelled", number),
        Change.RESTORED: ngettext("%(n)s back", "%(n)s back", number),
        Change.VANISHED: ngettext("%(n)s vanished (kept, suspect)", "%(n)s vanished (kept, suspect)", number),
        Change.ENDED: ngettext("%(n)s ended", "%(n)s ended", number),
        Change.UNCHANGED: ngettext("%(n)s unchanged", "%(n)s unchanged", number),
    }
    return words[change] % {"n": f"{number:,}"}


def shown(value: Any) -> str:
    """A value of the diff in words."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


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


OUTCOMES = {
    PollOutcome.SAME: gettext_lazy("Nothing new"),
    PollOutcome.APPLIED: gettext_lazy("Applied"),
    PollOutcome.WAITS: gettext_lazy("Waits for you"),
    PollOutcome.FAILED: gettext_lazy("Failed"),
}
INTERVALS = {
    5: gettext_lazy("every 5 minutes"),
    15: gettext_lazy("every 15 minutes"),
    60: gettext_lazy("every hour"),
    240: gettext_lazy("every 4 hours"),
    1440: gettext_lazy("once a day"),
}


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
