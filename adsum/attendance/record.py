"""One record: a student's classes, their marks and why, and how attendance adds up."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, prefetch_related_objects
from django.db.models.expressions import RawSQL

from adsum.accounts.models import Person
from adsum.attendance.ahead import NO_ALLOWANCE, Allowance, Word
from adsum.attendance.counting import Counted, Tally, Terms, tally
from adsum.attendance.known import known_of
from adsum.attendance.models import Mark, MarkChange, Query, Register
from adsum.attendance.policies import DEFAULTS, policies
from adsum.attendance.reports import open_queries
from adsum.attendance.rules import ATTENDED, Status
from adsum.core.clock import monday_of
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession
from adsum.timetable.rules import ClassStatus

ANY_STUDENT = Person(pk=-1)
"""Stands for the student in a question that is put together once; nobody has that id."""


@dataclass(frozen=True, slots=True)
class OwnClass:
    """One class as its student sees it. `query` is the latest, open or answered; `register` is None until there is one;
    `terms` is what the policy of the class says, `allowance` what the student's adjustments add."""

    session: ClassSession
    mark: Mark | None
    query: Query | None
    register: Register | None
    terms: Terms = DEFAULTS
    allowance: Allowance = NO_ALLOWANCE
    word: Word | None = None
    """What is foreseen of the student, as long as there is no mark."""

    @property
    def status(self) -> Status:
        """The status now: a cancelled class shows as cancelled, whatever was marked before."""
        if self.session.cancelled:
            return Status.CANCELLED
        if self.mark is not None:
            return Status(self.mark.status)
        closed = self.register is not None and self.register.state != Register.State.OPEN
        return Status.NOT_EXPECTED if closed or self.word == Word.NOT_EXPECTED else Status.EXPECTED

    @property
    def under_query(self) -> bool:
        return self.query is not None and self.query.state == Query.State.OPEN and not self.session.cancelled

    def may_query(self, at: datetime, *, until: date | None = None) -> bool:
        """Whether the student may query the mark: there is one, and it is not too late. `until`: a civil day up to which it is
        never too late, whatever the policy says, because something rests on the mark."""
        in_time = at < self.query_until or (until is not None and civil_date(at) <= until)
        started = self.session.starts_at <= at and in_time
        return started and not self.under_query and self.status not in {Status.CANCELLED, Status.PRESENT}

    @property
    def query_until(self) -> datetime:
        """Until when its policy lets the student query the mark."""
        return self.session.ends_at + timedelta(hours=self.terms.query_hours)

    @property
    def counts(self) -> bool:
        """Whether its status is one that counts, by its policy."""
        return self.terms.counting.counts(self.status)

    @property
    def counted(self) -> Counted:
        """The class as it enters a sum."""
        return counted_in(self.session, self.status, self.terms)


@dataclass(frozen=True, slots=True)
class Account:
    """How much a student attended, and what the sum leaves out."""

    tally: Tally
    cancelled: int
    not_observed: int
    swapped: int
    authorised: int
    optional: int
    under_query: int
    """Classes marked absent and queried: they do not count until the query is answered."""
    unmarked: int
    """Classes that are over but whose register is still open."""


def classes_of(student: Person) -> QuerySet[ClassSession]:
    """Every class that is on this student's record: expected in it, marked in it, or queried it."""
    sql, parameters = _own_classes(connection.vendor)
    own = [student.pk if value == ANY_STUDENT.pk else value for value in parameters]
    return ClassSession.objects.filter(pk__in=RawSQL(sql, own))  # noqa: S611 - written by Django, its parameters apart


@cache
def _own_classes(_vendor: str) -> tuple[str, tuple[Any, ...]]:
    """What asks for the ids of a student's classes, and its parameters with ANY_STUDENT for the student: put together once, for
    that takes longer than the answer, and every page of a student asks."""
    own = ClassSession.objects.expecting(ANY_STUDENT).values("pk")
    marked, queried = (model.objects.filter(student=ANY_STUDENT).values("session") for model in (Mark, Query))
    # A union, for the database goes through every class where such questions are joined by "or".
    sql, parameters = own.union(marked, queried).query.sql_with_params()
    return sql, parameters


def own_classes(student: Person, sessions: QuerySet[ClassSession], *, rooms_since: datetime | None = None) -> list[OwnClass]:
    """Those of `sessions`, in order of time, with this student's marks, queries and policies, and what is known of them before
    (eight queries). With `rooms_since`, classes that ended before it come without their rooms, for they are only counted."""
    found = list(sessions.select_related("module", "register").order_by("starts_at", "title", "pk"))
    prefetch_related_objects([one for one in found if rooms_since is None or one.ends_at > rooms_since], "rooms")
    pks = [session.pk for session in found]
    marks = {mark.session_id: mark for mark in Mark.objects.filter(student=student, session__in=pks)}
    asked = Query.objects.filter(student=student, session__in=pks).select_related("answered_by").order_by("raised_at")
    queries = {query.session_id: query for query in asked}
    rules, known = policies(), known_of(student.pk, found)
    return [
        OwnClass(
            session,
            marks.get(session.pk),
            queries.get(session.pk),
            getattr(session, "register", None),
            rules.of(session),
            known.allowance(session.pk, student.pk),
            known.word(session.pk, student.pk),
        )
        for session in found
    ]


