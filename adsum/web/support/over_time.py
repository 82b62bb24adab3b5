"""A department and its courses over a term: how much was attended, week by week."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import Department
from adsum.accounts.rules import KEEPS_REGISTERS
from adsum.attendance.counting import Tally
from adsum.attendance.over_time import Days, Weeks, course_weeks, department_weeks
from adsum.core.clock import monday_of
from adsum.integrations.files import exports
from adsum.integrations.files.tables import FORMS
from adsum.timetable.models import Course, Term
from adsum.web.charts import WeekBar
from adsum.web.departments import offer
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.support.modules import Week, tone
from adsum.web.teaching.sheet import download

WITHOUT_TERMS = 12
"""Weeks that are shown where no term is known."""
LONGEST = 26
"""Weeks: a term that is longer is shown by its last ones."""
FEWEST = 8
"""Weeks for which a chart has room at least."""
NOTHING = Tally(0, 0)


class TimeForm(forms.Form):
    """Of which department, and when."""

    department = forms.ModelChoiceField(
        Department.objects.order_by("name"), label=gettext_lazy("Department"), required=False, empty_label=None
    )
    term = forms.ModelChoiceField(
        Term.objects.none(), label=gettext_lazy("Term"), required=False, empty_label=gettext_lazy("The last twelve weeks")
    )

    def __init__(self, request: PersonRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.terms = Term.objects.filter(starts_on__lte=request.today).order_by("-starts_on", "-pk")
        self.fields["term"].queryset = self.terms  # type: ignore[attr-defined]
        offer(self, request.access)

    @property
    def wanted(self) -> tuple[Department | None, Term | None]:
        """What was asked for; without it the first department, and the term that began last."""
        given = self.cleaned_data if self.is_valid() else {}
        first: Department | None = self.fields["department"].queryset.first()  # type: ignore[attr-defined]
        return given.get("department") or first, given.get("term") or (None if "term" in self.data else self.terms.first())


class Shown(NamedTuple):
    """What the page shows: the department, its weeks, and those of its courses."""

    form: TimeForm
    department: Department
    term: Term | None
    mondays: list[date]
    weeks: Weeks
    courses: list[tuple[Course, Weeks]]


def _shown(request: PersonRequest, given: Mapping[str, Any]) -> Shown | None:
    """None where there is no department to show (a constant number of queries, however many courses)."""
    department, term = TimeForm(request, given).wanted
    if department is None:
        return None
    days = _days(term, request.today)
    below = Department.objects.below([department.pk])[department.pk]
    courses = {course.pk: course for course in Course.objects.filter(department__in=below).order_by("title", "pk")}
    by_course = course_weeks(courses, days, request.at)
    return Shown(
        TimeForm(request, initial={"department": department, "term": term}),
        department,
        term,
        [days.first + timedelta(weeks=n) for n in range((days.last - days.first).days // 7 + 1)],
        department_weeks(below, days, request.at),
        [(course, by_course[pk]) for pk, course in courses.items() if pk in by_course],
    )


def _days(term: Term | None, today: date) -> Days:
    """Whole weeks: of the term as far as it has come, or the last."""
    last = min(term.ends_on, today) if term else today
    first = monday_of(term.starts_on) if term else monday_of(last) - timedelta(weeks=WITHOUT_TERMS - 1)
    return Days(max(first, monday_of(last) - timedelta(weeks=LONGEST - 1)), last)


@require_safe
@for_roles(KEEPS_REGISTERS)
def over_time(request: PersonRequest) -> HttpResponse:
    """A department of this person's, with its courses."""
    shown = _shown(request, request.GET)
    if shown is None:
        return render(request, "adsum/support/over_time.html", {})
    context = {
        "form": shown.form,
        "department": shown.department,
        "term": shown.term,
        "mondays": shown.mondays,
        "sum": shown.weeks.get(None),
        "weeks": [WeekBar(monday, shown.weeks.get(monday, NOTHING)) for monday in _as_wide_as_usual(shown.mondays)],
        "rows": [
            {
                "course": course,
                "sum": weeks.get(None),
                "tone": tone(weeks.get(None)),
                "bars": [WeekBar(monday, weeks.get(monday, NOTHING)) for monday in shown.mondays],
                "last": _last_two(shown.mondays, weeks),
            }
            for course, weeks in shown.courses
        ],
    }
    return render(request, "adsum/support/over_time.html", context)


def _as_wide_as_usual(mondays: list[date]) -> list[date]:
    """With empty weeks before a term that is young, so that its chart is not drawn larger than others."""
    more = max(0, FEWEST - len(mondays))
    return [*(mondays[0] - timedelta(weeks=n) for n in range(more, 0, -1)), *mondays]


def _last_two(mondays: list[date], weeks: Weeks) -> list[Week]:
    return [Week(monday, weeks.get(monday), tone(weeks.get(monday))) for monday in mondays[-2:]]


@require_POST
@for_roles(KEEPS_REGISTERS)
def over_time_file(request: PersonRequest, form: str) -> HttpResponse:
    """The same as a file: a row for the department and for each course, a column for each week."""
    shown = _shown(request, request.POST)
    if form not in FORMS or shown is None:
        raise Http404
    header = [_("code"), _("title"), _("attended"), _("counted"), *(f"{monday}" for monday in shown.mondays)]
    named = [(shown.department.code, shown.department.name, shown.weeks)]
    named += [(course.code, course.title, weeks) for course, weeks in shown.courses]
    rows = [[code, title, *_figures(weeks, shown.mondays)] for code, title, weeks in named]
    table = exports.Table([shown.department.code, "over-time", f"{request.today}"], header, rows)
    subject = f"department:{shown.department.pk}"
    return download(exports.taken(table, form, what="over_time", subject=subject, by=request.user, at=request.at))


def _figures(weeks: Weeks, mondays: list[date]) -> list[object]:
    total = weeks.get(None, NOTHING)
    percents = (weeks.get(monday, NOTHING).percent for monday in mondays)
    return [total.attended, total.counted, *("" if percent is None else percent for percent in percents)]
