"""Attendance by module, for departments and module leaders: week by week, then class by class and student by student."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django import forms
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from adsum.accounts.models import Department, Person
from adsum.accounts.rules import LISTS_CLASSES, Access
from adsum.attendance.counting import Tally
from adsum.attendance.record import module_tallies, standings
from adsum.core.clock import civil_day, monday_of
from adsum.timetable.models import ClassSession, Module
from adsum.timetable.reports import students_of_modules, students_visible_to, university_zone
from adsum.web.class_rows import in_order
from adsum.web.class_rows import rows as class_rows
from adsum.web.departments import DepartmentField, offer
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.support.sentences import attended
from adsum.web.viewing import looked_at_module
from adsum.web.weeks import asked_week

PER_PAGE = 25
WEEKS = 6
"""How many weeks a row shows, the current one included."""


class ModuleFilter(forms.Form):
    """Which modules to list."""

    q = forms.CharField(label=_("Code or title"), required=False, max_length=100)
    department = DepartmentField()

    def __init__(self, access: Access, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, access)


class Week(NamedTuple):
    """One cell: the week, its sum, and how it stands: good, warn, bad or none."""

    monday: date
    tally: Tally | None
    tone: str


def tone(tally: Tally | None) -> str:
    """The tone of a percentage, which stands beside it."""
    percent = tally.percent if tally else None
    if percent is None:
        return "none"
    return "good" if percent >= 80 else "warn" if percent >= 60 else "bad"


def _since(at: datetime) -> tuple[list[date], datetime]:
    """The Mondays that are shown, oldest first, and the instant the first begins."""
    this = monday_of(localtime(at).date())
    mondays = [this - timedelta(weeks=n) for n in reversed(range(WEEKS))]
    return mondays, civil_day(mondays[0], university_zone())[0]


def _weeks(mondays: list[date], tallies: dict[date | None, Tally]) -> list[Week]:
    return [Week(monday, tallies.get(monday), tone(tallies.get(monday))) for monday in mondays]


@require_safe
@for_roles(LISTS_CLASSES)
def modules(request: PersonRequest) -> HttpResponse:
    """The modules that the person may see as a whole: how many students, and how much they attended, week by week."""
    form = ModuleFilter(request.access, request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = Module.objects.visible_to(request.user, request.access).filter(ended_on=None)
    for word in wanted.get("q", "").split():
        found = found.filter(Q(code__icontains=word) | Q(title__icontains=word))
    if department := wanted.get("department"):
        found = found.filter(department__in=Department.objects.below([department.pk])[department.pk])
    page = Paginator(found.select_related("department").order_by("code", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    pks = [module.pk for module in page]
    mondays, since = _since(request.at)
    tallies = module_tallies(pks, since=since, at=request.at)
    students = students_of_modules(pks, on=request.today)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "mondays": mondays,
        "query": f"{query.urlencode()}&" if query else "",
        "rows": [
            {
                "module": module,
                "students": len(students.get(module.pk, ())),
                "sum": tallies.get(module.pk, {}).get(None),
                "weeks": _weeks(mondays, tallies.get(module.pk, {})),
            }
            for module in page
        ],
    }
    return render(request, "adsum/support/modules.html", context)


@require_safe
@for_roles(LISTS_CLASSES)
def module(request: PersonRequest, pk: int) -> HttpResponse:
    """One module: its weeks, its classes of these weeks, its students, those who attended least first."""
    shown = get_object_or_404(Module.objects.visible_to(request.user, request.access).select_related("department"), pk=pk)
    looked_at_module(request, shown)
    mondays, since = _since(request.at)
    tallies = module_tallies([shown.pk], since=since, at=request.at).get(shown.pk, {})
    people = Person.objects.in_bulk(students_of_modules([shown.pk], on=request.today).get(shown.pk, ()))
    how = standings(people, since=since, at=request.at, module=shown.pk)
    visible = students_visible_to(request.user, request.access).filter(pk__in=people)
    records = set(visible.values_list("pk", flat=True))
    listed = sorted(people.values(), key=lambda one: _need(how[one.pk].tally, one))
    students = Paginator(listed, PER_PAGE).get_page(request.GET.get("students"))
    mine = ClassSession.objects.visible_to(request.user, request.access).filter(module=shown)
    latest = in_order(mine.filter(starts_at__gte=since, starts_at__lte=request.at)).order_by("-starts_at", "pk")
    if week := asked_week(request):
        latest = latest.filter(starts_on__gte=week, starts_on__lt=week + timedelta(weeks=1))
    classes = Paginator(latest, PER_PAGE).get_page(request.GET.get("page"))
    total = tallies.get(None)
    context = {
        "module": shown,
        "sum": attended(total) if total else "",
        "percent": total.percent if total else None,
        "weeks": _weeks(mondays, tallies),
        "people": len(listed),
        "students": students,
        "rows": [
            {
                "student": one,
                "sum": attended(how[one.pk].tally),
                "percent": how[one.pk].tally.percent,
                "tone": tone(how[one.pk].tally),
                "record": one.pk in records,
            }
            for one in students
        ],
        "week": week,
        "week_query": f"week={week}&" if week else "",
        "classes": classes,
        "class_rows": class_rows(classes, request.at),
    }
    return render(request, "adsum/support/module.html", context)


def _need(tally: Tally, person: Person) -> tuple[float, str, str, int]:
    """Least attendance first; students with nothing to count come last."""
    names = person.family_name.casefold(), person.given_name.casefold()
    return (101 if tally.percent is None else tally.percent, *names, person.pk)
