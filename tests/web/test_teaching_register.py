"""The live register as a page of forms: who is here, who is held, the headcount, and who may open it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, MarkChange, Register
from adsum.attendance.rules import MARKABLE, Status
from adsum.attendance.weighing import AHEAD
from adsum.checkin.models import HeldDecision
from adsum.checkin.rules import Refusal
from tests.kit.marking import mark_students
from tests.kit.reading import words
from tests.kit.room import FIVE_PAST, Room, notices
from tests.kit.world import NINE, cancel_class

JSON = {"accept": "application/json"}


def counts(page: str) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r'data-count="(\w+)">(\d+)<', page)}


def seats(page: str) -> dict[str, str]:
    """Status by the name on each seat."""
    return {
        name: status
        for status, name in re.findall(r'<li class="seat".*?data-status="(\w+)".*?seat-name">([^<]+)<', page, re.DOTALL)
    }


# What it shows


def test_everyone_expected_has_a_seat(room: Room) -> None:
    room.scan(room.alice)
    room.scan(room.bob, late=True, minutes_late=17)
    page = room.register()
    assert seats(page) == {"Alice Abel": "present", "Bob Baker": "late", "Cara Cole": "expected"}
    assert counts(page) == {"present": 2, "late": 1, "expected": 1, "absent": 0, "held": 0}
    assert "17 min late" in words(page)
    assert f'data-stream="/live/register/{room.session.ref}"' in page


def test_someone_not_on_the_list_who_attended_has_a_seat_too(room: Room) -> None:
    visitor = room.world.student("Vera Visitor")
    mark_students(room.session, [visitor], Status.OTHER_GROUP, by=room.lecturer, at=FIVE_PAST)
    assert list(seats(room.register())) == ["Alice Abel", "Bob Baker", "Cara Cole", "Vera Visitor"]


def test_a_class_nobody_is_expected_in_says_what_to_do(room: Room) -> None:
    """Bad input: a class whose groups have no students."""
    alone = room.world.session(room.world.group(), staff=[room.lecturer])
    page = room.client.get(reverse("class_register", args=[alone.ref])).content.decode()
    assert "Nobody is expected in this class" in page


def test_a_cancelled_class_has_no_marking(room: Room) -> None:
    cancel_class(room.session, at=NINE, actor="system:test")
    page = room.register()
    assert "This class is cancelled" in page
    assert "mark-bar" not in page
    assert "Show code" not in page
    answer = room.post("mark_students", student=[room.alice.ref], status="present")
    assert "Nobody is counted absent" in notices(answer)
    assert "This class is cancelled" in notices(room.post("class_display"))
    assert "This class is cancelled" in notices(room.post("mark_rest"))
    assert room.marks() == {}


def test_names_are_not_markup(room: Room) -> None:
    room.world.student("<b>Bobby</b> <i>Tables</i>", groups=[room.group])
    page = room.register()
    assert "<b>Bobby" not in page
    assert "&lt;b&gt;Bobby" in page


def test_a_register_nobody_took_says_it_counts_for_nobody(room: Room) -> None:
    close_registers([room.session], at=NINE + timedelta(days=2))
    room.sign_in(room.lecturer, NINE + timedelta(days=2))
    assert "this class counts for nobody" in words(room.register())


# Held scans


def test_a_visitor_accepted_has_attended_another_group(room: Room) -> None:
    visitor = room.world.student("Vera Visitor")
    scan = room.scan(visitor, Refusal.NOT_EXPECTED)
    page = room.register()
    assert counts(page)["held"] == 1
    assert f'formaction="/held/{scan.ref}/"' in page
    answer = room.client.post(f"/held/{scan.ref}/", {"decision": "accept"}, follow=True)
    assert notices(answer) == "Vera Visitor is in."
    mark = Mark.objects.get(student=visitor)
    assert (mark.status, mark.at) == (Status.OTHER_GROUP, scan.first_seen_at)
    assert counts(answer.content.decode())["held"] == 0


def test_a_visitor_declined_is_not_marked(room: Room) -> None:
    scan = room.scan(room.world.student("Vera Visitor"), Refusal.NOT_EXPECTED)
    answer = room.client.post(f"/held/{scan.ref}/", {"decision": "decline"}, follow=True)
    assert "Declined" in notices(answer)
    assert room.marks() == {}
    assert not HeldDecision.objects.get().accepted


def test_the_second_decision_is_told_that_there_is_one(room: Room) -> None:
    scan = room.scan(room.world.student(), Refusal.NOT_EXPECTED)
    room.client.post(f"/held/{scan.ref}/", {"decision": "decline"})
    answer = room.client.post(f"/held/{scan.ref}/", {"decision": "accept"}, follow=True)
    assert "A colleague has already decided this one." in notices(answer)
    assert room.marks() == {}
    again = room.client.post(f"/held/{scan.ref}/", {"decision": "accept"}, headers=JSON)
    assert (again.status_code, again.json()["next"]) == (409, "")


def test_neither_accept_nor_decline_decides_nothing(room: Room) -> None:
    scan = room.scan(room.world.student(), Refusal.NOT_EXPECTED)
    assert notices(room.client.post(f"/held/{scan.ref}/", follow=True)) == "Choose Accept or Decline."
    assert not HeldDecision.objects.exists()


def test_an_accepted_scan_is_not_held(room: Room) -> None:
    scan = room.scan(room.alice)
    answer = room.client.post(f"/held/{scan.ref}/", {"decision": "decline"}, follow=True)
    assert "not waiting for a decision" in notices(answer)
    assert room.marks() == {"Alice": "present"}


def test_a_script_reloads_when_a_newcomer_needs_a_seat(room: Room) -> None:
    scans = room.scan(room.world.student(), Refusal.NOT_EXPECTED), room.scan(room.bob, Refusal.SAME_DEVICE)
    answers = [room.client.post(f"/held/{scan.ref}/", {"decision": "accept"}, headers=JSON).json() for scan in scans]
    assert [answer["next"] for answer in answers] == [room.url("class_register"), ""]
    assert room.marks()["Bob"] == "present"


def test_all_held_scans_at_once_but_not_ones_own(room: Room) -> None:
    room.scan(room.world.student("Vera Visitor"), Refusal.NOT_EXPECTED)
    room.scan(room.bob, Refusal.SAME_DEVICE, late=True, first_seen_at=NINE + timedelta(minutes=20))
    room.scan(room.lecturer, Refusal.NOT_EXPECTED)
    assert "Accept all 3" in words(room.register())
    assert notices(room.post("accept_all_held")) == "2 held scans accepted."
    assert room.marks() == {"Vera": "attended_other_group", "Bob": "late"}


def test_a_student_let_in_another_way_no_longer_waits(room: Room) -> None:
    room.scan(room.bob, Refusal.SAME_DEVICE)
    mark_students(room.session, [room.bob], Status.PRESENT, by=room.lecturer, at=FIVE_PAST)
    assert counts(room.register())["held"] == 0


def test_a_scan_of_another_browser_waits_and_says_why(room: Room) -> None:
    room.scan(room.bob, Refusal.OTHER_BROWSER)
    assert "Scanned in one browser, finished in another" in words(room.register())
    assert notices(room.post("accept_all_held")) == "1 held scan accepted."
    assert room.marks() == {"Bob": "present"}


@pytest.mark.parametrize("network", ["other", "campus"])
def test_scans_of_one_code_signed_in_elsewhere_are_shown_together_and_not_held(room: Room, network: str) -> None:
    for n, student in enumerate((room.alice, room.bob, room.cara)):
        room.scan(student, device=f"d{n}", new_device=True, slot=1, network=network, network_changed=False)
    page = words(room.register())
    assert ("3 students: screen 2, code of 09:0" in page) == (network == "other")
    assert counts(room.register())["held"] == 0


# Headcount, and the rest


@pytest.mark.parametrize(
    ("people", "said"), [("2", "The register has 1 fewer"), ("1", "The register agrees."), ("0", "The register has 1 more")]
)
def test_the_headcount_is_compared_with_the_register(room: Room, people: str, said: str) -> None:
    room.scan(room.alice)
    answer = room.post("count_heads", people=people)
    assert notices(answer) == "Headcount saved."
    assert said in words(answer.content.decode())
    room.post("count_heads", people="")
    assert Register.objects.get().headcount is None
    assert "The register" not in words(room.register())


@pytest.mark.parametrize("people", ["many", "-1", "1.5", "99999"])
def test_a_headcount_that_is_no_number_is_said(room: Room, people: str) -> None:
    assert "A headcount is a whole number" in notices(room.post("count_heads", people=people))


def test_the_rest_are_absent(room: Room) -> None:
    room.scan(room.alice)
    assert notices(room.post("mark_rest")) == "2 students marked absent."
    assert room.marks() == {"Alice": "present", "Bob": "absent_unauthorised", "Cara": "absent_unauthorised"}
    assert notices(room.post("mark_rest")) == "Everyone has a mark already."
    assert MarkChange.objects.filter(by=room.lecturer).count() == 2


def test_ahead_of_a_class_only_an_agreed_absence_can_be_marked(room: Room) -> None:
    page = f"/classes/{room.session.ref}/"
    for before, offered in ((timedelta(minutes=11), list(AHEAD)), (timedelta(minutes=10), list(MARKABLE))):
        room.sign_in(room.lecturer, at=NINE - before)
        text = room.client.get(page).content.decode()
        assert re.findall(r'name="status" value="([a-z_]+)"', text) == offered
    room.sign_in(room.lecturer, at=NINE - timedelta(days=2))
    answer = room.client.post(f"{page}marks/", {"student": [str(room.alice.ref)], "status": "present"}, follow=True)
    assert "Until check-in opens (23 November, 08:50)" in notices(answer)
    assert not Mark.objects.exists()


def test_nobody_is_absent_from_a_class_that_has_not_begun(room: Room) -> None:
    room.sign_in(room.lecturer, NINE - timedelta(minutes=5))
    assert "Mark the rest absent" not in room.register()
    assert "has not begun" in notices(room.post("mark_rest"))
    assert room.marks() == {}


# Who may


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("class_register", "get"),
        ("count_heads", "post"),
        ("mark_rest", "post"),
        ("mark_students", "post"),
        ("amend_marks", "get"),
        ("amend_marks", "post"),
        ("accept_all_held", "post"),
        ("class_display", "post"),
        ("reopen_checkin", "post"),
        ("stop_checkin", "post"),
        ("change_pace", "post"),
        ("kill_codes", "post"),
        ("pair_screen", "post"),
    ],
)
def test_a_register_exists_for_its_own_lecturers_and_the_team(room: Room, name: str, method: str) -> None:
    url = room.url(name)
    for stranger in (room.world.lecturer(), room.alice, room.world.person(Role.TIMETABLING, Role.ADMINISTRATOR)):
        room.sign_in(stranger)
        assert getattr(room.client, method)(url).status_code == 404
    anonymous = getattr(Client(), method)(url)
    assert (anonymous.status_code, anonymous["Location"]) == (302, f"/sign-in/?next={room.url('class_register')}")
    room.sign_in(room.world.person(Role.ATTENDANCE_TEAM))
    assert getattr(room.client, method)(url).status_code in {200, 302}
    if method == "post" and name != "amend_marks":
        assert room.client.get(url).status_code == 405, "only a form may change anything"


def test_what_belongs_to_a_class_has_the_same_walls(room: Room) -> None:
    scan = room.scan(room.world.student(), Refusal.NOT_EXPECTED)
    other = room.world.session(room.world.group(), staff=[room.lecturer])
    inside = reverse("student_mark", args=[other.ref, room.alice.ref])
    assert room.client.get(inside).status_code == 404, "a student of another class"
    for stranger in (room.world.lecturer(), room.alice):
        room.sign_in(stranger)
        assert room.client.get(room.url("student_mark", room.alice.ref)).status_code == 404
        assert room.client.post(f"/held/{scan.ref}/", {"decision": "accept"}).status_code == 404
    assert Client().post(f"/held/{scan.ref}/", {"decision": "accept"})["Location"].startswith("/sign-in/")
    assert not HeldDecision.objects.exists()


def test_a_script_without_a_sign_in_is_sent_to_it(room: Room) -> None:
    answer = Client().post(room.url("mark_students"), {"student": room.alice.ref, "status": "present"}, headers=JSON)
    assert answer.status_code == 401
    assert answer.json()["next"] == f"/sign-in/?next={room.url('class_register')}"


def test_a_form_from_elsewhere_is_refused(room: Room) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(room.lecturer)
    assert careful.post(room.url("mark_rest")).status_code == 403
    assert room.marks() == {}


# What it costs


@pytest.mark.parametrize("students", [1, 3])
def test_a_register_costs_the_same_for_one_student_and_three(room: Room, students: int) -> None:
    group = room.world.group(students=students)
    room.session = room.world.session(group, staff=[room.lecturer])
    for place in group.places.all():
        mark_students(room.session, [place.person], Status.PRESENT, by=room.lecturer, at=NINE)
        room.scan(room.world.student(), Refusal.NOT_EXPECTED)
    room.post("class_display")
    room.register()
    with CaptureQueriesContext(connection) as queries:
        page = room.register()
    assert counts(page) == {"present": students, "late": 0, "expected": 0, "absent": 0, "held": students}
    assert len(queries) == 31  # two of them note who looked
