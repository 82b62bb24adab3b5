"""The end of data: what a run of retention would do and did, who holds it back, who was erased, and of whom what is over."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.privacy.models.rights import RightsRequest
from adsum.privacy.rules import State

KEEPS = [(keep.value, keep.value) for keep in Keep]
STATES = [(state.value, state.value) for state in State]


class LegalHold(models.Model):
    """Nothing of this student is erased for now: a court, a claim or an inquiry may need it. It does not end by itself."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=300)
    """For those who answer for data protection."""
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    review_on = models.DateField()
    """The day on which a person looks at it again."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "student",
        Keep.ACCOUNTS,
        For.RIGHTS,
        From.STAFF,
        facts="ref begun_at review_on ended_at",
        people="begun_by ended_by",
        words="why",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student"], condition=Q(ended_at=None), name="one_legal_hold_at_a_time"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="ended_legal_hold_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"legal hold of {self.student_id}"


class RetentionRun(models.Model):
    """What is over on one day: counted first, approved where a person must, then ended, and certified."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    on = models.DateField(unique=True)
    """The day on which it was over, by the university's calendar."""
    state = models.CharField(max_length=8, choices=STATES)
    why_asked = models.CharField(max_length=8, blank=True)
    """Why a person must approve it: `first`, or `more` than the last by too much; empty: nobody need."""
    made_at = models.DateTimeField()
    preview = models.JSONField(default=dict)
    """By class: how many students, and how many rows of each table; and how many students are kept back, by ground."""
    students = models.PositiveIntegerField(default=0)
    """How many students something of whom is over."""
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    done_at = models.DateTimeField(null=True)
    certificate = models.JSONField(default=dict)
    """What was done: the same counts, as they came out."""

    declared = about_no_one(
        "ref on state why_asked made_at preview students decided_at done_at certificate", people="decided_by"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(why_asked="") | Q(state__in=["waiting", "declined"]) | Q(decided_by__isnull=False),
                name="retention_asked_for_has_who",
            ),
            models.CheckConstraint(condition=~Q(state="done") | Q(done_at__isnull=False), name="retention_done_has_when"),
        ]

    def __str__(self) -> str:
        return f"retention of {self.on}: {self.state}"


class Ended(models.Model):
    """One class of one student's data is over, or being ended now (`at` is empty)."""

    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    keep = models.CharField(max_length=12, choices=KEEPS)
    left_on = models.DateField(null=True)
    """The last day of their last enrolment, which is no longer known otherwise once attendance is over."""
    sponsored = models.BooleanField(default=False)
    stand_in = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Whom rows lead to from now on, while they are moved; emptied with the last, so that nobody can tell whose they were."""
    at = models.DateTimeField(null=True, db_index=True)

    declared = declare("student", Keep.FOREVER, For.RIGHTS, From.ADSUM, facts="keep left_on sponsored at", people="stand_in")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["student", "keep"], name="each_class_of_a_student_ends_once")]
        indexes = [models.Index(fields=["keep", "student"], condition=Q(at=None), name="ending_now")]

    def __str__(self) -> str:
        return f"{self.keep} of {self.student_id}"


class Erasure(models.Model):
    """A person is erased before their time: rehearsed, then approved by a second person as it was shown, then done."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=300)
    """Who asked, and the ground."""
    request = models.ForeignKey(RightsRequest, null=True, on_delete=models.PROTECT, related_name="erasures")
    """The request that it answers, where they asked for it themselves."""
    state = models.CharField(max_length=8, choices=STATES, default=State.WAITING)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    preview = models.JSONField(default=dict)
    """What would be erased, pseudonymised and protected, with the ground: only this is done."""
    digest = models.CharField(max_length=64)
    """Of the preview: another one is another erasure."""
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    done_at = models.DateTimeField(null=True)
    certificate = models.JSONField(default=dict)

    declared = declare(
        "student",
        Keep.ACCOUNTS,
        For.RIGHTS,
        From.STAFF,
        facts="ref request state made_at preview digest decided_at done_at certificate",
        people="made_by decided_by",
        words="why",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["student"], condition=Q(state="waiting"), name="one_erasure_waits_at_a_time"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("made_by")) | Q(state="declined"),
                name="erasure_is_approved_by_another",
            ),
            models.CheckConstraint(condition=~Q(state="done") | Q(done_at__isnull=False), name="erasure_done_has_when"),
        ]

    def __str__(self) -> str:
        return f"erasure {self.ref}: {self.state}"
