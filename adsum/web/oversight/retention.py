"""Retention for the data-protection officer: what is over and waits for approval, what was ended, and what is held back."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from adsum.accounts.reports import the_person
from adsum.accounts.rules import READS_ACCESS_LOG, Role
from adsum.audit.rules import Page
from adsum.core.declared import LIVES, Keep
from adsum.core.errors import AdsumError
from adsum.privacy import holds, retention
from adsum.privacy.models import LegalHold, RetentionRun
from adsum.privacy.parts import TITLES
from adsum.privacy.rules import Asked, State
from adsum.timetable.reports import Relation
from adsum.web.acts import act_of
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.retention_labels import CLASSES, STATES, WHY_ASKED
from adsum.web.signin import stepup
from adsum.web.viewing import looked_through

PER_PAGE = 12
OFFICER = frozenset({Role.DATA_PROTECTION})


class HoldForm(forms.Form):
    """Whose data is kept back, and why."""

    who = forms.CharField(label=gettext_lazy("Number or university e-mail"), max_length=254)
    why = forms.CharField(
        label=gettext_lazy("Why?"),
        help_text=gettext_lazy("A court, a claim or an inquiry that may need it. Only data protection and auditors read this."),
        max_length=300,
    )
    review_on = DayField(label=gettext_lazy("Look at it again on"))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(READS_ACCESS_LOG)
def index(request: PersonRequest) -> HttpResponse:
    """What waits for approval, every run with its certificate, and the legal holds. A POST begins a hold."""
    may_decide = Role.DATA_PROTECTION in request.roles
    if request.method == "POST" and not may_decide:
        raise Http404
    form = HoldForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _held(request, form):
        messages.success(request, _("Held. Nothing of theirs ends until you release it."))
        return redirect("retention")
    runs = RetentionRun.objects.select_related("decided_by").order_by("-on")
    page = Paginator(runs.exclude(state=State.WAITING), PER_PAGE).get_page(request.GET.get("page"))
    waiting = runs.filter(state=State.WAITING).first()
    held = LegalHold.objects.filter(ended_at=None).select_related("student", "begun_by").order_by("review_on", "pk")
    holding = Paginator(held, PER_PAGE).get_page(request.GET.get("holds"))
    relation = Relation(Role.DATA_PROTECTION if may_decide else Role.AUDITOR)
    looked_through(request, Page.RIGHTS, [(one.student_id, relation) for one in holding])
    context = {
        "form": form,
        "may_decide": may_decide,
        "waiting": waiting,
        "why": waiting and WHY_ASKED[Asked(waiting.why_asked)],
        "counts": rows_of(waiting.preview) if waiting else [],
        "kept": sum(waiting.preview.get("kept", {}).values()) if waiting else 0,
        "page": page,
        "runs": [(one, STATES[State(one.state)], rows_of(one.certificate or one.preview)) for one in page],
        "holding": holding,
        "lives": [(CLASSES[keep], life) for keep, life in LIVES.items() if life.days],
    }
    return render(request, "adsum/oversight/retention.html", context, status=422 if form.is_bound else 200)


def rows_of(counts: dict[str, Any]) -> list[dict[str, Any]]:
    """The counts of a preview or a certificate: for each class, its students, and the rows of each table."""
    classes: dict[str, dict[str, int]] = counts.get("classes", {})
    return [
        {
            "label": CLASSES[Keep(keep)],
            "students": numbers["students"],
            "rows": sum(number for name, number in numbers.items() if name != "students"),
            "tables": [(TITLES.get(name, name), number) for name, number in sorted(numbers.items()) if name != "students"],
        }
        for keep, numbers in classes.items()
    ]


def _held(request: PersonRequest, form: HoldForm) -> bool:
    student = the_person(form.cleaned_data["who"])
    if student is None:
        form.add_error("who", _("There is nobody, or more than one, with this number or e-mail."))
        return False
    try:
        holds.hold(student, form.cleaned_data["why"], form.cleaned_data["review_on"], act=act_of(request))
    except AdsumError as refused:
        form.add_error(None, refused.message)
        return False
    return True


@require_POST
@for_roles(OFFICER)
def decide(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Approve the run that was shown, after a fresh proof of who one is, or decline it."""
    run = get_object_or_404(RetentionRun, ref=ref)
    approve = request.POST.get("step") == "approve"
    if approve and (first := stepup.ask(request)):
        return first
    try:
        retention.decide(run, approve=approve, act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        done = _("Approved. It is done tonight, and its certificate stands here afterwards.")
        messages.success(request, done if approve else _("Declined. It is counted anew on another night."))
    return redirect("retention")


@require_POST
@for_roles(OFFICER)
def release(request: PersonRequest, ref: UUID) -> HttpResponse:
    """End a legal hold."""
    holds.release(get_object_or_404(LegalHold, ref=ref), act=act_of(request))
    messages.success(request, _("Released. What is over of theirs ends with the next run."))
    return redirect("retention")
