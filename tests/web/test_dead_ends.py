"""No dead ends: whoever cannot do what they came for reads what they can do, by when they could have, and whom to ask."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, MarkChange, Query
from adsum.checkin import services
from adsum.checkin.models import Display
from adsum.checkin.rules import MAX_DISPLAYS, SILENT_AFTER, Refusal, is_silent
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession, Room
from adsum.web.live.streams import _still_there
from adsum.web.signin.stepup import PREFIX
from adsum.web.unfinished import KEPT
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST
from tests.kit.room import Room as ClassRoom
from tests.kit.world import NINE, World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Seen:
    """A student, their class, and what they read of it."""

    def __init__(self, world: World, client: Client, clock: Any) -> None:
        group = world.group(world.module("Algorithms", code="CS201"))
        self.client, self.clock = client, clock
        self.student, self.lecturer = world.student("Alice Abel", groups=[group]), world.lecturer()
        self.session: ClassSession = world.session(group, staff=[self.lecturer])
        self.url = reverse("student_class", args=[self.session.ref])

    def open(self) -> None:
        services.open_checkin(self.session, by=self.lecturer, at=NINE - MINUTE)

    def look(self, url: str = "", at: datetime = FIVE_PAST) -> str:
        self.clock.move_to(at)
        self.client.force_login(self.student)
        answer = self.client.get(url or self.url)
        assert answer.status_code == 200
        return words(answer.content.decode())


@pytest.fixture
def seen(world: World, client: Client) -> Iterator[Seen]:
    with time_machine.travel(FIVE_PAST, tick=False) as clock:
        yield Seen(world, client, clock)


def test_while_check_in_is_open_the_page_of_the_class_offers_it_and_no_query(seen: Seen):
    assert "Check-in starts when your lecturer shows the code." in seen.look()
    seen.open()
    page = seen.look()
    assert "Open until 09:15, then late until 09:30. Scan the code on the screen, or type it. Check in" in page
    assert "I was there" not in page
    answer = seen.client.post(reverse("student_query", args=[seen.session.ref]), follow=True)
    assert "There is no mark yet to query." in words(answer.content.decode())
    assert not Query.objects.exists()
    assert "I was there" in seen.look(at=NINE + 31 * MINUTE)


def test_a_pause_is_said_on_today_the_class_and_the_screen_and_the_scan_goes_on(seen: Seen):
    seen.open()
    services.freeze(by="system:test", at=FIVE_PAST, reason="The sign-in is down")
    for url in ("/today/", seen.url):
        page = seen.look(url)
        assert "Check-in is paused for the whole university" in page
        assert "Go on with your scan" in page
        assert "I was there" not in page
    assert "The sign-in is down. Nothing counts against you for that." in seen.look()
    seen.client.force_login(seen.lecturer)
    screen = seen.client.post(reverse("class_display", args=[seen.session.ref]), follow=True).content.decode()
    assert "Check-in is paused for the whole university." in words(screen)
    assert f'href="{reverse("class_register", args=[seen.session.ref])}"' in screen


@pytest.mark.once
def test_after_the_last_day_it_says_until_when_and_whom_to_ask(seen: Seen, settings: Any):
    settings.TEAM_EMAIL = "attendance@uni.example"
    seen.open()
    close_registers([seen.session], at=seen.session.ends_at + MINUTE)
    Mark.objects.update(status="absent_unauthorised")
    page = seen.look(at=NINE + 60 * DAY)
    assert "If this mark is wrong You could query this mark until 30 November 2026." in page
    assert "The attendance team: attendance@uni.example" in page


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal.NOT_EXPECTED, "Your scan waits for your lecturer: you are not on this class’s list."),
        (Refusal.SAME_DEVICE, "Your scan waits for your lecturer: someone else checked in from the same phone."),
        (Refusal.OTHER_BROWSER, "Your scan waits for your lecturer: it was finished in another browser."),
    ],
)
def test_a_held_scan_is_called_what_it_is_everywhere(room: ClassRoom, refusal: Refusal, said: str):
    room.scan(room.alice, refusal)
    for at in (FIVE_PAST, NINE + 40 * MINUTE):
        room.sign_in(room.alice, at)
        for url in ("/today/", reverse("student_class", args=[room.session.ref])):
            assert said in words(room.client.get(url).content.decode())


# A sign-in that ran out during a lecture


def test_what_was_pressed_too_late_is_made_after_signing_in_again(room: ClassRoom):
    room.register()
    room.clock.move_to(FIVE_PAST + 40 * MINUTE)
    told = room.client.post(room.url("mark_students"), {"student": room.alice.ref, "status": "present"})
    assert told["Location"].startswith("/sign-in/")
    assert room.marks() == {}
    room.client.force_login(room.lecturer)
    page = room.register()
    assert "We kept it. If it was you, do it now." in words(page)
    assert f'action="{room.url("mark_students")}"' in page
    assert f'name="student" value="{room.alice.ref}"' in page
    room.post("mark_students", student=room.alice.ref, status="present")
    assert room.marks() == {"Alice": "present"}
    assert "We kept it" not in words(room.register())


def test_a_password_that_came_with_it_is_kept_nowhere(room: ClassRoom):
    room.register()
    room.clock.move_to(FIVE_PAST + 40 * MINUTE)
    proof = {f"{PREFIX}-password": "open sesame", f"{PREFIX}-code": "271828"}
    room.client.post(room.url("mark_students"), {"student": room.alice.ref, "status": "present", **proof})
    kept = str(room.client.session[KEPT])
    assert str(room.alice.ref) in kept
    assert not any(secret in kept for secret in proof.values())


@pytest.mark.once
@pytest.mark.parametrize("why", ["somebody else", "too long ago", "a stranger", "not just then"])
def test_it_is_made_for_nobody_else_and_not_for_ever(room: ClassRoom, why: str):
    colleague = room.world.lecturer()
    room.session.staff.add(colleague)
    room.register()
    room.clock.move_to(FIVE_PAST + 40 * MINUTE)
    browser = Client() if why == "a stranger" else room.client
    if why == "not just then":  # an open register on the room's computer, long after
        browser.get(room.url("class_register"))
        room.clock.move_to(FIVE_PAST + 60 * MINUTE)
    browser.post(room.url("mark_students"), {"student": room.alice.ref, "status": "present"})
    if why == "too long ago":
        room.clock.move_to(FIVE_PAST + 200 * MINUTE)
    browser.force_login(colleague if why == "somebody else" else room.lecturer)
    assert "We kept it" not in words(browser.get(room.url("class_register")).content.decode())


@pytest.mark.once
@pytest.mark.parametrize(("minutes", "stays"), [(29, True), (-30, False), (61, False)])
def test_an_open_register_is_a_sign_of_life_while_its_class_is_on(room: ClassRoom, minutes: int, stays: bool):
    at = NINE + minutes * MINUTE
    room.sign_in(room.lecturer, at)
    room.register()
    key = room.client.session.session_key
    kept = {"user": room.lecturer, "ip": "127.0.0.1", "user_agent": "", "last_seen_at": at - DAY}
    UserSession.objects.update_or_create(session_key=key, defaults=kept)
    room.clock.move_to(at + 20 * MINUTE)
    assert _still_there(key or "", room.session.ref, at + 20 * MINUTE) is not None
    room.clock.move_to(at + 40 * MINUTE)
    assert room.client.get(room.url("class_register")).status_code == (200 if stays else 302)


# Screens


@pytest.mark.parametrize(("seconds", "silent"), [(0, False), (119, False), (120, True)])
def test_after_two_minutes_a_screen_is_silent(seconds: int, silent: bool):
    assert is_silent(NINE, NINE + timedelta(seconds=seconds)) is silent
    assert timedelta(minutes=2) == SILENT_AFTER


def test_a_silent_screen_makes_room_and_says_when_it_was_last_seen(room: ClassRoom):
    opening = room.opening()
    shown = [services.add_display(opening, by=room.lecturer, at=NINE).display for _ in range(MAX_DISPLAYS)]
    for display in shown[1:]:
        services.hear_display(display, at=FIVE_PAST)
    assert "silent: another screen may take its place" in words(room.register())
    assert "last seen 09:05" in words(room.register())
    services.add_display(opening, by=room.lecturer, at=FIVE_PAST)
    assert list(Display.objects.filter(revoked_at=None).values_list("slot", flat=True).order_by("slot")) == [1, 2, 3, 4]
    with pytest.raises(AdsumError) as refused:
        services.add_display(opening, by=room.lecturer, at=FIVE_PAST)
    assert refused.value.code == "too_many_displays"


@pytest.mark.once
def test_hearing_a_screen_often_writes_seldom(room: ClassRoom, django_assert_num_queries: Any):
    display = services.add_display(room.opening(), by=room.lecturer, at=NINE).display
    for seconds, kept in ((0, 0), (29, 0), (30, 30)):
        services.hear_display(display, at=NINE + timedelta(seconds=seconds))
        display.refresh_from_db()
        assert display.seen_at == NINE + timedelta(seconds=kept)


# Who is who


@pytest.mark.once
def test_those_of_one_name_carry_their_number(room: ClassRoom):
    twin = room.world.student("Alice Abel", groups=[room.group])
    page = words(room.register())
    assert f"Alice Abel {twin.number}" in page
    assert f"Alice Abel {room.alice.number}" in page
    assert f"Bob Baker {room.bob.number}" not in page


@pytest.mark.once
def test_the_rest_marked_absent_while_check_in_is_open_says_what_becomes_of_later_scans(room: ClassRoom):
    said = "Whoever scans after this stays absent, and their scan waits for you under “Held”."
    assert said not in room.register()
    room.opening()
    assert said in room.register()


def test_a_scan_that_came_after_a_mark_since_taken_back_is_not_an_absence(room: ClassRoom):
    room.post("mark_students", student=room.alice.ref, status="absent_unauthorised")
    room.scan(room.alice, Refusal.AMENDED)
    room.scan(room.bob)
    change = MarkChange.objects.get(student=room.alice)
    room.clock.move_to(FIVE_PAST + MINUTE)
    room.post("undo_marks", change=change.pk)
    assert room.marks() == {"Bob": "present"}
    services.close_classes([room.session], at=room.session.ends_at + MINUTE)
    assert room.marks() == {"Alice": "absent_unauthorised", "Bob": "present", "Cara": "absent_unauthorised"}
    assert [query.student for query in Query.objects.all()] == [room.alice]


@pytest.mark.once
def test_a_room_that_no_timetable_knows_is_told_to_timetabling(room: ClassRoom):
    room.post("class_change", action="move", on="2026-11-23", start="09:00", end="10:00", room="The lawn", confirm="on")
    assert Room.objects.get(name="The lawn").by_hand
    assert 'value="The lawn"></option>' not in room.client.get(room.url("class_change")).content.decode()
    room.client.force_login(room.world.person(Role.TIMETABLING))
    assert "“The lawn” is in no timetable" in words(room.client.get("/imports/reports/").content.decode())
