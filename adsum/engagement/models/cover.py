"""Who steps in: for a student without a tutor, for staff who left or are away, and for wellbeing."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Department, Person
from adsum.core.declared import For, From, Keep, about_no_one, declare


class Fallback(models.Model):
    """The person named by a department, or by the university (no department), who takes what has no owner otherwise."""

    class Duty(models.TextChoices):
        CASES = "cases"
        WELLBEING = "wellbeing"

    department = models.ForeignKey(Department, null=True, on_delete=models.PROTECT, related_name="+")
    duty = models.CharField(max_length=9, choices=Duty.choices)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    declared = about_no_one("department duty", people="person")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["department", "duty"], name="one_fallback_per_department"),
            models.UniqueConstraint(fields=["duty"], condition=Q(department=None), name="one_fallback_of_the_university"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} for {self.duty} of {self.department_id or 'all'}"


class LeaveQuerySet(models.QuerySet["Leave"]):
    def on(self, day: date) -> LeaveQuerySet:
        """Those of that day, both ends included."""
        return self.filter(starts_on__lte=day, ends_on__gte=day)


class Leave(models.Model):
    """Days on which a member of staff is away, both included, and who does their work meanwhile."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    deputy = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    """Empty: the department's fallback."""
    starts_on = models.DateField()
    ends_on = models.DateField()

    declared = declare("person", Keep.ACCOUNTS, For.SERVICE, From.STAFF, facts="starts_on ends_on", people="deputy")

    objects = LeaveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="leave_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(deputy=None) | ~Q(deputy=F("person")), name="leave_has_another_as_deputy"),
        ]
        indexes = [models.Index(fields=["starts_on", "ends_on"], name="leave_days")]

    def __str__(self) -> str:
        return f"{self.person_id} away {self.starts_on} to {self.ends_on}"
