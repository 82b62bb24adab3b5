"""Contact points that no other table knows of: what was imported, or written down by hand."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, declare
from adsum.engagement.case_rules import Channel


class ContactPoint(models.Model):
    """A student was in contact with the university: a supervision, a submission, an examination, a meeting elsewhere. Classes,
    meetings kept here and conversations are read where they are, never copied."""

    student = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=12, choices=[(c.value, c.value) for c in Channel])
    at = models.DateTimeField()
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Who wrote it down, if a person did."""
    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=200, blank=True)
    """What its source calls it: the same row again changes nothing."""
    recorded_at = models.DateTimeField()

    declared = declare(
        "student",
        Keep.ATTENDANCE,
        For.SUPPORT,
        From.RECORDS,
        facts="channel at recorded_at",
        people="by",
        names="source source_id",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source=""), name="one_contact_point_per_source_id"
            )
        ]
        indexes = [models.Index(fields=["student", "at"], name="contact_point_by_student")]

    def __str__(self) -> str:
        return f"{self.channel} of {self.student_id} {self.at:%Y-%m-%d}"
