"""What is sent and what is answered, as the description of the API has it."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from ninja import Field, Schema
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict

from adsum.attendance.rules import MARKABLE, Reason, Source, Status

MOST = 500
"""The most rows of one answer."""
MOST_MARKS = 1_000
MOST_PROBLEMS = 100


def _without_nul(text: str) -> str:
    """Raises ValueError for what no database keeps."""
    if "\0" in text:
        raise ValueError("a text cannot hold the character NUL")
    return text


def _written_as_a_day(text: object) -> object:
    """Raises ValueError for what is a day only to a kind reader, such as a number of seconds."""
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError("a day is written as 2026-11-23")
    return text


Day = Annotated[date, BeforeValidator(_written_as_a_day)]
Text = Annotated[str, AfterValidator(_without_nul)]


class Sent(Schema):
    """What an application sends: a name we do not know is refused, as it may be a slip."""

    model_config = ConfigDict(extra="forbid")


class Page(Schema):
    """Beside the rows of a list: where it goes on."""

    next: str | None = Field(description="The cursor of the next page; null on the last.")


class Module(Schema):
    code: str
    title: str


class Named(Schema):
    ref: UUID
    name: str


class Class(Schema):
    """One class of the timetable."""

    ref: UUID
    version: int = Field(description="Rises with every change of the class.")
    module: Module
    title: str
    kind: str
    delivery: str
    mandatory: bool
    status: str
    starts_at: datetime
    ends_at: datetime
    rooms: list[str]
    groups: list[str]
    staff: list[Named]


class Classes(Page):
    classes: list[Class]


class Student(Schema):
    ref: UUID
    number: str
    name: str


class Mark(Schema):
    """What is known of a student in a class. The reason of a change, and anybody's words, are not part of it."""

    status: Status
    source: Source
    at: datetime = Field(description="When the student was there, as first seen.")
    minutes_late: int
    left_at: datetime | None
    changed_at: datetime


class Line(Schema):
    student: Student
    expected: bool = Field(description="False for a student who came though not on the list.")
    mark: Mark | None = Field(description="null while nothing is known of the student.")


class Register(Schema):
    """The register of one class. Its version is in the ETag of the answer."""

    class_: UUID = Field(alias="class")
    state: str = Field(
        description="unopened, open, closed, or not_observed: closed with nothing captured, so it counts for nobody."
    )
    closed_at: datetime | None
    headcount: int | None
    lines: list[Line]


class MarkWanted(Sent):
    """What one student's mark is to be."""

    student: UUID
    status: Status = Field(description="One of: " + ", ".join(MARKABLE) + ".")
    seen_at: AwareDatetime | None = Field(None, description="When the student came, where a late mark knows it.")
    left_at: AwareDatetime | None = Field(None, description="When the student went, where one who left early is known to have.")


class MarksWanted(Sent):
    marks: list[MarkWanted] = Field(min_length=1, max_length=MOST_MARKS)
    reason: Reason | None = Field(None, description="Needed to change a mark that is there.")
    words: Text = Field("", max_length=500, description="The student can read it. Needed with the reason “other”.")


class Marked(Schema):
    student: UUID
    mark: Mark


class Marks(Schema):
    """The marks that changed. Those that already were as wanted are not among them."""

    outcome: str = Field(description="done")
    marks: list[Marked]


class Proposed(Schema):
    """Nothing has changed yet: a colleague is asked to confirm it."""

    outcome: str = Field(description="proposed")
    proposal: UUID
    detail: str


class Students(Page):
    students: list[Student]


class RecordLine(Schema):
    class_: UUID = Field(alias="class")
    module: str
    starts_at: datetime
    ends_at: datetime
    mandatory: bool
    status: Status
    minutes_late: int
    under_query: bool


class Sum(Schema):
    """How much the student attended, as their own page adds it up."""

    attended: float
    counted: float = Field(description="How many classes count, or how many minutes, as the policy weighs them.")
    weighting: str
    percent: float | None = Field(description="null while nothing counts yet.")
    cancelled: int
    not_observed: int
    authorised: int = Field(description="Authorised absences that do not count.")
    under_query: int
    unmarked: int = Field(description="Classes that are over but whose register is still open.")


class Record(Schema):
    student: Student
    since: date
    until: date
    sum: Sum
    classes: list[RecordLine]


class Change(Schema):
    """One thing that happened, and how it stands now."""

    position: int
    at: datetime
    kind: str = Field(description="mark: a student’s mark in a class changed. class: the class itself did.")
    class_: UUID = Field(alias="class")
    student: UUID | None
    mark: Mark | None = Field(description="The mark as it stands now; null when it was taken back, or for a class.")


class Changes(Schema):
    changes: list[Change]
    next: str = Field(description="The cursor to go on with, also when nothing is new.")
    more: bool = Field(description="Whether more is there already.")


class QueryState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    DECLINED = "declined"


class Query(Schema):
    ref: UUID
    class_: UUID = Field(alias="class")
    student: Student
    state: str
    raised_at: datetime
    answer_by: date = Field(description="The day by which it is to be answered.")
    answered_at: datetime | None


class Queries(Page):
    queries: list[Query]


class Absence(Schema):
    ref: UUID
    student: Student
    told_at: datetime
    first_day: date
    last_day: date
    state: str
    due_on: date | None = Field(description="The day by which it is decided.")


class Absences(Page):
    absences: list[Absence]


class Case(Schema):
    ref: UUID
    student: Student
    state: str
    opened_at: datetime
    due_on: date
    closed_at: datetime | None


class Cases(Page):
    cases: list[Case]


class FileSent(Sent):
    """A file, as text."""

    filename: Text = Field(min_length=1, max_length=200, description="Such as classes.csv or timetable.ics.")
    content: Text = Field(min_length=1, max_length=1_000_000)
    source: Text = Field("", max_length=40, description="The name under which its rows are kept.")
    partial: bool = Field(False, description="What is not in it stays as it is.")


class ImportProblem(Schema):
    code: str
    line: int
    detail: str


class Import(Schema):
    ref: UUID
    state: str = Field(description="waiting, checking, checked, applying, applied, refused or discarded.")
    created_at: datetime
    finished_at: datetime | None
    changes: dict[str, int] = Field(description="How many things would change, or have, in which way.")
    stop_reason: str = Field(description="What a person is asked before it goes on.")
    problems: list[ImportProblem] = Field(description="Rows that could not be used, a hundred at most.")
    next_step: str


class FieldError(Schema):
    where: str
    code: str
    detail: str


class ProblemDetails(Schema):
    """Why a call was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] | None = None
