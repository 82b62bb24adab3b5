"""What the deeds of the table are done on: a class that is on, its lecturer, two students and a colleague."""

from datetime import timedelta
from typing import Any

from adsum.attendance import policies, queries, reported
from adsum.attendance.adjustments import Arrangement, adjust
from adsum.attendance.ahead import Contrary, Says
from adsum.attendance.ahead_tables import Contradiction
from adsum.attendance.counting import Terms
from adsum.attendance.models import Correction, MarkChange, ReportedPeriod
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act
from adsum.checkin import checks, kiosks
from adsum.checkin import services as checkin
from adsum.checkin.models import CheckAnswer, Scan
from adsum.checkin.rules import Refusal
from adsum.checkin.writer import record_scans
from adsum.timetable import services as timetable
from tests.kit import marking
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

BY = "system:test"


class U:
    """A class that is on, its lecturer, two students, and a colleague."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.group = world.group()
        self.lecturer, self.colleague = world.lecturer(), world.lecturer()
        # Numbers that are like no other, so that an event that names somebody by theirs is seen.
        self.alice = world.student(pk=987_654_321, groups=[self.group])
        self.bob = world.student(pk=987_654_322, groups=[self.group])
        self.session = world.session(self.group, staff=[self.lecturer])

    @property
    def opening(self) -> Any:
        return checkin.open_checkin(self.session, by=self.lecturer, at=NINE)

    def held(self) -> Any:
        given = attempt(self.opening, self.world.student(), verdict=Refusal.NOT_EXPECTED)
        record_scans([given])
        return Scan.objects.get(ref=given.ref)

    def marked(self) -> Any:
        return marking.mark_students(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE)

    def absent(self) -> Any:
        return marking.mark_students(self.session, [self.alice], Status.ABSENT, by=self.lecturer, at=NINE)

    def act(self) -> Act:
        return marking.act(self.lecturer, NINE)

    def told(self) -> dict[int, Says]:
        return {self.session.pk: Says.TOLD}

    def contradiction(self) -> Any:
        kind = Contrary.MANY_CHANGES
        return Contradiction.objects.create(kind=kind, student=self.alice, session=self.session, found_at=NINE)

    def adjustment(self) -> Any:
        what = Arrangement(NINE.date(), extra_minutes=20)
        return adjust(self.alice, what, actor=self.lecturer.actor, by=self.lecturer, at=NINE)

    def paused(self) -> Any:
        return checkin.freeze(by=BY, at=NINE, reason="Fire")

    def step(self) -> Any:
        self.marked()
        return MarkChange.objects.get()

    def proposal(self) -> Any:
        return marking.propose(self.session, [self.alice], Status.PRESENT, by=self.lecturer, at=NINE, reason_code=Reason.OTHER)

    def report(self) -> Any:
        day = self.session.starts_on
        return reported.report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=self.colleague, at=NINE)

    def corrected(self) -> Any:
        self.report()
        self.marked()
        return Correction.objects.get()

    def policy(self) -> Any:
        day = NINE.date() + timedelta(days=1)
        return policies.make_policy(
            Terms(), department=None, kind="", valid_from=day, today=NINE.date(), by=self.colleague, at=NINE
        )

    def kiosk(self) -> Any:
        return kiosks.open_kiosk(self.opening, by=self.lecturer, at=NINE).kiosk

    def entered(self) -> Any:
        """A kiosk that has just marked alice."""
        kiosk = self.kiosk()
        kiosks.enter(kiosk, self.alice.number, at=NINE)
        return kiosk

    def shown(self) -> Any:
        """The opening, on a screen, with alice in."""
        self.marked()
        checkin.add_display(self.opening, by=self.lecturer, at=NINE)
        return self.opening

    def check(self) -> Any:
        return checks.begin_check(self.shown(), by=self.lecturer, at=NINE)

    def missed(self) -> Any:
        """A second check that alice missed."""
        return CheckAnswer.objects.create(second_check=self.check(), student=self.alice)

    def call(self) -> Any:
        self.marked()
        return checks.begin_spot_check(self.session, by=self.lecturer, at=NINE).calls.get()

    def query(self) -> Any:
        return queries.raise_query(self.session, self.alice, at=NINE, text="I was there")

    def run(self) -> Any:
        return timetable.start_import(kind="events", filename="a.csv", content=b"", options={}, actor=BY, at=NINE)
