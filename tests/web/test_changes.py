"""“This class is …” from the phone, the timetabling team's list of what was said, and extra classes."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.timetable.models import ClassReport, ClassSession, Group, GroupStaff
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db


def say(room: Room, action: str, /, **data: object) -> Any:
    return room.client.post(room.url("class_change"), {"action": action, **data}, follow=True)


def fresh(room: Room) -> ClassSession:
    return ClassSession.objects.get(pk=room.session.pk)


MOVE = {"on": "2026-11-23", "start": "14:00", "end": "15:30", "room": "D1; d1; E2", "reason": "Heating"}


def test_two_taps_from_the_register_to_cancelled(room: Room):
    assert room.url("class_change") in room.register()
    answer = say(room, "cancel", reason="Ill")
    assert "It is cancelled" in notices(answer)
    assert "asked to confirm" in notices(answer)
    assert fresh(room).cancelled
    page = room.client.get("/teaching/").content.decode()
    assert "Reported by Ada Lecturer, timetabling to confirm" in page
    room.sign_in(room.alice)
    student = room.client.get("/today/").content.decode()
    assert "Cancelled" in student
    assert "Reported by" not in student, "who said so is for staff"


def test_moved_with_room_and_time(room: Room):
    answer = say(room, "move", **MOVE)
    assert "Mon 23 Nov, 14:00–15:30, D1" in notices(answer)
    session = fresh(room)
    assert (session.starts_at, session.ends_at) == (NINE + timedelta(hours=5), NINE + timedelta(hours=6, minutes=30))
    assert sorted(session.rooms.values_list("name", flat=True)) == ["D1", "E2"], "one room, however it is written"
    room.sign_in(room.alice)
    student = room.client.get("/today/").content.decode()
    assert "Moved, was 09:00" in student
    assert "Room changed, was C2.01" in student


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"start": "14:00", "end": "13:00"}, "The end comes before the start"),
        ({"on": "2027-03-28", "start": "01:30", "end": "02:30"}, "does not exist"),
        ({"on": "2029-03-28"}, "too far ahead"),
        ({"on": ""}, "required"),
    ],
)
def test_a_move_that_cannot_be_says_why(room: Room, data: dict[str, str], told: str):
    answer = say(room, "move", **(MOVE | data))
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert fresh(room).starts_at == NINE


def test_a_class_may_go_on_over_midnight(room: Room):
    say(room, "move", **(MOVE | {"start": "23:00", "end": "01:00"}))
    assert (fresh(room).ends_at - fresh(room).starts_at, fresh(room).starts_on) == (timedelta(hours=2), date(2026, 11, 23))


def test_what_is_in_the_way_is_said_first(room: Room):
    room.world.session(room.group, starts_at=NINE + timedelta(hours=5), room="D1", title="Databases", staff=[room.lecturer])
    answer = say(room, "move", **MOVE)
    page = answer.content.decode()
    for told in ("The room is taken: Databases", "also teaches Databases", "students also have Databases"):
        assert told in page
    assert fresh(room).starts_at == NINE
    say(room, "move", **MOVE, confirm="on")
    assert fresh(room).starts_at == NINE + timedelta(hours=5)


def test_a_colleague_covers_and_has_the_live_register(room: Room):
    cover = room.world.lecturer("Cy Cover")
    page = room.client.get(room.url("class_change"), {"who": "cover cy"}).content.decode()
    assert "Covers for me" in page
    assert room.alice.display_name not in room.client.get(room.url("class_change"), {"who": "alice"}).content.decode()
    answer = say(room, "cover", person=cover.ref)
    assert "Cy Cover has this class" in notices(answer)
    assert room.client.get(room.url("class_register")).status_code == 404
    room.sign_in(cover)
    assert "Alice Abel" in room.register()
    assert "Someone else teaches it" in room.client.get("/teaching/").content.decode()


@pytest.fixture
def nameless(room: Room) -> Room:
    """The class names nobody, as in a calendar: it is Ada's because its group is."""
    room.session.staff.clear()
    GroupStaff.objects.create(group=room.group, person=room.lecturer)
    return room


@pytest.mark.parametrize(("action", "stays"), [("join", True), ("cover", False)])
def test_a_colleague_joins_a_class_that_names_nobody(nameless: Room, action: str, stays: bool):
    cover = nameless.world.lecturer("Cy Cover")
    page = nameless.client.get(nameless.url("class_change"), {"who": "cover"}).content.decode()
    assert "Ada Lecturer" in page
    assert "Covers for me" in page
    say(nameless, action, person=cover.ref)
    assert set(ClassSession.objects.taught_by(cover)) == {nameless.session}
    assert ClassSession.objects.taught_by(nameless.lecturer).exists() is stays


