"""Students with funding of the Student Loans Company: what is funded, when it is confirmed, and what was said about it."""

from __future__ import annotations

import uuid
from enum import StrEnum

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.compliance.slc_codes import (
    AttendanceCode,
    Because,
    ChangeKind,
    ChangeState,
    ConfirmationState,
    Encoding,
    Finding,
    LeftFor,
    Registration,
)
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.timetable.models import Course, Module


def _choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    return [(one.value, one.value) for one in words]


class LiabilityPoint(models.Model):
    """One of the days in a year from which a student is liable for a share of the fee. Data of each year and product: the
    authority changes shares, deadlines and payment days, and modules have their own."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    academic_year = models.CharField(max_length=9)
    product = models.CharField(max_length=40)
    """What is funded, as funding profiles name it: a course by full-time study, a module, …"""
    number = models.PositiveSmallIntegerField()
    starts_on = models.DateField()
    """From this day on the student is liable: nothing positive is said before."""
    deadline = models.DateField()
    pays_on = models.DateField()
    share = models.DecimalField(max_digits=5, decimal_places=2)
    """Per cent of the year's fee."""
    says = models.CharField(max_length=300, blank=True)
    """What a confirmation says, in the authority's words."""
    source = models.CharField(max_length=300)
    """The bulletin or page that it was read in."""
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = about_no_one(
        "ref academic_year product number starts_on deadline pays_on share says source entered_at", people="entered_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["academic_year", "product", "number"], name="one_liability_point_per_number"),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=100), name="liability_share_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return f"{self.academic_year} {self.product} {self.number}"


class Funding(models.Model):
    """One student's funding for a year of a course, or for a module. It hangs on the enrolment: which rows of the roster that
    is follows from student and course, or student and module, so that a new roster never cuts it off."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    course = models.ForeignKey(Course, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    module = models.ForeignKey(Module, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    academic_year = models.CharField(max_length=9)
    product = models.CharField(max_length=40)
    ssn = models.CharField(max_length=20)
    """The student's number at the Student Loans Company, as text."""
    slc_course_code = models.CharField(max_length=40, blank=True)
    course_year = models.PositiveSmallIntegerField(null=True)
    starts_on = models.DateField()
    """When the course or module began for this student this year."""
    ends_on = models.DateField(null=True)
    cooling_off_end = models.DateField(null=True)
    """Until this day the student may leave without owing a fee."""
    at_distance = models.BooleanField(default=False)
    """Distance learners undertake a course; they do not attend it."""
    fee = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    fee_loan = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    maintenance = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    """The student's next maintenance payment, where it is known."""
    registration = models.CharField(max_length=16, choices=_choices(Registration), default=Registration.OPEN)
    registration_at = models.DateTimeField(null=True)
    registration_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    brought_at = models.DateTimeField()

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.FUNDING,
        From.RECORDS,
        facts="ref course module academic_year product slc_course_code course_year starts_on ends_on cooling_off_end "
        "at_distance fee fee_loan maintenance registration registration_at brought_at",
        people="registration_by",
        names="ssn",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(course=None, module__isnull=False) | Q(course__isnull=False, module=None),
                name="funding_is_for_a_course_or_a_module",
            ),
            models.UniqueConstraint(
                fields=["student", "academic_year", "course"], condition=Q(module=None), name="one_funding_per_course_and_year"
            ),
            models.UniqueConstraint(
                fields=["student", "academic_year", "module"], condition=Q(course=None), name="one_funding_per_module_and_year"
            ),
        ]
        indexes = [
            models.Index(fields=["academic_year", "product"], name="funding_by_product"),
            models.Index(fields=["ssn"], name="funding_by_ssn"),
        ]

    def __str__(self) -> str:
        return f"{self.academic_year} {self.product} of {self.student_id}"

    @property
    def what(self) -> Course | Module | None:
        """The course or the module."""
        return self.course or self.module


