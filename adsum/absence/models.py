"""What students tell of absences, with its evidence, and what was decided; and the policy, the categories and who decides."""

from __future__ import annotations

import uuid
from datetime import date

from django.db import models
from django.db.models import F, Q

from adsum.absence.rules import LONGEST_TEXT, Category, FileKind, Limits, Outcome, People, Route, Spell, State, Told, Wants
from adsum.accounts.models import Department, Person
from adsum.accounts.rules import KEEPS_RECORDS, Access
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.core.sealed import SealedText
from adsum.timetable.models import ClassSession, Enrolment, Group


class AbsenceTerms(models.Model):
    """One version of the numbers: in force from a day on, until the next. Never changed once made."""

    valid_from = models.DateField(unique=True)
    in_a_row = models.PositiveSmallIntegerField()
    """Days in a row that a student may certify alone."""
    a_year = models.PositiveSmallIntegerField()
    """Days in an academic year, likewise."""
    due_days = models.PositiveSmallIntegerField()
    """Working days in which a request is decided."""
    late_days = models.PositiveSmallIntegerField()
    """Working days after the absence by which it should be told."""
    evidence_days = models.PositiveSmallIntegerField()
    """Days after the decision for which evidence is kept."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    declared = about_no_one("valid_from in_a_row a_year due_days late_days evidence_days made_at", people="made_by")

    def __str__(self) -> str:
        return f"absence terms from {self.valid_from}"

    @property
    def limits(self) -> Limits:
        """What they say, as the rules take it."""
        return Limits(self.in_a_row, self.a_year, self.due_days, self.late_days, self.evidence_days)


class AbsenceCategory(models.Model):
    """A category as the university changed it, or added it. Those that are as they came have no row (`rules.PRESETS`)."""

    code = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=80, blank=True)
    """In the university's words; empty: the words it came with."""
    evidence = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Wants])
    self_certifies = models.BooleanField()
    authorises = models.BooleanField()
    """Whether it can be authorised at all; if not, telling is all there is."""
    offered = models.BooleanField(default=True)

    declared = about_no_one("code title evidence self_certifies authorises offered")

    def __str__(self) -> str:
        return self.code

    @property
    def rule(self) -> Category:
        """What it says, as the rules take it."""
        return Category(self.code, Wants(self.evidence), self.self_certifies, self.authorises, self.offered, self.title)


