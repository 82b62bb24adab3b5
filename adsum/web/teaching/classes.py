"""For the attendance team: any class of the university, to its register."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from adsum.accounts.models import Department
from adsum.accounts.rules import SEES_EVERY_REGISTER
from adsum.core.clock import civil_day
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone
from adsum.web.middleware import PersonRequest
from adsum.web.teaching import for_roles
from adsum.web.teaching.listing import in_order, rows

PAGE = 25


class ClassFilter(forms.Form):
    """Which classes to list. Without a day: every day, the latest first."""

    on = forms.DateField(
        label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2200, 1, 1))],
    )  # fmt: skip
    q = forms.CharField(label=_("Module, room or lecturer"), required=False, max_length=100)
    department = forms.ModelChoiceField(Department.objects.order_by("name"), required=False, label=_("Department"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].empty_label = _("All departments")  # type: ignore[attr-defined]


@require_safe
@for_roles(SEES_EVERY_REGISTER)
def classes(request: PersonRequest) -> HttpResponse:
    """The classes of a day, or those found, 25 to a page."""
    parameters = request.GET.copy()
    parameters.pop("page", None)
    if not parameters:
        parameters["on"] = localtime(request.at).date().isoformat()
    form = ClassFilter(parameters)
    found = ClassSession.objects.visible_to(request.user, request.roles)
    wanted = form.cleaned_data if form.is_valid() else {}
    on: date | None = wanted.get("on")
    if on is not None:
        found = found.between(*civil_day(on, university_zone()))
    if department := wanted.get("department"):
        found = found.filter(module__department__in=_with_children(department))
    for word in wanted.get("q", "").split():
        found = found.filter(pk__in=_matching(word).values("pk"))
    ordered = in_order(found) if on else in_order(found).order_by("-starts_at", "title", "pk")
    page = Paginator(ordered, PAGE).get_page(request.GET.get("page"))
    others = parameters.copy()
    others.pop("on", None)
    context = {
        "form": form, "on": on, "page": page, "rows": rows(page, request.at), "parameters": parameters.urlencode(),
        "others": others.urlencode(), "is_today": on == localtime(request.at).date(),
        "before": on and on - timedelta(days=1), "after": on and on + timedelta(days=1),
    }  # fmt: skip
    return render(request, "adsum/teaching/classes.html", context)


def _matching(word: str) -> QuerySet[ClassSession]:
    people = Q(staff__family_name__icontains=word) | Q(staff__given_name__icontains=word)
    module = Q(module__code__icontains=word) | Q(module__title__icontains=word)
    return ClassSession.objects.filter(module | people | Q(title__icontains=word) | Q(rooms__name__icontains=word))


def _with_children(department: Department) -> set[int]:
    """The department and all below it (one query)."""
    children: dict[int | None, list[int]] = {}
    for pk, parent in Department.objects.values_list("pk", "parent"):
        children.setdefault(parent, []).append(pk)
    found, waiting = set[int](), [department.pk]
    while waiting:
        pk = waiting.pop()
        found.add(pk)
        waiting += children.get(pk, [])
    return found
