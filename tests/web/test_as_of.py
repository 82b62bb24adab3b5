"""Registers, modules and records as they stood at another moment, for those who may see them."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.rules import Reason, Status
from adsum.timetable.models import ClassChange
from adsum.timetable.rules import IDS
from tests.kit.marking import mark_students
from tests.kit.room import Room
from tests.kit.world import NINE, cancel_class

LATER = NINE + timedelta(days=3)


def words(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def team(room: Room) -> Person:
    """Looks three days after a class in which Alice was absent, and present since this morning."""
    person = room.world.person(Role.ATTENDANCE_TEAM, name="Rohan Whitlock")
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE)
    mark_students(
        room.session,
        [room.alice],
        Status.PRESENT,
        by=room.lecturer,
        at=LATER - timedelta(hours=2),
        reason_code=Reason.SEEN_IN_CLASS,
    )
    room.sign_in(person, LATER)
    return person


@pytest.mark.parametrize(("at", "mark"), [("2026-11-26T06:59", "Absent"), ("2026-11-26T07:00", "Present"), ("", "Present")])
def test_a_register_shows_what_was_known_at_that_minute(room: Room, team: Person, at: str, mark: str) -> None:
    page = words(room.client.get(room.url("class_as_of"), {"at": at}))
    assert f"Alice Abel {room.alice.number} {mark}" in page
    assert f"Bob Baker {room.bob.number} Expected" in page
    if at:
        assert f"As it stood on Thursday 26 November 2026, {at[-5:]}" in page


def test_a_class_cancelled_later_was_on(room: Room, team: Person) -> None:
    cancel_class(room.session, at=LATER - timedelta(hours=1), actor=team.actor)
    assert "Cancelled" in words(room.client.get(room.url("class_as_of")))
    assert "Cancelled" not in words(room.client.get(room.url("class_as_of"), {"at": "2026-11-26T07:30"}))


@pytest.mark.parametrize("page", ["register", "module", "record"])
def test_what_is_read_from_names_says_so(room: Room, team: Person, page: str) -> None:
    url = {
        "register": room.url("class_as_of"),
        "module": reverse("module_as_of", args=[room.session.module_id]),
        "record": reverse("person_as_of", args=[room.alice.ref]),
    }[page]
    cancel_class(room.session, at=LATER - timedelta(hours=1), actor=team.actor)
    assert "may not be exact" not in words(room.client.get(url))
    step = ClassChange.objects.get()
    ClassChange.objects.update(after={name: said for name, said in step.after.items() if name not in IDS.values()})
    shown = words(room.client.get(url))
    assert "This may not be exact" in shown
    assert "Alice Abel" in shown


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ("2026-11-27T09:00", "Choose a moment that has been."),
        ("1990-01-01T09:00", "Nothing was kept so long ago."),
        ("soon", "Enter a valid date/time."),
        ("2026-10-25T01:30", "ambiguous"),
    ],
)
def test_a_moment_that_cannot_be_is_said_so(room: Room, team: Person, at: str, sentence: str) -> None:
    for url in (
        room.url("class_as_of"),
        reverse("module_as_of", args=[room.session.module_id]),
        reverse("person_as_of", args=[room.alice.ref]),
    ):
        answer = room.client.get(url, {"at": at})
        assert answer.status_code == 422
        assert sentence in words(answer)


def test_a_module_and_a_record_show_the_sums_of_then(room: Room, team: Person) -> None:
    module, record = reverse("module_as_of", args=[room.session.module_id]), reverse("person_as_of", args=[room.alice.ref])
    for at, attended in (("2026-11-26T06:59", "Attended 0 of 1 class"), ("2026-11-26T07:00", "Attended 1 of 1 class")):
        percent, now = "100%" if "1 of" in attended else "0%", "Attended 1 of 1 class."
        told = words(room.client.get(record, {"at": at}))
        assert attended in told
        assert f"The same classes, as known now: {now} 100.0%" in told
        told = words(room.client.get(module, {"at": at}))
        assert f"Alice Abel {room.alice.number} {attended}. {percent} {now} 100%" in told
    assert "No class until then." in words(room.client.get(record, {"at": "2026-11-01T09:00"}))
    assert "Nobody was expected" in words(room.client.get(module, {"at": "2026-11-01T09:00"}))


def test_only_the_same_classes_stand_beside_it(room: Room, team: Person) -> None:
    later = room.world.session(room.group, starts_at=NINE + timedelta(days=2), staff=[room.lecturer])
    mark_students(later, [room.alice], Status.PRESENT, by=room.lecturer, at=later.starts_at)
    new = room.world.student("Dora Dean")
    mark_students(room.session, [new], Status.PRESENT, by=room.lecturer, at=LATER - timedelta(hours=1))
    module = reverse("module_as_of", args=[room.session.module_id])
    told = words(room.client.get(module, {"at": "2026-11-24T09:00"}))
    assert f"Alice Abel {room.alice.number} Attended 0 of 1 class. 0% Attended 1 of 1 class. 100%" in told
    assert f"Dora Dean {new.number} – Attended 1 of 1 class. 100%" in told
    told = words(room.client.get(module))
    assert "As known now" not in told
    assert f"Alice Abel {room.alice.number} Attended 2 of 2 classes. 100%" in told


def test_the_pages_lead_there(room: Room, team: Person) -> None:
    for name, args in (
        ("class_register", [room.session.ref]),
        ("module", [room.session.module_id]),
        ("person_record", [room.alice.ref]),
    ):
        page = room.client.get(reverse(name, args=args)).content.decode()
        assert "/as-of/" in page


@pytest.mark.parametrize("students", [1, 3])
def test_pages_cost_the_same_for_one_student_as_for_three(
    room: Room, team: Person, students: int, django_assert_num_queries: Any
) -> None:
    group = room.world.group(students=students)
    session = room.world.session(group, staff=[room.lecturer])
    people = [place.person for place in group.places.select_related("person")]
    mark_students(session, people, Status.PRESENT, by=room.lecturer, at=NINE)
    for url, queries in (
        (reverse("class_as_of", args=[session.ref]), 15),
        (reverse("module_as_of", args=[session.module_id]), 19),
        (reverse("person_as_of", args=[people[0].ref]), 19),
        (reverse("module_as_of", args=[session.module_id]) + "?at=2026-11-24T09:00", 31),
        (reverse("person_as_of", args=[people[0].ref]) + "?at=2026-11-24T09:00", 30),
    ):
        room.client.get(url)
        with django_assert_num_queries(queries):
            room.client.get(url)
