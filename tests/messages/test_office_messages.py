"""What the attendance team and departments are told: what waits for them, once, and what became of a change one asked for."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.adjustments import Arrangement, adjust, end_adjustment
from adsum.attendance.closing import close_registers, explain_register
from adsum.attendance.models import Proposal
from adsum.attendance.rules import Explanation, Reason, Status
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics import adjustments, registers
from adsum.messages.topics.registry import TOPICS
from tests.kit import marking
from tests.kit.marking import mark_students
from tests.kit.told import FIVE, House, text, told
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


class Office(House):
    """A class of this morning; its department and another one, each with a team and staff; and a team over all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.past = self.session(self.l1, starts_at=NINE, staff=[self.ada])
        here, elsewhere = self.department("CS", "Computing"), self.department("HI", "History")
        self.rohan, self.tamsin = (self.person(Role.ATTENDANCE_TEAM, name=name, department=here) for name in ("R W", "T A"))
        self.over_all = self.person(Role.ATTENDANCE_TEAM)
        self.staff = self.person(Role.DEPARTMENT, department=here)
        self.others = [self.person(role, department=elsewhere) for role in (Role.ATTENDANCE_TEAM, Role.DEPARTMENT)]

    def asked(self, by: Person) -> Proposal:
        mark_students(self.past, [self.alice], Status.ABSENT, by=self.ada, at=NINE)
        return marking.propose(
            self.past,
            [self.alice],
            Status.PRESENT,
            by=by,
            at=NINE + timedelta(hours=1),
            reason_code=Reason.OTHER,
            reason="Her mother called",
        )


def tell_offices(*, at: datetime) -> int:
    return sum(tell(TOPICS[name], at=at) for name in ("amendments", "registers"))


@pytest.fixture
def house(db: None) -> Office:
    return Office()


def test_a_change_that_waits_is_told_to_everyone_who_may_confirm_it(house: Office):
    house.asked(by=house.rohan)
    assert tell_offices(at=FIVE - timedelta(minutes=1)) == 0
    for minutes in (0, 1, 600):
        tell_offices(at=FIVE + timedelta(minutes=minutes))
    assert told(house.tamsin) == told(house.over_all) == ["1 change waits for a second person"]
    assert [told(one) for one in (house.rohan, house.staff, house.ada, *house.others)] == [[]] * 5
    said = text(Message.objects.get(person=house.tamsin))
    assert "CS201 Algorithms, Monday 23 November, 09:00" in said
    assert "1 mark to become: Present." in said
    assert "mother" not in said + str(Message.objects.get(person=house.tamsin).facts), "docs/rules.md D 10"


def test_what_was_decided_before_the_digest_waits_for_nobody(house: Office):
    proposal = house.asked(by=house.rohan)
    marking.decline(proposal, by=house.rohan, at=NINE + timedelta(hours=2))
    assert tell_offices(at=FIVE) == 0, "nor is one told what one did oneself"


@pytest.mark.parametrize(
    ("confirmed", "subject"),
    [(True, "Your change in Algorithms is confirmed"), (False, "Your change in Algorithms is declined")],
)
def test_whoever_asked_is_told_what_became_of_it_at_once(house: Office, confirmed: bool, subject: str):
    proposal, at = house.asked(by=house.rohan), NINE + timedelta(hours=2)
    if confirmed:
        marking.confirm(proposal, by=house.tamsin, at=at)
    else:
        marking.decline(proposal, by=house.tamsin, at=at, answer="She was ill")
    assert (tell_offices(at=at), tell_offices(at=FIVE)) == (1, 0)
    assert told(house.rohan) == [subject]
    assert "ill" not in str(Message.objects.get().facts).replace("will", "")


def test_a_register_nobody_completes_is_told_to_its_department_once(house: Office):
    close_registers([house.past], at=NINE + timedelta(hours=2))  # on a Monday: Thursday is the third working day after it
    tell_offices(at=NINE + 2 * DAY)
    assert told(house.staff) == []
    at = (NINE + 3 * DAY).replace(hour=0, minute=1)
    for days in (0, 1, 2, 9):
        tell_offices(at=at + days * DAY)
    assert told(house.staff) == ["1 register is now yours to complete"]
    (message,) = Message.objects.filter(kind=registers.OVERDUE)
    assert message.due_at.hour == 7, "nobody is written to at night"


@pytest.mark.parametrize("how", ["explained", "completed", "cancelled"])
def test_what_needs_nobody_any_more_is_not_told(house: Office, how: str):
    close_registers([house.past], at=NINE + timedelta(hours=2))
    if how == "explained":
        explain_register(house.past, Explanation.NOT_HELD, by=house.ada, at=NINE + DAY)
    elif how == "completed":
        mark_students(house.past, [house.alice, house.bob], Status.PRESENT, by=house.ada, at=NINE + DAY)
    else:
        type(house.past).objects.filter(pk=house.past.pk).update(status="cancelled")
    assert tell_offices(at=NINE + 4 * DAY) == 0


def test_the_team_is_told_once_four_weeks_before_an_adjustment_ends_or_is_reviewed(house: Office):
    today = NINE.date()
    at: dict[str, Any] = {"actor": "system:test", "at": NINE}
    house.enrol(house.alice, house.department("CS", "Computing"))
    house.enrol(house.bob, house.department("HI", "History"))
    day = today + 28 * DAY
    adjust(house.alice, Arrangement(today, by_hand=True, ends_on=day), **at)
    adjust(house.alice, Arrangement(today, extra_minutes=20, review_on=day, ends_on=day + 90 * DAY), **at)
    adjust(house.bob, Arrangement(today, by_hand=True, ends_on=day + DAY), **at)
    end_adjustment(adjust(house.alice, Arrangement(today, by_hand=True), **at), last_day=day, **at)
    sent, counts = Message.objects.filter(kind=adjustments.ENDING), []
    for days in range(-2, 5):
        tell(adjustments.TOPIC, at=NINE + days * DAY)
        counts.append(sent.count())
    assert counts == [0, 0, 3, 5, 5, 5, 5], "three of the team for Alice's, then two for Bob's, and no more"
    assert {one.facts["n"] for one in sent.filter(person=house.rohan)} == {2}
    letter = text(sent.get(person=house.rohan))
    assert "2 adjustments end or are reviewed on 21 December" in letter
    assert "Alice" not in letter
