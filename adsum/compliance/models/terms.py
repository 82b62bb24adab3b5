"""What the university decided about sponsored students: its own numbers, vacations of a course or level, permissions to teach
remotely."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Person
from adsum.compliance.sponsor_rules import Level
from adsum.compliance.sponsor_terms import Monthly, Terms
from adsum.compliance.weights import DEFAULTS, Assurance, Way, Weight
from adsum.core.declared import about_no_one
from adsum.timetable.models import Course


class SponsorTerms(models.Model):
    """One version of the university's own numbers, in force from a day on until the next. Never changed once made."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    valid_from = models.DateField(unique=True)
    limit = models.PositiveSmallIntegerField(null=True)
    ladder = models.JSONField()
    research_ladder = models.JSONField()
    row_warn = models.PositiveSmallIntegerField(null=True)
    row_escalate = models.PositiveSmallIntegerField(null=True)
    approval_days = models.PositiveSmallIntegerField()
    absence_cap = models.PositiveSmallIntegerField()
    research_contacts = models.PositiveSmallIntegerField(null=True)
    research_days = models.PositiveSmallIntegerField()
    month_warn = models.PositiveSmallIntegerField(null=True)
    month_withdraw = models.PositiveSmallIntegerField(null=True)
    months = models.PositiveSmallIntegerField(null=True)
    month_source = models.CharField(max_length=300, blank=True)
    weights = models.JSONField()
    """By way of contact, whether it counts and how sure it is."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = about_no_one(
        "ref valid_from limit ladder research_ladder row_warn row_escalate approval_days absence_cap research_contacts "
        "research_days month_warn month_withdraw months month_source weights made_at",
        people="made_by",
    )

    class Meta:
        verbose_name_plural = "sponsor terms"

    def __str__(self) -> str:
        return f"sponsor terms from {self.valid_from}"

    @property
    def terms(self) -> Terms:
        """What they say, as the rules take it."""
        monthly = None
        if self.month_warn is not None and self.month_withdraw is not None and self.months is not None:
            monthly = Monthly(self.month_warn, self.month_withdraw, self.months, self.month_source)
        return Terms(
            limit=self.limit,
            ladder=tuple(self.ladder),
            research_ladder=tuple(self.research_ladder),
            row_warn=self.row_warn,
            row_escalate=self.row_escalate,
            approval_days=self.approval_days,
            absence_cap=self.absence_cap,
            research_contacts=self.research_contacts,
            research_days=self.research_days,
            monthly=monthly,
            weights={**DEFAULTS, **{Way(way): Weight(bool(one[0]), Assurance(one[1])) for way, one in self.weights.items()}},
        )

    @staticmethod
    def columns(terms: Terms) -> dict[str, Any]:
        """The columns of a row that says this."""
        monthly = terms.monthly
        return {
            "limit": terms.limit,
            "ladder": list(terms.ladder),
            "research_ladder": list(terms.research_ladder),
            "row_warn": terms.row_warn,
            "row_escalate": terms.row_escalate,
            "approval_days": terms.approval_days,
            "absence_cap": terms.absence_cap,
            "research_contacts": terms.research_contacts,
            "research_days": terms.research_days,
            "month_warn": monthly.warn_below if monthly else None,
            "month_withdraw": monthly.withdraw_below if monthly else None,
            "months": monthly.months if monthly else None,
            "month_source": monthly.source if monthly else "",
            "weights": {way.value: [weight.counts, weight.assurance.value] for way, weight in terms.weights.items()},
        }


class StudyVacation(models.Model):
    """A vacation of one course, or of one level. Where a course or a level has any of its own, the university's do not apply to
    it. Research students have none at all."""

    name = models.CharField(max_length=120)
    course = models.ForeignKey(Course, null=True, on_delete=models.PROTECT, related_name="+")
    level = models.CharField(max_length=20, blank=True, choices=[(one.value, one.value) for one in Level])
    starts_on = models.DateField()
    ends_on = models.DateField()
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = about_no_one("name course level starts_on ends_on entered_at withdrawn_at", people="entered_by withdrawn_by")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="study_vacation_ends_after_it_starts"),
            models.CheckConstraint(
                condition=(Q(course=None) & ~Q(level="")) | (Q(course__isnull=False) & Q(level="")),
                name="study_vacation_of_a_course_or_a_level",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None) | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="study_vacation_withdrawn_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RemotePermission(models.Model):
    """The Home Office permits a course to be taught remotely to a larger share, from a day on."""

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="+")
    share = models.PositiveSmallIntegerField()
    """In per cent."""
    reference = models.CharField(max_length=120)
    since = models.DateField()
    until = models.DateField(null=True)
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = about_no_one("course share reference since until entered_at", people="entered_by")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="remote_permission_in_order"),
            models.CheckConstraint(condition=Q(share__lte=100), name="remote_permission_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.share} % of {self.course_id}"
