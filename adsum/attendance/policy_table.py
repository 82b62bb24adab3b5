"""The table of policies: versions of the rules, for a scope and from a day on."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Department, Person
from adsum.attendance.counting import Authorised, Counting, Terms, Weighting
from adsum.attendance.rules import Windows
from adsum.core.declared import about_no_one
from adsum.timetable.rules import Kind


class PolicyQuerySet(models.QuerySet["Policy"]):
    def standing(self) -> PolicyQuerySet:
        """Those not withdrawn before they began."""
        return self.filter(withdrawn_at=None)


class Policy(models.Model):
    """One version of the rules for classes of a kind (empty: every kind) and department (empty: the university; else also
    the departments below it), from a day on until the next version of the same scope. Never changed once made: what is to
    be different is a new version, and one that has not begun can be withdrawn."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.PositiveIntegerField(unique=True)
    """Counted over the whole university, so that "version 7" names one."""
    department = models.ForeignKey(Department, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, blank=True, choices=[(k.value, k.value) for k in Kind])
    valid_from = models.DateField()
    inherits = models.BooleanField(default=False)
    """From its day on the wider policy applies again: an exception ends. Its values then mean nothing."""
    opens_before = models.PositiveSmallIntegerField()
    """Minutes before the start of the class at which check-in opens."""
    present_until = models.PositiveSmallIntegerField()
    """Minutes after the start until which a scan counts as present."""
    late_until = models.PositiveSmallIntegerField()
    """Minutes after the start until which a scan counts as late."""
    pace = models.CharField(max_length=20)
    """How often the code changes at first: `standard`, `brisk`, `strict` or `very_strict`."""
    amend_hours = models.PositiveSmallIntegerField()
    """How long after the class its lecturers may change marks."""
    query_hours = models.PositiveSmallIntegerField()
    """How long after the class its students may query their mark."""
    authorised = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Authorised])
    late_percent = models.PositiveSmallIntegerField()
    """What late is worth, in hundredths."""
    remote_counts = models.BooleanField()
    weighting = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Weighting])
    min_events = models.PositiveSmallIntegerField()
    """With fewer classes in a sum, no rule about a percentage may fire."""
    based_on = models.CharField(max_length=40, blank=True)
    """The preset its values were first taken from."""
    note = models.CharField(max_length=500, blank=True)
    """Why it was made; for staff."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    declared = about_no_one(
        "ref number department kind valid_from inherits opens_before present_until late_until pace amend_hours "
        "query_hours authorised late_percent remote_counts weighting min_events based_on made_at withdrawn_at",
        people="made_by withdrawn_by",
        words="note",
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(
                fields=["department", "kind", "valid_from"], condition=Q(withdrawn_at=None), name="one_policy_per_scope_and_day"
            ),
            models.UniqueConstraint(
                fields=["kind", "valid_from"],
                condition=Q(withdrawn_at=None, department=None),
                name="one_university_policy_per_kind_and_day",
            ),
            models.CheckConstraint(condition=Q(late_until__gte=F("present_until")), name="policy_late_after_present"),
            models.CheckConstraint(condition=Q(late_percent__lte=100), name="policy_late_is_at_most_whole"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None) | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="policy_withdrawn_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.number} from {self.valid_from}"

    @property
    def terms(self) -> Terms:
        """What it says, as the rules take it."""
        return Terms(
            windows=Windows(self.opens_before, self.present_until, self.late_until),
            pace=self.pace,
            amend_hours=self.amend_hours,
            query_hours=self.query_hours,
            counting=Counting(
                authorised=Authorised(self.authorised),
                late_percent=self.late_percent,
                remote_counts=self.remote_counts,
                weighting=Weighting(self.weighting),
                min_events=self.min_events,
            ),
        )
