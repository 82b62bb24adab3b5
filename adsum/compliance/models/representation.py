"""A decision that matters, of which the student was told with its ground, and what they answered."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.compliance.representation_life import Known, Settled, Stance
from adsum.core.declared import For, From, Keep, declare


class Representation(models.Model):
    """What one student was told of one decision before it is final, and their answer. `about` and `about_ref` name the decision
    in the feature that takes it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    about = models.CharField(max_length=20)
    about_ref = models.CharField(max_length=64)
    ground = models.CharField(max_length=2000)
    """What the decision rests on, in the words that the student reads: no other ground may be used for it."""
    deadline = models.DateField(null=True)
    """The last day of a duty to an authority, which waits for no answer."""
    announced_at = models.DateTimeField()
    announced_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    """When the student opened it, or an officer reached them another way."""
    until = models.DateField(null=True)
    """The last day for an answer; empty until it was delivered and opened."""
    stance = models.CharField(max_length=8, blank=True, choices=[(s.value, s.value) for s in Stance])
    answer = models.CharField(max_length=4000, blank=True)
    answered_at = models.DateTimeField(null=True)
    considered = models.CharField(max_length=2000, blank=True)
    """What was made of the answer, which the student reads."""
    considered_at = models.DateTimeField(null=True)
    considered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    settled = models.CharField(max_length=8, blank=True, choices=[(s.value, s.value) for s in Settled])
    settled_at = models.DateTimeField(null=True)

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.STAFF,
        facts="ref about about_ref deadline announced_at delivered_at opened_at until stance answered_at considered_at settled "
        "settled_at",
        people="announced_by considered_by",
        words="ground answer considered",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["about", "about_ref"], condition=Q(settled=""), name="one_open_representation_per_decision"
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None, stance="") | (Q(answered_at__isnull=False) & ~Q(stance="")),
                name="representation_answered_has_stance",
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None, settled="") | (Q(settled_at__isnull=False) & ~Q(settled="")),
                name="representation_settled_has_when",
            ),
            models.CheckConstraint(
                condition=Q(considered_at=None, considered_by=None)
                | Q(considered_at__isnull=False, considered_by__isnull=False, answered_at__isnull=False),
                name="representation_considered_after_answer",
            ),
            models.CheckConstraint(
                condition=~Q(settled=Settled.FINAL)
                | Q(answered_at=None)
                | Q(considered_at__isnull=False)
                | Q(answered_at__gt=models.F("settled_at")),
                name="representation_final_weighed_the_answer",
            ),
        ]
        indexes = [models.Index(fields=["student", "-announced_at"], name="representation_by_student")]

    def __str__(self) -> str:
        return f"representation {self.ref} about {self.about}"

    @property
    def known(self) -> Known:
        """What the rule asks about."""
        return Known(
            until=self.until,
            deadline=self.deadline,
            answered=self.answered_at is not None,
            considered=self.considered_at is not None,
            settled=bool(self.settled),
        )
