"""Requests, decisions and evidence: what becomes of each, and that marks follow, both ways."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from adsum.absence import decisions, evidence, terms
from adsum.absence.linking import follow_timetable, sweep
from adsum.absence.models import AbsenceRequest, Evidence
from adsum.absence.reports import owner_of, requests_about, totals_of
from adsum.absence.rules import PRESETS, Cleaned, FileKind, Limits, Outcome, People, State, Told
from adsum.absence.services import share, tell, withdraw
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.foreseen import foreseen_in
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import Status
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession, Group, Place
from adsum.timetable.rules import Change
from adsum.timetable.services import facts_of
from tests.kit.absences import MONDAY, telling, told
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World, decide

DAY = timedelta(days=1)
FILE = Cleaned(FileKind.PDF, b"%PDF- a letter of Dr Planted")


class Ward:
    """A student with a class on each weekday of two weeks, and a member of the attendance team."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.group: Group = world.group(world.module("Algorithms", code="CS201"))
        self.student = world.student("Alice Abel", groups=[self.group])
        self.other = world.student("Bob Baker", groups=[self.group])
        self.lecturer, self.team = world.lecturer(), world.person(Role.ATTENDANCE_TEAM)
        for student in (self.student, self.other):
            world.enrol(student)
        self.classes = [
            world.session(self.group, starts_at=NINE + day * DAY, staff=[self.lecturer]) for day in (0, 1, 2, 3, 4, 7, 8, 9)
        ]

    def act(self, by: Person | None = None, days: float = 0) -> Act:
        return Act(by or self.team, NINE + days * DAY)

    def says(self) -> list[str]:
        """What is foreseen of the student, class by class."""
        found = foreseen_in([one.pk for one in self.classes])
        by_class = (found.get((one.pk, self.student.pk)) for one in self.classes)
        return [one.says if one else "" for one in by_class]

    def close(self, *classes: ClassSession) -> None:
        """These classes were held: the other student was there, and their registers have closed."""
        for one in classes:
            mark_students(one, [self.other], Status.PRESENT, by=self.lecturer, at=one.starts_at)
        close_registers(classes, at=max(one.ends_at for one in classes) + DAY)

    def mark(self, session: ClassSession) -> str:
        mark = Mark.objects.filter(session=session, student=self.student).first()
        return mark.status if mark else ""


@pytest.fixture
def ward(world: World) -> Ward:
    return Ward(world)


def code(raised: Any) -> str:
    return str(raised.value.code)


# Telling


@pytest.mark.parametrize(
    ("category", "first", "last", "state", "why", "says"),
    [
        ("illness", 0, 1, State.DECIDED, "", ["authorised", "authorised", ""]),
        ("illness", 0, 8, State.UNDER_DECISION, People.IN_A_ROW, ["under_decision"] * 3),
        ("jury", 1, 1, State.UNDER_DECISION, People.CATEGORY, ["", "under_decision", ""]),
        ("transport", 0, 0, State.TOLD, "", ["told", "", ""]),
    ],
)
def test_what_becomes_of_a_telling(ward: Ward, category: str, first: int, last: int, state: State, why: str, says: list[str]):
    request = told(ward.student, first, last, category=category)
    assert (request.state, request.why_people, ward.says()[:3]) == (state, why, says)
    assert request.due_on == (date(2026, 11, 26) if state == State.UNDER_DECISION else None)
    event = Event.objects.get(verb="absence.tell")
    assert not {category, why} & set(map(str, event.detail.values()))


def test_only_the_classes_chosen(ward: Ward):
    request = tell(ward.student, telling(0, 2, chosen=[ward.classes[1]]), act=ward.act(ward.student))
    assert request.by_class
    assert ward.says()[:3] == ["", "authorised", ""]


def test_staff_record_it_and_the_source_is_kept(ward: Ward):
    request = told(ward.student, by=ward.team, source=Told.PHONE)
    assert (request.told_by, request.source, request.student) == (ward.team, Told.PHONE, ward.student)
    ward.world.place(ward.team, ward.group)
    with pytest.raises(AdsumError) as refused:
        told(ward.team, by=ward.team, source=Told.DESK)
    assert code(refused) == "own_record"


def test_no_class_is_told_of_twice_but_one_that_was_refused(ward: Ward):
    first = told(ward.student, 0, 1, category="jury")
    with pytest.raises(AdsumError) as refused:
        told(ward.student, 1, 2)
    assert code(refused) == "told_already"
    decisions.decide(first, Outcome.REFUSED, words="No summons was shown.", act=ward.act())
    assert told(ward.student, 1, 2).state == State.DECIDED


def test_days_that_are_past_are_told_late_and_go_to_people(ward: Ward):
    ward.close(ward.classes[0])
    assert ward.mark(ward.classes[0]) == Status.ABSENT
    request = told(ward.student, 0, at=NINE + 8 * DAY)
    assert (request.late, request.why_people, ward.mark(ward.classes[0])) == (True, People.LATE, Status.PENDING)


