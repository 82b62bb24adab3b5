"""Another group's student in a class: which class of their own it stands in for, and that the two count once everywhere."""

from datetime import timedelta
from typing import Any

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers, reopen_registers
from adsum.attendance.guest_attendance import own_class
from adsum.attendance.history import account_as_of, module_as_of
from adsum.attendance.models import Mark, MarkChange, Register
from adsum.attendance.record import account, classes_of, module_tallies, own_classes, standings
from adsum.attendance.reports import observed_in
from adsum.attendance.rules import Reason, Status
from adsum.checkin.reports import uncaptured
from adsum.core.errors import AdsumError
from adsum.ops.jobs import due_for_closing
from adsum.timetable.models import ClassSession
from tests.kit import marking
from tests.kit.marking import let_in, mark_students
from tests.kit.world import NINE, World, cancel_class

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WHY: dict[str, Any] = {"swap": True, "reason_code": Reason.OTHER_GROUP_AGREED}


class Labs:
    """Two groups of a module, each with a lab of its own in this week: B's on Monday, A's on Wednesday. Vera is of A."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.module = world.module()
        self.a, self.b = world.group(self.module, "A"), world.group(self.module, "B")
        self.ada, self.ben = world.lecturer("Ada"), world.lecturer("Ben")
        self.vera = world.student("Vera Visitor", groups=[self.a])
        self.amy, self.bob = world.student("Amy", groups=[self.a]), world.student("Bob", groups=[self.b])
        self.own = world.session(self.a, starts_at=NINE + 2 * DAY, staff=[self.ada], kind="lab")
        self.visited = world.session(self.b, staff=[self.ben], kind="lab")

    def let_in(self, at: Any = NINE, **more: Any) -> ClassSession | None:
        return let_in(self.visited, self.vera, by=self.ben, at=at, **WHY | more)

    def marks(self) -> list[tuple[str, str]]:
        """What Vera has: group and status."""
        marks = Mark.objects.filter(student=self.vera).order_by("session__starts_at")
        return list(marks.values_list("session__groups__code", "status"))


@pytest.fixture
def labs(world: World) -> Labs:
    return Labs(world)


PAIR = [("B", Status.OTHER_GROUP), ("A", Status.SWAPPED)]


# Which class


@pytest.mark.parametrize(
    ("fields", "stands_in"),
    [
        ({}, True),
        ({"starts_at": NINE + 6 * DAY}, True),  # the Sunday
        ({"starts_at": NINE + 7 * DAY}, False),
        ({"starts_at": NINE - DAY}, False),
        ({"kind": "lecture"}, False),
        ({"mandatory": False}, False),
    ],
)
def test_of_the_same_kind_in_the_same_week(labs: Labs, fields: dict[str, Any], stands_in: bool):
    labs.own.delete()
    wanted: dict[str, Any] = {"starts_at": NINE + DAY, "kind": "lab"} | fields
    own = labs.world.session(labs.a, **wanted)
    assert own_class(labs.visited, labs.vera) == (own if stands_in else None)


def test_not_of_another_module_not_cancelled_not_one_attended_and_the_nearest(labs: Labs):
    labs.world.place(labs.vera, other := labs.world.group())
    labs.world.session(other, starts_at=NINE + HOUR, kind="lab")
    near = labs.world.session(labs.a, starts_at=NINE + DAY, kind="lab")
    assert own_class(labs.visited, labs.vera) == near
    cancel_class(near, at=NINE, actor="system:test")
    assert own_class(labs.visited, labs.vera) == labs.own
    mark_students(labs.own, [labs.vera], Status.LATE, by=labs.ada, at=NINE + 2 * DAY)
    assert own_class(labs.visited, labs.vera) is None


def test_an_optional_class_stands_in_for_nothing(labs: Labs):
    optional = labs.world.session(labs.b, kind="lab", mandatory=False)
    assert own_class(optional, labs.vera) is None


# Letting in


def test_before_ones_own_class_and_after_it_was_closed(labs: Labs):
    assert labs.let_in() == labs.own
    assert labs.marks() == PAIR
    Mark.objects.filter(student=labs.vera).delete()
    mark_students(labs.own, [labs.amy], Status.PRESENT, by=labs.ada, at=NINE + 2 * DAY)
    close_registers([labs.own], at=NINE + 2 * DAY + 2 * HOUR)
    assert labs.let_in(NINE + 2 * DAY + 3 * HOUR) == labs.own
    assert labs.marks() == PAIR
    step = MarkChange.objects.filter(session=labs.own, student=labs.vera).latest("pk")
    assert (step.before, step.by, step.reason_code) == (Status.ABSENT, labs.ben, Reason.OTHER_GROUP_AGREED)


def test_without_the_tick_ones_own_class_is_left_alone(labs: Labs):
    assert labs.let_in(swap=False) is None
    assert labs.marks() == [("B", Status.OTHER_GROUP)]


def test_where_its_mark_is_no_longer_this_persons_to_change_it_stays(labs: Labs):
    labs.own.delete()
    own = labs.world.session(labs.a, starts_at=NINE - 0 * DAY, kind="lab")
    visited = labs.world.session(labs.b, starts_at=NINE + 6 * DAY, staff=[labs.ben], kind="lab")
    mark_students(own, [labs.vera], Status.ABSENT, by=labs.ada, at=NINE)
    late = NINE + 7 * DAY + HOUR  # the week for changing Monday's lab is over, Sunday's is not
    assert let_in(visited, labs.vera, by=labs.ben, at=late, **WHY) is None
    assert labs.marks() == [("A", Status.ABSENT), ("B", Status.OTHER_GROUP)]


@pytest.mark.parametrize(("who", "code"), [("bob", "on_list"), ("ben", "own_record"), ("vera", "already_in")])
def test_nobody_on_the_list_oneself_or_twice(labs: Labs, who: str, code: str):
    labs.let_in()
    with pytest.raises(AdsumError) as refused:
        let_in(labs.visited, getattr(labs, who), by=labs.ben, at=NINE, **WHY)
    assert refused.value.code == code


def test_undo_takes_both_back(labs: Labs):
    labs.let_in()
    marking.undo(labs.visited, MarkChange.objects.get(session=labs.visited).pk, by=labs.ben, at=NINE + HOUR / 2)
    assert labs.marks() == []


def test_undo_leaves_what_somebody_has_said_of_ones_own_class_since(labs: Labs):
    labs.let_in()
    why = Reason.ABSENCE_AGREED
    mark_students(labs.own, [labs.vera], Status.AUTHORISED, by=labs.ada, at=NINE + HOUR / 4, reason_code=why)
    marking.undo(labs.visited, MarkChange.objects.get(session=labs.visited).pk, by=labs.ben, at=NINE + HOUR / 2)
    assert labs.marks() == [("A", Status.AUTHORISED)]


# It says nothing of the class that was not attended


def test_a_class_with_nothing_but_a_swap_is_not_observed(labs: Labs):
    labs.let_in()
    assert observed_in([labs.own.pk, labs.visited.pk]) == {labs.visited.pk}
    began = labs.own.starts_at + timedelta(minutes=10)
    assert list(uncaptured(began, began=timedelta(minutes=8))) == [labs.own], "its lecturer is still asked"
    after = labs.own.ends_at + HOUR
    assert labs.own not in due_for_closing(after)
    (register,) = close_registers([labs.own], at=after + DAY)
    assert register.state == Register.State.NOT_OBSERVED
    assert Mark.objects.get(session=labs.own, student=labs.amy).status == Status.NOT_OBSERVED
    ClassSession.objects.filter(pk=labs.own.pk).update(starts_at=after + 2 * DAY, ends_at=after + 2 * DAY + HOUR)
    assert len(reopen_registers([labs.own.pk], actor="system:test", at=after + DAY)) == 1
    assert labs.marks() == PAIR, "moved and open again, the swap stands"


# The two count once, on every page


def sums(labs: Labs, student: Person, at: Any) -> set[tuple[float, float]]:
    """What each page says that the student attended of how many."""
    since = NINE - 30 * DAY
    classes = account(own_classes(student, classes_of(student)), at).tally
    one = standings([student.pk], since=since, at=at)[student.pk].tally
    of_module = standings([student.pk], since=since, at=at, module=labs.module.pk)[student.pk].tally
    then = account_as_of(student, at, since=since).account.tally
    together = next(row.account.tally for row in module_as_of(labs.module, at, since=since) if row.student == student)
    return {(tally.attended, tally.counted) for tally in (classes, one, of_module, then, together)}


@pytest.mark.parametrize("swap", [True, False])
def test_every_sum_counts_the_two_classes_once(labs: Labs, swap: bool):
    labs.let_in(swap=swap)
    mark_students(labs.own, [labs.amy], Status.PRESENT, by=labs.ada, at=NINE + 2 * DAY)
    for session in (labs.visited, labs.own):
        close_registers([session], at=NINE + 3 * DAY)
    at = NINE + 4 * DAY
    assert sums(labs, labs.vera, at) == {(1, 1) if swap else (1, 2)}
    module = module_tallies([labs.module.pk], since=NINE - DAY, at=at)[labs.module.pk][None]
    assert (module.attended, module.counted) == ((2, 3) if swap else (2, 4)), "Vera and Amy attended; Bob was absent"
    told = account(own_classes(labs.vera, classes_of(labs.vera)), at)
    assert told.swapped == int(swap)


def test_the_lecturer_of_ones_own_group_says_so_by_hand(labs: Labs):
    mark_students(labs.own, [labs.vera], Status.SWAPPED, by=labs.ada, at=NINE + 2 * DAY)
    close_registers([labs.own], at=NINE + 4 * DAY)
    assert sums(labs, labs.vera, NINE + 4 * DAY) == {(0, 0)}, "nothing counts against them"


def test_whoever_comes_to_their_own_class_after_all_attended_both(labs: Labs):
    labs.let_in()
    mark_students(labs.own, [labs.vera], Status.PRESENT, by=labs.ada, at=NINE + 2 * DAY, reason_code=Reason.SEEN_IN_CLASS)
    assert sums(labs, labs.vera, NINE + 4 * DAY) == {(2, 2)}


def test_long_after_the_class_a_colleague_confirms(labs: Labs):
    team = labs.world.person(Role.ATTENDANCE_TEAM)
    with pytest.raises(AdsumError) as refused:
        let_in(labs.visited, labs.vera, by=team, at=NINE + 15 * DAY, **WHY)
    assert refused.value.code == "second_person"
    assert labs.marks() == []
