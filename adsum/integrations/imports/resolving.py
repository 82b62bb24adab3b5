"""Finds the modules, groups, rooms and people that the names in a timetable mean. A name with several meanings is not used."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import TypeVar

from django.db.models import Model

from adsum.accounts.models import Identifier, Person
from adsum.integrations.imports.people_plan import bare, named
from adsum.integrations.imports.plan import Plan, rows_with, some
from adsum.integrations.imports.problems import Unusable
from adsum.integrations.imports.reading import Record
from adsum.integrations.imports.rows import LIST_PREFIX, ClassRow, GroupRef, Timetable
from adsum.timetable.models import Group, Module, Place, Room
from adsum.timetable.partner_table import DeliveryPartner
from adsum.timetable.rules import Change

M = TypeVar("M", bound=Model)


class People:
    """Everyone whom each of these ids may mean: own id in any source, number, sign-in name, or a further number in force."""

    def __init__(self, ids: Collection[str]) -> None:
        found: defaultdict[str, dict[int, Person]] = defaultdict(dict)
        everyone = Person.objects.all()
        for name in ("source_id", "number"):
            for person in rows_with(everyone, name, ids):
                found[getattr(person, name)][person.pk] = person
        by_name = {person.username: person for person in rows_with(everyone, "username", [id_.casefold() for id_ in ids])}
        for id_ in ids:
            if called := by_name.get(id_.casefold()):
                found[id_][called.pk] = called
        numbers = Identifier.objects.filter(valid_to=None).select_related("person")
        for identifier in rows_with(numbers, "value", ids):
            found[identifier.value][identifier.person_id] = identifier.person
        self.called = {id_: list(people.values()) for id_, people in found.items()}
        self.near = _near([id_ for id_ in ids if bare(id_).isdigit() and id_ not in self.called])

    def one(self, record: Record, column: str, id_: str, *, source: str = "") -> Person:
        """The one person whom an id means; the source's own id goes first. Raises Unusable."""
        found = self.called.get(id_, [])
        own = [person for person in found if source and (person.source, person.source_id) == (source, id_)]
        if len(own or found) == 1:
            return (own or found)[0]
        if found:
            others = some(sorted(named(person) for person in found))
            raise Unusable(record.problem("several", column=column, value=id_, others=others))
        if near := self.near.get(id_):
            raise Unusable(record.problem("zeros", column=column, value=id_, near=some(sorted(near.values()))))
        raise Unusable(record.problem("unknown", column=column, value=id_))

    def meant(self, id_: str) -> set[int]:
        """Keys of everyone whom an unusable id may have meant: nothing of theirs ends only because no other row names them."""
        return {person.pk for person in self.called.get(id_, ())} | self.near.get(id_, {}).keys()


def _near(ids: Collection[str]) -> dict[str, dict[int, str]]:
    """By id, the people whose own id or number is this one but for zeros in front or a “.0” behind: (key, id or number as it is
    known)."""
    near: defaultdict[str, dict[int, str]] = defaultdict(dict)
    by_bare: defaultdict[str, list[str]] = defaultdict(list)
    for id_ in ids:
        by_bare[bare(id_)].append(id_)
    if by_bare:
        for pk, *names in Person.objects.values_list("pk", "number", "source_id"):
            for name in names:
                for id_ in by_bare.get(bare(name), ()):
                    near[id_][pk] = name
    return near