def test_the_year_is_shared_by_two_tellings(ward: Ward):
    told(ward.student, 0, 4)
    assert told(ward.student, 7, 9).why_people == People.IN_A_ROW
    assert totals_of([ward.student.pk, ward.other.pk], on=MONDAY)[ward.student.pk].certified_days == 5
    assert totals_of([ward.other.pk], on=MONDAY)[ward.other.pk].requests == 0


def test_what_is_taken_back_is_as_if_it_had_not_been_told(ward: Ward):
    request = told(ward.student)
    evidence.keep(request, FILE, act=ward.act(ward.student))
    ward.close(ward.classes[0])
    assert ward.mark(ward.classes[0]) == Status.AUTHORISED
    withdraw(request, act=ward.act(ward.student, 3))
    assert (ward.says()[0], ward.mark(ward.classes[0])) == ("", Status.ABSENT)
    assert bytes(Evidence.objects.get().sealed) == b""
    decided = told(ward.student, 1, category="jury")
    decisions.decide(decided, Outcome.WHOLE, act=ward.act())
    with pytest.raises(AdsumError) as refused:
        withdraw(decided, act=ward.act(ward.student))
    assert code(refused) == "decided"


# Deciding


def test_a_decision_in_part_and_again_and_the_marks_follow(ward: Ward):
    request = told(ward.student, 0, 2, category="jury")
    ward.close(*ward.classes[:2])
    assert [ward.mark(one) for one in ward.classes[:2]] == [Status.PENDING] * 2
    decisions.decide(request, Outcome.PART, words="You were back.", refused=ward.classes[1:2], act=ward.act(days=3))
    assert [ward.mark(one) for one in ward.classes[:2]] == [Status.AUTHORISED, Status.ABSENT]
    assert ward.says()[:3] == ["authorised", "", "authorised"]
    request.refresh_from_db()
    assert (request.state, request.due_on) == (State.DECIDED, None)
    decisions.decide(request, Outcome.WHOLE, act=ward.act(days=4))
    assert [ward.mark(one) for one in ward.classes[:2]] == [Status.AUTHORISED] * 2
    steps = MarkChange.objects.filter(session=ward.classes[1], student=ward.student).order_by("pk")
    assert [step.after for step in steps] == [Status.PENDING, Status.ABSENT, Status.AUTHORISED]
    assert list(requests_about(ward.student, ward.classes[1])) == [request]
    assert not requests_about(ward.other, ward.classes[1])


@pytest.mark.parametrize(
    ("outcome", "words", "refused", "by", "why"),
    [
        (Outcome.REFUSED, " ", [], "team", "no_words"),
        (Outcome.EVIDENCE, "", [], "team", "no_words"),
        (Outcome.PART, "x", [], "team", "not_in_part"),
        (Outcome.PART, "x", [0, 1], "team", "not_in_part"),
        (Outcome.PART, "x", [5], "team", "not_in_part"),
        (Outcome.WHOLE, "", [], "student", "own_record"),
    ],
)
def test_what_cannot_be_decided(ward: Ward, outcome: Outcome, words: str, refused: list[int], by: str, why: str):
    request = told(ward.student, 0, 1, category="jury")
    with pytest.raises(AdsumError) as raised:
        decisions.decide(
            request, outcome, words=words, refused=[ward.classes[nth] for nth in refused], act=ward.act(getattr(ward, by))
        )
    assert code(raised) == why
    assert AbsenceRequest.objects.get().state == State.UNDER_DECISION


def test_nothing_is_decided_of_what_was_taken_back_or_only_told(ward: Ward):
    for request in (told(ward.student, 0, category="transport"), told(ward.student, 1, category="jury")):
        if request.category == "jury":
            withdraw(request, act=ward.act(ward.student))
        with pytest.raises(AdsumError) as refused:
            decisions.decide(request, Outcome.WHOLE, act=ward.act())
        assert code(refused) == "settled"


def test_several_are_decided_together_each_with_its_own_event(ward: Ward):
    requests = [told(student, day, category="jury") for student, day in ((ward.student, 0), (ward.other, 0), (ward.student, 2))]
    withdraw(requests[1], act=ward.act(ward.other))
    done = decisions.decide_together(requests, Outcome.WHOLE, words="", act=ward.act())
    assert done == [requests[0], requests[2]]
    assert Event.objects.filter(verb="absence.decide").count() == 2
    assert ward.says()[:3] == ["authorised", "", "authorised"]


# Evidence


def test_evidence_is_asked_for_once_and_the_days_begin_again(ward: Ward):
    request = told(ward.student, 0, category="jury")
    decisions.decide(request, Outcome.EVIDENCE, words="The summons, please.", act=ward.act(days=1))
    request.refresh_from_db()
    assert (request.state, request.due_on) == (State.UNDER_DECISION, None)
    evidence.keep(request, FILE, act=ward.act(ward.student, 7))
    request.refresh_from_db()
    assert (request.due_on, request.evidence_asked_at) == (date(2026, 12, 3), None)
    again = told(ward.student, 1, category="jury")
    for one in (request, again):
        with pytest.raises(AdsumError) as refused:
            decisions.decide(one, Outcome.EVIDENCE, words="More, please.", act=ward.act(days=7))
        assert code(refused) == "evidence_known"


