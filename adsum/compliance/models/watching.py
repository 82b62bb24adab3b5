"""What the nightly watch found of sponsored students, and what officers decided that its clocks rest on."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from adsum.absence.models import AbsenceRequest
from adsum.accounts.models import Person
from adsum.attendance.models import MarkChange
from adsum.compliance.models.sponsorship import SponsorProfile
from adsum.compliance.watching import Ended, Sign
from adsum.core.declared import For, From, Keep, declare


class SponsorAlert(models.Model):
    """The watch found something of a sponsored student. `since` and `step` say what: the same again is not found twice."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    sign = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Sign])
    step = models.PositiveSmallIntegerField()
    """Days, contacts or per cent, as the sign counts them."""
    since = models.DateField()
    """The day of the last contact, or the day that a permission ends."""
    reached_on = models.DateField()
    """The day on which it came to that step, which may be before the night that found it."""
    found_at = models.DateTimeField()
    limit = models.PositiveSmallIntegerField()
    """The limit that held then."""
    ended_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=12, blank=True, choices=[(one.value, one.value) for one in Ended])

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.ADSUM,
        facts="ref sign step since reached_on found_at limit ended_at ended",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student", "sign", "step", "since"], name="one_sponsor_alert_per_step"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended="") | (Q(ended_at__isnull=False) & ~Q(ended="")),
                name="sponsor_alert_ended_has_when_and_why",
            ),
        ]
        indexes = [models.Index(fields=["sign"], condition=Q(ended_at=None), name="sponsor_alert_open")]

    def __str__(self) -> str:
        return f"{self.sign} {self.step} of {self.student_id}"


class LeaveApproval(models.Model):
    """Compliance decided about an absence of a sponsored student: of a request that was authorised, or of leave agreed with a
    supervisor. Only what is approved stops the clock."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    request = models.OneToOneField(AbsenceRequest, null=True, on_delete=models.PROTECT, related_name="+")
    first_day = models.DateField()
    last_day = models.DateField()
    in_uk = models.BooleanField()
    """The student stays in the United Kingdom."""
    place = models.CharField(max_length=120, blank=True)
    """Where the student studies meanwhile, if elsewhere."""
    agreed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Who agreed to it for the course."""
    approved = models.BooleanField()
    words = models.CharField(max_length=500, blank=True)
    """Why, where it goes beyond the cap or is declined."""
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.STAFF,
        facts="ref request first_day last_day in_uk approved decided_at withdrawn_at",
        people="agreed_by decided_by",
        words="place words",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="leave_days_in_order"),
            models.CheckConstraint(
                condition=Q(approved=False) | Q(agreed_by=None) | ~Q(agreed_by=F("decided_by")), name="leave_needs_two_people"
            ),
        ]

    def __str__(self) -> str:
        return f"leave of {self.student_id} from {self.first_day}"


class LateChange(models.Model):
    """Compliance looked at an absence that became attendance after the class, and said whether it is a contact."""

    change = models.OneToOneField(MarkChange, on_delete=models.PROTECT, related_name="+", primary_key=True)
    counts = models.BooleanField()
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField()

    declared = declare(
        "change__student", Keep.COMPLIANCE, For.SPONSOR, From.STAFF, facts="change counts decided_at", people="decided_by"
    )

    def __str__(self) -> str:
        return f"change {self.change_id}: {'counts' if self.counts else 'does not count'}"


class SponsorStanding(models.Model):
    """How each sponsored student stood when the watch last looked: what lists show, search and sort by."""

    student = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="+", primary_key=True)
    profile = models.ForeignKey(SponsorProfile, on_delete=models.PROTECT, related_name="+", db_index=False)
    on = models.DateField(db_index=True)
    """The civil day it was worked out for."""
    since = models.DateField(null=True)
    """The day of the last engagement; empty while the course has not begun."""
    policy_days = models.PositiveSmallIntegerField(default=0, db_index=True)
    calendar_days = models.PositiveSmallIntegerField(default=0)
    step = models.PositiveSmallIntegerField(default=0)
    limit = models.PositiveSmallIntegerField(default=0)
    next_on = models.DateField(null=True)
    taught_minutes = models.PositiveIntegerField(default=0)
    remote_minutes = models.PositiveIntegerField(default=0)
    late_changes = models.PositiveSmallIntegerField(default=0)
    """How many absences that became attendance after the class wait for compliance."""

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.ADSUM,
        facts="profile on since policy_days calendar_days step limit next_on taught_minutes remote_minutes late_changes",
        goes=True,
    )

    def __str__(self) -> str:
        return f"{self.student_id}: {self.policy_days} days on {self.on}"
