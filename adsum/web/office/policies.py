"""Policies: what is in force, for which classes, since when; making the next version, having seen what it would have done."""

import hashlib
import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.models import Department
from adsum.accounts.rules import MAKES_POLICIES
from adsum.attendance.counting import Authorised, Counting, Terms, Weighting
from adsum.attendance.policies import DEFAULTS, make_policy, policies, withdraw_policy
from adsum.attendance.policy_table import Policy
from adsum.attendance.presets import PRESETS
from adsum.attendance.rules import Windows
from adsum.checkin.policy_impact import Draft, Effect, effect_of
from adsum.core.errors import AdsumError
from adsum.timetable.rules import Kind
from adsum.web import policy_terms
from adsum.web.entered import DayField, ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.templatetags.adsum_ui import KINDS

PER_PAGE = 25
MONTHS_BACK = 12


def _reach(request: PersonRequest) -> frozenset[int] | None:
    """The departments whose policies this person makes; None: every department's, and the university's."""
    return request.access.departments(*MAKES_POLICIES)


def _within(request: PersonRequest) -> QuerySet[Policy]:
    """The policies that this person may end. Everyone here may read all of them."""
    reach = _reach(request)
    return Policy.objects.all() if reach is None else Policy.objects.filter(department__in=reach)


class Row(NamedTuple):
    """One version of the list; `state` is in_force, coming, past or withdrawn."""

    policy: Policy
    scope: str
    state: str


def _states(versions: Iterable[Policy], today: date) -> dict[int, str]:
    """By id: in_force, coming, past or withdrawn."""
    current: dict[tuple[int | None, str], Policy] = {}
    for version in versions:
        scope = version.department_id, version.kind
        if version.withdrawn_at is not None or version.valid_from > today:
            continue
        if scope not in current or current[scope].valid_from < version.valid_from:
            current[scope] = version
    now = {version.pk for version in current.values()}

    def state(version: Policy) -> str:
        if version.withdrawn_at is not None:
            return "withdrawn"
        if version.valid_from > today:
            return "coming"
        return "in_force" if version.pk in now else "past"

    return {version.pk: state(version) for version in versions}


@require_safe
@for_roles(MAKES_POLICIES)
def index(request: PersonRequest) -> HttpResponse:
    """In force, to come, and all there were."""
    today = request.today
    versions = list(Policy.objects.select_related("department", "made_by").order_by("department__name", "kind", "-valid_from"))
    state = _states(versions, today)
    shown = [Row(one, policy_terms.scope_words(one), state[one.pk]) for one in versions]
    earlier = sorted((row for row in shown if row.state in {"past", "withdrawn"}), key=lambda row: -row.policy.number)
    university = [one for one in versions if one.department_id is None and not one.kind]
    context = {
        "in_force": [row for row in shown if row.state == "in_force" and not row.policy.inherits],
        "coming": [row for row in shown if row.state == "coming"],
        "page": Paginator(earlier, PER_PAGE).get_page(request.GET.get("page")),
        "defaults": None if any(state[one.pk] == "in_force" for one in university) else policy_terms.values(DEFAULTS),
    }
    return render(request, "adsum/office/policies.html", context)


