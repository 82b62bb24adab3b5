"""Erasing one person: rehearsed, proposed, approved by a second officer, and certified."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.models import Person
from adsum.accounts.reports import the_person
from adsum.audit.rules import Page
from adsum.core.declared import Keep
from adsum.core.errors import AdsumError
from adsum.privacy import erasing
from adsum.privacy.models import Erasure, RightsRequest
from adsum.privacy.rights_rules import Kind
from adsum.privacy.rules import Ground, State
from adsum.timetable.reports import Relation
from adsum.web.acts import act_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.oversight.retention import OFFICER
from adsum.web.retention_labels import CLASSES, GROUNDS, STATES
from adsum.web.signin import stepup
from adsum.web.viewing import looked_at, looked_through

PER_PAGE = 25
RELATION = Relation(next(iter(OFFICER)))


class EraseForm(forms.Form):
    """Who is to be erased, and who asked for it."""

    who = forms.CharField(label=gettext_lazy("Number or university e-mail"), max_length=254)
    why = forms.CharField(
        label=gettext_lazy("Who asked, and on what ground?"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("It is erased with them."),
    )
    request = forms.UUIDField(widget=forms.HiddenInput, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(OFFICER)
def index(request: PersonRequest) -> HttpResponse:
    """Every erasure, and a form, filled in for a request that asks for one. A POST shows what erasing this person would do; a
    second one proposes it."""
    asked = _asked(request)
    form = EraseForm(request.POST if request.method == "POST" else None, initial=_filled_in(asked))
    if asked is not None and not form.is_bound:
        looked_at(request, asked.person, Page.RIGHTS, RELATION)
    preview, student = None, None
    if form.is_valid() and (student := _person(form)) is not None:
        looked_at(request, student, Page.RIGHTS, RELATION)
        try:
            preview = rows_of(erasing.rehearse(student, request.today))
            if request.POST.get("step") == "propose":
                answers = asked if asked is not None and asked.person_id == student.pk else None
                made = erasing.propose(student, form.cleaned_data["why"], act=act_of(request), request=answers)
                messages.success(request, _("Proposed. Another officer approves it; until then nothing is erased."))
                return redirect("erasure", made.ref)
        except AdsumError as refused:
            form.add_error("why" if refused.code == "no_reason" else None, refused.message)
    known = Erasure.objects.select_related("student", "made_by", "decided_by").order_by("-made_at", "-pk")
    page = Paginator(known, PER_PAGE).get_page(request.GET.get("page"))
    looked_through(request, Page.RIGHTS, [(one.student_id, RELATION) for one in page])
    context = {
        "form": form,
        "asked": asked,
        "preview": preview,
        "student": student,
        "page": page,
        "rows": [(one, STATES[State(one.state)]) for one in page],
    }
    wrong = form.is_bound and (preview is None or bool(form.errors))
    return render(request, "adsum/oversight/erasures.html", context, status=422 if wrong else 200)


def _asked(request: PersonRequest) -> RightsRequest | None:
    """The request that is to be answered, if the officer came from one."""
    named = request.POST.get("request") or request.GET.get("request", "")
    try:
        ref = UUID(named)
    except ValueError:
        return None
    return RightsRequest.objects.select_related("person").filter(ref=ref, kind=Kind.ERASURE).first()


def _filled_in(asked: RightsRequest | None) -> dict[str, Any]:
    if asked is None:
        return {}
    why = _("They asked for it on %(day)s.") % {"day": date_format(asked.received_on, "j F Y")}
    return {"who": asked.person.number or asked.person.username, "why": why, "request": asked.ref}


def _person(form: EraseForm) -> Person | None:
    student = the_person(form.cleaned_data["who"])
    if student is None:
        form.add_error("who", _("There is nobody, or more than one, with this number or e-mail."))
    return student


def rows_of(preview: dict[str, Any]) -> list[dict[str, Any]]:
    """A rehearsal, class by class: how many rows are erased and stay without a name, or how many are protected and why."""
    return [
        {
            "label": CLASSES[keep],
            "erased": sum(preview["erased"].get(keep, {}).values()),
            "nameless": sum(preview["pseudonymised"].get(keep, {}).values()),
            "protected": preview["protected"].get(keep, {}).get("rows", 0),
            "ground": GROUNDS[Ground(preview["protected"][keep]["ground"])] if keep in preview["protected"] else "",
        }
        for keep in Keep
        if any(keep in preview[part] for part in erasing.PARTS)
    ]


@require_safe
@for_roles(OFFICER)
def one(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One erasure as it was rehearsed, for a second officer to approve; afterwards its certificate."""
    known = Erasure.objects.select_related("student", "made_by", "decided_by", "request")
    erasure = get_object_or_404(known, ref=ref)
    looked_at(request, erasure.student, Page.RIGHTS, RELATION)
    done: dict[str, dict[str, int]] = erasure.certificate.get("classes", {})
    context = {
        "one": erasure,
        "state": STATES[State(erasure.state)],
        "preview": rows_of(erasure.preview),
        "waits": erasure.state == State.WAITING,
        "own": erasure.made_by_id == request.user.pk,
        "done": [(CLASSES[Keep(keep)], sum(counts.values()) - counts["students"]) for keep, counts in done.items()],
    }
    return render(request, "adsum/oversight/erasure.html", context)


@require_POST
@for_roles(OFFICER)
def decide(request: PersonRequest, ref: UUID) -> HttpResponse:
    """A second officer approves what is shown, after a fresh proof of who they are, and it is done; or it is declined."""
    erasure = get_object_or_404(Erasure, ref=ref)
    approve = request.POST.get("step") == "approve"
    if approve and (first := stepup.ask(request)):
        return first
    try:
        if approve:
            certificate = erasing.approve(erasure, act=act_of(request))
            left = _("Approved. It is finished by the owner of the tables, with the command: adsum retention run.")
            messages.success(request, _("Erased. The certificate stands here.") if certificate else left)
        else:
            erasing.decline(erasure, act=act_of(request))
            messages.success(request, _("Declined. Nothing was erased."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("erasure", ref)
