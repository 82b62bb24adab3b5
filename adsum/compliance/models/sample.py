"""A random sample of students, drawn for an inspector: by which seed, from whom, and who was drawn."""

from __future__ import annotations

import uuid

from django.db import models

from adsum.accounts.models import Person
from adsum.compliance.scopes import Scope
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.timetable.models import Course


class Sample(models.Model):
    """Students drawn at random. The seed decides who they are, so anyone who knows from whom they were drawn draws the same."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scope = models.CharField(max_length=4, choices=[(one.value, one.value) for one in Scope])
    as_of = models.DateTimeField()
    course = models.ForeignKey(Course, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Only students on this course; empty: all of the scope."""
    seed = models.CharField(max_length=64)
    population = models.PositiveIntegerField()
    """From how many students it was drawn,"""
    population_digest = models.CharField(max_length=64)
    """and SHA-256 of their references, sorted, a line each."""
    drawn_at = models.DateTimeField()
    drawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    done = models.PositiveIntegerField(default=0)
    """How many packs are made so far."""
    sealed = models.BinaryField(default=b"")
    """All packs in one file, encrypted; emptied after some days, for they can be made again."""

    declared = about_no_one(
        "ref scope as_of course seed population population_digest drawn_at state done sealed",
        people="drawn_by",
        keep=Keep.COMPLIANCE,
    )

    def __str__(self) -> str:
        return f"sample {self.ref} of {self.population}"


class SampledStudent(models.Model):
    """One student of a sample, in the order in which they were drawn."""

    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="students")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    place = models.PositiveSmallIntegerField()
    fingerprint = models.CharField(max_length=64, blank=True)
    """Of the facts of their pack, once it was made."""

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.AUDIT,
        From.ADSUM,
        facts="sample place fingerprint",
        verb="adsum.compliance.samples.empty_those_with",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sample", "student"], name="one_place_in_a_sample")]

    def __str__(self) -> str:
        return f"{self.student_id} in sample {self.sample_id}"
