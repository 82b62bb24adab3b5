"""What is known of many students' classes, as the rules read it: few columns, and as many queries for one as for a thousand.

`known_at` shows it as it was known then: a mark amended later as it was, a query that was open as open, a class cancelled later
as one that counts. What is kept of a class (`Seen`) names no student, so that all its students share it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter, itemgetter
from typing import NamedTuple

from django.db.models import Q

from adsum.attendance.counting import Counted, Counting
from adsum.attendance.models import Mark, MarkChange, Outage, Query
from adsum.attendance.policies import DEFAULTS, policies
from adsum.attendance.reports import LONGEST_BEFORE, touched_by
from adsum.attendance.rules import Source, Status
from adsum.engagement.replay import Known
from adsum.engagement.rules import LATE_AFTER, Doubt, Seen, doubts_of
from adsum.timetable.models import ClassChange, ClassSession
from adsum.timetable.rules import ClassStatus

BATCH = 500
"""Students read at a time: what bounds the memory."""
_WHOLE_PERIOD_ABOVE = 2_000
"""From so many unknown classes on, all of the period are read at once instead of by their ids."""

_STATUS = {status.value: status for status in Status}
_SOURCE = {source.value: source for source in Source}
_BY_TIME = attrgetter("starts_at", "session")
_BY_WHEN_KNOWN = itemgetter(0)
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Span(NamedTuple):
    """From when to when something was so; without an end, to this day."""

    begin: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.begin <= at and (self.end is None or at < self.end)


class _Class(NamedTuple):
    """What is kept of a class."""

    module: int
    starts_at: datetime
    ends_at: datetime
    on: date
    mandatory: bool
    minutes: int
    counting: Counting
    closed_at: datetime | None
    outage: _Span | None = None
    cancelled: _Span | None = None

    @property
    def settled_at(self) -> datetime:
        """A mark of later than this is not all there is to know: it was amended, or the class itself changed for everyone."""
        changed = self.outage is not None or self.cancelled is not None
        return _NEVER if changed else min(self.closed_at or self.ends_at, self.ends_at + LATE_AFTER)


class _Step(NamedTuple):
    """One state of a mark, as it is stored, and since when."""

    status: str
    source: str
    at: datetime


def observed(
    students: Collection[int], *, since: datetime, until: datetime, known_at: datetime | None = None
) -> dict[int, tuple[Seen, ...]]:
    """By student, the classes that began after `since` and until `until`, in order of time. For many batches of students keep
    one `Observations`: it reads each class once."""
    return Observations(since=since, until=until).of(students, known_at=known_at)


class Observations:
    """The classes of a period. Each question about a batch of students takes at most nine queries, however many they are."""

    def __init__(self, *, since: datetime, until: datetime) -> None:
        self.since, self.until = since, until
        self._policies = policies()
        self._classes = dict[int, _Class]()
        self._countings = dict[Counting, Counting]()
        """One object for all classes that are counted alike, of whatever policy: then their sums can be kept by the week."""
        self._counted = dict[tuple[Status, bool, int, int], Counted]()
        self._shared = dict[tuple[int, Status, frozenset[Doubt]], Seen]()
        self._plain = dict[tuple[int, str, str], Seen]()
        self._settled = dict[int, datetime]()

    def of(self, students: Collection[int], *, known_at: datetime | None = None) -> dict[int, tuple[Seen, ...]]:
        """By student, their classes as they are known now, or as they were known then."""
        found: dict[int, list[Seen]] = {student: [] for student in students}
        if known_at is None:
            for student, seen in self._now(students):
                found[student].append(seen)
        else:
            for student, known in self.unfolding(students).items():
                last = {one.session: one.seen for one in known if one.at <= known_at}
                found[student] = [seen for seen in last.values() if seen is not None and seen.starts_at <= known_at]
        return {student: tuple(sorted(seen, key=_BY_TIME)) for student, seen in found.items()}

    def unfolding(self, students: Collection[int]) -> dict[int, list[Known]]:
        """By student, what became known of their classes, in the order in which it did: for a look at every night of a term."""
        rows = self._marks(students)
        undone = MarkChange.objects.filter(
            student__in=students, after=Status.EXPECTED, session__starts_at__gt=self.since, session__starts_at__lte=self.until
        ).values_list("student_id", "session_id")
        gone = set(undone)
        self._read_classes({session for _, session, *_ in rows} | {session for _, session in gone})
        queries, settled, plain = self._queries(students), self._settled, self._plain
        apart, changed = gone | queries.keys(), set(gone)
        found: dict[int, list[Known]] = {student: [] for student in students}
        for student, session, status, source, at in rows:
            if at > settled[session] or (student, session) in apart:
                changed.add((student, session))
                continue
            seen = plain.get((session, status, source)) or self._as_first_marked(session, status, source, at)
            found[student].append(Known(at, session, seen))
        for (student, session), marked in self._history(changed).items():
            found[student].extend(self._unfolded(session, marked, queries.get((student, session), ())))
        for known in found.values():
            known.sort(key=_BY_WHEN_KNOWN)
        return found

    def _now(self, students: Collection[int]) -> Iterator[tuple[int, Seen]]:
        rows = self._marks(students)
        self._read_classes({session for _, session, *_ in rows})
        waiting = Query.objects.filter(student__in=students, state=Query.State.OPEN).values_list("student_id", "session_id")
        queried, settled = set(waiting), self._settled
        for student, session, status, source, at in rows:
            if at <= settled[session] and (student, session) not in queried:
                yield student, self._as_first_marked(session, status, source, at)
                continue
            one = self._classes[session]
            if one.cancelled is not None and one.cancelled.end is None:
                continue
            touched = one.outage is not None and one.outage.end is None
            step = _Step(status, source, at)
            yield student, self._seen(session, step, queried=(student, session) in queried, outage=touched)

    def _unfolded(self, session: int, marked: list[_Step], queries: Iterable[_Span]) -> Iterator[Known]:
        """What was known of one class of one student, each time that it changed."""
        one = self._classes[session]
        spans = [span for span in (*queries, one.outage, one.cancelled) if span is not None]
        times = {step.at for step in marked}
        times.update(at for span in spans for at in span if at is not None and at > marked[0].at)
        for at in sorted(times):
            step = [step for step in marked if step.at <= at][-1]
            if step.status == Status.EXPECTED or (one.cancelled is not None and one.cancelled.holds(at)):
                yield Known(at, session, None)
                continue
            queried = any(span.holds(at) for span in queries)
            outage = one.outage is not None and one.outage.holds(at)
            yield Known(at, session, self._seen(session, step, queried=queried, outage=outage))

    def _as_first_marked(self, session: int, status: str, source: str, at: datetime) -> Seen:
        """A mark of which nothing else is to be known, as nearly all are."""
        seen = self._plain.get((session, status, source))
        if seen is None:
            seen = self._plain[session, status, source] = self._seen(session, _Step(status, source, at))
        return seen

    def _seen(self, session: int, step: _Step, *, queried: bool = False, outage: bool = False) -> Seen:
        one, status, source = self._classes[session], _STATUS[step.status], _SOURCE[step.source]
        doubts = doubts_of(status, source, changed_at=step.at, ends_at=one.ends_at, queried=queried, outage=outage)
        key = session, status, doubts
        seen = self._shared.get(key)
        if seen is None:
            alike = status, one.mandatory, one.minutes, id(one.counting)
            counted = self._counted.setdefault(
                alike, Counted(status, one.mandatory, one.minutes, one.counting)
            )  # one object, so that sums are fast
            seen = Seen(session, one.module, one.starts_at, one.ends_at, one.on, counted, one.closed_at, doubts)
            self._shared[key] = seen
        return seen

    # Reading

    def _marks(self, students: Collection[int]) -> list[tuple[int, int, str, str, datetime]]:
        marks = Mark.objects.filter(student__in=students, session__starts_at__gt=self.since, session__starts_at__lte=self.until)
        return list(marks.values_list("student_id", "session_id", "status", "source", "changed_at"))

    def _history(self, keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], list[_Step]]:
        """Every step of these marks, in order (one query, or none)."""
        steps = defaultdict[tuple[int, int], list[_Step]](list)
        if not keys:
            return steps
        sessions, students = {session for _, session in keys}, {student for student, _ in keys}
        changes = MarkChange.objects.filter(session__in=sessions, student__in=students).order_by("pk")
        for student, session, after, source, at in changes.values_list("student_id", "session_id", "after", "source", "at"):
            if (student, session) in keys:
                steps[student, session].append(_Step(after, source, at))
        return steps

    def _queries(self, students: Collection[int]) -> dict[tuple[int, int], list[_Span]]:
        """When the marks of these students were under query (one query)."""
        found = defaultdict[tuple[int, int], list[_Span]](list)
        asked = Query.objects.filter(student__in=students, raised_at__gt=self.since)
        for student, session, begin, end in asked.values_list("student_id", "session_id", "raised_at", "answered_at"):
            found[student, session].append(_Span(begin, end))
        return found

    def _read_classes(self, wanted: set[int]) -> None:
        """Read those classes that are not known yet (one query; a few more where outages or late cancellations are)."""
        unknown = wanted - self._classes.keys()
        if not unknown:
            return
        sessions = ClassSession.objects.filter(starts_at__gt=self.since, starts_at__lte=self.until)
        if len(unknown) <= _WHOLE_PERIOD_ABOVE:
            sessions = sessions.filter(pk__in=unknown)
        columns = "pk module_id module__department_id kind starts_at ends_at starts_on mandatory status register__closed_at"
        read, cancelled = dict[int, _Class](), set[int]()
        terms_of = dict[tuple[object, ...], Counting]()
        for pk, module, department, kind, starts, ends, on, mandatory, status, closed in sessions.values_list(*columns.split()):
            scope = department, kind, on
            counting = terms_of.get(scope)
            if counting is None:
                version = self._policies.version_for(department=department, kind=kind, on=on)
                counting = (version.terms if version is not None else DEFAULTS).counting
                counting = terms_of[scope] = self._countings.setdefault(counting, counting)
            minutes = int((ends - starts).total_seconds() // 60)
            read[pk] = _Class(module, starts, ends, on, mandatory, minutes, counting, closed)
            if status == ClassStatus.CANCELLED:
                cancelled.add(pk)
        for pk, span in self._outages(read).items():
            read[pk] = read[pk]._replace(outage=span)
        for pk, span in self._cancellations(read, cancelled).items():
            read[pk] = read[pk]._replace(cancelled=span)
        self._classes.update(read)
        self._settled.update((pk, one.settled_at) for pk, one in read.items())

    def _outages(self, read: dict[int, _Class]) -> dict[int, _Span]:
        """The classes that an outage touched, and since when that was known."""
        near = Q(ends_at=None) | Q(ends_at__gt=self.since - LONGEST_BEFORE)
        outages = list(Outage.objects.filter(near, starts_at__lte=self.until + timedelta(days=1)))
        if not outages:
            return {}
        outages.sort(key=lambda one: (one.withdrawn_at is None, one.declared_at))  # one that stands wins
        close = [
            pk
            for pk, one in read.items()
            if any(
                out.starts_at < one.ends_at and (out.ends_at is None or out.ends_at > one.starts_at - LONGEST_BEFORE)
                for out in outages
            )
        ]
        touched = touched_by(outages, ClassSession.objects.filter(pk__in=close).select_related("module"))
        return {pk: _Span(outage.declared_at, outage.withdrawn_at) for pk, outage in touched.items()}

    def _cancellations(self, read: dict[int, _Class], cancelled: set[int]) -> dict[int, _Span]:
        """Cancelled classes, and since when they were: one cancelled after it had ended counted until then."""
        found = {pk: _Span(read[pk].starts_at, None) for pk in cancelled}
        late = ClassChange.objects.filter(session__in=cancelled).order_by("session", "version")
        for pk, at, after in late.values_list("session_id", "at", "after"):
            if after.get("status") == ClassStatus.CANCELLED and at > read[pk].ends_at and found[pk].begin <= read[pk].ends_at:
                found[pk] = _Span(at, None)
            elif after.get("status") != ClassStatus.CANCELLED:
                found[pk] = _Span(read[pk].starts_at, None)
        return found
