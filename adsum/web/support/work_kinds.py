"""Every kind of work of the team: whose it is, when each thing is due, and how it is given to a colleague."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from django.db.models import IntegerField, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy

from adsum.absence.decisions import give_absence
from adsum.absence.reports import owner_of
from adsum.absence.rules import State as AbsenceState
from adsum.accounts.models import Person
from adsum.accounts.rules import KEEPS_RECORDS, KEEPS_REGISTERS, Role
from adsum.attendance.ahead import Contrary
from adsum.attendance.labels import CONTRARIES
from adsum.attendance.reports import QueryDates
from adsum.attendance.weighing import Act
from adsum.engagement.alert_labels import STAGES
from adsum.engagement.alert_life import State as AlertState
from adsum.engagement.assigning import assign, assigned
from adsum.engagement.case_reports import dues_of
from adsum.engagement.cases import hand_over
from adsum.engagement.models import Case
from adsum.messages.unopened import give_task
from adsum.web.middleware import PersonRequest
from adsum.web.office import alerts, contradictions, queries
from adsum.web.support import deciding, unopened

MOST = 200
"""Of each kind, the first so many by their day; beyond them their own list has all."""
MINE, FREE = "mine", "free"
"""Whose work is shown: one's own, or what nobody has taken on."""


class Task(NamedTuple):
    """One thing that waits: by when, about whom, who has it, and where it is done."""

    due: date
    kind: str
    key: str
    student: Person
    what: str | Promise
    url: str
    owner: Person | None = None


def _queries(found: QuerySet[Any], _request: PersonRequest) -> Iterable[Task]:
    for one in found.order_by("raised_at", "pk")[:MOST]:
        url = reverse("student_mark", args=[one.session.ref, one.student.ref])
        yield Task(QueryDates.of(one).answer_by, "queries", str(one.ref), one.student, one.session.title, url)


def _open_absences(request: PersonRequest) -> QuerySet[Any]:
    return deciding.mine(request).filter(state=AbsenceState.UNDER_DECISION, due_on__isnull=False)


def _absences(found: QuerySet[Any], _request: PersonRequest) -> Iterable[Task]:
    what = gettext_lazy("An absence to decide")
    for one in found.order_by("due_on", "pk")[:MOST]:
        url = reverse("office_absence", args=[one.ref])
        yield Task(one.due_on, "absences", str(one.ref), one.student, what, url, owner_of(one))


def _held_alerts(request: PersonRequest) -> QuerySet[Any]:
    return alerts.mine(request).filter(state__in=[AlertState.HELD, AlertState.REVIEW]).select_related("student")


def _alerts(found: QuerySet[Any], _request: PersonRequest) -> Iterable[Task]:
    for one in found.order_by("held_until", "pk")[:MOST]:
        due, url = localtime(one.held_until).date(), reverse("office_alert", args=[one.ref])
        yield Task(due, "alerts", str(one.ref), one.student, STAGES[one.stage], url)


def _owned_cases(request: PersonRequest) -> QuerySet[Any]:
    return Case.objects.visible_to(request.user, request.access).owned().select_related("student", "owner")


def _cases(found: QuerySet[Any], request: PersonRequest) -> Iterable[Task]:
    every = list(found)
    dues = dues_of(every, request.at)  # worked out from their histories, so all are read before the first are known
    for one in sorted(every, key=lambda one: (dues[one.pk].on, one.pk))[:MOST]:
        url = reverse("case", args=[one.ref])
        yield Task(dues[one.pk].on, "cases", str(one.ref), one.student, one.next_step, url, one.owner)


def _unopened(found: QuerySet[Any], _request: PersonRequest) -> Iterable[Task]:
    what, url = gettext_lazy("A formal message was not opened: ring them"), reverse("unopened")
    for one in found.order_by("due_on", "pk")[:MOST]:
        yield Task(one.due_on, "unopened", str(one.ref), one.message.person, what, url, one.owner)


def _waiting_contradictions(request: PersonRequest) -> QuerySet[Any]:
    return contradictions.waiting(request).select_related("student")  # type: ignore[no-any-return]


def _contradictions(found: QuerySet[Any], _request: PersonRequest) -> Iterable[Task]:
    url = reverse("office_contradictions")
    for one in found.order_by("found_at", "pk")[:MOST]:
        due, what = localtime(one.found_at).date(), CONTRARIES[Contrary(one.kind)]
        yield Task(due, "contradictions", str(one.pk), one.student, what, url)


