"""Screens: one click to show the code, the credential that opens the page, pairing a lectern PC, and stopping them all."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from adsum.attendance.models import Register
from adsum.checkin.models import Display, Epoch, Opening, Pairing
from adsum.checkin.reports import shown_on
from adsum.checkin.rules import PACES
from adsum.checkin.services import SHOWN_BEFORE, add_display, begin_epoch, open_checkin
from adsum.timetable.models import Teaching
from adsum.web.live.streams import display_cookie
from adsum.web.qr import code_svg
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE, cancel_class


def show(room: Room, client: Client | None = None) -> str:
    """Press "Show code"; the address of the display."""
    browser = client or room.client
    if client is not None:
        client.force_login(room.lecturer)
    answer = browser.post(room.url("class_display"))
    assert answer.status_code == 302
    return str(answer["Location"])


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


# One click


def test_one_click_opens_check_in_and_shows_the_code(room: Room) -> None:
    url = show(room)
    shown = Display.objects.get()
    assert url == f"/display/{shown.ref}/"
    assert Opening.objects.get().opened_by == room.lecturer
    assert Register.objects.get().session == room.session
    screen = page(room.client, url)
    assert "<svg" in screen
    assert f'data-stream="/live/display/{shown.ref}"' in screen
    assert f'data-poll="/live/display/{shown.ref}/now"' in screen
    now = shown_on(shown, FIVE_PAST)
    assert f"<span>{now.typed[:4]}</span> <span>{now.typed[4:]}</span>" in screen
    assert "0 of 3 here" in words(screen)
    assert "Open until 09:15, then late until 09:30." in words(screen)


def test_the_drawing_names_its_namespace_because_the_display_reads_it_as_xml() -> None:
    drawing = ElementTree.fromstring(code_svg("0" * 36))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "style" not in drawing.attrib


def test_a_screen_shows_nobodys_name(room: Room) -> None:
    """Pitfall 20: personal data on the projector."""
    room.scan(room.alice)
    screen = page(room.client, show(room))
    assert "1 of 3 here" in words(screen)
    for person in (room.alice, room.bob, room.lecturer):
        assert person.family_name not in screen
        assert person.number not in screen
        assert person.username not in screen


def test_the_credential_is_the_browsers_alone_until_the_class_ends(room: Room) -> None:
    """Pitfall 8: the lecturer's sign-in ends while the code is on the projector."""
    url = show(room)
    cookie = room.client.cookies[display_cookie(Display.objects.get().ref)]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    assert cookie["max-age"] == 55 * 60
    assert cookie.value not in {Display.objects.get().credential, ""}
    assert room.client.get(url)["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    room.client.logout()
    room.client.cookies[cookie.key] = cookie.value
    assert "<svg" in page(room.client, url), "no sign-in is needed any more"


@override_settings(SECURE=True)
def test_over_https_the_credential_is_secure(room: Room) -> None:
    show(room)
    assert room.client.cookies[display_cookie(Display.objects.get().ref)]["secure"]


def test_the_address_alone_shows_nothing(room: Room) -> None:
    url = show(room)
    for client in (Client(), room.client.__class__(headers={"cookie": f"{display_cookie(Display.objects.get().ref)}=guessed"})):
        answer = client.get(url)
        assert answer.status_code == 403
        assert "Pair this screen" in words(answer.content.decode())
        assert "data-stream" not in answer.content.decode()
    assert Client().get(reverse("display", args=[room.session.ref])).status_code == 403, "nobody learns which exist"


def test_the_same_browser_uses_one_slot_however_often_it_shows(room: Room) -> None:
    assert show(room) == show(room) == show(room)
    assert Display.objects.count() == 1


def test_two_lecturers_who_both_show_the_code_share_one_check_in(room: Room) -> None:
    """Pitfall 25: two teachers start two check-ins of one class."""
    grace = room.world.lecturer("Grace Lecturer")
    Teaching.objects.create(session=room.session, person=grace)
    hers = Client()
    hers.force_login(grace)
    screens = {show(room), str(hers.post(room.url("class_display"))["Location"])}
    opening = Opening.objects.get()
    assert opening.opened_by == room.lecturer
    assert screens == {f"/display/{display.ref}/" for display in Display.objects.all()}
    first, second = (shown_on(display, FIVE_PAST) for display in Display.objects.order_by("slot"))
    assert first.typed == second.typed
    assert (first.code != second.code, Epoch.objects.count()) == (True, 1), "the same check-in, each screen by its name"
    room.sign_in(grace)
    room.post("stop_checkin")
    room.sign_in(room.lecturer)
    assert "Open check-in again" in words(room.register()), "what one of them does, both see"


def test_the_code_is_there_for_those_who_do_not_see_it(room: Room) -> None:
    """Pitfall 30: low vision, a screen reader, no camera."""
    screen = page(room.client, show(room))
    assert 'role="img" aria-label="QR code: scan it with your phone’s camera to check in"' in screen
    assert re.search(r'<p class="typed" data-typed><span>\d{4}</span> <span>\d{4}</span>', screen), "digits as text, read aloud"
    main = screen.split("<main", 1)[1].split("</main>", 1)[0]
    assert re.findall(r'role="status" (data-\w+)', main) == ["data-announce"], "announced once, politely"
    assert not re.search(r"aria-live|<[^>]*data-seconds[^>]*role", main), "and not every second"


def test_four_screens_and_no_more(room: Room) -> None:
    for _ in range(4):
        show(room, Client())
    answer = room.post("class_display")
    assert notices(answer) == "4 screens already show this class. Stop one of them first."
    assert "4 screens" in words(answer.content.decode())
    room.post("stop_screen", Display.objects.get(slot=1).ref)
    show(room)
    assert list(Display.objects.filter(revoked_at=None).order_by("slot").values_list("slot", flat=True)) == [0, 2, 3, 4]


def test_a_stopped_screen_says_so_and_shows_no_code(room: Room) -> None:
    url = show(room)
    answer = room.post("stop_screen", Display.objects.get().ref)
    assert notices(answer) == "Screen 1 has stopped."
    stopped = room.client.get(url)
    assert stopped.status_code == 403
    assert "This screen was stopped" in words(stopped.content.decode())
    assert show(room) != url, "showing again is a new screen with codes of its own"


def test_a_screen_of_another_class_cannot_be_stopped_from_here(room: Room) -> None:
    other = room.world.session(room.group)
    display = add_display(open_checkin(other, by=room.lecturer, at=NINE), by=room.lecturer, at=NINE).display
    assert room.client.post(room.url("stop_screen", display.ref)).status_code == 404
    assert Display.objects.get().revoked_at is None


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (SHOWN_BEFORE + timedelta(minutes=1), "It is too early to show this code. Come back from 23 November, 07:00."),
        (-timedelta(hours=1), "This class is over. Mark students by hand on its register instead."),
    ],
)
def test_too_early_and_over(room: Room, before: timedelta, told: str) -> None:
    room.sign_in(room.lecturer, NINE - before)
    assert "Show code" not in words(room.register())
    assert notices(room.post("class_display")) == told
    assert not Opening.objects.exists()


