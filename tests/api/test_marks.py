"""Marks by hand through the API: the verb of the pages, and everything that it refuses."""

from datetime import timedelta
from typing import Any

import pytest

from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.rules import PROOF_ABOVE, Reason, Status
from adsum.timetable.models import ClassSession
from tests.api.conftest import Place
from tests.kit.api import problem, tool
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


def test_what_a_person_would_prove_themselves_for_is_refused(world: World, place: Place):
    """More changes than a person may make without a proof: a token cannot give one."""
    students = [world.student(groups=[place.session.groups.get()]) for _ in range(PROOF_ABOVE + 1)]
    mark_students(place.session, students, Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    lecturers = tool(world)
    body = wanted(*students, status="absent_unauthorised", reason="not_in_class")
    assert problem(lecturers.post(f"/classes/{place.session.ref}/marks", body)) == (403, "needs_proof")
    assert not Mark.objects.filter(status=Status.ABSENT).exists()


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
