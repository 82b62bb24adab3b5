"""The timetable as it was known at any moment: what a class was, and who had a place in it.

Read from `ClassChange` and `PlaceChange`. What was never changed here since its history began is what it is now. Groups and
staff are read by id; lines of history older than that are read by name (`_ByName`), and what comes of it is not certain.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q

from adsum.accounts.models import Person
from adsum.timetable.models import ClassChange, ClassSession, Group, GroupStaff, Place, PlaceChange


class ClassThen(NamedTuple):
    """A class as it was known: `session` is an unsaved copy with the values of then; rooms and staff as people say them."""

    session: ClassSession
    rooms: tuple[str, ...]
    staff: tuple[str, ...]
    groups: frozenset[int]
    certain: bool = True
    """Whether its groups were kept by id. If not they were read from their names, which may have changed since."""


def classes_as_of(sessions: Collection[ClassSession], at: datetime) -> dict[int, ClassThen]:
    """These classes by id as they were known at that instant; one that was not in the timetable yet is left out. Six
    queries at most, however many. Each comes with its module."""
    pks = [session.pk for session in sessions]
    steps = defaultdict[int, list[ClassChange]](list)
    for change in ClassChange.objects.filter(session__in=pks).order_by("session", "version"):
        steps[change.session_id].append(change)
    linked = _linked(pks)
    names = _ByName(one for changes in steps.values() for step in changes for one in (step.before, step.after) if one)
    rooms, staff = _names(pks)
    found = {}
    for session in sessions:
        said, groups = _said(steps[session.pk], at), linked[session.pk]
        if said is None:  # nothing was ever changed: it is what it is
            found[session.pk] = ClassThen(session, rooms[session.pk], staff[session.pk], frozenset(groups))
        elif said:
            found[session.pk] = _as_said(session, said, names)
    return found


class Before(NamedTuple):
    """A class as it was before a change of it, and who taught it, by id."""

    then: ClassThen
    staff: frozenset[int]
    certain: bool
    """Whether its staff were kept by id."""


def classes_before(changes: Collection[ClassChange]) -> dict[int, Before]:
    """By class id, what these classes were before these changes, one of each; a class that was new with it is left out. No
    query where ids were kept. The changes come with their classes."""
    said = {change.session_id: change.before for change in changes if change.before}
    names = _ByName(said.values())
    return {
        change.session_id: Before(
            _as_said(change.session, before, names), frozenset(names.staff(before)), "staff_ids" in before
        )
        for change in changes
        if (before := said.get(change.session_id))
    }


def _as_said(session: ClassSession, said: Mapping[str, Any], names: "_ByName") -> ClassThen:
    groups, certain = frozenset(names.groups(said)), "group_ids" in said
    return ClassThen(_then(session, said), tuple(said["rooms"]), tuple(said["staff"]), groups, certain)


def _said(steps: list[ClassChange], at: datetime) -> Mapping[str, Any] | None:
    """What was last known about a class before that instant: {} when nothing was yet, None when it has no history at all."""
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


class _ByName:
    """Finds what names in older lines of history mean, from before ids were kept, as far as can be told today. A name that
    could mean two people or things is left out, so that a stranger is not taken for the right one. No query where ids were
    kept."""

    def __init__(self, said: Iterable[Mapping[str, Any]]) -> None:
        self._older = [one for one in said if "staff_ids" not in one]

    @cached_property
    def _groups(self) -> dict[str, dict[str, int]]:
        """By "module code", and by the code of the module, for both may hold spaces (one query, or none)."""
        names = {name for one in self._older if "group_ids" not in one for name in one["groups"]}
        words = [name.split(" ") for name in names]
        modules = {" ".join(parts[:n]) for parts in words for n in range(1, len(parts))}
        found = defaultdict[str, dict[str, int]](dict)
        groups = Group.objects.filter(module__code__in=modules)
        for module, code, pk in groups.values_list("module__code", "code", "pk"):
            found[f"{module} {code}"][module] = pk
        return found

    @cached_property
    def _staff(self) -> dict[str, list[int]]:
        """By what stands in brackets: a number, or the name a person signs in with (one query, or none)."""
        numbers = {_number(name) for one in self._older for name in one["staff"]}
        found = defaultdict[str, list[int]](list)
        people = Person.objects.filter(Q(number__in=numbers) | Q(number="", username__in=numbers))
        for pk, number, username in people.values_list("pk", "number", "username"):
            found[number or username].append(pk)
        return found

    @cached_property
    def _lecturers(self) -> dict[int, list[int]]:
        """By group, its lecturers today, where a class named no staff (one query, or none)."""
        groups = {group for one in self._older if not one["staff"] for group in self.groups(one)}
        found = defaultdict[int, list[int]](list)
        for group, person in GroupStaff.objects.filter(group__in=groups).values_list("group", "person"):
            found[group].append(person)
        return found

    def groups(self, said: Mapping[str, Any]) -> set[int]:
        """The groups of a class by id. Of two that read alike it is the one of the class's own module."""
        if "group_ids" in said:
            return set(said["group_ids"])
        read = (self._groups.get(name, {}) for name in said["groups"])
        one_of = ([each[said["module"]]] if said["module"] in each else [*each.values()] for each in read)
        return {found[0] for found in one_of if len(found) == 1}

    def staff(self, said: Mapping[str, Any]) -> set[int]:
        """Who taught a class, by id: the staff it named, or else the lecturers its groups have today."""
        if "staff_ids" in said:
            return set(said["staff_ids"])
        if not said["staff"]:
            return {person for group in self.groups(said) for person in self._lecturers[group]}
        read = (self._staff.get(_number(name), []) for name in said["staff"])
        return {found[0] for found in read if len(found) == 1}


def _number(name: str) -> str:
    """What stands in brackets at the end: "Ada Lovelace (900)"."""
    return name.rpartition("(")[2].removesuffix(")")


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
