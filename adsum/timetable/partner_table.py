"""The table of delivery partners: other providers that teach some of the university's students for it."""

from __future__ import annotations

from django.db import models

from adsum.core.declared import about_no_one


class DeliveryPartner(models.Model):
    """A provider that teaches for the university under a subcontract. Classes and enrolments name it by its code; ended, never
    deleted."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    ended_on = models.DateField(null=True, blank=True)
    """The last day of the subcontract; empty while it lasts."""

    declared = about_no_one("code name ended_on")

    def __str__(self) -> str:
        return self.name
