"""Absences to decide about: the first due first, each with its student's totals; one in whole or part, or several together."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from adsum.absence import evidence
from adsum.absence.decisions import decide, decide_together
from adsum.absence.labels import OUTCOMES, SOURCES, WHY_PEOPLE, category_label
from adsum.absence.models import AbsenceRequest
from adsum.absence.reports import covered, lacks_evidence, owner_of, totals_of
from adsum.absence.rules import LONGEST_TEXT, MOVES, Outcome, People, State, Told
from adsum.absence.terms import categories, limits_on
from adsum.accounts.rules import KEEPS_RECORDS, MAKES_POLICIES
from adsum.attendance.record import standings
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.timetable.models import Enrolment
from adsum.timetable.reports import relations_to
from adsum.web.absences import classes_of, file_answer, rows_of
from adsum.web.acts import act_of
from adsum.web.departments import DepartmentField, offer
from adsum.web.entered import ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student.record import RECENT
from adsum.web.support.sentences import attended_lately
from adsum.web.viewing import looked_through
from adsum.web.walking import begin

PAGE = 25
MOST_TOGETHER = 100


class AbsenceFilter(forms.Form):
    """Which absences to list."""

    show = forms.ChoiceField(
        label=gettext_lazy("Show"),
        required=False,
        choices=[
            ("", gettext_lazy("To decide")),
            ("mine", gettext_lazy("Mine to decide")),
            ("late", gettext_lazy("Past the day to decide")),
            ("evidence", gettext_lazy("Evidence asked for")),
            ("decided", gettext_lazy("Decided")),
            ("all", gettext_lazy("Everything")),
        ],
    )
    category = forms.ChoiceField(label=gettext_lazy("Reason"), required=False)
    department = DepartmentField()

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        every = [(one.code, category_label(one)) for one in categories().values()]
        self.fields["category"].choices = [("", _("Any reason")), *every]  # type: ignore[attr-defined]


def mine(request: PersonRequest) -> QuerySet[AbsenceRequest]:
    visible = AbsenceRequest.objects.visible_to(request.user, request.access)
    return visible.select_related("student", "told_by", "decider", "deputy")


def _narrowed(request: PersonRequest, wanted: dict[str, Any]) -> QuerySet[AbsenceRequest]:
    found, show = mine(request), wanted.get("show") or ""
    if show in {"", "mine", "late", "evidence"}:
        found = found.filter(state=State.UNDER_DECISION)
    if show == "mine":
        found = found.filter(Q(decider=request.user) | Q(deputy=request.user))
    elif show == "late":
        found = found.filter(due_on__lt=request.today)
    elif show == "evidence":
        found = found.filter(evidence_asked_at__isnull=False)
    elif show == "decided":
        found = found.filter(state=State.DECIDED)
    if wanted.get("category"):
        told = found.values_list("pk", "category")  # sealed: the database cannot tell
        found = found.filter(pk__in=[pk for pk, category in told if category == wanted["category"]])
    if wanted.get("department"):
        on_courses = Enrolment.objects.filter(course__department=wanted["department"]).values("person")
        found = found.filter(student__in=on_courses)
    order = ("due_on", "pk") if show in {"", "mine", "late"} else ("-told_at", "-pk")
    # What waits for evidence has no day: PostgreSQL and SQLite would place it differently.
    return found.filter(evidence_asked_at=None).order_by(*order) if show == "" else found.order_by(*order)


def _listed(request: PersonRequest, requests: list[AbsenceRequest]) -> list[dict[str, Any]]:
    """Each with its owner, and its student's totals (eleven queries, however many)."""
    students = {one.student_id for one in requests}
    totals = totals_of(students, on=request.today)
    lately = standings(students, since=request.at - RECENT, at=request.at)
    looked_through(request, Page.ABSENCES, relations_to(request.user, request.access, list(students)).items())
    return [
        {
            **row,
            "totals": totals[row["absence"].student_id],
            "lately": attended_lately(lately[row["absence"].student_id].tally),
            "owner": owner_of(row["absence"]),
            "overdue": row["absence"].due_on is not None and row["absence"].due_on < request.today,
            "source": SOURCES[Told(row["absence"].source)],
        }
        for row in rows_of(requests)
    ]


@require_safe
@for_roles(KEEPS_RECORDS)
def absences(request: PersonRequest) -> HttpResponse:
    """Absences to decide about, the first due first, 25 to a page."""
    form = AbsenceFilter(request.GET)
    offer(form, request.access)
    wanted = form.cleaned_data if form.is_valid() else {}
    page = Paginator(_narrowed(request, wanted), PAGE).get_page(request.GET.get("page"))
    begin(request, [reverse("office_absence", args=[one.ref]) for one in page])
    parameters = request.GET.copy()
    parameters.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "rows": _listed(request, list(page)),
        "may_rule": request.access.holds(*MAKES_POLICIES) and request.access.departments(*MAKES_POLICIES) is None,
        "together": wanted.get("show") not in {"decided", "all"},
        "query": f"{parameters.urlencode()}&" if parameters else "",
        "limits": limits_on(request.today),
    }
    return render(request, "adsum/office/absences.html", context)


