"""One list of everything that waits for a person of the team: whatever it is, what is due first comes first."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from adsum.absence.rules import State as AbsenceState
from adsum.accounts.models import Person
from adsum.accounts.rules import KEEPS_RECORDS, KEEPS_REGISTERS, Role
from adsum.attendance.ahead import Contrary
from adsum.attendance.labels import CONTRARIES
from adsum.attendance.reports import QueryDates
from adsum.audit.rules import Page
from adsum.engagement.alert_labels import STAGES
from adsum.engagement.alert_life import State as AlertState
from adsum.engagement.case_reports import dues_of
from adsum.engagement.models import Case
from adsum.timetable.reports import relations_to
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.office import alerts, contradictions, queries
from adsum.web.support import deciding, unopened
from adsum.web.viewing import looked_through

PER_PAGE = 25
MOST = 200
"""Of each kind, the first so many by their day; beyond them their own list has all."""


class Task(NamedTuple):
    """One thing that waits: by when, about whom, and where it is done."""

    due: date
    kind: str
    student: Person
    what: str | Promise
    url: str


class Kind(NamedTuple):
    """One kind of work: its own list, who has it, and what waits."""

    label: str | Promise
    page: str
    roles: frozenset[Role]
    find: Callable[[PersonRequest], tuple[int, Iterable[Task]]]


def _queries(request: PersonRequest) -> tuple[int, Iterable[Task]]:
    found = queries.mine(request)
    tasks = [
        Task(
            QueryDates.of(one).answer_by,
            "queries",
            one.student,
            one.session.title,
            reverse("student_mark", args=[one.session.ref, one.student.ref]),
        )
        for one in found.order_by("raised_at", "pk")[:MOST]
    ]
    return found.count(), tasks


def _absences(request: PersonRequest) -> tuple[int, Iterable[Task]]:
    found = deciding.mine(request).filter(state=AbsenceState.UNDER_DECISION, due_on__isnull=False)
    what = gettext_lazy("An absence to decide")
    tasks = [
        Task(one.due_on, "absences", one.student, what, reverse("office_absence", args=[one.ref]))
        for one in found.order_by("due_on", "pk")[:MOST]
        if one.due_on is not None
    ]
    return found.count(), tasks


def _alerts(request: PersonRequest) -> tuple[int, Iterable[Task]]:
    found = alerts.mine(request).filter(state__in=[AlertState.HELD, AlertState.REVIEW]).select_related("student")
    tasks = [
        Task(
            localtime(one.held_until).date(), "alerts", one.student, STAGES[one.stage], reverse("office_alert", args=[one.ref])
        )
        for one in found.order_by("held_until", "pk")[:MOST]
    ]
    return found.count(), tasks


def _cases(request: PersonRequest) -> tuple[int, Iterable[Task]]:
    found = list(Case.objects.visible_to(request.user, request.access).owned().select_related("student"))
    dues = dues_of(found, request.at)  # worked out from their histories, so all are read before the first are known
    first = sorted(found, key=lambda one: (dues[one.pk].on, one.pk))[:MOST]
    tasks = [Task(dues[one.pk].on, "cases", one.student, one.next_step, reverse("case", args=[one.ref])) for one in first]
    return len(found), tasks


def _unopened(request: PersonRequest) -> tuple[int, Iterable[Task]]:
    found = unopened.open_to(request)
    what = gettext_lazy("A formal message was not opened: ring them")
    tasks = [
        Task(one.due_on, "unopened", one.message.person, what, reverse("unopened"))
        for one in found.order_by("due_on", "pk")[:MOST]
    ]
    return found.count(), tasks


def _contradictions(request: PersonRequest) -> tuple[int, Iterable[Task]]:
    found = contradictions.waiting(request).select_related("student")
    tasks = [
        Task(
            localtime(one.found_at).date(),
            "contradictions",
            one.student,
            CONTRARIES[Contrary(one.kind)],
            reverse("office_contradictions"),
        )
        for one in found.order_by("found_at", "pk")[:MOST]
    ]
    return found.count(), tasks


KINDS = {
    "queries": Kind(gettext_lazy("Queries"), "office_queries", KEEPS_REGISTERS, _queries),
    "absences": Kind(gettext_lazy("Absences"), "office_absences", KEEPS_RECORDS, _absences),
    "alerts": Kind(gettext_lazy("Alerts"), "office_alerts", frozenset({Role.ATTENDANCE_TEAM}), _alerts),
    "contradictions": Kind(
        gettext_lazy("Contradictions"), "office_contradictions", frozenset({Role.ATTENDANCE_TEAM}), _contradictions
    ),
    "cases": Kind(gettext_lazy("Cases"), "cases", KEEPS_RECORDS, _cases),
    "unopened": Kind(gettext_lazy("Not opened"), "unopened", KEEPS_RECORDS, _unopened),
}


@require_safe
@for_roles(KEEPS_REGISTERS)
def work(request: PersonRequest) -> HttpResponse:
    """Everything that waits, by its day; or one kind of it."""
    mine = {name: kind for name, kind in KINDS.items() if request.access.holds(*kind.roles)}
    found = {name: kind.find(request) for name, kind in mine.items()}
    show = request.GET.get("show", "")
    show = show if show in mine else ""
    tasks = [task for name, (_count, some) in found.items() if show in ("", name) for task in some]
    tasks.sort(key=lambda task: (task.due, task.kind, task.url))
    page = Paginator(tasks, PER_PAGE).get_page(request.GET.get("page"))
    relations = relations_to(request.user, request.access, [task.student.pk for task in page])
    looked_through(request, Page.STUDENTS, relations.items())
    tabs = [(name, kind.label, found[name][0], kind.page) for name, kind in mine.items()]
    context = {
        "page": page,
        "tabs": tabs,
        "show": show,
        "whole": sum(count for count, _some in found.values()),
        "today": request.today,
        "query": f"show={show}&" if show else "",
        "own_list": mine[show].page if show else "",
    }
    return render(request, "adsum/support/work.html", context)
