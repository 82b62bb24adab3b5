"""Pages of cases: as many queries for three as for one, who reads which note, and what a form says when it cannot be done."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.core.university import civil_date
from adsum.engagement.case_rules import MOVES, Event, Part, Readers, Worry
from adsum.engagement.cases import add_note, open_case
from adsum.engagement.concerns import raise_concern
from adsum.engagement.models import Case, Concern, Contacted, Leave
from adsum.web.support.case_deeds import DEEDS
from tests.kit.reading import words
from tests.kit.world import World

pytestmark = pytest.mark.django_db
NOTES = {Readers.STUDENT: "Two classes a day", Readers.SUPPORT: "Ring in the morning", Readers.TEAM: "Seen at the desk"}


class Page:
    """A tutor with tutees, and the attendance team."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.at = datetime.now(UTC)
        self.tutor, self.team = world.person(Role.TUTOR), world.person(Role.ATTENDANCE_TEAM)

    def case(self) -> Case:
        student = self.world.student()
        self.world.enrol(student, tutor=self.tutor)
        return open_case(student, because="Three weeks without a class", act=Act(self.team, self.at))

    def read(self, path: str, who: Person) -> str:
        self.client.force_login(who)
        return words(self.client.get(path).content.decode())


@pytest.fixture
def page(world: World, client: Client) -> Page:
    return Page(world, client)


@pytest.mark.parametrize("show", ["mine", "all"])
def test_three_cases_cost_no_more_queries_than_one(page: Page, show: str):
    page.case()
    page.client.force_login(page.tutor)
    page.client.get(f"/cases/?show={show}")
    with CaptureQueriesContext(connection) as one:
        page.client.get(f"/cases/?show={show}")
    for _ in range(2):
        page.case()
    page.client.get(f"/cases/?show={show}")  # what the list leads to is kept once
    with CaptureQueriesContext(connection) as three:
        assert words(page.client.get(f"/cases/?show={show}").content.decode()).count("Three weeks without a class") == 3
    assert len(three) == len(one)
    assert len(three) <= 20


@pytest.mark.parametrize(
    ("who", "reads"),
    [
        ("tutor", {Readers.STUDENT, Readers.SUPPORT}),
        ("team", {Readers.STUDENT, Readers.SUPPORT, Readers.TEAM}),
        ("student", {Readers.STUDENT}),
    ],
)
def test_a_note_is_read_by_its_readers(page: Page, who: str, reads: set[Readers]):
    case = page.case()
    for readers, text in NOTES.items():
        add_note(case, text, readers, act=Act(page.tutor, page.at))
    own = who == "student"
    seen = page.read("/support/" if own else f"/cases/{case.ref}/", case.student if own else getattr(page, who))
    assert {readers for readers, text in NOTES.items() if text in seen} == reads


def test_what_cannot_be_done_is_said_in_its_form_and_nothing_is_lost(page: Page):
    case = page.case()
    page.client.force_login(page.tutor)
    data = {"action": "hand_over", "to": "nobody@uni.example", "words": "She prefers mornings"}
    answer = page.client.post(f"/cases/{case.ref}/", data)
    assert answer.status_code == 422
    assert "No colleague has exactly this e-mail" in words(answer.content.decode())
    assert "She prefers mornings" in answer.content.decode()


def test_a_contact_is_two_clicks(page: Page):
    case = page.case()
    page.client.force_login(page.tutor)
    page.client.post(f"/cases/{case.ref}/contacted/", {"contact": "call:no_answer"})
    page.client.post(f"/cases/{case.ref}/contacted/", {"contact": "letter:spoke"})
    assert [(one.way, one.reply) for one in Contacted.objects.all()] == [("call", "no_answer")]


def test_a_concern_says_first_whom_to_call_and_that_the_student_may_read_it(page: Page, world: World):
    lecturer, group = world.lecturer(), world.group()
    student = world.student(groups=[group])
    session = world.session(group, staff=[lecturer])
    path = f"/classes/{session.ref}/students/{student.ref}/concern/"
    seen = page.read(path, lecturer)
    assert seen.index("In danger now? Call 999.") < seen.index("What did you notice?")
    assert "The student may read what you write" in seen
    page.client.post(path, {"worry": "not_themselves", "words": "Left in tears"})
    concern = Concern.objects.get()
    assert (concern.session, concern.owner) == (session, page.team)
    assert "Left in tears" in page.read("/support/", student)
    stranger = world.student()
    assert page.client.get(f"/classes/{session.ref}/students/{stranger.ref}/concern/").status_code == 404


def test_who_is_away_hands_on_their_cases(page: Page):
    case = page.case()
    page.client.force_login(page.team)
    day = civil_date(page.at).isoformat()
    data = {"action": "leave", "person": page.tutor.username, "deputy": "", "starts_on": day, "ends_on": day}
    assert page.client.post("/office/cover/", data).status_code == 302
    case.refresh_from_db()
    assert (case.owner, Leave.objects.count()) == (page.team, 1)


def test_concerns_are_listed_with_as_many_queries_for_three_as_for_one(page: Page):
    teacher, counts = page.world.lecturer(), []
    page.client.force_login(page.team)
    for number in (1, 3):
        for _ in range(number - Concern.objects.count()):
            raise_concern(page.case().student, Worry.STOPPED_COMING, "", act=Act(teacher, page.at))
        page.client.get("/concerns/")
        with CaptureQueriesContext(connection) as made:
            page.client.get("/concerns/")
        counts.append(len(made))
    assert counts[0] == counts[1] <= 12


def test_everything_that_staff_may_do_to_a_case_is_on_its_page():
    """The state table has nothing that only code could do: what is no deed is done where meetings are."""
    on_the_page = {(deed.part, deed.event) for deed in DEEDS.values()} | {(Part.OTHERS, Event.DISMISSED)}
    of_meetings = {(Part.STAFF, Event.OFFERED), (Part.STAFF, Event.MET)}
    possible = {(part, event) for part in (Part.STAFF, Part.OTHERS) for moves in MOVES[part].values() for event in moves}
    assert possible == on_the_page | of_meetings
