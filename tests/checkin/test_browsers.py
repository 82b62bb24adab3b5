"""A scan made before any sign-in counts in the browser that made it. Each case is one way people, or cheats, get from a code
to a tap; what becomes of it, and how many honest students are held, is the test."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

import httpx
import pytest

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, Query
from adsum.checkin import kiosks, services
from adsum.checkin.codes import seal_ticket, unseal_ticket
from adsum.checkin.gate.evidence import device_hash
from adsum.checkin.gate.http import DEVICE_COOKIE, TICKET_COOKIE
from adsum.checkin.models import Scan
from adsum.checkin.reports import held_scans
from adsum.checkin.signs import scanned_together
from adsum.core import keyring
from tests.kit import marking
from tests.kit.open_class import FIVE_PAST, Room, kept, marks
from tests.kit.phones import Gates, Phone, in_thread, refusal, ticket
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db(transaction=True)
IN = ""


def given(answer: httpx.Response, cookie: str) -> str:
    """What an answer leaves in a cookie."""
    found = re.search(rf"{cookie}=([^;]+)", "; ".join(answer.headers.get_list("set-cookie")))
    assert found, answer.headers
    return found[1]


async def types(phone: Phone, room: Room) -> httpx.Response:
    await phone.post("/in/code", {"code": phone.gates.typed(room.opening)})
    return await phone.tap()


# The ways from a code to a tap. Each returns the last page


async def signed_in_before(room: Room, gates: Gates) -> httpx.Response:
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    return await phone.tap()


async def signed_in_after(room: Room, gates: Gates) -> httpx.Response:
    phone = gates.phone()
    await phone.scan(room.opening)
    phone.sign_in(room.alice)
    page = await phone.get("/in/confirm")
    return await phone.post("/in/confirm", {"ticket": ticket(page)})


async def known_browser(room: Room, gates: Gates) -> httpx.Response:
    phone = gates.phone()
    phone.cookies.set(DEVICE_COOKIE, "of-last-week", domain="localhost.local")
    return await signed_in_after_with(phone, room)


async def signed_in_after_with(phone: Phone, room: Room) -> httpx.Response:
    await phone.scan(room.opening)
    phone.sign_in(room.alice)
    return await phone.tap()


async def previewed(room: Room, gates: Gates) -> httpx.Response:
    await gates.phone(headers={"User-Agent": "WhatsApp/2", "Purpose": "prefetch"}).scan(room.opening)
    return await signed_in_after(room, gates)


async def two_tabs(room: Room, gates: Gates) -> httpx.Response:
    """Two first scans at once, of which the browser keeps the later cookies, and the tap is in the other tab."""
    first = await gates.phone().scan(room.opening)
    phone = gates.phone()
    await phone.scan(room.opening)
    phone.sign_in(room.alice)
    return await phone.post("/in/confirm", {"ticket": given(first, TICKET_COOKIE)})


async def own_other_browser(room: Room, gates: Gates) -> httpx.Response:
    """A scan made signed in is that person's, wherever they finish it."""
    page = await gates.phone(room.alice).scan(room.opening)
    return await gates.phone(room.alice).post("/in/confirm", {"ticket": ticket(page)})


async def in_app_then_digits(room: Room, gates: Gates) -> httpx.Response:
    await gates.phone(headers={"User-Agent": "Instagram"}).scan(room.opening)
    own = gates.phone(room.alice)
    page = await own.get("/in/confirm")
    assert (refusal(page), 'name="code"' in page.text, "data-scanner" in page.text) == ("", True, True)
    return await types(own, room)


async def in_app_then_camera(room: Room, gates: Gates) -> httpx.Response:
    await gates.phone(headers={"User-Agent": "Instagram"}).scan(room.opening)
    own = gates.phone()
    page = await own.get("/in/confirm")
    assert (refusal(page), "/sign-in/?next=/in" in page.text, "data-scanner" in page.text) == ("", True, True)
    return await signed_in_after_with(own, room)


async def no_cookies(room: Room, gates: Gates) -> httpx.Response:
    """Without cookies nobody is signed in: the page says so again and again, and no scan is lost to it."""
    phone = gates.phone()
    await phone.scan(room.opening)
    phone.cookies.clear()
    answer = await phone.tap()
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/?next=/in/confirm")
    return await types(gates.phone(room.alice), room)


