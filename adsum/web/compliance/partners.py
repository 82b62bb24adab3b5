"""Partners that teach for the university: how they stand now, spot checks, and everything about them in one file."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.reports import the_student
from adsum.accounts.rules import OVERSEES_PARTNERS
from adsum.attendance.reports import here_in
from adsum.compliance import partner_checks
from adsum.compliance.models import PartnerCheck
from adsum.compliance.partner_reports import standings
from adsum.compliance.spot_rules import Finding
from adsum.core.errors import AdsumError
from adsum.integrations.files import exports
from adsum.integrations.files.partner_source import partner_source
from adsum.timetable import partners as verbs
from adsum.timetable.models import ClassSession, Enrolment
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.reports import how_many_expected
from adsum.web.entered import DayField, MomentField
from adsum.web.guards import for_roles_everywhere
from adsum.web.middleware import PersonRequest
from adsum.web.signin import stepup
from adsum.web.teaching.sheet import download

FINDINGS = {
    Finding.AGREES: gettext_lazy("The headcount agrees with the register"),
    Finding.MORE_MARKED: gettext_lazy("More marked as there than were counted"),
    Finding.MORE_COUNTED: gettext_lazy("More counted than marked as there"),
    Finding.NO_REGISTER: gettext_lazy("No register had been taken"),
    Finding.NOT_HELD: gettext_lazy("The class was not held"),
}
LOCAL = "%Y-%m-%dT%H:%M"
SHOWN = 20


class PartnerForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    code = forms.SlugField(label=gettext_lazy("Code"), max_length=40, help_text=gettext_lazy("Files name the partner by it."))


class CheckForm(forms.Form):
    first = DayField(label=gettext_lazy("From"))
    last = DayField(label=gettext_lazy("To"))


class CountForm(forms.Form):
    headcount = forms.IntegerField(label=gettext_lazy("People in the room"), min_value=0, max_value=5000)
    counted_at = MomentField(label=gettext_lazy("Counted at"))


class ClassesForm(forms.Form):
    module = forms.CharField(label=gettext_lazy("Module code"), max_length=60)
    first = DayField(label=gettext_lazy("From"))
    last = DayField(label=gettext_lazy("To"))
    theirs = forms.BooleanField(label=gettext_lazy("Taught by this partner"), required=False, initial=True)


class StudentForm(forms.Form):
    student = forms.CharField(label=gettext_lazy("Student number or university e-mail"), max_length=254)
    theirs = forms.BooleanField(label=gettext_lazy("Taught by this partner"), required=False, initial=True)


@require_safe
@for_roles_everywhere(OVERSEES_PARTNERS)
def partners(request: PersonRequest) -> HttpResponse:
    """Every partner as it stands now."""
    return _index(request, PartnerForm())


def _index(request: PersonRequest, form: PartnerForm) -> HttpResponse:
    context = {"rows": standings(request.at), "form": form, "at": request.at}
    return render(request, "adsum/compliance/partners.html", context, status=422 if form.errors else 200)


@require_POST
@for_roles_everywhere(OVERSEES_PARTNERS)
def add(request: PersonRequest) -> HttpResponse:
    """A new partner."""
    form = PartnerForm(request.POST)
    if form.is_valid():
        try:
            made = verbs.add_partner(form.cleaned_data["code"], form.cleaned_data["name"], by=request.user, at=request.at)
        except AdsumError as refused:
            form.add_error("code", refused.message)
        else:
            return redirect("partner", code=made.code)
    return _index(request, form)


def _page(request: PersonRequest, shown: DeliveryPartner, **given: Any) -> HttpResponse:
    standing = standings(request.at, [shown])[0]
    begun = [one.pk for one in standing.today if one.starts_at <= request.at]
    here, expected = here_in(begun), how_many_expected([one.pk for one in standing.today])
    checks = PartnerCheck.objects.filter(partner=shown).select_related("session__module", "planned_by", "entered_by")
    today = request.access.on
    context = {
        "partner": shown,
        "standing": standing,
        "classes": [(one, here.get(one.pk, 0), expected.get(one.pk, 0), one.starts_at <= request.at) for one in standing.today],
        "checks": [(one, FINDINGS[Finding(one.finding)] if one.finding else "") for one in checks.order_by("-pk")[:SHOWN]],
        "check_form": given.get("check_form") or CheckForm(prefix="check", initial={"first": today, "last": today}),
        "count_form": given.get("count_form") or CountForm(prefix="count", initial={"counted_at": _now(request.at)}),
        "counting": given.get("counting"),
        "classes_form": given.get("classes_form") or ClassesForm(prefix="classes", initial={"first": today, "last": today}),
        "student_form": given.get("student_form") or StudentForm(prefix="student"),
        "at": request.at,
    }
    return render(request, "adsum/compliance/partner.html", context, status=422 if given else 200)


def _now(at: datetime) -> str:
    return f"{localtime(at):{LOCAL}}"


def _partner(code: str) -> DeliveryPartner:
    return get_object_or_404(DeliveryPartner, code=code)


@require_safe
@for_roles_everywhere(OVERSEES_PARTNERS)
def partner(request: PersonRequest, code: str) -> HttpResponse:
    """One partner: its classes of today as they go on, the last days, and spot checks."""
    return _page(request, _partner(code))


@require_POST
@for_roles_everywhere(OVERSEES_PARTNERS)
def plan(request: PersonRequest, code: str) -> HttpResponse:
    """Commit to a spot check."""
    shown, form = _partner(code), CheckForm(request.POST, prefix="check")
    if form.is_valid():
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
        try:
            partner_checks.plan_check(shown, first, last, by=request.user, at=request.at)
        except AdsumError as refused:
            form.add_error("first", refused.message)
        else:
            messages.success(request, _("Committed. In a minute, when the log is signed, draw the class."))
            return redirect("partner", code=code)
    return _page(request, shown, check_form=form)


@require_POST
@for_roles_everywhere(OVERSEES_PARTNERS)
def draw(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Draw its class."""
    check = get_object_or_404(PartnerCheck.objects.select_related("partner"), ref=ref)
    try:
        partner_checks.draw_check(check, by=request.user, at=request.at)
    except AdsumError as refused:
        messages.warning(request, refused.message)
    else:
        messages.success(request, _("Drawn. Send somebody to count the people in that class, and tell the partner nothing."))
    return redirect("partner", code=check.partner.code)


