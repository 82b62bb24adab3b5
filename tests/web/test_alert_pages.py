"""The pages of alerts: the list of those that wait, and one that leaves only after a person has looked."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adsum.accounts.rules import Role
from adsum.attendance.rules import Status
from adsum.checkin.rules import Refusal
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.engagement.alert_life import STANDING, State
from adsum.engagement.case_rules import Because, Outcome
from adsum.engagement.cases import close_case, open_case
from adsum.engagement.models import Alert, Closure
from adsum.web.office.alerts import STEPS
from tests.kit.alerted import DAY, NIGHT, Missing, minute, night
from tests.kit.marking import mark_students
from tests.kit.reading import text_of
from tests.kit.scans import attempt
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
TUESDAY = NINE + 8 * DAY + timedelta(hours=2)


class Office(Missing):
    """Alice tried to scan in four classes, was refused, and waits at stage 2; the attendance team looks on the Tuesday."""

    def __init__(self, client: Client, clock: Any) -> None:
        super().__init__()
        self.client, self.clock = client, clock
        for session in self.week("++++."):
            self.refused_in(session)
        night(NINE + 4 * DAY + NIGHT)
        Alert.objects.update(stage=2)
        self.at(TUESDAY)

    def refused_in(self, session: Any) -> None:
        opening = open_checkin(session, by=self.ada, at=session.starts_at)
        seen = {"first_seen_at": session.starts_at, "finished_at": session.starts_at}
        record_scans([attempt(opening, self.alice, verdict=Refusal.STALE_CODE, **seen)])
        self.mark(session, Status.ABSENT, at=session.ends_at)

    def at(self, at: datetime) -> None:
        self.clock.move_to(at)
        self.client.force_login(self.team)

    @property
    def path(self) -> str:
        return f"/office/alerts/{self.alert(2).ref}/"

    def post(self, step: str, **data: object) -> str:
        return text_of(self.client.post(f"{self.path}{step}/", data, follow=True))


@pytest.fixture
def office(client: Client, db: None) -> Iterator[Office]:
    with time_machine.travel(NINE, tick=False) as clock:
        yield Office(client, clock)


def test_a_meeting_leaves_only_after_what_was_not_checked_was_shown_and_ticked(office: Office):
    page = text_of(office.client.get("/office/alerts/"))
    assert "0 of 4 attended in the last 4 weeks of teaching (0%)" in page
    assert "What was not checked has to be looked at" in page
    answer = office.client.get(office.path)
    assert text_of(answer).count("Scan refused: The code had already changed.") == 4
    assert "Look at each class first" in office.post("release")
    shown = [one["shown"] for one in answer.context["classes"]]
    office.post("tick", tick=shown[:3])
    assert "Look at each class first" in office.post("release")
    assert "3 of 4 classes looked at" in text_of(office.client.get("/office/alerts/"))
    assert "Looked at by Tia Team" in office.post("tick", tick=shown)
    assert "Let go." in office.post("release")
    minute(TUESDAY)
    assert office.told() == ["reminder_meeting"]
    page = text_of(office.client.get(office.path))
    assert "Who was told" in page
    assert "Tom Tutor tutor, or who stands in" in page


def test_a_person_keeps_it_back_begins_a_welfare_hold_and_closes_it(office: Office):
    assert "Say in a few words why it waits" in office.post("hold", why=" ")
    assert "“I know her.”" in office.post("hold", why="I know her.")
    assert "Choose a day ahead" in office.post("welfare", review_on="2026-11-30")
    assert "No reminder leaves to this student." in office.post("welfare", review_on="2026-12-14")
    assert "Welfare hold ended." in office.post("end-welfare")
    assert "Closed. The student reads why." in office.post("close", why="We have spoken.")
    assert office.states() == [(2, State.CLOSED)]
    assert "We have spoken." in text_of(office.client.get("/office/alerts/?show=over"))
    minute(TUESDAY)
    assert office.told() == []
    assert "This alert has moved on meanwhile." in office.post("release")


def test_a_review_is_first_in_the_list_and_is_decided_by_a_person(office: Office):
    Alert.objects.update(state=State.REVIEW, told_at=TUESDAY, released_by=office.team)
    assert "Urgent" in text_of(office.client.get("/office/alerts/"))
    assert "Say in a few words what was wrong" in office.post("take-back", why="")
    assert "Say in a few words why it stands" in office.post("stand", why=" ")
    office.post("take-back", why="The scanner of that room failed.")
    assert office.states() == [(2, State.WITHDRAWN)]


def test_a_review_that_stands_is_closed_says_why_and_comes_back_only_when_the_record_changes_again(office: Office):
    Alert.objects.update(stage=3, state=State.TOLD, told_at=TUESDAY, released_by=office.team)
    path = f"/office/alerts/{office.alert(3).ref}/"
    office.client.post(f"{path}close/", {"why": "The panel met.", "outcome": "warned"})
    first, second, *rest = office.classes
    for session in (second, *rest):
        office.mark(session, Status.PRESENT, at=TUESDAY)
    minute(TUESDAY)
    office.client.force_login(office.alice)
    assert "We are looking at this again" in text_of(office.client.get("/record/"))
    later = TUESDAY + timedelta(hours=1)
    office.at(later)
    page = text_of(office.client.post(f"{path}stand/", {"why": "She had agreed to it."}, follow=True))
    assert "“The panel met.”" in page
    assert "Tia Team looked at it again on 1 December, 12:00, and it stands: “She had agreed to it.”" in page
    minute(later)
    assert office.states() == [(3, State.CLOSED)]
    assert office.told()[-1] == "reminder_stands"
    office.client.force_login(office.alice)
    record = text_of(office.client.get("/record/"))
    assert "Our reminder of 1 December was closed on 1 December" in record
    assert "“She had agreed to it.”" in record
    office.mark(office.week("+....", monday=NINE + 7 * DAY)[0], Status.PRESENT, at=later)  # nothing to do with it
    minute(later + timedelta(minutes=1))
    night(later + NIGHT)
    assert office.states() == [(3, State.CLOSED)]
    office.mark(first, Status.PRESENT, at=later + timedelta(minutes=2))
    minute(later + timedelta(minutes=3))
    assert office.states() == [(3, State.REVIEW)]
    assert office.told(office.team).count("alert_review") == 2


def test_what_was_decided_at_the_last_stage_is_kept_and_the_case_learns_that_the_record_was_put_right(office: Office):
    Alert.objects.update(stage=3, state=State.TOLD, told_at=TUESDAY, released_by=office.team)
    path = f"/office/alerts/{office.alert(3).ref}/"
    case = close_case(
        open_case(office.alice, because=Because.MEETING, act=office.act(TUESDAY)), Outcome.WARNED, "x", act=office.act(TUESDAY)
    )

    def closed_with(outcome: str) -> str:
        return text_of(office.client.post(f"{path}close/", {"why": "The panel met.", "outcome": outcome}, follow=True))

    assert "Choose what was decided from the list." in closed_with("nonsense")
    assert "Decided Formal warning" in closed_with("warned")
    for session in office.classes:
        office.mark(session, Status.PRESENT, at=TUESDAY)
    minute(TUESDAY)
    assert office.states() == [(3, State.REVIEW)], "what followed is more than a letter could take back"
    assert not case.steps.filter(event="corrected").exists()
    office.client.post(f"{path}take-back/", {"why": "She was there."})
    assert "Reminder withdrawn: the record was put right" in text_of(office.client.get(f"/cases/{case.ref}/"))
    office.client.force_login(office.alice)
    assert "Reminder withdrawn: the record was put right" in text_of(office.client.get("/support/"))


def test_the_team_of_another_department_finds_nothing(office: Office):
    history = office.person(Role.ATTENDANCE_TEAM, department=office.department("HI", "History"))
    office.client.force_login(history)
    assert "No alert waits" in text_of(office.client.get("/office/alerts/"))
    assert office.client.get(office.path).status_code == 404


def test_the_record_leads_the_team_to_the_alert_and_nobody_else(office: Office):
    record, link = f"/people/{office.alice.ref}/", office.path
    assert link in office.client.get(record).content.decode()
    office.client.force_login(office.tutor)
    answer = office.client.get(record)
    assert answer.status_code == 200
    assert link not in answer.content.decode()


def test_the_list_asks_as_many_questions_for_one_alert_as_for_three(office: Office):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert office.client.get("/office/alerts/").status_code == 200
        return len(queries)

    asked()
    one = asked()
    assert one <= 22
    students = [office.student(groups=[office.group_]) for _ in range(2)]
    for session in office.classes:
        mark_students(session, students, Status.ABSENT, by=office.team, at=TUESDAY)
    night(TUESDAY)
    assert len(office.client.get("/office/alerts/").context["rows"]) == 3
    assert asked() == one


def test_closure_days_are_entered_ahead_and_no_reminder_leaves_on_them(office: Office):
    def post(first: str, last: str, name: str = "Closed for the opening") -> str:
        return text_of(office.client.post("/office/closures/", {"name": name, "first": first, "last": last}, follow=True))

    assert "The last day comes before the first." in post("2026-12-24", "2026-12-23")
    assert "These days are over" in post("2026-11-23", "2026-11-24")
    assert "Entered." in post("2026-12-02", "2026-12-02")
    Alert.objects.update(stage=0)
    wednesday = NINE + 9 * DAY
    office.at(wednesday)
    minute(wednesday)
    assert office.told() == []
    made = Closure.objects.get()
    page = text_of(office.client.post(f"/office/closures/{made.pk}/remove/", follow=True))
    assert "These days have begun" in page
    office.at(TUESDAY)
    assert "Taken back." in text_of(office.client.post(f"/office/closures/{made.pk}/remove/", follow=True))
    minute(wednesday)
    assert office.told() == ["reminder_word"]


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (State.HELD, {"tick", "release", "hold", "close", "welfare"}),
        (State.RELEASED, {"tick", "hold", "close", "welfare"}),
        (State.TOLD, {"tick", "close", "welfare"}),
        (State.PAUSED, {"tick", "resume", "close", "welfare"}),
        (State.REVIEW, {"tick", "take-back", "stand"}),
    ],
)
def test_every_step_that_a_person_may_make_is_on_the_page(office: Office, state: State, steps: set[str]):
    team = office.team if state != State.HELD else None
    released = {"released_at": NINE, "released_by": team} if team else {}
    Alert.objects.update(state=state, told_at=NINE if state in STANDING else None, **released)
    page = office.client.get(office.path).content.decode()
    assert set(re.findall(rf'action="{office.path}([a-z-]+)/"', page)) == steps
    assert {step for step in steps if step != "tick"} <= set(STEPS)
