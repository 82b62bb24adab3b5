"""What there is to tell, and to whom: rows of the timetable and the register that nobody has been told of yet."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, Model, OuterRef, Q, QuerySet

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark, MarkChange, Query, Register
from adsum.attendance.reports import QueryDates, closed_until, departments_of
from adsum.attendance.rules import QUERY_TO_TEAM_AFTER, Reason, Source, Status
from adsum.checkin.reports import uncaptured
from adsum.core.university import civil_date
from adsum.messages.models import Message, Told
from adsum.messages.rules import KEPT_DUE, NO_CODE_AFTER, STALE, Kind, State, digest_at, is_settled, is_urgent
from adsum.timetable.history import Before, ClassThen, classes_before, expected_as_of
from adsum.timetable.models import ClassChange, ClassSession
from adsum.timetable.reports import expected_in, staff_of, studying
from adsum.timetable.rules import ClassStatus, differs

M = TypeVar("M", bound=Model)
COMPARED = ("status", "starts_at", "ends_at", "rooms", "delivery", "groups", "staff")
"""What of a class people are told of when it changes."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be: to whom, what about, and until when it is of use."""

    person: Person
    kind: Kind
    key: str
    facts: dict[str, Any]
    useful_until: datetime
    at_once: bool = False
    """Also at night: the class is about to begin."""


@dataclass(slots=True)
class Pending:
    """What one reading found: messages to write, rows that are done with, and the first row that is not yet."""

    drafts: list[Draft] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    first_left: int | None = None


def untold(rows: QuerySet[M], source: str, after: int = 0) -> QuerySet[M]:
    """Those of these rows above a bookmark that are not done with, in order."""
    told = Told.objects.filter(source=source, row=OuterRef("pk"))
    return rows.filter(~Exists(told), pk__gt=after).order_by("pk")


def class_facts(session: ClassSession) -> dict[str, Any]:
    """How a message names a class."""
    return {
        "session": str(session.ref),
        "title": session.title,
        "code": session.module.code,
        "kind": session.kind,
        "starts_at": session.starts_at.isoformat(),
        "ends_at": session.ends_at.isoformat(),
    }


# Changes of the timetable


def class_changes(after: int, at: datetime, zone: ZoneInfo) -> Pending:
    """Changes of classes, gathered: one draft for each person they concern, with what was and what is."""
    changes = ClassChange.objects.filter(at__gt=at - STALE).select_related("session__module")
    rows = untold(changes, "class_change", after)
    by_class: dict[int, list[ClassChange]] = defaultdict(list)
    for row in rows:
        by_class[row.session_id].append(row)
    if not by_class:
        return Pending()
    sessions = {pk: steps[0].session for pk, steps in by_class.items()}
    made = [row.at for steps in by_class.values() for row in steps]
    settled = is_settled(first=min(made), latest=max(made), at=at, zone=zone)
    told = [pk for pk in by_class if settled or _cannot_wait(sessions[pk], by_class[pk], at)]
    left = [row.pk for pk, steps in by_class.items() if pk not in set(told) for row in steps]
    done = [row.pk for pk in told for row in by_class[pk]]
    steps = [step for pk in told if (step := _net(sessions[pk], by_class[pk], at))]
    return Pending(_class_drafts(steps, at), done, min(left, default=None))


class NetStep(NamedTuple):
    """What became of a class over all its untold changes."""

    session: ClassSession
    first: ClassChange
    before: dict[str, Any] | None
    after: dict[str, Any]
    last: int
    by: frozenset[str]
    """Who made the changes: whoever made all of them knows."""
    over: bool
    """The class is over: it is no longer a matter of when and where, but of whether it counts."""


def _cannot_wait(session: ClassSession, steps: list[ClassChange], at: datetime) -> bool:
    if _is_over(steps[0].before, steps[-1].after, at):
        return False
    starts = [session.starts_at, *(datetime.fromisoformat(row.before["starts_at"]) for row in steps if row.before)]
    return any(is_urgent(starts_at=start, at=at) for start in starts)


def _is_over(before: dict[str, Any] | None, after: dict[str, Any], at: datetime) -> bool:
    return max(datetime.fromisoformat(facts["ends_at"]) for facts in (before, after) if facts) <= at


