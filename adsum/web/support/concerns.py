"""“I'm concerned”: one form for any teacher, and the list of those who have to act on it."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.accounts.models import Person
from adsum.accounts.rules import STAFF
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Worry
from adsum.engagement.concerns import acknowledge, raise_concern
from adsum.engagement.models import Concern
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import as_one_of, expected_students, students_visible_to
from adsum.web.acts import act_of
from adsum.web.case_labels import WORRIES, worried
from adsum.web.guards import for_roles, of_class
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

MOST = 100


class ConcernForm(forms.Form):
    """What was noticed."""

    worry = forms.ChoiceField(
        label=gettext_lazy("What did you notice?"), choices=list(WORRIES.items()), widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=gettext_lazy("What you saw or heard"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("What happened, not what it may mean. Nothing about health. The student may read it."),
    )


@of_class("GET", "HEAD", "POST")
def about_student_in_class(request: PersonRequest, session: ClassSession, student: UUID) -> HttpResponse:
    """Say that one is concerned about a student of a class."""
    of_class = Q(pk__in=expected_students(session)) | Q(marks__session=session)
    return _form(request, get_object_or_404(Person.objects.filter(of_class).distinct(), ref=student), session)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(STAFF)
def about_student(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Say that one is concerned about a student one looks after."""
    return _form(request, get_object_or_404(students_visible_to(request.user, request.access), ref=ref), None)


def _form(request: PersonRequest, student: Person, session: ClassSession | None) -> HttpResponse:
    form = ConcernForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = raise_concern(student, Worry(given["worry"]), given["words"], act=act_of(request), session=session)
        except AdsumError as refused:
            form.add_error(None, refused.message)
        else:
            names = " · ".join(str(one) for one in (made.owner, made.wellbeing) if one)
            told = _("Thank you. Told: %(names)s. You hear from one of them within a working day.") % {"names": names}
            messages.success(request, told)
            return redirect("class_register", session.ref) if session else redirect("person_record", student.ref)
    context = {"form": form, "student": student, "session": session, "call": settings.EMERGENCY_CALL}
    return render(request, "adsum/support/concern.html", context, status=422 if form.errors else 200)


@require_safe
@for_roles(STAFF)
def index(request: PersonRequest) -> HttpResponse:
    """Concerns that were given to the person, that they raised, or about students they look after; those that wait first."""
    visible = Concern.objects.visible_to(request.user, request.access).select_related(
        "student", "by", "owner", "wellbeing", "acknowledged_by", "case"
    )
    waiting = list(visible.waiting().order_by("due_on", "pk"))
    rows = [*waiting, *visible.exclude(acknowledged_at=None).order_by("-at", "-pk")[:MOST]]
    relation = as_one_of(request.access, STAFF)
    looked_through(request, Page.CASES, [(one.student_id, relation) for one in rows])
    context = {
        "rows": [(one, worried(one.worry), one.acknowledged_at is None and one.by_id != request.user.pk) for one in rows],
        "today": request.today,
    }
    return render(request, "adsum/support/concerns.html", context)


@require_POST
@for_roles(STAFF)
def seen(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Acknowledge a concern: the teacher hears of it."""
    concern = get_object_or_404(Concern.objects.visible_to(request.user, request.access), ref=ref)
    try:
        acknowledge(concern, act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("Acknowledged. The person who raised it is told."))
    return redirect("concerns")