def account(classes: Iterable[OwnClass], at: datetime) -> Account:
    """The sum of the classes that are over at that instant or already have a mark (docs/rules.md A 8)."""
    over = [one for one in classes if one.mark is not None or one.session.ends_at <= at]
    queried = [one for one in over if one.under_query and one.status not in ATTENDED and one.counts]
    rest = [one for one in over if one not in queried]
    statuses = Counter(one.status for one in rest)
    return Account(
        tally=tally(one.counted for one in rest),
        cancelled=statuses[Status.CANCELLED],
        not_observed=statuses[Status.NOT_OBSERVED],
        swapped=statuses[Status.SWAPPED],
        authorised=sum(one.status == Status.AUTHORISED and not one.counts for one in rest),
        optional=sum(not one.session.mandatory and one.counts for one in rest),
        under_query=len(queried),
        unmarked=statuses[Status.EXPECTED],
    )


def latest_changes(student: Person, sessions: Collection[int]) -> dict[int, MarkChange]:
    """By class, the change that gave the student's mark its present state, with who made it (one query)."""
    return {change.session_id: change for change in changes_of(student, sessions)}


def story_of(student: Person, session: ClassSession) -> list[MarkChange]:
    """Every change of one mark, newest first, with who made it (one query)."""
    return changes_of(student, [session.pk])[::-1]


class Standing(NamedTuple):
    """How a student is doing, for a list of many."""

    tally: Tally
    last_attended: datetime | None
    open_queries: int


def counting_marks(at: datetime) -> QuerySet[Mark]:
    """Marks of classes that take place and had begun at that instant, without those that do not count while queried."""
    asked = Query.objects.filter(session=OuterRef("session"), student=OuterRef("student"), state=Query.State.OPEN)
    begun = Mark.objects.filter(session__starts_at__lte=at).exclude(session__status=ClassStatus.CANCELLED)
    return begun.filter(Q(status__in=ATTENDED) | ~Exists(asked))


def standings(students: Collection[int], *, since: datetime, at: datetime, module: int | None = None) -> dict[int, Standing]:
    """How each of these students is doing in the classes that ended after `since` (six queries, however many): the same sum
    as `account` makes of each student's classes; with `module`, only in the classes of that module."""
    marks = counting_marks(at).filter(student__in=students)
    if module is not None:
        marks = marks.filter(session__module=module)
    recent = list(marks.filter(session__ends_at__gt=since).values_list("student", "session", "status"))
    sessions = ClassSession.objects.filter(pk__in={session for _, session, _ in recent}).select_related("module")
    rules = policies()
    by_session = {session.pk: (session, rules.of(session)) for session in sessions}
    counted: dict[int, list[Counted]] = {pk: [] for pk in students}
    for student, pk, status in recent:
        session, terms = by_session[pk]
        counted[student].append(counted_in(session, Status(status), terms))
    seen = Mark.objects.filter(student__in=students, status__in=ATTENDED).exclude(session__status=ClassStatus.CANCELLED)
    last = dict(seen.values("student").annotate(last=Max("session__starts_at")).values_list("student", "last"))
    waiting = open_queries(ClassSession.objects.all()).filter(student__in=students).order_by().values("student")
    queries = dict(waiting.annotate(n=Count("pk")).values_list("student", "n"))
    return {pk: Standing(tally(counted[pk]), last.get(pk), queries.get(pk, 0)) for pk in counted}


def module_tallies(modules: Collection[int], *, since: datetime, at: datetime) -> dict[int, dict[date | None, Tally]]:
    """What all students together attended of the classes of these modules that began after `since` (four queries, however
    many): by module, for each week (its Monday) and, under None, for all of it. What did not count is left out."""
    marks = counting_marks(at).filter(session__module__in=modules, session__starts_at__gte=since)
    counts = list(marks.values("session", "status").annotate(n=Count("pk")).values_list("session", "status", "n"))
    sessions = ClassSession.objects.select_related("module").in_bulk({session for session, _, _ in counts})
    rules = policies()
    found: dict[int, dict[date | None, list[Counted]]] = {}
    for pk, status, number in counts:
        session = sessions[pk]
        same = counted_in(session, Status(status), rules.of(session))._replace(times=number)
        weeks = found.setdefault(session.module_id, {})
        for week in (None, monday_of(session.starts_on)):
            weeks.setdefault(week, []).append(same)
    return {module: {week: tally(some) for week, some in weeks.items()} for module, weeks in found.items()}


def counted_in(session: ClassSession, status: Status, terms: Terms) -> Counted:
    """A mark in a class as it enters a sum."""
    minutes = int((session.ends_at - session.starts_at).total_seconds() // 60)
    return Counted(status, session.mandatory, minutes, terms.counting)


def changes_of(student: Person, sessions: Collection[int]) -> list[MarkChange]:
    """Every change of this student's marks in these classes, in order, with who made it (one query)."""
    return list(MarkChange.objects.filter(student=student, session__in=sessions).select_related("by").order_by("id"))


def queries_of(student: Person, sessions: Collection[int]) -> list[Query]:
    """Every query of this student about these classes, with who answered it (one query)."""
    asked = Query.objects.filter(student=student, session__in=sessions).select_related("answered_by")
    return list(asked.order_by("raised_at"))
