"""Who has taken on a thing of the team's work that has no owner of its own."""

from __future__ import annotations

from django.db import models

from adsum.accounts.models import Person
from adsum.core.declared import about_no_one


class Assigned(models.Model):
    """A colleague has it: a query, an alert or a contradiction, by its kind and what its own table calls it. Cases, absences
    and unopened messages have an owner of their own."""

    kind = models.CharField(max_length=16)
    thing = models.CharField(max_length=40)
    to = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    declared = about_no_one("kind thing at", people="to by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "thing"], name="one_has_a_thing")]

    def __str__(self) -> str:
        return f"{self.kind} {self.thing} with {self.to_id}"
