"""The forms of the editor of alert rules: its rules, and the words of each stage."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Department
from adsum.attendance.counting import Period
from adsum.engagement.recovery import Recovery
from adsum.engagement.rules import LONGEST_HOLD, STAGES, Recipient, Rule, Scope, Trigger
from adsum.engagement.versions import MOST_RULES
from adsum.engagement.wordings import LONGEST_BODY, LONGEST_SUBJECT, PLACEHOLDERS, Wording
from adsum.web.office.rule_labels import FIELDS, PERIODS, RECIPIENTS, TRIGGERS, stage_words

WRONG_WORDS = {
    "half": gettext_lazy("Write both a subject and an opening, or neither: then Adsum’s own words are used."),
    "too_long": gettext_lazy("This is longer than a message can be."),
    "brace": gettext_lazy("A brace is open or closed alone. Placeholders look like {name}."),
}


class RuleForm(forms.Form):
    """One rule. An empty one is no rule."""

    stage = forms.TypedChoiceField(label=FIELDS["stage"], coerce=int, initial=STAGES[0])
    trigger = forms.ChoiceField(
        label=FIELDS["trigger"], choices=[(one.value, TRIGGERS[one]) for one in Trigger], initial=Trigger.MISSED_IN_A_ROW.value
    )
    number = forms.IntegerField(label=FIELDS["number"], min_value=1, max_value=120, required=False)
    period = forms.ChoiceField(
        label=FIELDS["period"],
        choices=[("", gettext_lazy("not a percentage")), *((one.value, PERIODS[one]) for one in Period)],
        required=False,
    )
    last = forms.IntegerField(
        label=FIELDS["last"],
        min_value=0,
        max_value=200,
        required=False,
        help_text=gettext_lazy("Only with “the last classes that counted”."),
    )
    misses = forms.IntegerField(
        label=FIELDS["misses"],
        min_value=0,
        max_value=20,
        required=False,
        help_text=gettext_lazy("Only with a percentage. At 2, nobody is below it because of one class."),
    )
    department = forms.ModelChoiceField(
        label=gettext_lazy("Only students on a course of"),
        queryset=Department.objects.order_by("name"),
        required=False,
        empty_label=gettext_lazy("any department"),
    )
    level = forms.CharField(label=gettext_lazy("Only of the level"), max_length=20, required=False)
    mode = forms.CharField(
        label=gettext_lazy("Only of the mode"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("As your roster writes it, such as part_time."),
    )
    wait_days = forms.IntegerField(
        label=FIELDS["wait_days"],
        min_value=0,
        max_value=120,
        initial=7,
        help_text=gettext_lazy("How long the student has had its message."),
    )
    no_reply = forms.BooleanField(label=gettext_lazy("Only for students who have not answered"), required=False)
    hold_days = forms.IntegerField(label=FIELDS["hold_days"], min_value=1, max_value=LONGEST_HOLD, initial=1)
    tell = forms.MultipleChoiceField(
        label=gettext_lazy("Who is told besides the student"),
        choices=[(one.value, RECIPIENTS[one]) for one in Recipient if one != Recipient.STUDENT],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    notice_days = forms.IntegerField(label=FIELDS["notice_days"], min_value=0, max_value=60, initial=0)
    attend = forms.IntegerField(label=gettext_lazy("Closes after so many classes"), min_value=1, max_value=20, initial=3)
    of = forms.IntegerField(label=gettext_lazy("of so many in a row"), min_value=1, max_value=20, initial=4)
    remove = forms.BooleanField(label=gettext_lazy("Leave this rule out"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stage: Any = self.fields["stage"]
        stage.choices = [(n, stage_words(n)) for n in STAGES]

    @property
    def said(self) -> str:
        """What stands on the fold: the stage, and what it looks for. Empty for a form that begins empty."""
        stage, trigger, number = (self[name].value() for name in ("stage", "trigger", "number"))
        if not number or str(stage) not in map(str, STAGES) or trigger not in set(Trigger):
            return ""
        return f"{stage_words(int(stage))} · {TRIGGERS[Trigger(trigger)]}: {number}"

    @property
    def is_kept(self) -> bool:
        """Whether it is to be a rule of the version: filled in, and not left out."""
        given = getattr(self, "cleaned_data", {})
        return bool(given.get("number")) and not given.get("remove")

    def clean(self) -> None:
        given = self.cleaned_data
        if not self.empty_permitted and not given.get("number") and not given.get("remove") and "number" in given:
            self.add_error("number", _("Say how many, or leave this rule out."))
        if self.errors or not self.is_kept:
            return
        wrong = self.rule().wrong()
        if wrong is not None:
            field = {"recovery": "attend", "recipients": "tell"}.get(wrong, wrong)
            self.add_error(field, _("This does not fit with the rest of the rule."))

    def rule(self) -> Rule:
        """What was given, as the rules take it."""
        given = self.cleaned_data
        department = given["department"]
        return Rule(
            code="",
            stage=given["stage"],
            trigger=Trigger(given["trigger"]),
            number=given["number"],
            period=Period(given["period"]) if given["period"] else None,
            last=given["last"] or 0,
            misses=given["misses"] or 0,
            scope=Scope(department.pk if department is not None else None, given["level"], given["mode"]),
            wait_days=given["wait_days"],
            no_reply=given["no_reply"],
            hold_days=given["hold_days"],
            recipients=(Recipient.STUDENT, *(Recipient(one) for one in given["tell"])),
            notice_days=given["notice_days"],
            recovery=Recovery(given["attend"], given["of"]),
        )


RuleForms = forms.formset_factory(RuleForm, extra=1, max_num=MOST_RULES, validate_max=True)


def initial_of(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """What the forms begin with."""
    return [
        {
            "stage": rule.stage,
            "trigger": rule.trigger.value,
            "number": rule.number,
            "period": rule.period.value if rule.period else "",
            "last": rule.last or None,
            "misses": rule.misses or None,
            "department": rule.scope.department,
            "level": rule.scope.level,
            "mode": rule.scope.mode,
            "wait_days": rule.wait_days,
            "no_reply": rule.no_reply,
            "hold_days": rule.hold_days,
            "tell": [one.value for one in rule.recipients if one != Recipient.STUDENT],
            "notice_days": rule.notice_days,
            "attend": rule.recovery.attend,
            "of": rule.recovery.of,
        }
        for rule in rules
    ]


class WordingForm(forms.Form):
    """The words of one stage in one language; empty: Adsum's own."""

    stage = forms.IntegerField(widget=forms.HiddenInput, min_value=STAGES[0], max_value=STAGES[-1])
    language = forms.ChoiceField(widget=forms.HiddenInput, choices=settings.LANGUAGES)
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=LONGEST_SUBJECT, required=False)
    body = forms.CharField(
        label=gettext_lazy("Opening"), max_length=LONGEST_BODY, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    @property
    def wording(self) -> Wording | None:
        """What was given; None: nothing."""
        given = self.cleaned_data
        found = Wording(given["stage"], given["language"], given["subject"].strip(), given["body"].strip())
        return found if found.subject or found.body else None

    def clean(self) -> None:
        if self.errors or (given := self.wording) is None or (wrong := given.wrong()) is None:
            return
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        message = WRONG_WORDS.get(
            wrong, _("There is a placeholder that Adsum does not know. It knows %(known)s.") % {"known": known}
        )
        self.add_error("body" if wrong != "half" or given.subject else "subject", message)


WordingForms = forms.formset_factory(WordingForm, extra=0)


def words_to_begin_with(wordings: Iterable[Wording]) -> list[dict[str, Any]]:
    """One form for each stage and language."""
    known = {(one.stage, one.language): one for one in wordings}
    return [
        {"stage": stage, "language": language, "subject": own.subject if own else "", "body": own.body if own else ""}
        for stage in STAGES
        for language, _name in settings.LANGUAGES
        for own in [known.get((stage, language))]
    ]


class VersionForm(forms.Form):
    """What the version is called, and why it is made."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    note = forms.CharField(
        label=gettext_lazy("Why it is made"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("For staff; it stays with the version."),
    )
    student = forms.CharField(
        label=gettext_lazy("Preview for a student"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("The number of a student whose record you may open. Nothing is sent."),
    )
