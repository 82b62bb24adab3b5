"""Conduct referrals, for the attendance team: begun from a held scan, answered by the student, decided by a second person."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from adsum.accounts.rules import STAFF, Role
from adsum.attendance.rules import Needs
from adsum.attendance.weighing import refusal
from adsum.audit.rules import Page
from adsum.checkin.models import Scan
from adsum.core.errors import AdsumError
from adsum.engagement import conduct as services
from adsum.engagement.case_rules import ConductState, Finding, why_not_decide
from adsum.engagement.models import Conduct
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import as_one_of, students_visible_to
from adsum.web.acts import act_of, carry_out
from adsum.web.case_labels import CONDUCT, FINDINGS
from adsum.web.entered import WordsField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_at, looked_through

TEAM = frozenset({Role.ATTENDANCE_TEAM})
MOST = 200


class ReferForm(forms.Form):
    words = WordsField(
        label=gettext_lazy("What does it look like?"),
        max_length=1000,
        help_text=gettext_lazy("The student reads it and answers. Say what was seen, not who is to blame."),
    )


class DecideForm(forms.Form):
    finding = forms.ChoiceField(label=gettext_lazy("What you found"), choices=[("", gettext_lazy("Choose")), *FINDINGS.items()])
    reasons = WordsField(label=gettext_lazy("Why?"), max_length=1000, help_text=gettext_lazy("The student reads it."))
    absent = forms.BooleanField(
        label=gettext_lazy("Mark the student absent in these classes"),
        required=False,
        help_text=gettext_lazy("Only where check-in was misused. The change is an amendment like every other."),
    )


@require_safe
@for_roles(STAFF)
def index(request: PersonRequest) -> HttpResponse:
    """Referrals that are open, then those that are decided."""
    visible = Conduct.objects.visible_to(request.user, request.access).select_related("student", "owner", "by")
    found = sorted(visible.order_by("-at")[:MOST], key=lambda one: (one.state == ConductState.DECIDED, one.due_on))
    if not found and not request.roles & TEAM:
        raise Http404
    looked_through(request, Page.CASES, [(one.student_id, as_one_of(request.access, STAFF)) for one in found])
    rows = [(one, CONDUCT[ConductState(one.state)]) for one in found]
    return render(request, "adsum/office/conduct_list.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(STAFF)
def detail(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One referral: what it looks like, how the student says it was, and the decision."""
    visible = Conduct.objects.visible_to(request.user, request.access).select_related("student", "owner", "by", "decided_by")
    one = get_object_or_404(visible, ref=ref)
    looked_at(request, one.student, Page.CONDUCT, as_one_of(request.access, STAFF))
    rows = list(one.classes.select_related("session__module", "scan").order_by("session__starts_at"))
    form = DecideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        sessions = [row.session for row in rows] if given["absent"] else []
        try:
            decided = carry_out(
                request,
                lambda act: services.decide_conduct(
                    one, Finding(given["finding"]), given["reasons"], act=act, absent_in=sessions
                ),
            )
            if isinstance(decided, HttpResponse):
                return decided
            if isinstance(decided, Needs):
                raise refusal(decided)
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("Decided. The student is told."))
            return redirect("conduct", one.ref)
    why = why_not_decide(
        ConductState(one.state), due_on=one.due_on, today=request.today, referred_by=one.by_id, by=request.user.pk
    )
    context = {
        "one": one,
        "rows": rows,
        "form": form,
        "why_not": why,
        "state": CONDUCT[ConductState(one.state)],
        "finding": FINDINGS[Finding(one.finding)] if one.finding else "",
    }
    return render(request, "adsum/office/conduct.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(TEAM)
def refer(request: PersonRequest, scan: UUID) -> HttpResponse:
    """Refer a held scan: the student is asked first, and no mark changes."""
    visible = ClassSession.objects.visible_to(request.user, request.access)
    held = get_object_or_404(
        Scan.objects.select_related("session__module", "student"),
        ref=scan,
        session__in=visible,
        student__in=students_visible_to(request.user, request.access),
    )
    form = ReferForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        about = [services.About(held.session, held)]
        try:
            made = services.refer_conduct(held.student, about, form.cleaned_data["words"], act=act_of(request))
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("The student is asked how it was. A colleague decides."))
            return redirect("conduct", made.ref)
    return render(request, "adsum/office/conduct_refer.html", {"form": form, "held": held}, status=422 if form.errors else 200)
