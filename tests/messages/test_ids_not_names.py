"""Who is told of a changed class: chosen by id, as known then, whatever modules, groups, people and rooms are called."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import models, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.bulk import Rows
from adsum.messages.models import Message
from adsum.messages.rules import QUIET
from adsum.messages.telling import tell
from adsum.messages.topics import classes
from adsum.timetable.changes import Wanted, change_class
from adsum.timetable.history import classes_as_of
from adsum.timetable.models import ClassChange, ClassSession, Group, GroupStaff, Module, Place, Room
from adsum.timetable.reports import news_of
from adsum.timetable.rules import IDS, ClassStatus, Delivery
from adsum.timetable.services import start_import, write
from adsum.timetable.writes import Writes
from tests.kit.told import NEXT_WEEK, House, text, told
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
GONE = ["No longer yours: Algorithms, Monday 30 November, 09:00"]


@pytest.fixture
def house(db: None) -> House:
    return House()


def change(house: House, **wanted: Any) -> None:
    """The timetabling team changes the coming class, at nine."""
    change_class(house.coming, Wanted(**wanted), by=house.person(Role.TIMETABLING), at=NINE, final=True)


def forget_ids() -> None:
    """The history of classes as it was kept before it had ids."""
    for row in ClassChange.objects.all():
        for said in filter(None, (row.before, row.after)):
            for name in IDS.values():
                said.pop(name, None)
        ClassChange.objects.filter(pk=row.pk).update(before=row.before, after=row.after)


def test_a_group_that_is_renamed_overnight_still_hears_that_the_class_is_no_longer_its_own(house: House):
    change(house, groups=[house.group(house.l1.module)])
    Group.objects.filter(pk=house.l1.pk).update(code="Lecture 1")
    Module.objects.filter(pk=house.l1.module_id).update(code="COMP201")
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.alice) == told(house.bob) == GONE


def test_a_group_whose_name_reads_alike_is_not_told_of_somebody_elses_class(house: House):
    """Module "CS" group "201 A", and module "CS 201" group "A"."""
    group = house.group(house.module("Algorithms", "CS 201"), "A")
    student = house.student(groups=[group])
    stranger = house.student(groups=[house.group(house.module("Computers", "CS"), "201 A")])
    house.coming = house.session(group, starts_at=NEXT_WEEK)
    change(house, groups=[house.group(group.module)])
    tell(classes.TOPIC, at=NINE + QUIET)
    assert (told(student), told(stranger)) == (GONE, [])


def test_groups_that_read_alike_are_two_groups(house: House):
    other = house.student(groups=[house.group(house.module("Computers", "CS"), "201 L1")])
    Module.objects.filter(pk=house.l1.module_id).update(code="CS 201")
    change(house, groups=[Group.objects.get(code="201 L1")])
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.alice) == GONE
    assert told(other) == ["An extra class: Algorithms, Monday 30 November, 09:00"]


def test_a_lecturer_with_a_new_surname_hears_that_the_class_is_covered(house: House):
    grace = house.lecturer("Grace Hopper")
    change(house, staff=[grace])
    Person.objects.filter(pk=house.ada.pk).update(family_name="Lovelace", number="77")
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.ada) == GONE
    assert told(grace) == ["You now teach Algorithms, Monday 30 November, 09:00"]


def test_who_teaches_through_a_group_is_told_when_the_groups_change(house: House):
    """The class names nobody: it was Ada's, who teaches the first group, and is now Grace's, who teaches the second."""
    other, grace = house.group(house.l1.module), house.lecturer("Grace Hopper")
    house.coming.staff.clear()
    GroupStaff.objects.bulk_create([GroupStaff(group=house.l1, person=house.ada), GroupStaff(group=other, person=grace)])
    change(house, groups=[other])
    GroupStaff.objects.filter(group=house.l1).delete()
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.ada) == GONE
    assert told(grace) == ["You now teach Algorithms, Monday 30 November, 09:00"]


def bring(house: House, places: Rows[Place]) -> None:
    """A roster changes places, a minute after the class has changed."""
    run = start_import(kind="oneroster", filename="a", content=b"", options={}, actor="system:test", at=NINE)
    write(Writes(places=places), run=run, at=NINE + timedelta(minutes=1), actor="system:test")


def test_who_was_expected_then_is_told_though_they_have_left_the_group_since(house: House):
    late = house.student()
    change(house, groups=[house.group(house.l1.module)])
    place = Place.objects.get(person=house.alice)
    place.ends_on = NINE.date()
    joins = Place(group=house.l1, person=late, source="s", source_id="1")
    bring(house, Rows(new=[joins], changed=[place]))
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.alice) == told(house.bob) == GONE
    assert told(late) == [], "it was never theirs"


def test_a_class_on_another_day_concerns_those_who_have_a_place_on_either(house: House):
    day = timedelta(days=1)
    until, since = house.student(), house.student()
    house.place(until, house.l1, ends_on=NEXT_WEEK.date())
    house.place(since, house.l1, starts_on=(NEXT_WEEK + day).date())
    change(house, times=(NEXT_WEEK + day, NEXT_WEEK + day + timedelta(hours=1)))
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(until) == ["No longer yours: Algorithms, Monday 30 November, 09:00"]
    assert told(since) == ["An extra class: Algorithms, Tuesday 1 December, 09:00"]
    assert told(house.alice) == ["Moved: Algorithms, Monday 30 November, 09:00"]


def test_who_stays_in_a_class_that_others_leave_hears_that_it_is_online(house: House):
    dee = house.student(groups=[other := house.group(house.l1.module)])
    house.place(dee, house.l1)
    change(house, groups=[other], delivery=Delivery.REMOTE)
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(dee) == ["Changed: Algorithms, Monday 30 November, 09:00"]
    assert told(house.alice) == GONE


# Before ids were kept


def test_older_history_is_read_by_name_and_says_that_it_is_not_certain(house: House):
    change(house, groups=[house.group(house.l1.module)], staff=[house.lecturer()])
    forget_ids()
    tell(classes.TOPIC, at=NINE + QUIET)
    for person in (house.alice, house.ada):
        assert told(person) == GONE
        assert "Only names now say" in text(Message.objects.get(person=person))


def test_what_is_kept_by_id_is_certain(house: House):
    change(house, groups=[house.group(house.l1.module)])
    tell(classes.TOPIC, at=NINE + QUIET)
    assert "Only names now say" not in text(Message.objects.get(person=house.alice))


@pytest.mark.parametrize(("code", "hears"), [("CS 201", True), ("CS", False), ("X", False)])
def test_of_two_groups_that_read_alike_older_history_means_that_of_the_class_or_neither(house: House, code: str, hears: bool):
    """The class is of module `code`; what read "CS 201 L1" was in truth always the group of the module "CS 201"."""
    Module.objects.filter(pk=house.l1.module_id).update(code="CS 201")
    stranger = house.student(groups=[house.group(house.module("Computers", "CS"), "201 L1")])
    change(house, groups=[house.group(house.l1.module, "L2")])
    forget_ids()
    row = ClassChange.objects.get()
    ClassChange.objects.update(before={**(row.before or {}), "module": code})
    tell(classes.TOPIC, at=NINE + QUIET)
    assert bool(told(house.alice)) is hears
    assert bool(told(stranger)) is (code == "CS")


def test_as_of_then_says_whether_its_groups_are_certain(house: House):
    change(house, groups=[house.group(house.l1.module)])
    for certain in (True, False):
        then = classes_as_of([house.coming], NINE - QUIET)[house.coming.pk]
        assert (set(then.groups), then.certain) == ({house.l1.pk}, certain)
        forget_ids()


# What lists say


def test_a_lecturer_with_a_new_surname_has_not_been_replaced(house: House):
    change(house, rooms=[Room.objects.create(name="B1")])
    Person.objects.filter(pk=house.ada.pk).update(family_name="Lovelace")
    Room.objects.filter(name="B1").update(name="B1.01")
    Group.objects.filter(pk=house.l1.pk).update(code="Lecture 1")
    change(house, rooms=[Room.objects.create(name="B2")])
    (news,) = news_of([house.coming.pk], NINE).values()
    assert (news.covered, news.groups_changed) == (False, False)


# Whatever is renamed


NAMES = ("A", "B", "201 A", "201 B", "CS", "CS 201", "Ada", "C2.01", "(1)")
RENAMED: tuple[tuple[type[models.Model], str], ...] = (
    (Module, "code"),
    (Group, "code"),
    (Room, "name"),
    (Person, "family_name"),
    (Person, "number"),
)
VERBS = ("groups", "staff", "rooms", "later", "cancel", "restore")
CHANGES = st.tuples(st.sampled_from(VERBS), st.integers(0, 1), st.integers(0, 7))
RENAMES = st.tuples(st.sampled_from(range(len(RENAMED))), st.integers(0, 9), st.sampled_from(NAMES))
Step = tuple[Any, int, Any]


class Timetable:
    """Two classes in groups and rooms that read alike, one of which names nobody."""

    def __init__(self) -> None:
        world = World()
        modules = [world.module("Computers", "CS"), world.module("Algorithms", "CS 201")]
        named = ((0, "201 A"), (1, "A"), (1, "B"))
        self.groups = [world.group(modules[module], code, students=1) for module, code in named]
        self.staff = [world.lecturer(name) for name in ("Ada Able", "Ben Able", "Cy Able")]
        GroupStaff.objects.bulk_create(
            [GroupStaff(group=group, person=person) for group, person in zip(self.groups, self.staff, strict=True)]
        )
        self.rooms = [Room.objects.create(name=name) for name in ("A", "B", "C")]
        starts = [NEXT_WEEK + timedelta(days=n) for n in range(2)]
        self.sessions = [
            world.session(self.groups[1], starts_at=starts[0], staff=self.staff[:1]),
            world.session(self.groups[2], starts_at=starts[1]),
        ]
        self.team = world.person(Role.TIMETABLING)

    def change(self, what: str, n: int, m: int) -> None:
        session = ClassSession.objects.get(pk=self.sessions[n].pk)
        some = [k for k in range(3) if m >> k & 1]
        wanted = {
            "groups": Wanted(groups=[self.groups[k] for k in some]),
            "staff": Wanted(staff=[self.staff[k] for k in some]),
            "rooms": Wanted(rooms=[self.rooms[k] for k in some]),
            "later": Wanted(times=(session.starts_at + timedelta(hours=m), session.ends_at + timedelta(hours=m))),
            "cancel": Wanted(status=ClassStatus.CANCELLED),
            "restore": Wanted(status=ClassStatus.SCHEDULED),
        }[what]
        if what != "later" or not session.cancelled:
            change_class(session, wanted, by=self.team, at=NINE, final=True)

    @staticmethod
    def rename(which: int, n: int, name: str) -> None:
        """Call something otherwise, unless two must not be called so."""
        model, column = RENAMED[which]
        rows = list(model._default_manager.order_by("pk"))
        row = rows[n % len(rows)]
        if not model._default_manager.filter(**{column: name}).exists():
            model._default_manager.filter(pk=row.pk).update(**{column: name})

    def told(self, steps: Sequence[Step], *, renames: bool) -> set[tuple[int, str, str, bool]]:
        """Who is told of what when this happens, and is forgotten again."""
        with transaction.atomic():
            for what, n, m in steps:
                if isinstance(what, str):
                    self.change(what, n, m)
                elif renames:
                    self.rename(what, n, m)
            tell(classes.TOPIC, at=NINE + QUIET)
            rows = Message.objects.values_list("person_id", "facts")
            told = {(pk, c["session"], c["change"], c["staff_changed"]) for pk, facts in rows for c in facts["classes"]}
            transaction.set_rollback(True)
        return told


class RenamingChangesNothing(TestCase):
    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.one_of(CHANGES, RENAMES), min_size=2, max_size=8))
    @example([("groups", 0, 1), (1, 1, "B2")])
    @example([("staff", 0, 2), (3, 3, "Ada")])
    @example([("rooms", 1, 1), (2, 0, "C2.01"), ("staff", 0, 2)])
    def test_the_same_people_are_told_whatever_is_renamed_in_between(self, steps: list[Step]) -> None:
        timetable = Timetable()
        assert timetable.told(steps, renames=True) == timetable.told(steps, renames=False)
