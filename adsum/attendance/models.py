"""The register: one per class, one mark per student, every change kept."""

from __future__ import annotations

import uuid

from django.db import models

from adsum.accounts.models import Person
from adsum.attendance.rules import Reason, Source, Status
from adsum.timetable.models import ClassSession

STATUSES = [(status.value, status.value) for status in Status]
SOURCES = [(source.value, source.value) for source in Source]


class Register(models.Model):
    """All marks of one class. `not_observed`: closed with nothing captured, so it counts for nobody."""

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        NOT_OBSERVED = "not_observed"

    session = models.OneToOneField(ClassSession, on_delete=models.PROTECT, related_name="register", primary_key=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    headcount = models.PositiveIntegerField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"register of {self.session_id}: {self.state}"


class Mark(models.Model):
    """A student's current status in one class. `at` is when the student was there, as first seen (UTC)."""

    # Both are indexed by the constraint and the index below: a check-in pays for every index.
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="marks", db_index=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="marks", db_index=False)
    status = models.CharField(max_length=24, choices=STATUSES)
    source = models.CharField(max_length=8, choices=SOURCES)
    at = models.DateTimeField()
    minutes_late = models.PositiveSmallIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "student"], name="one_mark_per_student_and_session")]
        indexes = [models.Index(fields=["student", "session"], name="mark_by_student")]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.session_id}: {self.status}"


class MarkChange(models.Model):
    """Append-only: one step in the life of a mark. `before` is empty at its birth."""

    # The mark itself holds the database to both; checking them twice for every check-in buys nothing.
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    before = models.CharField(max_length=24, blank=True)
    after = models.CharField(max_length=24, choices=STATUSES)
    minutes_late = models.PositiveSmallIntegerField(default=0)
    source = models.CharField(max_length=8, choices=SOURCES)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The person who made the change; empty for a scan (the student's own) and for the system."""
    reason_code = models.CharField(max_length=24, blank=True, choices=[(r.value, r.value) for r in Reason])
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["session", "id"], name="mark_change_by_session")]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.session_id}: {self.before or '·'} → {self.after}"


class Query(models.Model):
    """A student's "my mark is wrong". While open the mark is under query."""

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld"
        DECLINED = "declined"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="queries")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField()
    text = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict)
    """The failed scan it came from, if any: what was refused, and when."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "student"], condition=models.Q(state="open"), name="one_open_query_per_mark"
            )
        ]

    def __str__(self) -> str:
        return f"query {self.ref} ({self.state})"
