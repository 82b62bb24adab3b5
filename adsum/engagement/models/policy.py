"""The tables of alert rules: versions that never change, and which of them is in force or in rehearsal."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Department, Person
from adsum.attendance.counting import Period
from adsum.core.declared import about_no_one
from adsum.engagement.recovery import Recovery
from adsum.engagement.rules import Recipient, Rule, RuleSet, Scope, Trigger


class RuleVersion(models.Model):
    """One version of all the alert rules and their wording. Never changed once made: what is to be different is a new one."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.PositiveIntegerField(unique=True)
    """Counted over the university, so that "rules 7" names one."""
    name = models.CharField(max_length=120)
    based_on = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """The version that it was begun with."""
    note = models.CharField(max_length=500, blank=True)
    """Why it was made; for staff."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """Empty: it came with Adsum."""

    declared = about_no_one("ref number name based_on made_at", people="made_by", words="note")

    def __str__(self) -> str:
        return f"alert rules {self.number}"

    @property
    def rule_set(self) -> RuleSet:
        """What it says, as the rules take it. Its rows may be fetched before."""
        return RuleSet(self.number, tuple(row.rule for row in self.rules.all()))


class AlertRule(models.Model):
    """One rule of a version."""

    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="rules")
    code = models.CharField(max_length=12)
    stage = models.PositiveSmallIntegerField()
    trigger = models.CharField(max_length=20, choices=[(one.value, one.value) for one in Trigger])
    number = models.PositiveSmallIntegerField()
    """Misses in a row, days, per cent or weeks, as the trigger says."""
    period = models.CharField(max_length=12, blank=True, choices=[(one.value, one.value) for one in Period])
    last = models.PositiveSmallIntegerField(default=0)
    misses = models.PositiveSmallIntegerField(default=0)
    """With a percentage: how many of its classes were missed, at the least."""
    department = models.ForeignKey(Department, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Only for students on a course of it or of one below it; empty: of any."""
    level = models.CharField(max_length=20, blank=True)
    mode = models.CharField(max_length=20, blank=True)
    wait_days = models.PositiveSmallIntegerField(default=7)
    """How long the student has had the message of the stage before."""
    no_reply = models.BooleanField(default=False)
    hold_days = models.PositiveSmallIntegerField(default=1)
    """Working days that an alert waits before anything leaves."""
    recipients = models.JSONField(default=list)
    notice_days = models.PositiveSmallIntegerField(default=0)
    recovery_attend = models.PositiveSmallIntegerField(default=3)
    recovery_of = models.PositiveSmallIntegerField(default=4)
    """It closes once so many of so many classes in a row were attended."""

    declared = about_no_one(
        "version code stage trigger number period last misses department level mode wait_days no_reply hold_days "
        "recipients notice_days recovery_attend recovery_of"
    )

    class Meta:
        ordering = ["stage", "code"]
        constraints = [
            models.UniqueConstraint(fields=["version", "code"], name="one_alert_rule_per_code"),
            models.CheckConstraint(condition=Q(stage__lte=3), name="alert_rule_of_a_stage"),
        ]

    def __str__(self) -> str:
        return f"{self.code} of version {self.version_id}"

    @property
    def rule(self) -> Rule:
        """What it says, as the rules take it."""
        return Rule(
            code=self.code,
            stage=self.stage,
            trigger=Trigger(self.trigger),
            number=self.number,
            period=Period(self.period) if self.period else None,
            last=self.last,
            misses=self.misses,
            scope=Scope(self.department_id, self.level, self.mode),
            wait_days=self.wait_days,
            no_reply=self.no_reply,
            hold_days=self.hold_days,
            recipients=tuple(Recipient(one) for one in self.recipients),
            notice_days=self.notice_days,
            recovery=Recovery(self.recovery_attend, self.recovery_of),
        )


class StageWording(models.Model):
    """What a student reads at a stage of a version, in one language, with placeholders in braces."""

    version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="wordings")
    stage = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=7)
    subject = models.CharField(max_length=150)
    body = models.TextField(max_length=4000)

    declared = about_no_one("version stage language subject body")

    class Meta:
        ordering = ["stage", "language"]
        constraints = [
            models.UniqueConstraint(fields=["version", "stage", "language"], name="one_wording_per_stage_and_language")
        ]

    def __str__(self) -> str:
        return f"stage {self.stage} in {self.language}, version {self.version_id}"


class WordingApproval(models.Model):
    """A named reader has read a wording in a language other than the university's first and finds it good. Until then nobody is
    written to in it."""

    wording = models.OneToOneField(StageWording, on_delete=models.PROTECT, related_name="approval")
    reader = models.CharField(max_length=120)
    """Who read it, as they are known at the university."""
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    """Who noted it."""

    declared = about_no_one("wording at", people="by", words="reader")

    def __str__(self) -> str:
        return f"{self.wording_id} read by {self.reader}"


class RuleSwitch(models.Model):
    """Append-only: from this instant on this version (empty: none) is in force, or in rehearsal. The latest of each decides."""

    class Place(models.TextChoices):
        IN_FORCE = "in_force"
        REHEARSAL = "rehearsal"

    place = models.CharField(max_length=9, choices=Place.choices)
    version = models.ForeignKey(RuleVersion, null=True, on_delete=models.PROTECT, related_name="switches")
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    guests = models.ManyToManyField(Person, related_name="+", blank=True)
    """Who is written to in a rehearsal: they, and no others."""

    declared = about_no_one("place version at", people="by guests", words="reason")

    class Meta:
        indexes = [models.Index(fields=["place", "at"], name="rule_switch_by_time")]

    def __str__(self) -> str:
        return f"{self.place}: {self.version_id} from {self.at:%Y-%m-%d %H:%M}"
