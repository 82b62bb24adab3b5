"""A student’s record as its readers see it, from inside and from outside; and who looked, as the student reads it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import BreakGlass, Person, RoleGrant
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.queries import raise_query
from adsum.attendance.record import account, classes_of, own_classes, standings
from adsum.attendance.rules import Reason, Source, Status
from adsum.audit.models import AccessLog
from tests.kit.marking import answer_query, mark_students
from tests.kit.reading import text_of
from tests.kit.world import NINE, World

NOW = NINE + timedelta(days=2)


class Story:
    """Alice missed one class, was marked late after she asked, and had an absence agreed; her tutor, her department, and
    somebody from another."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.computing, self.history = world.department("CS"), world.department("HI", "History")
        self.group = world.group(world.module("Algorithms", code="CS201", department=self.computing))
        self.alice = world.student("Alice Abel", groups=[self.group], number="00012345")
        self.tutor = world.person(Role.TUTOR, name="Tess Tutor")
        world.enrol(self.alice, self.computing, tutor=self.tutor)
        self.department = world.person(Role.DEPARTMENT, name="Dee Partment", department=self.computing)
        self.stranger = world.person(Role.DEPARTMENT, Role.LECTURER, name="Stran Ger", department=self.history)
        self.lecturer = world.lecturer("Ada Lecturer")
        first, second = (
            world.session(self.group, starts_at=NINE + timedelta(days=day), staff=[self.lecturer]) for day in (0, 1)
        )
        self.first = first
        mark_students(first, [self.alice], Status.ABSENT, by=self.lecturer, at=NINE)
        query = raise_query(first, self.alice, at=NINE + timedelta(hours=2), text="I sat at the back.")
        answer_query(query, by=self.lecturer, at=NINE + timedelta(hours=3), reason="Seen on the list.", status=Status.LATE)
        mark_students(second, [self.alice], Status.ABSENT, by=self.lecturer, at=NINE + timedelta(days=1))
        mark_students(
            second,
            [self.alice],
            Status.AUTHORISED,
            by=self.lecturer,
            at=NINE + timedelta(days=1, hours=1),
            reason_code=Reason.ABSENCE_AGREED,
            reason="A stay in hospital.",
        )

    def get(self, who: Person, path: str = "") -> Any:
        self.client.force_login(who)
        return self.client.get(path or f"/people/{self.alice.ref}/")

    def break_in(self, viewer: Person, /, **more: str) -> Any:
        self.client.force_login(viewer)
        data = {"who": "00012345", "purpose": "safety", "reason": "She did not answer the door."} | more
        return self.client.post("/students/outside/", data, follow=True)


@pytest.fixture
def story(world: World, client: Client) -> Iterator[Story]:
    with time_machine.travel(NOW, tick=False):
        yield Story(world, client)


def test_everything_that_happened_with_who_and_why(story: Story):
    page = text_of(story.get(story.department))
    for said in (
        "Attended 1 of 1 class in the last four weeks.",
        "1 authorised absence",
        "Mark changed Absent became Late",
        "The student’s query was right",
        "“Seen on the list.”",
        "“I sat at the back.”",
        "Query upheld",
        "Ada Lecturer",
        "Absence agreed",
        "“A stay in hospital.”",
        "Tess Tutor",
    ):
        assert said in page, said


def test_the_sum_is_the_students_own(story: Story):
    own = account(own_classes(story.alice, classes_of(story.alice)), NOW)
    listed = standings([story.alice.pk], since=NINE - timedelta(weeks=4), at=NOW)[story.alice.pk]
    assert listed.tally == own.tally
    assert "You attended 1 of 1 class in the last four weeks." in text_of(story.get(story.alice, "/record/"))
    assert "Attended 1 of 1 class in the last four weeks." in text_of(story.get(story.tutor, "/students/"))


@pytest.mark.parametrize("status", [Status.PRESENT, Status.ABSENT, Status.AUTHORISED, Status.REMOTE])
@pytest.mark.parametrize("asked", [False, True])
def test_a_list_adds_up_as_the_record_does(story: Story, status: Status, asked: bool):
    session = story.world.session(story.group, starts_at=NINE + timedelta(hours=4), mandatory=status != Status.REMOTE)
    Mark.objects.create(session=session, student=story.alice, status=status, source=Source.ABSENCE, at=NOW, changed_at=NOW)
    if asked:
        raise_query(session, story.alice, at=NOW)
    story.world.session(story.group, starts_at=NINE + timedelta(hours=6), status="cancelled")
    own = account(own_classes(story.alice, classes_of(story.alice).filter(starts_at__lte=NOW)), NOW)
    listed = standings([story.alice.pk], since=NINE - timedelta(weeks=4), at=NOW)[story.alice.pk]
    assert (listed.tally, listed.open_queries) == (own.tally, int(asked))


def test_a_tutor_does_not_read_what_an_absence_was_about(story: Story):
    page = text_of(story.get(story.tutor))
    assert "hospital" not in page
    assert "Something is written here that your role does not read." in page
    assert "“Seen on the list.”" in page


