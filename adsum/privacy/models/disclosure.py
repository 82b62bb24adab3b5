"""What was given to authorities outside, and what was refused."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, declare
from adsum.privacy.disclosure_rules import LONGEST_WORDS, Basis, Body


class Disclosure(models.Model):
    """An authority asked for a person's data: who asked, on what ground, and what was given by whom. Append-only; what was
    recorded wrongly is recorded anew."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    body = models.CharField(max_length=13, choices=[(one.value, one.value) for one in Body])
    asked_by = models.CharField(max_length=200)
    """Who asked: name, rank or office."""
    reference = models.CharField(max_length=120, blank=True)
    """What they call it."""
    basis = models.CharField(max_length=13, choices=[(one.value, one.value) for one in Basis])
    why = models.CharField(max_length=LONGEST_WORDS)
    """What they asked for and what for, and why the ground holds."""
    given = models.CharField(max_length=LONGEST_WORDS, blank=True)
    """What was given. Empty: nothing."""
    given_on = models.DateField()
    may_be_told = models.BooleanField()
    """Whether the person may know of it now: if so, it is in their file."""
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "person",
        Keep.RIGHTS,
        For.RIGHTS,
        From.STAFF,
        facts="ref body basis given_on may_be_told entered_at",
        people="entered_by",
        words="asked_by reference why given",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(asked_by__gt="", why__gt="")
                | Q(asked_by="", why="", reference="", given=""),  # its words have ended
                name="disclosure_says_who_and_why",
            )
        ]

    def __str__(self) -> str:
        return f"disclosure {self.ref} to {self.body}"
