"""What a policy would have done to a month that is over: worked out from the scans and marks that are kept, changing nothing.

Marks made by hand, by an absence or by an import stay as they are: what a person saw does not depend on a window.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Least, Mod

from adsum.accounts.models import Department
from adsum.attendance.counting import Counted, Tally, Terms, Weighting, in_force
from adsum.attendance.models import Mark, MarkChange, Query
from adsum.attendance.policies import DEFAULTS, Policies, policies
from adsum.attendance.policy_table import Policy
from adsum.attendance.rules import Moment, Source, Status, Windows
from adsum.checkin.models import Scan
from adsum.checkin.rules import Refusal
from adsum.timetable.models import ClassSession, Module
from adsum.timetable.rules import ClassStatus

MOST_CLASSES = 10_000
"""Of a month with more classes, every second, third … is looked at: the page answers within seconds, and says so."""
MOST_MODULES = 10


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that is not made yet, for the classes of a kind ('': all) and department (None: all)."""

    terms: Terms
    department_id: int | None = None
    kind: str = ""
    valid_from: date = date.min
    inherits: bool = False


class Move(NamedTuple):
    """So many marks of one kind of class would have been `after` instead of `before`."""

    kind: str
    before: Status
    after: Status
    marks: int


class ModuleEffect(NamedTuple):
    """One module's attendance, all its students together, as it was and as it would have been."""

    code: str
    title: str
    before: Tally
    after: Tally

    @property
    def change(self) -> float:
        """Percentage points."""
        return (self.after.percent or 0) - (self.before.percent or 0)


@dataclass(frozen=True, slots=True)
class Effect:
    """What the draft would have changed."""

    first: date
    last: date
    classes: int
    """Classes it would have been for; of these every `every`th was looked at."""
    every: int
    marks: int
    moves: list[Move]
    again: int
    """Scans that were accepted and would have been too early: these students would have had to scan once more."""
    before: Tally
    after: Tally
    modules: list[ModuleEffect]
    """Those whose percentage would have changed most."""
    late_amendments: int
    """Marks lecturers changed later than they could have."""
    late_queries: int
    """Queries students raised later than they could have."""

    @property
    def changed(self) -> int:
        """Marks that would have been another."""
        return sum(move.marks for move in self.moves)


class _Class(NamedTuple):
    """One class of the month, with what it was held to."""

    module: int
    kind: str
    mandatory: bool
    minutes: int
    cancelled: bool
    terms: Terms


@dataclass(slots=True)
class _Sum:
    """Many students' marks added up, in classes and in minutes; which of them is told depends on the policies."""

    classes: list[float] = field(default_factory=lambda: [0.0, 0.0])
    minutes: list[float] = field(default_factory=lambda: [0.0, 0.0])
    weightings: set[Weighting] = field(default_factory=set)

    def add(self, one: Counted, marks: int) -> None:
        if not one.mandatory or not one.counting.counts(one.status):
            return
        share = one.counting.share(one.status)
        for sum_, weight in ((self.classes, 1), (self.minutes, one.minutes)):
            sum_[0] += share * weight * marks
            sum_[1] += weight * marks
        self.weightings.add(one.counting.weighting)

    def tally(self) -> Tally:
        weighting = Weighting.MINUTES if self.weightings == {Weighting.MINUTES} else Weighting.SESSIONS
        attended, counted = self.minutes if weighting == Weighting.MINUTES else self.classes
        return Tally(attended=attended, counted=counted, weighting=weighting, classes=int(self.classes[1]))


