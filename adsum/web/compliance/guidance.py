"""Editions of guidance: which is in force, what a new one says otherwise, and what it touches before an officer puts it in
force."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from adsum.accounts.rules import COMPLIANCE, Access, Role
from adsum.audit.rules import Page
from adsum.compliance.adoption import Touched, adopt, touched_by
from adsum.compliance.editions import Given, edition_in_force, enter, values_of, why_not_number
from adsum.compliance.guidance import MEANINGS, Authority, Number, numbers_of
from adsum.compliance.labels import AUTHORITIES, NUMBERS, UNITS
from adsum.compliance.models import Edition
from adsum.core.errors import AdsumError
from adsum.timetable.reports import as_one_of
from adsum.web.acts import act_of
from adsum.web.compliance.duty_labels import because_of
from adsum.web.entered import DayField, day_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

ANSWER_FOR: Mapping[Authority, Collection[Role]] = {
    Authority.UKVI: {Role.COMPLIANCE_UKVI},
    Authority.HOME_OFFICE_BCA: {Role.COMPLIANCE_UKVI},
    Authority.SLC: {Role.COMPLIANCE_SLC},
    Authority.OFS: COMPLIANCE,
}
"""Who enters the editions of an authority and puts them in force."""


def _mine(access: Access) -> list[Authority]:
    """The authorities whose guidance this person answers for, of those that set any number."""
    return [one for one, roles in ANSWER_FOR.items() if access.holds(*roles) and numbers_of(one)]


@require_safe
@for_roles(COMPLIANCE)
def editions(request: PersonRequest) -> HttpResponse:
    """By authority, the edition in force with its numbers, and every other one (two queries, and two for each authority)."""
    blocks = []
    for authority in _mine(request.access):
        known = Edition.objects.filter(authority=authority).select_related("put_in_force_by").order_by("-dated", "-pk")
        try:
            now = edition_in_force(authority, request.today)
        except AdsumError:
            now = None
        numbers = {one.key: one for one in now.numbers.all()} if now else {}
        said = [(NUMBERS[key], numbers[key], UNITS[MEANINGS[key].unit]) for key in numbers_of(authority) if key in numbers]
        blocks.append(
            {
                "authority": authority.value,
                "name": AUTHORITIES[authority],
                "now": now,
                "numbers": said,
                "others": [one for one in known if one != now],
            }
        )
    return render(request, "adsum/compliance/guidance.html", {"blocks": blocks, "today": request.today})


class EditionForm(forms.Form):
    """A new edition: what stands on it, and its numbers."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    source = forms.CharField(
        label=gettext_lazy("Where its text can be read"), max_length=500, help_text=gettext_lazy("An address, or a document.")
    )
    dated = DayField(label=gettext_lazy("The date that stands on it"))
    read = forms.BooleanField(
        label=gettext_lazy("I have read these numbers in the text itself"),
        required=False,
        help_text=gettext_lazy("Leave it open where you only know them as others restate them."),
    )

    def __init__(self, *args: Any, authority: Authority, before: Mapping[Number, Decimal], **more: Any) -> None:
        super().__init__(*args, **more)
        self.numbers = numbers_of(authority)
        for one in self.numbers:
            self.fields[one.value] = forms.DecimalField(
                label=NUMBERS[one],
                help_text=UNITS[MEANINGS[one].unit],
                max_digits=9,
                decimal_places=2,
                initial=before[one].normalize() if one in before else None,
            )

    def clean(self) -> None:
        for one in self.numbers:
            value = self.cleaned_data.get(one.value)
            if value is not None and (why := why_not_number(one, value)):
                self.add_error(one.value, why)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(COMPLIANCE)
def new(request: PersonRequest, authority: str) -> HttpResponse:
    """Enter an edition, beginning with the numbers that are in force. It is not in force itself before somebody says so."""
    if authority not in {one.value for one in _mine(request.access)}:
        raise Http404
    whose = Authority(authority)
    try:
        before = values_of(edition_in_force(whose, request.today))
    except AdsumError:
        before = {}
    form = EditionForm(request.POST if request.method == "POST" else None, authority=whose, before=before)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        numbers = {one: Given(given[one.value]) for one in form.numbers}
        try:
            made = enter(
                whose,
                title=given["title"],
                source=given["source"],
                dated=given["dated"],
                read=given["read"],
                numbers=numbers,
                act=act_of(request),
            )
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            return redirect("edition", ref=made.ref)
    context = {"form": form, "name": AUTHORITIES[whose]}
    return render(request, "adsum/compliance/edition_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(COMPLIANCE)
def edition(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One edition: its numbers, and exactly what it touches from a day on; then it is put in force."""
    one = get_object_or_404(Edition, ref=ref, authority__in=[whose.value for whose in _mine(request.access)])
    since = day_of(request.POST.get("since") or request.GET.get("since")) or request.today
    if request.method == "POST":
        try:
            adopt(one, since=since, seen=request.POST.get("seen", ""), act=act_of(request))
        except AdsumError as refused:
            messages.error(request, refused.message)
        else:
            messages.success(request, _("It is in force from that day."))
            return redirect("guidance")
    touched = touched_by(one, since=since, at=request.at) if one.in_force_from is None else None
    if touched is not None:
        _noted(request, touched)
    values = {number.key: number for number in one.numbers.all()}
    context = {
        "edition": one,
        "name": AUTHORITIES[Authority(one.authority)],
        "numbers": [
            (NUMBERS[key], values[key], UNITS[MEANINGS[key].unit])
            for key in numbers_of(Authority(one.authority))
            if key in values
        ],
        "since": since,
        "touched": touched,
        "duties": [(duty, because_of(duty)) for duty in touched.duties] if touched else [],
        "changed": [(NUMBERS[row.number], row, UNITS[MEANINGS[row.number].unit]) for row in touched.changed] if touched else [],
    }
    return render(request, "adsum/compliance/edition.html", context)


def _noted(request: PersonRequest, touched: Touched) -> None:
    people = {row.student.pk for row in touched.crossings} | {duty.student_id for duty in touched.duties}
    relation = as_one_of(request.access, COMPLIANCE)
    looked_through(request, Page.SPONSORED, [(pk, relation) for pk in sorted(people)])