def _net(session: ClassSession, steps: list[ClassChange], at: datetime) -> NetStep | None:
    """None for what nobody need be told: undone meanwhile, over (unless its marks no longer count, or count again), or a
    class that only now came with its timetable."""
    first, last = steps[0], steps[-1]
    before, after = first.before, last.after
    over = _is_over(before, after, at)
    if over and (before is None or before["status"] == after["status"]):
        return None
    if before is None and (after["status"] != ClassStatus.SCHEDULED or not _is_extra(session, first)):
        return None
    if before is not None and not any(differs(before, after, name) for name in COMPARED):
        return None
    return NetStep(session, first, before, after, last.pk, frozenset(row.actor for row in steps), over)


def _is_extra(session: ClassSession, birth: ClassChange) -> bool:
    """Whether a new class is one more of a module people already have a timetable for: added by hand, or by a later import."""
    if birth.import_run_id is None:
        return birth.actor.startswith("person:")
    earlier = ClassChange.objects.filter(session__module=session.module_id, pk__lt=birth.pk, at__lt=birth.at)
    return earlier.exclude(import_run=birth.import_run_id).exists()


class Concerned(NamedTuple):
    """Somebody whom a change of a class concerns, and what became of the class for them."""

    person: Person
    change: str
    certain: bool = True
    """Whether it is known by id that the class was theirs."""


def _class_drafts(steps: list[NetStep], at: datetime) -> list[Draft]:
    pks = [step.session.pk for step in steps]
    expected, staff = expected_in(pks) | _marked_in([step.session.pk for step in steps if step.over]), staff_of(pks)
    before = classes_before([step.first for step in steps])
    were = _people(_expected_before(steps, before), {pk: one.staff for pk, one in before.items()})
    told: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    people: dict[int, Person] = {}
    until: dict[tuple[str, int], datetime] = {}
    for step in steps:
        pk, was = step.session.pk, before.get(step.session.pk)
        audiences = {
            "student": _students(step, was, were.students.get(pk, {}), expected[pk]),
            "staff": _staff(step, was, were.staff.get(pk, {}), staff[pk]),
        }
        for audience, concerned in audiences.items():
            for one in concerned:
                person = one.person
                if step.by == {person.actor} or not person.is_active:
                    continue
                people[person.pk] = person
                told[audience, person.pk].append(_item(step, one))
                ends = [datetime.fromisoformat(facts["ends_at"]) for facts in (step.before, step.after) if facts]
                end = at + KEPT_DUE if step.over else max(ends)
                until[audience, person.pk] = max(end, until.get((audience, person.pk), end))
    last = max((step.last for step in steps), default=0)
    return [
        Draft(
            people[pk],
            Kind.CLASS_CHANGES,
            f"{Kind.CLASS_CHANGES}:{audience}:{pk}:{last}",
            {"audience": audience, "classes": sorted(items, key=lambda item: str(item["starts_at"]))},
            until[audience, pk],
            at_once=True,  # `class_changes` has let the night pass where there was time
        )
        for (audience, pk), items in told.items()
    ]


class Were(NamedTuple):
    """Whose classes were before they changed, by class and person."""

    students: dict[int, dict[int, Person]]
    staff: dict[int, dict[int, Person]]


def _people(students: Mapping[int, Collection[int]], staff: Mapping[int, Collection[int]]) -> Were:
    found = Person.objects.in_bulk({pk for each in (students, staff) for ids in each.values() for pk in ids})
    return Were(*({key: {pk: found[pk] for pk in sorted(ids)} for key, ids in each.items()} for each in (students, staff)))


def _expected_before(steps: Iterable[NetStep], before: Mapping[int, Before]) -> dict[int, set[int]]:
    """By class id, who was expected when it first changed, as it was known then (two queries for each moment, one a day)."""
    moments: dict[datetime, dict[int, ClassThen]] = defaultdict(dict)
    days: dict[date, set[int]] = defaultdict(set)
    for step in steps:
        pk = step.session.pk
        if pk in before and _is_for_others(step, before[pk].then):
            moments[step.first.at][pk] = before[pk].then
    expected = {pk: who for at, thens in moments.items() for pk, who in expected_as_of(thens, at).items()}
    for pk, who in expected.items():
        days[before[pk].then.session.starts_on] |= who
    on_course = {day: studying(people, day) for day, people in days.items()}
    return {pk: who & on_course[before[pk].then.session.starts_on] for pk, who in expected.items()}