class DecideForm(forms.Form):
    """What is decided, and what the student reads with it."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("Decision"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a decision.")},
    )
    words = forms.CharField(
        label=gettext_lazy("What the student reads with it"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Needed unless all is authorised. Nothing about health."),
    )

    def __init__(self, *args: Any, offered: list[Outcome], **more: Any) -> None:
        super().__init__(*args, **more)
        words = {
            Outcome.EVIDENCE: gettext_lazy("Ask for evidence first"),
            Outcome.PART: gettext_lazy("Authorise but for the classes ticked above"),
        }
        self.fields["outcome"].choices = [(one.value, words.get(one, OUTCOMES[one])) for one in offered]  # type: ignore[attr-defined]


TOGETHER = [Outcome.WHOLE, Outcome.REFUSED, Outcome.EVIDENCE]


@require_POST
@for_roles(KEEPS_RECORDS)
def together(request: PersonRequest) -> HttpResponse:
    """Those chosen, with their totals; then they are decided together, each with its own history."""
    refs = [ref for ref in map(ref_of, request.POST.getlist("absence")[:MOST_TOGETHER]) if ref is not None]
    chosen = list(mine(request).filter(ref__in=refs, state=State.UNDER_DECISION).order_by("due_on", "pk"))
    if not chosen:
        messages.error(request, _("Select one or more absences that are still to be decided."))
        return redirect("office_absences")
    form = DecideForm(request.POST if "words" in request.POST else None, offered=TOGETHER)
    if form.is_valid():
        try:
            outcome = Outcome(form.cleaned_data["outcome"])
            done = decide_together(chosen, outcome, words=form.cleaned_data["words"], act=act_of(request))
        except AdsumError as refused:
            form.add_error("words" if refused.code == "no_words" else None, refused.message)
        else:
            told = ngettext("%(n)s absence decided: %(outcome)s.", "%(n)s absences decided: %(outcome)s.", len(done))
            messages.success(request, told % {"n": len(done), "outcome": OUTCOMES[outcome]})
            return redirect("office_absences")
    context = {"rows": _listed(request, chosen), "form": form}
    return render(request, "adsum/office/absences_together.html", context, status=422 if form.errors else 200)


@require_safe
@for_roles(KEEPS_RECORDS)
def absence(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One absence with everything that a decision needs."""
    one = get_object_or_404(mine(request), ref=ref)
    return _page(request, one, None)


def _page(request: PersonRequest, one: AbsenceRequest, form: DecideForm | None) -> HttpResponse:
    offered = [outcome for outcome in Outcome if outcome in MOVES[State(one.state)]]
    category = categories().get(one.category)
    looked_through(request, Page.ABSENCE, relations_to(request.user, request.access, [one.student_id]).items())
    context = {
        **_listed(request, [one])[0],
        "classes": classes_of(one),
        "decisions": list(one.decisions.select_related("by").prefetch_related("refused").order_by("-pk")),
        "files": list(one.evidence.defer("sealed").order_by("pk")),
        "lacks": lacks_evidence(one, category),
        "why": WHY_PEOPLE[People(one.why_people)] if one.why_people else "",
        "limits": limits_on(request.today),
        "ticked": set(request.POST.getlist("class")),
        "form": (form or DecideForm(offered=offered)) if offered else None,
    }
    return render(request, "adsum/office/absence.html", context, status=422 if form is not None and form.errors else 200)


@require_POST
@for_roles(KEEPS_RECORDS)
def settle(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Decide about one absence, in whole or in part, or ask for evidence; and again, where a decision was wrong."""
    one = get_object_or_404(mine(request), ref=ref)
    form = DecideForm(request.POST, offered=[outcome for outcome in Outcome if outcome in MOVES[State(one.state)]])
    if form.is_valid():
        ticked = [ref for ref in map(ref_of, request.POST.getlist("class")) if ref is not None]
        outcome = Outcome(form.cleaned_data["outcome"])
        try:
            refused = list(covered(one).filter(ref__in=ticked))
            decide(one, outcome, words=form.cleaned_data["words"], refused=refused, act=act_of(request))
        except AdsumError as wrong:
            form.add_error("words" if wrong.code == "no_words" else None, wrong.message)
        else:
            messages.success(
                request, _("Decided: %(outcome)s. The student is told, and the marks follow.") % {"outcome": OUTCOMES[outcome]}
            )
            return redirect("office_absence", one.ref)
    return _page(request, one, form)


@require_POST
@for_roles(KEEPS_RECORDS)
def read_evidence(request: PersonRequest, ref: UUID, file: UUID) -> HttpResponse:
    """Evidence, to download: that it was read is kept."""
    one = get_object_or_404(mine(request), ref=ref)
    found = get_object_or_404(one.evidence.filter(deleted_at=None), ref=file)
    return file_answer(found, evidence.read(found, act=act_of(request)))
