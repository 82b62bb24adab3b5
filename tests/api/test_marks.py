"""Marks by hand through the API: the verb of the pages, and everything that it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance import amendments, weighing
from adsum.attendance.models import Mark, MarkChange, Proposal
from adsum.attendance.rules import PROOF_ABOVE, Needs, Reason, Source, Status
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from tests.api.conftest import Place
from tests.kit.api import Tool, problem, register, tool
from tests.kit.marking import mark_students
from tests.kit.world import World

pytestmark = pytest.mark.django_db


def wanted(*students: Any, status: str = "present", **more: Any) -> dict[str, Any]:
    return {"marks": [{"student": str(one.ref), "status": status} for one in students], **more}


def test_marks_as_a_lecturer_ticks_them(world: World, place: Place):
    lecturers = tool(world, departments=[place.computing])
    answer = lecturers.post(f"/classes/{place.session.ref}/marks", wanted(*place.students))
    assert answer.status_code == 200
    assert [one["mark"]["status"] for one in answer.json()["marks"]] == ["present"] * 3
    step = MarkChange.objects.filter(student=place.students[0]).get()
    assert (step.by_id, step.source) == (lecturers.application.person_id, "staff")
    assert lecturers.get(f"/classes/{place.session.ref}/register")["ETag"] == answer["ETag"]
    again = lecturers.post(f"/classes/{place.session.ref}/marks", wanted(*place.students))
    assert again.json() == {"outcome": "done", "marks": []}


def test_a_mark_that_is_there_changes_with_a_reason(world: World, place: Place):
    ada = place.students[0]
    mark_students(place.session, [ada], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    lecturers, path = tool(world), f"/classes/{place.session.ref}/marks"
    assert problem(lecturers.post(path, wanted(ada, status="absent_unauthorised"))) == (422, "needs_reason")
    body = wanted(ada, status="absent_unauthorised", reason="other", words=" ")
    assert problem(lecturers.post(path, body)) == (422, "needs_words")
    body = wanted(ada, status="absent_unauthorised", reason="outage")
    assert problem(lecturers.post(path, body)) == (422, "given_by_itself")
    assert lecturers.post(path, wanted(ada, status="absent_unauthorised", reason="not_in_class")).status_code == 200
    assert Mark.objects.get(student=ada).status == Status.ABSENT


def present(world: World, place: Place, number: int) -> list[Person]:
    """So many more students of the class, each with a mark by the lecturer."""
    students = [world.student(groups=[place.session.groups.get()]) for _ in range(number)]
    mark_students(place.session, students, Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    return students


def test_for_what_a_person_would_prove_themselves_a_colleague_is_asked(world: World, place: Place):
    """More changes than a person may make without a proof: a token cannot give one, the colleague does."""
    students, lecturers, path = present(world, place, PROOF_ABOVE + 1), tool(world), f"/classes/{place.session.ref}/marks"
    body = wanted(*students, status="absent_unauthorised", reason="not_in_class")
    mixed = {**body, "marks": [*body["marks"][1:], {"student": str(students[0].ref), "status": "absent_authorised"}]}
    assert problem(lecturers.post(path, mixed)) == (409, "second_person")
    answer = lecturers.post(path, body)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "proposed")
    assert not Mark.objects.filter(status=Status.ABSENT).exists()
    asked = Proposal.objects.get(ref=answer.json()["proposal"])
    at, team = datetime.now(UTC), world.person(Role.ATTENDANCE_TEAM)
    assert amendments.confirm(asked, act=Act(team, at)) == Needs.PROOF
    for one in (lecturers.application.keeper, lecturers.application.made_by):
        with pytest.raises(AdsumError) as refused:
            amendments.confirm(asked, act=Act(one, at, proved_at=at))
        assert refused.value.code == "same_person"
    amendments.confirm(asked, act=Act(team, at, proved_at=at))
    assert Mark.objects.filter(status=Status.ABSENT).count() == len(students)
    assert lecturers.post(path, wanted(students[0], reason="seen_in_class")).status_code == 200  # what is confirmed counts not


def test_bit_by_bit_is_no_way_around_a_colleague(world: World, place: Place, monkeypatch: pytest.MonkeyPatch):
    students, lecturers, path = present(world, place, PROOF_ABOVE + 2), tool(world), f"/classes/{place.session.ref}/marks"
    assert lecturers.post(path, wanted(*place.students)).status_code == 200  # first marks are no changes
    found = [
        lecturers.post(path, wanted(one, status="absent_unauthorised", reason="not_in_class")).status_code for one in students
    ]
    assert found == [200] * PROOF_ABOVE + [202, 202]
    other, body = tool(world), wanted(students[0], reason="seen_in_class")
    monkeypatch.setattr(weighing, "BY_TOKEN_ABOVE", 0)  # of its day, over all classes
    assert other.post(path, body).status_code == 202
    monkeypatch.undo()
    assert other.post(path, body).status_code == 200


def test_without_a_reason_no_colleague_is_asked(world: World, place: Place):
    students = present(world, place, PROOF_ABOVE + 1)
    Mark.objects.update(source=Source.SYSTEM)
    answer = tool(world).post(f"/classes/{place.session.ref}/marks", wanted(*students, status="absent_unauthorised"))
    assert problem(answer) == (422, "needs_reason")


def test_marks_of_those_who_answer_for_it(world: World, place: Place):
    keeper = place.students[0]
    lecturers = Tool(register(world, keeper=keeper))
    assert problem(lecturers.post(f"/classes/{place.session.ref}/marks", wanted(keeper))) == (403, "own_record")


def test_what_cannot_be_sent(world: World, place: Place):
    lecturers, path = tool(world), f"/classes/{place.session.ref}/marks"
    ada, stranger = place.students[0], world.student()
    beside = str(place.session.ends_at + timedelta(hours=3))
    for body, code in (
        (wanted(stranger), "not_on_register"),
        (wanted(ada, ada), "named_twice"),
        (wanted(ada, status="expected"), "no_status"),
        ({"marks": [{"student": str(ada.ref), "status": "late", "seen_at": beside}]}, "not_in_class"),
        (wanted(ada, reason="other", words="a\0b"), "not_as_described"),
        ({"marks": []}, "not_as_described"),
        ({"marks": [{"student": str(ada.ref), "status": "present", "by": "me"}]}, "not_as_described"),
    ):
        assert problem(lecturers.post(path, body)) == (422, code)
    assert problem(lecturers.post(path, "{")) == (400, "unreadable")
    assert not Mark.objects.exists()


def test_the_size_and_kind_of_a_body(world: World, place: Place):
    lecturers, path = tool(world), f"/classes/{place.session.ref}/marks"
    assert problem(lecturers.post(path, " " * 1_100_000)) == (413, "too_large")
    answer = lecturers.client.post(f"/api/v1{path}", "a=b", content_type="application/x-www-form-urlencoded")
    assert problem(answer) == (415, "not_json")


def test_if_match_keeps_what_somebody_else_changed(world: World, place: Place):
    lecturers, path = tool(world), f"/classes/{place.session.ref}"
    ada, bell, _cy = place.students
    seen = lecturers.get(f"{path}/register")["ETag"]
    mark_students(place.session, [ada], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    answer = lecturers.post(f"{path}/marks", wanted(bell), headers={"If-Match": seen})
    assert problem(answer) == (412, "changed")
    seen = lecturers.get(f"{path}/register")["ETag"]
    answer = lecturers.post(f"{path}/marks", wanted(bell), headers={"If-Match": f'"x", {seen}'})
    assert answer.status_code == 200


def test_nothing_is_marked_too_early_or_in_a_cancelled_class(world: World, place: Place):
    ahead = world.session(place.session.groups.get(), starts_at=place.session.starts_at + timedelta(days=2))
    lecturers = tool(world)
    assert problem(lecturers.post(f"/classes/{ahead.ref}/marks", wanted(place.students[0]))) == (409, "ahead")
    ClassSession.objects.filter(pk=place.session.pk).update(status="cancelled")
    assert problem(lecturers.post(f"/classes/{place.session.ref}/marks", wanted(place.students[0]))) == (409, "cancelled")


def test_the_reasons_that_are_offered_are_those_of_the_pages():
    from adsum.attendance.rules import GIVEN_BY_THEMSELVES
    from adsum.web.teaching.marks import REASON_CHOICES

    assert {value for value, _ in REASON_CHOICES if value} == set(Reason) - GIVEN_BY_THEMSELVES
