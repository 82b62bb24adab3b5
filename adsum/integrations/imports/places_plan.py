"""Who is in which group, and who teaches it. A move ends one place and begins another: history stays by date."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from adsum.accounts.models import Person
from adsum.integrations.imports.plan import Plan, is_on, rows_with, some
from adsum.integrations.imports.reading import Record
from adsum.integrations.imports.rows import PlaceRow, Section, StaffRow
from adsum.timetable.models import Group, GroupStaff, Place
from adsum.timetable.rules import Change, loses_days
from adsum.timetable.services import Line

SHOWN = 20
"""How many names of people who join or leave a group the diff shows."""
COLUMNS = ("classSourcedId", "userSourcedId")


@dataclass(slots=True)
class _Moves:
    group: Group
    join: list[str] = field(default_factory=list)
    leave: list[str] = field(default_factory=list)


class PlacesPlanner:
    """Plans the places and lecturers of one source's groups. `groups` and `people` are those rows may refer to, by id."""

    def __init__(self, plan: Plan, source: str, today: date, groups: Mapping[str, Group], people: Mapping[str, Person]) -> None:
        self.plan, self.source, self.today = plan, source, today
        self.yesterday = today - timedelta(days=1)
        self.groups, self.people = groups, people
        self.moves: dict[int | str, _Moves] = {}
        self.leaving: list[Place] = []

    def places(
        self, section: Section[PlaceRow] | None, known: Mapping[str, Place], *, gone: set[int], ended: set[int], meant: set[int]
    ) -> None:
        """Plan places. `known` is what this file may end, by id; people `gone` and groups `ended` lose theirs anyway. `meant`:
        people whom unusable rows may mean."""
        current = {id_: place for id_, place in known.items() if is_on(place.ends_on, self.today)}
        started = {place.group_id for place in known.values()}
        ending = {id_ for id_, place in current.items() if place.person_id in gone or place.group_id in ended}
        if section is not None:
            kept = set()
            for id_, row, record in section.live():
                group, person = self._named(record, row.group, row.person)
                if group is None or person is None:
                    section.hold(id_, record)
                else:
                    kept.add(id_)
                    self._place(id_, row, group, person, known.get(id_), started)
            held = meant | self._named_in(section)
            missing = {id_ for id_ in set(current) - kept - section.held.keys() if current[id_].person_id not in held}
            ending |= missing if section.bulk else section.gone() & current.keys()
            if section.bulk:
                self.plan.stop_if_too_many(section.file, len(ending), len(current))
        for id_ in sorted(ending):
            self._end(known[id_])
        self._show(current.values())

    def _named_in(self, section: Section[PlaceRow] | Section[StaffRow]) -> set[int]:
        """Keys of the people in unusable rows: one of these rows may name the place that a person has now."""
        named = (self.people.get(record.get(COLUMNS[1])) for record in section.held.values())
        return {person.pk for person in named if person is not None}

    def _named(self, record: Record, group: str, person: str) -> tuple[Group | None, Person | None]:
        """The group and the person of a row; a problem for each that is not known."""
        found = self.groups.get(group), self.people.get(person)
        for column, value, one in zip(COLUMNS, (group, person), found, strict=True):
            if one is None:
                self.plan.problems.append(record.problem("unknown", column=column, value=value))
        return found

    def _place(self, id_: str, row: PlaceRow, group: Group, person: Person, old: Place | None, started: set[int]) -> None:
        first = row.starts_on
        if old is not None and (old.group_id, old.person_id) != (group.pk, person.pk):
            # The same id now means another place. What was expected under the old place stays as it was.
            old.source_id = f"{id_[:180]}~{old.pk}"
            self._end(old)
            old, first = None, first or self.today
        elif first is None and group.pk in started:
            first = self.today  # a student who joins a running group was not expected in its past classes
        if old is None:
            new = Place(group=group, person=person, source=self.source, source_id=id_, starts_on=first, ends_on=row.ends_on)
            self.plan.writes.places.new.append(new)
            self.plan.count("place", Change.NEW)
            self._moved(group).join.append(str(person))
            return
        dates = row.starts_on or old.starts_on, row.ends_on
        if dates == (old.starts_on, old.ends_on):
            self.plan.count("place", Change.UNCHANGED)
            return
        was_on, now_on = is_on(old.ends_on, self.today), is_on(row.ends_on, self.today)
        if loses_days((old.starts_on, old.ends_on), dates, before=self.today):
            self.plan.whose_past_changes.add(old.person_id)
        old.starts_on, old.ends_on = dates
        self.plan.writes.places.changed.append(old)
        if was_on == now_on:
            self.plan.count("place", Change.CHANGED)
        else:
            self.plan.count("place", Change.RESTORED if now_on else Change.ENDED)
            moves = self._moved(group)
            (moves.join if now_on else moves.leave).append(str(person))

    def _end(self, place: Place) -> None:
        if is_on(place.ends_on, self.today):
            place.ends_on = self.yesterday
            self.plan.count("place", Change.ENDED)
            self.leaving.append(place)
        self.plan.writes.places.changed.append(place)

    def _moved(self, group: Group) -> _Moves:
        return self.moves.setdefault(group.pk or f"{group.source_id}", _Moves(group))

    def _show(self, current: Iterable[Place]) -> None:
        """One line per group whose students change."""
        before = Counter(place.group_id for place in current)
        loaded = Place.objects.select_related("group__module", "person")
        for place in rows_with(loaded, "pk", (place.pk for place in self.leaving)):
            self._moved(place.group).leave.append(str(place.person))
        for key, moves in sorted(self.moves.items(), key=lambda item: str(item[0])):
            was = before[key] if isinstance(key, int) else 0
            now = was + len(moves.join) - len(moves.leave)
            change = Change.CHANGED if was and now else Change.NEW if now else Change.ENDED
            after = {"students": now}
            names = {"join": moves.join, "leave": moves.leave}
            shown = {word: some(sorted(people), SHOWN) for word, people in names.items() if people}
            label = f"{moves.group.module.code} {moves.group.code}"
            self.plan.lines.append(Line(change, "places", label, {"students": was}, after | shown))

    def staff(self, section: Section[StaffRow], gone: set[int], meant: set[int]) -> None:
        """Plan who teaches which group. `meant`: people whom unusable rows may mean."""
        known = {(row.group_id, row.person_id): row for row in GroupStaff.objects.filter(group__source=self.source)}
        wanted: dict[tuple[int, int], tuple[Group, Person]] = {}
        kept = set()
        for id_, row, record in section.live():
            group, person = self._named(record, row.group, row.person)
            if group is None or person is None:
                section.hold(id_, record)
            elif (group.pk, person.pk) in known:
                kept.add((group.pk, person.pk))
            elif (id(group), id(person)) not in wanted:
                wanted[id(group), id(person)] = group, person
                new = GroupStaff(group=group, person=person, source=self.source, source_id=id_)
                self.plan.writes.staff.new.append(new)
                self.plan.line(Change.NEW, "lecturer", f"{person} · {group.module.code} {group.code}", None, None)
        self.plan.count("lecturer", Change.UNCHANGED, len(kept))
        own = {key for key, row in known.items() if row.source == self.source}
        named = {key for key in own if known[key].source_id in section.gone()}
        held = meant | self._named_in(section)
        missing = {key for key in own - kept if key[1] not in held}
        ending = {key for key in own if key[1] in gone} | (missing if section.bulk else named)
        if section.bulk:
            self.plan.stop_if_too_many(section.file, len(ending), len(own))
        loaded = GroupStaff.objects.select_related("group__module", "person")
        for last in rows_with(loaded, "pk", (known[key].pk for key in ending)):
            self.plan.writes.staff.gone.append(last)
            label = f"{last.person} · {last.group.module.code} {last.group.code}"
            self.plan.line(Change.ENDED, "lecturer", label, None, None)