class FundingLeftOver(models.Model):
    """A row of a funding profile that could not be matched: it waits here, and gets no code."""

    file = models.CharField(max_length=200)
    line = models.PositiveIntegerField()
    ssn = models.CharField(max_length=20, blank=True)
    person = models.CharField(max_length=200, blank=True)
    """Whom the row named, as it named them."""
    code = models.CharField(max_length=40)
    """What was wrong with it: a sentence of `integrations.imports.problems`,"""
    values = models.JSONField(default=dict)
    """and its values."""
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "",
        Keep.IMPORTS,
        For.FUNDING,
        From.RECORDS,
        facts="file line code at settled_at",
        people="settled_by",
        names="ssn person",
        words="values",
        goes=True,
        since="at",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_by=None) | Q(settled_at__isnull=False, settled_by__isnull=False),
                name="funding_left_over_settled_has_who_and_when",
            )
        ]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class WorklistLayout(models.Model):
    """Where the columns are in the worklist that the portal exports. Its record layout is not public, so that an administrator
    says it, once."""

    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    encoding = models.CharField(max_length=10, choices=_choices(Encoding), default=Encoding.UTF_8)
    delimiter = models.CharField(max_length=1)
    heads = models.PositiveSmallIntegerField(default=1)
    """Records before the students'."""
    feet = models.PositiveSmallIntegerField(default=0)
    """Records after them."""
    ssn_column = models.PositiveSmallIntegerField()
    """Columns count from 1."""
    course_column = models.PositiveSmallIntegerField(null=True)
    fee_column = models.PositiveSmallIntegerField(null=True)
    code_columns = models.JSONField(default=list)
    """Of the first, second and third liability point."""

    declared = about_no_one(
        "made_at ended_at encoding delimiter heads feet ssn_column course_column fee_column code_columns", people="made_by"
    )

    def __str__(self) -> str:
        return f"{self.delimiter!r}, {self.encoding}"


