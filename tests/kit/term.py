"""A small term in which only Adsum wrote, and what comparing it with the log finds."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection

from adsum.accounts.models import Person, RoleGrant
from adsum.accounts.reconciliation import compare_roles
from adsum.accounts.rules import Role
from adsum.accounts.services import change_role_dates, end_role, entry_of, grant_role
from adsum.attendance.closing import close_registers
from adsum.attendance.models import Mark, MarkChange
from adsum.attendance.reconciliation import compare_marks
from adsum.attendance.rules import Reason, Status
from adsum.audit import reconciliation as compare
from adsum.audit import services
from adsum.audit.looks import note_view, seal_looks
from adsum.audit.reconciliation import Compared
from adsum.audit.rules import Page
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from tests.kit.log import BY, MINUTE
from tests.kit.marking import mark_students, undo
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

DAY = timedelta(days=1)
LATER = NINE + 3 * DAY
NEW_STEP = (
    "INSERT INTO adsum_markchange (session_id, student_id, before, after, minutes_late, source, seen_at, at, reason_code, "
    "reason, salt) VALUES (%s, %s, %s, %s, 0, 'staff', %s, %s, '', '', %s)"
)
"""Somebody's own SQL."""


@dataclass
class Term:
    """Three classes: scanned, ticked, amended, undone, closed; roles given, changed and ended; looks of two days, sealed."""

    world: World
    students: list[Person] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.world
        self.lecturer, self.officer = world.lecturer(), world.person(Role.DATA_PROTECTION)
        group = world.group()
        self.students = [world.student(groups=[group]) for _ in range(5)]
        services.record_all([entry_of(one, "role.grant") for one in RoleGrant.objects.all()], actor=BY, at=NINE)
        self.grant = grant_role(self.lecturer, Role.TUTOR, by=BY, at=NINE)
        change_role_dates(self.grant, starts_on=NINE.date(), ends_on=LATER.date(), by=BY, at=NINE)
        end_role(grant_role(self.officer, Role.AUDITOR, by=BY, at=NINE), last_day=NINE.date(), by=BY, at=NINE)
        self.sessions = [world.session(group, starts_at=NINE + n * DAY, staff=[self.lecturer]) for n in range(3)]
        for n, session in enumerate(self.sessions):
            at = NINE + n * DAY
            opening = open_checkin(session, by=self.lecturer, at=at)
            seen = {"first_seen_at": at + MINUTE, "finished_at": at + 2 * MINUTE}
            record_scans([attempt(opening, one, **seen) for one in self.students[:2]])
            self.mark(session, self.students[2], Status.PRESENT, at + 2 * MINUTE)
            self.mark(session, self.students[2], Status.LATE, at + 3 * MINUTE, reason_code=Reason.OTHER, reason="Came later")
            self.mark(session, self.students[2], Status.PRESENT, at + 4 * MINUTE, reason_code=Reason.OTHER)
            self.mark(session, self.students[2], Status.LATE, at + 5 * MINUTE, reason_code=Reason.OTHER)
            self.mark(session, self.students[3], Status.ABSENT, at + 6 * MINUTE)
            act = MarkChange.objects.filter(session=session).latest("pk")
            undo(session, act.pk, by=self.lecturer, at=at + 7 * MINUTE)
            close_registers([session], at=at + timedelta(hours=2))
            note_view(self.students[0].actor, Page.RECORD, viewer=self.lecturer.pk, role=Role.TUTOR, at=at)
            note_view(self.students[1].actor, Page.RECORD, viewer=self.lecturer.pk, role=Role.TUTOR, at=at)
            services.seal(at=at + timedelta(hours=3))
        seal_looks(at=NINE + 2 * DAY)
        services.seal(at=LATER)
        steps = list(MarkChange.objects.filter(session=self.sessions[1]).order_by("pk"))
        twice = [one.pk for one in steps if one.student_id == self.students[2].pk]
        self.steps = {"scanned": steps[0].pk, "first": twice[0], "amended": twice[1], "last": twice[-1], "closed": steps[-1].pk}

    def mark(self, session: Any, student: Person, status: Status, at: Any, **why: Any) -> None:
        mark_students(session, [student], status, by=self.lecturer, at=at, seen_at=at, **why)

    def step(self, which: str) -> int:
        """The id of a step in the second class: `scanned`, `first`, `amended`, `last`, `closed`."""
        return self.steps[which]

    def mark_id(self, which: int) -> int:
        return Mark.objects.get(session=self.sessions[1], student=self.students[which]).pk


def compared(*, since: tuple[int, int] | None = None, whole: bool = True) -> Compared:
    found, people = Compared(), compare.who_is_who()
    compare_marks(found, people, since=since)
    compare_roles(found, people)
    compare.compare_looks(found, whole=whole, at=LATER)
    return found


def first() -> tuple[str, str, int | None] | None:
    found = compared().difference
    return found and (found.differs, found.table, found.row)


def stored(value: Any) -> Any:
    """As the database keeps it."""
    return connection.ops.adapt_datetimefield_value(value) if hasattr(value, "tzinfo") else value
