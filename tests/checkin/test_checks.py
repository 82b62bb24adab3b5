"""Second checks and spot checks: who is asked, what counts as an answer, and that no mark ever changes."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.outages import declare_outage
from adsum.attendance.rules import Reason, Status
from adsum.audit.models import Event
from adsum.checkin.checks import (
    LASTS,
    SETTLED_AFTER,
    begin_check,
    begin_spot_check,
    check_moment,
    note_call,
    plan_check,
    say_seen,
    take_back_check,
    tend_checks,
)
from adsum.checkin.gate.http import TICKET_COOKIE
from adsum.checkin.models import CheckAnswer, Epoch, SecondCheck, SpotCall
from adsum.checkin.reports import answers_of, held_scans, unconfirmed_in
from adsum.checkin.rules import Called, Void
from adsum.checkin.services import add_display, open_checkin
from adsum.checkin.writer import record_scans
from adsum.core.errors import AdsumError
from tests.kit.marking import mark_students
from tests.kit.phones import Gates, account_of, in_thread, refusal
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

MINUTE = timedelta(minutes=1)
TEN_TO_TEN = NINE + 50 * MINUTE


class Hall:
    """A class of two hours: Alice and Bob are in since five past, Cara is not; one screen shows it."""

    def __init__(self) -> None:
        self.world = world = World()
        self.lecturer, group = world.lecturer("Ada Lecturer"), world.group()
        self.alice, self.bob, self.cara = (
            world.student(name, groups=[group]) for name in ("Alice Abel", "Bob Baker", "Cara Cole")
        )
        self.session = world.session(group, staff=[self.lecturer], minutes=120)
        self.opening = open_checkin(self.session, by=self.lecturer, at=NINE - 9 * MINUTE)
        self.display = add_display(self.opening, by=self.lecturer, at=NINE).display
        mark_students(self.session, [self.alice, self.bob], Status.PRESENT, by=self.lecturer, at=NINE + 5 * MINUTE)

    def begin(self, at: datetime = TEN_TO_TEN) -> SecondCheck:
        return begin_check(self.opening, by=self.lecturer, at=at)

    def found(self) -> dict[str, bool]:
        """By given name, whether they are unconfirmed."""
        return {one.student.given_name: one.unconfirmed for one in CheckAnswer.objects.select_related("student")}


@pytest.fixture
def hall(db: None) -> Hall:
    return Hall()


@given(st.integers(0, 170), st.integers(10, 40), st.integers(20, 180), st.integers(0, 10**6))
def test_a_random_moment_comes_after_check_in_and_leaves_time(at: int, late: int, length: int, pick: int):
    ends = NINE + length * MINUTE
    moment = check_moment(at=NINE + at * MINUTE, late_until=NINE + late * MINUTE, ends_at=ends, pick=lambda n: pick % n)
    if moment is None:
        assert max(at, late) + 1 >= length - 6.5
    else:
        assert NINE + (max(at, late) + 1) * MINUTE <= moment <= ends - 5 * MINUTE - LASTS


def test_who_does_not_answer_is_unconfirmed_and_no_mark_changes(hall: Hall):
    """T-FLOW-3: missing it is a note, never an absence."""
    check = hall.begin()
    assert answers_of(check) == {hall.alice.pk: None, hall.bob.pk: None}, "Cara was not in, so nobody asks her"
    before = MarkChange.objects.count(), list(Mark.objects.order_by("pk").values())
    assert tend_checks(at=TEN_TO_TEN + LASTS) == 1, "ordinary codes again"
    assert [epoch.of_check for epoch in Epoch.objects.order_by("number")] == [False, True, False]
    assert tend_checks(at=TEN_TO_TEN + LASTS + SETTLED_AFTER) == 1
    assert (MarkChange.objects.count(), list(Mark.objects.order_by("pk").values())) == before
    assert SecondCheck.objects.get().void == Void.NOBODY, "nobody at all: the screen was dark"
    assert hall.found() == {}


def test_a_check_needs_a_class_a_screen_and_no_other_check(hall: Hall):
    for at in (NINE - MINUTE, NINE + 119 * MINUTE):
        with pytest.raises(AdsumError, match="class that is on"):
            hall.begin(at)
    hall.display.revoked_at = NINE
    hall.display.save()
    with pytest.raises(AdsumError, match="No screen"):
        hall.begin()
    add_display(hall.opening, by=hall.lecturer, at=NINE)
    hall.begin()
    with pytest.raises(AdsumError, match="under way"):
        plan_check(hall.opening, by=hall.lecturer, at=TEN_TO_TEN)


def test_a_planned_one_begins_by_itself_and_its_moment_is_told_nobody(hall: Hall):
    check = plan_check(hall.opening, by=hall.lecturer, at=NINE + 10 * MINUTE)
    assert check.planned_for is not None
    assert check.planned_for.isoformat() not in str(list(Event.objects.values_list("detail", flat=True)))
    assert tend_checks(at=check.planned_for - MINUTE) == 0
    assert tend_checks(at=check.planned_for) == 1
    check.refresh_from_db()
    assert (check.started_at, check.ends_at) == (check.planned_for, check.planned_for + LASTS)
    assert tend_checks(at=check.planned_for) == 0, "once"


def test_a_planned_one_without_a_screen_is_void(hall: Hall):
    plan_check(hall.opening, by=hall.lecturer, at=NINE + 10 * MINUTE)
    hall.display.revoked_at = NINE
    hall.display.save()
    assert tend_checks(at=NINE + 118 * MINUTE) == 0
    assert tend_checks(at=NINE + 119 * MINUTE) == 1
    assert SecondCheck.objects.get().void == Void.NO_MOMENT


def test_a_short_class_has_no_random_moment(hall: Hall):
    with pytest.raises(AdsumError, match="too short"):
        plan_check(hall.opening, by=hall.lecturer, at=NINE + 115 * MINUTE)


def test_taken_back_it_says_nothing(hall: Hall):
    check = hall.begin()
    take_back_check(check, by=hall.lecturer, at=TEN_TO_TEN + MINUTE)
    assert SecondCheck.objects.get().void == Void.TAKEN_BACK
    assert not Epoch.objects.latest("number").of_check
    with pytest.raises(AdsumError, match="settled"):
        take_back_check(check, by=hall.lecturer, at=TEN_TO_TEN + MINUTE)
    assert tend_checks(at=TEN_TO_TEN + timedelta(hours=1)) == 0


# At the gate


@pytest.fixture
async def room(transactional_db: None) -> Hall:
    return await in_thread(Hall)


@pytest.fixture
async def gates(room: Hall) -> AsyncIterator[Gates]:
    async with Gates.open(TEN_TO_TEN - MINUTE) as gates:
        yield gates


async def settle(room: Hall, gates: Gates) -> None:
    for after in (LASTS, LASTS + SETTLED_AFTER):
        await in_thread(tend_checks, at=TEN_TO_TEN + after)


async def begun(room: Hall, gates: Gates) -> SecondCheck:
    check = await in_thread(room.begin)
    gates.wait(minutes=1)
    await gates.tell()
    return check


async def test_whoever_scans_again_is_confirmed(room: Hall, gates: Gates):
    await begun(room, gates)
    phone = gates.phone(room.alice)
    page = await phone.scan(room.opening)
    assert "A second check" in page.text
    answer = await phone.tap()
    assert "you’re still here" in answer.text
    assert "second check at 09:50:00" in answer.text
    assert refusal(answer) == ""
    await settle(room, gates)
    assert await in_thread(room.found) == {"Alice": False, "Bob": True}
    assert await in_thread(unconfirmed_in, room.session) == {room.bob.pk}
    marks = await in_thread(lambda: dict(Mark.objects.values_list("student", "status")))
    assert marks == {room.alice.pk: "present", room.bob.pk: "present"}


async def test_typing_the_code_confirms_too(room: Hall, gates: Gates):
    await begun(room, gates)
    phone = gates.phone(room.bob)
    await phone.post("/in/code", {"code": gates.typed(room.opening)})
    assert "you’re still here" in (await phone.tap()).text
    await settle(room, gates)
    assert await in_thread(room.found) == {"Alice": True, "Bob": False}


async def test_one_browser_answers_for_one_account(room: Hall, gates: Gates):
    """Bob has left; his friend's phone answers for him too."""
    await begun(room, gates)
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    await phone.tap()
    phone.sign_in(room.bob)
    await phone.scan(room.opening)
    await phone.tap()
    await settle(room, gates)
    assert await in_thread(room.found) == {"Alice": False, "Bob": True}


