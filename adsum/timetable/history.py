"""The timetable as it was known at any moment: what a class was, and who had a place in it.

Read from `ClassChange` and `PlaceChange`. What was never changed here since its history began is what it is now.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from adsum.accounts.models import Person
from adsum.timetable.models import ClassChange, ClassSession, Group, Place, PlaceChange


class ClassThen(NamedTuple):
    """A class as it was known: `session` is an unsaved copy with the values of then; rooms and staff as people say them."""

    session: ClassSession
    rooms: tuple[str, ...]
    staff: tuple[str, ...]
    groups: frozenset[int]


def classes_as_of(sessions: Collection[ClassSession], at: datetime) -> dict[int, ClassThen]:
    """These classes by id as they were known at that instant; one that was not in the timetable yet is left out. Six
    queries at most, however many. Each comes with its module."""
    pks = [session.pk for session in sessions]
    steps = defaultdict[int, list[ClassChange]](list)
    for change in ClassChange.objects.filter(session__in=pks).order_by("session", "version"):
        steps[change.session_id].append(change)
    linked = _linked(pks)
    codes = _codes(steps.values())
    rooms, staff = _names(pks)
    found = {}
    for session in sessions:
        said, groups = _said(steps[session.pk], at), linked[session.pk]
        if said is None:  # nothing was ever changed: it is what it is
            found[session.pk] = ClassThen(session, rooms[session.pk], staff[session.pk], frozenset(groups))
        elif said:
            ids = said.get("group_ids")
            groups = set(ids) if ids is not None else {codes[name] for name in said["groups"] if name in codes}
            then = ClassThen(_then(session, said), tuple(said["rooms"]), tuple(said["staff"]), frozenset(groups))
            found[session.pk] = then
    return found


def _said(steps: list[ClassChange], at: datetime) -> Mapping[str, Any] | None:
    """What was said of a class last before that instant: {} when nothing was yet, None when it has no history at all."""
    if not steps:
        return None
    until = [step for step in steps if step.at <= at]
    if until:
        return until[-1].after  # type: ignore[no-any-return]
    return steps[0].before or {}


def _then(session: ClassSession, said: Mapping[str, Any]) -> ClassSession:
    then = copy(session)
    then.title, then.kind, then.delivery = said["title"], said["kind"], said["delivery"]
    then.mandatory, then.status = said["mandatory"], said["status"]
    then.starts_at, then.ends_at = datetime.fromisoformat(said["starts_at"]), datetime.fromisoformat(said["ends_at"])
    if then.starts_at != session.starts_at:  # else it has the day it has now: one that moved after it was held kept its own
        then.starts_on = then.starts_at.astimezone(ZoneInfo(session.zone)).date()
    return then


def _linked(pks: Collection[int]) -> dict[int, set[int]]:
    """Groups by class, as they are now (one query)."""
    linked = defaultdict[int, set[int]](set)
    through = ClassSession.groups.through.objects.filter(classsession__in=pks)
    for session, group in through.values_list("classsession", "group"):
        linked[session].add(group)
    return linked


def _codes(histories: Iterable[list[ClassChange]]) -> dict[str, int]:
    """Groups by "module group", for steps that were written before they named groups by id (one query, or none)."""
    said = [one for steps in histories for step in steps for one in (step.before, step.after) if one]
    names = {name for one in said if "group_ids" not in one for name in one["groups"]}
    if not names:
        return {}
    found = Group.objects.filter(module__code__in={name.rpartition(" ")[0] for name in names})
    return {f"{module} {code}": pk for module, code, pk in found.values_list("module__code", "code", "pk")}


def _names(pks: Collection[int]) -> tuple[dict[int, tuple[str, ...]], dict[int, tuple[str, ...]]]:
    """Rooms and staff of classes as they are now (two queries)."""
    rooms, staff = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
    for pk, name in ClassSession.objects.filter(pk__in=pks, rooms__isnull=False).values_list("pk", "rooms__name"):
        rooms[pk].append(name)
    rows = ClassSession.objects.filter(pk__in=pks, staff__isnull=False)
    for pk, given, family in rows.values_list("pk", "staff__given_name", "staff__family_name"):
        staff[pk].append(f"{given} {family}".strip())
    return (
        defaultdict(tuple, {pk: tuple(sorted(names)) for pk, names in rooms.items()}),
        defaultdict(tuple, {pk: tuple(sorted(names)) for pk, names in staff.items()}),
    )


class Span(NamedTuple):
    """One place as it was known: who, in which group, from which day to which (both included, None: open)."""

    group: int
    person: int
    starts_on: date | None
    ends_on: date | None

    def covers(self, on: date) -> bool:
        return (self.starts_on is None or self.starts_on <= on) and (self.ends_on is None or on <= self.ends_on)


def places_as_of(groups: Collection[int], at: datetime, *, person: Person | None = None) -> list[Span]:
    """The places in these groups (of one person) as they were known at that instant (two queries)."""
    places, changes = Place.objects.filter(group__in=groups), PlaceChange.objects.filter(group__in=groups)
    if person is not None:
        places, changes = places.filter(person=person), changes.filter(person=person)
    said = dict[int, Span | None]()
    for change in changes.order_by("pk"):
        if change.at <= at:
            said[change.place_id] = _span(change)
        else:
            said.setdefault(change.place_id, None)  # known only later
    spans = [said[place.pk] if place.pk in said else _span(place) for place in places]
    return [span for span in spans if span is not None]


def _span(row: Place | PlaceChange) -> Span:
    return Span(row.group_id, row.person_id, row.starts_on, row.ends_on)


def expected_as_of(classes: Mapping[int, ClassThen], at: datetime, *, person: Person | None = None) -> dict[int, set[int]]:
    """Who was expected in each of these classes on its day, as it was known at that instant, by id (two queries). Whether an
    account is open, and what is known of enrolments, is not part of it: who was expected that day was expected."""
    spans = defaultdict[int, list[Span]](list)
    for span in places_as_of({group for then in classes.values() for group in then.groups}, at, person=person):
        spans[span.group].append(span)
    return {
        pk: {span.person for group in then.groups for span in spans[group] if span.covers(then.session.starts_on)}
        for pk, then in classes.items()
    }
