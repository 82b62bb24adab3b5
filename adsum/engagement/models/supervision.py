"""Supervisions of research students: for which courses they are asked for, and what supervisors answered."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.engagement.supervising import Supervised


class SupervisionPlan(models.Model):
    """Supervisors of students at this level of enrolment are asked each month, from a day on."""

    level = models.CharField(max_length=20)
    """As enrolments call it."""
    since = models.DateField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = about_no_one("level since ended_at", people="made_by ended_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["level"], condition=Q(ended_at=None), name="one_supervision_plan_per_level"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="supervision_plan_ended_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"supervisions of {self.level}"


class Supervision(models.Model):
    """The supervision of one student in one month."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    supervisor = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    """Its first day."""
    state = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Supervised], default=Supervised.WAITING)
    met_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    chased_at = models.DateTimeField(null=True)

    declared = declare(
        "student",
        Keep.ATTENDANCE,
        For.TEACHING,
        From.STAFF,
        facts="ref month state met_at answered_at chased_at",
        people="supervisor answered_by",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student", "month"], name="one_supervision_per_month"),
            models.CheckConstraint(
                condition=(Q(state="met") & Q(met_at__isnull=False)) | (~Q(state="met") & Q(met_at=None)),
                name="supervision_met_has_when",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "not_observed"], answered_at=None, answered_by=None)
                | Q(state__in=["met", "not_met"], answered_at__isnull=False, answered_by__isnull=False),
                name="supervision_answered_has_who_and_when",
            ),
        ]
        indexes = [models.Index(fields=["month"], condition=Q(state="waiting"), name="supervision_waiting")]

    def __str__(self) -> str:
        return f"supervision of {self.student_id} in {self.month:%Y-%m}: {self.state}"
