"""The event log: who did what, when; and the access log: who looked at whose record. Append-only; ids, never names; no foreign
keys, so it sits below everything."""

from django.db import models


class Event(models.Model):
    """One change, written in the same transaction as the change itself."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    """`person:<id>`, or `system:<part>` for what no person asked for."""
    verb = models.CharField(max_length=64)
    subject = models.CharField(max_length=96)
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.verb} {self.subject}"


class AccessLog(models.Model):
    """One look at one person's record, or at the list of one class, by somebody who works here. Append-only.

    Looks at the same page within ten minutes are one row, so that a page that is reloaded does not fill the log.
    """

    at = models.DateTimeField()
    """The first of the looks."""
    viewer = models.PositiveBigIntegerField()
    """The id of the person who looked."""
    role = models.CharField(max_length=32)
    """As what: the role that opened it."""
    department = models.PositiveBigIntegerField(null=True)
    """The department over which the role is held, where that is what opened it."""
    subject = models.CharField(max_length=96)
    """`person:<id>`; `session:<id>` or `module:<id>` for the list of a class or module."""
    page = models.CharField(max_length=24)
    purpose = models.CharField(max_length=24, blank=True)
    """Why, when it was outside the usual relationship; empty otherwise."""
    slot = models.PositiveIntegerField()
    """Which ten minutes, counted from the epoch."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "viewer", "page", "purpose", "slot"], name="one_look_in_ten_minutes")
        ]
        indexes = [models.Index(fields=["at"], name="access_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} person:{self.viewer} looked at {self.subject} ({self.page})"


class AccessReport(models.Model):
    """What was unusual in the access log of one week, as it was found when the week was over."""

    monday = models.DateField(unique=True)
    made_at = models.DateTimeField()
    findings = models.JSONField()

    def __str__(self) -> str:
        return f"unusual views in the week of {self.monday}"
