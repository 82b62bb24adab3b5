"""Marks from a sheet of paper, typed or as a file: what each row would change, what cannot be used and why, and doing it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from hashlib import sha256
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from adsum.accounts.models import Person
from adsum.attendance import weighing
from adsum.attendance.known import allowances
from adsum.attendance.models import Mark
from adsum.attendance.policies import window_of
from adsum.attendance.rules import Needs, OpenFor, Source, Stands, Status
from adsum.attendance.services import Answer, enter_marks
from adsum.attendance.weighing import Act, Entry, instant_of
from adsum.core.errors import AdsumError
from adsum.integrations.files.sheets import row_reference
from adsum.integrations.files.tables import Row
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_students

ALIASES = {
    "student number": "number",
    "student_number": "number",
    "student": "number",
    "student id": "number",
    "id": "number",
    "mark": "status",
    "attendance": "status",
    "attendance_category": "status",
    "time": "arrived",
    "arrival": "arrived",
    "arrived at": "arrived",
    "ref": "reference",
    "row": "reference",
    "cyfeirnod": "reference",
    "rhif": "number",
    "statws": "status",
    "cyrhaeddodd": "arrived",
}
"""What the columns reference, number, status and arrived may be called, in lower case."""

CODES: dict[str, Status | None] = {
    # our own
    **{status.value: status for status in Status if status not in {Status.EXPECTED, Status.CANCELLED, Status.NOT_EXPECTED}},
    "not_captured": None,
    # Tabula's
    "attended": Status.PRESENT,
    "authorised": Status.AUTHORISED,
    "unauthorised": Status.ABSENT,
    "not-recorded": None,
    # words, and abbreviations as registers on paper and CELCAT have them
    "present": Status.PRESENT,
    "p": Status.PRESENT,
    "/": Status.PRESENT,
    "\\": Status.PRESENT,
    "yes": Status.PRESENT,
    "late": Status.LATE,
    "l": Status.LATE,
    "absent": Status.ABSENT,
    "a": Status.ABSENT,
    "o": Status.ABSENT,
    "n": Status.ABSENT,
    "no": Status.ABSENT,
    "authorised absence": Status.AUTHORISED,
    "authorised_absence": Status.AUTHORISED,
    "u": Status.AUTHORISED,
    "left early": Status.LEFT_EARLY,
    "e": Status.LEFT_EARLY,
    "attended remotely": Status.REMOTE,
    "remote": Status.REMOTE,
    "r": Status.REMOTE,
    "swapped groups": Status.SWAPPED,
    "yn bresennol": Status.PRESENT,
    "hwyr": Status.LATE,
    "absennol": Status.ABSENT,
    "-": None,
    "expected": None,
}
"""What a status may be called in a file (docs/rules.md F 6). None: no mark is meant. What is not here is asked about."""

PROBLEMS: dict[str, Promise] = {
    "no_student": _("The row names no student: give the reference or the student number."),
    "unknown_reference": _("This reference is not of this class. Is it another class’s sheet?"),
    "not_on_list": _(
        "No student with this number is on the list of this class. If they came, add them on the register under “Somebody who "
        "is not on the list”."
    ),
    "two_students": _("The reference and the number belong to two different students."),
    "several_students": _(
        "More than one student of this class has a number like this. Give the whole number or the reference."
    ),
    "unknown_status": _("This mark is not known here. Use present, late, absent, authorised absence, left early or remote."),
    "bad_time": _("The time cannot be read. Write it as 10:17."),
    "outside": _("The time is outside this class."),
    "time_without_coming": _("An absent student has no time of arrival. Which of the two is right?"),
    "twice": _("This student has a row further up already."),
    "own_record": _("You cannot enter your own mark. Ask a colleague or the attendance team."),
    Stands.NO_MOVE: _("Nobody enters this mark by hand. Use present, late, absent, authorised absence, left early or remote."),
    Needs.TEAM: _("It is too late to change this mark here. Ask the attendance team, who still can."),
    Needs.REPORTED: _(
        "This student’s attendance of that day has been reported to another authority. Only the attendance team can correct it."
    ),
    Needs.SECOND_PERSON: _(
        "So many marks, or such old ones, change only when a colleague confirms it. Change this one on the register: there you "
        "can ask for that."
    ),
}
_TIME = re.compile(r"(\d{1,2})[:.h](\d{2})(?::\d{2})?")


class Line(NamedTuple):
    """One row as it came."""

    line: int
    reference: str
    number: str
    status: str
    arrived: str

    @property
    def raw(self) -> str:
        return " · ".join(part for part in self[1:] if part)


@dataclass(frozen=True, slots=True)
class Step:
    """What one row would do."""

    line: int
    student: Person
    before: str
    after: Status
    seen_at: datetime | None
    what: str
    """`new`, `changed`, `unchanged`, or `kept`: a mark of more weight stands."""


class Problem(NamedTuple):
    """A row that cannot be used: it changes nothing, and the others go on."""

    line: int
    code: str
    raw: str

    @property
    def message(self) -> Promise:
        return PROBLEMS[self.code]


@dataclass(slots=True)
class Plan:
    """Everything the rows would do, in their order."""

    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    blank: int = 0
    """Rows without a mark: these students stay as they are."""

    @property
    def writes(self) -> list[Step]:
        return [step for step in self.steps if step.what in {"new", "changed"}]

    @property
    def digest(self) -> str:
        """Of what would be written: only what a person has seen is done."""
        told = [(step.student.pk, step.before, str(step.after), str(step.seen_at)) for step in self.writes]
        return sha256(repr(told).encode()).hexdigest()


def lines_of(rows: Iterable[Row]) -> list[Line]:
    """The rows of a file by our own names of its columns. Raises AdsumError `columns` when it has none of them."""
    found = []
    for row in rows:
        cells = {ALIASES.get(name, name): cell for name, cell in row.cells.items()}
        if not {"reference", "number"} & cells.keys() or not {"status", "arrived"} & cells.keys():
            raise AdsumError(
                "columns", gettext("The first line must name the columns: number or reference, and status or arrived.")
            )
        found.append(Line(row.line, *(cells.get(name, "") for name in ("reference", "number", "status", "arrived"))))
    return found


def plan(session: ClassSession, lines: Sequence[Line], *, source: Source, act: Act) -> Plan:
    """What these rows would do to the register of a class as it is now, entered by this person at that moment. Writes nothing.
    What an amendment by hand still needs, these rows need too: those that lack it are left out."""
    students = expected_students(session)
    marks = {mark.student_id: mark for mark in Mark.objects.filter(session=session).select_related("student")}
    students |= {pk: mark.student for pk, mark in marks.items() if pk not in students}
    people = _People(session, students.values())
    window, adjusted = window_of(session), allowances([session])[session.pk]
    made, seen = Plan(), set[int]()
    entries = dict[int, tuple[Line, Entry]]()
    for line in lines:
        if not line.status and not line.arrived:
            made.blank += 1
            continue
        found = people.find(line)
        own = adjusted.get(found.pk) if isinstance(found, Person) else None
        read = _read(session, window.longer(own.extra_minutes, ends_at=session.ends_at) if own else window, line)
        if isinstance(found, str) or isinstance(read, str):
            code = found if isinstance(found, str) else str(read)
            named = "" if isinstance(found, str) else f"{found.display_name} · "
            made.problems.append(Problem(line.line, code, named + line.raw))
        elif read is None:
            made.blank += 1
        elif found.pk in seen or found.pk == act.by.pk:
            made.problems.append(Problem(line.line, "twice" if found.pk in seen else "own_record", line.raw))
        else:
            seen.add(found.pk)
            entries[found.pk] = line, Entry(found, *read)
    what = {pk: _what(marks.get(pk), entry, source) for pk, (_line, entry) in entries.items()}
    writes = [entry for pk, (_line, entry) in entries.items() if what[pk] in {"new", "changed"}]
    what |= weighing.what_each_needs(session, writes, marks, act=act) if writes else {}
    for pk, (line, entry) in entries.items():
        if what[pk] in PROBLEMS:
            made.problems.append(Problem(line.line, what[pk], f"{entry.student.display_name} · {line.raw}"))
        else:
            before = marks[pk].status if pk in marks else ""
            made.steps.append(Step(line.line, entry.student, before, entry.status, entry.seen_at, what[pk]))
    made.problems.sort(key=lambda problem: problem.line)
    return made


def _what(mark: Mark | None, entry: Entry, source: Source) -> str:
    """What a row would do (`Step.what`), or the code of what is wrong with it."""
    if weighing.is_so(mark, entry):
        return "unchanged"
    why = weighing.stands(mark, entry, source)
    if why is not None:
        return "kept" if why == Stands.BEATEN else why
    return "changed" if mark is not None else "new"


class _People:
    """The students of a class by what a row may call them."""

    def __init__(self, session: ClassSession, students: Iterable[Person]) -> None:
        self.by_reference = {row_reference(session, student): student for student in students}
        self.by_number = {student.number.casefold(): student for student in self.by_reference.values() if student.number}
        self.by_digits: dict[str, list[Person]] = {}
        for number, student in self.by_number.items():
            self.by_digits.setdefault(number.lstrip("0"), []).append(student)

    def find(self, line: Line) -> Person | str:
        """The student, or the code of what is wrong. Students are never guessed (docs/rules.md F 1)."""
        reference, number = line.reference.upper().replace(" ", ""), line.number.casefold()
        if not reference and not number:
            return "no_student"
        named = self.by_reference.get(reference)
        if reference and named is None:
            return "unknown_reference"
        if not number:
            return named or "no_student"
        counted = self.by_number.get(number)
        if counted is None:  # spreadsheets take the zeros off what looks like a number
            alike = self.by_digits.get(number.lstrip("0"), [])
            if len(alike) > 1 and named is None:
                return "several_students"
            counted = named if named in alike else alike[0] if len(alike) == 1 else None
        if counted is None:
            return "not_on_list"
        return counted if named in {None, counted} else "two_students"


def _read(session: ClassSession, window: OpenFor, line: Line) -> tuple[Status, datetime | None] | str | None:
    """Status and time of a row, by the student's own window; the code of what is wrong; or None when it means no mark."""
    word = line.status.casefold()
    if word and word not in CODES:
        return "unknown_status"
    status = CODES[word] if word else None
    if word and status is None:
        return "time_without_coming" if line.arrived else None
    if not line.arrived:
        return (status, None) if status else None
    clock = _clock(line.arrived)
    if clock is None:
        return "bad_time"
    at = instant_of(session, window, clock)
    if at is None:
        return "outside"
    if status is None:
        status = Status.PRESENT if at < window.present_until else Status.LATE
    if status in {Status.ABSENT, Status.AUTHORISED, Status.NOT_OBSERVED}:
        return "time_without_coming"
    return status, at


def _clock(text: str) -> time | None:
    """A time of day as people write it; None when it cannot be read."""
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))


def apply(session: ClassSession, made: Plan, *, source: Source, act: Act) -> Answer:
    """Do what the plan says, through the one service; what became of it. Raises what `enter_marks` raises."""
    entries = [Entry(step.student, step.after, step.seen_at) for step in made.writes]
    return enter_marks(session, entries, source=source, act=act)
