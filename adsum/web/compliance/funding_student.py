"""One student's funding: the liability points with what is suggested and said, the money at stake, registration, and
changes."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.audit.rules import Page
from adsum.compliance import confirmations
from adsum.compliance.changes import open_change
from adsum.compliance.confirmations import stake_of_code, why_not
from adsum.compliance.funding import fundings_of, register
from adsum.compliance.models import Confirmation, Funding
from adsum.compliance.participation import last_attendance
from adsum.compliance.representations import About, consider, open_about
from adsum.compliance.slc_codes import (
    STOPS_MONEY,
    AttendanceCode,
    ChangeKind,
    ChangeState,
    ConfirmationState,
    Registration,
    RegistrationCode,
)
from adsum.compliance.slc_labels import (
    CHANGE_STATES,
    CODES,
    KINDS,
    REFUSALS,
    REGISTRATIONS,
    SOURCES,
    STATES,
    because_of,
    evidence_of,
    pounds,
    stake_in_words,
)
from adsum.core.errors import AdsumError
from adsum.web.acts import act_of
from adsum.web.compliance.funding import OFFICERS, looked_at_funding
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

CANDIDATES = 5


class CodeForm(forms.Form):
    """A code for one liability point, and why."""

    code = forms.ChoiceField(
        label=gettext_lazy("Code"), choices=[(one.value, f"{one.value}: {label}") for one, label in CODES.items()]
    )
    reason = forms.CharField(
        label=gettext_lazy("Why?"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Kept with the code. Only a suggested A needs none."),
    )


class ChangeForm(forms.Form):
    """A change of circumstance to open by hand."""

    kind = forms.ChoiceField(label=gettext_lazy("What changed?"), choices=[(one.value, label) for one, label in KINDS.items()])
    because = forms.CharField(
        label=gettext_lazy("Why?"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": gettext_lazy("Say in a few words what happened.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICERS)
def student(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The page, and the form that says a code: what stops money is shown with the money first."""
    funding = get_object_or_404(fundings_of(request.access), ref=ref)
    looked_at_funding(request, [funding.student_id], page=Page.FUNDING)
    shown: dict[int, dict[str, Any]] = {}
    if request.method == "POST":
        confirmation = get_object_or_404(
            funding.confirmations.select_related("point", "funding"), ref=request.POST.get("point")
        )
        form = CodeForm(request.POST, prefix=f"p{confirmation.pk}")
        if form.is_valid():
            try:
                stake = _say(request, confirmation, form.cleaned_data)
            except AdsumError as refused:
                form.add_error(None, refused.message)
            else:
                if stake is None:
                    return redirect("funding_student", ref)
                shown[confirmation.pk] = {"stake": stake}
        shown.setdefault(confirmation.pk, {})["form"] = form
    failed = any(one["form"].errors for one in shown.values())
    return render(
        request, "adsum/compliance/funding_student.html", _context(request, funding, shown), status=422 if failed else 200
    )


def _say(request: PersonRequest, confirmation: Confirmation, said: dict[str, Any]) -> list[str] | None:
    """Say a code; or, where it stops money and was not shown yet, what it stops."""
    code, act = AttendanceCode(said["code"]), act_of(request)
    proposed = confirmation.state == ConfirmationState.PROPOSED and confirmation.code == code
    if code in STOPS_MONEY and not proposed:
        if request.POST.get("step") != "propose":
            refused = why_not(confirmation, code, request.at)
            if refused is not None:
                raise AdsumError(refused, str(REFUSALS[refused]))
            return stake_in_words(stake_of_code(confirmation, code))
        confirmations.propose(confirmation, code, said["reason"], act=act)
        messages.success(request, _("Proposed. The student is told why and which payments stop, and can answer."))
        return None
    confirmations.confirm(confirmation, code, said["reason"] or confirmation.reason, act=act)
    messages.success(request, _("Confirmed. It goes out with the next worklist that is given back."))
    return None


