"""Reads across marks: what a register shows, what changed, how a student is doing."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.similar_queries import Asked, alike
from adsum.attendance.models import Correction, Mark, MarkChange, Outage, Proposal, Query, Register, ReportedPeriod
from adsum.attendance.policies import DEFAULTS, policies
from adsum.attendance.rules import (
    ATTENDED,
    QUERY_ANSWERED_IN,
    QUERY_TO_TEAM_AFTER,
    Counted,
    OpenFor,
    Status,
    Tally,
    Terms,
    tally,
)
from adsum.core.clock import civil_day, monday_of
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_students, university_zone
from adsum.timetable.rules import ClassStatus


class Seen(NamedTuple):
    """A student's mark as a register shows it. `id` is that of the change that made it (0: read as it stands)."""

    id: int
    session: int
    student: int
    student_ref: UUID
    status: str
    at: datetime
    minutes_late: int
    left_at: datetime | None = None


_FIELDS = ("session_id", "student_id", "student__ref", "status", "at", "minutes_late", "left_at")


def marks_of(session: int) -> list[Seen]:
    """Every mark of a class as it stands (one query)."""
    return [Seen(0, *row) for row in Mark.objects.filter(session=session).values_list(*_FIELDS)]


def changes_since(sessions: Collection[int], change: int) -> list[Seen]:
    """The marks of these classes changed after that change, as they stand now, in order (at most two queries; four when
    a first mark was undone: its student is expected again)."""
    changes = dict[tuple[int, int], int]()
    for pk, session, student in (
        MarkChange.objects.filter(session__in=sessions, id__gt=change)
        .order_by("id")
        .values_list("id", "session_id", "student_id")
    ):
        changes[session, student] = pk
    if not changes:
        return []
    touched = Mark.objects.filter(
        Q(session__in={session for session, _ in changes}), student__in={student for _, student in changes}
    )
    seen = [Seen(changes[row[0], row[1]], *row) for row in touched.values_list(*_FIELDS) if (row[0], row[1]) in changes]
    if undone := changes.keys() - {(one.session, one.student) for one in seen}:
        refs = dict(Person.objects.filter(pk__in={student for _, student in undone}).values_list("pk", "ref"))
        at = dict(MarkChange.objects.filter(pk__in=[changes[key] for key in undone]).values_list("pk", "at"))
        seen += [
            Seen(changes[key], *key, refs[key[1]], Status.EXPECTED, at[changes[key]], 0) for key in undone
        ]  # fmt: skip
    return sorted(seen)


def newest_change() -> int:
    """The id of the latest change of any mark; 0 before the first."""
    return MarkChange.objects.order_by("-id").values_list("id", flat=True).first() or 0


# What stands in the way of a change by hand


def periods_of(session: ClassSession, students: Collection[int]) -> QuerySet[ReportedPeriod]:
    """The periods that were reported outside and hold this class for one of these students (one query)."""
    return ReportedPeriod.objects.standing().filter(
        Q(student=None) | Q(student__in=students), starts_on__lte=session.starts_on, ends_on__gte=session.starts_on
    )


def reported_in(sessions: Collection[int]) -> set[int]:
    """Those of these classes of which somebody's mark was reported outside (one query)."""
    days = {"starts_on__lte": OuterRef("session__starts_on"), "ends_on__gte": OuterRef("session__starts_on")}
    periods = ReportedPeriod.objects.standing().filter(Q(student=None) | Q(student=OuterRef("student")), **days)
    marks = Mark.objects.filter(Exists(periods), session__in=sessions).order_by()
    return set(marks.values_list("session", flat=True).distinct())


def is_team_of(session: ClassSession, person: Person, at: datetime) -> bool:
    """Whether the person is attendance team over a department of this class, its own or a joint one's (three queries)."""
    departments = person.access(at).departments(Role.ATTENDANCE_TEAM)
    if departments is None:
        return True
    if not departments:
        return False
    return bool(departments & departments_of([session])[session.pk])


def departments_of(sessions: Iterable[ClassSession]) -> dict[int, set[int | None]]:
    """By class id, its departments: its module's and, of a joint one, its groups' (one query; the modules come with them)."""
    found: dict[int, set[int | None]] = {session.pk: {session.module.department_id} for session in sessions}
    joint = ClassSession.groups.through.objects.filter(classsession__in=found)
    for session, department in joint.values_list("classsession", "group__module__department"):
        found[session].add(department)
    return found


