"""Reads across marks: what a register shows, what changed, how a student is doing."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Correction, Mark, MarkChange, Outage, Proposal, Query, Register, ReportedPeriod
from adsum.attendance.policies import policies
from adsum.attendance.rules import ATTENDED, QUERY_ANSWERED_IN, QUERY_TO_TEAM_AFTER, OpenFor, Status
from adsum.attendance.similar_queries import Asked, alike
from adsum.core.clock import civil_day
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
        seen += [Seen(changes[key], *key, refs[key[1]], Status.EXPECTED, at[changes[key]], 0) for key in undone]
    return sorted(seen)


def newest_change() -> int:
    """The id of the latest change of any mark; 0 before the first."""
    return MarkChange.objects.order_by("-id").values_list("id", flat=True).first() or 0


# What stands in the way of a change by hand


def periods_of(session: ClassSession, students: Collection[int]) -> QuerySet[ReportedPeriod]:
    """The periods that were reported outside and cover this class for one of these students (one query)."""
    return ReportedPeriod.objects.standing().filter(
        Q(student=None) | Q(student__in=students), starts_on__lte=session.starts_on, ends_on__gte=session.starts_on
    )


def reported_in(sessions: Collection[int]) -> set[int]:
    """Those of these classes in which a student's mark was reported outside (one query)."""
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
    """Those of these corrections after a report that no one who reports has seen yet, oldest first."""
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


def elsewhere_then(session: ClassSession, students: Collection[int]) -> set[int]:
    """Those of these students who attended another class that was on at the same time (one query; none without students)."""
    if not students:
        return set()
    there = Mark.objects.filter(student__in=students, status__in=ATTENDED).exclude(session=session.pk)
    overlapping = there.filter(session__starts_at__lt=session.ends_at, session__ends_at__gt=session.starts_at)
    return set(overlapping.exclude(session__status=ClassStatus.CANCELLED).values_list("student", flat=True))


def absent_before(session: ClassSession, students: Collection[int]) -> dict[int, datetime]:
    """Those of these students who were absent in the class of this module that they had before this one on the same day, and
    when that ended (one query; none without students). Of other modules a teacher learns nothing."""
    if not students:
        return {}
    before = Mark.objects.filter(student__in=students, session__module=session.module_id, session__starts_on=session.starts_on)
    before = before.filter(session__ends_at__lte=session.starts_at).exclude(session__status=ClassStatus.CANCELLED)
    before = before.exclude(status__in=[Status.EXPECTED, Status.NOT_OBSERVED])
    rows = before.order_by("session__ends_at", "pk").values_list("student", "status", "session__ends_at")
    last = {student: (status, ended) for student, status, ended in rows}
    return {student: ended for student, (status, ended) in last.items() if status == Status.ABSENT}


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
    """By class id, how many attended (one query). Classes without any are left out."""
    attended = Mark.objects.filter(session__in=sessions, status__in=ATTENDED).values("session")
    return dict(attended.annotate(here=Count("pk")).values_list("session", "here"))


def observed_in(sessions: Collection[int]) -> set[int]:
    """Those of these classes that were seen to take place: a student was looked for, or heads were counted (two queries)."""
    marked = Mark.objects.observations().filter(session__in=sessions).order_by()
    counted = Register.objects.filter(session__in=sessions, headcount__isnull=False)
    return {*marked.values_list("session", flat=True).distinct(), *counted.values_list("session", flat=True)}


def to_complete(sessions: QuerySet[ClassSession]) -> QuerySet[Register]:
    """Registers of these classes that closed with nothing captured and have no explanation: the longest waiting first, with
    the class, its module, department and lecturers (two queries)."""
    waiting = Register.objects.filter(
        session__in=sessions.exclude(status="cancelled").values("pk"), state=Register.State.NOT_OBSERVED, explained=""
    )
    return waiting.select_related("session__module__department").prefetch_related("session__staff").order_by("closed_at", "pk")


def closed_until(count: int, at: datetime) -> datetime:
    """The instant before which a register must have closed, or a query been asked, to have waited `count` working days at
    `at`."""
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


def outages_of(sessions: Collection[ClassSession], at: datetime, among: QuerySet[Outage] | None = None) -> dict[int, Outage]:
    """The same, for every outage (`among` these, or else all that stand) that had begun by `at`. It decides which classes
    alerts leave alone, and which people are told (one query more)."""
    if not sessions:
        return {}
    first, last = min(one.starts_at for one in sessions), max(one.ends_at for one in sessions)
    known = Outage.objects.standing() if among is None else among
    begun = known.filter(Q(ends_at=None) | Q(ends_at__gt=first - LONGEST_BEFORE), starts_at__lte=min(at, last))
    return touched_by(
        list(begun.order_by("declared_at", "pk")), [one for one in sessions if one.starts_at - LONGEST_BEFORE <= at]
    )


def in_outage(session: ClassSession, at: datetime) -> bool:
    """Whether an outage that had begun by `at` touched the check-in of this class, so that messages about it are held back."""
    return session.pk in outages_of([session], at)


LONGEST_BEFORE = timedelta(hours=24)
"""Check-in never opens longer than this before its class."""


def open_queries(sessions: QuerySet[ClassSession]) -> QuerySet[Query]:
    """Queries about these classes that wait for an answer, oldest first, with class and student (one query). Queries about a
    cancelled class need no answer, unless it is restored."""
    held = sessions.exclude(status=ClassStatus.CANCELLED)
    waiting = Query.objects.filter(session__in=held.values("pk"), state=Query.State.OPEN)
    return waiting.select_related("session__module", "student").order_by("raised_at", "pk")


class QueryDates(NamedTuple):
    """When an unanswered query becomes the team's too, and by when it is to be answered: civil days, both working days. Where
    its lecturer cannot say, it is the team's from that day."""

    team_on: date
    answer_by: date

    @classmethod
    def of(cls, query: Query) -> "QueryDates":
        asked = civil_date(query.raised_at)
        team_on = working_days().after(asked, QUERY_TO_TEAM_AFTER)
        if query.unsure_at is not None:
            team_on = min(team_on, civil_date(query.unsure_at))
        return cls(team_on, working_days().after(asked, QUERY_ANSWERED_IN))


def with_the_team(at: datetime) -> Q:
    """Open queries that are the attendance team's to answer too."""
    return Q(unsure_at__isnull=False) | Q(raised_at__lt=closed_until(QUERY_TO_TEAM_AFTER, at))


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


# Many students, or one as those see them who look after them