def test_a_class_that_closed_or_was_cancelled_shows_no_code(room: Room) -> None:
    """Pitfall 9: the previous class's code still on screen."""
    url = show(room)
    room.sign_in(room.lecturer, NINE + timedelta(minutes=30))
    assert "Check-in has closed" in words(page(room.client, url))
    room.sign_in(room.lecturer, FIVE_PAST)
    cancel_class(room.session, at=FIVE_PAST, actor="system:test")
    assert "This class is cancelled" in words(page(room.client, url))
    assert "<svg viewBox" not in page(room.client, url)


def test_a_class_moved_since_it_was_opened_gets_its_new_times(room: Room) -> None:
    opening = room.opening()
    room.session.starts_at += timedelta(minutes=30)
    room.session.ends_at += timedelta(minutes=30)
    room.session.save()
    moved = open_checkin(room.session, by=room.lecturer, at=FIVE_PAST)
    assert (moved.pk, moved.opens_at) == (opening.pk, NINE + timedelta(minutes=20))
    stored = Opening.objects.get()
    assert (stored.opens_at, stored.late_until) == (moved.opens_at, NINE + timedelta(minutes=60))
    assert stored.version > opening.version


# What the lecturer does with check-in


def test_pace_and_new_codes(room: Room) -> None:
    show(room)
    room.sign_in(room.lecturer, FIVE_PAST + timedelta(minutes=1))
    assert "change pace now" in notices(room.post("change_pace", pace="strict"))
    assert '<option value="strict" selected>' in room.register()
    assert "Every code shown so far has stopped working." in notices(room.post("kill_codes"))
    strict = PACES["strict"]
    epochs = list(Epoch.objects.order_by("number").values_list("period_ms", "killed"))
    assert epochs == [(60_000, True), (strict.period_ms, True), (strict.period_ms, False)]
    assert notices(room.post("change_pace", pace="lightning")) == "Choose how often the code changes."


