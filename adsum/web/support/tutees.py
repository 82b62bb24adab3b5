"""A personal tutor's first page: whom to look at this week, and every tutee with their weeks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from adsum.accounts.models import Person
from adsum.accounts.rules import Access, Role
from adsum.audit.rules import Page
from adsum.engagement.attention import WEEKS, Attention, attention_of
from adsum.engagement.monday import Reason, first
from adsum.timetable.reports import Relation, students_visible_to
from adsum.web.charts import weeks_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.support.students import rows
from adsum.web.viewing import looked_through
from adsum.web.walking import begin

PER_PAGE = 50
NEXT = {
    Reason.OVERDUE: gettext_lazy("Do the next step, or set a new day for it with its reason."),
    Reason.FORMAL: gettext_lazy("Offer a time to meet, if there is none yet."),
    Reason.DUE: gettext_lazy("Do the next step of the case."),
    Reason.REMINDED: gettext_lazy("A few friendly words help most: ask how they are."),
    Reason.MISSES: gettext_lazy("Ask how they are. No reminder has gone out."),
    Reason.SILENT: gettext_lazy("Ask how they are: nobody has been in contact."),
}


class First(NamedTuple):
    """One of those to look at this week."""

    student: Person
    attention: Attention
    why: str
    next_step: str | Promise
    overdue: bool


def by_need(row: dict[str, Any]) -> tuple[float, int, str, int]:
    """Least attendance first, then most open queries, then by name; students with nothing to count come last."""
    percent = row["percent"]
    return (101 if percent is None else percent, -row["queries"], row["student"].family_name.casefold(), row["student"].pk)


@require_safe
@for_roles(frozenset({Role.TUTOR}))
def tutees(request: PersonRequest) -> HttpResponse:
    """The person's tutees of today."""
    as_tutor = Access(request.access.on, {Role.TUTOR: None})
    students = list(students_visible_to(request.user, as_tutor))
    listed = rows(request, students)
    page = Paginator(sorted(listed, key=by_need), PER_PAGE).get_page(request.GET.get("page"))
    attention = attention_of([student.pk for student in students], request.at)
    for row in page:
        row["weeks"] = weeks_of(attention[row["student"].pk].seen, request.today, WEEKS)
    looked_through(request, Page.STUDENTS, [(row["student"].pk, Relation(Role.TUTOR)) for row in page])
    begin(request, [reverse("person_record", args=[row["student"].ref]) for row in page])
    context = {"page": page, "rows": page.object_list, "first": _first(request, students, attention)}
    return render(request, "adsum/support/tutees.html", context)


def _first(request: PersonRequest, students: list[Person], attention: Mapping[int, Attention]) -> list[First]:
    by_pk = {student.pk: student for student in students}
    found = first((one.known for one in attention.values()), today=request.today, at=request.at)
    return [
        First(
            by_pk[known.student],
            attention[known.student],
            _why(request, attention[known.student], reason),
            _next(attention[known.student], reason),
            reason == Reason.OVERDUE,
        )
        for known, reason in found
    ]


def _why(request: PersonRequest, one: Attention, reason: Reason) -> str:
    """Why this student is among them, in one sentence."""
    known = one.known
    if reason == Reason.OVERDUE:
        return _("A step of their case is overdue.")
    if reason == Reason.FORMAL:
        return _("A formal stage is open: they were asked to a meeting or a panel.")
    if reason == Reason.DUE:
        return _("A step of their case is due this week.")
    if reason == Reason.REMINDED:
        return _("They have had a reminder that is still open.")
    if reason == Reason.MISSES:
        return ngettext("They missed %(n)s class.", "They missed their last %(n)s classes in a row.", known.misses) % {
            "n": known.misses
        }
    days = (request.at - known.last).days if known.last else 0
    return ngettext("No contact for %(n)s day.", "No contact for %(n)s days.", days) % {"n": days}


def _next(one: Attention, reason: Reason) -> str | Promise:
    """The next step of the case, as it was set; else what helps."""
    return one.case.next_step if one.case is not None and one.case.next_step else NEXT[reason]
