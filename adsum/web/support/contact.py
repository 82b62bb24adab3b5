"""How one student is reached, for those who keep their records; and the one action that stops all that is written to them."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from adsum.accounts.models import ContactDetail
from adsum.accounts.reaching import details_of, enter_details, stop_of
from adsum.accounts.rules import KEEPS_RECORDS, StopReason
from adsum.attendance.weighing import Act
from adsum.engagement.stopping import WHY, resume_contact, stop_contact
from adsum.web.contact_forms import WAYS, ContactForm
from adsum.web.middleware import PersonRequest
from adsum.web.support import Opened, of_student

EARLIER = 20
"""How many contact details of before are listed."""


class StopForm(forms.Form):
    """Why nobody is to write to a student any more."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Why"),
        choices=[(reason.value, sentence) for reason, sentence in WHY.items()],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose why nobody is to write to this student.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@of_student
def contact(request: PersonRequest, opened: Opened) -> HttpResponse:
    """A student's contact details with those of before, and whether anybody may write to them. For the attendance team and the
    department alone."""
    if opened.role not in KEEPS_RECORDS:
        raise Http404
    student, known, action = opened.student, details_of(opened.student), request.POST.get("action", "")
    form = ContactForm(request.POST if action == "enter" else None, known=known)
    stop_form = StopForm(request.POST if action == "stop" else None)
    act = Act(request.user, request.at)
    done = ""
    if form.is_valid():
        enter_details(student, form.wanted, by=request.user, actor=request.user.actor, at=request.at)
        done = _("The contact details are kept. What stood there before stays below, with its dates.")
    elif stop_form.is_valid():
        stop_contact(student, StopReason(stop_form.cleaned_data["reason"]), act=act)
        done = _("Nobody writes to this student any more: what was waiting does not leave, and reminders are closed.")
    elif action == "resume":
        resume_contact(student, act=act)
        done = _("This student may be written to again, of what happens from now on. What was closed stays closed.")
    if done:
        messages.success(request, done)
        return redirect("person_contact", student.ref)
    stop = stop_of(student)
    earlier = ContactDetail.objects.filter(person=student, ended_at__isnull=False).order_by("-ended_at", "-pk")
    context = {
        "student": student,
        "form": form,
        "stop_form": stop_form,
        "stop": stop,
        "why": WHY[StopReason(stop.reason)] if stop else "",
        "known": [(WAYS[way], detail) for way, detail in known.items()],
        "earlier": [(WAYS[one.by], one) for one in earlier.select_related("entered_by")[:EARLIER]],  # type: ignore[index]
    }
    bound = form.is_bound or stop_form.is_bound
    return render(request, "adsum/support/contact.html", context, status=422 if bound else 200)
