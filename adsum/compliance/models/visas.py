"""What became of visa applications: entered by an officer from the sponsor system, for some days at a time."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Person
from adsum.core.declared import about_no_one


class VisaDecisions(models.Model):
    """How many applications with a CAS of the university were decided in some days, and how many refused. Totals: about nobody.
    What is entered again for the same days takes the place of what was there, which stays."""

    first = models.DateField()
    last = models.DateField()
    decided = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()
    overturned = models.PositiveIntegerField(default=0)
    """Refusals that a successful administrative review took away."""
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    superseded_at = models.DateTimeField(null=True)

    declared = about_no_one("first last decided refused overturned entered_at superseded_at", people="entered_by")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(last__gte=F("first"), refused__lte=F("decided"), overturned__lte=F("refused")),
                name="visa_decisions_add_up",
            ),
            models.UniqueConstraint(fields=["first", "last"], condition=Q(superseded_at=None), name="visa_decisions_once"),
        ]

    def __str__(self) -> str:
        return f"visa decisions {self.first} to {self.last}"
