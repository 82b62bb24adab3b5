"""What leaves Adsum as a file: registers, a module's students by classes, a student's record, a list of classes.

The code that asks for a file notes it in the event log, with how many rows it had.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.timezone import localtime

from adsum.accounts.models import Person
from adsum.attendance.counting import tally
from adsum.attendance.models import Mark
from adsum.attendance.policies import policies
from adsum.attendance.record import OwnClass, counted_in, counting_marks
from adsum.attendance.reports import here_in, register_of
from adsum.attendance.rules import ATTENDED, Status
from adsum.audit.services import record
from adsum.core.cells import safe_filename
from adsum.integrations.files.sheets import row_reference
from adsum.integrations.files.tables import FORMS, written
from adsum.timetable.models import ClassSession, Module
from adsum.timetable.reports import expected_in, how_many_expected


class File(NamedTuple):
    """A file to be sent."""

    name: str
    content: bytes
    type: str


class Table(NamedTuple):
    """What a file holds: what it is called, its columns and its rows."""

    name: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[object]]


def taken(table: Table, form: str, *, what: str, subject: str, by: Person, at: datetime, **detail: Any) -> File:
    """The table as a file, and the event that says who took it: `export.<what>`. `form` is one of FORMS."""
    content = written(form, table.header, table.rows, title=" ".join(table.name))
    noted(what, subject=subject, by=by, at=at, rows=len(table.rows), form=form, **detail)
    return File(safe_filename(*table.name, ending=form), content, FORMS[form])


@transaction.atomic
def noted(what: str, *, subject: str, by: Person, at: datetime, **detail: Any) -> None:
    """Note in the event log that a person took a file."""
    record(actor=by.actor, verb=f"export.{what}", subject=subject, at=at, **detail)


def _day(at: datetime) -> str:
    return f"{localtime(at):%Y-%m-%d}"


def _clock(at: datetime) -> str:
    return f"{localtime(at):%H:%M}"


def register(session: ClassSession, *, empty: bool = False) -> Table:
    """The register of a class, one row for each student; `empty`, the same to be filled in and sent back."""
    rows: list[list[object]] = []
    for line in register_of(session):
        student, mark = line.student, line.mark
        row: list[object] = [row_reference(session, student), student.number, student.display_name]
        if empty or mark is None:
            row += ["", ""] if empty else ["", "", "", "", ""]
        else:
            came = mark.status in ATTENDED
            row += [mark.status, _clock(mark.at) if came else ""]
            row += [mark.minutes_late or "", mark.source, localtime(mark.changed_at).isoformat(timespec="seconds")]
        if line.expected or not empty:
            rows.append(row)
    header = ["reference", "number", "name", "status", "arrived"]
    if not empty:
        header += ["minutes_late", "source", "changed_at"]
    return Table(
        (session.module.code, _day(session.starts_at), _clock(session.starts_at).replace(":", ""), "register"), header, rows
    )


def module_summary(module: Module, *, at: datetime) -> Table:
    """Students by classes: a column for each class that has begun, a row for each student, and how each is doing: the sum that
    `standings` makes of all these classes.

    A dozen queries, however many classes and students.
    """
    sessions = list(ClassSession.objects.filter(module=module, starts_at__lte=at).order_by("starts_at", "pk"))
    expected = expected_in([session.pk for session in sessions])
    marks: dict[int, dict[int, str]] = {}
    students: dict[int, Person] = {}
    for people in expected.values():
        students |= people
    for mark in Mark.objects.filter(session__in=[one.pk for one in sessions]).select_related("student"):
        marks.setdefault(mark.student_id, {})[mark.session_id] = mark.status
        students.setdefault(mark.student_id, mark.student)
    counting = set(counting_marks(at).filter(session__module=module).values_list("session", "student"))
    terms = policies()
    held_to = {session.pk: terms.of(session) for session in sessions}
    header = [
        "number",
        "name",
        "attended",
        "counted",
        "percent",
        *(f"{_day(one.starts_at)} {_clock(one.starts_at)}" for one in sessions),
    ]
    rows: list[list[object]] = []
    for student in sorted(students.values(), key=lambda one: (one.family_name.casefold(), one.given_name.casefold(), one.pk)):
        own = marks.get(student.pk, {})
        cells = [_cell(session, own, expected[session.pk], student) for session in sessions]
        sums = tally(
            counted_in(session, Status(status), held_to[session.pk])
            for session, status in zip(sessions, cells, strict=True)
            if (session.pk, student.pk) in counting
        )
        percent = "" if sums.percent is None else sums.percent
        rows.append([student.number, student.display_name, sums.attended, sums.counted, percent, *cells])
    return Table((module.code, _day(at), "attendance"), header, rows)


def _cell(session: ClassSession, own: dict[int, str], expected: dict[int, Person], student: Person) -> str:
    if session.cancelled:
        return Status.CANCELLED if student.pk in expected else ""
    return own.get(session.pk) or (Status.EXPECTED if student.pk in expected else "")


def student_record(student: Person, classes: Iterable[OwnClass]) -> Table:
    """One student's classes in order of time, with what stands for each."""
    header = [
        "date",
        "start",
        "end",
        "module",
        "title",
        "kind",
        "rooms",
        "status",
        "arrived",
        "minutes_late",
        "source",
        "under_query",
    ]
    rows = []
    for one in classes:
        session, mark = one.session, one.mark
        came = mark is not None and mark.status in ATTENDED
        rows.append(
            [
                _day(session.starts_at),
                _clock(session.starts_at),
                _clock(session.ends_at),
                session.module.code,
                session.title,
                session.kind,
                ", ".join(sorted(room.name for room in session.rooms.all())),
                str(one.status),
                _clock(mark.at) if mark is not None and came else "",
                (mark.minutes_late or "") if mark is not None else "",
                mark.source if mark is not None else "",
                "yes" if one.under_query else "",
            ]
        )
    return Table(("attendance", student.number), header, rows)


def class_list(sessions: Sequence[ClassSession], *, at: datetime) -> Table:
    """Classes with how many came (two queries beside those of the classes)."""
    pks = [session.pk for session in sessions]
    here, expected = here_in(pks), how_many_expected(pks)
    header = ["date", "start", "end", "module", "title", "kind", "status", "rooms", "staff", "groups", "here", "expected"]
    rows: list[list[object]] = [
        [
            _day(one.starts_at),
            _clock(one.starts_at),
            _clock(one.ends_at),
            one.module.code,
            one.title,
            one.kind,
            one.status,
            ", ".join(sorted(room.name for room in one.rooms.all())),
            ", ".join(sorted(person.display_name for person in one.staff.all())),
            ", ".join(sorted(str(group) for group in one.groups.all())),
            here.get(one.pk, 0),
            expected.get(one.pk, 0),
        ]
        for one in sessions
    ]
    return Table(("classes", _day(at)), header, rows)


def sheet_name(sessions: Sequence[ClassSession]) -> str:
    """The name of a file of sheets."""
    first = sessions[0]
    if len(sessions) == 1:
        return safe_filename(first.module.code, _day(first.starts_at), "sheet", ending="pdf")
    return safe_filename(_day(first.starts_at), "sheets", ending="pdf")
