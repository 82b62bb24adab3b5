"""Held scans: what accepting, undoing and answering make of them, one by one, all at once, and long after the class."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance import queries
from adsum.attendance.models import Mark, MarkChange, Proposal, Query
from adsum.attendance.rules import Needs, Reason, Status
from adsum.attendance.services import Proposed, mark_rest_absent
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.checkin import held
from adsum.checkin.models import HeldDecision, Scan
from adsum.checkin.reports import held_scans
from adsum.checkin.rules import Refusal
from adsum.checkin.services import close_classes, open_checkin, query_mark
from adsum.checkin.writer import record_scans
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from tests.kit import marking
from tests.kit.marking import mark_students
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
FIVE_PAST, AFTER = NINE + 5 * MINUTE, NINE + 80 * MINUTE


class Lab:
    """A class of two students with its lecturer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.group = world.group()
        self.lecturer = world.lecturer("Ada Lecturer")
        self.bob = world.student("Bob Baker", groups=[self.group])
        self.cara = world.student("Cara Cole", groups=[self.group])
        self.session: ClassSession = world.session(self.group, staff=[self.lecturer])
        self.opening = open_checkin(self.session, by=self.lecturer, at=NINE)

    def scan(self, student: Person, refusal: Refusal = Refusal.SAME_DEVICE, *, minutes: int = 5) -> Scan:
        seen = NINE + minutes * MINUTE
        given = attempt(
            self.opening, student, ref=uuid4(), ticket=uuid4(), verdict=refusal, first_seen_at=seen, finished_at=seen
        )
        record_scans([given])
        return Scan.objects.select_related("session", "student", "opening").get(ref=given.ref)

    def waiting(self) -> list[str]:
        return [scan.student.given_name for scan in held_scans(self.session)]

    def mark(self, student: Person) -> Mark:
        return Mark.objects.get(session=self.session, student=student)


@pytest.fixture
def lab(world: World) -> Lab:
    return Lab(world)


def accept(scan: Scan, by: Person, **more: Any) -> ClassSession | None:
    return marking.decide_held(scan, accept=True, by=by, at=more.get("at", FIVE_PAST))


# All at once


def test_of_two_scans_of_one_student_the_first_counts(lab: Lab):
    first, second = lab.scan(lab.bob, minutes=5), lab.scan(lab.bob, minutes=20)
    assert marking.accept_all_held(lab.session, by=lab.lecturer, at=NINE + 21 * MINUTE) == 1
    mark = lab.mark(lab.bob)
    assert (mark.status, mark.at) == (Status.PRESENT, first.first_seen_at), "not late by the second"
    assert lab.waiting() == []
    with pytest.raises(AdsumError, match="in already"):
        accept(second, lab.lecturer)
    assert lab.mark(lab.bob).at == first.first_seen_at


@pytest.mark.parametrize(("students", "refused"), [(20, False), (21, True)])
def test_many_after_the_close_are_one_change(lab: Lab, students: int, refused: bool):
    for _ in range(students):
        lab.scan(lab.world.student(groups=[lab.group]))
    mark_students(lab.session, [lab.cara], Status.PRESENT, by=lab.lecturer, at=FIVE_PAST)
    close_classes([lab.session], at=AFTER)
    if refused:
        before = Event.objects.count()
        with pytest.raises(AdsumError) as said:
            marking.accept_all_held(lab.session, by=lab.lecturer, at=AFTER)
        assert said.value.code == "second_person"
        assert (HeldDecision.objects.count(), Event.objects.count()) == (0, before)
    else:
        assert marking.accept_all_held(lab.session, by=lab.lecturer, at=AFTER) == students


def test_nothing_that_waits_needs_nothing(lab: Lab):
    assert marking.accept_all_held(lab.session, by=lab.lecturer, at=AFTER + timedelta(days=30)) == 0


# A late enrolment


def test_whoever_is_on_the_list_by_now_is_present_not_of_another_group(lab: Lab):
    late = lab.world.student("Lena Late")
    scan = lab.scan(late, Refusal.NOT_EXPECTED)
    lab.world.place(late, lab.group)
    accept(scan, lab.lecturer)
    assert lab.mark(late).status == Status.PRESENT


# Undo


@pytest.mark.parametrize("refusal", [Refusal.SAME_DEVICE, Refusal.NOT_EXPECTED])
def test_an_accepted_scan_is_not_undone(lab: Lab, refusal: Refusal):
    student = lab.bob if refusal == Refusal.SAME_DEVICE else lab.world.student("Vera Visitor")
    accept(lab.scan(student, refusal), lab.lecturer)
    step = MarkChange.objects.get(student=student)
    assert step.reason_code == Reason.SCAN_ACCEPTED
    with pytest.raises(AdsumError) as kept:
        marking.undo(lab.session, step.pk, by=lab.lecturer, at=FIVE_PAST + MINUTE)
    assert kept.value.code == "answered_someone"
    assert Mark.objects.filter(student=student).exists()


# Queries about the same scan


