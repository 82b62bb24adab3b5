"""Requests and complaints about data: each step kept with its event, the right people told, and nothing of it in a letter."""

from datetime import timedelta

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.audit.models import Event
from adsum.core.errors import AdsumError
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics import rights
from adsum.privacy.disclosure_rules import Basis, Body
from adsum.privacy.disclosures import record_disclosure
from adsum.privacy.models import Disclosure, RightsRequest
from adsum.privacy.requests import clock, open_request, reply, take_step, withdraw
from adsum.privacy.rights_rules import Came, Kind, Outcome, State, Step
from tests.kit.told import text, told
from tests.kit.world import NINE, World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def alice(world: World) -> Person:
    return world.student("Alice Abel")


@pytest.fixture
def officer(world: World) -> Person:
    return world.person(Role.DATA_PROTECTION)


@pytest.fixture
def complaint(alice: Person) -> RightsRequest:
    return open_request(alice, Kind.COMPLAINT, "My tutor read my letter from the hospital.", act=Act(alice, NINE))


def verbs() -> list[str]:
    return list(Event.objects.filter(verb__startswith="rights.").order_by("pk").values_list("verb", flat=True))


def test_a_complaint_from_beginning_to_end(complaint: RightsRequest, alice: Person, officer: Person):
    def staff(step: Step, words: str = "", days: int = 1, **more: object) -> None:
        take_step(complaint, step, words, act=Act(officer, NINE + days * DAY), **more)  # type: ignore[arg-type]

    assert clock(complaint, NINE).acknowledge_by == (NINE + 30 * DAY).date()
    staff(Step.ACKNOWLEDGED)
    staff(Step.ASKED_SCOPE, "Which letter was it?", 2)
    complaint.refresh_from_db()
    assert complaint.state == State.WAITING
    assert clock(complaint, NINE + 5 * DAY).stopped_days == 3
    reply(complaint, "The one of 3 November.", act=Act(alice, NINE + 6 * DAY))
    assert clock(RightsRequest.objects.get(), NINE + 9 * DAY).stopped_days == 4
    staff(Step.TAKEN, "We looked at who opened it.", 7)
    staff(Step.ANSWERED, "You were right. Your tutor has no access any more.", 8, outcome=Outcome.DONE)
    complaint.refresh_from_db()
    assert (complaint.state, complaint.outcome) == (State.ANSWERED, Outcome.DONE)
    assert clock(complaint, NINE + 99 * DAY).stopped_days == 4, "it stands as it ended"
    for late in (Step.TAKEN, Step.ANSWERED):
        with pytest.raises(AdsumError, match="moved on"):
            staff(late, "Again", 9, outcome=Outcome.DONE)
    assert verbs() == [
        "rights.received",
        "rights.acknowledged",
        "rights.asked_scope",
        "rights.replied",
        "rights.taken",
        "rights.answered",
    ]


def test_both_are_told_throughout_and_no_letter_says_what_it_is_about(complaint: RightsRequest, alice: Person, officer: Person):
    tell(rights.TOPIC, at=NINE)
    take_step(complaint, Step.ASKED_IDENTITY, "Send a picture of your card.", act=Act(officer, NINE + DAY))
    take_step(complaint, Step.NOTED, "She rang.", act=Act(officer, NINE + DAY))
    reply(complaint, "Here it is.", act=Act(alice, NINE + 2 * DAY))
    tell(rights.TOPIC, at=NINE + 2 * DAY)
    tell(rights.TOPIC, at=NINE + 2 * DAY)
    take_step(complaint, Step.ANSWERED, "You were right.", outcome=Outcome.DONE, act=Act(officer, NINE + 3 * DAY))
    tell(rights.TOPIC, at=NINE + 3 * DAY)
    assert told(officer) == ["A request or complaint about data has come", "Somebody wrote to a request about their data"]
    assert told(alice) == [
        "Please show who you are, so that your request can be answered",
        "Your request about your data is answered",
    ]
    letters = " ".join(text(one) for one in Message.objects.all())
    assert [word for word in ("hospital", "card", "Alice", "She rang", "You were right") if word in letters] == []


def test_officers_are_told_a_week_before_a_day_that_the_law_sets_and_once(complaint: RightsRequest, officer: Person):
    tell(rights.TOPIC, at=NINE + 22 * DAY)
    assert told(officer) == []
    for days in (23, 23, 24):
        tell(rights.TOPIC, at=NINE + days * DAY)
    assert told(officer) == ["A request about data is due by 23 December"]
    take_step(complaint, Step.ACKNOWLEDGED, act=Act(officer, NINE + 24 * DAY))
    tell(rights.TOPIC, at=NINE + 25 * DAY)
    assert len(told(officer)) == 1, "the next is its answer, in February"


def test_what_came_another_way_counts_from_the_day_it_came_and_the_person_hears(alice: Person, officer: Person):
    act = Act(officer, NINE)
    made = open_request(
        alice,
        Kind.RECTIFICATION,
        "My name is wrong.",
        came=Came.LETTER,
        received_on=(NINE - 3 * DAY).date(),
        under_18=True,
        act=act,
    )
    assert clock(made, NINE).due_on.isoformat() == "2026-12-21", "a month after a Friday that is a Sunday: the next Monday"
    tell(rights.TOPIC, at=NINE)
    assert told(alice) == ["Your request about your data was recorded"]
    with pytest.raises(AdsumError, match="still to come"):
        open_request(alice, Kind.OBJECTION, "No.", received_on=(NINE + DAY).date(), act=act)


def test_nobody_answers_their_own_and_only_its_person_takes_it_back(officer: Person, alice: Person):
    own = open_request(officer, Kind.OBJECTION, "I object.", act=Act(officer, NINE))
    with pytest.raises(AdsumError, match="a colleague"):
        take_step(own, Step.ACKNOWLEDGED, act=Act(officer, NINE))
    with pytest.raises(ValueError, match="own"):
        withdraw(own, act=Act(alice, NINE))
    withdraw(own, act=Act(officer, NINE))
    own.refresh_from_db()
    assert own.state == State.WITHDRAWN


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"asked_by": " "}, "who asked"), ({"why": ""}, "why the ground holds"), ({"given_on": (NINE + DAY).date()}, "to come")],
)
def test_a_disclosure_says_who_asked_and_why(alice: Person, officer: Person, wrong: dict[str, object], says: str):
    said = {
        "asked_by": "PC 1234",
        "why": "A theft in C2.01",
        "given": "",
        "given_on": NINE.date(),
        "may_be_told": False,
        "act": Act(officer, NINE),
    }
    with pytest.raises(AdsumError, match=says):
        record_disclosure(alice, Body.POLICE, Basis.CRIME, **(said | wrong))  # type: ignore[arg-type]
    record_disclosure(alice, Body.POLICE, Basis.CRIME, **said)  # type: ignore[arg-type]
    assert Disclosure.objects.get().entered_by == officer
    assert verbs() == ["rights.disclose"]
    assert "theft" not in str(Event.objects.get(verb="rights.disclose").detail)
