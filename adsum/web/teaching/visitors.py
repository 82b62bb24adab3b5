"""Adds a student to the register by number who came, is not on the list and could not scan."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.reports import the_student
from adsum.attendance.guest_attendance import LetIn, let_in
from adsum.attendance.rules import Reason
from adsum.attendance.weighing import Why
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.web.acts import carry_out, not_done
from adsum.web.guards import of_class
from adsum.web.middleware import PersonRequest


class VisitorForm(forms.Form):
    """Who came, and what it counts instead of."""

    number = forms.CharField(
        label=gettext_lazy("Student number or university e-mail"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    swap = forms.BooleanField(
        label=gettext_lazy("It counts instead of their own group’s class of this week"),
        required=False,
        initial=True,
        widget=forms.CheckboxInput(attrs={"value": "yes"}),
    )


def swap_of(request: PersonRequest) -> bool:
    """Whether the visit is to stand in for a class of the student's own group."""
    return request.POST.get("swap") == "yes"


def told_in(name: str, swapped: ClassSession | None) -> str:
    """The sentence that a student is in, and which class of their own group this one replaces."""
    if swapped is None:
        return _("%(name)s is in.") % {"name": name}
    when = _day_and_time(swapped.starts_at)
    return _("%(name)s is in. It counts instead of their own group’s class on %(when)s.") % {"name": name, "when": when}


def _day_and_time(at: datetime) -> str:
    return f"{date_format(localtime(at), 'l j F')}, {localtime(at):%H:%M}"


@of_class("POST")
def add(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Add a student not on the list, by exact number or university e-mail; where one person may not, a colleague is asked."""
    called = request.POST.get("number", "").strip()
    student = the_student(called)
    if student is None:
        raise AdsumError(
            "nobody", _("No student has exactly this number or university e-mail. Type it whole, as it stands on their card.")
        )
    why = Why(Reason.OTHER_GROUP_AGREED)
    answer = carry_out(request, lambda act: let_in(session, student, act=act, swap=swap_of(request), why=why))
    if not isinstance(answer, LetIn):
        return not_done(request, answer, session)
    messages.success(request, told_in(student.display_name, answer.instead_of))
    return redirect("class_register", session.ref)