async def test_a_scan_of_another_browser_answers_nothing_and_the_digits_do(room: Hall, gates: Gates):
    """Alice has left; her friend in the room scans without signing in, and sends on what the page holds."""
    await begun(room, gates)
    friend, phone = gates.phone(), gates.phone(room.alice)
    await friend.scan(room.opening)
    sealed = friend.cookies[TICKET_COOKIE]
    for _ in range(2):
        page = await phone.post("/in/confirm", {"ticket": sealed})
        assert refusal(page) == "other_browser"
        assert "To answer the second check, type the eight digits" in page.text
    marks = await in_thread(lambda: dict(Mark.objects.values_list("student", "status")))
    assert marks == {room.alice.pk: "present", room.bob.pk: "present"}
    assert await in_thread(lambda: list(held_scans(room.session))) == [], "she is in, so there is nothing to decide"
    bob = gates.phone(room.bob)
    await bob.post("/in/confirm", {"ticket": sealed})
    await bob.post("/in/code", {"code": gates.typed(room.opening)})
    assert "you’re still here" in (await bob.tap()).text
    await settle(room, gates)
    assert await in_thread(room.found) == {"Alice": True, "Bob": False}


async def test_a_scan_whose_time_only_the_phone_knows_answers_nothing(room: Hall, gates: Gates):
    """Alice has left; a friend sends her the code, and she says that her phone had kept it."""
    await begun(room, gates)
    phone, code = gates.phone(room.alice), gates.code(room.opening)
    kept = {"code": code, "whose": account_of(room.alice), "ago": "300000"}
    bob = gates.phone(room.bob)
    await bob.scan(room.opening)
    await bob.tap()
    gates.wait(minutes=5)
    said = (await phone.post("/in/kept", kept)).json()
    assert said["title"] == "Your scan came too late for the second check"
    await settle(room, gates)
    assert await in_thread(room.found) == {"Alice": True, "Bob": False}


