"""Registers open with what is known: a word, its reason, one tap; and what a class leaves for those who were away."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from adsum.accounts.models import Person
from adsum.attendance.adjustments import Arrangement
from adsum.attendance.ahead import Origin, Says
from adsum.attendance.ahead_tables import CatchUp
from adsum.attendance.foreseen import foresee
from adsum.attendance.models import Mark
from adsum.attendance.rules import Status
from adsum.checkin import adjusting
from tests.kit.marking import act, mark_students
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE

DAY = timedelta(days=1)


def foreseen(room: Room, student: Person, says: Says) -> None:
    foresee(Origin.ABSENCE, uuid4(), student, {room.session.pk: says}, act=act(room.lecturer, NINE - DAY))


def proposals(page: str) -> dict[str, str]:
    """What is proposed, by name."""
    section = page.partition('id="known-before"')[2].partition("</section>")[0]
    found = re.findall(r'row-main"><a [^>]+>([^<]+)</a><p class="row-meta"><strong>([^<]+)</strong>', section)
    return dict(found)


def test_a_register_opens_with_what_is_known_and_one_tap_accepts_it(room: Room) -> None:
    foreseen(room, room.alice, Says.TOLD)
    foreseen(room, room.bob, Says.AUTHORISED)
    page = room.register()
    assert proposals(page) == {"Alice Abel": "Told", "Bob Baker": "Authorised"}
    assert "Nobody has authorised it." in words(page)
    assert room.marks() == {}, "no mark until it is accepted"
    assert "1 student marked as proposed." in notices(room.post("accept_foreseen", student=room.alice.ref))
    assert room.marks() == {"Alice": Status.PENDING}
    assert proposals(room.register()) == {"Bob Baker": "Authorised"}
    room.post("accept_foreseen")
    assert room.marks() == {"Alice": Status.PENDING, "Bob": Status.AUTHORISED}
    assert "Known before the class" not in room.register()
    assert "Nothing to accept" in notices(room.post("accept_foreseen", student="nobody"))


def test_absent_in_the_class_before_is_proposed_and_accepted_one_by_one(room: Room) -> None:
    earlier = room.world.session(room.group, starts_at=NINE - timedelta(hours=2), staff=[room.lecturer])
    other = room.world.session(room.world.group(), starts_at=NINE - timedelta(hours=1), staff=[room.lecturer])
    mark_students(earlier, [room.alice, room.bob], Status.ABSENT, by=room.lecturer, at=earlier.starts_at)
    mark_students(earlier, [room.cara], Status.LATE, by=room.lecturer, at=earlier.starts_at)
    mark_students(other, [room.cara], Status.ABSENT, by=room.lecturer, at=other.starts_at)
    foreseen(room, room.bob, Says.AUTHORISED)
    page = room.register()
    assert proposals(page) == {"Alice Abel": "Absent", "Bob Baker": "Authorised"}, "of other modules teachers learn nothing"
    assert "Was absent in the class before, which ended at 08:00." in words(page)
    room.post("accept_foreseen")
    assert room.marks() == {"Bob": Status.AUTHORISED}, "who may still come is not marked with the others"
    form = room.register().partition('id="known-before"')[2].partition("</section>")[0]
    assert f'formaction="{room.url("mark_students")}" name="student" value="{room.alice.ref}"' in form
    assert f'name="status" value="{Status.ABSENT}"' in form
    room.post("mark_students", student=room.alice.ref, status=Status.ABSENT)
    assert room.marks() == {"Bob": Status.AUTHORISED, "Alice": Status.ABSENT}


@pytest.mark.parametrize("says", [Says.SUSPENDED, Says.ON_PLACEMENT])
def test_no_page_of_a_teacher_tells_why_a_student_is_not_expected(room: Room, says: Says) -> None:
    foreseen(room, room.alice, says)
    page = room.register() + room.client.get(room.url("student_mark", room.alice.ref)).content.decode()
    assert proposals(page) == {"Alice Abel": "Not expected"}
    assert not re.search("suspen|placement|sponsor", words(page), re.IGNORECASE)
    assert 'value="' + str(room.alice.ref) + '">Accept' not in page
    room.post("mark_rest")
    assert room.marks() == {"Bob": Status.ABSENT, "Cara": Status.ABSENT}


def test_somebody_seen_in_another_class_then_is_proposed_too(room: Room) -> None:
    other = room.world.session(room.world.group(), starts_at=NINE + timedelta(minutes=30), staff=[room.lecturer])
    earlier = room.world.session(room.world.group(), starts_at=NINE - timedelta(hours=1))
    for session, student in ((other, room.cara), (earlier, room.bob)):
        mark_students(session, [student], Status.PRESENT, by=room.world.lecturer(), at=NINE + timedelta(minutes=31))
    assert proposals(room.register()) == {"Cara Cole": "In another class"}
    room.post("accept_foreseen")
    assert Mark.objects.get(session=room.session).status == Status.SWAPPED


def test_teachers_read_the_instruction_and_no_reason(room: Room) -> None:
    what = Arrangement(NINE.date(), extra_minutes=20, by_hand=True, other_contact=True, instruction="Seat near the door")
    adjusting.make(room.alice, what, by=room.lecturer, at=NINE - DAY)
    for page in (room.register(), room.client.get(room.url("student_mark", room.alice.ref)).content.decode()):
        assert "20 more minutes to check in · Mark by hand · Keeps contact in another way · Seat near the door" in words(page)
    room.post("mark_students", student=[room.alice.ref], status="present")
    assert "Mark by hand" in words(room.register()), "also once there is a mark"


def test_who_is_exempt_from_this_kind_of_class_is_not_expected(room: Room) -> None:
    adjusting.make(room.alice, Arrangement(NINE.date(), exempt_from="lecture"), by=room.lecturer, at=NINE - DAY)
    adjusting.make(room.bob, Arrangement(NINE.date(), exempt_from="lab"), by=room.lecturer, at=NINE - DAY)
    assert proposals(room.register()) == {"Alice Abel": "Not expected"}


# How those who were away catch up


@pytest.mark.parametrize(
    ("status", "reads"), [(Status.ABSENT, True), (Status.AUTHORISED, True), (Status.PRESENT, False), (None, False)]
)
def test_who_was_away_reads_what_the_class_left(room: Room, status: Status | None, reads: bool) -> None:
    if status:
        mark_students(room.session, [room.alice], status, by=room.lecturer, at=FIVE_PAST)
    left = {"note": "Slides 1 to 20", "link": "https://uni.example/slides"}
    assert "Those who were away can read it now." in notices(room.post("class_catch_up", **left))
    room.sign_in(room.alice)
    page = room.client.get(reverse("student_class", args=[room.session.ref])).content.decode()
    assert ("Slides 1 to 20" in page and 'href="https://uni.example/slides"' in page) is reads


@pytest.mark.parametrize("link", ["javascript:alert(1)", "slides", "ftp://uni.example/x", "https://"])
def test_a_link_is_the_address_of_a_page(room: Room, link: str) -> None:
    assert "it begins with https://" in notices(room.post("class_catch_up", note="", link=link))
    assert not CatchUp.objects.exists()


def test_what_was_left_can_be_taken_back(room: Room) -> None:
    room.post("class_catch_up", note="Slides")
    assert "Slides</textarea>" in room.register()
    assert "There is no note now." in notices(room.post("class_catch_up", note=" ", link=""))
    assert not CatchUp.objects.exists()
