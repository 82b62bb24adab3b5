"""One student's whole record, for those who look after them."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from adsum.absence.models import AbsenceRequest, Evidence
from adsum.accounts.rules import KEEPS_RECORDS
from adsum.attendance.record import account, classes_of, own_classes
from adsum.engagement.reminders import why_not
from adsum.timetable.models import ClassSession, Enrolment
from adsum.web.absences import rows_of
from adsum.web.middleware import PersonRequest
from adsum.web.office import alerts
from adsum.web.role_labels import purpose_label, role_label
from adsum.web.student.record import KEPT_IN_VIEW, RECENT, by_module
from adsum.web.sums import left_out
from adsum.web.support import Opened, of_student
from adsum.web.support.sentences import attended, attended_lately
from adsum.web.support.timeline import SORTS, moments

PER_PAGE = 30
MOST_ABSENCES = 12


def _files() -> "Prefetch[Any]":
    there = Evidence.objects.filter(deleted_at=None).defer("sealed").order_by("pk")
    return Prefetch("evidence", queryset=there, to_attr="files")


@require_safe
@of_student
def record(request: PersonRequest, opened: Opened) -> HttpResponse:
    """Who they are, how they are doing (the sums of their own page), their modules, and everything that happened."""
    at, student = request.at, opened.student
    shown = classes_of(student).filter(starts_at__gt=at - KEPT_IN_VIEW, starts_at__lte=at)
    classes = own_classes(student, shown)
    recent = account((one for one in classes if one.session.ends_at > at - RECENT), at)
    pks = {one.session.pk for one in classes}
    visible = ClassSession.objects.visible_to(request.user, request.access).filter(pk__in=pks)
    told = moments(student, classes, opened.role, at, frozenset(visible.values_list("pk", flat=True)))
    sort, module = request.GET.get("show", ""), request.GET.get("module", "")
    counts = {one: sum(moment.sort == one for moment in told) for one in SORTS}
    wanted = [moment for moment in told if sort in {"", moment.sort} and module in {"", str(moment.session.module_id)}]
    filters = QueryDict(mutable=True)
    filters.update({name: value for name, value in (("show", sort), ("module", module)) if value})
    told_of = AbsenceRequest.objects.standing().filter(student=student) if opened.role else AbsenceRequest.objects.none()
    absences = rows_of(list(told_of.order_by("-first_day").prefetch_related(_files())[:MOST_ABSENCES]))
    context = {
        "absences": absences,
        "decides": opened.role in KEEPS_RECORDS,
        "student": student,
        "enrolments": Enrolment.objects.filter(person=student).select_related("course", "tutor").order_by("-starts_on"),
        "as_role": role_label(opened.relation.role) if opened.relation else "",
        "outside": opened.outside,
        "keeps_records": opened.role in KEEPS_RECORDS,
        "purpose": purpose_label(opened.outside.purpose) if opened.outside else "",
        "sum": attended_lately(recent.tally),
        "left_out": left_out(recent),
        "why_not": why_not(student, at),
        "alert": alerts.mine(request).open().filter(student=student).order_by("-stage").first(),
        "modules": [
            {"module": of.module, "strip": of.strip, "sum": attended(of.sum.tally), "left_out": left_out(of.sum)}
            for of in by_module(classes, at)
        ],
        "page": Paginator(wanted, PER_PAGE).get_page(request.GET.get("page")),
        "sorts": [(value, word, counts[value]) for value, word in SORTS.items()],
        "show": sort,
        "module": module,
        "all": len(told),
        "filters": f"{filters.urlencode()}&" if filters else "",
    }
    return render(request, "adsum/support/record.html", context)
