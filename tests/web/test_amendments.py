"""Undo after marking, and changes that wait for a second person, as lecturers, the team and compliance see them."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Correction, Mark, MarkChange, Proposal, ReportedPeriod
from adsum.attendance.reported import report_period
from adsum.attendance.rules import Reason, Status
from tests.kit.marking import mark_students, propose
from tests.kit.reading import text_of
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.signing_in import prove
from tests.kit.world import NINE

LIST = "/office/amendments/"
LATER = NINE + timedelta(days=15)
WHY = {"reason_code": "seen_in_class", "reason": "The paper list turned up"}


@pytest.fixture
def team(room: Room) -> Person:
    return room.world.person(Role.ATTENDANCE_TEAM, name="Rohan Whitlock")


@pytest.fixture
def second(room: Room) -> Person:
    return room.world.person(Role.ATTENDANCE_TEAM, name="Tamsin Adeyemi")


def offered(room: Room) -> list[str]:
    """What the register offers to undo, by id; empty when the bar is hidden."""
    form = re.search(r"<form[^>]*data-undo(?! hidden)[^>]*>.*?</form>", room.register(), re.DOTALL)
    shown = form is not None and " hidden" not in form[0].split(">")[0]
    return re.findall(r'name="change" value="(\d+)"', form[0]) if form and shown else []


# Undo


def test_what_was_just_marked_can_be_undone_from_the_register(room: Room) -> None:
    assert offered(room) == []
    room.post("mark_students", student=[room.alice.ref, room.bob.ref], status="late")
    (change,) = offered(room)
    assert "You marked 2 students: Late." in text_of(room.client.get(room.url("class_register")))
    answer = room.post("undo_marks", change=change)
    assert notices(answer) == "Undone: 2 marks are what they were."
    assert room.marks() == {}
    assert offered(room) == []
    assert notices(room.post("undo_marks", change=change)) == "There is nothing of yours to undo in this register."


@pytest.mark.parametrize("change", ["", "0", "-1", "x", "9" * 30])
def test_an_undo_of_nothing_is_refused(room: Room, change: str) -> None:
    room.post("mark_students", student=room.alice.ref, status="late")
    assert "nothing of yours" in notices(room.post("undo_marks", change=change))
    assert room.marks() == {"Alice": "late"}


def test_the_history_offers_it_too_and_shows_both_steps(room: Room) -> None:
    room.post("mark_students", student=room.alice.ref, status="late")
    page = text_of(room.client.get(room.url("student_mark", room.alice.ref)))
    assert "Undo my last change You marked 1 student: Late." in page
    assert "Undo my last change" not in text_of(room.client.get(room.url("student_mark", room.bob.ref)))
    room.post("undo_marks", change=MarkChange.objects.get().pk)
    page = text_of(room.client.get(room.url("student_mark", room.alice.ref)))
    assert "Late became Expected" in page
    assert "Undone" in page


def test_an_hour_later_only_the_history_offers_it(room: Room) -> None:
    room.post("mark_students", student=room.alice.ref, status="late")
    room.client.logout()
    room.sign_in(room.lecturer, FIVE_PAST + timedelta(hours=1, minutes=1))
    assert offered(room) == []
    assert "Undo my last change" in text_of(room.client.get(room.url("student_mark", room.alice.ref)))


# Proving oneself first


@pytest.fixture
def crowd(room: Room) -> list[Person]:
    return [room.world.student(groups=[room.group]) for _ in range(21)]


@pytest.mark.parametrize(("number", "status"), [(5, 302), (6, 403)])
def test_changing_many_marks_asks_who_it_is_first(room: Room, crowd: list[Person], number: int, status: int) -> None:
    chosen = crowd[:number]
    mark_students(room.session, chosen, Status.ABSENT, by=room.lecturer, at=NINE)
    data = {"student": [one.ref for one in chosen], "status": "late", **WHY}
    assert room.client.post(room.url("amend_marks"), data).status_code == status
    assert Mark.objects.filter(status=Status.LATE).count() == (number if status == 302 else 0)
    if status == 403:
        prove(room.client)
        assert room.client.post(room.url("amend_marks"), data).status_code == 302
        assert Mark.objects.filter(status=Status.LATE).count() == number


def test_first_marks_never_ask(room: Room, crowd: list[Person]) -> None:
    assert "21 students marked" in notices(room.post("mark_students", student=[one.ref for one in crowd], status="present"))


# A second person


def test_more_than_twenty_wait_for_a_colleague(room: Room, crowd: list[Person], second: Person) -> None:
    mark_students(room.session, crowd, Status.ABSENT, by=room.lecturer, at=NINE)
    prove(room.client)
    answer = room.post("amend_marks", student=[one.ref for one in crowd], status="present", **WHY)
    assert notices(answer) == "A colleague has to confirm this change: until then nothing changes."
    assert set(room.marks().values()) == {Status.ABSENT}
    page = text_of(room.client.get(room.url("class_register")))
    assert "Ada Lecturer, 23 November, 09:05 · Seen in class: The paper list turned up Take it back" in page
    assert "and 15 more" in page
    proposal = Proposal.objects.get()
    assert "You asked for this change." in notices(room.post("decide_proposal", proposal.ref, decision="confirm"))
    room.sign_in(second)
    prove(room.client)
    assert notices(room.post("decide_proposal", proposal.ref, decision="confirm")) == "Confirmed: 21 marks have changed."
    assert set(room.marks().values()) == {Status.PRESENT}
    assert "decided already" in notices(room.post("decide_proposal", proposal.ref, decision="confirm"))


def test_quick_marking_of_more_than_twenty_asks_for_the_reason_first(room: Room, crowd: list[Person]) -> None:
    mark_students(room.session, crowd, Status.ABSENT, by=room.lecturer, at=NINE)
    prove(room.client)
    answer = room.client.post(room.url("mark_students"), {"student": [one.ref for one in crowd], "status": "present"})
    assert answer["Location"] == room.url("amend_marks")


@pytest.fixture
def old(room: Room, team: Person) -> Proposal:
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE)
    return propose(room.session, [room.alice], Status.PRESENT, by=team, at=LATER, reason_code=Reason.OTHER, reason="Paper list")


def test_the_team_finds_what_waits_in_its_list(room: Room, old: Proposal, second: Person, team: Person) -> None:
    room.sign_in(second, LATER)
    page = text_of(room.client.get(LIST))
    assert "Algorithms, Mon 23 Nov 2026, 09:00 Present Alice Abel Rohan Whitlock" in page
    assert "Say in a few words why not" in notices(room.post("decide_proposal", old.ref, decision="decline"))
    told = notices(room.post("decide_proposal", old.ref, decision="decline", answer="No list came in"))
    assert told == "Declined. Nothing has changed."
    assert "Nothing to do." in text_of(room.client.get(LIST))
    elsewhere = room.world.person(Role.ATTENDANCE_TEAM, department=room.world.department("HI", "History"))
    Proposal.objects.update(state="waiting", decided_by=None, decided_at=None)
    room.sign_in(elsewhere, LATER)
    assert "Nothing to do." in text_of(room.client.get(LIST))
    assert room.client.post(room.url("decide_proposal", old.ref), {"decision": "confirm"}).status_code == 404


def test_whoever_asked_reads_why_not_for_two_weeks(room: Room, old: Proposal, second: Person, team: Person) -> None:
    room.sign_in(second, LATER)
    room.post("decide_proposal", old.ref, decision="decline", answer="The list is of another group")
    assert "The list is of another group" not in text_of(room.client.get(room.url("class_register")))
    for days, shown in ((13, True), (14, False)):
        room.sign_in(team, LATER + timedelta(days=days))
        page = text_of(room.client.get(room.url("class_register")))
        assert ("Declined by Tamsin Adeyemi: The list is of another group" in page) is shown
        assert "Take it back" not in page


def test_whoever_asked_takes_it_back(room: Room, old: Proposal, team: Person) -> None:
    room.sign_in(team, LATER)
    assert notices(room.post("decide_proposal", old.ref, decision="decline")) == "Taken back. Nothing has changed."
    old.refresh_from_db()
    assert old.state == "withdrawn"


def test_a_proposal_of_another_class_does_not_exist_here(room: Room, old: Proposal, second: Person) -> None:
    other = room.world.session(room.world.group())
    room.sign_in(second, LATER)
    url = reverse("decide_proposal", args=[other.ref, old.ref])
    assert room.client.post(url, {"decision": "confirm"}).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_as_for_three(room: Room, team: Person, rows: int, django_assert_num_queries) -> None:
    corrected(room, team, rows)
    for student in (room.alice, room.bob, room.cara)[:rows]:
        propose(room.session, [student], Status.LATE, by=team, at=LATER, reason_code=Reason.OTHER)
    room.sign_in(team, LATER)
    room.client.get(LIST)
    with django_assert_num_queries(11):
        room.client.get(LIST)


# Corrections after a report


def corrected(room: Room, team: Person, students: int = 1) -> None:
    """So many marks, changed by the team after their day was reported to the Student Loans Company."""
    chosen = [room.alice, room.bob, room.cara][:students]
    mark_students(room.session, chosen, Status.ABSENT, by=room.lecturer, at=NINE)
    day, after = room.session.starts_on, room.session.ends_at + timedelta(hours=1)
    report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=team, at=after)
    mark_students(room.session, chosen, Status.PRESENT, by=team, at=after, reason_code=Reason.SEEN_IN_CLASS)


def test_a_lecturer_is_told_that_the_days_were_reported(room: Room, team: Person) -> None:
    corrected(room, team)
    room.sign_in(room.lecturer, room.session.ends_at + timedelta(hours=2))
    told = notices(room.post("amend_marks", student=room.alice.ref, status="absent_unauthorised", **WHY))
    assert "has been reported to another authority" in told
    assert room.marks() == {"Alice": "present"}


def test_who_reports_sees_corrections_and_notes_them(room: Room, team: Person) -> None:
    corrected(room, team)
    officer = room.world.person(Role.COMPLIANCE_SLC)
    room.sign_in(team, LATER)
    page = text_of(room.client.get(LIST))
    assert f"{room.alice.number} Absent Present Rohan Whitlock" in page
    assert "SLC 23 Nov–23 Nov 2026" in page
    assert room.client.post(reverse("correction_seen", args=[Correction.objects.get().pk])).status_code == 404
    room.sign_in(officer, LATER)
    room.client.post(reverse("correction_seen", args=[Correction.objects.get().pk]))
    assert "None that somebody still has to see." in text_of(room.client.get(LIST))
    assert (Correction.objects.get().seen_by, Client().get(LIST).status_code) == (officer, 302)


def test_a_scan_after_the_report_stands_there_too(room: Room, team: Person) -> None:
    day = room.session.starts_on
    report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=team, at=FIVE_PAST)
    room.scan(room.alice)
    room.sign_in(team, LATER)
    assert f"{room.alice.number} – Present scan 23 Nov 2026, 09:03" in text_of(room.client.get(LIST))