class AbsenceRoute(models.Model):
    """Who decides about the requests of a category, a group, a department; what is empty means any. Ended, never deleted."""

    category = models.CharField(max_length=40, blank=True)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    department = models.ForeignKey(Department, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decider = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    deputy = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    declared = about_no_one("category group department made_at ended_at", people="decider deputy made_by")

    def __str__(self) -> str:
        return f"absence route {self.pk}"

    @property
    def rule(self) -> Route:
        """What it says, as the rules take it."""
        return Route(self.pk, self.decider_id, self.deputy_id, self.category, self.group_id, self.department_id)


class AbsenceRequestQuerySet(models.QuerySet["AbsenceRequest"]):
    def visible_to(self, person: Person, access: Access) -> AbsenceRequestQuerySet:
        """Requests that the person may decide about: of the students on courses of their departments, never their own."""
        others = self.exclude(student=person)
        departments = access.departments(*KEEPS_RECORDS)
        if departments is None:
            return others
        return others.filter(student__in=Enrolment.objects.filter(course__department__in=departments).values("person"))

    def standing(self) -> AbsenceRequestQuerySet:
        """Those not withdrawn."""
        return self.exclude(state=State.WITHDRAWN)


class AbsenceRequest(models.Model):
    """A student's notice of an absence. Telling is not authorising: what was decided is a row of its own."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    category = SealedText(max_length=40, person="student_id", keep=Keep.CASES)
    """Illness is one: sealed like words, so that the database does not sort or search by it."""
    text = SealedText(blank=True, max_length=LONGEST_TEXT, person="student_id", keep=Keep.CASES)
    """In the student's words, for those who decide."""
    source = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Told])
    told_at = models.DateTimeField()
    told_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Who entered it: the student, or the member of staff whom the student told."""
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    first_day = models.DateField()
    last_day = models.DateField()
    by_class = models.BooleanField(default=False)
    """Only the classes chosen, and not every class of the time."""
    state = models.CharField(max_length=14, choices=[(one.value, one.value) for one in State])
    why_people = models.CharField(max_length=10, blank=True, choices=[(one.value, one.value) for one in People])
    """Why people decide about it; empty: the policy authorised it at once, or there is nothing to decide."""
    late = models.BooleanField(default=False)
    """Told later than the policy asks for."""
    due_on = models.DateField(null=True)
    """The day by which it is decided; empty once it is, and while evidence is waited for."""
    evidence_asked_at = models.DateTimeField(null=True)
    """When the student was asked for evidence that has not come yet."""
    decider = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    deputy = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    shared = models.BooleanField(default=False)
    """The student lets their tutor read category, words and evidence."""

    declared = declare(
        "student",
        Keep.CASES,
        For.SUPPORT,
        From.PERSON,
        facts="ref source told_at starts_at ends_at first_day last_day by_class state why_people late due_on "
        "evidence_asked_at shared",
        people="told_by decider deputy",
        special="category",
        words="text",
    )

    objects = AbsenceRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="absence_ends_after_start"),
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="absence_days_in_order"),
            models.CheckConstraint(
                condition=Q(state="under_decision") | Q(due_on=None, evidence_asked_at=None), name="absence_due_while_undecided"
            ),
        ]
        indexes = [
            models.Index(fields=["student", "first_day"], name="absence_by_student"),
            models.Index(fields=["due_on"], condition=Q(state="under_decision"), name="absence_undecided"),
        ]

    def __str__(self) -> str:
        return f"absence {self.ref}: {self.state}"

    @property
    def spell(self) -> Spell:
        return Spell(self.first_day, self.last_day)


class PlacementQuerySet(models.QuerySet["Placement"]):
    def visible_to(self, person: Person, access: Access) -> PlacementQuerySet:
        """Those of students on courses of the departments whose records the person keeps; never their own."""
        others = self.exclude(student=person)
        departments = access.departments(*KEEPS_RECORDS)
        if departments is None:
            return others
        return others.filter(student__in=Enrolment.objects.filter(course__department__in=departments).values("person"))


class Placement(models.Model):
    """A student learns elsewhere from one day to another, both included: no class of that time expects them. Never deleted,
    only ended: marks followed from it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    where = models.CharField(max_length=120)
    """With whom, for those who keep records."""
    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_on = models.DateField(null=True)
    """Its last day, where a person ended it before its time."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "student",
        Keep.ATTENDANCE,
        For.TEACHING,
        From.RECORDS,
        facts="ref starts_on ends_on made_at ended_on ended_at",
        people="made_by ended_by",
        names="where source source_id",
    )

    objects = PlacementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="placement_days_in_order"),
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source=""), name="one_placement_per_source_id"
            ),
        ]

    def __str__(self) -> str:
        return f"placement {self.ref}"

    @property
    def last_day(self) -> date:
        """The last day it holds on; before the first, when it was taken back."""
        return min(self.ended_on, self.ends_on) if self.ended_on is not None else self.ends_on


class ChosenClass(models.Model):
    """A class that a request names, where it names classes. It covers the class on that day, whatever its hour."""

    request = models.ForeignKey(AbsenceRequest, on_delete=models.CASCADE, related_name="chosen")
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()

    declared = declare("request__student", Keep.CASES, For.SUPPORT, From.PERSON, facts="request session day")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "session"], name="one_choice_per_request_and_class")]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.session_id}"


class AbsenceDecision(models.Model):
    """Append-only: one decision about a request. The latest but for those that ask for evidence is what holds."""

    request = models.ForeignKey(AbsenceRequest, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=14, choices=[(one.value, one.value) for one in Outcome])
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """Empty: the policy, within the limits of self-certification."""
    at = models.DateTimeField()
    words = SealedText(blank=True, max_length=LONGEST_TEXT, person="request.student_id", keep=Keep.CASES)
    """What the student reads with it."""
    refused = models.ManyToManyField(ClassSession, related_name="+")
    """The classes that a decision in part does not authorise."""

    declared = declare(
        "request__student", Keep.CASES, For.SUPPORT, From.STAFF, facts="request outcome at refused", people="by", words="words"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(by__isnull=False) | Q(outcome="authorised"), name="policy_only_authorises")
        ]

    def __str__(self) -> str:
        return f"{self.outcome} of {self.request_id}"


class Evidence(models.Model):
    """A file that a student sent with a request: cleaned, encrypted, and emptied when its time is over. It has no name."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    request = models.ForeignKey(AbsenceRequest, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=4, choices=[(one.value, one.value) for one in FileKind])
    size = models.PositiveIntegerField()
    """Bytes of the file before it was encrypted."""
    sealed = models.BinaryField()
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    delete_on = models.DateField(db_index=True)
    deleted_at = models.DateTimeField(null=True)

    declared = declare(
        "request__student",
        Keep.EVIDENCE,
        For.SUPPORT,
        From.PERSON,
        facts="ref request kind size added_at delete_on deleted_at",
        people="added_by",
        special="sealed",
        since="delete_on",
        nightly="adsum.absence.evidence.dispose",
        verb="adsum.absence.evidence.empty",
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(deleted_at=None) | Q(sealed=b""), name="deleted_evidence_is_empty")]

    def __str__(self) -> str:
        return f"evidence {self.ref}"