def test_nobody_leaves_a_class_that_names_nobody_as_its_last(nameless: Room):
    answer = say(nameless, "leave", person=nameless.lecturer.ref)
    assert "Add a colleague first" in notices(answer)
    nameless.session.staff.add(nameless.lecturer)
    assert "no longer teaches" in notices(say(nameless, "leave", person=nameless.lecturer.ref))


def test_who_no_longer_teaches_here_cannot_be_asked_to(room: Room):
    gone, coming = room.world.lecturer("Gwen Gone"), room.world.lecturer("Colin Coming")
    RoleGrant.objects.filter(person=gone).update(ends_on=date(2026, 11, 22))
    RoleGrant.objects.filter(person=coming).update(starts_on=date(2026, 11, 24))
    for person in (gone, coming):
        page = room.client.get(room.url("class_change"), {"who": person.family_name}).content.decode()
        assert person.display_name not in page
        assert say(room, "join", person=person.ref).status_code == 404


def test_groups_of_ones_own_modules_alone_are_joined(room: Room):
    """Whoever adds a group reads the names and numbers of its students: so one's own, and all of them for timetabling."""
    foreign = room.world.group(room.world.module(code="CS202"), code="B9", students=1)
    ended = room.world.group(room.group.module, code="B8")
    Group.objects.filter(pk=ended.pk).update(ended_on=date(2026, 11, 1))
    for group in (foreign, ended):
        assert "No group matches" in room.client.get(room.url("class_change"), {"group": group.code}).content.decode()
        assert say(room, "add_group", group=group.pk).status_code == 404
    assert fresh(room).groups.count() == 1
    room.sign_in(room.world.person(Role.TIMETABLING))
    say(room, "add_group", group=foreign.pk)
    assert fresh(room).groups.count() == 2


def test_groups_are_joined_and_one_always_stays(room: Room):
    other = room.world.group(room.world.module(code="CS202"), code="B9", students=1)
    room.world.session(other, starts_at=NINE + timedelta(days=1), staff=[room.lecturer])
    assert "B9" in room.client.get(room.url("class_change"), {"group": "cs202 b9"}).content.decode()
    say(room, "add_group", group=other.pk)
    assert fresh(room).groups.count() == 2
    say(room, "drop_group", group=room.group.pk)
    answer = say(room, "drop_group", group=other.pk)
    assert answer.status_code == 422
    assert list(fresh(room).groups.all()) == [other]


@pytest.mark.parametrize(
    "data", [{"action": "explode"}, {"action": "leave", "person": "x"}, {"action": "add_group", "group": "x"}]
)
def test_what_no_button_sends_does_not_exist(room: Room, data: dict[str, str]):
    assert room.client.post(room.url("class_change"), data).status_code == 404


def test_online_today_and_in_the_room_again(room: Room):
    assert "It is in person." in room.client.get(room.url("class_change")).content.decode()
    assert "It is online" in notices(say(room, "online"))
    assert fresh(room).delivery == "remote"
    assert ClassReport.objects.get().touches == ["delivery"]
    assert "Remote" in room.client.get("/teaching/").content.decode()
    room.sign_in(room.alice)
    assert "Remote" in room.client.get("/today/").content.decode()
    room.sign_in(room.world.person(Role.TIMETABLING))
    assert "If you undo it: in person." in room.client.get("/imports/reports/").content.decode()
    room.client.post(reverse("class_report_decide", args=[ClassReport.objects.get().ref]), {"decision": "undo"})
    assert fresh(room).delivery == "in_person"
    room.sign_in(room.lecturer)
    say(room, "online")
    assert "It is in the room" in notices(say(room, "in_the_room"))
    assert (fresh(room).delivery, ClassReport.objects.filter(decided_at=None).count()) == ("in_person", 0)


# The timetabling team


@pytest.fixture
def team(room: Room) -> Person:
    return room.world.person(Role.TIMETABLING, name="Tess Timetabler")


def test_the_team_confirms(room: Room, team: Person):
    say(room, "move", **MOVE)
    room.sign_in(team)
    page = room.client.get("/imports/reports/").content.decode()
    for told in ("Ada Lecturer", "Heating", "D1, E2", "If you undo it: C2.01", "Mon 23 Nov, 09:00–10:00"):
        assert told in page
    report = ClassReport.objects.get()
    address = reverse("class_report_decide", args=[report.ref])
    room.client.post(address, {"decision": "confirm"})
    answer = room.client.post(address, {"decision": "undo"}, follow=True)
    assert "already decided" in notices(answer)
    report.refresh_from_db()
    assert report.confirmed
    assert "Nothing to do." in answer.content.decode()


