"""Editions of guidance, and the numbers that each sets."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.compliance.guidance import Authority, Number
from adsum.core.declared import about_no_one


class Edition(models.Model):
    """One edition of an authority's guidance. It applies from a day on, until a later one does; from then on it never
    changes."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=60, blank=True)
    """What the file that Adsum came with calls it; empty when an officer entered it."""
    authority = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Authority])
    title = models.CharField(max_length=200)
    source = models.CharField(max_length=500)
    """Where its text can be read."""
    dated = models.DateField()
    """The date that stands on it."""
    read = models.BooleanField(default=False)
    """Somebody has read its numbers in the text itself. If not, they are as others restate them."""
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Empty: it came with Adsum."""
    in_force_from = models.DateField(null=True)
    put_in_force_at = models.DateTimeField(null=True)
    put_in_force_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    touched = models.JSONField(default=dict)
    """What putting it in force touched, as the officer saw it: which policies, students and open duties."""

    declared = about_no_one(
        "ref key authority title source dated read entered_at in_force_from put_in_force_at touched",
        people="entered_by put_in_force_by",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="one_edition_per_key"),
            models.UniqueConstraint(
                fields=["authority", "in_force_from"], condition=Q(in_force_from__isnull=False), name="one_edition_a_day"
            ),
            models.CheckConstraint(
                condition=Q(in_force_from=None, put_in_force_at=None, put_in_force_by=None)
                | Q(in_force_from__isnull=False, put_in_force_at__isnull=False, put_in_force_by__isnull=False),
                name="edition_in_force_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class EditionNumber(models.Model):
    """A number as an edition sets it."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="numbers")
    key = models.CharField(max_length=40, choices=[(one.value, one.value) for one in Number])
    value = models.DecimalField(max_digits=9, decimal_places=2)
    source = models.CharField(max_length=500, blank=True)
    """The paragraph it stands in, or who restates it."""

    declared = about_no_one("edition key value source")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "key"], name="one_number_per_edition_and_key")]

    def __str__(self) -> str:
        return f"{self.key} {self.value}"
