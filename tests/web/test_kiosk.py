"""The kiosk: who may open one, what it says to a number, and how little it says."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from adsum.accounts.models import Identifier, Person, RoleGrant
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.reports import changes_since, newest_change
from adsum.attendance.rules import Reason, Source, Status
from adsum.audit.models import Event
from adsum.checkin.models import Display, Epoch, Kiosk
from adsum.checkin.services import freeze
from tests.kit.marking import mark_students
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE


def words(answer: Any) -> str:
    """The page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class Lectern:
    """The browser on the lectern, made a kiosk by the lecturer who then is signed out of it."""

    def __init__(self, room: Room) -> None:
        self.room, self.browser = room, room.client
        self.page = room.post("start_kiosk")
        self.kiosk = Kiosk.objects.get()
        self.url = f"/kiosk/{self.kiosk.ref}/"

    def enter(self, number: str, **later: float) -> str:
        self.room.clock.move_to(FIVE_PAST + timedelta(**later))
        return words(self.browser.post(self.url, {"number": number}))

    def take_back(self, **later: float) -> str:
        self.room.clock.move_to(FIVE_PAST + timedelta(**later))
        return words(self.browser.post(f"{self.url}take-back/"))


@pytest.fixture
def lectern(room: Room) -> Lectern:
    return Lectern(room)


def test_a_number_marks_its_student_by_the_lecturer_who_opened_it(lectern: Lectern):
    room = lectern.room
    assert "Your student number" in words(lectern.page)
    page = lectern.enter(f" {room.alice.number} ")
    assert "Alice A. is in , 09:05 Present" in page
    assert "Abel" not in page, "no more than a first name and an initial"
    change = MarkChange.objects.get()
    assert (change.student, change.after, change.by, change.reason_code) == (
        room.alice,
        Status.PRESENT,
        room.lecturer,
        Reason.KIOSK,
    )
    assert "Alice A. was in already" in lectern.enter(room.alice.number, seconds=30)
    assert MarkChange.objects.count() == 1


def test_opening_it_signs_the_lecturer_out_of_that_browser(lectern: Lectern):
    assert lectern.browser.get("/teaching/").status_code == 302
    assert lectern.browser.get(lectern.room.url("class_register")).status_code == 302


def test_a_card_does_as_well(lectern: Lectern):
    Identifier.objects.create(person=lectern.room.bob, system="door", kind="card", value="04A1B2C3")
    assert "Bob B. is in" in lectern.enter("04a1b2c3")


def test_after_the_window_for_present_it_is_late(lectern: Lectern):
    assert "Late" in lectern.enter(lectern.room.cara.number, minutes=12)
    assert Mark.objects.get().minutes_late == 17


@pytest.mark.parametrize("number", ["", "99999999", "elsewhere", "x" * 300])
def test_whoever_is_not_expected_is_unknown_whoever_they_are(lectern: Lectern, number: str):
    """No oracle: a student of another class, and no student at all, get the same answer."""
    if number == "elsewhere":
        number = lectern.room.world.student("Eve Elsewhere").number
    page = lectern.enter(number)
    assert "That number is not on this class’s list" in page
    assert "Eve" not in page
    assert Mark.objects.count() == 0


def test_ten_wrong_numbers_and_it_rests_for_five_minutes(lectern: Lectern):
    for n in range(10):
        assert "not on this class’s list" in lectern.enter("nobody", seconds=n)
    assert "Too many numbers did not match" in lectern.enter(lectern.room.alice.number, seconds=20)
    assert "Alice A. is in" in lectern.enter(lectern.room.alice.number, minutes=5)


def test_it_never_overrules_a_person_and_does_not_say_what_they_decided(lectern: Lectern):
    room = lectern.room
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=FIVE_PAST)
    page = lectern.enter(room.alice.number)
    assert "Please ask your lecturer" in page
    assert "Absent" not in page
    assert room.marks() == {"Alice": Status.ABSENT}


def test_the_last_one_can_be_taken_back_for_some_seconds(lectern: Lectern):
    lectern.enter(lectern.room.alice.number)
    assert "Alice A. is taken back" in lectern.take_back(seconds=15)
    assert Mark.objects.count() == 0
    assert list(MarkChange.objects.order_by("pk").values_list("before", "after")) == [("", "present"), ("present", "expected")]
    assert "too late to take that back" in lectern.take_back(seconds=16), "once"
    assert "Alice A. is in" in lectern.enter(lectern.room.alice.number, seconds=20)
    assert "too late to take that back" in lectern.take_back(seconds=36)
    assert lectern.room.marks() == {"Alice": Status.PRESENT}