def test_the_team_undoes(room: Room, team: Person):
    say(room, "cancel")
    room.sign_in(team)
    assert "changed from the room" in room.client.get("/imports/").content.decode()
    room.client.post(reverse("class_report_decide", args=[ClassReport.objects.get().ref]), {"decision": "undo"})
    assert not fresh(room).cancelled


def test_the_teams_own_word_is_final(room: Room, team: Person):
    room.sign_in(team)
    answer = say(room, "cancel")
    assert "asked to confirm" not in notices(answer)
    assert (fresh(room).cancelled, ClassReport.objects.count()) == (True, 0)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_as_for_three(room: Room, team: Person, rows: int, django_assert_num_queries):
    for n in range(rows):
        session = room.world.session(room.group, starts_at=NINE + timedelta(days=n), staff=[room.lecturer])
        undo = {"rooms": [], "staff": [room.lecturer.pk], "groups": [room.group.pk]}
        ClassReport.objects.create(session=session, by=room.lecturer, at=NINE, touches=list(undo), undo=undo)
    room.sign_in(team)
    with django_assert_num_queries(14):
        room.client.get("/imports/reports/")


# Extra classes

EXTRA = {"on": "2026-11-24", "start": "16:00", "end": "17:00", "room": "C2.01", "kind": "workshop", "delivery": "in_person"}


def extra(room: Room, /, **data: object) -> Any:
    sent = {**EXTRA, "groups": [room.group.pk], **data}
    return room.client.post(f"/classes/new/?module={room.group.module_id}", sent, follow=True)


def test_a_lecturer_adds_a_class_to_a_module_they_teach(room: Room):
    other = room.world.module("Elsewhere", code="XX1")
    page = room.client.get("/classes/new/").content.decode()
    assert "CS201" in page
    assert "XX1" not in page
    assert room.client.get("/classes/new/", {"module": other.pk}).status_code == 404
    answer = extra(room)
    assert "in the timetable" in notices(answer)
    session = ClassSession.objects.latest("pk")
    assert (session.title, session.kind, list(session.staff.all())) == ("Algorithms", "workshop", [room.lecturer])
    assert ClassReport.objects.get().touches == ["new"]
    room.sign_in(room.alice)
    assert "Extra class" in room.client.get("/today/").content.decode()


def test_an_extra_class_may_be_online_and_optional(room: Room):
    extra(room)
    assert (ClassSession.objects.latest("pk").delivery, ClassSession.objects.latest("pk").mandatory) == ("in_person", True)
    extra(room, start="18:00", end="19:00", delivery="remote", optional="on")
    assert (ClassSession.objects.latest("pk").delivery, ClassSession.objects.latest("pk").mandatory) == ("remote", False)
    room.sign_in(room.alice)
    assert "Optional" in room.client.get("/today/").content.decode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"groups": []}, "Choose at least one group"),
        ({"end": "15:00"}, "comes before the start"),
        ({"on": "2026-10-01"}, "two weeks ago"),
    ],
)
def test_an_extra_class_that_cannot_be_says_why(room: Room, data: dict[str, Any], told: str):
    answer = extra(room, **data)
    assert (answer.status_code, ClassSession.objects.count()) == (422, 1)
    assert told in answer.content.decode()


def test_an_extra_class_in_the_way_is_asked_about(room: Room):
    extra(room)
    assert "The room is taken" in extra(room).content.decode()
    extra(room, confirm="on")
    assert ClassSession.objects.count() == 3


def test_somebody_elses_class_does_not_exist(room: Room, world: World, client: Client):
    room.sign_in(world.lecturer(), at=FIVE_PAST)
    assert client.get(room.url("class_change")).status_code == 404
    assert client.post(room.url("class_change"), {"action": "cancel"}).status_code == 404


# What lists say


def test_a_class_that_goes_on_without_its_code_is_flagged(room: Room):
    flag = "ago: show the code"
    assert flag not in room.client.get("/teaching/").content.decode(), "five minutes in"
    room.sign_in(room.lecturer, at=NINE + timedelta(minutes=10))
    assert f"Began 10 minutes {flag}" in room.client.get("/teaching/").content.decode()
    room.client.post(room.url("class_display"))
    assert flag not in room.client.get("/teaching/").content.decode()


def test_a_student_looks_at_any_week(room: Room):
    room.sign_in(room.alice)
    assert "Algorithms" in room.client.get("/today/?week=2026-11-25").content.decode()
    assert "No classes in this week" in room.client.get("/today/?week=2026-11-30").content.decode()
    assert [room.client.get(f"/today/?week={week}").status_code for week in ("x", "0001-01-01", "9999-12-31")] == [404] * 3
