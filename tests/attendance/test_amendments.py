"""Changes by hand as rows: deadlines, the second person, undo to exactly what was before, corrections after a report."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance import amendments, reported
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Correction, Mark, MarkChange, Proposal, Register, ReportedPeriod
from adsum.attendance.queries import raise_query
from adsum.attendance.reports import changes_since, newest_change
from adsum.attendance.rules import MARKABLE, Reason, Source, Status
from adsum.attendance.services import Done, mark
from adsum.attendance.weighing import Act, Entry, Why
from adsum.audit.models import Event
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession, Group
from tests.kit import marking
from tests.kit.marking import answer_query, mark_rest_absent, mark_students
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WHY: dict[str, Any] = {"reason_code": Reason.SEEN_IN_CLASS}


class Class:
    """A class of some students, its lecturers, and two of the attendance team."""

    def __init__(self, world: World, students: int = 3) -> None:
        self.world = world
        self.group: Group = world.group()
        self.students = [world.student(groups=[self.group]) for _ in range(students)]
        self.lecturer, self.other = world.lecturer(), world.lecturer()
        self.team, self.second = world.person(Role.ATTENDANCE_TEAM), world.person(Role.ATTENDANCE_TEAM)
        self.session: ClassSession = world.session(self.group, staff=[self.lecturer, self.other])
        self.ends = self.session.ends_at

    def mark(self, status: Status = Status.PRESENT, *, by: Person | None = None, at: Any = None, **more: Any) -> list[Mark]:
        students = more.pop("students", self.students)
        return mark_students(self.session, students, status, by=by or self.lecturer, at=at or NINE, **more)

    def marks(self) -> list[tuple[Any, ...]]:
        return list(Mark.objects.order_by("student").values_list("student", "status", "source", "at", "minutes_late"))


@pytest.fixture
def room(world: World) -> Class:
    return Class(world)


def refused(code: str) -> Any:
    """The deed is refused with this code, and a sentence."""

    class Raises:
        def __enter__(self) -> None:
            self.context = pytest.raises(AdsumError)
            self.told = self.context.__enter__()

        def __exit__(self, *error: Any) -> bool:
            suppressed = self.context.__exit__(*error)
            assert self.told.value.code == code
            assert self.told.value.message
            return bool(suppressed)

    return Raises()


# Deadlines


def test_lecturers_change_marks_for_a_week_and_the_team_after_that(room: Class):
    room.mark(Status.PRESENT)
    room.mark(Status.LATE, at=room.ends + 7 * DAY - HOUR, **WHY)
    with refused("team"):
        room.mark(Status.ABSENT, at=room.ends + 7 * DAY, **WHY)
    room.mark(Status.ABSENT, by=room.team, at=room.ends + 7 * DAY, **WHY)
    assert {status for _, status, *_ in room.marks()} == {Status.ABSENT}


def test_the_team_of_another_department_is_not_the_team_of_this_class(room: Class):
    elsewhere = room.world.person(Role.ATTENDANCE_TEAM, department=room.world.department("HI", "History"))
    here = room.world.person(Role.ATTENDANCE_TEAM, department=room.world.department("CS", "Computing"))
    room.mark(Status.PRESENT)
    with refused("team"):
        room.mark(Status.ABSENT, by=elsewhere, at=room.ends + 8 * DAY, **WHY)
    room.mark(Status.ABSENT, by=here, at=room.ends + 8 * DAY, **WHY)


def test_a_register_nobody_took_is_completed_after_the_deadline_too(room: Class):
    close_registers([room.session], at=room.ends + 2 * DAY)
    room.mark(Status.PRESENT, at=room.ends + 10 * DAY)
    assert Register.objects.get().state == Register.State.CLOSED
    with refused("team"):
        room.mark(Status.ABSENT, at=room.ends + 10 * DAY, **WHY)


def test_a_query_that_came_in_time_is_answered_after_the_deadline(room: Class):
    room.mark(Status.ABSENT)
    for student, days in zip(room.students[:2], (8, 15), strict=True):
        query = raise_query(room.session, student, at=room.ends + 6 * DAY)
        by = room.lecturer if days == 8 else room.team
        answer_query(query, by=by, at=room.ends + days * DAY, reason="Seen", status=Status.PRESENT)
    assert [status for _, status, *_ in room.marks()] == [Status.PRESENT, Status.PRESENT, Status.ABSENT]


@pytest.mark.parametrize(("number", "code"), [(20, None), (21, "second_person")])
def test_many_marks_at_once_need_a_second_person(world: World, number: int, code: str | None):
    room = Class(world, number)
    room.mark(Status.PRESENT)  # first marks are no amendments, however many
    if code is None:
        room.mark(Status.ABSENT, **WHY)
        return
    with refused(code):
        room.mark(Status.ABSENT, **WHY)
    assert {status for _, status, *_ in room.marks()} == {Status.PRESENT}


def test_marking_the_rest_absent_long_after_the_class_needs_a_second_person(room: Class):
    close_registers([room.session], at=room.ends + 2 * DAY)
    with refused("second_person"):
        mark_rest_absent(room.session, by=room.team, at=room.ends + 14 * DAY)


# The second person


def proposed(room: Class, **more: Any) -> Proposal:
    room.mark(Status.ABSENT)
    return marking.propose(
        room.session,
        room.students,
        Status.PRESENT,
        by=room.team,
        at=room.ends + 15 * DAY,
        **{"reason_code": Reason.SEEN_IN_CLASS, "reason": "The paper list turned up", **more},
    )


def test_a_colleague_confirms_and_the_history_names_who_wanted_it(room: Class):
    proposal = proposed(room)
    assert {status for _, status, *_ in room.marks()} == {Status.ABSENT}
    at = room.ends + 16 * DAY
    marking.confirm(proposal, by=room.second, at=at)
    assert {status for _, status, *_ in room.marks()} == {Status.PRESENT}
    change = MarkChange.objects.latest("pk")
    assert (change.by, change.at, change.reason) == (room.team, at, "The paper list turned up")
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by) == ("confirmed", room.second)
    events = list(Event.objects.order_by("-pk").values_list("verb", "actor")[:5])
    assert [verb for verb, _ in events] == ["amendment.confirmed", *["mark.amend"] * 3, "amendment.propose"]
    assert len({actor for _, actor in events[:4]}) == 1  # the second person; the first proposed it
    assert events[4][1] != events[0][1]


def test_a_proposal_is_confirmed_after_the_deadline_of_whoever_made_it(world: World):
    room = Class(world, 21)
    room.mark(Status.ABSENT)
    at = room.ends + 7 * DAY
    proposal = marking.propose(
        room.session, room.students, Status.PRESENT, by=room.lecturer, at=at - HOUR, reason_code=Reason.SEEN_IN_CLASS
    )
    with refused("team"):
        marking.confirm(proposal, by=room.other, at=at)
    assert len(marking.confirm(proposal, by=room.team, at=at)) == 21
    assert {status for _, status, *_ in room.marks()} == {Status.PRESENT}
    assert set(MarkChange.objects.filter(at=at).values_list("by", flat=True)) == {room.lecturer.pk}


def test_nobody_confirms_their_own_proposal_or_one_about_themselves(room: Class):
    proposal = proposed(room)
    with refused("same_person"):
        marking.confirm(proposal, by=room.team, at=room.ends + 16 * DAY)
    also_student = room.students[0]
    RoleGrant.objects.create(person=also_student, role=Role.ATTENDANCE_TEAM)
    with refused("own_record"):
        marking.confirm(proposal, by=also_student, at=room.ends + 16 * DAY)
    with refused("team"):
        marking.confirm(proposal, by=room.lecturer, at=room.ends + 16 * DAY)
    assert {status for _, status, *_ in room.marks()} == {Status.ABSENT}


def test_what_changed_since_is_not_confirmed(room: Class):
    proposal = proposed(room)
    room.mark(Status.LATE, by=room.team, at=room.ends + 8 * DAY, students=room.students[:1], **WHY)
    with refused("changed"):
        marking.confirm(proposal, by=room.second, at=room.ends + 16 * DAY)


def test_it_is_decided_once_and_declined_with_a_reason(room: Class):
    proposal = proposed(room)
    at = room.ends + 16 * DAY
    with refused("needs_reason"):
        marking.decline(proposal, by=room.second, at=at)
    marking.decline(proposal, by=room.second, at=at, answer="No list was handed in")
    for deed in (marking.confirm, marking.decline):
        with refused("decided"):
            deed(proposal, by=room.second, at=at)
    mine = marking.propose(room.session, room.students, Status.PRESENT, by=room.team, at=at, reason_code=Reason.OTHER)
    assert marking.decline(mine, by=room.team, at=at).state == "withdrawn"


def test_who_may_not_amend_may_not_propose(room: Class):
    room.mark(Status.ABSENT)
    at, why = room.ends + 15 * DAY, Why(Reason.OTHER)
    wanted = [Entry(one, Status.PRESENT) for one in room.students]
    with refused("team"):
        mark(room.session, wanted, act=Act(room.lecturer, at, proved_at=at), why=why)
    so_already = [Entry(one, Status.ABSENT) for one in room.students]
    assert mark(room.session, so_already, act=Act(room.team, at, proved_at=at), why=why) == Done([])
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("fields", [{"state": "confirmed"}, {"decided_at": NINE}])
def test_the_database_knows_who_decided(room: Class, fields: dict[str, Any]):
    proposed(room)
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.update(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.update(state="confirmed", decided_by=room.team, decided_at=NINE)


# Undo


def last(room: Class, by: Person | None = None) -> int:
    return amendments.undoable(room.session, by or room.lecturer, NINE)[0][-1].pk


def test_undo_gives_back_status_source_and_time(room: Class):
    opening = open_checkin(room.session, by=room.lecturer, at=NINE)
    seen = NINE + timedelta(minutes=17)
    record_scans([attempt(opening, room.students[0], first_seen_at=seen, finished_at=seen, late=True, minutes_late=17)])
    room.mark(Status.LATE, students=room.students[1:2], seen_at=seen, at=NINE + HOUR)
    before = room.marks()
    room.mark(Status.ABSENT, at=NINE + 2 * HOUR, **WHY)
    assert room.marks() != before
    assert marking.undo(room.session, last(room), by=room.lecturer, at=NINE + 2 * HOUR) == 3
    assert room.marks() == before
    steps = list(MarkChange.objects.filter(reason_code=Reason.UNDONE).order_by("pk").values_list("before", "after", "by"))
    assert [after for _, after, _ in steps] == [before[0][1], before[1][1], Status.EXPECTED]
    assert {by for *_, by in steps} == {room.lecturer.pk}
    assert Event.objects.filter(verb="mark.undo").count() == 3


def test_a_first_mark_that_is_undone_is_gone_and_the_live_register_hears_of_it(room: Class):
    room.mark(students=room.students[:1])
    since = newest_change()
    marking.undo(room.session, last(room), by=room.lecturer, at=NINE)
    assert not Mark.objects.exists()
    (seen,) = changes_since([room.session.pk], since)
    assert (seen.student_ref, seen.status) == (room.students[0].ref, Status.EXPECTED)
    room.mark(students=room.students[:1])  # and it can be marked again


def test_only_the_last_change_of_ones_own_is_undone_and_only_once(room: Class):
    room.mark(students=room.students[:1])
    first = last(room)
    room.mark(students=room.students[1:2], at=NINE + HOUR)
    with refused("nothing_to_undo"):
        marking.undo(room.session, first, by=room.lecturer, at=NINE + HOUR)
    with refused("nothing_to_undo"):
        marking.undo(room.session, first, by=room.other, at=NINE + HOUR)
    change = last(room)
    marking.undo(room.session, change, by=room.lecturer, at=NINE + HOUR)
    with refused("nothing_to_undo"):
        marking.undo(room.session, change, by=room.lecturer, at=NINE + HOUR)
    assert [student for student, *_ in room.marks()] == [room.students[0].pk]


def test_what_happened_since_is_not_undone(room: Class):
    room.mark(Status.ABSENT)
    room.mark(Status.PRESENT, by=room.other, students=room.students[:1], at=NINE + HOUR, **WHY)
    with refused("newer"):
        marking.undo(room.session, last(room), by=room.lecturer, at=NINE + HOUR)


def test_an_answer_and_a_confirmed_change_stay(room: Class):
    room.mark(Status.ABSENT, by=room.other)
    query = raise_query(room.session, room.students[0], at=room.ends)
    answer_query(query, by=room.lecturer, at=room.ends, reason="Seen", status=Status.PRESENT)
    with refused("answered_someone"):
        marking.undo(room.session, last(room), by=room.lecturer, at=room.ends)
    proposal = marking.propose(
        room.session, room.students, Status.LATE, by=room.team, at=room.ends + 15 * DAY, reason_code=Reason.OTHER
    )
    marking.confirm(proposal, by=room.second, at=room.ends + 15 * DAY)
    with refused("confirmed"):
        marking.undo(room.session, last(room, room.team), by=room.team, at=room.ends + 15 * DAY)


def test_undo_keeps_to_the_deadline_and_opens_the_task_again(room: Class):
    close_registers([room.session], at=room.ends + 2 * DAY)
    room.mark(Status.PRESENT, at=room.ends + 3 * DAY)
    assert Register.objects.get().state == Register.State.CLOSED
    with refused("team"):
        marking.undo(room.session, last(room), by=room.lecturer, at=room.ends + 7 * DAY)
    marking.undo(room.session, last(room), by=room.lecturer, at=room.ends + 3 * DAY)
    assert Register.objects.get().state == Register.State.NOT_OBSERVED
    assert {(status, source) for _, status, source, *_ in room.marks()} == {(Status.NOT_OBSERVED, Source.SYSTEM)}


@pytest.mark.parametrize(
    ("number", "later", "code"),
    [(21, HOUR - timedelta(minutes=1), None), (21, HOUR, "not_alone"), (20, HOUR, None), (1, 15 * DAY, "not_alone")],
)
def test_many_marks_or_old_ones_are_not_one_persons_to_undo(world: World, number: int, later: timedelta, code: str | None):
    room = Class(world, number)
    room.mark(Status.PRESENT, by=room.team)
    change, at = last(room, room.team), NINE + later
    if code is None:
        assert marking.undo(room.session, change, by=room.team, at=at) == number
        return
    with refused(code):
        marking.undo(room.session, change, by=room.team, at=at)
    assert len(room.marks()) == number


# Reported outside


def report(room: Class, **more: Any) -> ReportedPeriod:
    day = room.session.starts_on
    return reported.report_period(
        ReportedPeriod.Body.SLC, **{"by": room.team, "at": room.ends, "starts_on": day, "ends_on": day, **more}
    )


def test_a_change_after_a_report_is_the_teams_and_is_told(room: Class):
    room.mark(Status.ABSENT)
    period = report(room, student=room.students[0])
    with refused("reported"):
        room.mark(Status.PRESENT, at=room.ends + HOUR, students=room.students[:2], **WHY)
    room.mark(Status.PRESENT, at=room.ends + HOUR, students=room.students[1:2], **WHY)  # somebody else's was not reported
    assert not Correction.objects.exists()
    room.mark(Status.PRESENT, by=room.team, at=room.ends + HOUR, students=room.students[:1], **WHY)
    correction = Correction.objects.get()
    assert (correction.period, correction.change.student, correction.change.after) == (period, room.students[0], Status.PRESENT)
    marking.undo(room.session, last(room, room.team), by=room.team, at=room.ends + HOUR)
    assert Correction.objects.count() == 2
    officer = room.world.person(Role.COMPLIANCE_SLC)
    for _ in range(2):
        reported.note_correction(correction, by=officer, at=room.ends + DAY)
    assert Event.objects.filter(verb="correction.seen").count() == 1


def test_days_that_were_not_reported_are_free(room: Class):
    room.mark(Status.ABSENT)
    day = room.session.starts_on
    report(room, starts_on=day - 30 * DAY, ends_on=day - DAY)
    report(room, starts_on=day + DAY, ends_on=day + 30 * DAY, at=room.ends + 31 * DAY)
    room.mark(Status.PRESENT, at=room.ends + HOUR, **WHY)
    with refused("backwards"):
        report(room, starts_on=day, ends_on=day - DAY)
    with refused("not_yet"):
        report(room, starts_on=day, ends_on=day + DAY)


def test_a_period_withdrawn_locks_nothing_and_keeps_its_corrections(room: Class):
    room.mark(Status.ABSENT)
    period = report(room)
    room.mark(Status.PRESENT, by=room.team, at=room.ends + HOUR, students=room.students[:1], **WHY)
    for _ in range(2):
        reported.withdraw_period(period, by=room.team, at=room.ends + HOUR)
    room.mark(Status.LATE, at=room.ends + HOUR, students=room.students[:1], **WHY)
    assert Correction.objects.count() == 1
    assert Event.objects.filter(verb="period.withdraw").count() == 1


# Any sequence of marks, with an undo after each


class UndoIsExact(TestCase):
    @settings(max_examples=30)
    @given(st.lists(st.tuples(st.sets(st.integers(0, 2), min_size=1), st.sampled_from(MARKABLE)), min_size=1, max_size=6))
    def test_after_an_undo_the_register_is_what_it_was(self, deeds: list[tuple[set[int], Status]]) -> None:
        room = Class(World())
        for n, (who, status) in enumerate(deeds):
            at = NINE + timedelta(minutes=n)
            before = room.marks()
            students = [room.students[k] for k in sorted(who)]
            if not room.mark(status, students=students, at=at, **WHY):
                continue
            marking.undo(room.session, last(room), by=room.lecturer, at=at + timedelta(seconds=30))
            assert room.marks() == before
            room.mark(status, students=students, at=at + timedelta(seconds=40), **WHY)