Give = Callable[[str, Collection[Any], Person, Act], None]


def _assign(kind: str, things: Collection[Any], to: Person, act: Act) -> None:
    assign(kind, [str(one.pk) if kind == "contradictions" else str(one.ref) for one in things], to, act=act)


def _give_absences(_kind: str, things: Collection[Any], to: Person, act: Act) -> None:
    for one in things:
        give_absence(one, to, act=act)


def _give_cases(_kind: str, things: Collection[Any], to: Person, act: Act) -> None:
    for one in things:
        if one.owner_id != to.pk:
            hand_over(one, to, "", act=act)


def _give_messages(_kind: str, things: Collection[Any], to: Person, act: Act) -> None:
    for one in things:
        give_task(one, to, by=act.by, at=act.at)


class Kind(NamedTuple):
    """One kind of work: its own list, who has it, what waits, and how one of it is given to a colleague."""

    label: str | Promise
    page: str
    roles: frozenset[Role]
    field: str
    """How a form names one of them."""
    waiting: Callable[[PersonRequest], QuerySet[Any]]
    tasks: Callable[[QuerySet[Any], PersonRequest], Iterable[Task]]
    give: Give = _assign
    owner: str = ""
    """The column that says who has it; empty: it is assigned."""
    key: str = "ref"


TEAM = frozenset({Role.ATTENDANCE_TEAM})
KINDS = {
    "queries": Kind(gettext_lazy("Queries"), "office_queries", KEEPS_REGISTERS, "query", queries.mine, _queries),
    "absences": Kind(
        gettext_lazy("Absences"),
        "office_absences",
        KEEPS_RECORDS,
        "absence",
        _open_absences,
        _absences,
        _give_absences,
        "decider",
    ),
    "alerts": Kind(gettext_lazy("Alerts"), "office_alerts", TEAM, "alert", _held_alerts, _alerts),
    "contradictions": Kind(
        gettext_lazy("Contradictions"),
        "office_contradictions",
        TEAM,
        "contradiction",
        _waiting_contradictions,
        _contradictions,
        key="pk",
    ),
    "cases": Kind(gettext_lazy("Cases"), "cases", KEEPS_RECORDS, "case", _owned_cases, _cases, _give_cases, "owner"),
    "unopened": Kind(
        gettext_lazy("Not opened"), "unopened", KEEPS_RECORDS, "message", unopened.open_to, _unopened, _give_messages, "owner"
    ),
}


def kinds_of(request: PersonRequest) -> dict[str, Kind]:
    """The kinds of work that this person has."""
    return {name: kind for name, kind in KINDS.items() if request.access.holds(*kind.roles)}


class Rows(Subquery):
    """How many rows a query finds, as a column of another."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()
    empty_result_set_value = 0


def counted(person: Person, queries: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    """How many rows each of these queries finds (one query for all of them)."""
    columns = {name: Rows(query.order_by().values("pk")) for name, query in queries.items()}
    if not columns:
        return {}
    return dict(zip(columns, Person.objects.filter(pk=person.pk).values_list(*columns.values()).get(), strict=True))


def narrowed(request: PersonRequest, kinds: Mapping[str, Kind], whose: str) -> dict[str, QuerySet[Any]]:
    """What waits, of each of these kinds; `whose` leaves this person's own, or what nobody has (one query, or none)."""
    found = {name: kind.waiting(request) for name, kind in kinds.items()}
    if not whose:
        return found
    given = assigned(kinds, request.at)
    return {name: query.filter(_is(whose, kinds[name], given[name], request.user)) for name, query in found.items()}


def _is(whose: str, kind: Kind, given: Mapping[str, int], me: Person) -> Q:
    if kind.owner:
        return Q(**{kind.owner: me}) if whose == MINE else Q(**{f"{kind.owner}__isnull": True})
    if whose == FREE:
        return ~Q(**{f"{kind.key}__in": list(given)})
    return Q(**{f"{kind.key}__in": [thing for thing, to in given.items() if to == me.pk]})


def with_owners(tasks: Iterable[Task], request: PersonRequest) -> list[Task]:
    """These tasks, with the colleagues to whom some were assigned (two queries)."""
    tasks = list(tasks)
    given = assigned({task.kind for task in tasks}, request.at)
    people = Person.objects.in_bulk({to for things in given.values() for to in things.values()})
    return [task._replace(owner=people[given[task.kind][task.key]]) if task.key in given[task.kind] else task for task in tasks]
