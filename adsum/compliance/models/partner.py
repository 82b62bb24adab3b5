"""A spot check at a partner: committed to, drawn, counted, found."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.compliance.spot_rules import Finding
from adsum.core.declared import about_no_one
from adsum.timetable.models import ClassSession
from adsum.timetable.partner_table import DeliveryPartner


class PartnerCheck(models.Model):
    """One spot check. Each of its three steps is made once and never changed; each has its event in the log."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    partner = models.ForeignKey(DeliveryPartner, on_delete=models.PROTECT, related_name="checks")
    first_day = models.DateField()
    last_day = models.DateField()
    secret = models.CharField(max_length=64)
    """Told to nobody before the finding."""
    commitment = models.CharField(max_length=64)
    planned_at = models.DateTimeField()
    planned_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    root = models.CharField(max_length=64, blank=True)
    """The root of the first signed log with the commitment in it, as hex,"""
    size = models.BigIntegerField(null=True)
    """and how many events that had."""
    candidates = models.PositiveIntegerField(null=True)
    """From how many classes it was drawn,"""
    candidates_digest = models.CharField(max_length=64, blank=True)
    """and SHA-256 of their references, sorted, a line each."""
    session = models.ForeignKey(ClassSession, null=True, on_delete=models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField(null=True)
    drawn_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    headcount = models.PositiveSmallIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    """When the people in the room were counted."""
    marked = models.PositiveSmallIntegerField(null=True)
    """How many students were marked as there at that moment."""
    finding = models.CharField(max_length=12, blank=True, choices=[(one.value, one.value) for one in Finding])
    entered_at = models.DateTimeField(null=True)
    entered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    declared = about_no_one(
        "ref partner first_day last_day commitment planned_at root size candidates candidates_digest session drawn_at "
        "headcount counted_at marked finding entered_at",
        people="planned_by drawn_by entered_by",
        secrets="secret",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=models.F("first_day")), name="partner_check_days_in_order"),
            models.CheckConstraint(
                condition=Q(session=None, drawn_at=None, drawn_by=None, root="")
                | (Q(session__isnull=False, drawn_at__isnull=False, drawn_by__isnull=False) & ~Q(root="")),
                name="partner_check_drawn_whole",
            ),
            models.CheckConstraint(
                condition=Q(headcount=None, finding="", entered_at=None, entered_by=None)
                | (
                    Q(headcount__isnull=False, entered_at__isnull=False, entered_by__isnull=False, session__isnull=False)
                    & ~Q(finding="")
                ),
                name="partner_check_found_whole",
            ),
        ]
        indexes = [models.Index(fields=["partner", "-planned_at"], name="partner_check_by_partner")]

    def __str__(self) -> str:
        return f"spot check {self.ref}"