def _is_for_others(step: NetStep, then: ClassThen) -> bool:
    """Whether others may be expected than were: it has other groups, or is on another day. One that is over has its marks."""
    if step.before is None or step.over:
        return False
    return differs(step.before, step.after, "groups") or then.session.starts_on != step.session.starts_on


def _marked_in(sessions: list[int]) -> dict[int, dict[int, Person]]:
    """By class id, who has a mark that counts in it while it takes place (one query)."""
    marked: dict[int, dict[int, Person]] = {pk: {} for pk in sessions}
    marks = Mark.objects.filter(session__in=sessions).exclude(status=Status.NOT_OBSERVED) if sessions else Mark.objects.none()
    for mark in marks.select_related("student"):
        marked[mark.session_id][mark.student_id] = mark.student
    return marked


def _item(step: NetStep, one: Concerned) -> dict[str, Any]:
    shown = ("starts_at", "ends_at", "rooms", "delivery")
    before, after = step.before or {}, step.after
    return {
        **class_facts(step.session),
        "change": one.change,
        "before": {name: before[name] for name in shown if name in before},
        "after": {name: after[name] for name in shown},
        "staff_changed": bool(before) and differs(before, after, "staff"),
        "over": step.over,
        "certain": one.certain,
    }


def _word(step: NetStep) -> str:
    """What became of the class, for those who were and are concerned."""
    before, after = step.before, step.after
    if before is None:
        return "new"
    if before["status"] != after["status"]:
        return "cancelled" if after["status"] == ClassStatus.CANCELLED else "restored"
    moved = any(differs(before, after, name) for name in ("starts_at", "ends_at", "rooms"))
    return "moved" if moved else "changed"


def _students(step: NetStep, was: Before | None, were: Mapping[int, Person], expected: Mapping[int, Person]) -> list[Concerned]:
    """Students concerned, and what became of the class for each."""
    word = _word(step)
    if step.before is None or was is None:
        return [Concerned(person, word) for person in expected.values()]
    if not _is_for_others(step, was.then):
        quiet = word == "changed" and not any(differs(step.before, step.after, name) for name in ("delivery", "staff"))
        return [] if quiet else [Concerned(person, word) for person in expected.values()]
    told = [
        Concerned(person, word if pk in were else "new")
        for pk, person in expected.items()
        if pk not in were or word != "changed"
    ]
    return told + [Concerned(person, "gone", was.then.certain) for pk, person in were.items() if pk not in expected]


def _staff(step: NetStep, was: Before | None, were: Mapping[int, Person], now: Mapping[int, Person]) -> list[Concerned]:
    word = _word(step)
    if step.before is None or was is None or not differs(step.before, step.after, "staff"):
        return [Concerned(person, word) for person in now.values()]
    told = [Concerned(person, word if pk in were else "new") for pk, person in now.items()]
    return told + [Concerned(person, "gone", was.certain) for pk, person in were.items() if pk not in now]


# Marks that a person changed


def mark_changes(after: int, at: datetime, zone: ZoneInfo) -> Pending:
    """Marks that somebody changed, gathered until the next digest: one draft for each student."""
    changed = ~Q(before="") | Q(after__in=[Status.OTHER_GROUP, Status.SWAPPED])
    by_hand = MarkChange.objects.filter(changed, by__isnull=False, at__gt=at - STALE).exclude(source=Source.ABSENCE)
    rows = untold(by_hand.exclude(reason_code=Reason.QUERY_UPHELD), "mark_change", after)
    by_student: dict[int, list[MarkChange]] = defaultdict(list)
    for row in rows.select_related("session__module", "student", "by"):
        by_student[row.student_id].append(row)
    pending = Pending()
    taught: dict[int, set[int]] = {}
    for student, steps in by_student.items():
        if not any(digest_at(row.at, zone) <= at for row in steps):
            pending.first_left = min(steps[0].pk, pending.first_left or steps[0].pk)
            continue
        pending.done += [row.pk for row in steps]
        marks = [mark for mark in _net_marks(steps, taught) if mark]
        if marks and steps[0].student.is_active:
            key = f"{Kind.MARK_CHANGES}:{student}:{steps[-1].pk}"
            pending.drafts.append(Draft(steps[0].student, Kind.MARK_CHANGES, key, {"marks": marks}, at + KEPT_DUE))
    return pending