def last_act(session: ClassSession, person: Person) -> list[MarkChange]:
    """Every step of the last change this person made by hand in this register, in order (at most two queries)."""
    own = MarkChange.objects.filter(session=session, by=person)
    latest = own.order_by("-pk").values_list("at", flat=True).first()
    return list(own.filter(at=latest).order_by("pk")) if latest is not None else []


def newest_change_by(session: ClassSession, person: Person) -> int | None:
    """The id of the last step this person made by hand in this register (one query)."""
    return MarkChange.objects.filter(session=session, by=person).order_by("-pk").values_list("pk", flat=True).first()


def newer_than(session: ClassSession, act: Sequence[MarkChange]) -> bool:
    """Whether one of these marks has changed since (one query)."""
    students = [step.student_id for step in act]
    return MarkChange.objects.filter(session=session, student__in=students, pk__gt=act[-1].pk).exists()


def waiting_proposals(sessions: QuerySet[ClassSession]) -> QuerySet[Proposal]:
    """Changes in these classes that wait for a second person, oldest first, with who asked (two queries)."""
    waiting = Proposal.objects.filter(session__in=sessions.values("pk"), state=Proposal.State.WAITING)
    return waiting.select_related("session__module", "by", "decided_by").prefetch_related("marks__student").order_by("at", "pk")


def declined_lately(session: ClassSession, person: Person, at: datetime) -> QuerySet[Proposal]:
    """Changes in this class that the person asked for and a colleague declined in the last two weeks."""
    said = Proposal.objects.filter(session=session, by=person, state=Proposal.State.DECLINED)
    return said.filter(decided_at__gt=at - timedelta(days=14))


def unseen(corrections: QuerySet[Correction]) -> QuerySet[Correction]:
    """Those of these corrections after a report that nobody who reports has seen, oldest first."""
    found = corrections.filter(seen_at=None).order_by("pk")
    return found.select_related("change__session__module", "change__student", "change__by", "period")


# A whole register


class Line(NamedTuple):
    """One student of a register; `mark` is None while nothing is known of them."""

    student: Person
    mark: Mark | None
    expected: bool
    """False for someone who came though not on the list."""

    @property
    def status(self) -> str:
        return self.mark.status if self.mark else Status.EXPECTED


def register_of(session: ClassSession) -> list[Line]:
    """The register of a class by name, those not on its list last (three queries)."""
    expected = expected_students(session)
    marks = {mark.student_id: mark for mark in Mark.objects.filter(session=session).select_related("student")}
    others = sorted((marks[pk].student for pk in marks.keys() - expected.keys()), key=lambda one: (one.family_name, one.pk))
    return [
        *(Line(student, marks.get(pk), True) for pk, student in expected.items()),
        *(Line(student, marks[student.pk], False) for student in others),
    ]


def counts_of(statuses: Iterable[str]) -> dict[str, int]:
    """The numbers above a register, as the live stream counts them; `expected` are those without a mark yet."""
    by_status = Counter(statuses)
    return {
        "present": sum(by_status[status] for status in ATTENDED),
        "late": by_status[Status.LATE],
        "absent": by_status[Status.ABSENT] + by_status[Status.AUTHORISED] + by_status[Status.PENDING],
        "expected": by_status[Status.EXPECTED],
    }


def here_in(sessions: Collection[int]) -> dict[int, int]:
    """By class id, how many attended (one query). A class nobody attended is left out."""
    attended = Mark.objects.filter(session__in=sessions, status__in=ATTENDED).values("session")
    return dict(attended.annotate(here=Count("pk")).values_list("session", "here"))


def observed_in(sessions: Collection[int]) -> set[int]:
    """Those of these classes that took place, as far as anybody saw: somebody was looked for, or heads were counted (two
    queries)."""
    marked = Mark.objects.observations().filter(session__in=sessions).order_by()
    counted = Register.objects.filter(session__in=sessions, headcount__isnull=False)
    return {*marked.values_list("session", flat=True).distinct(), *counted.values_list("session", flat=True)}


