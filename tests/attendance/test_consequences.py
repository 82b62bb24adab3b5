"""Every mark, every consequence: whoever makes a mark, the same follows from it. A new way to make one, or something new that
follows, fails here until it has a row or a column."""

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adsum.accounts.rules import Role
from adsum.attendance import marks
from adsum.attendance.ahead import Origin, Says
from adsum.attendance.closing import close_registers
from adsum.attendance.foreseen import foresee
from adsum.attendance.models import Correction, Mark, MarkChange, ReportedPeriod
from adsum.attendance.outages import declare_outage, withdraw_outage
from adsum.attendance.reported import report_period, sweep_corrections, withdraw_period
from adsum.attendance.reports import changes_since, newest_change
from adsum.attendance.rules import Reason, Source, Status
from adsum.attendance.services import accept_foreseen
from adsum.attendance.weighing import Entry
from adsum.audit.models import Event
from adsum.checkin import kiosks
from adsum.checkin.services import open_checkin
from adsum.checkin.writer import record_scans
from adsum.messages.models import Message
from adsum.messages.telling import tell
from adsum.messages.topics.registry import TOPICS
from tests.kit import marking
from tests.kit.marking import act, enter_marks, mark_students
from tests.kit.scans import attempt
from tests.kit.world import NINE, World

ADSUM = Path(__file__).resolve().parents[2] / "adsum"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


class Scene:
    """A class of alice, whose day was reported while it was still on, and the people who may do something about it."""

    def __init__(self, world: World) -> None:
        group = world.group()
        self.lecturer, self.team = world.lecturer(), world.person(Role.ATTENDANCE_TEAM)
        self.alice, self.bob = world.student(groups=[group]), world.student(groups=[group])
        self.session = world.session(group, staff=[self.lecturer])
        self.opening = open_checkin(self.session, by=self.lecturer, at=NINE)
        self.over = self.session.ends_at + 20 * MINUTE

    def report(self) -> ReportedPeriod:
        day = self.session.starts_on
        return report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=self.team, at=NINE - MINUTE)

    def mark(self, status: Status = Status.PRESENT, **more: Any) -> None:
        mark_students(self.session, [self.alice], status, **{"by": self.team, "at": NINE, **more})

    def closed(self) -> None:
        """Closed, and alice absent because bob was there."""
        mark_students(self.session, [self.bob], Status.PRESENT, by=self.lecturer, at=NINE)
        close_registers([self.session], at=self.over)

    def foresee(self, wanted: dict[int, Says]) -> None:
        foresee(Origin.ABSENCE, UUID(int=1), self.alice, wanted, act=act(self.team, self.over))

    def outage(self) -> Any:
        return declare_outage(by=self.team, at=self.over, starts_at=NINE, ends_at=self.session.ends_at, reason="Fire")


def scan(s: Scene) -> Callable[[], object]:
    return lambda: record_scans([attempt(s.opening, s.alice)])


def late_scan(s: Scene) -> Callable[[], object]:
    s.closed()
    return lambda: record_scans([attempt(s.opening, s.alice)])


def kiosk(s: Scene) -> Callable[[], object]:
    opened = kiosks.open_kiosk(s.opening, by=s.lecturer, at=NINE).kiosk
    return lambda: kiosks.enter(opened, s.alice.number, at=NINE)


def taken_back(s: Scene) -> Callable[[], object]:
    opened = kiosks.open_kiosk(s.opening, by=s.lecturer, at=NINE).kiosk
    kiosks.enter(opened, s.alice.number, at=NINE)
    return lambda: kiosks.take_back(opened, at=NINE)


def staff(s: Scene) -> Callable[[], object]:
    s.mark(Status.ABSENT)
    return lambda: s.mark(at=s.over, reason_code=Reason.SEEN_IN_CLASS)


def imported(s: Scene) -> Callable[[], object]:
    enter_marks(s.session, [Entry(s.alice, Status.ABSENT, None)], source=Source.IMPORT, by=s.team, at=NINE)
    entry = Entry(s.alice, Status.PRESENT, None)
    return lambda: enter_marks(s.session, [entry], source=Source.IMPORT, by=s.team, at=NINE + MINUTE)


def closing(s: Scene) -> Callable[[], object]:
    mark_students(s.session, [s.bob], Status.PRESENT, by=s.lecturer, at=NINE)
    return lambda: close_registers([s.session], at=s.over)


def outage(s: Scene) -> Callable[[], object]:
    s.closed()
    return s.outage


def outage_withdrawn(s: Scene) -> Callable[[], object]:
    s.closed()
    declared = s.outage()
    return lambda: withdraw_outage(declared, by=s.team, at=s.over + MINUTE)


def undo(s: Scene) -> Callable[[], object]:
    s.mark(Status.ABSENT)
    s.mark(at=NINE + MINUTE, reason_code=Reason.SEEN_IN_CLASS)
    last = MarkChange.objects.latest("pk").pk
    return lambda: marking.undo(s.session, last, by=s.team, at=NINE + 2 * MINUTE)


