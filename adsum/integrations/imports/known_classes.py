"""What is known of classes that an import may change: what belongs to them, what was reported, whether they took place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adsum.accounts.models import Person
from adsum.attendance.reports import observed_in, reported_in
from adsum.integrations.imports.plan import Standing, chunks, rows_with
from adsum.timetable.models import ClassReport, ClassSession, Group, Module, Room, Teaching


@dataclass(slots=True)
class Known:
    """What belongs to a class."""

    rooms: list[Room] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    staff: list[Person] = field(default_factory=list)


def load_modules(sessions: Sequence[ClassSession]) -> None:
    """Give each its module, in one query."""
    modules = Module.objects.in_bulk({session.module_id for session in sessions})
    for session in sessions:
        session.module = modules[session.module_id]


def open_reports(sessions: Sequence[ClassSession]) -> dict[int, ClassReport]:
    """What was reported of those classes and waits to be decided, by class."""
    waiting = ClassReport.objects.filter(decided_at=None)
    return {report.session_id: report for report in rows_with(waiting, "session", [session.pk for session in sessions])}


def held(sessions: Sequence[ClassSession]) -> set[int]:
    """Those of the classes that were seen to take place. Marks that only closing gave do not show that a class took place."""
    return {pk for part in chunks([session.pk for session in sessions]) for pk in observed_in(part)}


def belonging_to(sessions: Sequence[ClassSession]) -> dict[int, Known]:
    """What belongs to those classes, in three queries per chunk."""
    found = {session.pk: Known() for session in sessions}
    for room in rows_with(ClassSession.rooms.through.objects.select_related("room"), "classsession", found):
        found[room.classsession_id].rooms.append(room.room)
    groups = ClassSession.groups.through.objects.select_related("group__module")
    for group in rows_with(groups, "classsession", found):
        found[group.classsession_id].groups.append(group.group)
    for teaching in rows_with(Teaching.objects.select_related("person"), "session", found):
        found[teaching.session_id].staff.append(teaching.person)
    return found


def standing(sessions: Iterable[int], at: datetime) -> dict[int, Standing | None]:
    """How these classes stand (three queries for every 500)."""
    found: dict[int, Standing | None] = {}
    for part in chunks(sorted(sessions)):
        begun = set(ClassSession.objects.filter(pk__in=part, starts_at__lte=at).values_list("pk", flat=True))
        observed, reported = set(observed_in(part)), set(reported_in(part))
        found |= {pk: Standing(pk in begun, pk in observed, pk in reported) for pk in part}
    return found
