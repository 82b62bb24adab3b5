"""Contacts that no other table knows of: from a file, or one by hand."""

from datetime import UTC, datetime, time

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
from adsum.timetable.reports import students_visible_to, university_zone
from adsum.web.acts import act_of
from adsum.web.case_labels import CHANNELS
from adsum.web.files import bring, file_form
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student_forms import AboutStudentForm

COLUMNS = gettext_lazy("A CSV with columns person, channel, on (as 2026-11-30), and id if there is one.")


class HandForm(AboutStudentForm):
    """One contact."""

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
    file = file_form(request, COLUMNS, sent=action == "file" and whole)
    students = students_visible_to(request.user, request.access)
    hand = HandForm(request.POST if action == "hand" else None, students=students)
    brought = bring(file, lambda content, name: bring_contact_points(content, name, by=request.user, at=request.at))
    if brought is None and hand.is_valid() and _by_hand(request, hand):
        messages.success(request, _("Written down."))
        return redirect("contact_points")
    context = {"file": file if whole else None, "hand": hand, "brought": brought}
    failed = request.method == "POST" and brought is None
    return render(request, "adsum/office/contact_points.html", context, status=422 if failed else 200)


def _by_hand(request: PersonRequest, form: HandForm) -> bool:
    """Write it down; False with what is wrong on the form."""
    given = form.cleaned_data
    noon = datetime.combine(given["on"], time(12), tzinfo=university_zone()).astimezone(UTC)
    when = min(noon, request.at) if given["on"] <= request.today else noon
    try:
        record_contact(given["number"], Channel(given["channel"]), when, act=act_of(request))
    except AdsumError as refused:
        form.add_error("on", refused.message)
        return False
    return True