async def cleared_before_signing_in(room: Room, gates: Gates) -> httpx.Response:
    phone = gates.phone()
    await phone.scan(room.opening)
    phone.cookies.clear()
    phone.sign_in(room.alice)
    assert refusal(await phone.get("/in/confirm")) == ""
    return await types(phone, room)


async def cleared_before_the_tap(room: Room, gates: Gates) -> httpx.Response:
    """With the page open, and signed in anew in another tab."""
    phone = gates.phone()
    await phone.scan(room.opening)
    phone.sign_in(room.alice)
    page = await phone.get("/in/confirm")
    phone.cookies.clear()
    phone.sign_in(room.alice)
    return await phone.post("/in/confirm", {"ticket": ticket(page)})


async def lab_pc_first(room: Room, gates: Gates) -> httpx.Response:
    return await types(gates.phone(room.alice), room)


async def lab_pc_second(room: Room, gates: Gates) -> httpx.Response:
    """The same browser, one after the other: the rule of one account on one device holds as before."""
    computer = gates.phone(room.alice)
    await types(computer, room)
    computer.sign_in(room.bob)
    return await types(computer, room)


async def lab_pc_wiped(room: Room, gates: Gates) -> httpx.Response:
    await types(gates.phone(room.alice), room)
    return await types(gates.phone(room.bob), room)


async def kiosk(room: Room, gates: Gates) -> httpx.Response:
    front = await in_thread(kiosks.open_kiosk, room.opening, by=room.lecturer, at=FIVE_PAST)
    await in_thread(kiosks.enter, front.kiosk, room.alice.number, at=FIVE_PAST)
    return await types(gates.phone(room.alice), room)


async def before_the_update(room: Room, gates: Gates) -> httpx.Response:
    """A ticket that names no browser finishes as it always did."""
    page = await gates.phone().scan(room.opening)
    keys = keyring.keys_for("ticket/v1")
    old = unseal_ticket(given(page, TICKET_COOKIE), keys)
    assert old is not None
    old.bound, old.device = False, bytes(16)
    kid = keyring.current()
    return await gates.phone(room.alice).post("/in/confirm", {"ticket": seal_ticket(old, keys[kid], kid)})


async def a_friends_page(room: Room, gates: Gates) -> httpx.Response:
    """The friend in the room scans without signing in, and sends on what the page holds."""
    friend = await gates.phone().scan(room.opening)
    return await gates.phone(room.alice).post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})


async def a_friends_page_to_a_known_browser(room: Room, gates: Gates) -> httpx.Response:
    friend = await gates.phone().scan(room.opening)
    phone = gates.phone(room.alice)
    phone.cookies.set(DEVICE_COOKIE, "of-last-week", domain="localhost.local")
    return await phone.post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})


async def a_friends_cookie(room: Room, gates: Gates) -> httpx.Response:
    """The ticket alone, put where the browser keeps its own."""
    friend = await gates.phone().scan(room.opening)
    phone = gates.phone(room.alice)
    phone.cookies.set(TICKET_COOKIE, given(friend, TICKET_COOKIE), domain="localhost.local")
    return await phone.tap()


async def ticket_and_tag(room: Room, gates: Gates) -> httpx.Response:
    """Both secrets handed over by a script: docs/security.md says that this passes, and what shows it."""
    friend = await gates.phone().scan(room.opening)
    phone = gates.phone(room.alice)
    for cookie in (TICKET_COOKIE, DEVICE_COOKIE):
        phone.cookies.set(cookie, given(friend, cookie), domain="localhost.local")
    return await phone.tap()


class Case(NamedTuple):
    walk: Callable[[Room, Gates], Awaitable[httpx.Response]]
    honest: bool
    ends: str


CASES = [
    Case(signed_in_before, True, IN),
    Case(signed_in_after, True, IN),
    Case(known_browser, True, IN),
    Case(previewed, True, IN),
    Case(two_tabs, True, IN),
    Case(own_other_browser, True, IN),
    Case(in_app_then_digits, True, IN),
    Case(in_app_then_camera, True, IN),
    Case(no_cookies, True, IN),
    Case(cleared_before_signing_in, True, IN),
    Case(cleared_before_the_tap, True, "other_browser"),
    Case(lab_pc_first, True, IN),
    Case(lab_pc_second, True, "same_device"),
    Case(lab_pc_wiped, True, IN),
    Case(kiosk, True, IN),
    Case(before_the_update, True, IN),
    Case(a_friends_page, False, "other_browser"),
    Case(a_friends_page_to_a_known_browser, False, "other_browser"),
    Case(a_friends_cookie, False, "other_browser"),
    Case(ticket_and_tag, False, IN),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.walk.__name__)
