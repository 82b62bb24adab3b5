"""Evidence packs: of one student, or of a random sample for an inspector. Each officer has their own authority's students."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import Person
from adsum.accounts.reports import the_student
from adsum.accounts.rules import COMPLIANCE
from adsum.audit.rules import Page
from adsum.compliance.models import Sample
from adsum.compliance.population import SCOPES, scopes_of, students_of
from adsum.compliance.samples import MOST, draw_sample
from adsum.compliance.scopes import Scope
from adsum.core.cells import safe_filename
from adsum.core.clock import civil_day
from adsum.core.errors import AdsumError
from adsum.integrations.files import exports
from adsum.integrations.files.pack_samples import begin, file_of
from adsum.integrations.files.packs import AUTHORITIES, evidence_of, file_name, zipped
from adsum.timetable.models import Course
from adsum.timetable.reports import Relation, university_zone
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.teaching.sheet import download
from adsum.web.viewing import looked_at, looked_through

ZIP = "application/zip"
SHOWN = 20
HOLDER = {scope: role for role, scope in SCOPES.items()}


class _Form(forms.Form):
    """For whom, and as known on which day."""

    scope = forms.ChoiceField(label=gettext_lazy("For"))
    day = DayField(label=gettext_lazy("As known at the end of"), help_text=gettext_lazy("Today: as known now."))

    def __init__(self, *args: Any, scopes: list[Scope], now: datetime, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now, self.today = now, today
        self.fields["scope"].choices = [(one.value, AUTHORITIES[one]) for one in scopes]  # type: ignore[attr-defined]
        self.fields["scope"].initial, self.fields["day"].initial = scopes[0], today
        if len(scopes) == 1:
            self.fields["scope"].widget = forms.HiddenInput()

    def clean_scope(self) -> Scope:
        return Scope(self.cleaned_data["scope"])

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day > self.today:
            raise forms.ValidationError(_("Choose a day that has been."))
        return day

    @property
    def moment(self) -> datetime:
        """The end of that day, in the university's time; now, if it is today."""
        end: datetime = civil_day(self.cleaned_data["day"], university_zone())[1]
        return min(self.now, end - timedelta(microseconds=1))