def effect_of(draft: Draft, *, first: date, last: date, most: int = MOST_CLASSES) -> Effect:
    """What `draft` would have done to the classes from `first` to `last`, as they are known now (eleven queries at most)."""
    rules = policies()
    sessions = ClassSession.objects.filter(starts_on__gte=first, starts_on__lte=last)
    if draft.kind:
        sessions = sessions.filter(kind=draft.kind)
    every = max(1, -(-sessions.count() // most))
    looked_at = sessions.alias(part=Mod("pk", every)).filter(part=0) if every > 1 else sessions
    classes = _classes(looked_at, draft, rules)
    marks = Mark.objects.filter(session__in=looked_at.values("pk"))
    moves, seen, again = Counter[tuple[str, Status, Status]](), 0, 0
    old, new = defaultdict[int, _Sum](_Sum), defaultdict[int, _Sum](_Sum)
    all_old, all_new = _Sum(), _Sum()
    for session, status, moment, count in _steps(marks, looked_at, draft.terms.windows):
        one = classes.get(session)
        if one is None or one.cancelled:
            continue
        seen += count
        judged = one.terms.windows != draft.terms.windows  # else a class that was moved, or stopped early, would be anew
        again += count * (judged and moment == Moment.TOO_EARLY)
        after = _after(status, moment) if judged else status
        if after != status:
            moves[one.kind, status, after] += count
        for sums, all_, told in (
            (old, all_old, Counted(status, one.mandatory, one.minutes, one.terms.counting)),
            (new, all_new, Counted(after, one.mandatory, one.minutes, draft.terms.counting)),
        ):
            sums[one.module].add(told, count)
            all_.add(told, count)
    return Effect(
        first=first,
        last=last,
        classes=len(classes) * every,
        every=every,
        marks=seen,
        moves=[Move(*key, count) for key, count in sorted(moves.items(), key=lambda item: (-item[1], item[0]))],
        again=again,
        before=all_old.tally(),
        after=all_new.tally(),
        modules=_most_changed(old, new),
        late_amendments=_late(
            MarkChange.objects.filter(source=Source.STAFF, before__gt=""), "at", draft.terms.amend_hours, looked_at, classes
        ),
        late_queries=_late(Query.objects.all(), "raised_at", draft.terms.query_hours, looked_at, classes),
    )


def _classes(sessions: QuerySet[ClassSession], draft: Draft, rules: Policies) -> dict[int, _Class]:
    """Those of the classes that the draft would be for, by id (two queries)."""
    others = [one for one in rules.versions if (one.department_id, one.kind) != (draft.department_id, draft.kind)]
    parents = dict(Department.objects.values_list("pk", "parent"))
    said = {version.pk: version.terms for version in rules.versions}
    found = dict[int, _Class]()
    rows = sessions.values_list(
        "pk", "module", "module__department", "kind", "mandatory", "status", "starts_at", "ends_at", "starts_on"
    )
    with_draft: list[Policy | Draft] = [*others, draft]
    for pk, module, department, kind, mandatory, status, starts_at, ends_at, on in rows:
        if in_force(with_draft, parents=parents, department=department, kind=kind, on=on) is not draft:
            continue
        version = in_force(rules.versions, parents=parents, department=department, kind=kind, on=on)
        minutes = int((ends_at - starts_at).total_seconds() // 60)
        terms = said[version.pk] if version is not None else DEFAULTS
        found[pk] = _Class(module, kind, mandatory, minutes, status == ClassStatus.CANCELLED, terms)
    return found


Step = tuple[int, Status, Moment | None, int]


def _steps(marks: QuerySet[Mark], sessions: QuerySet[ClassSession], windows: Windows) -> Iterator[Step]:
    """Marks by class and status, and when in these windows the student was seen: None where no scan says so. Three
    queries, which count in the database; only refused scans are looked at one by one."""
    scanned = marks.filter(source=Source.SCAN).annotate(moment=_moment("at", windows))
    for session, status, moment, count in scanned.values_list("session", "status", "moment").annotate(n=Count("pk")).order_by():
        yield session, Status(status), Moment(moment), count
    refused = _refused(sessions, windows)
    taken = Counter(session for session, _ in refused)
    for (session, _student), moment in refused.items():
        yield session, Status.ABSENT, moment, 1
    others = marks.exclude(source=Source.SCAN).values_list("session", "status", "source").annotate(n=Count("pk")).order_by()
    for session, status, source, count in others:
        left = count - taken[session] if status == Status.ABSENT and source == Source.SYSTEM else count
        if left:
            yield session, Status(status), None, left


def _refused(sessions: QuerySet[ClassSession], windows: Windows) -> dict[tuple[int, int], Moment]:
    """Students absent because their scan came too early or too late, and when in these windows it came (one query)."""
    absent = Mark.objects.filter(
        session=OuterRef("session"), student=OuterRef("student"), status=Status.ABSENT, source=Source.SYSTEM
    )
    scans = Scan.objects.filter(
        Exists(absent), session__in=sessions.values("pk"), refusal__in=[Refusal.CLOSED, Refusal.TOO_EARLY]
    )
    found = dict[tuple[int, int], Moment]()
    rows = scans.annotate(moment=_moment("first_seen_at", windows)).order_by("first_seen_at")
    for session, student, moment in rows.values_list("session", "student", "moment"):
        if Moment(moment) in {Moment.PRESENT, Moment.LATE}:
            found.setdefault((session, student), Moment(moment))
    return found


def _moment(at: str, windows: Windows) -> Case:
    """When in these windows an instant falls, as `rules.OpenFor` has it, worked out by the database."""

    def after_start(minutes: int) -> ExpressionWrapper[Any]:
        return ExpressionWrapper(F("session__starts_at") + timedelta(minutes=minutes), output_field=DateTimeField())

    ends = F("session__ends_at")
    return Case(
        When(**{f"{at}__lt": after_start(-windows.opens_before)}, then=Value(Moment.TOO_EARLY.value)),
        When(**{f"{at}__lt": Least(after_start(windows.present_until), ends)}, then=Value(Moment.PRESENT.value)),
        When(**{f"{at}__lt": Least(after_start(windows.late_until), ends)}, then=Value(Moment.LATE.value)),
        default=Value(Moment.CLOSED.value),
        output_field=CharField(),
    )


def _after(status: Status, moment: Moment | None) -> Status:
    """What the mark would have been. A scan that was too early would have been made again, so its mark stays."""
    if moment is None or moment == Moment.TOO_EARLY or status not in {Status.PRESENT, Status.LATE, Status.ABSENT}:
        return status
    return {Moment.PRESENT: Status.PRESENT, Moment.LATE: Status.LATE, Moment.CLOSED: Status.ABSENT}[moment]


def _most_changed(old: Mapping[int, _Sum], new: Mapping[int, _Sum]) -> list[ModuleEffect]:
    """The modules whose percentage would have changed most, the largest change first (one query)."""
    told = {pk: (old[pk].tally(), new[pk].tally()) for pk in old}
    changed = {pk: abs((after.percent or 0) - (before.percent or 0)) for pk, (before, after) in told.items()}
    most = sorted((pk for pk, change in changed.items() if change), key=lambda pk: (-changed[pk], pk))[:MOST_MODULES]
    names = Module.objects.in_bulk(most)
    return [ModuleEffect(names[pk].code, names[pk].title, *told[pk]) for pk in most]


def _late(
    rows: QuerySet[MarkChange] | QuerySet[Query],
    at: str,
    hours: int,
    sessions: QuerySet[ClassSession],
    classes: Mapping[int, _Class],
) -> int:
    """How many of these came later after their class than so many hours (one query)."""
    deadline = ExpressionWrapper(F("session__ends_at") + timedelta(hours=hours), output_field=DateTimeField())
    late = rows.filter(**{"session__in": sessions.values("pk"), f"{at}__gte": deadline})
    return sum(n for pk, n in late.values_list("session").annotate(n=Count("pk")).order_by() if pk in classes)