def to_complete(sessions: QuerySet[ClassSession]) -> QuerySet[Register]:
    """Registers of these classes that closed with nothing captured, and nobody has explained: the longest waiting first,
    with the class, its module, department and lecturers (two queries)."""
    waiting = Register.objects.filter(
        session__in=sessions.exclude(status="cancelled").values("pk"), state=Register.State.NOT_OBSERVED, explained=""
    )
    return waiting.select_related("session__module__department").prefetch_related("session__staff").order_by("closed_at", "pk")


def closed_until(count: int, at: datetime) -> datetime:
    """What closed, or was asked, before this instant has waited `count` working days at `at`: what is due then."""
    zone = university_zone()
    return civil_day(working_days().latest_with(count, at.astimezone(zone).date()), zone)[1]


# Outages


def touched_by(outages: Sequence[Outage], sessions: Iterable[ClassSession]) -> dict[int, Outage]:
    """By class id, the outage that touched it, the latest of several; classes that none touched are left out (four queries;
    none without outages). The classes come with their modules."""
    found = list(sessions) if outages else []
    if not found:
        return {}
    rooms = defaultdict[int, list[tuple[int, int | None]]](list)
    within = ClassSession.rooms.through.objects.filter(classsession__in=[session.pk for session in found])
    for session, room, site in within.values_list("classsession_id", "room_id", "room__site_id"):
        rooms[session].append((room, site))
    known = policies()
    touched = {}
    for one in found:
        window = OpenFor.of(known.of(one).windows, starts_at=one.starts_at, ends_at=one.ends_at)
        for outage in outages:
            if outage.reach.covers(window, rooms[one.pk]):
                touched[one.pk] = outage
    return touched


def outages_of(
    sessions: Collection[ClassSession], at: datetime, among: QuerySet[Outage] | None = None
) -> dict[int, Outage]:  # fmt: skip
    """The same, of every outage (`among` these; else of all that stand) that had begun by `at`: whom alerts about these
    classes must leave alone, and whom to tell (one query more)."""
    if not sessions:
        return {}
    first, last = min(one.starts_at for one in sessions), max(one.ends_at for one in sessions)
    known = Outage.objects.standing() if among is None else among
    begun = known.filter(Q(ends_at=None) | Q(ends_at__gt=first - LONGEST_BEFORE), starts_at__lte=min(at, last))
    return touched_by(
        list(begun.order_by("declared_at", "pk")), [one for one in sessions if one.starts_at - LONGEST_BEFORE <= at]
    )


def in_outage(session: ClassSession, at: datetime) -> bool:
    """Whether an outage that had begun by `at` touched the check-in of this class: hold what would be said because of it."""
    return session.pk in outages_of([session], at)


LONGEST_BEFORE = timedelta(hours=24)
"""No check-in opens earlier before its class."""


def open_queries(sessions: QuerySet[ClassSession]) -> QuerySet[Query]:
    """Queries about these classes that wait for an answer, oldest first, with class and student (one query). Of a cancelled
    class there is nothing to answer, unless it is restored."""
    held = sessions.exclude(status=ClassStatus.CANCELLED)
    waiting = Query.objects.filter(session__in=held.values("pk"), state=Query.State.OPEN)
    return waiting.select_related("session__module", "student").order_by("raised_at", "pk")


class QueryDates(NamedTuple):
    """When a query that nobody answers becomes the team's too, and by when it is to be answered: civil days, both working."""

    team_on: date
    answer_by: date

    @classmethod
    def of(cls, query: Query) -> "QueryDates":
        asked = civil_date(query.raised_at)
        return cls(working_days().after(asked, QUERY_TO_TEAM_AFTER), working_days().after(asked, QUERY_ANSWERED_IN))


def alike_among(queries: QuerySet[Query], most: int = 2_000) -> list[list[int]]:
    """Groups of these open queries that probably share a cause, by id, the largest first (two queries; the `most` oldest)."""
    rows = list(queries.order_by("raised_at", "pk").values_list("pk", "session_id", "evidence", "session__starts_at")[:most])
    rooms = defaultdict[int, list[int]](list)
    within = ClassSession.rooms.through.objects.filter(classsession__in={session for _, session, _, _ in rows})
    for session, room in within.values_list("classsession_id", "room_id"):
        rooms[session].append(room)
    return alike(
        Asked(pk, session, tuple(rooms[session]), str(evidence.get("refusal", "")), starts)
        for pk, session, evidence, starts in rows
    )


# One student's own record


