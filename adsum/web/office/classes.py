"""For the attendance team, departments and module leaders: any class they may see, to its register."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from adsum.accounts.models import Department
from adsum.accounts.rules import LISTS_CLASSES, Access
from adsum.core.clock import civil_day
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.web.class_rows import in_order, rows
from adsum.web.departments import DepartmentField, offer
from adsum.web.entered import DayField
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest

PAGE = 25


class ClassFilter(forms.Form):
    """Which classes to list. Without a day: every day, the latest first."""

    on = DayField(label=_("Day"), required=False)
    q = forms.CharField(label=_("Module, room or lecturer"), required=False, max_length=100)
    department = DepartmentField()

    def __init__(self, access: Access, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, access)


@require_safe
@for_roles(LISTS_CLASSES)
def classes(request: PersonRequest) -> HttpResponse:
    """The classes of a day, or those found, 25 to a page."""
    parameters = request.GET.copy()
    parameters.pop("page", None)
    if not parameters:
        parameters["on"] = request.today.isoformat()
    form, listed = found(request, parameters)
    on: date | None = form.cleaned_data.get("on")
    ordered = in_order(listed) if on else in_order(listed).order_by("-starts_at", "title", "pk")
    page = Paginator(ordered, PAGE).get_page(request.GET.get("page"))
    others = parameters.copy()
    others.pop("on", None)
    context = {
        "form": form,
        "on": on,
        "page": page,
        "rows": rows(page, request.at),
        "parameters": parameters.urlencode(),
        "others": others.urlencode(),
        "is_today": on == request.today,
        "before": on and on - timedelta(days=1),
        "after": on and on + timedelta(days=1),
    }
    return render(request, "adsum/office/classes.html", context)


def found(request: PersonRequest, parameters: QueryDict) -> tuple[ClassFilter, QuerySet[ClassSession]]:
    """The classes this person may see that a filter leaves, in no order, and the filter."""
    form = ClassFilter(request.access, parameters)
    listed = ClassSession.objects.visible_to(request.user, request.access)
    wanted = form.cleaned_data if form.is_valid() else {}
    if on := wanted.get("on"):
        listed = listed.between(*civil_day(on, university_zone()))
    if department := wanted.get("department"):
        listed = listed.filter(module__department__in=Department.objects.below([department.pk])[department.pk])
    for word in wanted.get("q", "").split():
        listed = listed.filter(pk__in=_matching(word).values("pk"))
    return form, listed


def _matching(word: str) -> QuerySet[ClassSession]:
    people = Q(staff__family_name__icontains=word) | Q(staff__given_name__icontains=word)
    module = Q(module__code__icontains=word) | Q(module__title__icontains=word)
    return ClassSession.objects.filter(module | people | Q(title__icontains=word) | Q(rooms__name__icontains=word))
