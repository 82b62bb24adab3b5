"""What officers decide week by week: arrivals, late changes, absences to approve."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from adsum.absence.models import AbsenceRequest
from adsum.accounts.models import Person
from adsum.audit.rules import Page
from adsum.compliance.clocks import begins
from adsum.compliance.late_changes import decide, listed
from adsum.compliance.leave import Leave, approvals_of, decide_leave, decider_of, total_of, waiting
from adsum.compliance.models import SponsorProfile, SponsorStanding
from adsum.compliance.sponsor_rules import Arrival, ArrivalStage, stage_of
from adsum.compliance.sponsorship import current, sponsored, steps_of, take_back_step, take_step
from adsum.compliance.terms import terms_in_force
from adsum.core.errors import AdsumError
from adsum.timetable.reports import as_one_of
from adsum.web.acts import act_of
from adsum.web.compliance import UKVI
from adsum.web.compliance.sponsor_labels import STAGES, STEPS
from adsum.web.entered import DayField, day_of, number_of, ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

PER_PAGE = 50
LISTED_FOR = timedelta(days=120)
"""How long after the latest day to enrol a student stands under arrivals."""


def _noted(request: PersonRequest, students: set[int]) -> None:
    relation = as_one_of(request.access, UKVI)
    looked_through(request, Page.SPONSORED, [(pk, relation) for pk in sorted(students)])


def _tried(request: PersonRequest, verb: Callable[[], object], done: str) -> None:
    """Do it, and say on the next page what became of it."""
    try:
        verb()
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, done)


# Arrivals


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def arrivals(request: PersonRequest) -> HttpResponse:
    """Students with a CAS who are expected, or were lately: how far each has come, those who are missing first."""
    if request.method == "POST":
        return _step(request)
    show = request.GET.get("show", "")
    profiles = current().filter(enrol_by__gte=request.today - LISTED_FOR).exclude(student=request.user)
    profiles = profiles.select_related("student", "course")
    new = list(profiles.order_by("enrol_by", "student__family_name", "pk"))
    steps = steps_of([one.cas_number for one in new])
    seen = SponsorStanding.objects.filter(student__in=[one.student_id for one in new]).exclude(since=None)
    engaged = {pk: since for pk, since in seen.values_list("student", "since") if since is not None}
    attended = {
        one.student_id: engaged[one.student_id]
        for one in new
        if one.student_id in engaged
        and engaged[one.student_id] >= begins(one, steps.get(one.cas_number, {}).get(Arrival.ENROLLED))
    }
    rows = [
        (one, stage_of(one.facts, steps.get(one.cas_number, {}), attended.get(one.student_id), request.today)) for one in new
    ]
    counts = {stage: sum(found == stage for _one, found in rows) for stage in ArrivalStage}
    order = list(ArrivalStage)
    shown = [row for row in rows if show in {"", row[1]}]
    shown.sort(key=lambda row: (row[1] != ArrivalStage.MISSING, order.index(row[1])))
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    _noted(request, {one.student_id for one, _stage in page})
    lines = [
        {
            "profile": one,
            "stage": STAGES[stage],
            "missing": stage == ArrivalStage.MISSING,
            "steps": [(step.value, STEPS[step], steps.get(one.cas_number, {}).get(step)) for step in Arrival],
        }
        for one, stage in page
    ]
    context = {
        "page": page,
        "lines": lines,
        "show": show,
        "all": len(rows),
        "tabs": [(stage.value, STAGES[stage], counts[stage]) for stage in ArrivalStage if counts[stage]],
        "query": f"show={show}&" if show in set(ArrivalStage) else "",
        "today": request.today,
    }
    return render(request, "adsum/compliance/arrivals.html", context)


def _step(request: PersonRequest) -> HttpResponse:
    known = current().exclude(student=request.user)
    profile = get_object_or_404(known, ref=ref_of(request.POST.get("profile")))
    if request.POST.get("step") not in set(Arrival):
        raise Http404
    step, on = Arrival(request.POST["step"]), day_of(request.POST.get("on")) or request.today
    if request.POST.get("action") == "take_back":
        _tried(request, lambda: take_back_step(profile, step, act=act_of(request)), _("Taken back."))
    else:
        _tried(request, lambda: take_step(profile, step, on, act=act_of(request)), _("Written down."))
    return redirect("arrivals")


# Late changes


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def late_changes(request: PersonRequest) -> HttpResponse:
    """Absences of sponsored students that became attendance after the class: confirmed in one go, week by week."""
    rows = listed(set(sponsored(None, request.today)) - {request.user.pk}, request.at)
    if request.method == "POST":
        chosen = {number_of(text) for text in request.POST.getlist("change")}
        changes = [row.change for row in rows if row.change.pk in chosen]
        counts = request.POST.get("action") == "confirm"
        if not changes:
            messages.warning(request, _("Choose at least one change."))
        else:
            done = ngettext("%(n)s change decided.", "%(n)s changes decided.", len(changes)) % {"n": len(changes)}
            _tried(request, lambda: decide(changes, counts=counts, act=act_of(request)), done)
        return redirect("late_changes")
    _noted(request, {row.change.student_id for row in rows})
    context = {
        "waiting": [row for row in rows if row.decided is None],
        "decided": [row for row in rows if row.decided is not None][:PER_PAGE],
    }
    return render(request, "adsum/compliance/late_changes.html", context)


# Absences


class LeaveForm(forms.Form):
    """What compliance decides about one absence."""

    in_uk = forms.BooleanField(label=gettext_lazy("The student stays in the United Kingdom"), required=False, initial=True)
    place = forms.CharField(
        label=gettext_lazy("Studies elsewhere: where?"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Leave it empty for an absence without study."),
    )
    words = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Needed to decline, and beyond the yearly total."),
    )


class OwnLeaveForm(LeaveForm):
    """Leave that was agreed with a supervisor, and told to an officer."""

    first = DayField(label=gettext_lazy("First day"))
    last = DayField(label=gettext_lazy("Last day"))
    agreed_by = forms.CharField(label=gettext_lazy("Agreed by (staff number)"), max_length=40)
    field_order = ["first", "last", "agreed_by", "in_uk", "place", "words"]

    person: Person

    def clean_agreed_by(self) -> str:
        number = self.cleaned_data["agreed_by"].strip()
        found = list(Person.objects.filter(number=number, is_active=True)[:2])
        if len(found) != 1:
            raise forms.ValidationError(_("No single person has exactly this number."))
        self.person = found[0]
        return str(number)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def absences(request: PersonRequest) -> HttpResponse:
    """Absences that were authorised for the course and wait for compliance, each with the total of twelve months."""
    profiles = sponsored(None, request.today)
    profiles.pop(request.user.pk, None)
    terms = terms_in_force(request.today)
    found = waiting(profiles, terms, today=request.today)
    if request.method == "POST":
        chosen = ref_of(request.POST.get("absence"))
        asked = next((one for one in found if one.ref == chosen), None)
        form = LeaveForm(request.POST)
        if asked is None or not form.is_valid():
            messages.warning(request, _("A colleague has already decided about this absence."))
        else:
            _decide(request, asked, form)
        return redirect("sponsor_absences")
    approvals = approvals_of({one.student_id for one in found})
    _noted(request, {one.student_id for one in found})
    lines = [
        (
            one,
            profiles[one.student_id],
            total_of(approvals.get(one.student_id, []), one.last_day),
            LeaveForm(auto_id=f"leave_{one.pk}_%s"),
        )
        for one in found
    ]
    context = {"lines": lines, "cap": terms.absence_cap, "days": terms.approval_days}
    return render(request, "adsum/compliance/absences.html", context)


def _decide(request: PersonRequest, asked: AbsenceRequest, form: LeaveForm) -> None:
    given = form.cleaned_data
    leave = Leave(asked.first_day, asked.last_day, given["in_uk"], given["place"], decider_of(asked))
    approved = request.POST.get("action") == "approve"
    _tried(
        request,
        lambda: decide_leave(asked.student, leave, approved=approved, words=given["words"], request=asked, act=act_of(request)),
        _("Approved: the clock stands still on these days.") if approved else _("Declined."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(UKVI)
def leave(request: PersonRequest, ref: Any) -> HttpResponse:
    """Leave of one student that was agreed with a supervisor: entered and approved by an officer."""
    held = SponsorProfile.objects.filter(superseded_at=None).exclude(student=request.user)
    profile = held.filter(student__ref=ref).select_related("student").order_by("-since").first()
    if profile is None:
        raise Http404
    form = OwnLeaveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        what = Leave(given["first"], given["last"], given["in_uk"], given["place"], form.person)
        try:
            decide_leave(profile.student, what, approved=True, words=given["words"], act=act_of(request))
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("Approved: the clock stands still on these days."))
            return redirect("sponsor", ref=profile.student.ref)
    _noted(request, {profile.student_id})
    context = {"form": form, "student": profile.student}
    return render(request, "adsum/compliance/leave.html", context, status=422 if form.errors else 200)