@dataclass(frozen=True, slots=True)
class OwnClass:
    """One class as its student sees it. `query` is the latest, open or answered; `register` is None until there is one;
    `terms` are what the policy of the class says."""

    session: ClassSession
    mark: Mark | None
    query: Query | None
    register: Register | None
    terms: Terms = DEFAULTS

    @property
    def status(self) -> Status:
        """What stands now: a cancelled class is cancelled whatever was marked before."""
        if self.session.cancelled:
            return Status.CANCELLED
        if self.mark is not None:
            return Status(self.mark.status)
        closed = self.register is not None and self.register.state != Register.State.OPEN
        return Status.NOT_EXPECTED if closed else Status.EXPECTED

    @property
    def under_query(self) -> bool:
        return self.query is not None and self.query.state == Query.State.OPEN and not self.session.cancelled

    def may_query(self, at: datetime) -> bool:
        """Whether there is a mark to doubt, and it is not too late to say so."""
        started = self.session.starts_at <= at < self.session.ends_at + timedelta(hours=self.terms.query_hours)
        return started and not self.under_query and self.status not in {Status.CANCELLED, Status.PRESENT}

    @property
    def counts(self) -> bool:
        """Whether its status is one that counts, by its policy."""
        return self.terms.counting.counts(self.status)

    @property
    def counted(self) -> Counted:
        """The class as a sum takes it."""
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
    """Marked absent, and queried: it does not count until someone has answered."""
    unmarked: int
    """Over, with a register still open."""


def classes_of(student: Person) -> QuerySet[ClassSession]:
    """Every class that is on this student's record: expected in it, marked in it, or queried it."""
    own = ClassSession.objects.expecting(student).values("pk")
    marked, queried = (model.objects.filter(student=student).values("session") for model in (Mark, Query))
    # A union, for the database goes through every class where such questions are joined by "or".
    return ClassSession.objects.filter(pk__in=own.union(marked, queried))


def own_classes(student: Person, sessions: QuerySet[ClassSession]) -> list[OwnClass]:
    """Those of `sessions`, in order of time, with this student's marks, queries and policies (six queries)."""
    found = list(sessions.select_related("module", "register").prefetch_related("rooms").order_by("starts_at", "title", "pk"))
    pks = [session.pk for session in found]
    marks = {mark.session_id: mark for mark in Mark.objects.filter(student=student, session__in=pks)}
    asked = Query.objects.filter(student=student, session__in=pks).select_related("answered_by").order_by("raised_at")
    queries = {query.session_id: query for query in asked}
    rules = policies()
    return [
        OwnClass(
            session, marks.get(session.pk), queries.get(session.pk), getattr(session, "register", None), rules.of(session)
        )
        for session in found
    ]  # fmt: skip


def account(classes: Iterable[OwnClass], at: datetime) -> Account:
    """The sum of those classes that are over at that instant or already have a mark (docs/rules.md A 8)."""
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
    """The change that made each mark of this student what it is, by class, with who made it (one query)."""
    return {change.session_id: change for change in changes_of(student, sessions)}


def story_of(student: Person, session: ClassSession) -> list[MarkChange]:
    """Every change of one mark, newest first, with who made it (one query)."""
    return changes_of(student, [session.pk])[::-1]


# Many students, or one as those see them who look after them


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


def standings(
    students: Collection[int], *, since: datetime, at: datetime, module: int | None = None
) -> dict[int, Standing]:  # fmt: skip
    """How each of these students is doing in the classes that ended after `since` (six queries, however many): the same sum
    as `account` makes of each one's own classes; with `module` in the classes of that module alone."""
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
    """A mark in a class as a sum takes it."""
    minutes = int((session.ends_at - session.starts_at).total_seconds() // 60)
    return Counted(status, session.mandatory, minutes, terms.counting)


def changes_of(student: Person, sessions: Collection[int]) -> list[MarkChange]:
    """Every change of this student's marks in these classes, in order, with who made it (one query)."""
    return list(MarkChange.objects.filter(student=student, session__in=sessions).select_related("by").order_by("id"))


def queries_of(student: Person, sessions: Collection[int]) -> list[Query]:
    """Every query of this student about these classes, with who answered it (one query)."""
    asked = Query.objects.filter(student=student, session__in=sessions).select_related("answered_by")
    return list(asked.order_by("raised_at"))