def test_evidence_is_sealed_read_with_a_trace_and_deleted_on_time(ward: Ward):
    request = told(ward.student, 0, category="jury")
    file = evidence.keep(request, FILE, act=ward.act(ward.student))
    assert b"Planted" not in bytes(Evidence.objects.get().sealed)
    assert evidence.read(file, act=ward.act(ward.student)) == FILE.content
    assert not Event.objects.filter(verb="absence.evidence_read").exists()
    assert evidence.read(file, act=ward.act()) == FILE.content
    assert Event.objects.filter(verb="absence.evidence_read").count() == 1
    decisions.decide(request, Outcome.WHOLE, act=ward.act())
    file.refresh_from_db()
    assert file.delete_on == MONDAY + 90 * DAY
    assert [evidence.dispose(at=NINE + days * DAY) for days in (89, 90, 91)] == [0, 1, 0]
    assert Event.objects.get(verb="absence.evidence_dispose").detail["count"] == 1
    file.refresh_from_db()
    with pytest.raises(AdsumError) as refused:
        evidence.read(file, act=ward.act())
    assert code(refused) == "deleted"


def test_the_database_keeps_no_deleted_evidence(ward: Ward):
    file = evidence.keep(told(ward.student), FILE, act=ward.act(ward.student))
    with pytest.raises(IntegrityError), transaction.atomic():
        Evidence.objects.filter(pk=file.pk).update(deleted_at=NINE)


def test_five_files_and_no_more(ward: Ward):
    request = told(ward.student, category="jury")
    files = [evidence.keep(request, FILE, act=ward.act(ward.student)) for _ in range(5)]
    with pytest.raises(AdsumError) as refused:
        evidence.keep(request, FILE, act=ward.act(ward.student))
    assert code(refused) == "too_many"
    evidence.delete(files[0], act=ward.act(ward.student))
    evidence.keep(request, FILE, act=ward.act(ward.student))


# The timetable changes


def test_links_follow_a_class_that_moves_in_and_out(ward: Ward):
    told(ward.student, 0, 1)
    follow_timetable(at=NINE)
    outside, inside = ward.classes[2], ward.classes[1]
    for session, days in ((outside, -1), (inside, 1)):
        before = facts_of(ClassSession.objects.select_related("module").get(pk=session.pk))
        session.starts_at += days * DAY
        session.ends_at += days * DAY
        session.starts_on += days * DAY
        decide(session, Change.MOVED, before, at=NINE, actor="system:test")
    assert follow_timetable(at=NINE) == 1
    assert ward.says()[:3] == ["authorised", "", "authorised"]
    assert follow_timetable(at=NINE) == 0


def test_a_place_that_ends_is_noticed_at_night(ward: Ward):
    told(ward.student, 0, 1)
    Place.objects.filter(person=ward.student).update(ends_on=MONDAY)
    sweep(today=MONDAY, at=NINE)
    assert ward.says()[:2] == ["authorised", ""]


# The rules are the university's


def test_numbers_categories_and_who_decides(ward: Ward):
    at = NINE - 5 * DAY
    limits = Limits(in_a_row=1, a_year=10, due_days=1, late_days=5, evidence_days=30)
    terms.make_terms(limits, valid_from=MONDAY, today=MONDAY - 3 * DAY, by=ward.team, at=at)
    deputy, decider = ward.world.person(Role.DEPARTMENT), ward.world.person(Role.DEPARTMENT)
    everything: dict[str, Any] = {"category": "", "group": ward.group, "department": None, "by": ward.team, "at": at}
    route = terms.add_route(decider=decider, deputy=deputy, **everything)
    request = told(ward.student, 0, 1)
    assert (request.why_people, request.due_on, owner_of(request)) == (People.IN_A_ROW, MONDAY + DAY, decider)
    decider.is_active = False
    decider.save()
    assert owner_of(AbsenceRequest.objects.get()) == deputy
    terms.end_route(route, by=ward.team, at=at)
    assert owner_of(told(ward.student, 2, 3)) is None
    terms.save_category(replace(PRESETS["jury"], self_certifies=True), by=ward.team, at=at)
    assert told(ward.student, 7, category="jury").state == State.DECIDED
    with pytest.raises(AdsumError) as refused:
        terms.make_terms(limits, valid_from=MONDAY, today=MONDAY, by=ward.team, at=at)
    assert code(refused) == "too_soon"


def test_sharing_is_the_students(ward: Ward):
    request = told(ward.student)
    share(request, True, act=ward.act(ward.student))
    share(request, True, act=ward.act(ward.student))
    assert AbsenceRequest.objects.get().shared
    assert Event.objects.filter(verb="absence.share").count() == 1