class Resolver:
    """Finds what the rows of one timetable refer to, and plans the rooms, modules and groups it may make."""

    def __init__(self, plan: Plan, timetable: Timetable, rows: Collection[ClassRow]) -> None:
        self.plan, self.timetable = plan, timetable
        refs = {ref for row in rows for ref in row.groups}
        codes = {row.module for row in rows} | {module for module, _ in refs}
        known = Module.objects.all()
        self.by_code = {module.code: module for module in rows_with(known, "code", codes)}
        self.by_source_id = _listed(rows_with(known, "source_id", codes - self.by_code.keys()), "source_id")
        group_ids = {id_ for _, id_ in refs}
        groups = Group.objects.select_related("module")
        self.groups_by_id = _listed(rows_with(groups, "source_id", group_ids), "source_id")
        self.groups_by_code = _listed(rows_with(groups, "code", group_ids), "code")
        self.made: dict[GroupRef, Group] = {}
        self.room_names = {room.name: room for room in rows_with(Room.objects.all(), "name", _all(rows, "rooms"))}
        codes = {row.partner for row in rows if row.partner}
        self.partners = {one.code for one in rows_with(DeliveryPartner.objects.all(), "code", codes)}
        students = {id_ for ref in refs for id_ in timetable.students.get(ref, ())}
        self.people = People(set(_all(rows, "staff")) | students)

    def module(self, row: ClassRow, code: str = "") -> Module:
        """The module of a class. Raises Unusable."""
        code = code or row.module
        if code not in self.by_code and code not in self.timetable.modules:
            same = self.by_source_id.get(code, [])
            return self._one(same, row.record, "module_code", code, [str(module) for module in same])
        if code not in self.by_code:
            module = Module(code=code[:60], title=self.timetable.modules[code][:250])
            self.by_code[code] = module
            self.plan.writes.modules.new.append(module)
            self.plan.line(Change.NEW, "module", str(module), None, {"code": code})
        return self.by_code[code]

    def groups(self, row: ClassRow) -> list[Group]:
        """The groups of a class, those of other modules too where it is a joint one. Raises Unusable."""
        module = self.module(row)
        return [self._group(row, ref, module) for ref in row.groups]

    def _group(self, row: ClassRow, ref: GroupRef, module: Module) -> Group:
        if ref in self.made:
            return self.made[ref]
        of_module, id_ = ref
        same_id, same_code = self.groups_by_id.get(id_, []), self.groups_by_code.get(id_, [])
        if of_module:
            module = self.module(row, of_module)
            found = [group for group in same_code if group.module_id == module.pk]
        else:
            # The nearest meaning wins: the source's own id, a code of the class's module, any id, any code.
            own_id = [group for group in same_id if group.source == row.source]
            own_code = [group for group in same_code if group.module_id == module.pk]
            found = next((groups for groups in (own_id, own_code, same_id, same_code) if groups), [])
        if ref in self.timetable.groups and not found:
            found = [self._make_group(row, ref, module)]
        lasting = [group for group in found if group.ended_on is None] or found
        shown = [f"{group.module.code} {group.code}" for group in lasting]
        self.made[ref] = self._one(lasting, row.record, "group_ids", id_, shown)
        return self.made[ref]

    def _make_group(self, row: ClassRow, ref: GroupRef, module: Module) -> Group:
        """A cohort that only the timetable knows, or a list of single students."""
        listed = ref[1].startswith(LIST_PREFIX)
        code = f"{row.event_id[:100]} {ref[1][-6:]}" if listed else ref[1][:120]
        group = Group(module=module, code=code, name=self.timetable.groups[ref][:250], kind=row.kind)
        if listed:
            ids = self.timetable.students[ref]
            students = {p.pk: p for p in (self._person(row, id_, "student_ids") for id_ in ids)}
            group.source, group.source_id = row.source, ref[1]
            for key, person in students.items():
                place = Place(group=group, person=person, source=row.source, source_id=f"{ref[1]}:{key}")
                self.plan.writes.places.new.append(place)
            self.plan.count("place", Change.NEW, len(students))
        self.plan.writes.groups.new.append(group)
        self.plan.line(Change.NEW, "group", f"{module.code} {code}", None, {"name": group.name})
        return group

    def rooms(self, row: ClassRow) -> list[Room]:
        """The rooms of a class; an unknown room is added."""
        for name in row.rooms:
            if name not in self.room_names:
                self.room_names[name] = Room(name=name)
                self.plan.writes.rooms.new.append(self.room_names[name])
                self.plan.line(Change.NEW, "room", name, None, None)
        return [self.room_names[name] for name in row.rooms]

    def check_partner(self, row: ClassRow) -> None:
        """Whether the partner that teaches a class is known: one is added by hand, never by a file. Raises Unusable."""
        if row.partner and row.partner not in self.partners:
            raise Unusable(row.record.problem("unknown", column="delivery_partner", value=row.partner))

    def staff(self, row: ClassRow) -> list[Person]:
        """The people who teach a class. Raises Unusable."""
        return list({p.pk: p for p in (self._person(row, id_, "staff_ids") for id_ in row.staff)}.values())

    def _person(self, row: ClassRow, id_: str, column: str) -> Person:
        return self.people.one(row.record, column, id_, source=row.source)

    def _one(self, found: list[M], record: Record, column: str, value: str, shown: Iterable[str]) -> M:
        """The only one found. Raises Unusable where there is none, or several."""
        if not found:
            raise Unusable(record.problem("unknown", column=column, value=value))
        if len(found) > 1:
            raise Unusable(record.problem("several", column=column, value=value, others=some(sorted(shown))))
        return found[0]


def _listed(rows: Iterable[M], name: str) -> dict[str, list[M]]:
    found: defaultdict[str, list[M]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return dict(found)


def _all(rows: Iterable[ClassRow], name: str) -> set[str]:
    return {value for row in rows for value in getattr(row, name)}
