"""Pages of duties: what is urgent comes first, as many queries for three as for one, what a form refuses, and the case file."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.models import Mark
from adsum.attendance.rules import Source, Status
from adsum.attendance.weighing import Act
from adsum.compliance import duties
from adsum.compliance.duties import open_duty
from adsum.compliance.duty_life import Kind, Outcome, Reason, State
from adsum.compliance.models import Duty, Edition, EditionNumber
from adsum.compliance.representation_life import Stance
from adsum.compliance.representations import About, open_about
from adsum.core import holidays
from adsum.core.university import civil_date
from adsum.core.working_days import WorkingDays
from tests.kit.guidance import in_force
from tests.kit.reading import words
from tests.kit.signing_in import prove
from tests.kit.sponsoring import sponsor
from tests.kit.world import World

pytestmark = pytest.mark.django_db
BOARD = "/compliance/"


class Desk:
    """Two officers, and sponsored students."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client, self.at = world, client, datetime.now(UTC)
        self.today = civil_date(self.at)
        self.first, self.second = world.person(Role.COMPLIANCE_UKVI), world.person(Role.COMPLIANCE_UKVI)
        in_force(self.first)

    def student(self, name: str = "") -> Person:
        student = self.world.student(name)
        sponsor(student, act=Act(self.first, self.at))
        return student

    def duty(self, student: Person | None = None, *, ago: int = 0, kind: Kind = Kind.WITHDRAWAL) -> Duty:
        student = student or self.student()
        return open_duty(student, kind, self.today - timedelta(days=ago), because="The enrolment ended.", act=self.at)

    def read(self, path: str, who: Person | None = None) -> str:
        self.client.force_login(who or self.first)
        answer = self.client.get(path)
        assert answer.status_code == 200
        return words(answer.content.decode())

    def post(self, duty: Duty, who: Person, **data: str) -> str:
        """What the page says after a form."""
        self.client.force_login(who)
        answer = self.client.post(f"/compliance/duties/{duty.ref}/", data, follow=True)
        return words(answer.content.decode())


@pytest.fixture
def desk(world: World, client: Client) -> Desk:
    return Desk(world, client)


def test_what_is_urgent_comes_first_and_in_words(desk: Desk):
    later, over, soon = desk.duty(), desk.duty(ago=40), desk.duty(ago=12)
    page = desk.read(BOARD)
    places = [page.index(str(one.student)) for one in (over, soon, later)]
    assert places == sorted(places)
    assert "overdue by" in page
    assert "Duty open 3" in page
    assert "Compliant 0" in page


def test_without_guidance_a_board_without_work_does_not_say_that_all_is_well(desk: Desk):
    assert "Nothing to do today" in desk.read(BOARD)
    EditionNumber.objects.all().delete()
    Edition.objects.all().delete()
    page = desk.read(BOARD)
    assert "Nothing to do today" not in page
    assert "No edition is in force" in page
    assert "no clock runs and no duty opens by itself" in page


def test_three_duties_cost_no_more_queries_than_one(desk: Desk):
    desk.duty()
    desk.read(BOARD)
    with CaptureQueriesContext(connection) as one:
        desk.read(BOARD)
    for _ in range(2):
        desk.duty()
    desk.read(BOARD)  # a list that has changed is kept once, for the way through it
    with CaptureQueriesContext(connection) as three:
        desk.read(BOARD)
    assert len(three) == len(one)
    assert len(three) <= 30


def test_from_the_proposal_to_the_second_officer(desk: Desk):
    duty = desk.duty()
    said = desk.post(duty, desk.first, action="propose", outcome="report:as_recorded", words="The registry", ground="You left.")
    assert "Another officer is asked" in said
    told = open_about(About(duties.ABOUT, str(duty.ref)))
    assert told is not None
    student = duty.student
    assert "What it rests on" not in desk.read(f"/decisions/{told.ref}/", student)  # a preview opens nothing
    desk.client.post(f"/decisions/{told.ref}/", {"action": "open"})
    assert "You left." in desk.read(f"/decisions/{told.ref}/", student)
    desk.client.post(f"/decisions/{told.ref}/", {"stance": "contests", "words": "I only moved house."})
    duty.refresh_from_db()
    assert "I only moved house." in desk.post(duty, desk.second, action="confirm", proposal=str(duty.proposal))
    duty.refresh_from_db()
    assert duty.state == State.PROPOSED
    assert "The student is told" in desk.post(
        duty, desk.second, action="consider", words="The registry was asked again: they left."
    )
    assert "same person" not in desk.post(duty, desk.first, action="confirm", proposal=str(duty.proposal))
    duty.refresh_from_db()
    assert duty.state == State.PROPOSED
    desk.post(duty, desk.second, action="confirm", proposal=str(duty.proposal))
    duty.refresh_from_db()
    assert duty.state == State.TO_REPORT
    assert "The registry was asked again" in desk.read(f"/decisions/{told.ref}/", student)


