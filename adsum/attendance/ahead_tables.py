"""What is known of students before a class: foreseen statuses, standing adjustments, and how those who were away catch up."""

from __future__ import annotations

import uuid
from datetime import date

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.accounts.rules import Access, Role
from adsum.attendance.ahead import MOST_EXTRA, Contrary, Origin, Says
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.timetable.models import ClassSession, Enrolment
from adsum.timetable.rules import Kind


class Foreseen(models.Model):
    """What an absence, a placement or a swap foresees of one student in one class: a proposal, no mark. What closing makes of
    it, and which of several applies, is said by `ahead.Says`."""

    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+")
    says = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Says])
    origin = models.CharField(max_length=12, choices=[(o.value, o.value) for o in Origin])
    ref = models.UUIDField()
    """The absence request, placement or swap."""
    made_at = models.DateTimeField()

    declared = declare("student", Keep.ATTENDANCE, For.TEACHING, From.ADSUM, facts="session says origin ref made_at")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ref", "student", "session"], name="one_foreseen_per_ref_student_and_session")
        ]
        indexes = [models.Index(fields=["student", "session"], name="foreseen_by_student")]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.session_id}: {self.says}"


class AdjustmentQuerySet(models.QuerySet["Adjustment"]):
    def on(self, day: date) -> AdjustmentQuerySet:
        """In force on that day, both ends included."""
        return self.filter(Q(ends_on=None) | Q(ends_on__gte=day), starts_on__lte=day)

    def asking_on(self, day: date) -> AdjustmentQuerySet:
        """Those that end by themselves, or are to be looked at again, on that day."""
        return self.filter(Q(ends_on=day) | Q(review_on=day), ended_at=None)

    def visible_to(self, person: Person, access: Access) -> AdjustmentQuerySet:
        """Those of students on courses of the departments whose attendance team the person is; never their own."""
        others = self.exclude(student=person)
        departments = access.departments(Role.ATTENDANCE_TEAM)
        if departments is None:
            return others
        own = Enrolment.objects.filter(course__department__in=departments)
        return others.filter(student__in=own.values("person"))


class Adjustment(models.Model):
    """A standing arrangement for one student, from one day to another (empty: open). It says what to do, never why. Never
    deleted, only ended: marks were made because of it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    extra_minutes = models.PositiveSmallIntegerField(default=0)
    """How much longer a scan counts as in time, and as late."""
    by_hand = models.BooleanField(default=False)
    exempt_from = models.CharField(max_length=20, blank=True, choices=[(k.value, k.value) for k in Kind])
    other_contact = models.BooleanField(default=False)
    """Contact is kept in another way than by classes."""
    instruction = models.CharField(max_length=200, blank=True)
    """What teachers are asked to do besides; never the reason."""
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    review_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """Empty: a file."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """Who ended it before its time, if a person did."""

    declared = declare(
        "student",
        Keep.CASES,
        For.SUPPORT,
        From.STAFF,
        facts="ref starts_on ends_on review_on source made_at ended_at",
        people="made_by ended_by",
        names="source_id",
        special="extra_minutes by_hand exempt_from other_contact",
        words="instruction",
        goes=True,
    )

    objects = AdjustmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(extra_minutes__gt=0)
                | Q(by_hand=True)
                | ~Q(exempt_from="")
                | Q(other_contact=True)
                | ~Q(instruction=""),
                name="adjustment_says_something",
            ),
            models.CheckConstraint(condition=Q(extra_minutes__lte=MOST_EXTRA), name="adjustment_adds_at_most"),
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source=""), name="one_adjustment_per_source_id"
            ),
        ]

    def __str__(self) -> str:
        return f"adjustment {self.ref}"

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on that day; the same as `AdjustmentQuerySet.on`."""
        return self.starts_on <= day and (self.ends_on is None or self.ends_on >= day)


class Contradiction(models.Model):
    """What two records say of a student and cannot both be so, as found one night; it waits until a person has looked."""

    kind = models.CharField(max_length=24, choices=[(c.value, c.value) for c in Contrary])
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(ClassSession, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The second class of two that were on at the same time."""
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "student", Keep.ATTENDANCE, For.TEACHING, From.ADSUM, facts="kind session other found_at seen_at", people="seen_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "student", "session"], name="one_contradiction_of_a_kind"),
            models.CheckConstraint(
                condition=Q(seen_at=None, seen_by=None) | Q(seen_at__isnull=False, seen_by__isnull=False),
                name="contradiction_seen_has_who_and_when",
            ),
        ]
        indexes = [models.Index(fields=["found_at"], condition=Q(seen_at=None), name="contradiction_waiting")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.student_id} in {self.session_id}"


class CatchUp(models.Model):
    """What the lecturers of a class leave for students who were away: a note, a link, or both."""

    session = models.OneToOneField(ClassSession, on_delete=models.PROTECT, related_name="+", primary_key=True)
    note = models.CharField(max_length=500, blank=True)
    link = models.URLField(max_length=500, blank=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    declared = about_no_one("session at", people="by", words="note link")

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(note="") | ~Q(link=""), name="catch_up_says_something")]

    def __str__(self) -> str:
        return f"how to catch up on {self.session_id}"
