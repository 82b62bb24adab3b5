"""Marks by hand, amendments with a reason, and one student's story in a class."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.history import register_as_of
from adsum.attendance.models import Mark, MarkChange, Query
from adsum.attendance.queries import raise_query
from adsum.attendance.rules import Reason, Source, Status
from adsum.attendance.weighing import Entry
from adsum.audit.models import Event
from adsum.audit.services import alias_of, aliases
from adsum.checkin.rules import Refusal
from adsum.core.errors import AdsumError
from tests.kit.marking import answer_query, confirm, decide_held, enter_marks, mark_students, propose, undo
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE

JSON = {"accept": "application/json"}
WHY = {"reason_code": "seen_in_class", "reason": "Sat in the front row"}


# Marking


def test_one_or_many_are_marked_with_a_tap(room: Room) -> None:
    answer = room.post("mark_students", student=[room.alice.ref, room.bob.ref], status="present")
    assert notices(answer) == "2 students marked: Present."
    assert room.marks() == {"Alice": "present", "Bob": "present"}
    assert {change.by for change in MarkChange.objects.all()} == {room.lecturer}


def test_a_script_is_told_what_the_seats_show_now(room: Room) -> None:
    answer = room.client.post(room.url("mark_students"), {"student": room.bob.ref, "status": "late"}, headers=JSON)
    assert answer.json() == {
        "marks": [
            {
                "student": str(room.bob.ref),
                "status": "late",
                "label": "Late",
                "at": "09:05",
                "minutes_late": 5,
                "note": "5 min late",
            }
        ],
        "counts": {"present": 1, "late": 1, "absent": 0, "expected": 2},
        "message": "1 student marked: Late.",
        "undo": MarkChange.objects.get().pk,
    }


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"status": "present"}, "Select one or more students first."),
        ({"student": "not-a-student", "status": "present"}, "Select one or more students first."),
        ({"status": "teleported"}, "Choose a mark, such as Present or Late."),
        ({"status": "cancelled"}, "Choose a mark, such as Present or Late."),
        ({}, "Choose a mark, such as Present or Late."),
    ],
)
def test_an_incomplete_form_says_what_is_missing(room: Room, data: dict[str, str], told: str) -> None:
    assert notices(room.post("mark_students", **data)) == told
    assert room.client.post(room.url("mark_students"), data, headers=JSON).json() == {"message": told, "next": ""}
    assert room.marks() == {}


def test_a_student_of_another_class_is_not_marked(room: Room) -> None:
    stranger = room.world.student()
    room.post("mark_students", student=[stranger.ref, room.alice.ref], status="present")
    assert room.marks() == {"Alice": "present"}


def test_nobody_marks_themselves(room: Room) -> None:
    room.world.place(room.lecturer, room.group)
    told = "You cannot change your own mark. Ask a colleague or the attendance team."
    assert notices(room.post("mark_students", student=room.lecturer.ref, status="present")) == told
    assert told in notices(room.post("amend_marks", student=room.lecturer.ref, status="present", **WHY))
    assert "Change the mark" not in words(room.client.get(room.url("student_mark", room.lecturer.ref)).content.decode())
    assert room.marks() == {}


def test_marking_three_hundred_costs_no_query_for_each(room: Room) -> None:
    students = [room.world.student(groups=[room.group]) for _ in range(300)]
    mark_students(room.session, [room.cara], Status.PRESENT, by=room.lecturer, at=FIVE_PAST)
    room.register()
    aliases([room.alice.pk, *(student.pk for student in students)])  # as everyone has who was imported

    def cost(*refs: object) -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = room.client.post(room.url("mark_students"), {"student": refs, "status": "present"}, headers=JSON)
        assert len(answer.json()["marks"]) == len(refs)
        return len(queries)

    assert cost(room.alice.ref) == 17
    # SQLite takes 999 values in one INSERT, so marks, changes and events go in a few each.
    assert cost(*(student.ref for student in students)) == {"postgresql": 17, "sqlite": 24}[connection.vendor]


# Amending


def test_changing_a_mark_asks_for_a_reason_first(room: Room) -> None:
    room.scan(room.alice)
    answer = room.post("mark_students", student=[room.alice.ref, room.bob.ref], status="absent_unauthorised")
    page = words(answer.content.decode())
    assert answer.redirect_chain[-1][0] == room.url("amend_marks")
    assert "Change 2 marks" in page
    assert "Alice Abel Present Absent" in page
    assert "Bob Baker Expected Absent" in page
    assert room.marks() == {"Alice": "present"}


def test_a_script_is_sent_to_the_page_that_asks(room: Room) -> None:
    room.scan(room.alice)
    answer = room.client.post(room.url("mark_students"), {"student": room.alice.ref, "status": "late"}, headers=JSON)
    assert (answer.status_code, answer.json()["next"]) == (409, room.url("amend_marks"))
    assert "Alice Abel" in room.client.get(answer.json()["next"]).content.decode()


def test_a_mark_that_is_there_already_is_said_so_and_a_late_one_asks_for_another_time(room: Room) -> None:
    room.post("mark_students", student=[room.alice.ref, room.bob.ref], status="present")
    answer = room.post("mark_students", student=[room.alice.ref, room.bob.ref], status="present")
    assert "These students have that mark already." in words(answer.content.decode())
    room.post("mark_students", student=room.cara.ref, status="late")
    answer = room.post("mark_students", student=room.cara.ref, status="late")
    assert answer.redirect_chain[-1][0] == room.url("amend_marks")
    assert "Cara" in words(answer.content.decode())


def test_an_amendment_keeps_before_after_who_when_and_why(room: Room) -> None:
    room.scan(room.alice)
    why = {"reason_code": "left_early", "reason": "At half past"}
    answer = room.post("amend_marks", student=room.alice.ref, status="left_early", **why)
    assert notices(answer) == "1 mark changed to: Left early."
    change = MarkChange.objects.latest("pk")
    assert (change.before, change.after, change.by, change.at) == ("present", "left_early", room.lecturer, FIVE_PAST)
    assert (change.reason_code, change.reason, change.source) == ("left_early", "At half past", "staff")
    event = Event.objects.latest("pk")
    assert (event.actor, event.verb, event.detail["after"]) == (alias_of(room.lecturer.pk), "mark.amend", "left_early")
    assert "Select one or more" in notices(room.client.get(room.url("amend_marks"), follow=True)), "nobody is left chosen"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"status": "late"}, "Choose a reason."),
        ({"status": "late", "reason_code": "query_upheld"}, "Select a valid choice."),
        ({"status": "late", "reason_code": "other", "reason": " "}, "Say in a few words what the reason is."),
        ({"status": "late", "reason_code": "other", "arrived": "11:30"}, "The class takes a time from 08:50 to 10:00."),
        ({"status": "nowhere", "reason_code": "other"}, "Select a valid choice."),
    ],
)
def test_without_a_good_reason_nothing_changes_and_nobody_is_forgotten(room: Room, data: dict[str, str], told: str) -> None:
    room.scan(room.alice)
    answer = room.client.post(room.url("amend_marks"), {"student": [room.alice.ref, room.bob.ref], **data})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in words(page)
    assert page.count('name="student"') == 2
    assert room.marks() == {"Alice": "present"}


def test_a_late_mark_can_say_when_they_arrived(room: Room) -> None:
    close_registers([room.session], at=NINE + timedelta(days=1))
    room.sign_in(room.lecturer, NINE + timedelta(days=1))
    for arrived, at, minutes in (("09:22", datetime(2026, 11, 23, 9, 22, tzinfo=UTC), 22), ("09:10", None, 10)):
        room.post("amend_marks", student=room.alice.ref, status="late", arrived=arrived, **WHY)
        mark = Mark.objects.get(student=room.alice)
        assert mark.minutes_late == minutes
        assert at in {None, mark.at}


def test_a_late_mark_made_afterwards_does_not_invent_how_late(room: Room) -> None:
    room.sign_in(room.lecturer, NINE + timedelta(hours=5))
    room.post("mark_students", student=room.alice.ref, status="late")
    mark = Mark.objects.get()
    assert (mark.minutes_late, mark.at) == (0, room.session.ends_at)


@pytest.mark.parametrize(
    ("start", "end", "field", "typed", "seen"),
    [
        ("23T23:00", "24T01:00", "left", "00:20", "24T00:20"),
        ("23T23:00", "24T01:00", "left", "23:40", "23T23:40"),
        ("23T23:50", "24T01:00", "arrived", "00:05", "24T00:05"),
        ("24T00:05", "24T01:00", "arrived", "00:15", "24T00:15"),
        ("23T23:00", "24T01:00", "left", "01:01", None),
        ("23T23:00", "24T01:00", "left", "22:00", None),
    ],
)
def test_a_class_over_midnight_takes_times_of_both_days(
    room: Room, start: str, end: str, field: str, typed: str, seen: str
) -> None:
    starts_at, ends_at = (datetime.fromisoformat(f"2026-11-{moment}").replace(tzinfo=UTC) for moment in (start, end))
    type(room.session).objects.filter(pk=room.session.pk).update(starts_at=starts_at, ends_at=ends_at)
    room.sign_in(room.lecturer, ends_at)
    form = {"student": str(room.alice.ref), "status": "left_early" if field == "left" else "late", "reason_code": "no_phone"}
    answer = room.client.post(room.url("amend_marks"), {**form, field: typed})
    if seen is None:
        assert "The class takes a time from 22:50 to 01:00." in answer.content.decode()
        return
    mark = Mark.objects.get()
    assert (mark.left_at if field == "left" else mark.at) == datetime.fromisoformat(f"2026-11-{seen}").replace(tzinfo=UTC)


def test_an_amendment_does_not_move_the_time_of_the_scan(room: Room) -> None:
    scan = room.scan(room.alice)
    room.post("amend_marks", student=room.alice.ref, status="left_early", **WHY)
    assert Mark.objects.get().at == scan.first_seen_at


# One student in one class


def test_the_whole_story_of_a_mark(room: Room) -> None:
    room.scan(room.alice, Refusal.STALE_CODE)
    room.scan(room.alice, typed=True)
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=FIVE_PAST, reason_code=Reason.NOT_IN_CLASS)
    page = words(room.client.get(room.url("student_mark", room.alice.ref)).content.decode())
    story = page[page.index("History") :]
    assert "Present became Absent 23 November 2026, 09:05 · Ada Lecturer · by hand Was not in class" in story
    assert "Present 23 November 2026, 09:03 · Alice Abel · scan" in story
    assert "The code had already changed 09:02:00 · scanned" in story
    assert "Accepted 09:02:00 · typed" in story
    for kept_away in ("device", "network", "campus", "ios"):
        assert kept_away not in story.casefold()


def test_a_decision_about_a_scan_is_part_of_the_story(room: Room) -> None:
    visitor = room.world.student("Vera Visitor")
    decide_held(room.scan(visitor, Refusal.NOT_EXPECTED), accept=False, by=room.lecturer, at=FIVE_PAST)
    page = words(room.client.get(room.url("student_mark", visitor.ref)).content.decode())
    assert "Not on this class’s list, declined by Ada Lecturer" in page
    assert "Change the mark" not in page, "they are not on the register"


# Queries


def test_a_query_upheld_changes_the_mark_and_answers_the_student(room: Room) -> None:
    room.scan(room.alice, Refusal.CLOSED)
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE)
    asked = raise_query(room.session, room.alice, at=FIVE_PAST, text="The door was shut", evidence={"refusal": "closed"})
    page = words(room.client.get(room.url("student_mark", room.alice.ref)).content.decode())
    assert "The door was shut" in page
    assert "The attempt it came from: After check-in had closed" in page
    assert "Under query" in page
    assert "The door was shut" in words(room.register())
    answer = room.post("answer_query", asked.ref, status="late", reason="I saw you come in")
    assert notices(answer) == "Answered. The student sees it on their record."
    asked.refresh_from_db()
    assert (asked.state, asked.answered_by, asked.answered_at, asked.answer) == (
        "upheld",
        room.lecturer,
        FIVE_PAST,
        "I saw you come in",
    )
    change = MarkChange.objects.latest("pk")
    assert (change.after, change.reason_code, change.reason) == ("late", "query_upheld", "I saw you come in")
    assert Event.objects.latest("pk").verb == "query.upheld"


def test_a_query_declined_leaves_the_mark(room: Room) -> None:
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE)
    asked = raise_query(room.session, room.alice, at=FIVE_PAST)
    answer = room.post("answer_query", asked.ref, status="stays", reason="The room was empty")
    assert room.marks() == {"Alice": "absent_unauthorised"}
    assert "Declined: The room was empty" in words(answer.content.decode())
    assert Event.objects.latest("pk").verb == "query.declined"


@pytest.mark.parametrize(
    "data", [{"status": "late"}, {"status": "stays", "reason": "  "}, {"reason": "x"}, {"status": "nowhere", "reason": "x"}]
)
def test_an_answer_needs_words(room: Room, data: dict[str, str]) -> None:
    asked = raise_query(room.session, room.alice, at=FIVE_PAST)
    answer = room.client.post(room.url("answer_query", asked.ref), data)
    assert answer.status_code == 422
    assert "Please look at this again" in words(answer.content.decode())
    assert Query.objects.get().state == Query.State.OPEN


def test_a_query_is_answered_once_and_never_by_its_own_student(room: Room) -> None:
    asked = raise_query(room.session, room.alice, at=FIVE_PAST)
    room.post("answer_query", asked.ref, status="stays", reason="No")
    again = room.post("answer_query", asked.ref, status="present", reason="Yes")
    assert "already answered" in notices(again)
    assert "Declined: No" in words(again.content.decode())
    assert room.marks() == {}
    own = raise_query(room.session, room.lecturer, at=FIVE_PAST)
    with pytest.raises(AdsumError, match="own query"):
        answer_query(own, by=room.lecturer, at=FIVE_PAST, reason="Of course", status=Status.PRESENT)
    elsewhere = raise_query(room.world.session(room.group), room.bob, at=FIVE_PAST)
    answer = room.client.post(room.url("answer_query", elsewhere.ref), {"status": "present", "reason": "x"})
    assert answer.status_code == 404


def test_leaving_early_is_kept_with_its_time(room: Room) -> None:
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
    form = {"student": str(room.alice.ref), "status": "left_early", "reason_code": "left_early", "left": "09:04"}
    early = room.client.post(room.url("amend_marks"), {**form, "left": "08:00"})
    assert early.status_code == 422
    assert "The class takes a time from" in early.content.decode()
    assert "1 mark changed to: Left early." in notices(room.post("amend_marks", **form))
    mark = Mark.objects.get()
    assert (mark.status, mark.at, mark.left_at) == (Status.LEFT_EARLY, NINE, NINE + timedelta(minutes=4))
    assert MarkChange.objects.latest("pk").left_at == mark.left_at
    assert "left at 09:04" in room.register()
    assert "by hand · left at 09:04" in words(room.client.get(room.url("student_mark", room.alice.ref)).content.decode())
    room.sign_in(room.alice)
    assert "You left at 09:04." in room.client.get(f"/record/classes/{room.session.ref}/").content.decode()
    mark_students(
        room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=FIVE_PAST, reason_code=Reason.OTHER, reason="Came back"
    )
    assert Mark.objects.get().left_at is None


@pytest.mark.parametrize("how", ["undo", "sheet", "as of", "second person"])
def test_the_time_of_leaving_goes_wherever_the_mark_goes(room: Room, how: str) -> None:
    why: dict[str, Any]
    left, why = NINE + timedelta(minutes=40), {"reason_code": Reason.OTHER}
    mark_students(room.session, [room.alice], Status.PRESENT, by=room.lecturer, at=NINE)
    if how == "second person":
        team, second = (room.world.person(Role.ATTENDANCE_TEAM) for _ in range(2))
        at = room.session.ends_at + timedelta(days=15)
        asked = propose(room.session, [room.alice], Status.LEFT_EARLY, by=team, at=at, left_at=left, reason_code=Reason.OTHER)
        confirm(asked, by=second, at=at)
        assert Mark.objects.get().left_at == left
        return
    mark_students(room.session, [room.alice], Status.LEFT_EARLY, by=room.lecturer, at=FIVE_PAST, left_at=left, **why)
    earlier = left - timedelta(minutes=10)
    mark_students(
        room.session,
        [room.alice],
        Status.LEFT_EARLY,
        by=room.lecturer,
        at=FIVE_PAST + timedelta(minutes=1),
        left_at=earlier,
        **why,
    )
    assert Mark.objects.get().left_at == earlier, "another time is a change"
    if how == "undo":
        undo(room.session, MarkChange.objects.latest("pk").pk, by=room.lecturer, at=FIVE_PAST + timedelta(minutes=2))
        assert Mark.objects.get().left_at == left
    elif how == "as of":
        (then,) = register_as_of(room.session, FIVE_PAST).lines[:1]
        assert then.mark is not None
        assert then.mark.left_at == left
    else:
        entry = Entry(room.alice, Status.PRESENT, None)
        enter_marks(room.session, [entry], source=Source.STAFF, by=room.lecturer, at=FIVE_PAST + timedelta(minutes=2))
        assert Mark.objects.get().left_at is None
