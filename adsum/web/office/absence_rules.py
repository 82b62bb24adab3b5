"""The rules of absences: numbers that begin on a day, reasons with what each needs, and who decides about what."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.absence import terms
from adsum.absence.labels import category_label
from adsum.absence.models import AbsenceRoute, AbsenceTerms
from adsum.absence.rules import Limits, Wants
from adsum.accounts.models import Department, Person, RoleGrant
from adsum.accounts.rules import KEEPS_RECORDS, MAKES_POLICIES
from adsum.core.errors import AdsumError
from adsum.timetable.models import Group
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

WANTS = [
    (Wants.NEVER.value, gettext_lazy("Never")),
    (Wants.BEYOND.value, gettext_lazy("Beyond what students certify alone")),
    (Wants.ALWAYS.value, gettext_lazy("Always")),
]


def _number(label: Any, most: int, least: int = 1) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most)


class NumbersForm(forms.Form):
    """The numbers, and the day they begin."""

    in_a_row = _number(gettext_lazy("Days in a row that students certify alone"), 60, 0)
    a_year = _number(gettext_lazy("Days in an academic year that students certify alone"), 120, 0)
    due_days = _number(gettext_lazy("Working days in which a request is decided"), 30)
    late_days = _number(gettext_lazy("Working days after an absence by which it should be told"), 60)
    evidence_days = _number(gettext_lazy("Days after the decision for which evidence is kept"), 730)
    valid_from = DayField(label=gettext_lazy("From"))


class ReasonForm(forms.Form):
    """What one reason needs."""

    title = forms.CharField(label=gettext_lazy("In your words"), max_length=80, required=False)
    evidence = forms.ChoiceField(label=gettext_lazy("Evidence"), choices=WANTS)
    self_certifies = forms.BooleanField(label=gettext_lazy("Students may certify it alone, within the numbers"), required=False)
    authorises = forms.BooleanField(label=gettext_lazy("It can be authorised"), required=False)
    offered = forms.BooleanField(label=gettext_lazy("Students can choose it"), required=False)


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Somebody who may decide about absences."""

    def label_from_instance(self, person: Person) -> str:
        return f"{person.family_name}, {person.preferred_name or person.given_name}"


class DeciderForm(forms.Form):
    """Who decides, and about what; what is empty means any."""

    category = forms.ChoiceField(label=gettext_lazy("Reason"), required=False)
    department = forms.ModelChoiceField(
        Department.objects.order_by("name"), label=gettext_lazy("Department"), required=False, empty_label=gettext_lazy("Any")
    )
    group = forms.CharField(
        label=gettext_lazy("Group"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("As module and group, such as CS201 L1."),
    )
    decider = PersonChoice(Person.objects.none(), label=gettext_lazy("Who decides"))
    deputy = PersonChoice(Person.objects.none(), label=gettext_lazy("Deputy"), required=False, empty_label=gettext_lazy("None"))

    def __init__(self, *args: Any, on: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        every = [(one.code, category_label(one)) for one in terms.categories().values()]
        self.fields["category"].choices = [("", _("Any")), *every]  # type: ignore[attr-defined]
        held = RoleGrant.objects.filter(role__in=KEEPS_RECORDS).held_on(on).values("person")
        for name in ("decider", "deputy"):
            people = Person.objects.filter(pk__in=held, is_active=True).order_by("family_name", "given_name", "pk")
            self.fields[name].queryset = people  # type: ignore[attr-defined]

    def clean_group(self) -> Group | None:
        said = self.cleaned_data["group"].split()
        if not said:
            return None
        group = Group.objects.filter(module__code__iexact=said[0], code__iexact=" ".join(said[1:])).first()
        if group is None:
            raise forms.ValidationError(_("There is no such group. Write the module’s code, a space, and the group’s."))
        return group


def _everywhere(request: PersonRequest) -> None:
    """These rules are the whole university's. Raises Http404 for those who make policies of a department only."""
    if request.access.departments(*MAKES_POLICIES) is not None:
        raise Http404


def _page(request: PersonRequest, *, status: int = 200, **forms_: forms.Form) -> HttpResponse:
    limits, tomorrow = terms.limits_on(request.today), request.today + timedelta(days=1)
    numbers = {name: getattr(limits, name) for name in Limits.__dataclass_fields__}
    routes = AbsenceRoute.objects.filter(ended_at=None).select_related("decider", "deputy", "group__module", "department")
    known = terms.categories()
    context = {
        "numbers": forms_.get("numbers") or NumbersForm(initial={**numbers, "valid_from": tomorrow}),
        "coming": AbsenceTerms.objects.filter(valid_from__gt=request.today).order_by("valid_from"),
        "reasons": [(one, category_label(one), dict(WANTS)[one.evidence]) for one in known.values()],
        "routes": [
            (one, category_label(known[one.category]) if one.category in known else "") for one in routes.order_by("pk")
        ],
        "decider": forms_.get("decider") or DeciderForm(on=request.today),
    }
    return render(request, "adsum/office/absence_rules.html", context, status=status)


@require_safe
@for_roles(MAKES_POLICIES)
def rules(request: PersonRequest) -> HttpResponse:
    """The numbers, the reasons and the deciders."""
    _everywhere(request)
    return _page(request)


@require_POST
@for_roles(MAKES_POLICIES)
def numbers(request: PersonRequest) -> HttpResponse:
    """New numbers from a day on."""
    _everywhere(request)
    form = NumbersForm(request.POST)
    if form.is_valid():
        given = dict(form.cleaned_data)
        day = given.pop("valid_from")
        try:
            terms.make_terms(Limits(**given), valid_from=day, today=request.today, by=request.user, at=request.at)
        except AdsumError as refused:
            form.add_error("valid_from", refused.message)
        else:
            messages.success(request, _("Saved. They begin on the day you chose."))
            return redirect("absence_rules")
    return _page(request, status=422, numbers=form)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(MAKES_POLICIES)
def reason(request: PersonRequest, code: str) -> HttpResponse:
    """What one reason needs."""
    _everywhere(request)
    rule = terms.categories().get(code)
    if rule is None:
        raise Http404
    initial = {name: getattr(rule, name) for name in ReasonForm.base_fields}
    form = ReasonForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        given = {**form.cleaned_data, "evidence": Wants(form.cleaned_data["evidence"])}
        terms.save_category(replace(rule, **given), by=request.user, at=request.at)
        messages.success(request, _("Saved. Absences told from now on follow it."))
        return redirect("absence_rules")
    context = {"form": form, "label": category_label(rule)}
    return render(request, "adsum/office/absence_reason.html", context, status=422 if form.errors else 200)


@require_POST
@for_roles(MAKES_POLICIES)
def add_decider(request: PersonRequest) -> HttpResponse:
    """Say who decides about some of them."""
    _everywhere(request)
    form = DeciderForm(request.POST, on=request.today)
    if form.is_valid():
        try:
            terms.add_route(**form.cleaned_data, by=request.user, at=request.at)
        except AdsumError as refused:
            form.add_error("deputy", refused.message)
        else:
            messages.success(request, _("Saved. Absences told from now on go there."))
            return redirect("absence_rules")
    return _page(request, status=422, decider=form)


@require_POST
@for_roles(MAKES_POLICIES)
def end_decider(request: PersonRequest, pk: int) -> HttpResponse:
    """From now on absences no longer go there."""
    _everywhere(request)
    terms.end_route(get_object_or_404(AbsenceRoute, pk=pk), by=request.user, at=request.at)
    messages.success(request, _("Ended. What went there stays there."))
    return redirect("absence_rules")
