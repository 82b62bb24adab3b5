"""A student's absences: telling of one, what became of it, evidence, and taking it back."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from adsum.absence import evidence, services
from adsum.absence.models import AbsenceRequest
from adsum.absence.reports import lacks_evidence, totals_of
from adsum.absence.rules import Outcome, State
from adsum.absence.terms import categories, limits_on
from adsum.attendance.record import classes_of
from adsum.core.errors import AdsumError
from adsum.web.absences import ACCEPTED, Asked, file_answer, keep_files, rows_of
from adsum.web.absences import classes_of as classes_of_absence
from adsum.web.acts import act_of
from adsum.web.entered import ref_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student import STUDENTS

PAGE = 20


@require_safe
@for_roles(STUDENTS)
def absences(request: PersonRequest) -> HttpResponse:
    """The student's absences, newest first, and how many days of the year they certified alone."""
    mine = AbsenceRequest.objects.filter(student=request.user).order_by("-first_day", "-pk")
    page = Paginator(mine, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": rows_of(list(page)),
        "totals": totals_of([request.user.pk], on=request.today)[request.user.pk],
        "limits": limits_on(request.today),
        "circumstances": settings.CIRCUMSTANCES_URL,
    }
    return render(request, "adsum/student/absences.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(STUDENTS)
def tell(request: PersonRequest) -> HttpResponse:
    """Tell of an absence: the days and why; then which classes, and what becomes of it; then it is told."""
    asked = Asked(request, request.user, by_staff=False, initial=_of_class(request))
    if asked.made is not None:
        messages.success(request, _said(asked.made))
        return redirect("student_absence", ref=asked.made.ref)
    context = {**asked.context(), "limits": limits_on(request.today)}
    return render(request, "adsum/student/tell.html", context, status=asked.status)


def _of_class(request: PersonRequest) -> dict[str, Any]:
    """The time of the class that the student came from, or today."""
    ref = ref_of(request.GET.get("class"))
    session = classes_of(request.user).filter(ref=ref).first() if ref else None
    if session is None:
        return {"first": request.today}
    start, end = localtime(session.starts_at), localtime(session.ends_at)
    return {"first": start.date(), "from_time": start.time(), "to_time": end.time()}


def _said(absence: AbsenceRequest) -> str:
    if absence.state == State.DECIDED:
        return _("Told, and authorised at once. Get well soon, or take the time you need: nothing else is to be done.")
    if absence.state == State.TOLD:
        return _("Told. Your lecturers see that you told us. This reason is not one that is authorised.")
    return _("Told. Until it is decided, it is under decision.")


def own(request: PersonRequest, ref: UUID) -> AbsenceRequest:
    """The student's own absence at this address. Raises Http404 for any other."""
    mine = AbsenceRequest.objects.filter(student=request.user).select_related("student", "told_by", "decider", "deputy")
    return get_object_or_404(mine, ref=ref)


@require_safe
@for_roles(STUDENTS)
def absence(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One absence: the word, its classes with their marks, what was decided and why, its evidence."""
    one = own(request, ref)
    context = {
        **rows_of([one])[0],
        "classes": classes_of_absence(one),
        "decisions": list(one.decisions.order_by("-pk").prefetch_related("refused")),
        "files": list(one.evidence.filter(deleted_at=None).defer("sealed").order_by("pk")),
        "lacks": lacks_evidence(one, categories().get(one.category)),
        "open": one.state == State.UNDER_DECISION,
        "may_withdraw": one.state != State.WITHDRAWN
        and not one.decisions.filter(by__isnull=False).exclude(outcome=Outcome.EVIDENCE).exists(),
        "accepted": ACCEPTED,
        "circumstances": settings.CIRCUMSTANCES_URL,
    }
    return render(request, "adsum/student/absence.html", context)


@require_POST
@for_roles(STUDENTS)
def withdraw(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Take an absence back."""
    try:
        services.withdraw(own(request, ref), act=act_of(request))
    except AdsumError as refused:
        messages.error(request, refused.message)
        return redirect("student_absence", ref=ref)
    messages.success(request, _("Taken back. Your classes are as if you had not told us."))
    return redirect("student_absences")


@require_POST
@for_roles(STUDENTS)
def share(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Let the tutor read it, or no longer."""
    shared = request.POST.get("shared") == "yes"
    services.share(own(request, ref), shared, act=act_of(request))
    told = _("Your tutor can read it now.") if shared else _("Your tutor sees the days and classes only.")
    messages.success(request, told)
    return redirect("student_absence", ref=ref)


@require_POST
@for_roles(STUDENTS)
def add_evidence(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Send evidence."""
    kept = keep_files(request, own(request, ref))
    if kept:
        told = ngettext("%(n)s file sent. It is kept encrypted.", "%(n)s files sent. They are kept encrypted.", kept)
        messages.success(request, told % {"n": kept})
    elif not request.FILES:
        messages.warning(request, _("Choose a file first."))
    return redirect("student_absence", ref=ref)


@require_safe
@for_roles(STUDENTS)
def read_evidence(request: PersonRequest, ref: UUID, file: UUID) -> HttpResponse:
    """One's own evidence, to download."""
    found = get_object_or_404(own(request, ref).evidence.filter(deleted_at=None), ref=file)
    return file_answer(found, evidence.read(found, act=act_of(request)))


@require_POST
@for_roles(STUDENTS)
def delete_evidence(request: PersonRequest, ref: UUID, file: UUID) -> HttpResponse:
    """Take a file back while nobody has decided."""
    found = get_object_or_404(own(request, ref).evidence.filter(deleted_at=None).defer("sealed"), ref=file)
    try:
        evidence.delete(found, act=act_of(request))
        messages.success(request, _("Deleted."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("student_absence", ref=ref)
