"""What an officer can do on the page of a duty: for each deed its form, when it is offered, and the verb that does it."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.compliance import duties
from adsum.compliance.duty_life import (
    BY_HAND,
    REASONS,
    Doubt,
    Event,
    Kind,
    Outcome,
    Part,
    Reason,
    Result,
    State,
    Way,
    after,
    may_be,
)
from adsum.compliance.models import Duty, Representation
from adsum.compliance.representations import consider
from adsum.web.compliance.duty_labels import GROUNDS, OUTCOMES, RESULTS, WAYS
from adsum.web.compliance.duty_labels import REASONS as REASON_WORDS
from adsum.web.entered import WordsField

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class Facing(NamedTuple):
    """A duty as one officer finds it."""

    duty: Duty
    by: Person
    doubts: Mapping[Doubt, int]
    told: Representation | None
    """What the student was told of the report that is proposed."""
    untried: Collection[Way]
    today: date


class ProposeForm(forms.Form):
    outcome = forms.ChoiceField(label=_("Outcome, and why"))
    words = WordsField(label=_("What does this rest on?"), help_text=_("For the second officer, and for an inspector later."))
    ground = WordsField(
        label=_("What the student is told, if it is to be reported"),
        required=False,
        help_text=_("The one ground on which the report rests. The student reads it and can answer before it is final."),
    )


class ConfirmForm(forms.Form):
    proposal = forms.UUIDField(widget=forms.HiddenInput)


class WhyForm(forms.Form):
    words = WordsField(label=_("Why?"))


class NoteForm(forms.Form):
    words = WordsField(label=_("Note"), help_text=_("For officers. No medical detail here."))


class ReportForm(forms.Form):
    reported_on = forms.DateField(label=_("On which day was it entered in the sponsor system?"), widget=_DAY)
    reference = forms.CharField(label=_("Its reference there"), max_length=80)
    words = WordsField(label=_("What was reported?"), help_text=_("As it was entered. If it is late, say why."))


class TriedForm(forms.Form):
    tried = forms.ChoiceField(label=_("How, and what came of it"))


class CorrectForm(forms.Form):
    trigger_on = forms.DateField(
        label=_("On which day was it known or decided?"),
        widget=_DAY,
        help_text=_("The working days count from this day. They never stop."),
    )
    words = WordsField(label=_("Why was the other day wrong?"))


class ConsiderForm(forms.Form):
    words = WordsField(label=_("What did you make of the answer?"), help_text=_("The student reads it."))


class ReachedForm(forms.Form):
    words = WordsField(
        label=_("How, and what did they say?"),
        help_text=_("For a student who does not open the message: you rang, or met them, and told them what it rests on."),
    )


class Deed(NamedTuple):
    """One thing that can be done."""

    label: Promise
    form: type[forms.Form]
    offered: Callable[[Facing], bool]
    do: Callable[[Duty, dict[str, Any], Act], Any]
    done: Promise


def _may(event: Event) -> Callable[[Facing], bool]:
    def asked(facing: Facing) -> bool:
        duty = facing.duty
        part = Part.PROPOSER if duty.proposed_by_id == facing.by.pk else Part.SECOND
        outcome = Outcome(duty.outcome) if duty.outcome else None
        return after(part, State(duty.state), event, outcome) is not None

    return asked


def _propose(duty: Duty, given: dict[str, Any], act: Act) -> None:
    outcome, _colon, reason = given["outcome"].partition(":")
    duties.propose(duty, Outcome(outcome), Reason(reason), given["words"], ground=given["ground"], act=act)


def _tried(duty: Duty, given: dict[str, Any], act: Act) -> None:
    way, _colon, result = given["tried"].partition(":")
    duties.write_try(duty, Way(way), Result(result), act=act)


def _reached(duty: Duty, given: dict[str, Any], act: Act) -> None:
    duties.reach(duty, given["words"], act=act)


def _consider(duty: Duty, given: dict[str, Any], act: Act) -> None:
    told = duties.told_of(duty)
    if told is not None:
        consider(told, given["words"], act=act)


DEEDS: dict[str, Deed] = {
    "consider": Deed(
        _("Weigh the answer"),
        ConsiderForm,
        lambda facing: facing.told is not None and facing.told.known.answered and not facing.told.known.considered,
        _consider,
        _("Written down. The student is told."),
    ),
    "reached": Deed(
        _("I have told the student"),
        ReachedForm,
        lambda facing: facing.told is not None and facing.told.opened_at is None and facing.duty.state == State.PROPOSED,
        _reached,
        _("Written down. The time for an answer begins now."),
    ),
    "confirm": Deed(
        _("Agree"),
        ConfirmForm,
        _may(Event.CONFIRMED),
        lambda duty, given, act: duties.confirm(duty, UUID(str(given["proposal"])), act=act),
        _("Agreed."),
    ),
    "give_back": Deed(
        _("Give it back"),
        WhyForm,
        _may(Event.RETURNED),
        lambda duty, given, act: duties.give_back(duty, given["words"], act=act),
        _("Given back. The days go on."),
    ),
    "propose": Deed(
        _("Propose an outcome"), ProposeForm, _may(Event.PROPOSED), _propose, _("Proposed. Another officer is asked.")
    ),
    "report": Deed(
        _("It is entered in the sponsor system"),
        ReportForm,
        _may(Event.REPORTED),
        lambda duty, given, act: duties.report(duty, given["reported_on"], given["reference"], given["words"], act=act),
        _("Written down. Now the student is told over every address that is recorded."),
    ),
    "tried": Deed(
        _("I told the student"),
        TriedForm,
        lambda facing: _may(Event.TRIED)(facing) and bool({*BY_HAND} & {*facing.untried}),
        _tried,
        _("Written down."),
    ),
    "close": Deed(
        _("Close it: nothing reaches the student"),
        WhyForm,
        lambda facing: _may(Event.CLOSED)(facing) and not facing.untried,
        lambda duty, given, act: duties.close_unreachable(duty, given["words"], act=act),
        _("Closed."),
    ),
    "take_back": Deed(
        _("Take my proposal back"),
        WhyForm,
        _may(Event.TAKEN_BACK),
        lambda duty, given, act: duties.take_back(duty, given["words"], act=act),
        _("Taken back. The days go on."),
    ),
    "correct": Deed(
        _("Put the day of the trigger right"),
        CorrectForm,
        _may(Event.CORRECTED),
        lambda duty, given, act: duties.correct_trigger(duty, given["trigger_on"], given["words"], act=act),
        _("Put right. The last day for the report has moved with it."),
    ),
    "note": Deed(
        _("Write a note"),
        NoteForm,
        _may(Event.NOTED),
        lambda duty, given, act: duties.note(duty, given["words"], act=act),
        _("Noted."),
    ),
}
"""In the order in which the page offers them: what comes next first."""


def offered(facing: Facing) -> list[str]:
    """What this officer can do now, by name."""
    return [name for name, deed in DEEDS.items() if deed.offered(facing)]


def form_of(name: str, facing: Facing, data: Any = None) -> forms.Form:
    """The form of one deed, with what can be chosen now."""
    duty = facing.duty
    initial = {
        "proposal": duty.proposal,
        "ground": GROUNDS.get(Kind(duty.kind), ""),
        "trigger_on": duty.trigger_on,
        "reported_on": facing.today,
    }
    form = DEEDS[name].form(data, auto_id=f"{name}_%s", initial=initial)
    if isinstance(form, ProposeForm):
        outcomes = may_be(Kind(duty.kind), facing.doubts)
        groups = [
            (OUTCOMES[one], [(f"{one}:{why}", f"{OUTCOMES[one]}: {REASON_WORDS[why]}") for why in REASONS[one]])
            for one in outcomes
        ]
        form.fields["outcome"].choices = [("", _("Choose")), *groups]  # type: ignore[attr-defined]
    if isinstance(form, TriedForm):
        form.fields["tried"].choices = [  # type: ignore[attr-defined]
            (f"{way}:{result}", f"{WAYS[way]}: {RESULTS[result]}") for way, results in BY_HAND.items() for result in results
        ]
    return form
