"""A duty to report, as the tests of duties begin: a student, two officers, and what happened."""

from datetime import date, datetime, timedelta
from typing import Any

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.weighing import Act
from adsum.compliance import duties
from adsum.compliance.duties import open_duty
from adsum.compliance.duty_life import Kind, Outcome, Reason
from adsum.compliance.models import Duty, Representation, SponsorProfile
from adsum.compliance.representation_life import Stance
from adsum.compliance.representations import About, answer, consider, note_opened, open_about
from adsum.compliance.sponsor_rules import Level, Sponsorship
from adsum.compliance.sponsorship import keep_profile
from tests.kit.guidance import in_force
from tests.kit.world import NINE, World

TRIGGER = date(2026, 11, 23)
DUE = date(2026, 12, 7)
"""Ten working days after it."""
DAY = timedelta(days=1)
AFTER_TERM = NINE + 8 * DAY
"""The student's term is over, which begins at NINE at the earliest; the duty is not due yet."""


class Sponsored:
    """A student about whom something happened, and two officers who decide."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.student = world.student()
        self.first, self.second = world.person(Role.COMPLIANCE_UKVI), world.person(Role.COMPLIANCE_UKVI)
        in_force(self.first)

    def act(self, by: Person | None = None, at: datetime = NINE) -> Act:
        return Act(by or self.first, at)

    def duty(self, kind: Kind = Kind.WITHDRAWAL, trigger: date = TRIGGER, **fields: Any) -> Duty:
        return open_duty(self.student, kind, trigger, because="The enrolment ended.", **{"act": NINE, **fields})

    def proposed(
        self,
        outcome: Outcome = Outcome.REPORT,
        reason: Reason = Reason.AS_RECORDED,
        *,
        duty: Duty | None = None,
        ground: str = "You left your course.",
    ) -> Duty:
        return duties.propose(duty or self.duty(), outcome, reason, "The registry says so", ground=ground, act=self.act())

    def told(self, duty: Duty) -> Representation:
        """What the student was told of it."""
        told = open_about(About(duties.ABOUT, str(duty.ref)))
        assert told is not None
        return told

    def heard(self, duty: Duty, at: datetime = NINE) -> None:
        """The student has opened it and agreed, and that was weighed."""
        told = self.told(duty)
        note_opened(told.ref, at=at)
        answer(told, Stance.AGREES, "", act=self.act(self.student, at))
        consider(told, "Agreed", act=self.act(self.first, at))

    def confirmed(self, duty: Duty, at: datetime = NINE) -> Duty:
        duty.refresh_from_db()
        assert duty.proposal is not None
        return duties.confirm(duty, duty.proposal, act=self.act(self.second, at))

    def agreed(self, at: datetime = NINE) -> Duty:
        """A duty that is to be reported."""
        duty = self.proposed()
        self.heard(duty, at)
        return self.confirmed(duty, at)

    def reported(self, at: datetime = NINE) -> Duty:
        return duties.report(self.agreed(at), TRIGGER, "SMS-1", "Withdrawn", act=self.act(at=at))


def sponsor(student: Person, *, act: Act, **fields: Any) -> SponsorProfile:
    """The student holds a CAS from this term on."""
    facts: dict[str, Any] = {"cas_number": f"CAS-{student.number}", "level": Level.DEGREE, "since": date(2026, 9, 21)}
    return keep_profile(student, Sponsorship(**{**facts, **fields}), act=act)
