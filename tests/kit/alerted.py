"""A student who has missed classes, the alert rules in force, and the nights on which they are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.counting import Period
from adsum.attendance.models import Mark
from adsum.attendance.rules import Reason, Status
from adsum.attendance.weighing import Act
from adsum.engagement import alerts
from adsum.engagement.evaluation import evaluate, follow
from adsum.engagement.models import Alert, AlertRule, RuleSwitch, RuleVersion
from adsum.engagement.not_checked import fingerprint, not_checked
from adsum.engagement.rules import Recipient, Trigger
from adsum.messages.models import Message
from adsum.messages.services import open_message
from adsum.messages.telling import tell
from adsum.messages.topics import reminders
from adsum.timetable.models import ClassSession
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

DAY = timedelta(days=1)
NIGHT = timedelta(hours=17)
"""From nine in the morning to two at night."""
RULES = (
    {"code": "0a", "stage": 0, "trigger": Trigger.MISSED_IN_A_ROW, "number": 2},
    {"code": "1a", "stage": 1, "trigger": Trigger.PERCENT_BELOW, "number": 80, "period": Period.FOUR_WEEKS},
    {"code": "2a", "stage": 2, "trigger": Trigger.PERCENT_BELOW, "number": 60, "period": Period.FOUR_WEEKS, "notice_days": 5},
    {"code": "3a", "stage": 3, "trigger": Trigger.WEEKS_WITHOUT, "number": 4, "no_reply": True},
)


def rules_in_force(world: World, *, at: datetime, rules: Sequence[dict[str, object]] = RULES, **every: object) -> RuleVersion:
    """A version of the rules, in force from then on."""
    version = RuleVersion.objects.create(number=RuleVersion.objects.count() + 1, name="Rules of a test", made_at=at)
    told = [Recipient.STUDENT, Recipient.TUTOR]
    AlertRule.objects.bulk_create([AlertRule(**{"version": version, "recipients": told, **every, **rule}) for rule in rules])
    by = world.person(Role.ATTENDANCE_TEAM)
    RuleSwitch.objects.create(place=RuleSwitch.Place.IN_FORCE, version=version, at=at, by=by)
    return version


@dataclass
class Missing(World):
    """One class each weekday at nine, for weeks; Alice comes or does not, as the line of each week says."""

    classes: list[ClassSession] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.group_ = self.group(self.module("Algorithms", "CS201"), "L1")
        self.alice = self.student("Alice Abel", groups=[self.group_])
        self.tutor = self.person(Role.TUTOR, name="Tom Tutor")
        self.enrol(self.alice, tutor=self.tutor)
        self.ada = self.lecturer("Ada Lecturer")
        self.team = self.person(Role.ATTENDANCE_TEAM, name="Tia Team")
        self.other = self.student("Bob Baker", groups=[self.group_])
        self.version = rules_in_force(self, at=NINE - 100 * DAY)

    def act(self, at: datetime, by: Person | None = None) -> Act:
        return Act(by or self.team, at, proved_at=at, proposes=False)

    def week(self, line: str, *, monday: datetime = NINE) -> list[ClassSession]:
        """One class a day from that Monday on: P she came, A she did not, . there is none, + it is still to come."""
        made = []
        for n, letter in enumerate(line):
            if letter == ".":
                continue
            starts = monday + n * DAY
            session = self.session(self.group_, starts_at=starts, staff=[self.ada])
            made.append(session)
            if letter != "+":
                self.mark(session, Status.PRESENT if letter == "P" else Status.ABSENT, at=starts + timedelta(minutes=50))
        self.classes += made
        return made

    def mark(self, session: ClassSession, status: Status, *, at: datetime, by: Person | None = None) -> None:
        known = Mark.objects.filter(session=session, student=self.alice).exists()
        by = by or (self.ada if at < session.ends_at + 7 * DAY else self.team)
        why = Reason.SEEN_IN_CLASS if known or by == self.team else None
        mark_students(session, [self.alice], status, by=by, at=at, reason_code=why)

    def alert(self, stage: int = 0) -> Alert:
        return Alert.objects.filter(student=self.alice, stage=stage).latest("pk")

    def states(self) -> list[tuple[int, str]]:
        """Stage and state of each alert there ever was, in order."""
        return list(Alert.objects.filter(student=self.alice).order_by("pk").values_list("stage", "state"))

    def tick(self, alert: Alert, *, at: datetime) -> None:
        rows = alert.classes.filter(missed=True).select_related("session__module")
        sessions = [row.session for row in rows]
        found = not_checked(alert.student_id, sessions, at)
        alerts.tick(alert, {session: fingerprint(found[session.pk]) for session in sessions}, act=self.act(at))

    def read(self, *, at: datetime) -> None:
        """Alice reads every message here."""
        for message in Message.objects.of(self.alice).filter(opened_at=None):
            open_message(message, at=at)

    def told(self, person: Person | None = None) -> list[str]:
        """The kinds of the messages to somebody, in order."""
        found = Message.objects.filter(person=person or self.alice, kind__in=[kind.name for kind in reminders.TOPIC.kinds])
        return list(found.order_by("pk").values_list("kind", flat=True))


def night(at: datetime) -> int:
    return evaluate(at=at)


def minute(at: datetime) -> None:
    """What a worker does each minute about alerts."""
    follow(at=at)
    tell(reminders.TOPIC, at=at)
