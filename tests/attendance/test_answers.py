"""The verbs themselves say what a change by hand needs, in one order and before the first write, whoever asks."""

import ast
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance import amendments
from adsum.attendance.closing import close_registers
from adsum.attendance.guest_attendance import let_in
from adsum.attendance.models import Mark, MarkChange, Proposal, Register
from adsum.attendance.queries import answer_query, raise_query, uphold_together
from adsum.attendance.rules import Needs, Reason, Source, Status
from adsum.attendance.services import Answer, Done, Proposed, enter_marks, mark, mark_rest_absent
from adsum.attendance.weighing import NEEDED, Act, Entry, Why
from adsum.checkin import held
from adsum.checkin.models import Scan
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.core.errors import AdsumError
from tests.kit import marking
from tests.kit.scans import attempt
from tests.kit.tables import everything
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ADSUM = Path(__file__).resolve().parents[2] / "adsum"
WHY = Why(Reason.SEEN_IN_CLASS)


class Class:
    """A class of so many students, its lecturer, and one of the attendance team; nothing is marked."""

    def __init__(self, world: World, students: int = 3) -> None:
        self.world, self.group = world, world.group()
        self.students = [world.student(groups=[self.group]) for _ in range(students)]
        self.lecturer, self.team = world.lecturer(), world.person(Role.ATTENDANCE_TEAM)
        self.session = world.session(self.group, staff=[self.lecturer])
        self.old = self.session.ends_at + 14 * DAY

    def mark(self, status: Status, act: Act, why: Why = WHY, *, seen_at: Any = None, first: int | None = None) -> Answer:
        wanted = [Entry(one, status, seen_at) for one in self.students[:first]]
        return mark(self.session, wanted, act=act, why=why)

    def marked(self, status: Status = Status.ABSENT, **more: Any) -> None:
        marking.mark_students(self.session, self.students, status, by=self.lecturer, at=NINE, **more)

    def statuses(self) -> set[str]:
        return set(Mark.objects.filter(session=self.session).values_list("status", flat=True))

    def held(self, student: Person) -> Scan:
        given = attempt(open_checkin(self.session, by=self.lecturer, at=NINE), student, verdict=Refusal.SAME_DEVICE)
        record_scans([given])
        return Scan.objects.select_related("session", "student", "opening").get(ref=given.ref)


def proved(by: Person, at: Any = NINE, **more: Any) -> Act:
    return Act(by, at, proved_at=at, **more)


# How fresh a proof is


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        (timedelta(0), Done),
        (10 * MINUTE - timedelta(seconds=1), Done),
        (10 * MINUTE, Needs.PROOF),
        (-MINUTE, Done),  # two servers' clocks differ
        (-MINUTE - timedelta(seconds=1), Needs.PROOF),
        (None, Needs.PROOF),  # a token: nothing says who holds it
    ],
)
def test_a_proof_counts_for_ten_minutes(world: World, before: timedelta | None, answer: Any):
    room = Class(world, 6)
    room.marked()
    said = room.mark(Status.PRESENT, Act(room.lecturer, NINE, None if before is None else NINE - before))
    assert said is answer if isinstance(answer, Needs) else isinstance(said, answer)
    assert room.statuses() == {Status.PRESENT if answer is Done else Status.ABSENT}


@pytest.mark.parametrize(("number", "answer"), [(5, Done([])), (6, Needs.PROOF)])
def test_a_new_time_of_the_same_mark_is_a_change_like_any_other(world: World, number: int, answer: Any):
    """Ten late marks re-timed are ten changes: no mark is another status, and each says something else."""
    room = Class(world, number)
    room.marked(Status.LATE, seen_at=NINE + 20 * MINUTE)
    said = room.mark(Status.LATE, Act(room.lecturer, NINE + 30 * MINUTE), seen_at=NINE + 25 * MINUTE)
    assert type(said) is type(answer)
    assert set(Mark.objects.values_list("minutes_late", flat=True)) == {20 if answer is Needs.PROOF else 25}
    again = room.mark(Status.LATE, Act(room.lecturer, NINE + 30 * MINUTE), seen_at=Mark.objects.latest("pk").at)
    assert again == Done([]), "what is so already needs nothing"


def test_a_kiosk_and_a_first_mark_need_no_proof(world: World):
    room = Class(world, 25)
    said = room.mark(Status.PRESENT, Act(room.lecturer, NINE, proposes=False), Why())
    assert isinstance(said, Done)
    assert len(said.marks) == 25


# The order, and nothing written before it is decided


@pytest.mark.parametrize(
    ("who", "why", "fresh", "proposes", "answer"),
    [
        ("lecturer", Why(), False, False, "team"),
        ("team", Why(), False, False, Needs.REASON),
        ("team", WHY, False, False, Needs.PROOF),
        ("team", WHY, False, True, Needs.PROOF),
        ("team", WHY, True, False, Needs.SECOND_PERSON),
        ("team", WHY, True, True, "proposed"),
    ],
)
def test_refused_then_the_reason_then_the_proof_then_a_second_person(
    world: World, who: str, why: Why, fresh: bool, proposes: bool, answer: Any
):
    room = Class(world)
    room.marked()
    act = Act(getattr(room, who), room.old, room.old if fresh else None, proposes)
    before = everything()
    if answer == "team":
        with pytest.raises(AdsumError) as refused:
            room.mark(Status.PRESENT, act, why)
        assert refused.value.code == answer
    elif answer == "proposed":
        said = room.mark(Status.PRESENT, act, why)
        assert isinstance(said, Proposed)
        assert (said.proposal.by, said.proposal.marks.count()) == (room.team, 3)
    else:
        assert room.mark(Status.PRESENT, act, why) is answer
    assert room.statuses() == {Status.ABSENT}
    if answer != "proposed":
        assert everything() == before