def absence(s: Scene) -> Callable[[], object]:
    s.closed()
    return lambda: s.foresee({s.session.pk: Says.AUTHORISED})


def absence_taken_back(s: Scene) -> Callable[[], object]:
    s.foresee({s.session.pk: Says.TOLD})
    s.closed()
    return lambda: s.foresee({})


def accepted(s: Scene) -> Callable[[], object]:
    s.foresee({s.session.pk: Says.TOLD})
    return lambda: accept_foreseen(s.session, act=act(s.lecturer, NINE))


# The columns


def history(s: Scene, since: int, _events: int) -> bool:
    return MarkChange.objects.filter(session=s.session, student=s.alice, pk__gt=since).exists()


def event(s: Scene, _since: int, events: int) -> bool:
    verbs = Event.objects.filter(pk__gt=events, subject=f"session:{s.session.pk}").values_list("verb", flat=True)
    return any(verb.startswith(("mark.", "scan.accept")) for verb in verbs)


def note_corrections(s: Scene, since: int, _events: int) -> bool:
    return Correction.objects.filter(change__student=s.alice, change__pk__gt=since).exists()


def live(s: Scene, since: int, _events: int) -> bool:
    return s.alice.pk in {seen.student for seen in changes_since([s.session.pk], since)}


def message(s: Scene, _since: int, _events: int) -> bool:
    tell(TOPICS["marks"], at=NINE + DAY)
    return Message.objects.filter(person=s.alice).exists()


COLUMNS = (history, event, note_corrections, live, message)
ALL = {one.__name__ for one in COLUMNS}

UNDONE = "what was undone is told to nobody"
DECIDED = "the student is told of the absence itself"
TABLE: dict[str, tuple[Callable[[Scene], Callable[[], object]], Source, dict[str, str]]] = {
    # how a mark is made, as which source, and what does not follow from it, with the reason
    "scan": (scan, Source.SCAN, {"message": "the student made it"}),
    "scan that replaces": (late_scan, Source.SCAN, {"message": "the student made it"}),
    "kiosk": (kiosk, Source.STAFF, {"message": "a first mark, by the student's own hand"}),
    "kiosk, taken back": (taken_back, Source.STAFF, {"message": UNDONE}),
    "staff": (staff, Source.STAFF, {}),
    "import": (imported, Source.IMPORT, {}),
    "closing": (closing, Source.SYSTEM, {"note_corrections": "nobody changed anything", "message": "the record shows it"}),
    "outage": (outage, Source.SYSTEM, {}),
    "outage withdrawn": (outage_withdrawn, Source.SYSTEM, {"message": UNDONE}),
    "undo": (undo, Source.STAFF, {"message": UNDONE}),
    "absence": (absence, Source.ABSENCE, {"message": DECIDED}),
    "absence taken back": (absence_taken_back, Source.SYSTEM, {"message": DECIDED}),
    "foreseen, accepted": (accepted, Source.ABSENCE, {"message": DECIDED}),
}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("source", TABLE)
def test_the_same_follows_whoever_makes_the_mark(world: World, source: str, column: Callable[[Scene, int, int], bool]):
    ready, as_source, nothing = TABLE[source]
    scene = Scene(world)
    do = ready(scene)
    scene.report()
    since, events = newest_change(), Event.objects.latest("pk").pk
    Message.objects.all().delete()
    do()
    assert column(scene, since, events) is (column.__name__ not in nothing)
    assert MarkChange.objects.filter(student=scene.alice).latest("pk").source == as_source


# Nothing is left out of the table


SOURCES_OF = {
    "attendance/services.py:_change": {"staff", "import", "kiosk", "foreseen, accepted"},
    "attendance/foreseen.py:_marks_follow": {"absence", "absence taken back"},
    "attendance/amendments.py:take_back": {"undo", "kiosk, taken back"},
    "attendance/closing.py:_close": {"closing"},
    "attendance/closing.py:settle_undone": {"closing"},
    "attendance/closing.py:_taken_back": {"closing"},
    "attendance/outages.py:declare_outage": {"outage"},
    "attendance/outages.py:withdraw_outage": {"outage withdrawn"},
    "checkin/writer.py:_replace": {"scan that replaces"},
    "checkin/scan_rows.py:_WRITES": {"scan"},
}
"""Every place that writes marks: through `marks.write_marks` or `marks.restore_marks`, or by a statement of its own."""


STATEMENTS = ("UPDATE adsum_mark ", "INTO adsum_mark ", "DELETE FROM adsum_mark ")


