"""The form in which an absence is told, the same for a student and for staff who record what they were told."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.absence import evidence
from adsum.absence.labels import SOURCES, category_label, word_of
from adsum.absence.models import AbsenceRequest, Evidence
from adsum.absence.reports import covered, outcomes_of, says_of
from adsum.absence.rules import BY_STAFF, LONGEST_TEXT, MOST_BYTES, MOST_FILES, FileKind, State, Told
from adsum.absence.services import Foretold, Telling, foretell, tell
from adsum.absence.terms import categories
from adsum.accounts.models import Person
from adsum.attendance.ahead import Says
from adsum.attendance.record import OwnClass, own_classes
from adsum.attendance.rules import Status
from adsum.core.clock import civil_day
from adsum.core.errors import AdsumError
from adsum.integrations.files.evidence import clean
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.web.acts import act_of
from adsum.web.entered import DayField
from adsum.web.middleware import PersonRequest

TYPES = {FileKind.PDF: ("application/pdf", "pdf"), FileKind.JPEG: ("image/jpeg", "jpg")}
ACCEPTED = ".pdf,.jpg,.jpeg,.png,.heic,application/pdf,image/jpeg,image/png,image/heic"


class SeveralFiles(forms.ClearableFileInput):
    """A control for files of which several may be chosen."""

    allow_multiple_selected = True


class TellForm(forms.Form):
    """When, why, and in a few words."""

    first = DayField(label=gettext_lazy("First day"), error_messages={"required": gettext_lazy("Say which day it begins.")})
    last = DayField(label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty for one day."))
    from_time = forms.TimeField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("Empty for the whole day."),
    )
    to_time = forms.TimeField(
        label=gettext_lazy("Until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    category = forms.ChoiceField(
        label=gettext_lazy("Reason"), error_messages={"required": gettext_lazy("Choose a reason from the list.")}
    )
    text = forms.CharField(
        label=gettext_lazy("In a few words"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("No medical detail here. Only those who decide read it."),
    )

    def __init__(self, *args: Any, by_staff: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        offered = [(one.code, category_label(one)) for one in categories().values() if one.offered]
        self.fields["category"].choices = [("", _("Choose a reason")), *offered]  # type: ignore[attr-defined]
        if by_staff:
            self.fields["source"] = forms.ChoiceField(
                label=gettext_lazy("How were you told?"),
                widget=forms.RadioSelect,
                initial=Told.PHONE,
                choices=[(one.value, SOURCES[one]) for one in BY_STAFF],
            )
            self.fields["text"].help_text = gettext_lazy("No medical detail. Only those who decide read it, and the student.")
        else:
            self.fields["shared"] = forms.BooleanField(
                label=gettext_lazy("My tutor may read the reason, my words and the evidence"), required=False
            )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        start, end = given.get("from_time"), given.get("to_time")
        same_day = given.get("last") in {None, given.get("first")}
        if start and end and same_day and end <= start:
            self.add_error("to_time", _("This is before it begins. Check both times."))
        return given

    def telling(self, chosen: Iterable[ClassSession] | None = None) -> Telling:
        """What is told, once the form is valid."""
        given, zone = self.cleaned_data, university_zone()
        first, last = given["first"], given["last"] or given["first"]
        starts_at, ends_at = civil_day(first, zone)[0], civil_day(last, zone)[1]
        if given["from_time"]:
            starts_at = _instant(first, given["from_time"])
        if given["to_time"]:
            ends_at = _instant(last, given["to_time"])
        return Telling(
            category=given["category"],
            starts_at=starts_at,
            ends_at=max(ends_at, starts_at + timedelta(minutes=1)),
            first_day=first,
            last_day=last,
            text=" ".join(given["text"].split()),
            source=Told(given.get("source") or Told.STUDENT),
            shared=given.get("shared", False),
            chosen=None if chosen is None else list(chosen),
        )

    @property
    def when(self) -> str:
        """The time that is meant: a list of classes made for another one is shown anew."""
        return "|".join(str(self.cleaned_data.get(name) or "") for name in ("first", "last", "from_time", "to_time"))


def _instant(day: Any, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=university_zone()).astimezone(UTC)


class Asked:
    """One look at the form: what was entered, what would become of it, and, once the student said so, the request it made."""

    def __init__(self, request: PersonRequest, student: Person, *, by_staff: bool, initial: dict[str, Any]) -> None:
        self.form = TellForm(request.POST if request.method == "POST" else None, by_staff=by_staff, initial=initial)
        self.foretold: Foretold | None = None
        self.made: AbsenceRequest | None = None
        self.ticked = set(request.POST.getlist("class"))
        self.fresh = True
        """Whether the classes are shown for the first time: all of them are ticked."""
        if not self.form.is_valid():
            return
        try:
            self.foretold = foretell(student, self.form.telling(), at=request.at)
            self.fresh = request.POST.get("seen") != self.form.when
            if request.POST.get("step") == "tell" and not self.fresh:
                self._tell(request, student, self.foretold)
        except AdsumError as refused:
            self.form.add_error(None, refused.message)

    def _tell(self, request: PersonRequest, student: Person, foretold: Foretold) -> None:
        chosen = [one for one in foretold.classes if str(one.ref) in self.ticked]
        if not chosen:
            self.form.add_error(None, _("Tick the classes that will be missed: one at least."))
            return
        some = chosen if len(chosen) < len(foretold.classes) else None
        self.made = tell(student, self.form.telling(some), act=act_of(request))
        keep_files(request, self.made)

    def context(self) -> dict[str, Any]:
        """For the page."""
        rows = [(one, self.fresh or str(one.ref) in self.ticked) for one in self.foretold.classes] if self.foretold else []
        return {
            "form": self.form,
            "foretold": self.foretold,
            "rows": rows,
            "seen": self.form.when if self.foretold else "",
            "accepted": ACCEPTED,
        }

    @property
    def status(self) -> int:
        return 422 if self.form.errors else 200


def keep_files(request: PersonRequest, absence: AbsenceRequest) -> int:
    """Keep the files that came with this form; how many. What cannot be kept is said, and takes nothing else with it."""
    kept = 0
    for file in request.FILES.getlist("files")[:MOST_FILES]:
        try:
            evidence.keep(absence, clean(file.read(MOST_BYTES + 1)), act=act_of(request))
            kept += 1
        except AdsumError as refused:
            messages.error(request, f"{file.name}: {refused.message}")
    return kept


def file_answer(file: Evidence, content: bytes) -> HttpResponse:
    """A file to download: never shown in a page of ours."""
    kind, ending = TYPES[FileKind(file.kind)]
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="evidence-{file.added_at:%Y-%m-%d}-{str(file.ref)[:8]}.{ending}"'
    return answer


def days(absence: AbsenceRequest) -> str:
    """Such as "23 November" or "23 November – 2 December"."""
    first, last = date_format(absence.first_day, "j F"), date_format(absence.last_day, "j F")
    return first if absence.first_day == absence.last_day else f"{first} – {last}"


SAYS = {
    Says.TOLD: (Status.PENDING, gettext_lazy("Told")),
    Says.UNDER_DECISION: (Status.PENDING, gettext_lazy("Under decision")),
    Says.AUTHORISED: (Status.AUTHORISED, gettext_lazy("Authorised")),
}
"""How a class shows what is foreseen, until its mark says more than that."""
FORESEEN = {Status.EXPECTED, Status.PENDING, Status.AUTHORISED}


def classes_of(absence: AbsenceRequest) -> list[tuple[OwnClass, str, str]]:
    """The classes of an absence, each with its status and, where the absence gives it, its word (nine queries at most)."""
    if absence.state == State.WITHDRAWN:
        return []
    says = says_of(absence)

    def shown(one: OwnClass) -> tuple[OwnClass, str, str]:
        word = says.get(one.session.pk)
        if word is None or one.status not in FORESEEN:
            return one, one.status, ""
        return one, SAYS[word][0], str(SAYS[word][1])

    return [shown(one) for one in own_classes(absence.student, covered(absence).all())]


TONES = {"authorised": "good", "part": "note", "refused": "bad"}


def rows_of(requests: list[AbsenceRequest]) -> list[dict[str, Any]]:
    """How lists show requests: days, reason, and the word (two queries)."""
    outcomes, known = outcomes_of(requests), categories()
    return [
        {
            "absence": one,
            "days": days(one),
            "category": category_label(known[one.category]) if one.category in known else one.category,
            "word": word_of(one.state, outcomes.get(one.pk, "")),
            "tone": TONES.get(outcomes.get(one.pk, ""), "note"),
        }
        for one in requests
    ]