class TheirWorklist(models.Model):
    """A worklist as the portal exported it, sealed, to be given back byte for byte but for the codes."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    point = models.ForeignKey(LiabilityPoint, on_delete=models.PROTECT, related_name="worklists")
    layout = models.ForeignKey(WorklistLayout, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    content = models.BinaryField(null=True)
    """Sealed; gone once its time is over."""
    rows = models.PositiveIntegerField()
    brought_at = models.DateTimeField()
    brought_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    given_back_at = models.DateTimeField(null=True)
    given_back_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    codes = models.PositiveIntegerField(default=0)
    """How many codes it went back with."""

    declared = declare(
        "",
        Keep.IMPORTS,
        For.FUNDING,
        From.RECORDS,
        facts="ref point layout digest rows brought_at given_back_at codes",
        people="brought_by given_back_by",
        words="name content",
        since="brought_at",
    )

    def __str__(self) -> str:
        return self.name


class WorklistRow(models.Model):
    """One student's row of such a file, and what is to say of it."""

    worklist = models.ForeignKey(TheirWorklist, on_delete=models.CASCADE, related_name="lines")
    record = models.PositiveIntegerField()
    """Which record of the file, from 1."""
    ssn = models.CharField(max_length=20)
    course_code = models.CharField(max_length=40, blank=True)
    fee = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    funding = models.ForeignKey(Funding, null=True, on_delete=models.PROTECT, related_name="+")
    finding = models.CharField(max_length=10, choices=_choices(Finding), default=Finding.FINE)

    declared = declare(
        "funding__student",
        Keep.IMPORTS,
        For.FUNDING,
        From.RECORDS,
        facts="worklist record course_code fee funding finding",
        names="ssn",
        goes=True,
        since="worklist__brought_at",
        verb="adsum.compliance.worklists.take_out",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worklist", "record"], name="one_row_per_record_of_a_worklist")]

    def __str__(self) -> str:
        return f"{self.worklist_id}:{self.record}"


class Confirmation(models.Model):
    """What is said of one student's funding at one liability point: the suggestion with its reason, and what a person made of
    it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="confirmations")
    point = models.ForeignKey(LiabilityPoint, on_delete=models.PROTECT, related_name="confirmations")
    suggested = models.CharField(max_length=1, blank=True, choices=_choices(AttendanceCode))
    because = models.CharField(max_length=20, choices=_choices(Because), default=Because.NOT_JUDGED)
    facts = models.JSONField(default=dict)
    """What the suggestion rests on."""
    judged_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=_choices(ConfirmationState), default=ConfirmationState.OPEN)
    code = models.CharField(max_length=1, blank=True, choices=_choices(AttendanceCode))
    reason = models.CharField(max_length=500, blank=True)
    stake = models.JSONField(default=dict)
    """The money at stake as it was shown when the code was proposed."""
    proposed_at = models.DateTimeField(null=True)
    proposed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    given_back_at = models.DateTimeField(null=True)

    declared = declare(
        "funding__student",
        Keep.COMPLIANCE,
        For.FUNDING,
        From.STAFF,
        facts="ref funding point suggested because facts judged_at state code stake proposed_at confirmed_at given_back_at",
        people="proposed_by confirmed_by",
        words="reason",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["funding", "point"], name="one_confirmation_per_liability_point"),
            models.CheckConstraint(
                condition=Q(state=ConfirmationState.OPEN, code="") | (~Q(state=ConfirmationState.OPEN) & ~Q(code="")),
                name="confirmation_has_a_code_once_it_is_said",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[ConfirmationState.OPEN, ConfirmationState.PROPOSED], confirmed_by=None)
                | Q(state__in=[ConfirmationState.CONFIRMED, ConfirmationState.LOCKED], confirmed_by__isnull=False),
                name="confirmation_is_confirmed_by_a_person",
            ),
            models.CheckConstraint(
                condition=~Q(state=ConfirmationState.LOCKED)
                | Q(given_back_at__isnull=False, code__in=[AttendanceCode.ATTENDING, AttendanceCode.LIABILITY_RESOLVED]),
                name="only_positive_codes_that_went_out_lock",
            ),
        ]
        indexes = [models.Index(fields=["point", "state", "suggested"], name="confirmation_by_point")]

    def __str__(self) -> str:
        return f"{self.funding_id} at {self.point_id}: {self.code or self.suggested or '–'}"


class ChangeOfCircumstance(models.Model):
    """Something about a funded student that the Student Loans Company has to be told outside the worklist."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    funding = models.ForeignKey(Funding, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=12, choices=_choices(ChangeKind))
    key = models.CharField(max_length=80)
    """What it was opened for: the same thing again opens nothing."""
    because = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=12, choices=_choices(ChangeState), default=ChangeState.OPEN)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_on = models.DateField(null=True)
    """Until when it is to be settled, in working days of the authority."""
    last_attended = models.DateField(null=True)
    """As a person confirmed it,"""
    last_attended_from = models.CharField(max_length=12, blank=True)
    """and where that comes from."""
    date_left = models.DateField(null=True)
    left_for = models.CharField(max_length=12, blank=True, choices=_choices(LeftFor))
    authority_agreed = models.BooleanField(null=True)
    fee_charged = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    stake = models.JSONField(default=dict)
    prepared_at = models.DateTimeField(null=True)
    prepared_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    submitted_at = models.DateTimeField(null=True)
    reference = models.CharField(max_length=60, blank=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "funding__student",
        Keep.COMPLIANCE,
        For.FUNDING,
        From.STAFF,
        facts="ref funding kind key state opened_at due_on last_attended last_attended_from date_left authority_agreed "
        "fee_charged stake prepared_at submitted_at settled_at",
        people="opened_by prepared_by settled_by",
        words="because reference",
        special="left_for",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["funding", "key"], name="one_change_of_circumstance_per_reason"),
            models.CheckConstraint(
                condition=Q(last_attended=None) | Q(prepared_by__isnull=False), name="last_attendance_is_confirmed_by_a_person"
            ),
        ]
        indexes = [models.Index(fields=["state", "due_on"], name="change_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.funding_id}"
