"""The tables of trying alert rules: against a term that is over, and in rehearsal, where students hear of nothing."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.engagement.models.policy import RuleVersion
from adsum.timetable.models import Term


class RuleTrial(models.Model):
    """What a version would have done in a term, beside the one that was in force when it was asked. Only sums are kept, and
    small ones are hidden before they are."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="trials")
    beside = models.ForeignKey(RuleVersion, null=True, on_delete=models.PROTECT, related_name="+")
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    students = models.PositiveIntegerField(default=0)
    """How many are looked at, and how many have been."""
    looked_at = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)

    declared = about_no_one("ref version beside term asked_at state students looked_at result", people="asked_by")

    def __str__(self) -> str:
        return f"version {self.version_id} in {self.term_id}: {self.state}"


class WouldBe(models.Model):
    """An alert of a rehearsal: what would have been found, and when it would have been told. No student hears of it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    stage = models.PositiveSmallIntegerField()
    rule = models.CharField(max_length=12)
    found_at = models.DateTimeField()
    leaves_at = models.DateTimeField()
    """Until then it would have been held."""
    facts = models.JSONField(default=dict)
    """What its sentence is made of, and the missed classes, by id."""
    told_at = models.DateTimeField(null=True)
    """When it would have left; empty while it is held, and where it was not so any more by then."""
    ended_at = models.DateTimeField(null=True)
    """When its student came back, or when it turned out not to be so."""

    declared = declare(
        "student",
        Keep.ATTENDANCE,
        For.SUPPORT,
        From.ADSUM,
        facts="ref version stage rule found_at leaves_at facts told_at ended_at",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "student", "stage"], condition=Q(ended_at=None), name="one_open_would_be_per_stage"
            )
        ]
        indexes = [models.Index(fields=["version", "found_at"], name="would_be_by_time")]

    def __str__(self) -> str:
        return f"stage {self.stage} of {self.student_id}, rehearsed"


class Judgement(models.Model):
    """What a member of staff would have done with a would-be alert, and why. Their last word counts."""

    would_be = models.ForeignKey(WouldBe, on_delete=models.CASCADE, related_name="judgements")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    send = models.BooleanField()
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    declared = declare(
        "would_be__student", Keep.ATTENDANCE, For.SUPPORT, From.STAFF, facts="would_be send at", people="by", words="why"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["would_be", "by"], name="one_judgement_per_person")]

    def __str__(self) -> str:
        return f"{self.by_id} on {self.would_be_id}: {'send' if self.send else 'do not send'}"
