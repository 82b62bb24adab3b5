"""What staff can do on the page of a case: for each deed its form, when it is offered, and the verb that does it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from adsum.engagement import cases, outcomes
from adsum.engagement.case_rules import Event, Outcome, Part, Readers, State, Stop, after
from adsum.engagement.models import Case
from adsum.web.case_labels import OUTCOMES, READERS, STOPS
from adsum.web.entered import WordsField

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PlanForm(forms.Form):
    next_step = forms.CharField(label=_("What comes next?"), max_length=200, help_text=_("The student reads it."))
    due_on = forms.DateField(label=_("By when?"), widget=_DAY)


class NoteForm(forms.Form):
    words = WordsField(label=_("Note"), help_text=_("No medical detail here."))
    readers = forms.ChoiceField(label=_("Who reads it?"), choices=list(READERS.items()))


class ReferForm(forms.Form):
    service = forms.CharField(label=_("To which service?"), max_length=120)
    agreed = WordsField(
        label=_("What did you agree with the student?"), help_text=_("The student reads it. No medical detail here.")
    )


class HandOverForm(forms.Form):
    to = forms.CharField(
        label=_("University e-mail of the colleague"), max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    words = WordsField(label=_("What do they need to know?"), required=False)


class StopForm(forms.Form):
    why = forms.ChoiceField(label=_("Why?"), choices=list(STOPS.items()))
    words = WordsField(label=_("In a few words"), help_text=_("The student reads it. No medical detail here."))


class CloseForm(forms.Form):
    outcome = forms.ChoiceField(label=_("Outcome"), choices=[("", _("Choose an outcome")), *OUTCOMES.items()])
    words = WordsField(
        label=_("Why?"), help_text=_("The student reads it. They may appeal against a warning, or against going to a panel.")
    )


class AppealForm(forms.Form):
    uphold = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            ("", _("Choose")),
            ("yes", _("Upheld: the outcome is taken back")),
            ("no", _("Dismissed: the outcome stands")),
        ],
    )
    words = WordsField(label=_("Why?"), help_text=_("The student reads it."))


class NothingForm(forms.Form):
    """A button is enough."""


def _hand_over(case: Case, given: dict[str, Any], act: Act) -> None:
    to = Person.objects.filter(username=given["to"].strip().casefold(), is_active=True).first()
    if to is None:
        raise AdsumError("unknown", str(_("No colleague has exactly this e-mail. Check it in the directory.")))
    cases.hand_over(case, to, given["words"], act=act)


class Deed(NamedTuple):
    """One thing that can be done."""

    event: Event
    label: Promise
    form: type[forms.Form]
    do: Callable[[Case, dict[str, Any], Act], Any]
    done: Promise
    part: Part = Part.STAFF


DEEDS: dict[str, Deed] = {
    "plan": Deed(
        Event.PLANNED,
        _("Set the next step"),
        PlanForm,
        lambda case, given, act: cases.plan_step(case, given["next_step"], given["due_on"], act=act),
        _("The next step is set."),
    ),
    "note": Deed(
        Event.NOTED,
        _("Write a note"),
        NoteForm,
        lambda case, given, act: cases.add_note(case, given["words"], Readers(given["readers"]), act=act),
        _("Noted."),
    ),
    "refer": Deed(
        Event.REFERRED,
        _("Refer to a service"),
        ReferForm,
        lambda case, given, act: cases.refer(case, given["service"], given["agreed"], act=act),
        _("The referral is written down. Contact the service as usual: nothing is sent from here."),
    ),
    "hand_over": Deed(Event.HANDED_OVER, _("Hand over"), HandOverForm, _hand_over, _("Handed over. Your colleague is told.")),
    "stop": Deed(
        Event.STOPPED,
        _("Stop the clock"),
        StopForm,
        lambda case, given, act: cases.stop_clock(case, Stop(given["why"]), given["words"], act=act),
        _("The clock stands still. The day that was set stays in view."),
    ),
    "restart": Deed(
        Event.RESTARTED,
        _("Let the clock run again"),
        NothingForm,
        lambda case, _given, act: cases.restart_clock(case, act=act),
        _("The clock is running again."),
    ),
    "close": Deed(
        Event.CLOSED,
        _("Close the case"),
        CloseForm,
        lambda case, given, act: outcomes.conclude_case(case, Outcome(given["outcome"]), given["words"], act=act),
        _("Closed. The student is told."),
    ),
    "appeal": Deed(
        Event.UPHELD,
        _("Decide the appeal"),
        AppealForm,
        lambda case, given, act: outcomes.decide_appeal(case, given["words"], uphold=given["uphold"] == "yes", act=act),
        _("Decided. The student is told."),
        Part.OTHERS,
    ),
}
"""In the order in which the page offers them."""


def offered(case: Case, by: Person) -> list[str]:
    """What this person can do to the case now, by name."""
    state = State(case.state)
    return [
        name
        for name, deed in DEEDS.items()
        if after(deed.part, state, deed.event) is not None and not (deed.part == Part.OTHERS and case.closed_by_id == by.pk)
    ]
