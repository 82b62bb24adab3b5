"""What is about to be decided about a student, or was: they read what it rests on, and answer."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from adsum.compliance.duty_life import Outcome, State
from adsum.compliance.models import Duty, Representation
from adsum.compliance.representation_life import Stance, may_answer
from adsum.compliance.representations import answer, note_opened
from adsum.core.errors import AdsumError
from adsum.messages.models import Message
from adsum.messages.services import open_message
from adsum.messages.topics.decisions import announced_key
from adsum.web.acts import act_of
from adsum.web.compliance.duty_labels import ABOUT_STUDIES, ABOUTS, KINDS, STANCES
from adsum.web.entered import WordsField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student import STUDENTS


class AnswerForm(forms.Form):
    stance = forms.ChoiceField(label=gettext_lazy("Your answer"), choices=list(STANCES.items()), widget=forms.RadioSelect)
    words = WordsField(
        label=gettext_lazy("In your own words"),
        max_length=4000,
        required=False,
        help_text=gettext_lazy("What is wrong or missing? What should be looked at? Needed if you see it differently."),
    )


@require_safe
@for_roles(STUDENTS)
def index(request: PersonRequest) -> HttpResponse:
    """Everything that was or is to be decided, the newest first; and what became of it."""
    told = Representation.objects.filter(student=request.user).order_by("-announced_at", "-pk")
    ended = [State.REPORTED, State.NOT_REPORTED, State.CLOSED]
    done = list(Duty.objects.filter(student=request.user, state__in=ended).order_by("-confirmed_at", "-pk"))
    context = {
        "told": [(one, ABOUTS.get(one.about, ABOUT_STUDIES), may_answer(one.known, request.today)) for one in told],
        "done": [(one, KINDS[one.kind], one.outcome == Outcome.REPORT) for one in done],  # type: ignore[index]
    }
    return render(request, "adsum/student/decisions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(STUDENTS)
def decision(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One decision: what it rests on, until when they can answer, and their answer."""
    own = Representation.objects.filter(student=request.user).select_related("student")
    told = get_object_or_404(own, ref=ref)
    if request.POST.get("action") == "open":
        _open(told, request)
        return redirect("student_decision", told.ref)
    form = AnswerForm(request.POST if request.method == "POST" else None, auto_id="answer_%s")
    if form.is_valid():
        try:
            answer(told, Stance(form.cleaned_data["stance"]), form.cleaned_data["words"], act=act_of(request))
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("Your answer is on record. It is read and weighed before anything is final."))
            return redirect("student_decision", told.ref)
    context = {
        "told": told,
        "about": ABOUTS.get(told.about, ABOUT_STUDIES),
        "stance": STANCES.get(told.stance),  # type: ignore[call-overload]
        "may_answer": may_answer(told.known, request.today),
        "form": form,
    }
    return render(request, "adsum/student/decision.html", context, status=422 if form.errors else 200)


def _open(told: Representation, request: PersonRequest) -> None:
    """Reading it is a button, as with every formal message: nobody is taken to have read what a preview fetched."""
    for message in Message.objects.filter(key=announced_key(told)).select_related("person"):
        open_message(message, at=request.at)
    note_opened(told.ref, at=request.at)
