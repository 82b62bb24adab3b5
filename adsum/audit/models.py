"""The event log: who did what, when. Append-only; ids, never names; no foreign keys, so it sits below everything."""

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