def writes_marks(node: ast.AST, inserts: bool) -> bool:
    called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else called
    if called in {"write_marks", "restore_marks"}:
        return True
    if called in {"create", "update", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete"}:
        return any(isinstance(part, ast.Name) and part.id in {"Mark", "MarkChange"} for part in ast.walk(node.func))  # type: ignore[attr-defined]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (inserts and node.value == "adsum_mark") or any(sql in node.value for sql in STATEMENTS)
    return False


def places() -> Iterator[str]:
    for path in sorted(ADSUM.rglob("*.py")):
        inside = path.relative_to(ADSUM).as_posix()
        if inside.startswith(("migrations/", "ops/demo/")) or inside == "attendance/marks.py":
            continue  # the demo fills an empty university, and refuses any other
        if inside == "attendance/erasing.py":
            continue  # takes the words from steps long past, and changes no mark
        text = path.read_text()
        for node in ast.parse(text).body:
            if any(writes_marks(part, "INSERT INTO" in text) for part in ast.walk(node)):
                target = node.target if isinstance(node, ast.AnnAssign) else None
                yield f"{inside}:{getattr(node, 'name', '') or ast.unparse(target or node)}"


def test_every_place_that_writes_marks_is_in_the_table():
    assert set(places()) == SOURCES_OF.keys()
    assert set().union(*SOURCES_OF.values()) == TABLE.keys()


def test_every_source_is_in_the_table():
    assert {source for _, source, _ in TABLE.values()} == set(Source)


FOLLOWERS = {
    "messages": "message",
    "engagement": "what an alert rests on, as it was known then",
    "web": "shown on pages, live among them",
    "compliance": "an absence that became attendance after the class is a contact once confirmed",
    "checkin": "a kiosk takes its own mark back; a draft of a policy is tried",
    "api": "an application reads who changed a mark, and when",
    "ops": "the demo's past",
}
"""Packages above that read the history of marks, and what follows there."""


def test_everything_that_follows_is_a_column():
    assert {one.__name__ for one in marks.CONSEQUENCES} <= ALL
    readers = {
        path.relative_to(ADSUM).parts[0]
        for path in ADSUM.rglob("*.py")
        if len(path.relative_to(ADSUM).parts) > 1 and path.relative_to(ADSUM).parts[0] not in {"attendance", "migrations"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and "MarkChange" in {name.name for name in node.names}
    }
    assert readers == FOLLOWERS.keys()


# Scans after a report


def test_of_a_batch_only_marks_of_reported_days_are_corrections(world: World):
    scene, later = Scene(world), world.session(starts_at=NINE + 3 * DAY, staff=[world.lecturer()])
    opening = open_checkin(later, by=scene.lecturer, at=later.starts_at)
    scene.report()
    refused = attempt(scene.opening, scene.bob, verdict="closed")
    record_scans([attempt(scene.opening, scene.alice), attempt(opening, scene.bob), refused])
    assert Correction.objects.get().change.student == scene.alice


def test_a_report_of_one_student_says_nothing_of_the_others(world: World):
    scene = Scene(world)
    day = scene.session.starts_on
    report_period(ReportedPeriod.Body.UKVI, starts_on=day, ends_on=day, by=scene.team, at=NINE, student=scene.bob)
    record_scans([attempt(scene.opening, one) for one in (scene.alice, scene.bob)])
    assert Correction.objects.get().change.student == scene.bob


def test_a_withdrawn_report_makes_no_corrections(world: World):
    scene = Scene(world)
    withdraw_period(scene.report(), by=scene.team, at=NINE)
    record_scans([attempt(scene.opening, scene.alice)])
    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    ("before", "swept", "found"),
    [
        (timedelta(0), DAY, 1),
        (MINUTE, DAY, 1),
        (MINUTE + timedelta(seconds=1), DAY, 0),  # written, and seen, before the report
        (timedelta(0), 7 * DAY + MINUTE, 0),  # nothing crosses with a report of last week
    ],
)
def test_the_sweep_finds_what_crossed_with_the_report(world: World, before: timedelta, swept: timedelta, found: int):
    scene = Scene(world)
    finished = NINE + 3 * MINUTE
    record_scans([attempt(scene.opening, scene.alice, finished_at=finished)])
    close_registers([scene.session], at=scene.over)
    at, day = finished + before, scene.session.starts_on
    period = report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=scene.team, at=at)
    assert sweep_corrections(at=at + swept) == found
    assert sweep_corrections(at=at + swept) == 0, "once"
    assert set(Correction.objects.values_list("change__student", "period")) == (
        {(scene.alice.pk, period.pk)} if found else set()
    )
    assert Mark.objects.filter(student=scene.bob, source=Source.SYSTEM).exists(), "closing's is no correction"


def test_the_sweep_leaves_withdrawn_reports_and_other_students_alone(world: World):
    scene = Scene(world)
    record_scans([attempt(scene.opening, scene.alice)])
    withdraw_period(scene.report(), by=scene.team, at=NINE)
    day = scene.session.starts_on
    report_period(ReportedPeriod.Body.SLC, starts_on=day, ends_on=day, by=scene.team, at=NINE, student=scene.bob)
    assert sweep_corrections(at=NINE + DAY) == 0