def test_accepting_upholds_the_query_that_closing_raised(lab: Lab):
    scan = lab.scan(lab.bob)
    mark_students(lab.session, [lab.cara], Status.PRESENT, by=lab.lecturer, at=FIVE_PAST)
    close_classes([lab.session], at=AFTER)
    assert Query.objects.get().state == Query.State.OPEN
    accept(scan, lab.lecturer, at=AFTER)
    query, step = Query.objects.get(), MarkChange.objects.filter(student=lab.bob).latest("pk")
    assert (query.state, query.answered_by, query.answer) == ("upheld", lab.lecturer, "Your scan was accepted.")
    assert (step.before, step.after, step.reason_code) == (Status.ABSENT, Status.PRESENT, Reason.QUERY_UPHELD)
    assert lab.mark(lab.bob).at == scan.first_seen_at
    assert list(Event.objects.order_by("pk").values_list("verb", flat=True))[-3:] == [
        "mark.amend",
        "held.accept",
        "query.upheld",
    ]


def test_all_at_once_upholds_too_though_the_query_names_a_later_scan(lab: Lab):
    lab.scan(lab.bob, minutes=5)
    last = lab.scan(lab.bob, minutes=9)
    assert query_mark(lab.session, lab.bob, at=NINE + 10 * MINUTE).evidence["scan"] == str(last.ref)
    marking.accept_all_held(lab.session, by=lab.lecturer, at=NINE + 11 * MINUTE)
    assert Query.objects.get().state == Query.State.UPHELD


def test_a_query_about_something_else_stays_open(lab: Lab):
    queries.raise_query(lab.session, lab.bob, at=FIVE_PAST, text="I had to leave at ten.")
    accept(lab.scan(lab.bob), lab.lecturer)
    assert Query.objects.get().state == Query.State.OPEN


def test_declining_a_scan_leaves_the_query_to_be_answered(lab: Lab):
    scan = lab.scan(lab.bob)
    query_mark(lab.session, lab.bob, at=FIVE_PAST)
    marking.decide_held(scan, accept=False, by=lab.lecturer, at=FIVE_PAST)
    assert Query.objects.get().state == Query.State.OPEN


@pytest.mark.parametrize("status", [None, Status.ABSENT, Status.PRESENT])
def test_answering_a_query_decides_what_waits(lab: Lab, status: Status | None):
    lab.scan(lab.bob)
    lab.scan(lab.cara)
    query = query_mark(lab.session, lab.bob, at=FIVE_PAST)
    marking.answer_query(query, by=lab.lecturer, at=FIVE_PAST, reason="Seen, or not", status=status)
    assert lab.waiting() == ["Cara"]
    declined = HeldDecision.objects.filter(accepted=False, by=lab.lecturer, scan__student=lab.bob)
    assert declined.count() == (0 if status == Status.PRESENT else 1), "whoever is in has nothing that waits"


def test_queries_upheld_together_decide_what_waits(lab: Lab):
    lab.scan(lab.bob), lab.scan(lab.cara)
    asked = [query_mark(lab.session, student, at=FIVE_PAST) for student in (lab.bob, lab.cara)]
    marking.uphold_together(asked, Status.AUTHORISED, by=lab.lecturer, at=FIVE_PAST, reason="The fire alarm")
    assert lab.waiting() == []
    verbs = list(Event.objects.filter(verb__in=["query.upheld", "held.decline"]).values_list("verb", flat=True))
    assert sorted(verbs) == ["held.decline"] * 2 + ["query.upheld"] * 2


# A second person


def test_long_after_the_class_a_colleague_confirms(lab: Lab):
    scan = lab.scan(lab.bob)
    old = AFTER + timedelta(days=15)
    asker, colleague = (lab.world.person(Role.ATTENDANCE_TEAM) for _ in range(2))
    with pytest.raises(AdsumError) as said:
        accept(scan, asker, at=old)
    assert said.value.code == "second_person"
    act = Act(asker, old, proved_at=old)
    assert held.decide_held(scan, accept=True, act=act._replace(proved_at=None)) is Needs.PROOF
    asked = held.decide_held(scan, accept=True, act=act)
    assert isinstance(asked, Proposed)
    assert lab.waiting() == ["Bob"], "nothing has changed yet"
    with pytest.raises(AdsumError, match="been asked"):
        held.decide_held(scan, accept=True, act=act)
    marking.confirm(asked.proposal, by=colleague, at=old)
    mark = lab.mark(lab.bob)
    assert (mark.status, mark.at) == (Status.PRESENT, scan.first_seen_at)
    assert lab.waiting() == []


def test_the_rest_absent_long_after_the_class_is_asked_of_a_colleague_too(lab: Lab):
    mark_students(lab.session, [lab.bob], Status.PRESENT, by=lab.lecturer, at=FIVE_PAST)
    asker, colleague = (lab.world.person(Role.ATTENDANCE_TEAM) for _ in range(2))
    old = AFTER + timedelta(days=15)
    mark_rest_absent(lab.session, act=Act(asker, old, proved_at=old))
    proposal = Proposal.objects.get()
    assert [row.student for row in proposal.marks.all()] == [lab.cara]
    marking.confirm(proposal, by=colleague, at=AFTER + timedelta(days=15))
    assert lab.mark(lab.cara).status == Status.ABSENT