def test_a_browser_is_of_whoever_checked_in_with_it(hall: Hall):
    Mark.objects.filter(student=hall.alice).delete()
    scan(hall, hall.alice, NINE + 5 * MINUTE)
    check = hall.begin()
    scan(hall, hall.bob, TEN_TO_TEN + timedelta(seconds=10))
    scan(hall, hall.alice, TEN_TO_TEN + timedelta(seconds=20))
    answered = answers_of(check)
    assert (answered[hall.alice.pk] is not None, answered[hall.bob.pk]) == (True, None), "though Bob answered first"


def scan(hall: Hall, student: Person, at: datetime) -> None:
    """With a code that was quite fresh, and always the same browser."""
    given = attempt(hall.opening, student, ref=uuid4(), ticket=uuid4(), device="d1", age_ms=0, first_seen_at=at, finished_at=at)
    record_scans([given])


async def test_an_ordinary_code_does_not_count(room: Hall, gates: Gates):
    """A photo taken before the check began, still within its grace."""
    old = gates.code(room.opening)
    await begun(room, gates)
    phone, other = gates.phone(room.alice), gates.phone(room.bob)
    await phone.get(f"/{old}")
    await phone.tap()
    await other.scan(room.opening)
    await other.tap()
    await settle(room, gates)
    assert await in_thread(room.found) == {"Alice": True, "Bob": False}


