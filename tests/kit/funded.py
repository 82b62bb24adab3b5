"""Three funded students on a Monday in November, a week before the deadline of the first liability point."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.attendance.closing import close_registers
from adsum.attendance.rules import Status
from adsum.attendance.weighing import Act
from adsum.compliance.changes import open_change
from adsum.compliance.funding import LeftOver, keep_left_over, register
from adsum.compliance.liability import Given, enter_points
from adsum.compliance.models import Confirmation, Funding, FundingLeftOver, LiabilityPoint
from adsum.compliance.round_trip import Layout
from adsum.compliance.slc_codes import ChangeKind, RegistrationCode
from adsum.compliance.suggestions import suggest_at
from adsum.compliance.worklists import bring_worklist, make_layout
from adsum.timetable.models import ClassSession, Enrolment, Term
from tests.kit.guidance import in_force
from tests.kit.marking import mark_students
from tests.kit.world import NINE, World

YEAR, PRODUCT = "2026/27", "full time"
BEGAN = date(2026, 10, 26)
Days = tuple[date, date, date, str]
"""Liable from, confirmed by, paid on, share."""
DAYS: tuple[Days, ...] = (
    (date(2026, 11, 9), date(2026, 11, 27), date(2026, 12, 2), "25"),
    (date(2027, 1, 18), date(2027, 1, 28), date(2027, 2, 3), "25"),
    (date(2027, 4, 26), date(2027, 4, 29), date(2027, 5, 5), "50"),
)
SMALL = Layout(",", ssn=1, codes=(4, 5, 6), course=2, fee=3, heads=1)
DAY = timedelta(days=1)


def points(year: str = YEAR, product: str = PRODUCT, days: Sequence[Days] = DAYS) -> list[Given]:
    return [
        Given(year, product, n, starts, deadline, pays, Decimal(share), "A bulletin of our own making")
        for n, (starts, deadline, pays, share) in enumerate(days, 1)
    ]


def funding_of(student: Person, officer: Person, at: datetime) -> dict[str, object]:
    """One of everything that an address about funding can name, of this student."""
    today, act = at.date(), Act(officer, at)
    enter_points(points(days=[(today, today + 7 * DAY, today + 14 * DAY, "100")]), act=act)
    course = Enrolment.objects.filter(person=student).earliest("pk").course
    funding = Funding.objects.create(
        student=student, course=course, academic_year=YEAR, product=PRODUCT, ssn="S1", starts_on=today, brought_at=at
    )
    point = LiabilityPoint.objects.get()
    suggest_at(point, at=at)
    make_layout(SMALL, act=act)
    keep_left_over(
        [LeftOver(2, "S2", "nobody", "unknown", {"column": "student", "value": "nobody"})], file="f", by=officer, at=at
    )
    return {
        "funding": funding.ref,
        "point": point.ref,
        "confirmation": Confirmation.objects.get().ref,
        "change": open_change(funding, ChangeKind.FEE, "house", at=at).ref,
        "left_over": FundingLeftOver.objects.get().pk,
        "their_file": bring_worklist(point, small_file(("S1", "C1", "")), "worklist.txt", act=act).ref,
    }


@dataclass
class Funded(World):
    """One class each weekday at nine since the end of October, on a course with three liability points."""

    def __post_init__(self) -> None:
        self.officer = self.person(Role.COMPLIANCE_SLC, name="Olga Officer")
        self.lecturer_ = self.lecturer()
        in_force(self.officer)
        Term.objects.create(name="Autumn", academic_year=YEAR, starts_on=date(2026, 9, 21), ends_on=date(2026, 12, 18))
        enter_points(points(), act=self.act())
        self.group_ = self.group(self.module("Algorithms", "CS201"), "L1")
        self.alice, self.bob, self.cleo = (
            self.student(name, groups=[self.group_]) for name in ("Alice Abel", "Bob Baker", "Cleo Cook")
        )
        self.classes: list[ClassSession] = []

    def act(self, at: datetime = NINE, by: Person | None = None) -> Act:
        return Act(by or self.officer, at, proved_at=at)

    def fund(self, student: Person, *, ssn: str = "", registered: bool = True, **said: Any) -> Funding:
        """Funding of the student's course (or module), registered."""
        if "module" not in said:
            said["course"] = self.enrol(student).course if "course" not in said else said["course"]
        fine: dict[str, Any] = {
            "academic_year": YEAR,
            "product": PRODUCT,
            "starts_on": BEGAN,
            "slc_course_code": "C1",
            "fee": Decimal(9535),
            "fee_loan": Decimal(9535),
            "brought_at": NINE,
        }
        made = Funding.objects.create(student=student, ssn=ssn or f"SAMP{student.pk:07d}X", **{**fine, **said})
        return register(made, RegistrationCode.REGISTERED, act=self.act()) if registered else made

    def suspend(self, student: Person, since: date) -> Enrolment:
        """The student is suspended from their course from that day on."""
        course = Enrolment.objects.filter(person=student).earliest("pk").course
        return Enrolment.objects.create(person=student, course=course, status=Enrolment.Status.SUSPENDED, starts_on=since)

    def weeks(self, **came: str) -> None:
        """Classes since the end of October: a letter for each weekday, "P" for a student who came; the others were absent."""
        marks = {getattr(self, name): line for name, line in came.items()}
        for n in range(max(map(len, marks.values()))):
            at = datetime(2026, 10, 26, 9, tzinfo=NINE.tzinfo) + (n // 5) * 7 * DAY + (n % 5) * DAY
            session = self.session(self.group_, starts_at=at, staff=[self.lecturer_])
            here = [student for student, line in marks.items() if line[n : n + 1] == "P"]
            gone = [student for student in marks if student not in here]
            for students, status in ((here, Status.PRESENT), (gone, Status.ABSENT)):
                if students:
                    mark_students(session, students, status, by=self.lecturer_, at=at)
            close_registers([session], at=at + timedelta(hours=2))
            self.classes.append(session)

    @property
    def point(self) -> LiabilityPoint:
        return LiabilityPoint.objects.get(number=1, product=PRODUCT)

    def suggested(self, at: datetime = NINE, number: int = 1, product: str = PRODUCT) -> dict[str, tuple[str, str]]:
        """By given name, the code that is suggested and why."""
        point = LiabilityPoint.objects.get(number=number, product=product)
        suggest_at(point, at=at)
        rows = Confirmation.objects.filter(point=point).select_related("funding__student")
        return {row.funding.student.given_name: (row.suggested, row.because) for row in rows}

    def confirmation(self, funding: Funding, number: int = 1) -> Confirmation:
        return Confirmation.objects.select_related("funding__student", "point").get(funding=funding, point__number=number)

    def layout(self, layout: Layout = SMALL) -> None:
        make_layout(layout, act=self.act())


def small_file(*rows: tuple[str, str, str]) -> bytes:
    """A worklist of six columns: number, course code, fee and three codes."""
    return "".join(["HDR\r\n", *(f'{ssn},{course},{fee},,"",\r\n' for ssn, course, fee in rows)]).encode()
