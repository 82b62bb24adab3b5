"""Changes of classes: everyone concerned is told once, with what was and what is, and of nothing that was undone."""

from datetime import UTC, datetime, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.models import Processed
from adsum.checkin import class_changes as changes
from adsum.messages.models import Message
from adsum.messages.rules import LONGEST, QUIET
from adsum.messages.telling import tell
from adsum.messages.topics import classes
from adsum.messages.topics.registry import letter_of
from adsum.timetable.models import ClassSession, GroupStaff, Room
from adsum.timetable.rules import Change
from adsum.timetable.services import facts_of, write_classes
from adsum.timetable.writes import ClassStep
from tests.kit.told import NEXT_WEEK, House, text, told
from tests.kit.world import NINE, cancel_class, decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> House:
    return House()


def move(
    session: ClassSession, *, at: datetime, by: Person | None = None, room: str = "", later: timedelta = timedelta(0)
) -> None:
    """What a changed feed, or a person, does to a class."""
    session = ClassSession.objects.select_related("module").get(pk=session.pk)
    before = facts_of(session)
    session.starts_at += later
    session.ends_at += later
    session.save()
    links = {"rooms": [Room.objects.get_or_create(name=room)[0]]} if room else {}
    decide(session, Change.MOVED, before, at=at, actor=by.actor if by else "system:feed", **links)


def restore(session: ClassSession, *, at: datetime) -> None:
    session = ClassSession.objects.select_related("module").get(pk=session.pk)
    before = facts_of(session)
    session.status = "scheduled"
    decide(session, Change.RESTORED, before, at=at, actor="system:feed")


def test_everyone_concerned_is_told_once_with_old_and_new(house: House):
    stranger = house.student(groups=[house.group()])
    move(house.coming, at=NINE, room="B1.02", later=timedelta(hours=1))
    assert tell(classes.TOPIC, at=NINE + QUIET - timedelta(seconds=1)) == 0
    assert tell(classes.TOPIC, at=NINE + QUIET) == 3
    assert tell(classes.TOPIC, at=NINE + QUIET) == 0
    assert tell(classes.TOPIC, at=NINE + timedelta(days=1)) == 0
    assert told(house.alice) == told(house.bob) == told(house.ada) == ["Moved: Algorithms, Monday 30 November, 09:00"]
    assert told(stranger) == []
    said = text(Message.objects.get(person=house.alice))
    assert "Before: Monday 30 November, 09:00–10:00, C2.01" in said
    assert "Now: Monday 30 November, 10:00–11:00, B1.02" in said


def test_several_changes_of_a_short_span_are_one_message(house: House):
    other = house.session(house.l1, starts_at=NEXT_WEEK + timedelta(days=1))
    move(house.coming, at=NINE, room="B1.02")
    assert tell(classes.TOPIC, at=NINE + timedelta(minutes=4)) == 0
    move(house.coming, at=NINE + timedelta(minutes=4), room="B1.03")
    cancel_class(other, at=NINE + timedelta(minutes=4), actor="system:feed")
    assert tell(classes.TOPIC, at=NINE + timedelta(minutes=6)) == 0, "it has not been quiet yet"
    assert tell(classes.TOPIC, at=NINE + timedelta(minutes=9)) == 3
    assert told(house.alice) == ["2 of your classes have changed"]
    said = text(Message.objects.get(person=house.alice))
    assert "C2.01" in said
    assert "B1.03" in said
    assert "B1.02" not in said, "where it never was"
    assert "A cancelled class counts against nobody." in said