async def test_the_way_from_a_code_to_a_tap(room: Room, gates: Gates, case: Case) -> None:
    page = await case.walk(room, gates)
    assert refusal(page) == case.ends, page.text
    if case.ends == IN:
        assert "You’re in" in page.text or "You’re already in" in page.text
        assert await in_thread(Mark.objects.count) >= 1
    else:
        await in_thread(lambda: Scan.objects.get(refusal=case.ends))
        assert [scan.refusal for scan in await in_thread(lambda: list(held_scans(room.session)))] == [case.ends]


def test_how_often_the_honest_are_held() -> None:
    """Of the honest ways, this rule holds one, and that one is in with eight digits; the other is the rule of one phone."""
    honest = [case for case in CASES if case.honest]
    assert len(honest) == 16
    assert [case.walk.__name__ for case in honest if case.ends == "other_browser"] == ["cleared_before_the_tap"]
    assert [case.walk.__name__ for case in honest if case.ends == "same_device"] == ["lab_pc_second"]


# Eight of one photograph


async def crowd(room: Room, gates: Gates, size: int = 8) -> list[Person]:
    students = await in_thread(lambda: [room.world.student(groups=[room.group]) for _ in range(size)])
    gates.state.rosters.clear()
    return students


async def test_eight_tickets_of_one_photograph_are_held_and_mark_nobody(room: Room, gates: Gates) -> None:
    """T-FLOW-10: minted by one client, finished by eight students elsewhere."""
    students = await crowd(room, gates)
    code = gates.code(room.opening)
    minted = [given(await gates.phone().get(f"/{code}"), TICKET_COOKIE) for _ in students]
    gates.wait(minutes=8)
    for student, sealed in zip(students, minted, strict=True):
        page = await gates.phone(student).post("/in/confirm", {"ticket": sealed})
        assert refusal(page) == "other_browser"
        assert "/in" in page.text
    assert await in_thread(marks) == []
    assert await in_thread(kept) == ["other_browser"] * 8
    (group,) = await in_thread(scanned_together, room.session)
    assert (group.slot, len(group.students)) == (0, 8)


async def test_handed_over_with_their_tags_they_count_and_are_shown_as_one_group(room: Room, gates: Gates) -> None:
    students = await crowd(room, gates)
    gates.wait(seconds=7)
    code = gates.code(room.opening)
    for student in students:
        friend = await gates.phone().get(f"/{code}")
        phone = gates.phone(student)
        for cookie in (TICKET_COOKIE, DEVICE_COOKIE):
            phone.cookies.set(cookie, given(friend, cookie), domain="localhost.local")
        assert "You’re in" in (await phone.tap()).text
        gates.wait(seconds=1)
    gates.wait(minutes=1)
    honest = gates.phone()
    await honest.scan(room.opening)
    honest.sign_in(room.alice)
    await honest.tap()
    await signed_in_before_as(room.bob, room, gates)
    (group,) = await in_thread(scanned_together, room.session)
    assert {student.pk for student in group.students} == {student.pk for student in students}, "and nobody else"
    epoch = gates.state.known.by_pk[room.opening.pk].epochs[0]
    assert (group.shown_at - NINE).total_seconds() % 60 == (epoch.started_ms / 1000 - NINE.timestamp()) % 60
    assert await in_thread(lambda: list(held_scans(room.session))) == []


async def signed_in_before_as(person: Person, room: Room, gates: Gates) -> None:
    phone = gates.phone(person)
    await phone.scan(room.opening)
    await phone.tap()


async def test_two_are_no_group(room: Room, gates: Gates) -> None:
    for student in (room.alice, room.bob):
        phone = gates.phone()
        await phone.scan(room.opening)
        phone.sign_in(student)
        await phone.tap()
    assert await in_thread(scanned_together, room.session) == []


# What a held scan keeps, and what it still can do


async def test_a_first_scan_gives_the_browser_its_tag_and_the_ticket_knows_it(room: Room, gates: Gates) -> None:
    page = await gates.phone().scan(room.opening)
    sealed = unseal_ticket(given(page, TICKET_COOKIE), keyring.keys_for("ticket/v1"))
    key = gates.state.known.by_pk[room.opening.pk].device_key
    assert sealed is not None
    assert (sealed.device, sealed.bound, sealed.new_device) == (device_hash(given(page, DEVICE_COOKIE), key), True, True)


