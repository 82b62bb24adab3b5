"""Classes, registers, students, records: what is read, of whom, and that it is noted."""

import json
from datetime import timedelta

import pytest

from adsum.accounts.application_rules import Scope
from adsum.attendance.rules import Status
from adsum.audit.models import AccessLog
from tests.api.conftest import Place
from tests.kit.api import problem, tool
from tests.kit.marking import mark_students
from tests.kit.world import World

pytestmark = pytest.mark.django_db


def test_a_class_as_its_department_sees_it(world: World, place: Place):
    told = tool(world).get(f"/classes/{place.session.ref}").json()
    assert told["ref"] == str(place.session.ref)
    assert told["module"] == {"code": place.session.module.code, "title": "Logic"}
    assert told["rooms"] == ["C2.01"]
    assert told["staff"] == [{"ref": str(place.lecturer.ref), "name": "Lee Long"}]
    assert told["starts_at"] == place.session.starts_at.isoformat().replace("+00:00", "Z")


def test_classes_come_in_pages_and_each_once(world: World, place: Place):
    group = place.session.groups.get()
    made = [world.session(group, starts_at=place.session.starts_at + timedelta(hours=n // 2)) for n in range(7)]
    warehouse = tool(world, Scope.CLASSES_READ, departments=[place.computing])
    seen, cursor = [], ""
    for _page in range(4):
        answer = warehouse.get("/classes", limit=3, cursor=cursor).json()
        seen += [one["ref"] for one in answer["classes"]]
        cursor = answer["next"] or ""
        if not cursor:
            break
    assert sorted(seen) == sorted(str(one.ref) for one in [place.session, *made])
    assert len(seen) == len(set(seen))


def test_classes_of_some_days_and_of_a_module(world: World, place: Place):
    later = world.session(place.session.groups.get(), starts_at=place.session.starts_at + timedelta(days=3))
    warehouse = tool(world)
    answer = warehouse.get("/classes", **{"from": str(later.starts_on), "module": place.session.module.code})
    assert [one["ref"] for one in answer.json()["classes"]] == [str(later.ref)]
    assert warehouse.get("/classes", to="1900-01-02").json() == {"classes": [], "next": None}
    assert problem(warehouse.get("/classes", to="0001-01-01")) == (422, "no_such_day")
    for day in ("tomorrow", "0", "2026-1-1", "20260101", "2026-01-01T00:00:00Z"):
        assert problem(warehouse.get("/classes", to=day)) == (422, "not_as_described")


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "bnVsbA", "WzEsMl0", "WyIyMDI2IiwgMV0", "€", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsMWU5OV0"]
)
def test_a_cursor_that_we_never_gave(world: World, place: Place, cursor: str):
    assert problem(tool(world).get("/classes", cursor=cursor)) == (422, "bad_cursor")


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_of_classes_costs_the_same(world: World, place: Place, rows: int, uncounted: None, django_assert_num_queries):
    for _ in range(rows - 1):
        world.session(place.session.groups.get(), starts_at=place.session.starts_at)
    warehouse = tool(world, Scope.CLASSES_READ, departments=[place.computing])
    warehouse.get("/classes")  # its token is known from here on
    with django_assert_num_queries(4):
        assert len(warehouse.get("/classes").json()["classes"]) == rows


def test_a_register_and_what_it_does_not_say(world: World, place: Place):
    ada, bell, _cy = place.students
    mark_students(place.session, [ada], Status.LATE, by=place.lecturer, at=place.session.starts_at + timedelta(minutes=7))
    answer = tool(world).get(f"/classes/{place.session.ref}/register")
    told = answer.json()
    assert [(one["student"]["ref"], one["expected"], (one["mark"] or {}).get("status")) for one in told["lines"]] == [
        (str(ada.ref), True, "late"),
        (str(bell.ref), True, None),
        (str(place.students[2].ref), True, None),
    ]
    assert told["lines"][0]["mark"]["minutes_late"] == 7
    assert told["lines"][0]["student"] == {"ref": str(ada.ref), "number": ada.number, "name": ada.display_name}
    assert "reason" not in answer.content.decode()


def test_a_register_that_is_known_is_not_sent_again(world: World, place: Place):
    warehouse, path = tool(world), f"/classes/{place.session.ref}/register"
    first = warehouse.get(path)
    assert warehouse.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    mark_students(place.session, place.students[:1], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    again = warehouse.get(path, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert again["ETag"] != first["ETag"]
    world.place(world.student(), place.session.groups.get())  # who is expected is part of it, too
    from adsum.accounts.generation import raise_generation

    raise_generation()  # as every verb that changes a roster does
    assert len(warehouse.get(path).json()["lines"]) == 4


def test_reading_a_register_is_noted_once(world: World, place: Place):
    warehouse = tool(world, departments=[place.computing])
    for _ in range(3):
        warehouse.get(f"/classes/{place.session.ref}/register")
    (look,) = AccessLog.objects.all()
    assert (look.viewer, look.role, look.page, look.department) == (
        warehouse.application.person_id,
        "department",
        "register",
        place.computing.pk,
    )


@pytest.mark.parametrize("students", [1, 3])
def test_a_register_costs_the_same(world: World, place: Place, students: int, uncounted: None, django_assert_num_queries):
    for one in place.students[students:]:
        one.is_active = False
        one.save()
    warehouse, path = tool(world), f"/classes/{place.session.ref}/register"
    known = warehouse.get(path)["ETag"]
    with django_assert_num_queries(3):  # the class; its version
        assert warehouse.get(path, headers={"If-None-Match": known}).status_code == 304
    with django_assert_num_queries(3):  # it is written out already
        assert len(warehouse.get(path).json()["lines"]) == students


def test_students_and_their_records(world: World, place: Place):
    ada = place.students[0]
    mark_students(place.session, [ada], Status.PRESENT, by=place.lecturer, at=place.session.starts_at)
    warehouse = tool(world, departments=[place.computing])
    listed = warehouse.get("/students").json()
    assert [one["number"] for one in listed["students"]] == [one.number for one in place.students]
    assert warehouse.get("/students", number=ada.number).json()["students"][0]["ref"] == str(ada.ref)
    told = warehouse.get(f"/students/{ada.ref}/record").json()
    assert told["sum"]["attended"] == told["sum"]["counted"] == 1
    assert [(one["class"], one["status"]) for one in told["classes"]] == [(str(place.session.ref), "present")]
    pages = AccessLog.objects.filter(viewer=warehouse.application.person_id).values_list("page", flat=True)
    assert sorted(set(pages)) == ["record", "students"]


def test_a_record_of_too_many_days(world: World, place: Place):
    path = f"/students/{place.students[0].ref}/record"
    warehouse = tool(world)
    assert problem(warehouse.get(path, **{"from": "2020-01-01", "to": "2026-01-01"})) == (422, "no_such_days")
    assert problem(warehouse.get(path, **{"from": "2026-01-02", "to": "2026-01-01"})) == (422, "no_such_days")
    assert problem(warehouse.get(path, to="0001-01-01"))[0] == 422


def test_what_is_answered_is_as_described(world: World, place: Place):
    """Answers are written by hand, for speed: each field is one of its description, and none is missing."""
    from adsum.api import schemas

    mark_students(place.session, place.students[:2], Status.LATE, by=place.lecturer, at=place.session.starts_at)
    warehouse = tool(world)
    for path, schema in (
        ("/classes", schemas.Classes),
        (f"/classes/{place.session.ref}", schemas.Class),
        (f"/classes/{place.session.ref}/register", schemas.Register),
        ("/students", schemas.Students),
        (f"/students/{place.students[0].ref}/record", schemas.Record),
        ("/changes", schemas.Changes),
    ):
        told = json.loads(warehouse.get(path).content)
        assert json.loads(schema.model_validate(told).model_dump_json(by_alias=True)).keys() == told.keys()


def test_days_at_the_end_of_time(world: World, place: Place):
    answer = tool(world).get(f"/students/{place.students[0].ref}/record", to="9999-12-31")
    assert problem(answer)[0] == 422
