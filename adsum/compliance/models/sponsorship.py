"""Sponsored students: what is known of each CAS, with its history, and how far those who are expected have come."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Person
from adsum.compliance.sponsor_rules import Arrival, Level, Mode, Route, Sponsorship
from adsum.core.declared import For, From, Keep, declare
from adsum.timetable.models import Course


class SponsorProfile(models.Model):
    """What the university knows of one CAS from one instant on, until it knows better: then a new row takes its place, and this
    one stays. Read it with `sponsorship.sponsored`."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    course = models.ForeignKey(Course, null=True, on_delete=models.PROTECT, related_name="+")
    """The course that the CAS names."""
    cas_number = models.CharField(max_length=40)
    route = models.CharField(max_length=16, choices=[(one.value, one.value) for one in Route])
    level = models.CharField(max_length=20, choices=[(one.value, one.value) for one in Level])
    mode = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Mode])
    course_starts_on = models.DateField(null=True)
    course_ends_on = models.DateField(null=True)
    enrol_by = models.DateField(null=True)
    permission_start = models.DateField(null=True)
    permission_end = models.DateField(null=True)
    applied_on = models.DateField(null=True)
    since = models.DateField()
    until = models.DateField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.CharField(max_length=40, blank=True)
    """The file it came from; empty when an officer entered it."""
    superseded_at = models.DateTimeField(null=True)

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.RECORDS,
        facts="ref course route level mode course_starts_on course_ends_on enrol_by permission_start permission_end applied_on "
        "since until recorded_at source superseded_at",
        people="recorded_by",
        names="cas_number",
        goes=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cas_number"], condition=Q(superseded_at=None), name="one_profile_per_cas"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="sponsored_days_in_order"),
        ]
        indexes = [models.Index(fields=["student", "since"], condition=Q(superseded_at=None), name="sponsor_profile_current")]

    def __str__(self) -> str:
        return f"CAS of {self.student_id}"

    @property
    def facts(self) -> Sponsorship:
        """The same for rules to read."""
        return Sponsorship(
            cas_number=self.cas_number,
            level=Level(self.level),
            since=self.since,
            until=self.until,
            route=Route(self.route),
            mode=Mode(self.mode),
            course_starts_on=self.course_starts_on,
            course_ends_on=self.course_ends_on,
            enrol_by=self.enrol_by,
            permission_start=self.permission_start,
            permission_end=self.permission_end,
            applied_on=self.applied_on,
        )


class ArrivalStep(models.Model):
    """That a student with a CAS arrived, showed the visa, or enrolled. Taken back, never deleted."""

    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    cas_number = models.CharField(max_length=40)
    step = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Arrival])
    on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.CharField(max_length=40, blank=True)
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.STAFF,
        facts="step on recorded_at source taken_back_at",
        people="recorded_by taken_back_by",
        names="cas_number",
        goes=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cas_number", "step"], condition=Q(taken_back_at=None), name="one_arrival_step_per_cas"
            ),
            models.CheckConstraint(
                condition=Q(taken_back_at=None, taken_back_by=None)
                | Q(taken_back_at__isnull=False, taken_back_by__isnull=False),
                name="arrival_taken_back_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} of {self.student_id}"
