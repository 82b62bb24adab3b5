"""Lists of classes: a lecturer's own day and week, and every class for the attendance team."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adsum.accounts.models import Department
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Status
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.timetable.models import ClassChange
from adsum.timetable.models import Room as Place
from adsum.timetable.services import facts_json, facts_of
from tests.kit.marking import mark_students
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST, Room
from tests.kit.world import NINE, cancel_class

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY, CLASSES = "/teaching/", "/office/classes/"


def see(room: Room, url: str) -> str:
    answer = room.client.get(url)
    assert answer.status_code == 200
    return words(answer.content.decode())


def team(room: Room) -> None:
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM))


def test_today_says_what_is_now_next_later_and_done(room: Room) -> None:
    room.session.title = "Algorithms now"
    room.session.save()
    for title, hours in (("Done", -2), ("Soon", 1), ("Evening", 8)):
        room.world.session(room.group, title=title, starts_at=NINE + hours * HOUR, staff=[room.lecturer])
    page = room.client.get(TODAY).content.decode()
    states = [part.split('"')[1] for part in page.split('<article class="class-card" ')[1:]]
    assert states == ["now", "next", "later", "done"], "what is over steps back"
    assert words(page).startswith("My classes Monday 23 November")
    assert "Code from 15:00" in words(page), "a screen can be set up two hours before the class"
    assert page.count("btn-primary") == 1, "one first choice on a page: the class now"


def test_a_class_of_others_is_not_listed_and_one_of_the_group_without_names_is(room: Room) -> None:
    room.world.session(room.world.group(), title="Someone else’s", staff=[room.world.lecturer()])
    taught = room.world.group()
    taught.staff.create(person=room.lecturer)
    room.world.session(taught, title="Nobody named")
    page = see(room, TODAY)
    assert "Someone else’s" not in page
    assert "Nobody named" in page


def test_everyone_who_teaches_a_class_has_it_and_its_register(room: Room) -> None:
    """Pitfall 26: a class of two lecturers is shown to one of them."""
    grace = room.world.lecturer("Grace Lecturer")
    shared = room.world.session(room.group, title="Taught together", staff=[room.lecturer, grace])
    shared.groups.add(room.world.group())
    for lecturer in (room.lecturer, grace):
        room.sign_in(lecturer)
        assert "Taught together" in see(room, TODAY)
        assert room.client.get(f"/classes/{shared.ref}/").status_code == 200
        assert room.client.post(f"/classes/{shared.ref}/display/").status_code == 302


def test_cancelled_and_moved_classes_say_so(room: Room) -> None:
    cancelled = room.world.session(room.group, title="Gone", starts_at=NINE + HOUR, staff=[room.lecturer])
    cancel_class(cancelled, at=NINE, actor="system:test")
    before = facts_json(facts_of(room.session))
    room.session.starts_at -= timedelta(minutes=30)
    room.session.save()
    room.session.rooms.set([Place.objects.create(name="D0.07")])
    ClassChange.objects.create(
        session=room.session,
        version=2,
        at=NINE - DAY,
        change="moved",
        before=before,
        after=facts_json(facts_of(room.session)),
        actor="system:test",
    )
    page = see(room, TODAY)
    assert "Moved, was 09:00" in page
    assert "Room changed, was C2.01" in page
    assert "Gone" in page
    assert "Cancelled" in page


def test_a_class_missing_from_its_source_asks(room: Room) -> None:
    room.session.suspect_since = NINE - DAY
    room.session.save()
    assert "No longer in the timetable" in see(room, TODAY)
    assert "no longer in the timetable" in see(room, room.url("class_register"))


def test_a_day_without_classes_names_the_next_one(room: Room) -> None:
    room.sign_in(room.lecturer, NINE - DAY)
    assert "No classes today Your next class is Algorithms, Monday at 09:00." in see(room, TODAY)
    room.sign_in(room.lecturer, NINE - 30 * DAY)
    assert "Your next class is Algorithms, Monday 23 November at 09:00." in see(room, TODAY)
    room.sign_in(room.world.lecturer())
    assert "ask the timetabling team" in see(room, TODAY)


def test_other_weeks_are_a_link_away(room: Room) -> None:
    room.world.session(room.group, title="Last Tuesday", starts_at=NINE - 6 * DAY, staff=[room.lecturer])
    assert "Last Tuesday" not in see(room, TODAY)
    week = see(room, f"{TODAY}?week=2026-11-18")
    assert "16 November to 22 November 2026" in week
    assert "Last Tuesday" in week
    assert "No classes in this week." in see(room, f"{TODAY}?week=2026-08-03")
    assert [room.client.get(f"{TODAY}?week={text}").status_code for text in ("", "soon", "9999-12-31")] == [404, 404, 404]


def test_what_waits_for_the_lecturer_comes_first(room: Room) -> None:
    visitor = room.world.student("Vera Visitor")
    room.scan(visitor, Refusal.NOT_EXPECTED)
    raise_query(room.session, room.bob, at=NINE, text="I was there")
    page = see(room, TODAY)
    assert "Bob Baker asks about a mark" in page
    assert "1 scan waits for your decision" in page


def test_how_many_came(room: Room) -> None:
    room.scan(room.alice)
    assert "1 of 3 here" in see(room, TODAY)
    room.sign_in(room.lecturer, NINE + 2 * DAY)
    close_registers([room.session], at=NINE + 2 * DAY)
    assert "1 of 3 here" in see(room, f"{TODAY}?week=2026-11-23")


def test_a_class_nobody_observed_is_not_nobody_here(room: Room) -> None:
    close_registers([room.session], at=NINE + 2 * DAY)
    page = see(room, TODAY)
    assert "Not observed" in page
    assert "0 of 3 here" not in page


# The attendance team's list


def test_the_team_finds_any_class(room: Room) -> None:
    team(room)
    law = Department.objects.create(code="LAW", name="Law")
    torts = room.world.module("Torts", code="LW101")
    torts.department = Department.objects.create(code="LAWP", name="Private law", parent=law)
    torts.save()
    other = room.world.session(
        room.world.group(torts), starts_at=NINE + HOUR, room="Moot court", staff=[room.world.lecturer("Cordelia Quinn")]
    )
    room.world.session(room.group, title="Yesterday", starts_at=NINE - DAY)
    assert "Algorithms" in see(room, CLASSES)
    assert "Torts" in see(room, CLASSES)
    assert "Yesterday" not in see(room, CLASSES)
    assert "Yesterday" in see(room, f"{CLASSES}?on=2026-11-22")
    assert "Yesterday" in see(room, f"{CLASSES}?on=&q=yesterday"), "without a day, every day"
    for query in ("q=lw101", "q=moot", "q=Quinn", f"department={law.pk}", "q=quinn+torts"):
        page = see(room, f"{CLASSES}?on=2026-11-23&{query}")
        assert ("Torts" in page, "Algorithms" in page) == (True, False), query
    assert "No class found" in see(room, f"{CLASSES}?on=2026-11-23&q=astrology")
    assert room.client.get(reverse("class_register", args=[other.ref])).status_code == 200


def test_a_wrong_day_is_said_kindly(room: Room) -> None:
    team(room)
    assert "Enter a valid date" in see(room, f"{CLASSES}?on=31/31/2026")
    assert "Choose a day between 1900 and 2199" in see(room, f"{CLASSES}?on=0001-01-01")
    assert "Choose a day between 1900 and 2199" in see(room, f"{CLASSES}?on=9999-12-31")


def test_pages_of_25(room: Room) -> None:
    team(room)
    for n in range(30):
        room.world.session(room.group, title=f"Class {n:02d}")
    room.world.session(room.group, title="Tomorrow", starts_at=NINE + DAY)
    assert "Page 1 of 2" in see(room, CLASSES)
    after = re.search(r'href="(\?[^"]*page=2)"', room.client.get(CLASSES).content.decode())
    assert after
    second = see(room, CLASSES + html.unescape(after[1]))
    assert ("Class 29" in second, "Class 03" in second) == (True, False)
    assert ("Page 2 of 2" in second, "Tomorrow" in second) == (True, False), "the day is kept from page to page"


# Who may look


@pytest.mark.parametrize("url", [TODAY, CLASSES])
def test_lists_do_not_exist_for_a_student_and_ask_a_stranger_to_sign_in(room: Room, url: str) -> None:
    room.sign_in(room.alice)
    assert room.client.get(url).status_code == 404
    answer = Client().get(url)
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={url}")


def test_each_list_is_for_its_own_people(room: Room) -> None:
    assert room.client.get(CLASSES).status_code == 404
    team(room)
    assert room.client.get(TODAY).status_code == 404


# What a list costs


def cost(room: Room, url: str) -> int:
    room.client.get(url)  # the first page of a sign-in also notes when it began
    with CaptureQueriesContext(connection) as queries:
        assert room.client.get(url).status_code == 200
    return len(queries)


def fill(room: Room, rows: int, **fields: Any) -> None:
    for _ in range(rows - 1):
        another = room.world.session(room.world.group(students=2), staff=[room.lecturer, room.world.lecturer()], **fields)
        open_checkin(another, by=room.lecturer, at=NINE)
        mark_students(another, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
        raise_query(another, room.alice, at=FIVE_PAST)


@pytest.mark.parametrize("rows", [1, 3])
def test_today_costs_the_same_for_one_class_and_three(room: Room, rows: int) -> None:
    fill(room, rows)
    assert cost(room, TODAY) == 15


@pytest.mark.parametrize("rows", [1, 3])
def test_the_teams_list_costs_the_same_for_one_class_and_three(room: Room, rows: int) -> None:
    fill(room, rows)
    team(room)
    assert cost(room, CLASSES) == 15
