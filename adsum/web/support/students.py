"""Finding a student: among those whom the person looks after; and, with a reason, beyond them."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from adsum.accounts.models import BreakGlass, Person
from adsum.accounts.reports import the_student
from adsum.accounts.rules import BREAK_GLASS_FOR, SHORTEST_REASON, STAFF, Purpose
from adsum.accounts.services import break_glass
from adsum.attendance.record import standings
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.timetable.models import Enrolment
from adsum.timetable.reports import relations_to, students_visible_to
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.role_labels import PURPOSES
from adsum.web.searching import LONGEST_SEARCH, named
from adsum.web.student.record import RECENT
from adsum.web.support.sentences import attended_lately
from adsum.web.times import time_of_day
from adsum.web.viewing import looked_through

PER_PAGE = 25


def _courses(students: list[int], today: date) -> dict[int, Enrolment]:
    """By student, the latest enrolment; it reads as suspended while a suspension beside it lasts (one query)."""
    found: dict[int, Enrolment] = {}
    for one in Enrolment.objects.filter(person__in=students).select_related("course").order_by("starts_on"):
        known = found.get(one.person_id)
        if known is None or one.status != Enrolment.Status.SUSPENDED:
            found[one.person_id] = one
        elif one.starts_on <= today and (one.ends_on is None or today <= one.ends_on):
            known.status = one.status
    return found


def rows(request: PersonRequest, students: list[Person]) -> list[dict[str, Any]]:
    """What a list says of each student: course, the sum of four weeks, when they were last there (eight queries)."""
    pks = [student.pk for student in students]
    how = standings(pks, since=request.at - RECENT, at=request.at)
    courses = _courses(pks, request.access.on)
    return [
        {
            "student": student,
            "enrolment": courses.get(student.pk),
            "sum": attended_lately(how[student.pk].tally),
            "percent": how[student.pk].tally.percent,
            "last": how[student.pk].last_attended,
            "queries": how[student.pk].open_queries,
        }
        for student in students
    ]


@require_safe
@for_roles(STAFF)
def students(request: PersonRequest) -> HttpResponse:
    """The students whose records the person may open, by name, 25 to a page."""
    text = request.GET.get("q", "")
    found = named(students_visible_to(request.user, request.access), text)
    page = Paginator(found.order_by("family_name", "given_name", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    looked_through(request, Page.STUDENTS, relations_to(request.user, request.access, [student.pk for student in page]).items())
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "q": text[:LONGEST_SEARCH],
        "page": page,
        "rows": rows(request, list(page)),
        "query": f"{query.urlencode()}&" if query else "",
        "opened": BreakGlass.objects.open_to(request.user, request.at).select_related("student").order_by("ends_at"),
    }
    return render(request, "adsum/support/students.html", context)


class OutsideForm(forms.Form):
    """Whose record, and why."""

    who = forms.CharField(
        label=gettext_lazy("Student number or university e-mail"),
        max_length=254,
        help_text=gettext_lazy("Exactly as it is: there is no search beyond the students you look after."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    purpose = forms.ChoiceField(
        label=gettext_lazy("Purpose"),
        choices=[("", gettext_lazy("Choose a purpose")), *PURPOSES.items()],
        help_text=gettext_lazy("The student reads it in the list of who looked at their record."),
    )
    reason = forms.CharField(
        label=gettext_lazy("In your words"),
        max_length=500,
        min_length=SHORTEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The data-protection officer reads it at once. The student does not."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(STAFF)
def outside(request: PersonRequest) -> HttpResponse:
    """Open the record of a student whom the person does not look after: for half an hour, with a reason that others read."""
    form = OutsideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        student = the_student(form.cleaned_data["who"])
        if student is None:
            form.add_error("who", _("No single student has exactly this number or e-mail. Check it with the student."))
        elif students_visible_to(request.user, request.access).filter(pk=student.pk).exists():
            return redirect("person_record", ref=student.ref)
        else:
            try:
                opened = break_glass(
                    student,
                    viewer=request.user,
                    access=request.access,
                    purpose=Purpose(form.cleaned_data["purpose"]),
                    reason=form.cleaned_data["reason"],
                    at=request.at,
                )
            except AdsumError as refused:
                form.add_error("reason" if refused.code == "needs_reason" else "who", refused.message)
            else:
                until = {"time": time_of_day(opened.ends_at)}
                messages.success(request, _("Open until %(time)s. The data-protection officer has been told.") % until)
                return redirect("person_record", ref=student.ref)
    minutes = int(BREAK_GLASS_FOR.total_seconds() // 60)
    stays = ngettext("for %(n)s minute", "for %(n)s minutes", minutes) % {"n": minutes}
    return render(request, "adsum/support/outside.html", {"form": form, "stays": stays}, status=422 if form.errors else 200)