def test_restless_changes_are_told_all_the_same(house: House):
    for minute in range(0, int(LONGEST.total_seconds() // 60) + 1, 2):
        move(house.coming, at=NINE + timedelta(minutes=minute), room=f"R{minute}")
    assert tell(classes.TOPIC, at=NINE + LONGEST) == 3


def test_what_was_undone_meanwhile_is_told_to_nobody(house: House):
    cancel_class(house.coming, at=NINE, actor="system:feed")
    restore(house.coming, at=NINE + timedelta(minutes=2))
    assert tell(classes.TOPIC, at=NINE + timedelta(hours=1)) == 0
    assert Processed.objects.count() == 2


def test_undone_after_it_was_told_is_told_again(house: House):
    cancel_class(house.coming, at=NINE, actor="system:feed")
    tell(classes.TOPIC, at=NINE + QUIET)
    restore(house.coming, at=NINE + timedelta(hours=2))
    tell(classes.TOPIC, at=NINE + timedelta(hours=2) + QUIET)
    assert [one.split(":")[0] for one in told(house.alice)] == ["Cancelled", "Takes place after all"]


def test_a_class_within_hours_is_told_at_once_also_at_night(house: House):
    four_in_the_morning = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    soon = house.session(house.l1, starts_at=four_in_the_morning + timedelta(hours=2))
    cancel_class(soon, at=four_in_the_morning, actor="system:feed")
    cancel_class(house.coming, at=four_in_the_morning, actor="system:feed")
    assert tell(classes.TOPIC, at=four_in_the_morning) == 2
    assert told(house.alice) == ["Cancelled: Algorithms, Monday 23 November, 06:00"]
    assert Message.objects.earliest("pk").due_at == four_in_the_morning
    assert tell(classes.TOPIC, at=four_in_the_morning + timedelta(hours=2, minutes=59)) == 0, "the other one has time"
    assert tell(classes.TOPIC, at=four_in_the_morning + timedelta(hours=3)) == 3


def test_nobody_is_told_of_a_class_that_is_over(house: House):
    old = house.session(house.l1, starts_at=NINE - timedelta(days=1))
    cancel_class(old, at=NINE, actor="system:feed")
    assert tell(classes.TOPIC, at=NINE + QUIET) == 0


def test_who_made_the_change_is_not_told_of_it(house: House):
    cancel_class(house.coming, at=NINE, actor=house.ada.actor)
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.ada) == []
    assert told(house.alice) == ["Cancelled: Algorithms, Monday 30 November, 09:00"]


def test_who_made_only_the_first_of_two_changes_is_told_of_the_other(house: House):
    move(house.coming, at=NINE, room="B1", by=house.ada)
    move(house.coming, at=NINE + timedelta(minutes=3), room="C1", by=house.person(Role.TIMETABLING))
    tell(classes.TOPIC, at=NINE + timedelta(minutes=3) + QUIET)
    assert told(house.ada) == ["Moved: Algorithms, Monday 30 November, 09:00"]


def test_cover_tells_both_lecturers_and_the_students_without_names(house: House):
    grace = house.lecturer("Grace Hopper")
    decide(house.coming, Change.CHANGED, facts_of(house.coming), at=NINE, actor="system:feed", staff=[grace])
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.ada) == ["No longer yours: Algorithms, Monday 30 November, 09:00"]
    assert told(grace) == ["You now teach Algorithms, Monday 30 November, 09:00"]
    said = text(Message.objects.get(person=house.alice))
    assert "Somebody else teaches it." in said
    everything = str(list(Message.objects.values_list("facts", flat=True)))
    assert not any(name in everything for name in ("Ada", "Grace", "Hopper", "Alice"))


def test_a_class_that_names_nobody_is_its_groups_lecturers(house: House):
    """A colleague joins: she is told that it is hers, and nobody is told that it is no longer theirs."""
    grace = house.lecturer("Grace Hopper")
    house.coming.staff.clear()
    GroupStaff.objects.create(group=house.l1, person=house.ada)
    decide(house.coming, Change.CHANGED, facts_of(house.coming), at=NINE, actor="system:feed", staff=[house.ada, grace])
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(grace) == ["You now teach Algorithms, Monday 30 November, 09:00"]
    assert told(house.ada) == ["Changed: Algorithms, Monday 30 November, 09:00"]


def test_a_class_that_is_online_today_is_told_with_the_old_and_the_new(house: House):
    changes.change(house.coming, changes.ONLINE, by=house.ada, at=NINE)
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.alice) == told(house.bob) == ["Changed: Algorithms, Monday 30 November, 09:00"]
    assert "It was in person and is now online." in text(Message.objects.get(person=house.alice))
    assert told(house.ada) == []


def test_a_change_of_groups_tells_those_who_leave_and_those_who_come(house: House):
    newcomers = house.group(house.l1.module, "L2")
    cara = house.student("Cara Cole", groups=[newcomers])
    both = house.student("Dee Dean", groups=[house.l1, newcomers])
    decide(house.coming, Change.CHANGED, facts_of(house.coming), at=NINE, actor="system:feed", groups=[newcomers])
    tell(classes.TOPIC, at=NINE + QUIET)
    assert told(house.alice) == ["No longer yours: Algorithms, Monday 30 November, 09:00"]
    assert told(cara) == ["An extra class: Algorithms, Monday 30 November, 09:00"]
    assert told(both) == []
    paths = [letter_of(one.kind, one.facts).items[0].path for one in Message.objects.filter(person__in=[house.alice, cara])]
    assert sorted(paths) == ["", f"/record/classes/{house.coming.ref}/"], "what is no longer one's own has no link"


def new_class(house: House, *, at: datetime, by: str) -> ClassSession:
    session = house.session(house.l1, starts_at=NEXT_WEEK + timedelta(days=2), staff=[house.ada])
    write_classes([ClassStep(session, Change.NEW, None, facts_of(session))], run=None, at=at, actor=by)
    return session


def test_an_extra_class_by_hand_is_told(house: House):
    new_class(house, at=NINE, by=house.person(Role.TIMETABLING).actor)
    assert tell(classes.TOPIC, at=NINE + QUIET) == 3
    assert told(house.alice) == ["An extra class: Algorithms, Wednesday 2 December, 09:00"]


def test_a_whole_new_timetable_is_news_to_nobody(house: House):
    new_class(house, at=NINE, by="system:feed")
    assert tell(classes.TOPIC, at=NINE + QUIET) == 0
