"""Contacts that no other table knows of: from a file, or one by hand."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from adsum.accounts.rules import KEEPS_RECORDS, Role
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import READ, Channel
from adsum.engagement.contacts import record_contact
from adsum.integrations.imports.contact_points_csv import bring_contact_points
from adsum.integrations.imports.problems import Refused
from adsum.timetable.reports import students_visible_to, university_zone
from adsum.web.acts import act_of
from adsum.web.case_labels import CHANNELS
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

SHOWN = 100
"""How many lines that could not be used are listed."""


class FileForm(forms.Form):
    """One file."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A CSV with columns person, channel, on (as 2026-11-30), and id if there is one."),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )


class HandForm(forms.Form):
    """One contact."""

    number = forms.CharField(label=gettext_lazy("Student number"), max_length=40)
    channel = forms.ChoiceField(
        label=gettext_lazy("What was it?"), choices=[(one, label) for one, label in CHANNELS.items() if one not in READ]
    )
    on = forms.DateField(label=gettext_lazy("On which day?"), widget=forms.DateInput(attrs={"type": "date"}))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(KEEPS_RECORDS | {Role.TUTOR})
def contact_points(request: PersonRequest) -> HttpResponse:
    """Supervisions, submissions and examinations: one by hand; many from a file, for a team of the whole university."""
    whole = request.access.departments(Role.ATTENDANCE_TEAM) is None
    action = request.POST.get("action") if request.method == "POST" else None
    file = FileForm(request.POST, request.FILES) if action == "file" and whole else FileForm()
    hand = HandForm(request.POST if action == "hand" else None)
    context: dict[str, Any] = {"file": file if whole else None, "hand": hand}
    try:
        if file.is_valid():
            given = file.cleaned_data["file"]
            brought = bring_contact_points(given.read(), given.name, by=request.user, at=request.at)
            context |= {"brought": brought, "problems": brought.problems[:SHOWN]}
        elif hand.is_valid() and _by_hand(request, hand):
            messages.success(request, _("Written down."))
            return redirect("contact_points")
    except Refused as refused:
        file.add_error("file", refused.message)
    failed = request.method == "POST" and "brought" not in context
    return render(request, "adsum/office/contact_points.html", context, status=422 if failed else 200)


def _by_hand(request: PersonRequest, form: HandForm) -> bool:
    """Write it down; False with what is wrong on the form."""
    given = form.cleaned_data
    student = students_visible_to(request.user, request.access).filter(number=given["number"].strip()).first()
    if student is None:
        form.add_error("number", _("None of the students you look after has this number."))
        return False
    noon = datetime.combine(given["on"], time(12), tzinfo=university_zone()).astimezone(UTC)
    when = min(noon, request.at) if given["on"] <= request.today else noon
    try:
        record_contact(student, Channel(given["channel"]), when, act=act_of(request))
    except AdsumError as refused:
        form.add_error("on", refused.message)
        return False
    return True
