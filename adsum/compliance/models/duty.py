"""Duties to report something about a sponsored student, what happened to them, and how the student was told."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Person
from adsum.compliance.duty_life import RUNNING, Because, Event, Kind, Outcome, Reason, Result, State, Way
from adsum.compliance.models.edition import Edition
from adsum.core.declared import For, From, Keep, declare

_AGREED = [State.TO_REPORT, State.REPORTED, State.NOT_REPORTED, State.CLOSED]


class DutyQuerySet(models.QuerySet["Duty"]):
    def running(self) -> DutyQuerySet:
        """Those whose working days count."""
        return self.filter(state__in=RUNNING)

    def unfinished(self) -> DutyQuerySet:
        """Those in which an officer still has something to do."""
        return self.exclude(state=State.CLOSED)


class Duty(models.Model):
    """One thing about one student that may have to be reported, and by when."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=[(k.value, k.value) for k in Kind])
    cause = models.CharField(max_length=120)
    """What opened it, so that the same thing opens one duty alone: such as an enrolment and what became of it."""
    because = models.CharField(max_length=300, blank=True)
    """The same in words, for officers, where one of them opened it."""
    happened = models.CharField(max_length=20, blank=True, choices=[(b.value, b.value) for b in Because])
    """What Adsum found, where it opened the duty by itself; with `facts` everyone reads it in their own language."""
    facts = models.JSONField(default=dict, blank=True)
    trigger_on = models.DateField()
    """The day from which the working days count."""
    nation = models.CharField(max_length=20)
    """Whose bank holidays were left out."""
    due_on = models.DateField()
    edition = models.ForeignKey(Edition, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The guidance by which the days were counted, or an outcome was proposed; empty of duties from before editions."""
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Empty when Adsum opened it."""
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in State], default=State.OPEN)
    outcome = models.CharField(max_length=16, blank=True, choices=[(o.value, o.value) for o in Outcome])
    """Proposed, or agreed."""
    reason = models.CharField(max_length=20, blank=True, choices=[(r.value, r.value) for r in Reason])
    proposal = models.UUIDField(null=True)
    """Names what the second officer reads: they confirm that and nothing else."""
    proposed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    reported_on = models.DateField(null=True)
    """The day on which it was entered in the sponsor system."""
    reported_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reference = models.CharField(max_length=80, blank=True)
    """What the sponsor system calls the report."""
    closed_at = models.DateTimeField(null=True)

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.STAFF,
        facts="ref kind cause happened facts trigger_on nation due_on edition opened_at state outcome reason proposal "
        "confirmed_at reported_on closed_at",
        people="opened_by proposed_by confirmed_by reported_by",
        names="reference",
        words="because",
    )

    objects = DutyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student", "kind", "cause"], name="one_duty_per_cause"),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | (Q(proposed_by__isnull=False) & ~Q(confirmed_by=F("proposed_by"))),
                name="duty_confirmed_by_another_officer",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=_AGREED) | (Q(confirmed_by__isnull=False) & ~Q(outcome="")),
                name="duty_agreed_by_two_officers",
            ),
            models.CheckConstraint(
                condition=(~Q(state=State.REPORTED) & ~Q(state=State.CLOSED, outcome=Outcome.REPORT))
                | Q(reported_on__isnull=False, reported_by__isnull=False),
                name="duty_reported_has_when_and_who",
            ),
            models.CheckConstraint(
                condition=Q(state=State.CLOSED, closed_at__isnull=False) | (~Q(state=State.CLOSED) & Q(closed_at=None)),
                name="duty_closed_has_when",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_on"], name="duty_by_due"),
            models.Index(fields=["student", "state"], name="duty_by_student"),
        ]

    def __str__(self) -> str:
        return f"duty {self.ref} ({self.kind}, {self.state})"


class DutyStep(models.Model):
    """Append-only: one step in the life of a duty."""

    duty = models.ForeignKey(Duty, on_delete=models.PROTECT, related_name="steps")
    event = models.CharField(max_length=12, choices=[(e.value, e.value) for e in Event])
    at = models.DateTimeField()
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Empty when Adsum did it."""
    words = models.CharField(max_length=2000, blank=True)
    outcome = models.CharField(max_length=16, blank=True, choices=[(o.value, o.value) for o in Outcome])
    reason = models.CharField(max_length=20, blank=True, choices=[(r.value, r.value) for r in Reason])
    trigger_on = models.DateField(null=True)
    """The day of the trigger from this step on, where that changed."""
    due_on = models.DateField(null=True)
    way = models.CharField(max_length=16, blank=True, choices=[(w.value, w.value) for w in Way])
    result = models.CharField(max_length=12, blank=True, choices=[(r.value, r.value) for r in Result])
    """Of an attempt to tell the student: over which way, and what came of it."""

    declared = declare(
        "duty__student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.STAFF,
        facts="duty event at outcome reason trigger_on due_on way result",
        people="by",
        words="words",
    )

    class Meta:
        indexes = [models.Index(fields=["duty", "id"], name="duty_step_in_order")]

    def __str__(self) -> str:
        return f"{self.event} in duty {self.duty_id}"
