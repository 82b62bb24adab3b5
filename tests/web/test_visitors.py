"""Adding somebody who is not on the list to a register, and which class of their own it counts instead of."""

from datetime import timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, Proposal
from adsum.attendance.rules import Status
from adsum.checkin.rules import Refusal
from adsum.timetable.models import ClassSession
from tests.kit.reading import words
from tests.kit.room import Room, notices
from tests.kit.signing_in import prove
from tests.kit.world import NINE, cancel_class

OTHER = ("attended_other_group", "swapped")


@pytest.fixture
def vera(room: Room) -> Person:
    """A student of another group of the module, whose class is on Wednesday."""
    group = room.world.group(room.group.module, "L2")
    vera = room.world.student("Vera Visitor", groups=[group], number="20260007")
    room.world.session(group, starts_at=NINE + timedelta(days=2))
    return vera


def own(vera: Person) -> ClassSession:
    return ClassSession.objects.expecting(vera).get()


def marks(vera: Person) -> tuple[str, ...]:
    return tuple(Mark.objects.filter(student=vera).order_by("session__starts_at").values_list("status", flat=True))


def test_by_number_and_it_counts_instead(room: Room, vera: Person) -> None:
    assert "Somebody who is not on the list" in words(room.register())
    told = notices(room.post("add_visitor", number=" 20260007 ", swap="yes"))
    assert told == "Vera Visitor is in. It counts instead of their own group’s class on Wednesday 25 November, 09:00."
    assert marks(vera) == OTHER
    assert "Vera Visitor" in words(room.register())


def test_by_e_mail_and_not_instead(room: Room, vera: Person) -> None:
    assert notices(room.post("add_visitor", number=vera.username.upper())) == "Vera Visitor is in."
    assert marks(vera) == OTHER[:1]


@pytest.mark.parametrize("number", ["", "2026", "20260007x", "*"])
def test_nobody_is_guessed(room: Room, vera: Person, number: str) -> None:
    assert "No student has exactly this number" in notices(room.post("add_visitor", number=number, swap="yes"))
    assert room.marks() == {}


def test_whoever_is_on_the_list_is_marked_there(room: Room) -> None:
    assert "on the list of this class" in notices(room.post("add_visitor", number=room.bob.number))
    assert "No student has" in notices(room.post("add_visitor", number=room.lecturer.number)), "no student at all"
    assert room.marks() == {}


def test_a_slip_is_undone_with_both_marks(room: Room, vera: Person) -> None:
    answer = room.post("add_visitor", number=vera.number, swap="yes")
    change = answer.context["undo"].change
    room.post("undo_marks", change=change)
    assert marks(vera) == ()


def test_not_in_a_cancelled_class(room: Room, vera: Person) -> None:
    cancel_class(room.session, at=NINE, actor="system:test")
    assert "Somebody who is not on the list" not in words(room.register())
    assert "This class is cancelled" in notices(room.post("add_visitor", number=vera.number))


def test_a_class_nobody_is_expected_in_takes_visitors(room: Room, vera: Person) -> None:
    alone = room.world.session(room.world.group(room.group.module), staff=[room.lecturer])
    room.client.post(f"/classes/{alone.ref}/visitors/", {"number": vera.number})
    assert Mark.objects.get(student=vera).session == alone


def test_too_late_or_long_after_a_colleague_is_asked(room: Room, vera: Person) -> None:
    room.scan(room.alice)
    close_registers([room.session], at=NINE + timedelta(hours=2))
    room.sign_in(room.lecturer, NINE + timedelta(days=8, hours=1))
    assert "too late to change marks of this class" in notices(room.post("add_visitor", number=vera.number))
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM), NINE + timedelta(days=15))
    assert room.client.post(room.url("add_visitor"), {"number": vera.number}).status_code == 403
    prove(room.client)
    assert "A colleague has to confirm" in notices(room.post("add_visitor", number=vera.number))
    assert (marks(vera), Proposal.objects.get().status) == ((), Status.OTHER_GROUP)


@pytest.mark.parametrize(("sent", "then"), [({"swap": "yes"}, OTHER), ({}, OTHER[:1])])
def test_a_held_visitor_as_the_tick_says(room: Room, vera: Person, sent: dict[str, str], then: tuple[str, ...]) -> None:
    scan = room.scan(vera, Refusal.NOT_EXPECTED)
    assert 'name="swap" value="yes" checked' in room.register()
    answer = room.client.post(f"/held/{scan.ref}/", {"decision": "accept", **sent}, follow=True)
    assert ("instead of their own group’s class" in notices(answer)) is bool(sent)
    assert marks(vera) == then


def test_the_student_reads_why(room: Room, vera: Person) -> None:
    room.post("add_visitor", number=vera.number, swap="yes")
    room.sign_in(vera, NINE + timedelta(days=3))
    page = words(room.client.get(f"/record/classes/{own(vera).ref}/").content.decode())
    assert "You attended another group’s class instead." in page
    assert "1 of 1 class" in words(room.client.get("/record/").content.decode())