@require_safe
@for_roles(MAKES_POLICIES)
def detail(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One version, beside what it took the place of."""
    policy = get_object_or_404(Policy.objects.select_related("department", "made_by", "withdrawn_by"), ref=ref)
    today = request.today
    own = Policy.objects.standing().filter(department=policy.department_id, kind=policy.kind)
    before = own.filter(valid_from__lt=policy.valid_from).order_by("-valid_from").first()
    state = _states([policy, *own], today)[policy.pk]
    mine = _within(request).filter(pk=policy.pk).exists()
    context = {
        "policy": policy,
        "scope": policy_terms.scope_words(policy),
        "state": state,
        "before": before,
        "values": policy_terms.compared(policy.terms, before.terms if before is not None else DEFAULTS),
        "preset": PRESETS.get(policy.based_on),
        "may_withdraw": mine and state == "coming",
        "may_end": mine and state == "in_force" and not policy.inherits and bool(policy.department_id or policy.kind),
        "tomorrow": today + timedelta(days=1),
    }
    return render(request, "adsum/office/policy.html", context)


@require_POST
@for_roles(MAKES_POLICIES)
def withdraw(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Take back a version that has not begun."""
    policy = get_object_or_404(_within(request), ref=ref)
    try:
        withdraw_policy(policy, today=request.today, by=request.user, at=request.at)
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Version %(number)s is withdrawn.") % {"number": policy.number})
    return redirect("policy", ref)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(MAKES_POLICIES)
def end(request: PersonRequest, ref: UUID) -> HttpResponse:
    """From tomorrow the wider policy applies again where this exception did: what that would have done to last month; then it
    is done."""
    exceptions = _within(request).exclude(department=None, kind="").select_related("department")
    policy = get_object_or_404(exceptions, ref=ref)
    today = request.today
    if request.method != "POST":
        wider = policies().wider_than(policy, on=today + timedelta(days=1))
        first, last = months_before(today)[0], today.replace(day=1) - timedelta(days=1)
        context = {
            "policy": policy,
            "scope": policy_terms.scope_words(policy),
            "values": policy_terms.compared(wider, policy.terms),
            "effect": effect_of(Draft(wider, policy.department_id, policy.kind), first=first, last=last),
        }
        return render(request, "adsum/office/policy_end.html", context)
    try:
        ending = make_policy(
            policy.terms,
            department=policy.department,
            kind=policy.kind,
            valid_from=today + timedelta(days=1),
            today=today,
            by=request.user,
            at=request.at,
            inherits=True,
        )
    except AdsumError as refused:
        messages.error(request, refused.message)
        return redirect("policy", ref)
    messages.success(request, _("The exception ends tonight. From tomorrow the wider policy applies here again."))
    return redirect("policy", ending.ref)


class PolicyForm(forms.Form):
    """A version to be, and the month to try it on."""

    department = forms.ModelChoiceField(
        Department.objects.order_by("name"),
        required=False,
        label=gettext_lazy("Department"),
        help_text=gettext_lazy("Its policy is also for the departments below it."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind of class"),
        required=False,
        choices=[("", gettext_lazy("Every kind of class")), *((kind.value, KINDS[kind]) for kind in Kind)],
    )
    valid_from = DayField(label=gettext_lazy("From"), help_text=gettext_lazy("Tomorrow at the earliest."))
    opens_before = forms.IntegerField(label=policy_terms.FIELDS["opens_before"], min_value=0, max_value=120)
    present_until = forms.IntegerField(label=policy_terms.FIELDS["present_until"], min_value=1, max_value=480)
    late_until = forms.IntegerField(
        label=policy_terms.FIELDS["late_until"],
        min_value=1,
        max_value=480,
        help_text=gettext_lazy("The same number when nothing counts as late."),
    )
    pace = forms.ChoiceField(label=policy_terms.FIELDS["pace"], choices=list(policy_terms.PACES.items()))
    amend_hours = forms.IntegerField(
        label=gettext_lazy("Lecturers can change marks for, in hours after the class"),
        min_value=0,
        max_value=366 * 24,
        help_text=gettext_lazy("168 is a week. After that only the attendance team can."),
    )
    query_hours = forms.IntegerField(
        label=gettext_lazy("Students can query marks for, in hours after the class"), min_value=0, max_value=366 * 24
    )
    authorised = forms.ChoiceField(label=policy_terms.FIELDS["authorised"], choices=list(policy_terms.AUTHORISED.items()))
    late_percent = forms.IntegerField(label=gettext_lazy("Late is worth, in per cent of attending"), min_value=0, max_value=100)
    remote_counts = forms.BooleanField(label=gettext_lazy("Attending remotely counts as attended"), required=False)
    weighting = forms.ChoiceField(label=policy_terms.FIELDS["weighting"], choices=list(policy_terms.WEIGHTINGS.items()))
    min_events = forms.IntegerField(
        label=gettext_lazy("Classes that must count before a percentage says anything"), min_value=1, max_value=100
    )
    note = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For colleagues; students do not see it."),
    )
    month = forms.ChoiceField(label=gettext_lazy("Try it on"))

    def __init__(self, *args: Any, today: date, reach: frozenset[int] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        department: Any = self.fields["department"]
        if reach is None:
            department.empty_label = _("The whole university")
        else:
            department.required, department.empty_label = True, None
            department.queryset = department.queryset.filter(pk__in=reach)
        month: Any = self.fields["month"]
        month.choices = [(f"{one:%Y-%m}", date_format(one, "F Y")) for one in months_before(today)]

    def clean_month(self) -> date:
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")

    def clean_valid_from(self) -> date:
        on: date = self.cleaned_data["valid_from"]
        if not self.today < on <= self.today + timedelta(days=3 * 366):
            raise forms.ValidationError(_("A policy begins tomorrow at the earliest, and within three years."))
        return on

    def clean(self) -> None:
        given = self.cleaned_data
        if "present_until" in given and "late_until" in given and given["late_until"] < given["present_until"]:
            self.add_error("late_until", _("Late cannot end before present does."))

    def terms(self) -> Terms:
        """What was given, as the rules take it."""
        given = self.cleaned_data
        return Terms(
            windows=Windows(given["opens_before"], given["present_until"], given["late_until"]),
            pace=given["pace"],
            amend_hours=given["amend_hours"],
            query_hours=given["query_hours"],
            counting=Counting(
                authorised=Authorised(given["authorised"]),
                late_percent=given["late_percent"],
                remote_counts=given["remote_counts"],
                weighting=Weighting(given["weighting"]),
                min_events=given["min_events"],
            ),
        )

    def digest(self) -> str:
        """Names what was given: only what was tried is saved."""
        given = {name: str(value) for name, value in self.cleaned_data.items() if name not in {"month", "note"}}
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def months_before(today: date) -> list[date]:
    """The first days of the last twelve whole months, the latest first."""
    first, found = today.replace(day=1), []
    for _n in range(MONTHS_BACK):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found


def _begin_with(start: str) -> tuple[Terms, str, Policy | None]:
    """The values a form begins with: a preset's or a version's, by its address. Raises Http404 for no such."""
    if start in PRESETS:
        return PRESETS[start].terms, start, None
    policy = get_object_or_404(Policy.objects.select_related("department"), ref=ref_of(start))
    return policy.terms, policy.based_on, policy


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(MAKES_POLICIES)
def new(request: PersonRequest) -> HttpResponse:
    """A new version: begin with a preset or a version, see what it would have done to a month, then save it."""
    today, reach = request.today, _reach(request)
    current = policies().version_for(department=None, kind="", on=today)
    start = request.GET.get("from") or (str(current.ref) if current is not None else "adsum")
    terms, based_on, policy = _begin_with(start)
    if request.method != "POST":
        form = PolicyForm(initial=_initial(terms, policy, today), today=today, reach=reach)
        return _form(request, form, start)
    form = PolicyForm(request.POST, today=today, reach=reach)
    if not form.is_valid():
        return _form(request, form, start, code=422)
    given = form.cleaned_data
    if request.POST.get("action") == "save" and request.POST.get("tried") == form.digest():
        try:
            made = make_policy(
                form.terms(),
                department=given["department"],
                kind=given["kind"],
                valid_from=given["valid_from"],
                today=today,
                by=request.user,
                at=request.at,
                based_on=based_on,
                note=given["note"],
            )
        except AdsumError as refused:
            form.add_error(None, refused.message)
            return _form(request, form, start, code=422)
        messages.success(request, _("Version %(number)s is saved. It begins on its day by itself.") % {"number": made.number})
        return redirect("policy", made.ref)
    department: Department | None = given["department"]
    first: date = given["month"]
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    draft = Draft(form.terms(), department.pk if department is not None else None, given["kind"])
    return _form(request, form, start, tried=effect_of(draft, first=first, last=last))


def _initial(terms: Terms, policy: Policy | None, today: date) -> dict[str, Any]:
    return {
        "department": policy.department_id if policy is not None else None,
        "kind": policy.kind if policy is not None else "",
        "valid_from": today + timedelta(days=7 - today.weekday()),
        "opens_before": terms.windows.opens_before,
        "present_until": terms.windows.present_until,
        "late_until": terms.windows.late_until,
        "pace": terms.pace,
        "amend_hours": terms.amend_hours,
        "query_hours": terms.query_hours,
        "authorised": terms.counting.authorised.value,
        "late_percent": terms.counting.late_percent,
        "remote_counts": terms.counting.remote_counts,
        "weighting": terms.counting.weighting.value,
        "min_events": terms.counting.min_events,
    }


def _form(
    request: PersonRequest, form: PolicyForm, start: str, *, tried: Effect | None = None, code: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "start": start,
        "presets": [
            (key, preset, ", ".join(str(policy_terms.FIELDS[name]) for name in preset.says)) for key, preset in PRESETS.items()
        ],
        "effect": tried,
        "tried": form.digest() if tried is not None else "",
    }
    return render(request, "adsum/office/policy_new.html", context, status=code)
