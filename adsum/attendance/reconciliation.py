"""Whether marks and their history agree with the event log, in both directions.

Steps of the history and events are streamed into one sum for each class; only where the sums differ, rows are compared. The
values in a sum are hashed with a key made for this run, so that rows cannot be prepared to have equal sums."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby
from secrets import token_bytes
from typing import Any, NamedTuple

from django.db import connection

from adsum.attendance.digests import digest
from adsum.attendance.models import MarkChange
from adsum.attendance.rules import Status
from adsum.audit import reconciliation as log
from adsum.audit.encoding import Difference, Differs
from adsum.audit.reconciliation import Compared, MarkEvent, behind, plain

STEPS, MARKS = MarkChange._meta.db_table, "adsum_mark"
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
TOGETHER = 100
"""Classes that are compared row by row together."""


class Step(NamedTuple):
    """A row of the history."""

    pk: int
    session: int
    student: int
    by: int | None
    after: str
    source: str
    seen_at: str | None
    minutes_late: int
    left_at: str | None
    at: str | None
    key: tuple[Any, ...]
    """What the event of this row must say."""


def _step(row: Sequence[Any]) -> Step:
    pk, session, student, by, before, after, source, seen, late, left, at, code, reason, salt, kept = row
    seen, left, at = plain(seen), plain(left), plain(at)
    if kept:
        key: tuple[Any, ...] = (kept,)
    elif salt:
        key = (digest(salt, session, before, after, source, seen, late, left, at, code, reason),)
    else:
        key = (before, after, at)
    return Step(pk, session, student, by, after, source, seen, late, left, at, key)


_STEPS = (
    "SELECT id, session_id, student_id, by_id, before, after, source, seen_at, minutes_late, left_at, at, reason_code, reason, "  # noqa: S608
    f"salt, kept_digest FROM {STEPS} WHERE session_id {{}} ORDER BY session_id, id"
)
_MARKS = (
    "SELECT id, session_id, student_id, status, source, at, minutes_late, left_at, changed_at "  # noqa: S608
    f"FROM {MARKS} WHERE session_id {{}} ORDER BY session_id, student_id"
)


def _all(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _ranges() -> Iterator[tuple[int, int]]:
    """Every class there may be, in parts of some ten thousand steps."""
    low = LOWEST
    beyond = f"SELECT session_id FROM {STEPS} WHERE session_id > %s ORDER BY session_id LIMIT 1 OFFSET {log.CHUNK}"  # noqa: S608
    while found := _all(beyond, low):
        yield low, found[0][0]
        low = found[0][0]
    yield low, HIGHEST


class Sums:
    """One sum for each class: what the history says less what the events say. And the order of the steps of those students
    whose mark changed more than once."""

    def __init__(self) -> None:
        self._secret = token_bytes(32)
        self._factor = int.from_bytes(token_bytes(16)) | 1
        self._sums = defaultdict[int, int](int)
        self._chains: dict[tuple[int, int], list[int]] = {}

    def _value(self, session: int, student: int | None, by: int | None, key: tuple[Any, ...]) -> int:
        who = by if len(key) == 1 else None  # events of before do not say it apart
        text = repr((session, student, who, key)).encode()
        return int.from_bytes(blake2b(text, key=self._secret, digest_size=16).digest())

    def add_class(self, steps: Sequence[Step]) -> None:
        """The history of one class."""
        chains = defaultdict[int, list[int]](list)
        total = 0
        for step in steps:
            value = self._value(step.session, step.student, step.by, step.key)
            total += value
            chains[step.student].append(value)
        self._sums[steps[0].session] += total
        for student, values in chains.items():
            if len(values) > 1:
                self._chains[steps[0].session, student] = [self._chain(values), 0]

    def _chain(self, values: Sequence[int]) -> int:
        chain = 0
        for value in values:
            chain = self._next(chain, value)
        return chain

    def _next(self, chain: int, value: int) -> int:
        return (chain * self._factor + value) % ((1 << 127) - 1)

    def subtract(self, event: MarkEvent, people: Mapping[str, int]) -> None:
        student = behind(event.student, people)
        value = self._value(event.session, student, behind(event.by, people), event.key)
        self._sums[event.session] -= value
        if student and (chain := self._chains.get((event.session, student))):
            chain[1] = self._next(chain[1], value)

    def unequal(self) -> list[int]:
        """The classes in which something differs."""
        found = {session for session, total in self._sums.items() if total}
        return sorted(found | {session for (session, _), (rows, events) in self._chains.items() if rows != events})


def compare_marks(compared: Compared, people: Mapping[str, int], *, since: tuple[int, int] | None = None) -> None:
    """Compare marks with the last step of their history, and the history with the events, both ways.

    `since` are the last event and step that were compared before: then only the classes with later ones are.
    """
    begin = log.begin()
    old = begin.detail["steps"] if begin else 0
    if since is None:
        classes, stray = _stream(compared, people)
    else:
        event, step = since
        touched = log.classes_since(event)
        touched.update(MarkChange.objects.filter(pk__gt=step).values_list("session_id", flat=True).distinct())
        classes, stray = sorted(touched), None
        for some in _some(classes):
            stray = stray or _marks(compared, _steps_of(some), _all(_MARKS.format(f"IN ({_holes(some)})"), *some))
    for some in _some(classes):
        steps, events = defaultdict[int, list[Step]](list), defaultdict[int, list[MarkEvent]](list)
        for one in _steps_of(some):
            steps[one.session].append(one)
        if since is not None:
            compared.add("steps", sum(map(len, steps.values())))
        for recorded in log.mark_events_of(some):
            events[recorded.session].append(recorded)
        for session in some:
            compared.found(_class(compared, steps[session], events[session], people, old))
    compared.found(stray)
    most = log.most_without_event() if since is None else None
    if most is not None and compared.counts.get(log.WITHOUT_EVENT, 0) > most:
        compared.found(Difference(Differs.MISCOUNTED, STEPS, about=f"id ≤ {old}"))


def last_step() -> int:
    """The highest id of a step of the history; 0 without any."""
    return MarkChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _some(sessions: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(sessions), TOGETHER):
        yield sessions[start : start + TOGETHER]


def _holes(some: Collection[int]) -> str:
    return ", ".join(["%s"] * len(some))


def _steps_of(some: Sequence[int]) -> list[Step]:
    return [_step(row) for row in _all(_STEPS.format(f"IN ({_holes(some)})"), *some)]


def _stream(compared: Compared, people: Mapping[str, int]) -> tuple[list[int], Difference | None]:
    """The classes whose history and events differ; and the first mark that is not what its history says."""
    sums, stray = Sums(), None
    for low, high in _ranges():
        steps = [_step(row) for row in _all(_STEPS.format("> %s AND session_id <= %s"), low, high)]
        for _session, of_class in groupby(steps, key=lambda step: step.session):
            sums.add_class(list(of_class))
        compared.add("steps", len(steps))
        marks = _all(_MARKS.format("> %s AND session_id <= %s"), low, high)
        stray = stray or _marks(compared, steps, marks)
    for event in log.mark_events():
        sums.subtract(event, people)
        compared.add("events", 1)
    return sums.unequal(), stray


def _marks(compared: Compared, steps: Sequence[Step], marks: Sequence[Sequence[Any]]) -> Difference | None:
    """The first of these marks that is not what the last of these steps says, or the first step whose mark is gone."""
    last = {(step.session, step.student): step for step in steps}
    compared.add("marks", len(marks))
    for pk, session, student, status, source, at, late, left, changed in marks:
        step = last.pop((session, student), None)
        if step is None or step.after == Status.EXPECTED:
            return Difference(Differs.UNRECORDED, MARKS, pk, about=f"session:{session}")
        said = (step.after, step.source, step.seen_at or step.at, step.minutes_late, step.left_at, step.at)
        if said != (status, source, plain(at), late, plain(left), plain(changed)):
            return Difference(Differs.DIFFERENT, MARKS, pk, about=f"session:{session}, step {step.pk}")
    gone = next((step for step in last.values() if step.after != Status.EXPECTED), None)
    return Difference(Differs.LOST, MARKS, about=f"session:{gone.session}, step {gone.pk}") if gone else None


def _class(
    compared: Compared, steps: Sequence[Step], events: Sequence[MarkEvent], people: Mapping[str, int], old: int
) -> Difference | None:
    """The first difference between the history of a class and its events. `old`: up to this id a step may have no event."""
    waiting = defaultdict[tuple[Any, ...], list[MarkEvent]](list)
    for one in events:
        waiting[one.key].append(one)
    alone: list[Step] = []
    before: dict[int, int] = {}
    disorder = None
    for step in steps:
        event = _event_of(step, waiting[step.key], people)
        if event is None:
            alone.append(step)
            continue
        waiting[step.key].remove(event)
        if behind(event.student, people) == 0:
            compared.add("erased", 1)
        elif event.pk < before.get(step.student, 0):
            disorder = disorder or Difference(Differs.OUT_OF_ORDER, STEPS, step.pk, event.pk, f"session:{step.session}")
        before[step.student] = event.pk
    left = sorted(one for some in waiting.values() for one in some)
    for step in alone:
        other = next((one for one in left if behind(one.student, people) == step.student), None)
        if other is not None:
            return Difference(Differs.DIFFERENT, STEPS, step.pk, other.pk, f"session:{step.session}")
        if step.pk > old or len(step.key) == 1:
            return Difference(Differs.UNRECORDED, STEPS, step.pk, about=f"session:{step.session}")
        compared.add(log.WITHOUT_EVENT, 1)
    if left:
        return Difference(Differs.LOST, STEPS, None, left[0].pk, f"session:{left[0].session}")
    return disorder


def _event_of(step: Step, candidates: Sequence[MarkEvent], people: Mapping[str, int]) -> MarkEvent | None:
    """The first of these events that is this step's; if none names its student, one whose student was erased."""
    by = {step.by, 0 if step.by else None}
    fitting = [event for event in candidates if len(step.key) > 1 or behind(event.by, people) in by]
    for student in (step.student, 0):
        for event in fitting:
            if behind(event.student, people) == student:
                return event
    return None