def test_stop_and_go_on(room: Room) -> None:
    url = show(room)
    assert "Check-in has stopped" in notices(room.post("stop_checkin"))
    assert "Check-in has closed" in words(page(room.client, url))
    assert "Open check-in again" in words(room.register())
    assert notices(room.post("reopen_checkin")) == "Check-in is open."
    assert "<svg" in page(room.client, url)


@pytest.mark.parametrize("name", ["stop_checkin", "kill_codes"])
def test_what_is_not_open_cannot_be_stopped(room: Room, name: str) -> None:
    assert notices(room.post(name)) == "Check-in of this class is not open yet. Show the code first."


# A new code at the screen


def test_only_the_screen_itself_asks_for_a_new_code(room: Room) -> None:
    url = show(room)
    room.sign_in(room.lecturer, FIVE_PAST + timedelta(seconds=10))
    elsewhere = Client()
    elsewhere.force_login(room.lecturer)
    assert elsewhere.post(f"{url}refresh/")["Location"] == url
    assert Epoch.objects.count() == 1


def test_a_new_code_leaves_the_old_one_its_grace_and_two_taps_are_one_wish(room: Room) -> None:
    url = show(room)
    room.sign_in(room.lecturer, FIVE_PAST + timedelta(seconds=10))
    assert [room.client.post(f"{url}refresh/")["Location"] for _ in range(3)] == [url] * 3
    first, second = Epoch.objects.order_by("number")
    assert (first.killed, second.killed, second.period_ms) == (False, False, first.period_ms)
    assert first.ended_at == FIVE_PAST + timedelta(seconds=10)
    assert room.client.get(f"{url}refresh/").status_code == 405


# A lectern PC


def code_on(screen: Client) -> str:
    found = re.search(r"<span>(\w{4})</span> <span>(\w{4})</span>", page(screen, "/display/"))
    assert found
    return "".join(found.groups())


def test_a_lectern_pc_is_paired_without_signing_in_on_it(room: Room) -> None:
    screen = Client()
    assert "you need not sign in here" in words(page(screen, "/display/"))
    assert not Pairing.objects.exists(), "looking writes nothing"
    screen.post("/display/")
    code = code_on(screen)
    assert screen.get("/display/", headers={"HX-Request": "true"}).status_code == 204
    typed = f" {code[:4].lower()}-{code[4:]} ".replace("0", "o").replace("1", "l")
    assert "Paired." in notices(room.post("pair_screen", code=typed))
    assert screen.get("/display/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    answer = screen.get("/display/", follow=True)
    assert answer.redirect_chain == [(f"/display/{Display.objects.get().ref}/", 302)]
    assert "<svg" in answer.content.decode()
    assert "Use this screen" in page(screen, "/display/"), "and can be paired anew for the next class"


@pytest.mark.parametrize("code", ["", "AAAAAAAA", "not a code at all"])
def test_a_wrong_code_pairs_nothing(room: Room, code: str) -> None:
    Client().post("/display/")
    assert "No screen is waiting with that code." in notices(room.post("pair_screen", code=code))
    assert not Display.objects.exists()


def test_characters_are_good_for_ten_minutes_and_one_class(room: Room) -> None:
    screen = Client()
    screen.post("/display/")
    code = code_on(screen)
    room.sign_in(room.lecturer, FIVE_PAST + timedelta(minutes=10))
    assert "The characters have run out" in words(page(screen, "/display/"))
    assert screen.get("/display/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    room.sign_in(room.lecturer, FIVE_PAST + timedelta(minutes=10, seconds=1))
    assert "No screen is waiting" in notices(room.post("pair_screen", code=code))
    screen.post("/display/")
    code = code_on(screen)
    room.post("pair_screen", code=code)
    assert "No screen is waiting" in notices(room.post("pair_screen", code=code))


def test_each_change_of_pace_is_an_epoch_of_its_own(room: Room) -> None:
    opening = room.opening()
    for pace in ("brisk", "strict"):
        begin_epoch(opening, by=room.lecturer, at=FIVE_PAST, pace=pace)
    assert list(Epoch.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
