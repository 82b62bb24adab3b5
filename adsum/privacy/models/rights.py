"""What people ask about their own data, step by step, and what an officer decided about each text before it was handed over."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, declare
from adsum.privacy.rights_rules import LONGEST_WORDS, Came, Decision, Ground, Kind, Outcome, State, Step


class RightsRequest(models.Model):
    """One request or complaint of a person about their own data, however it came."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Whose data it is about."""
    kind = models.CharField(max_length=13, choices=[(one.value, one.value) for one in Kind])
    came = models.CharField(max_length=9, choices=[(one.value, one.value) for one in Came])
    words = models.CharField(max_length=LONGEST_WORDS, blank=True)
    """In the person's words, or what they said to the member of staff who wrote it down."""
    received_on = models.DateField()
    """The day it came: the clock begins on the next."""
    under_18 = models.BooleanField(default=False)
    """The person said, or we know, that they are under 18."""
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The person, or the member of staff who recorded it."""
    state = models.CharField(max_length=9, choices=[(one.value, one.value) for one in State], default=State.OPEN)
    outcome = models.CharField(max_length=7, blank=True, choices=[(one.value, one.value) for one in Outcome])

    declared = declare(
        "person",
        Keep.RIGHTS,
        For.RIGHTS,
        From.PERSON,
        facts="ref kind came received_on under_18 entered_at state outcome",
        people="entered_by",
        words="words",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="answered", outcome__gt="") | (~Q(state="answered") & Q(outcome="")),
                name="answered_request_has_outcome",
            )
        ]
        indexes = [
            models.Index(fields=["person", "-entered_at"], name="rights_request_by_person"),
            models.Index(fields=["received_on"], condition=Q(state__in=["open", "waiting"]), name="rights_request_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}: {self.state}"


class RightsStep(models.Model):
    """Append-only: one step of a request. By when it is answered, and how long the clock stood still, follow from its steps."""

    request = models.ForeignKey(RightsRequest, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=14, choices=[(one.value, one.value) for one in Step])
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    words = models.CharField(max_length=LONGEST_WORDS, blank=True)

    declared = declare(
        "request__person", Keep.RIGHTS, For.RIGHTS, From.STAFF, facts="request step at", people="by", words="words"
    )

    def __str__(self) -> str:
        return f"{self.step} of request {self.request_id}"


class ReviewedText(models.Model):
    """What an officer decided about one text that the self-service leaves out: given whole, blacked out in part, or kept back,
    with the ground. Where it stands is kept, not the text itself, but for what is left of a redacted one."""

    request = models.ForeignKey(RightsRequest, on_delete=models.PROTECT, related_name="reviewed")
    table = models.CharField(max_length=40)
    row = models.PositiveBigIntegerField()
    column = models.CharField(max_length=40)
    """Empty: the whole row."""
    decision = models.CharField(max_length=8, choices=[(one.value, one.value) for one in Decision])
    ground = models.CharField(max_length=13, blank=True, choices=[(one.value, one.value) for one in Ground])
    redacted = models.CharField(max_length=LONGEST_WORDS, blank=True)
    """What is handed over in place of the text."""
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    declared = declare(
        "request__person",
        Keep.RIGHTS,
        For.RIGHTS,
        From.STAFF,
        facts="request table row column decision ground at",
        people="by",
        words="redacted",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "table", "row", "column"], name="one_decision_per_text"),
            models.CheckConstraint(condition=Q(decision="release", ground="") | Q(ground__gt=""), name="kept_back_has_ground"),
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.table} {self.row} {self.column}".strip()
