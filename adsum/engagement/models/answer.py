"""What a student has answered to a reminder on their own page."""

from __future__ import annotations

from django.db import models

from adsum.core.declared import For, From, Keep, declare
from adsum.engagement.checklist_steps import ANSWERED_HERE
from adsum.engagement.models.alert import Alert


class ReminderAnswer(models.Model):
    """A step of the checklist that a student has ticked. Steps that show in what they did have no row."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="answers")
    step = models.CharField(max_length=16, choices=[(step.value, step.value) for step in sorted(ANSWERED_HERE)])
    at = models.DateTimeField()

    declared = declare("alert__student", Keep.CASES, For.SUPPORT, From.PERSON, facts="alert step at")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "step"], name="one_answer_per_step_of_a_reminder")]

    def __str__(self) -> str:
        return f"{self.step} of alert {self.alert_id}"
