"""To which monitoring groups students belong: special-category data, for sums alone."""

from __future__ import annotations

from django.db import models

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, declare


class MonitoringGroup(models.Model):
    """The group of one student by one characteristic, as the file said that was brought in last. Read by `engagement.equity`
    alone, which adds up; no page shows a row."""

    student = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    characteristic = models.CharField(max_length=40)
    group = models.CharField(max_length=80)
    brought_at = models.DateTimeField()

    declared = declare(
        "student", Keep.CONTACT, For.RIGHTS, From.RECORDS, facts="characteristic brought_at", special="group", goes=True
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["student", "characteristic"], name="one_group_by_characteristic")]
        indexes = [models.Index(fields=["characteristic", "group"], name="monitoring_group")]

    def __str__(self) -> str:
        return f"a group by {self.characteristic}"