@require_POST
@for_roles_everywhere(OVERSEES_PARTNERS)
def count(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The headcount, and with it the finding."""
    check = get_object_or_404(PartnerCheck.objects.select_related("partner"), ref=ref)
    form = CountForm(request.POST, prefix="count")
    if form.is_valid():
        given = form.cleaned_data
        try:
            found = partner_checks.enter_count(check, given["headcount"], given["counted_at"], by=request.user, at=request.at)
        except AdsumError as refused:
            form.add_error("counted_at", refused.message)
        else:
            messages.success(request, _("Sealed: %(finding)s.") % {"finding": FINDINGS[Finding(found.finding)]})
            return redirect("partner", code=check.partner.code)
    return _page(request, check.partner, count_form=form, counting=check.ref)


@require_POST
@for_roles_everywhere(OVERSEES_PARTNERS)
def classes(request: PersonRequest, code: str) -> HttpResponse:
    """Say which classes of a module the partner teaches, or no longer does."""
    shown, form = _partner(code), ClassesForm(request.POST, prefix="classes")
    if form.is_valid():
        given = form.cleaned_data
        found = _classes_of(given["module"], given["first"], given["last"])
        if not found:
            form.add_error("module", _("This module has no class in these days. Check its code."))
        else:
            changed = verbs.give_classes(found, shown if given["theirs"] else None, by=request.user, at=request.at)
            messages.success(request, ngettext("%(n)s class changed.", "%(n)s classes changed.", changed) % {"n": changed})
            return redirect("partner", code=code)
    return _page(request, shown, classes_form=form)


def _classes_of(module: str, first: date, last: date) -> list[ClassSession]:
    found = ClassSession.objects.filter(module__code=module, starts_on__gte=first, starts_on__lte=last)
    return list(found.select_related("module")[:MOST])


MOST = 500
"""How many classes one form changes."""


@require_POST
@for_roles_everywhere(OVERSEES_PARTNERS)
def students(request: PersonRequest, code: str) -> HttpResponse:
    """Say that the partner teaches a student, or no longer does."""
    shown, form = _partner(code), StudentForm(request.POST, prefix="student")
    if form.is_valid():
        student = the_student(form.cleaned_data["student"])
        enrolments = list(Enrolment.objects.on(request.access.on).filter(person=student)) if student else []
        if not enrolments:
            form.add_error("student", _("No single student on a course has exactly this number or e-mail. Check it."))
        else:
            given = shown if form.cleaned_data["theirs"] else None
            verbs.give_students(enrolments, given, by=request.user, at=request.at)
            messages.success(request, _("Noted for %(name)s.") % {"name": student})
            return redirect("partner", code=code)
    return _page(request, shown, student_form=form)


@require_POST
@for_roles_everywhere(OVERSEES_PARTNERS)
@stepup.required
def source_file(request: PersonRequest) -> HttpResponse:
    """The single source of information about subcontracting, as one file."""
    file = partner_source(at=request.at, by=request.user)
    return download(exports.File(file.name, file.content, file.type))