def test_taken_back_the_mark_is_what_it_was_and_open_registers_hear_of_it(lectern: Lectern):
    room = lectern.room
    seen = Mark.objects.create(
        session=room.session, student=room.bob, status=Status.ABSENT, source=Source.SYSTEM, at=NINE, changed_at=NINE
    )
    MarkChange.objects.create(
        session=room.session, student=room.bob, after=Status.ABSENT, source=Source.SYSTEM, seen_at=NINE, at=NINE
    )
    for student, status in ((room.alice, Status.EXPECTED), (room.bob, Status.ABSENT)):
        lectern.enter(student.number)
        since = newest_change()
        lectern.take_back(seconds=5)
        (told,) = changes_since([room.session.pk], since)
        assert (told.student_ref, told.status) == (student.ref, status)
    mark = Mark.objects.get()
    assert (mark.pk, mark.status, mark.source, mark.at) == (seen.pk, Status.ABSENT, Source.SYSTEM, NINE)


def test_what_a_person_changed_since_is_not_taken_back(lectern: Lectern):
    room = lectern.room
    lectern.enter(room.alice.number)
    mark_students(
        room.session,
        [room.alice],
        Status.LATE,
        by=room.lecturer,
        at=FIVE_PAST + timedelta(seconds=5),
        reason_code=Reason.SEEN_IN_CLASS,
    )
    assert "too late" in lectern.take_back(seconds=6)
    assert room.marks() == {"Alice": Status.LATE}


def test_it_takes_numbers_only_while_check_in_is_open(lectern: Lectern):
    assert "Check-in has closed" in lectern.enter(lectern.room.alice.number, minutes=25)
    freeze(by="system:test", at=FIVE_PAST, reason="Fire")
    assert "paused for the whole university" in lectern.enter(lectern.room.alice.number)
    assert Mark.objects.count() == 0


def test_another_browser_is_no_kiosk(lectern: Lectern):
    other = Client()
    for answer in (other.get(lectern.url), other.post(lectern.url, {"number": lectern.room.alice.number})):
        assert answer.status_code == 403
    other.cookies[f"adsum_kiosk_{lectern.kiosk.ref.hex}"] = "guessed"
    assert other.post(lectern.url, {"number": lectern.room.alice.number}).status_code == 403
    assert Mark.objects.count() == 0


def test_stopped_it_takes_nothing(lectern: Lectern):
    desk = Client()
    desk.force_login(lectern.room.lecturer)
    register = desk.get(lectern.room.url("class_register")).content.decode()
    assert f"/kiosks/{lectern.kiosk.ref}/stop/" in register
    told = notices(desk.post(lectern.room.url("stop_kiosk", lectern.kiosk.ref), follow=True))
    assert "The kiosk has stopped" in told
    assert lectern.browser.post(lectern.url, {"number": lectern.room.alice.number}).status_code == 403
    desk.post(lectern.room.url("stop_kiosk", lectern.kiosk.ref))
    assert Event.objects.filter(verb="kiosk.stop").count() == 1


def test_a_paired_browser_becomes_a_kiosk(room: Room):
    lectern = Client()
    lectern.post("/display/")
    code = re.search(r"pairing-code\"><span>(\w+)</span> <span>(\w+)", lectern.get("/display/").content.decode())
    assert code
    told = notices(room.post("pair_screen", code="".join(code.groups()), **{"as": "kiosk"}))
    assert "a kiosk in a moment" in told
    page = lectern.get("/display/", follow=True)
    assert "Your student number" in words(page)
    url = page.request["PATH_INFO"]
    assert "Cara C. is in" in words(lectern.post(url, {"number": room.cara.number}))
    assert NINE < Mark.objects.get().at <= FIVE_PAST


@pytest.mark.parametrize("how", ["account", "role", "class"])
def test_it_ends_with_whoever_opened_it(lectern: Lectern, how: str):
    """It would mark in the name of somebody who may not mark here any more."""
    room = lectern.room
    assert "Alice A. is in" in lectern.enter(room.alice.number)
    gone(room, how)
    assert "Check-in has closed" in lectern.enter(room.bob.number, seconds=5)
    lectern.take_back(seconds=8)
    assert room.marks() == {"Alice": "present"}, "neither marks nor takes back"


@pytest.mark.parametrize("how", ["account", "role", "class"])
def test_a_screen_ends_with_whoever_opened_it(room: Room, how: str):
    """T-DISP-2: no code, and no new one in their name."""
    room.post("class_display")
    shown = Display.objects.get()
    assert room.client.get(f"/display/{shown.ref}/").status_code == 200
    gone(room, how)
    page = room.client.get(f"/display/{shown.ref}/")
    assert page.status_code == 403
    epochs = Epoch.objects.count()
    room.clock.move_to(FIVE_PAST + timedelta(seconds=30))
    room.client.post(f"/display/{shown.ref}/refresh/")
    assert Epoch.objects.count() == epochs


def gone(room: Room, how: str) -> None:
    """The lecturer who opened it may not any more."""
    if how == "account":
        Person.objects.filter(pk=room.lecturer.pk).update(is_active=False)
    elif how == "role":
        RoleGrant.objects.filter(person=room.lecturer).delete()
    else:
        room.session.staff.clear()
