"""Files beyond one class: a module's students by classes, a record, a list of classes, and sheets for all of them.

Each asks for a recent proof of who takes it, except a person's own record, and paper sheets, which have no marks on them.
"""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from adsum.accounts.models import Person
from adsum.accounts.rules import LISTS_CLASSES, STAFF
from adsum.attendance.record import classes_of, own_classes
from adsum.core.errors import AdsumError
from adsum.integrations.files import exports
from adsum.integrations.files.tables import FORMS
from adsum.timetable.models import ClassSession, Module
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.office.classes import found
from adsum.web.signin import stepup
from adsum.web.student import STUDENTS
from adsum.web.student.record import KEPT_IN_VIEW
from adsum.web.support import Opened, of_student
from adsum.web.teaching.sheet import download, printable, sheets_of
from adsum.web.viewing import looked_at_module

MOST_CLASSES = 5_000
"""In one list: about a month of a large university."""


def _form(form: str) -> str:
    if form not in FORMS:
        raise Http404
    return form


@require_POST
@for_roles(LISTS_CLASSES)
@stepup.required
def module_file(request: PersonRequest, pk: int, form: str) -> HttpResponse:
    """Everyone in a module, a column for each class."""
    module = get_object_or_404(Module.objects.visible_to(request.user, request.access), pk=pk)
    table = exports.module_summary(module, at=request.at)
    looked_at_module(request, module)
    subject = f"module:{module.pk}"
    return download(exports.taken(table, _form(form), what="module", subject=subject, by=request.user, at=request.at))


@require_POST
@for_roles(STAFF)
@stepup.required  # before the record is opened, for opening it is noted
@of_student
def record_file(request: PersonRequest, opened: Opened, form: str) -> HttpResponse:
    """One student's record, for those who look after them; not for people who opened it from outside."""
    if opened.relation is None:
        raise Http404
    return _record(request, opened.student, form)


@require_POST
@for_roles(STUDENTS)
def own_record_file(request: PersonRequest, form: str) -> HttpResponse:
    """A student's own record."""
    return _record(request, request.user, form)


@require_POST
@for_roles(LISTS_CLASSES)
@stepup.required
def classes_file(request: PersonRequest, form: str) -> HttpResponse:
    """The classes that the list of classes shows, all pages of it."""
    listed = _listed(request)
    sessions = list(listed[: MOST_CLASSES + 1])
    if len(sessions) > MOST_CLASSES:
        messages.warning(request, _("These are more than %(most)s classes. Choose a day, or search.") % {"most": MOST_CLASSES})
        return _back(request)
    table = exports.class_list(sessions, at=request.at)
    return download(exports.taken(table, _form(form), what="classes", subject="session:*", by=request.user, at=request.at))


@require_POST
@for_roles(LISTS_CLASSES)
def classes_sheets(request: PersonRequest) -> HttpResponse:
    """The sheets of the classes that the list shows: those of a room, a department, a day."""
    try:
        return sheets_of(request, list(_listed(request).filter(status="scheduled")[:500]), "session:*")
    except AdsumError as refused:
        messages.warning(request, refused.message)
        return _back(request)


def _listed(request: PersonRequest) -> QuerySet[ClassSession]:
    """What the list of classes shows, by the filter that came with the form."""
    _filter, listed = found(request, QueryDict(request.POST.get("find", "")))
    return printable(listed)


def _back(request: PersonRequest) -> HttpResponse:
    answer = redirect("office_classes")
    answer["Location"] += f"?{QueryDict(request.POST.get('find', '')).urlencode()}"
    return answer


def _record(request: PersonRequest, student: Person, form: str) -> HttpResponse:
    begun = classes_of(student).filter(starts_at__gt=request.at - KEPT_IN_VIEW, starts_at__lte=request.at)
    table = exports.student_record(student, own_classes(student, begun))
    subject = f"person:{student.pk}"
    return download(exports.taken(table, _form(form), what="record", subject=subject, by=request.user, at=request.at))