def _net_marks(steps: list[MarkChange], taught: dict[int, set[int]]) -> Iterable[dict[str, Any]]:
    """One line for each class: from the first mark to the last; none where they are the same again."""
    by_class: dict[int, list[MarkChange]] = defaultdict(list)
    for row in steps:
        if row.by_id != row.student_id:
            by_class[row.session_id].append(row)
    for pk, rows in by_class.items():
        first, last = rows[0], rows[-1]
        if len(rows) > 1 and first.before == last.after:
            continue
        if last.after == Status.EXPECTED:
            continue  # a first mark was taken back, of which nobody was told
        by = last.by
        if by is not None and by.pk not in taught:
            mine = ClassSession.objects.taught_by(by).filter(pk__in=[row.session_id for row in steps])
            taught[by.pk] = set(mine.values_list("pk", flat=True))
        teaches = by is not None and pk in taught[by.pk]
        if by is not None and last.after == Status.SWAPPED:  # said by a lecturer of the class that was visited, mostly
            teaches = ClassSession.objects.taught_by(by).filter(module=last.session.module_id).exists()
        capacity = "lecturer" if teaches else "team"
        yield {
            **class_facts(last.session),
            "before": first.before,
            "after": last.after,
            "minutes_late": last.minutes_late,
            "by": capacity,
            "reason": last.reason_code,
            "at": last.at.isoformat(),
        }


# Queries


def queries_raised(after: int, at: datetime, zone: ZoneInfo) -> Pending:
    """Queries that wait for an answer, gathered until the next digest: one draft for each lecturer. Of a cancelled class
    nobody is asked, unless it is restored while the query is fresh."""
    rows = untold(Query.objects.filter(raised_at__gt=at - STALE), "query", after)
    pending, due = Pending(), list[Query]()
    for query in rows.select_related("session__module"):
        if query.state != Query.State.OPEN:
            pending.done.append(query.pk)
        elif not query.session.cancelled and digest_at(query.raised_at, zone) <= at:
            due.append(query)
            pending.done.append(query.pk)
        else:
            pending.first_left = pending.first_left or query.pk
    staff = staff_of({query.session_id for query in due})
    pending.drafts += [
        _asked(Kind.QUERY_RAISED, lecturer, queries, at) for lecturer, queries in _by_lecturer(due, staff).items()
    ]
    return pending


def _asked(kind: Kind, person: Person, queries: list[Query], at: datetime) -> Draft:
    """One draft about these queries, by class."""
    asked: dict[int, dict[str, Any]] = {}
    for query in queries:
        line = asked.setdefault(query.session_id, {**class_facts(query.session), "queries": 0})
        line["queries"] += 1
    return Draft(person, kind, f"{kind}:{person.pk}:{queries[-1].pk}", {"classes": list(asked.values())}, at + KEPT_DUE)


def queries_escalated(at: datetime, zone: ZoneInfo) -> Pending:
    """Queries that their lecturers have not answered in time, at the first digest of the day on which they become the
    attendance team's too: one draft for each of the team over a department of the class. None of a cancelled class."""
    waiting = Query.objects.filter(state=Query.State.OPEN, raised_at__lt=closed_until(QUERY_TO_TEAM_AFTER, at))
    rows = untold(waiting, "query_team").exclude(session__status=ClassStatus.CANCELLED).select_related("session__module")
    due = [
        query for query in rows if digest_at(datetime.combine(QueryDates.of(query).team_on, time(0), tzinfo=zone), zone) <= at
    ]
    pending = Pending(done=[query.pk for query in due])
    departments = departments_of(query.session for query in due)
    for person, over in over_departments(Role.ATTENDANCE_TEAM, at) if due else []:
        mine = [query for query in due if over is None or over & departments[query.session_id]]
        queries = [query for query in mine if query.student_id != person.pk]
        if queries:
            pending.drafts.append(_asked(Kind.QUERY_ESCALATED, person, queries, at))
    return pending