def test_a_first_mark_of_an_old_class_is_proposed_only_with_a_reason(world: World):
    room = Class(world)
    act = proved(room.team, room.old)
    assert room.mark(Status.PRESENT, act, Why()) is Needs.REASON
    assert not Register.objects.exists(), "not even the register is made"
    assert isinstance(room.mark(Status.PRESENT, act, WHY), Proposed)


def test_different_marks_at_once_are_not_proposed_together(world: World):
    room = Class(world)
    wanted = [Entry(one, status) for one, status in zip(room.students, (Status.PRESENT, Status.LATE), strict=False)]
    assert mark(room.session, wanted, act=proved(room.team, room.old), why=WHY) is Needs.SECOND_PERSON
    assert not Proposal.objects.exists()


def test_every_need_has_a_sentence():
    assert all(str(NEEDED[missing]()) for missing in Needs)


# Every other verb is on the same path


class Tried(NamedTuple):
    """A change by hand that needs a proof: of an old class, or of many marks."""

    verb: Callable[[Act], Any]
    at: datetime
    by: Person | None = None


def changes(world: World) -> dict[str, Tried]:
    """Every verb that changes marks by hand."""
    now = NINE + 5 * MINUTE
    rest, paper, scanned, crowd = Class(world), Class(world, 6), Class(world), Class(world, 6)
    close_registers([rest.session], at=rest.session.ends_at + 2 * DAY)
    paper.marked()
    entries = [Entry(one, Status.PRESENT) for one in paper.students]
    scan = scanned.held(scanned.students[0])
    crowd.marked()
    for student in crowd.students:
        crowd.held(student)
    visited, guest = Class(world), world.student()
    asked, many = Class(world), Class(world, 6)
    asked.marked()
    many.marked()
    query = raise_query(asked.session, asked.students[0], at=NINE)
    queries = [raise_query(many.session, one, at=NINE) for one in many.students]
    undone, proposed = Class(world, 6), Class(world)
    undone.marked()
    proposed.marked()
    undone.mark(Status.LATE, proved(undone.team, NINE + MINUTE))
    last = MarkChange.objects.filter(session=undone.session).latest("pk").pk
    why: dict[str, Any] = {"by": proposed.lecturer, "at": NINE, "reason_code": Reason.OTHER}
    proposal = marking.propose(proposed.session, proposed.students, Status.PRESENT, **why)
    answer: dict[str, Any] = {"reason": "Seen", "status": Status.PRESENT}
    return {
        "the rest absent": Tried(lambda act: mark_rest_absent(rest.session, act=act), rest.old),
        "a sheet": Tried(lambda act: enter_marks(paper.session, entries, source=Source.STAFF, act=act), now),
        "a held scan": Tried(lambda act: held.decide_held(scan, accept=True, act=act), scanned.old),
        "held scans together": Tried(lambda act: held.accept_all_held(crowd.session, act=act), now),
        "a guest": Tried(lambda act: let_in(visited.session, guest, act=act, swap=False, why=WHY), visited.old),
        "an answer": Tried(lambda act: answer_query(query, act=act, **answer), asked.old),
        "answers together": Tried(lambda act: uphold_together(queries, act=act, **answer), now),
        "undo": Tried(lambda act: amendments.undo(undone.session, last, act=act), now, undone.team),
        "confirming": Tried(lambda act: amendments.confirm(proposal, act=act), now),
    }


TOGETHER = {"the rest absent", "a held scan", "a guest"}
"""Those of an old class, which a colleague confirms."""


@pytest.mark.parametrize(
    "name",
    [
        "the rest absent",
        "a sheet",
        "a held scan",
        "held scans together",
        "a guest",
        "an answer",
        "answers together",
        "undo",
        "confirming",
    ],
)
def test_every_verb_asks_for_the_proof_and_writes_nothing_without(world: World, name: str):
    tried = changes(world)[name]
    act = Act(tried.by or world.person(Role.ATTENDANCE_TEAM), tried.at)
    before = everything()
    assert tried.verb(act) is Needs.PROOF
    assert everything() == before
    act = act._replace(proved_at=tried.at)
    if name in TOGETHER:
        assert tried.verb(act._replace(proposes=False)) is Needs.SECOND_PERSON
        assert everything() == before
        assert isinstance(tried.verb(act), Proposed)
    else:
        assert not isinstance(tried.verb(act), Needs | Proposed)
    assert (everything()["adsum.Mark"] == before["adsum.Mark"]) is (name in TOGETHER)


def test_no_verb_is_forgotten():
    """Every verb that takes an act and may answer with what it needs: a new one gets its row above."""
    found = {
        node.name
        for feature in ("attendance", "checkin")
        for path in sorted((ADSUM / feature).rglob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and "act" in {argument.arg for argument in node.args.kwonlyargs}
        and {"Needs", "Answer"} & {name.id for name in ast.walk(node.returns or node) if isinstance(name, ast.Name)}
    }
    beside = {"mark", "weigh", "what_each_needs", "accept_foreseen"}  # tested further up; reads; first marks only
    above = {"mark_rest_absent", "enter_marks", "decide_held", "accept_all_held", "let_in", "answer_query", "uphold_together"}
    assert found == beside | above | {"undo", "confirm"}