async def test_too_late_does_not_count(room: Hall, gates: Gates):
    await begun(room, gates)
    first = gates.phone(room.alice)
    await first.scan(room.opening)
    await first.tap()
    gates.wait(seconds=90 + 16)
    late = gates.phone(room.bob)
    await late.scan(room.opening)
    await late.tap()
    await settle(room, gates)
    assert await in_thread(room.found) == {"Alice": False, "Bob": True}


async def test_it_gets_nobody_in_who_was_not(room: Hall, gates: Gates):
    """Check-in closed at half past nine: the check opens no back door."""
    await begun(room, gates)
    phone = gates.phone(room.cara)
    await phone.scan(room.opening)
    assert refusal(await phone.tap()) == "closed"
    assert await in_thread(lambda: Mark.objects.filter(student=room.cara).count()) == 0


async def test_in_an_outage_it_says_nothing(room: Hall, gates: Gates):
    await begun(room, gates)
    phone = gates.phone(room.alice)
    await phone.scan(room.opening)
    await phone.tap()
    await in_thread(
        declare_outage, by=room.lecturer, at=TEN_TO_TEN, starts_at=NINE, ends_at=None, reason="The network was down"
    )
    await settle(room, gates)
    assert await in_thread(room.found) == {}
    assert (await in_thread(SecondCheck.objects.get)).void == Void.OUTAGE


def test_a_person_says_that_they_saw_someone(hall: Hall):
    check = hall.begin()
    missed = CheckAnswer.objects.create(second_check=check, student=hall.bob)
    with pytest.raises(AdsumError, match="yourself"):
        say_seen(missed, by=hall.bob, at=TEN_TO_TEN)
    say_seen(missed, by=hall.lecturer, at=TEN_TO_TEN)
    say_seen(missed, by=hall.world.lecturer(), at=TEN_TO_TEN)
    assert CheckAnswer.objects.get().seen_by == hall.lecturer, "the first word stands"
    assert Event.objects.filter(verb="check.seen").count() == 1
    assert unconfirmed_in(hall.session) == set()


# Spot checks


def test_five_names_of_those_who_are_in(hall: Hall):
    group = hall.session.groups.get()
    more = [hall.world.student(groups=[group]) for _ in range(7)]
    mark_students(hall.session, more, Status.LATE, by=hall.lecturer, at=NINE + 20 * MINUTE)
    mark_students(hall.session, [hall.bob], Status.LEFT_EARLY, by=hall.lecturer, at=TEN_TO_TEN, reason_code=Reason.LEFT_EARLY)
    in_ = {hall.alice.pk, *(one.pk for one in more)}
    seen = set[int]()
    for _ in range(20):
        spot = begin_spot_check(hall.session, by=hall.lecturer, at=TEN_TO_TEN)
        called = list(spot.calls.order_by("place").values_list("student", flat=True))
        assert len(called) == len(set(called)) == 5
        assert set(called) <= in_
        seen |= set(called)
    assert seen == in_, "over time, anyone"


def test_not_asked_is_not_not_seen_and_nothing_follows(hall: Hall):
    """T-FR-10."""
    spot = begin_spot_check(hall.session, by=hall.lecturer, at=TEN_TO_TEN)
    before = list(Mark.objects.order_by("pk").values())
    first, second = spot.calls.order_by("place")
    assert {first.result, second.result} == {Called.NOT_ASKED}
    note_call(first, Called.NOT_SEEN, by=hall.lecturer, at=TEN_TO_TEN)
    assert set(SpotCall.objects.values_list("result", flat=True)) == {Called.NOT_SEEN, Called.NOT_ASKED}
    assert list(Mark.objects.order_by("pk").values()) == before
    assert unconfirmed_in(hall.session) == set()


def test_nobody_in_nobody_called(world: World):
    session = world.session(world.group(students=2))
    with pytest.raises(AdsumError, match="Nobody has checked in"):
        begin_spot_check(session, by=world.lecturer(), at=NINE + MINUTE)
    with pytest.raises(AdsumError, match="while the class is on"):
        begin_spot_check(session, by=world.lecturer(), at=NINE - MINUTE)