async def test_the_digits_let_in_at_once_and_nothing_waits_any_more(room: Room, gates: Gates) -> None:
    friend = await gates.phone().scan(room.opening)
    phone = gates.phone(room.alice)
    page = await phone.post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})
    assert "To be in at once, type the eight digits" in page.text
    assert 'href="/in"' in page.text
    gates.wait(minutes=2)
    assert "You’re in" in (await types(phone, room)).text
    assert (await in_thread(Mark.objects.get)).at == FIVE_PAST + timedelta(minutes=2), "as of now"
    assert await in_thread(lambda: list(held_scans(room.session))) == []
    elsewhere = await gates.phone(room.alice).post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})
    assert "You’re already in" in elsewhere.text, "the held scan itself, tapped again"
    assert await in_thread(kept) == ["", "other_browser"]


async def late_after_all(room: Room, gates: Gates) -> Scan:
    """A held scan in time, and eight digits typed when it was late."""
    friend = await gates.phone().scan(room.opening)
    gates.wait(minutes=9)
    phone = gates.phone(room.alice)
    await phone.post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})
    gates.wait(minutes=3)
    page = await phone.post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})
    assert "to be marked late now. This scan was in time" in page.text
    assert "You’re in" in (await types(phone, room)).text
    assert await in_thread(marks) == [(room.alice.pk, "late")]
    (scan,) = await in_thread(lambda: list(held_scans(room.session)))
    return await in_thread(Scan.objects.select_related("session", "student", "opening").get, pk=scan.pk)


async def test_typed_too_late_to_be_present_the_held_scan_stays_for_the_lecturer(room: Room, gates: Gates) -> None:
    scan = await late_after_all(room, gates)
    assert scan.first_seen_at == FIVE_PAST
    await in_thread(marking.decide_held, scan, accept=True, by=room.lecturer, at=FIVE_PAST + timedelta(minutes=15))
    mark = await in_thread(Mark.objects.get)
    assert (mark.status, mark.at, mark.minutes_late) == ("present", FIVE_PAST, 0)
    assert await in_thread(lambda: list(held_scans(room.session))) == []


async def test_a_person_who_says_late_has_decided(room: Room, gates: Gates) -> None:
    await late_after_all(room, gates)
    await in_thread(lambda: Mark.objects.update(source="staff"))
    assert await in_thread(lambda: list(held_scans(room.session))) == []


@pytest.mark.parametrize("typed", [False, True])
async def test_never_decided_it_is_under_query_at_the_close(room: Room, gates: Gates, typed: bool) -> None:
    if typed:
        await late_after_all(room, gates)
    else:
        await a_friends_page(room, gates)
    await signed_in_before_as(room.bob, room, gates)
    await in_thread(services.close_classes, [room.session], at=room.session.ends_at + timedelta(minutes=10))
    query = await in_thread(Query.objects.get)
    assert (query.student_id, query.evidence["refusal"]) == (room.alice.pk, "other_browser")


async def test_whoever_is_in_already_stays_in(room: Room, gates: Gates) -> None:
    await signed_in_before(room, gates)
    page = await a_friends_page(room, gates)
    assert "You’re already in" in page.text
    assert await in_thread(marks) == [(room.alice.pk, "present")]
    assert await in_thread(kept) == ["", "already_in"]


async def test_when_check_in_is_over_the_digits_are_not_offered(room: Room, gates: Gates) -> None:
    gates.wait(minutes=20)
    friend = await gates.phone().scan(room.opening)
    gates.wait(minutes=6)
    page = await gates.phone(room.alice).post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})
    assert refusal(page) == "other_browser"
    assert ('href="/in"' in page.text, "Tell my lecturer" in page.text) == (False, True)


async def test_a_student_of_another_group_is_told_that_first(room: Room, gates: Gates) -> None:
    carol = await in_thread(room.world.student, "Carol Cole")
    friend = await gates.phone().scan(room.opening)
    page = await gates.phone(carol).post("/in/confirm", {"ticket": given(friend, TICKET_COOKIE)})
    assert refusal(page) == "not_expected"


async def test_an_unreadable_ticket_offers_the_digits_too(room: Room, gates: Gates) -> None:
    phone = gates.phone(room.alice)
    phone.cookies.set(TICKET_COOKIE, "k9.AAAA", domain="localhost.local")
    page = await phone.get("/in/confirm")
    assert (refusal(page), 'name="code"' in page.text) == ("", True)