class PackForm(_Form):
    student = forms.CharField(
        label=gettext_lazy("Student number or university e-mail"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    field_order = ("scope", "student", "day")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        scope, called = cleaned.get("scope"), cleaned.get("student")
        if scope and called:
            student = the_student(called)
            if student is None or not students_of(scope).filter(pk=student.pk).exists():
                why = _("No single student of %(authority)s has exactly this number or e-mail. Check it.")
                self.add_error("student", why % {"authority": AUTHORITIES[scope]})
            cleaned["student"] = student
        return cleaned


class SampleForm(_Form):
    course = forms.ModelChoiceField(
        label=gettext_lazy("Course"),
        queryset=Course.objects.order_by("code"),
        required=False,
        empty_label=gettext_lazy("Every course"),
    )
    number = forms.IntegerField(label=gettext_lazy("How many students"), min_value=1, max_value=MOST, initial=10)
    seed = forms.CharField(
        label=gettext_lazy("Seed"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("An inspector may give one. Empty: a new one, kept with the sample."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("scope", "number", "course", "day", "seed")


def _relation(scope: Scope) -> Relation:
    return Relation(HOLDER[scope])


def _page(request: PersonRequest, **forms_: Any) -> HttpResponse:
    given = _given(request)
    samples = Sample.objects.filter(scope__in=given["scopes"]).select_related("course", "drawn_by").order_by("-drawn_at", "-pk")
    context = {
        "form": forms_.get("form") or PackForm(prefix="pack", **given),
        "sample_form": forms_.get("sample_form") or SampleForm(prefix="sample", **given),
        "samples": [(one, AUTHORITIES[Scope(one.scope)]) for one in samples[:SHOWN]],
    }
    return render(request, "adsum/compliance/packs.html", context, status=422 if forms_ else 200)


def _given(request: PersonRequest) -> dict[str, Any]:
    return {"scopes": scopes_of(request.access), "now": request.at, "today": request.access.on}


@require_safe
@for_roles(COMPLIANCE)
def packs(request: PersonRequest) -> HttpResponse:
    """A form for one student's pack, one for a sample, and the samples drawn so far."""
    return _page(request)


@require_POST
@for_roles(COMPLIANCE)
@stepup.required
def pack_file(request: PersonRequest) -> HttpResponse:
    """One student's pack. Who took it, with the fingerprint of its facts, is in the log."""
    form = PackForm(request.POST, prefix="pack", **_given(request))
    if not form.is_valid():
        return _page(request, form=form)
    student, scope = form.cleaned_data["student"], form.cleaned_data["scope"]
    looked_at(request, student, Page.PACK, _relation(scope))
    made = evidence_of(student, scope, at=form.moment)
    content = zipped(made, at=request.at, by=request.user)
    exports.noted(
        f"pack_{scope}",
        subject=student.actor,
        by=request.user,
        at=request.at,
        as_of=made.at.isoformat(),
        fingerprint=made.fingerprint,
    )
    return download(exports.File(file_name(made), content, ZIP))


@require_POST
@for_roles(COMPLIANCE)
@stepup.required
def draw(request: PersonRequest) -> HttpResponse:
    """Draw a sample, and have its packs made."""
    form = SampleForm(request.POST, prefix="sample", **_given(request))
    if form.is_valid():
        try:
            sample = draw_sample(
                form.cleaned_data["scope"],
                form.cleaned_data["number"],
                course=form.cleaned_data["course"],
                as_of=form.moment,
                by=request.user,
                at=request.at,
                seed=form.cleaned_data["seed"],
            )
        except AdsumError as refused:
            form.add_error("number", refused.message)
        else:
            begin(sample)
            return redirect("pack_sample", ref=sample.ref)
    return _page(request, sample_form=form)


def _sample(request: PersonRequest, ref: UUID) -> Sample:
    """Raises Http404 for a sample of another authority."""
    visible = Sample.objects.filter(scope__in=scopes_of(request.access)).select_related("course", "drawn_by")
    return get_object_or_404(visible, ref=ref)


def _seen(request: PersonRequest, sample: Sample) -> list[tuple[int, Person, str]]:
    rows = [(one.place, one.student, one.fingerprint) for one in sample.students.select_related("student").order_by("place")]
    relation = _relation(Scope(sample.scope))
    looked_through(request, Page.PACK, [(student.pk, relation) for _place, student, _fingerprint in rows])
    return rows


@require_safe
@for_roles(COMPLIANCE)
def sample(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Who was drawn, by which seed, and how far their packs are."""
    shown = _sample(request, ref)
    context: dict[str, Any] = {
        "sample": shown,
        "authority": AUTHORITIES[Scope(shown.scope)],
        "rows": _seen(request, shown),
        "under_way": shown.state in {Sample.State.WAITING, Sample.State.RUNNING},
        "ready": bool(shown.sealed),
    }
    if request.htmx:  # type: ignore[attr-defined]
        if context["under_way"]:
            return render(request, "adsum/compliance/sample_progress.html", context)
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "adsum/compliance/sample.html", context)


@require_POST
@for_roles(COMPLIANCE)
@stepup.required
def sample_file(request: PersonRequest, ref: UUID) -> HttpResponse:
    """All packs of a sample in one file; or, where there is none any more, have them made again."""
    shown = _sample(request, ref)
    try:
        content = file_of(shown)
    except AdsumError:
        begin(shown)
        messages.info(request, _("The packs are being made again. They will have the same facts."))
        return redirect("pack_sample", ref=ref)
    _seen(request, shown)
    exports.noted(f"sample_{shown.scope}", subject=f"sample:{shown.ref}", by=request.user, at=request.at)
    name = safe_filename("evidence", shown.scope, "sample", f"{shown.drawn_at:%Y-%m-%d}", str(shown.ref)[:8], ending="zip")
    return download(exports.File(name, content, ZIP))
