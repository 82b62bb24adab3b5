"""Every kind of change that a timetable brings, to a class that has marks: each is one line of its history, what was marked
stays, whoever was expected that day stays, percentages and check-in follow at once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.attendance.record import account, own_classes
from adsum.attendance.rules import Status
from adsum.checkin.models import GateState, Opening
from adsum.checkin.services import open_checkin
from adsum.timetable.models import ClassChange, ClassSession, Group, GroupStaff, Module
from adsum.timetable.reports import expected_in
from adsum.timetable.rules import Change
from tests.kit.feeds import Row, bring, enrolment, event, events, oneroster, university
from tests.kit.marking import mark_students

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 9, 21, 8, tzinfo=UTC)
"""When the class A-1 begins: nine in London."""
STAFF = {"sourcedId": "L2", "givenName": "Alan", "familyName": "Turing", "identifier": "901", "email": "at@uni.example"}


def on(day: str, start: str, end: str, last: str = "") -> Row:
    return {"start": f"{day}T{start}", "end": f"{last or day}T{end}"}


@pytest.fixture(autouse=True)
def _marked() -> None:
    """S1 and S2 are in K1, S3 in K2, S4 in K3; S1 was marked present while check-in is open."""
    whole = university()
    people = [*whole["users"], STAFF]
    roles = [*whole["roles"], {"sourcedId": "R9", "userSourcedId": "L2", "role": "teacher"}]
    places = [enrolment(f"E{n}", group, f"S{n}") for n, group in enumerate(("K1", "K1", "K2", "K3"), start=1)]
    bring(oneroster(university(users=people, roles=roles, enrollments=[*places, enrolment("EL", "K1", "L1", role="teacher")])))
    bring(events(event(), event("B-1", "2026-09-22T09:00:00+01:00")))
    lecturer = Person.objects.get(source_id="L1")
    open_checkin(class_(), by=lecturer, at=MONDAY - timedelta(minutes=5))
    mark_students(class_(), [student(1)], Status.PRESENT, by=lecturer, at=MONDAY - timedelta(minutes=2))


def class_() -> ClassSession:
    return ClassSession.objects.get(source_id="A-1")


def student(number: int) -> Person:
    return Person.objects.get(source_id=f"S{number}")


def expected() -> set[str]:
    return {person.source_id for person in expected_in([class_().pk])[class_().pk].values()}


def brought(*others: Row, **new: str) -> ClassChange:
    """Import the timetable with A-1 changed like that; the step of its history."""
    gate = GateState.objects.get().rosters_version
    bring(events({**event(), **new}, event("B-1", "2026-09-22T09:00:00+01:00"), *others), at=MONDAY - timedelta(minutes=1))
    assert GateState.objects.get().rosters_version > gate, "every gate reads it again"
    assert Mark.objects.get().status == Status.PRESENT, "what was marked stays"
    return ClassChange.objects.filter(session=class_()).latest("version")


@pytest.mark.parametrize(
    ("new", "change", "names"),
    [
        ({"status": "cancelled"}, Change.CANCELLED, {"status"}),
        ({"location": "D1"}, Change.MOVED, {"rooms", "room_ids"}),
        ({"location": "C2.01; D1"}, Change.MOVED, {"rooms", "room_ids"}),
        (on("2026-09-21", "11:00", "12:00"), Change.MOVED, {"starts_at", "ends_at"}),
        (on("2026-09-21", "23:00", "01:00", "2026-09-22"), Change.MOVED, {"starts_at", "ends_at"}),
        (on("2026-09-23", "09:00", "10:00"), Change.MOVED, {"starts_at", "ends_at"}),
        ({"staff_ids": "L1;L2"}, Change.CHANGED, {"staff", "staff_ids"}),
        ({"staff_ids": "L2"}, Change.CHANGED, {"staff", "staff_ids"}),
        ({"group_ids": "K2"}, Change.CHANGED, {"groups", "group_ids"}),
        ({"group_ids": "K1;K2"}, Change.CHANGED, {"groups", "group_ids"}),
        ({"group_ids": "K1;K3"}, Change.CHANGED, {"groups", "group_ids"}),
        (
            {"event_type": "lab", "delivery_mode": "remote", "mandatory": "false"},
            Change.CHANGED,
            {"kind", "delivery", "mandatory"},
        ),
    ],
    ids=[
        "cancelled",
        "another room",
        "one room more",
        "later",
        "over midnight",
        "another day",
        "a co-teacher",
        "a cover",
        "another group",
        "merged groups",
        "a joint class",
        "its sort",
    ],
)
def test_one_change_is_one_step_of_history(new: dict[str, str], change: Change, names: set[str]):
    step = brought(**new)
    assert step.change == change
    assert step.before is not None
    assert {name for name in step.after if step.after[name] != step.before[name]} == names
    assert step.import_run is not None


def test_staff_follow_at_once():
    cover = Person.objects.get(source_id="L2")
    brought(staff_ids="L2")
    assert list(ClassSession.objects.taught_by(cover)) == [class_()]
    assert class_() not in ClassSession.objects.taught_by(Person.objects.get(source_id="L1"))


def test_a_group_that_only_reads_alike_is_another():
    """Group "A B" of the module "CS201", and group "B" of the module "CS201 A"."""
    own = Group.objects.get(source_id="K1")
    Group.objects.filter(pk=own.pk).update(code="A B")
    other = Group.objects.create(
        module=Module.objects.create(code="CS201 A", title="Analysis"), code="B", source=own.source, source_id="K9"
    )
    step = brought(group_ids="K9")
    assert step.before is not None
    assert step.before["groups"] == step.after["groups"] == ["CS201 A B"]
    assert (step.before["group_ids"], step.after["group_ids"]) == ([own.pk], [other.pk])
    assert (step.change, expected()) == (Change.CHANGED, set())


def test_merged_split_and_joint_groups_are_expected_at_once():
    for groups, people in (("K1;K2", {"S1", "S2", "S3"}), ("K1;K3", {"S1", "S2", "S4"}), ("K2", {"S3"})):
        brought(group_ids=groups)
        assert expected() == people


def test_a_group_that_is_split_in_two_classes():
    brought(event("A-2", group_ids="K2", location="D1"), group_ids="K1")
    second = ClassSession.objects.get(source_id="A-2")
    assert {person.source_id for person in expected_in([second.pk])[second.pk].values()} == {"S3"}
    assert expected() == {"S1", "S2"}


def test_cancelled_and_restored_percentages_follow_at_once():
    def counted() -> float:
        return account(own_classes(student(1), ClassSession.objects.all()), MONDAY + timedelta(hours=2)).tally.counted

    assert counted() == 1
    brought(status="cancelled")
    assert counted() == 0
    assert Opening.objects.get().stopped_at is None, "check-in rests, for the class may be restored"
    assert brought(status="scheduled").change == Change.RESTORED
    assert counted() == 1


def test_check_in_has_the_new_times_at_once():
    brought(**on("2026-09-21", "11:00", "12:00"))
    opening = Opening.objects.get()
    assert (opening.opens_at, opening.late_until) == (MONDAY + timedelta(minutes=110), MONDAY + timedelta(minutes=150))


def test_whoever_joins_the_group_later_was_not_expected_that_day():
    GroupStaff.objects.all().delete()
    group = class_().groups.get()
    late = Person.objects.create(username="late@uni.example", family_name="Late")
    group.places.create(person=late, starts_on=date(2026, 9, 22))
    group.places.filter(person=student(2)).update(ends_on=date(2026, 9, 21))
    brought(location="D1")
    assert expected() == {"S1", "S2"}
    brought(**on("2026-09-23", "09:00", "10:00"))
    assert expected() == {"S1", ""}, "a class that has not been held yet is for those of its new day"


@pytest.mark.parametrize(
    ("day", "before", "after"), [("2026-10-25", "00:30+01:00", "00:30Z"), ("2027-03-28", "00:30Z", "02:30+01:00")]
)
def test_on_the_night_the_clocks_change(day: str, before: str, after: str):
    """Pitfall 22: real hours, the civil day, and a mark that stays."""
    first = brought(**on(day, before, "05:00Z"))
    assert class_().starts_on == date.fromisoformat(day)
    second = brought(**on(day, after, "05:00Z"))
    assert (first.change, second.change) == (Change.MOVED, Change.MOVED)
    assert class_().starts_on == date.fromisoformat(day)
    assert expected() == {"S1", "S2"}
