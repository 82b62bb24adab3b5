"""A student with a case, as the tests of cases begin."""

from datetime import datetime, timedelta
from typing import Any

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.engagement import cases
from adsum.engagement.case_rules import Outcome, Span
from adsum.engagement.cases import open_case
from adsum.engagement.meetings import offer_meeting, pick_slot
from adsum.engagement.models import Case, Meeting
from tests.kit.world import NINE, World

DAY = timedelta(days=1)


class Story:
    """A student with a case of their tutor's, a colleague, and the attendance team."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.group = world.group()
        self.student = world.student(groups=[self.group])
        self.tutor, self.colleague = world.person(Role.TUTOR, Role.LECTURER), world.person(Role.TUTOR)
        self.team = world.person(Role.ATTENDANCE_TEAM)
        world.enrol(self.student, tutor=self.tutor)
        self.case = open_case(self.student, because="Three weeks without a class", act=self.act(self.team))

    def act(self, by: Person | None = None, at: datetime = NINE) -> Act:
        return Act(by or self.tutor, at)

    def closed(self, outcome: Outcome = Outcome.WARNED) -> Case:
        self.case = cases.close_case(self.case, outcome, "We agreed on it", act=self.act())
        return self.case

    def appealed(self, outcome: Outcome = Outcome.WARNED) -> Case:
        self.closed(outcome)
        self.case = cases.appeal(self.case, "I was ill", act=self.act(self.student))
        return self.case

    def offered(self, **fields: Any) -> Meeting:
        slots = [Span(NINE + 8 * DAY + timedelta(hours=n), NINE + 8 * DAY + timedelta(hours=n, minutes=30)) for n in (0, 2)]
        fields = {"slots": slots, "about": "How it goes", "place": "C2.10", "formal": True, **fields}
        return offer_meeting(self.case, act=self.act(), **fields)

    def agreed(self) -> Meeting:
        meeting = self.offered()
        return pick_slot(meeting, meeting.slots.earliest("starts_at"), act=self.act(self.student))