@pytest.mark.parametrize(
    ("query", "has", "has_not"),
    [
        ("show=query", "Query upheld", "Mark changed"),
        ("show=change", "Mark changed", "Query upheld"),
        ("show=class", "Set by hand by Ada Lecturer.", "Mark changed"),
        ("show=nonsense", "Nothing here yet.", "Mark changed"),
        ("module=0", "Nothing here yet.", "Mark changed"),
        ("page=99", "Mark changed", "Nothing here yet."),
    ],
)
def test_the_timeline_can_be_narrowed(story: Story, query: str, has: str, has_not: str):
    page = text_of(story.get(story.department, f"/people/{story.alice.ref}/?{query}"))
    assert has in page
    assert has_not not in page


def test_outside_ones_students_there_is_no_record(story: Story):
    for who in (story.stranger, story.lecturer, story.alice, story.world.student()):
        assert story.get(who).status_code == 404
    assert not AccessLog.objects.filter(page="record").exists()
    page = text_of(story.get(story.stranger, "/students/?q=Alice"))
    assert "Abel" not in page
    assert "0 students" in page


def test_a_reason_opens_one_record_for_half_an_hour(story: Story):
    page = text_of(story.break_in(story.stranger))
    assert "Alice Abel" in page
    assert "outside the usual relationship" in page
    for hidden in ("hospital", "Seen on the list", "at the back", story.alice.username):
        assert hidden not in page
    assert "Alice Abel" in text_of(story.get(story.stranger, "/students/"))
    other = story.world.student()
    assert story.get(story.stranger, f"/people/{other.ref}/").status_code == 404
    assert story.get(story.lecturer).status_code == 404
    with time_machine.travel(NOW + timedelta(minutes=30), tick=False):
        assert story.get(story.stranger).status_code == 404
    assert AccessLog.objects.get(page="record").purpose == "safety"


def test_a_reason_is_not_needed_for_ones_own_students(story: Story):
    assert "You see this as Department staff" in text_of(story.break_in(story.department))
    assert not BreakGlass.objects.exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"who": "0001234"}, "No single student has exactly this number or e-mail."),
        ({"who": "Alice"}, "No single student"),
        ({"reason": "help"}, "at least 10 characters"),
        ({"purpose": ""}, "required"),
        ({"purpose": "curiosity"}, "not one of the available choices"),
    ],
)
def test_what_opens_nothing(story: Story, more: dict[str, str], says: str):
    answer = story.break_in(story.stranger, **more)
    assert answer.status_code == 422
    assert says in text_of(answer)
    assert not BreakGlass.objects.exists()


def test_nobody_opens_their_own_record_and_students_open_none(story: Story):
    RoleGrant.objects.create(person=story.alice, role=Role.LECTURER)
    assert "This is your own record" in text_of(story.break_in(story.alice))
    assert story.break_in(story.world.student()).status_code == 404
    assert not BreakGlass.objects.exists()


def test_what_is_posted_besides_changes_nothing(story: Story):
    story.break_in(story.stranger, viewer=str(story.lecturer.pk), ends_at="2030-01-01", role="administrator", seen_by="1")
    one = BreakGlass.objects.get()
    assert (one.viewer, one.role, one.seen_by) == (story.stranger, "lecturer", None)
    assert one.ends_at == NOW + timedelta(minutes=30)


def test_the_student_reads_who_looked(story: Story):
    assert "Nobody has looked yet" in text_of(story.get(story.alice, "/record/access/"))
    story.get(story.tutor)
    story.get(story.department)
    story.get(story.lecturer, f"/classes/{story.first.ref}/")
    story.get(story.lecturer, f"/classes/{story.first.ref}/students/{story.alice.ref}/")
    story.break_in(story.stranger)
    page = text_of(story.get(story.alice, "/record/access/"))
    for said in (
        "Personal tutor",
        "Department staff Computing",
        "Lecturer Outside the usual relationship",
        "Reason: Somebody’s safety or welfare",
        "Your mark in one class",
        "1 time",
    ):
        assert said in page, said
    for hidden in ("Tess", "Partment", "Stran", "Ada", "door", "Tutor Tess"):
        assert hidden not in page
    assert "Nobody has looked yet" in text_of(story.get(story.world.student(), "/record/access/"))


@pytest.mark.parametrize("students", [1, 3])
def test_a_list_costs_the_same_for_one_and_three(story: Story, students: int):
    story.get(story.department, "/students/")
    for _ in range(students - 1):
        other = story.world.student(groups=[story.group])
        story.world.enrol(other, story.computing)
        mark_students(story.first, [other], Status.PRESENT, by=story.lecturer, at=NOW)
    with CaptureQueriesContext(connection) as queries:
        answer = story.client.get("/students/")
    assert len(answer.context["rows"]) == students
    assert len(queries) == 16


@pytest.mark.parametrize("classes", [1, 3])
def test_a_record_costs_the_same_for_one_class_and_three(story: Story, classes: int):
    for n in range(classes - 1):
        session = story.world.session(story.group, starts_at=NINE + timedelta(hours=n + 2), staff=[story.lecturer])
        mark_students(session, [story.alice], Status.PRESENT, by=story.lecturer, at=NOW)
        raise_query(session, story.alice, at=NOW)
    story.get(story.department)
    with CaptureQueriesContext(connection) as queries:
        story.client.get(f"/people/{story.alice.ref}/")
    assert len(queries) == 24