def over_departments(role: Role, at: datetime) -> list[tuple[Person, frozenset[int] | None]]:
    """Everyone who holds this role, with the departments they hold it over (one query, and two for each of them)."""
    holders = RoleGrant.objects.filter(role=role, person__is_active=True).held_on(civil_date(at))
    people = Person.objects.filter(pk__in=holders.values("person")).order_by("pk")
    return [(person, person.access(at).departments(role)) for person in people]


def _by_lecturer(rows: Iterable[Any], staff: Mapping[int, Mapping[int, Person]]) -> dict[Person, list[Any]]:
    found: dict[Person, list[Any]] = defaultdict(list)
    for row in rows:
        for person in staff[row.session_id].values():
            if person.is_active and person.pk != getattr(row, "student_id", None):
                found[person].append(row)
    return found


def queries_answered(at: datetime) -> list[Draft]:
    """Answers that students have not been told of: one draft each, with what their mark is now."""
    answered = Query.objects.filter(answered_at__gt=at - STALE, answered_at__lte=at, student__is_active=True)
    queries = list(answered.exclude(state=Query.State.OPEN).select_related("session__module", "student"))
    keys = {f"{Kind.QUERY_ANSWERED}:{query.pk}": query for query in queries}
    told = set(Message.objects.filter(key__in=keys).values_list("key", flat=True))
    about = Mark.objects.filter(
        session__in=[query.session_id for query in queries], student__in=[q.student_id for q in queries]
    )
    marks = {(session, student): status for session, student, status in about.values_list("session", "student", "status")}
    return [
        Draft(
            query.student,
            Kind.QUERY_ANSWERED,
            key,
            {**class_facts(query.session), "outcome": query.state, "mark": marks.get((query.session_id, query.student_id), "")},
            at + KEPT_DUE,
        )
        for key, query in keys.items()
        if key not in told
    ]


# Registers


def classes_without_code(at: datetime) -> list[Draft]:
    """Classes under way of which nothing is captured: one draft for each lecturer, at most one for each class."""
    sessions = list(uncaptured(at, began=NO_CODE_AFTER).select_related("module"))
    staff = staff_of([session.pk for session in sessions])
    drafts = [
        Draft(
            person,
            Kind.NO_CODE,
            f"{Kind.NO_CODE}:{session.pk}:{person.pk}",
            class_facts(session),
            session.ends_at,
            at_once=True,
        )
        for session in sessions
        for person in staff[session.pk].values()
        if person.is_active
    ]
    told = set(Message.objects.filter(key__in=[draft.key for draft in drafts]).values_list("key", flat=True))
    return [draft for draft in drafts if draft.key not in told]


def registers_not_observed(at: datetime, zone: ZoneInfo) -> Pending:
    """Classes that closed without a register, gathered until the next digest: one draft for each lecturer."""
    closed = Register.objects.filter(state=Register.State.NOT_OBSERVED, explained="", closed_at__gt=at - STALE)
    rows = untold(closed, "register").exclude(session__status=ClassStatus.CANCELLED)
    due = [row for row in rows.select_related("session__module") if row.closed_at and digest_at(row.closed_at, zone) <= at]
    pending = Pending(done=[row.session_id for row in due])
    staff = staff_of([row.session_id for row in due])
    for lecturer, registers in _by_lecturer(due, staff).items():
        facts = {"classes": [class_facts(row.session) for row in registers]}
        key = f"{Kind.NOT_OBSERVED}:{lecturer.pk}:{max(row.session_id for row in registers)}"
        pending.drafts.append(Draft(lecturer, Kind.NOT_OBSERVED, key, facts, at + KEPT_DUE))
    return pending


# The outbox


def counts() -> dict[str, int]:
    """How many messages are in each state (one query)."""
    found = dict(Message.objects.order_by().values_list("state").annotate(n=Count("pk")))
    return {state.value: found.get(state.value, 0) for state in State}


def oldest_due(at: datetime) -> datetime | None:
    """Since when the message that has waited longest is due; None when nothing is overdue (one query)."""
    due = Message.objects.filter(state=State.WAITING, due_at__lte=at)
    return due.order_by("due_at").values_list("due_at", flat=True).first()


def unread(person: Person) -> int:
    """How many messages this person has not read here (one query)."""
    return Message.objects.of(person).filter(read_at=None).count()


def newest(model: type[Model]) -> int:
    """The highest id of a table that can be seen now; 0 while it is empty."""
    return model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0
