"""Alerts: what each rests on, who was told, what a person looked at before it left; and what holds a student's alerts back."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.attendance.models import STATUSES
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.engagement.alert_life import OPEN, State
from adsum.timetable.models import ClassSession, Enrolment


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> AlertQuerySet:
        """Those not over yet."""
        return self.filter(state__in=OPEN)

    def of_departments(self, departments: Collection[int] | None) -> AlertQuerySet:
        """Those of students on courses of these departments; None: of everyone."""
        if departments is None:
            return self
        return self.filter(student__in=Enrolment.objects.filter(course__department__in=departments).values("person"))


class Alert(models.Model):
    """A rule that held for a student when it was looked at. It keeps what it rested on: the version of the rules, the sum and
    the classes (`AlertClass`). At most one is open for each student and stage, besides those that a person has to review."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    stage = models.PositiveSmallIntegerField()
    rule = models.CharField(max_length=40)
    """The code of the rule within its version."""
    version = models.PositiveIntegerField()
    """The version of the rules that it was found by. Versions never change."""
    found_at = models.DateTimeField()
    """The instant the rule was judged for: it is judged for the same instant again when the record changes."""
    facts = models.JSONField(default=dict)
    """The sum, and what else its one sentence is made of."""
    hash = models.CharField(max_length=64)
    """SHA-256 of what it rested on, which its event keeps too."""
    state = models.CharField(max_length=9, choices=[(state.value, state.value) for state in State], default=State.HELD)
    held_until = models.DateTimeField()
    """Until then it waits in any case."""
    doubted_at = models.DateTimeField(null=True)
    """Since when it would not be so without classes that are under query or under decision; empty while it would."""
    held_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Who holds it back by hand; empty while no person does."""
    held_why = models.CharField(max_length=300, blank=True)
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Who let it go; empty where its window was over and it needed no person."""
    told_at = models.DateTimeField(null=True)
    """When its message to the student was written."""
    opened_at = models.DateTimeField(null=True)
    """When the student read it here, or a person took it on because they had not: only then does its stage run out."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_why = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    """The code of what was decided at stage 3: from then on it is reviewed by a person, never withdrawn by itself."""
    reviewed_at = models.DateTimeField(null=True)
    """When a person reviewed it and found that it stands, although the record had changed."""
    reviewed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reviewed_why = models.CharField(max_length=300, blank=True)

    declared = declare(
        "student",
        Keep.CASES,
        For.SUPPORT,
        From.ADSUM,
        facts="ref stage rule version found_at facts hash state held_until doubted_at released_at told_at opened_at "
        "ended_at outcome reviewed_at",
        people="held_by released_by ended_by reviewed_by",
        words="held_why ended_why reviewed_why",
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["student", "stage"],
                condition=Q(state__in=sorted(OPEN - {State.REVIEW})),
                name="one_open_alert_per_student_and_stage",
            ),  # an older one may come up for review while a newer one is open
            models.CheckConstraint(
                condition=~Q(state__in=["told", "paused", "review"]) | Q(told_at__isnull=False), name="alert_told_has_when"
            ),
            models.CheckConstraint(
                condition=Q(told_at=None) | Q(stage__lt=2) | Q(released_by__isnull=False),
                name="formal_alert_was_released_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_at=None, reviewed_by=None, reviewed_why="")
                | (Q(reviewed_at__isnull=False, reviewed_by__isnull=False) & ~Q(reviewed_why="")),
                name="reviewed_alert_has_who_when_and_why",
            ),
        ]
        indexes = [
            models.Index(fields=["student", "-found_at"], name="alert_by_student"),
            models.Index(fields=["state", "held_until"], name="alert_by_state"),
        ]

    def __str__(self) -> str:
        return f"alert {self.ref}: stage {self.stage}, {self.state}"


class AlertClass(models.Model):
    """One class that an alert rests on, as it was known then."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="classes")
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=24, choices=STATUSES)
    missed = models.BooleanField()
    """Whether it counted against the student."""

    declared = declare("alert__student", Keep.CASES, For.SUPPORT, From.ADSUM, facts="alert session status missed")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "session"], name="one_row_per_class_of_an_alert")]

    def __str__(self) -> str:
        return f"{self.session_id} of alert {self.alert_id}"


class Tick(models.Model):
    """A person was shown what was not checked about one class of an alert, and ticked it."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="ticks")
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    shown = models.CharField(max_length=64)
    """SHA-256 of what was shown: the tick counts while there is nothing else to show."""

    declared = declare("alert__student", Keep.CASES, For.SUPPORT, From.STAFF, facts="alert session at shown", people="by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "session"], name="one_tick_per_class_of_an_alert")]

    def __str__(self) -> str:
        return f"tick of {self.session_id} by {self.by_id}"


class Told(models.Model):
    """A person who was told of an alert, and so is told when it proves wrong."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="told")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    capacity = models.CharField(max_length=20)
    """As what they were told: `student`, or a role."""
    at = models.DateTimeField()
    corrected_at = models.DateTimeField(null=True)
    """When the correction to them was written."""

    declared = declare(
        "alert__student", Keep.CASES, For.SUPPORT, From.ADSUM, facts="alert capacity at corrected_at", people="person"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "person"], name="one_row_per_person_told_of_an_alert")]

    def __str__(self) -> str:
        return f"{self.person_id} told of alert {self.alert_id}"


class WelfareHold(models.Model):
    """No reminder leaves to this student for now, because a person who knows says so. Why is kept elsewhere."""

    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    review_on = models.DateField()
    """The day on which a person looks at it again; it does not end by itself."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "student", Keep.CASES, For.SUPPORT, From.STAFF, facts="begun_at review_on ended_at", people="begun_by ended_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student"], condition=Q(ended_at=None), name="one_welfare_hold_at_a_time"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="ended_welfare_hold_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"welfare hold of {self.student_id}"


class Closure(models.Model):
    """Days on which the university is closed, both included: its own notices run longer by them, no duty by law does."""

    name = models.CharField(max_length=120)
    starts_on = models.DateField()
    ends_on = models.DateField()

    declared = about_no_one("name starts_on ends_on")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="closure_ends_after_start")]

    def __str__(self) -> str:
        return self.name