def _context(request: PersonRequest, funding: Funding, shown: dict[int, dict[str, Any]]) -> dict[str, Any]:
    rows = funding.confirmations.select_related("point", "proposed_by", "confirmed_by", "funding").order_by("point__number")
    amounts = [
        (label, pounds(amount) if amount is not None else _("not known here"))
        for label, amount in (
            (_("Fee of the year"), funding.fee),
            (_("Tuition fee loan"), funding.fee_loan),
            (_("Next maintenance payment"), funding.maintenance),
        )
    ]
    return {
        "funding": funding,
        "what": funding.what,
        "registration": REGISTRATIONS[Registration(funding.registration)],
        "points": [_point(one, shown.get(one.pk, {})) for one in rows],
        "amounts": amounts,
        "candidates": [(one, SOURCES[one.source]) for one in last_attendance(funding, request.at)[:CANDIDATES]],
        "changes": [
            (one, KINDS[ChangeKind(one.kind)], CHANGE_STATES[ChangeState(one.state)])
            for one in funding.changes.order_by("-opened_at")
        ],
        "change_form": ChangeForm(),
        "others": fundings_of(request.access).filter(student=funding.student_id).exclude(pk=funding.pk),
    }


def _point(one: Confirmation, shown: dict[str, Any]) -> dict[str, Any]:
    code = one.code or one.suggested
    form = shown.get("form") or CodeForm(initial={"code": code, "reason": one.reason}, prefix=f"p{one.pk}")
    proposed = one.state == ConfirmationState.PROPOSED
    return {
        "one": one,
        "code": code,
        "says": CODES[AttendanceCode(code)] if code else "",
        "state": STATES[ConfirmationState(one.state)],
        "because": because_of(one.because, one.facts),
        "evidence": evidence_of(one.facts),
        "locked": one.state == ConfirmationState.LOCKED,
        "said": one.state != ConfirmationState.OPEN,
        "proposed": proposed,
        "told": open_about(About(confirmations.ABOUT, str(one.ref))) if proposed else None,
        "form": form,
        "stake": shown.get("stake"),
    }


def weigh(request: PersonRequest, about: About) -> None:
    """Write down what was made of the student's answer, who reads it. Raises AdsumError."""
    told = open_about(about)
    if told is None:
        raise AdsumError("moved_on", _("This is settled already. Reload the page to see how it stands."))
    consider(told, request.POST.get("words", ""), act=act_of(request))
    messages.success(request, _("Kept. The student reads it."))


@require_POST
@for_roles(OFFICERS)
def deed(request: PersonRequest, ref: UUID, what: str) -> HttpResponse:
    """Registration, taking a code back, weighing an answer, and opening a change: each a button."""
    funding = get_object_or_404(fundings_of(request.access), ref=ref)
    act = act_of(request)
    try:
        if what in {"registered", "not-registered"}:
            code = RegistrationCode.REGISTERED if what == "registered" else RegistrationCode.NOT_REGISTERED
            register(funding, code, act=act)
            messages.success(request, _("Noted."))
        elif what == "take-back":
            row = get_object_or_404(funding.confirmations, ref=request.POST.get("point"))
            confirmations.take_back(row, act=act)
            messages.success(request, _("Taken back. The code is to be said anew."))
        elif what == "weigh":
            row = get_object_or_404(funding.confirmations, ref=request.POST.get("point"))
            weigh(request, About(confirmations.ABOUT, str(row.ref)))
        else:
            form = ChangeForm(request.POST)
            if not form.is_valid():
                messages.error(request, _("Say in a few words what happened."))
                return redirect("funding_student", ref)
            kind = ChangeKind(form.cleaned_data["kind"])
            key = f"{kind}:by hand:{request.today}"
            change = open_change(funding, kind, key, because=form.cleaned_data["because"], at=request.at, act=act)
            return redirect("funding_task", change.ref)
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("funding_student", ref)
