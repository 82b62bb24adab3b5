"""The help desk: finds any student, sees the classes of these days and why a scan did not count, and passes on a query."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from adsum.accounts.rules import Role
from adsum.attendance.models import Query
from adsum.attendance.rules import Status
from adsum.audit.models import AccessLog, Event
from adsum.checkin.rules import Refusal
from tests.kit.marking import mark_students
from tests.kit.reading import text_of
from tests.kit.room import Room, notices
from tests.kit.world import NINE

LATER = NINE + timedelta(hours=2)


def at_the_desk(room: Room) -> None:
    mark_students(room.session, [room.alice], Status.ABSENT, by=room.lecturer, at=NINE)
    room.scan(room.alice, Refusal.CLOSED)
    room.sign_in(room.world.person(Role.HELP_DESK), LATER)


def test_a_student_is_found_by_whatever_they_say(room: Room):
    at_the_desk(room)
    for said, found in (("Abel", True), ("alice abel", True), (room.alice.number, True), ("Abelard", False), ("a", False)):
        assert (room.alice.number in text_of(room.client.get("/desk/", {"q": said}))) == found, said
    assert set(AccessLog.objects.values_list("page", "subject", "role")) == {("found", room.alice.actor, "help_desk")}


def test_why_a_scan_did_not_count_and_no_sums(room: Room):
    at_the_desk(room)
    page = text_of(room.client.get(f"/desk/students/{room.alice.ref}/"))
    assert "Algorithms" in page
    assert "After check-in had closed" in page
    assert "Has never signed in here" in page
    assert "%" not in page
    assert " of " not in page.partition("Classes today")[2].partition("Keyboard shortcuts")[0]


def test_a_query_is_passed_on_once_with_what_failed(room: Room):
    at_the_desk(room)
    path = f"/desk/students/{room.alice.ref}/query/{room.session.ref}/"
    assert "Passed on" in notices(room.client.post(path, {"text": "sat in the front row"}, follow=True))
    query = Query.objects.get()
    assert (query.student, query.text, query.evidence["refusal"]) == (room.alice, "sat in the front row", "closed")
    assert not Event.objects.filter(verb="query.raise", actor=room.alice.actor).exists()
    assert "under query already" in notices(room.client.post(path, follow=True))
    elsewhere = path.replace(str(room.alice.ref), str(room.world.student().ref))
    assert "under query already" in notices(room.client.post(elsewhere, follow=True))
    assert Query.objects.count() == 1


def test_the_page_costs_the_same_for_one_class_as_for_three(room: Room):
    at_the_desk(room)
    path = f"/desk/students/{room.alice.ref}/"
    room.client.get(path)
    counts = []
    for classes in (0, 2):
        for nth in range(classes):
            room.world.session(room.group, starts_at=NINE - timedelta(days=nth + 1), staff=[room.lecturer])
        with CaptureQueriesContext(connection) as queries:
            room.client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1] == 15