def test_what_cannot_be_done_says_so_and_keeps_what_was_written(desk: Desk):
    duty = desk.duty()
    said = desk.post(duty, desk.first, action="propose", outcome="report:as_recorded", words="The registry says so")
    assert "Say what the decision rests on" in said
    assert "The registry says so" in said


def test_an_officer_has_no_page_about_themselves(desk: Desk):
    duty = desk.duty(desk.second)
    desk.client.force_login(desk.second)
    assert desk.client.get(f"/compliance/duties/{duty.ref}/").status_code == 404
    assert str(duty.ref) not in desk.client.get(BOARD).content.decode()


def test_one_is_opened_by_hand_for_a_sponsored_student_alone(desk: Desk):
    known, unknown = desk.student(), desk.world.student()
    desk.client.force_login(desk.first)
    data = {"kind": Kind.CHANGE_OF_LOCATION, "trigger": desk.today.isoformat(), "because": "Fieldwork in Lima"}
    refused = desk.client.post("/compliance/duties/new/", data | {"student": unknown.number})
    assert refused.status_code == 422
    assert "No sponsored student" in refused.content.decode()
    desk.client.post("/compliance/duties/new/", data | {"student": known.number})
    assert (Duty.objects.get().kind, Duty.objects.get().opened_by) == (Kind.CHANGE_OF_LOCATION, desk.first)


def test_the_case_file_has_what_the_sponsor_system_asks_for(desk: Desk):
    duty = desk.duty(desk.student("=cmd|x Jones"))
    duties.propose(duty, Outcome.NO_REPORT, Reason.REVERSED, "The registry", act=Act(desk.first, desk.at))
    page = desk.read(f"/compliance/duties/{duty.ref}/case-file/")
    assert "No report, what happened was taken back" in page
    prove(desk.client)
    answer = desk.client.post(f"/compliance/duties/{duty.ref}/case-file.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[1] == ["Student", "'=cmd|x Jones"]
    assert dict(row[:2] for row in rows)["CAS"].startswith("CAS-")


def test_on_campus_today_and_this_week(desk: Desk):
    here, away = desk.student("Hera Here"), desk.student("Abe Away")
    session = desk.world.session(starts_at=desk.at, room="C2.01")
    for student, status in ((here, Status.PRESENT), (away, Status.REMOTE)):
        Mark.objects.create(session=session, student=student, status=status, source=Source.SCAN, at=desk.at, changed_at=desk.at)
    for span in ("day", "week"):
        seen, unseen = (desk.read(f"/compliance/on-campus/?span={span}&show={show}") for show in ("seen", "unseen"))
        assert ("Hera Here" in seen, "Abe Away" in seen, "C2.01" in seen) == (True, False, True)
        assert ("Hera Here" in unseen, "Abe Away" in unseen) == (False, True)


def test_beyond_the_file_of_holidays_pages_say_which_file(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.duty()
    over = WorkingDays({}, desk.today - timedelta(days=30), "bank-holidays.json")
    monkeypatch.setattr("adsum.web.compliance.board.working_days", lambda: over)
    desk.client.force_login(desk.first)
    answer = desk.client.get(BOARD)
    assert answer.status_code == 503
    assert "bank-holidays.json" in words(answer.content.decode())
    assert holidays.working_days() is not over


def test_who_has_answered_reads_it_again_and_cannot_answer_twice(desk: Desk):
    duty = desk.duty()
    duties.propose(duty, Outcome.REPORT, Reason.AS_RECORDED, "x", ground="You left.", act=Act(desk.first, desk.at))
    told = open_about(About(duties.ABOUT, str(duty.ref)))
    assert told is not None
    desk.client.force_login(duty.student)
    for words_ in ("First", "Second"):
        desk.client.post(f"/decisions/{told.ref}/", {"stance": Stance.CONTESTS, "words": words_})
    told.refresh_from_db()
    assert told.answer == "First"
