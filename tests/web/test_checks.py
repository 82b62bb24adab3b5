"""The pages of second check and spot check, and what students read of them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.attendance.rules import Status
from adsum.checkin.models import CheckAnswer, SecondCheck, SpotCall
from tests.kit.marking import mark_students
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE

HALF_PAST = NINE + timedelta(minutes=32)


def words(answer: Any) -> str:
    """The page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def shown(room: Room) -> Room:
    """Everyone is in, and a screen shows the class; check-in closed two minutes ago."""
    room.post("class_display")
    mark_students(room.session, [room.alice, room.bob, room.cara], Status.PRESENT, by=room.lecturer, at=FIVE_PAST)
    room.sign_in(room.lecturer, at=HALF_PAST)
    return room


def test_check_now(shown: Room):
    told = notices(shown.post("begin_check", when="now"))
    assert "for 90 seconds" in told
    page = words(shown.client.get(shown.url("class_checks")))
    assert "0 of 3 have scanned again. It ends at 09:33:30" in page
    display = shown.client.post(shown.url("class_display"), follow=True)
    assert "Second check: everyone scans once more, until 09:33:30." in words(display)


def test_a_random_moment_is_not_shown_and_the_screen_waits(shown: Room):
    assert "a moment that nobody knows" in notices(shown.post("begin_check", when="random"))
    planned = SecondCheck.objects.get().planned_for
    assert planned is not None
    page = words(shown.client.get(shown.url("class_checks")))
    assert f"{planned:%H:%M}" not in page.partition("Second check")[2].partition("Spot check")[0]
    over = shown.client.post(shown.url("class_display"), follow=True).content.decode()
    assert 'data-reload="5"' in over
    assert "Taken back" in notices(shown.post("take_back_check", SecondCheck.objects.get().ref))


def test_without_a_screen_it_says_what_to_do(room: Room):
    room.opening()
    assert "Show the code first" in notices(room.post("begin_check", when="now"))


def test_the_unconfirmed_are_listed_and_told_in_plain_words(shown: Room):
    shown.post("begin_check", when="now")
    check = SecondCheck.objects.get()
    CheckAnswer.objects.create(second_check=check, student=shown.alice, confirmed_at=HALF_PAST)
    CheckAnswer.objects.create(second_check=check, student=shown.bob)
    SecondCheck.objects.update(settled_at=HALF_PAST)
    page = words(shown.client.get(shown.url("class_checks")))
    assert "1 of 2 scanned again. Bob Baker unconfirmed I saw them" in page
    assert "unconfirmed" in words(shown.client.get(shown.url("class_register")))
    assert "Second check at 09:32: unconfirmed" in words(shown.client.get(shown.url("student_mark", shown.bob.ref)))
    shown.sign_in(shown.bob, at=HALF_PAST)
    own = words(shown.client.get(f"/record/classes/{shown.session.ref}/"))
    assert "Second check at 09:32: unconfirmed A note, not an absence: it changes no mark and no sum." in own
    shown.sign_in(shown.lecturer, at=HALF_PAST)
    told = notices(shown.post("say_seen", check.ref, shown.bob.ref))
    assert "you saw Bob Baker" in told
    assert "seen by Ada Lecturer" in words(shown.client.get(shown.url("class_checks")))


def test_names_are_called_and_noted(shown: Room):
    page = words(shown.client.post(shown.url("spot_check"), follow=True))
    assert page.count("Not asked") == 3
    call = SpotCall.objects.select_related("spot_check", "student").get(place=1)
    shown.post("spot_call", call.spot_check.ref, call.student.ref, result="not_seen")
    page = words(shown.client.get(shown.url("class_checks")))
    assert page.count("Not asked") == 2
    shown.sign_in(call.student, at=HALF_PAST)
    assert "Name called at 09:32, not seen" in words(shown.client.get(f"/record/classes/{shown.session.ref}/"))
    other = next(one for one in (shown.alice, shown.bob, shown.cara) if one != call.student)
    shown.sign_in(other, at=HALF_PAST)
    assert "Name called" not in words(shown.client.get(f"/record/classes/{shown.session.ref}/"))


@pytest.mark.parametrize("made", [1, 3])
def test_the_page_costs_the_same_for_one_answer_and_three(shown: Room, made: int):
    shown.post("begin_check", when="now")
    check = SecondCheck.objects.get()
    for student in (shown.alice, shown.bob, shown.cara)[:made]:
        CheckAnswer.objects.create(second_check=check, student=student)
    SecondCheck.objects.update(settled_at=HALF_PAST)
    shown.client.get(shown.url("class_checks"))
    with CaptureQueriesContext(connection) as queries:
        page = words(shown.client.get(shown.url("class_checks")))
    assert page.count("I saw them") == made
    assert len(queries) == 11
