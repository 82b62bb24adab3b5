"""The human work on a student's attendance: the case, what happened in it, its meetings, and who was spoken to."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.accounts.rules import Access
from adsum.core.declared import For, From, Keep, declare
from adsum.core.sealed import SealedText
from adsum.engagement.case_rules import (
    OWNED,
    UNDER_WAY,
    Because,
    Event,
    MeetingState,
    Outcome,
    Readers,
    Reply,
    State,
    Stop,
    Way,
)
from adsum.timetable.reports import students_visible_to

BECAUSE: dict[Because, Promise] = {
    Because.MEETING: gettext_lazy("A meeting about attendance."),
    Because.TALK: gettext_lazy("%(name)s would like to talk with you"),
}
"""Each code as the student reads it; the name is that of who opened the case."""


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, person: Person, access: Access) -> CaseQuerySet:
        """Cases of students whose record the person may open, and those they own; never their own as a student."""
        seen = Q(student__in=students_visible_to(person, access).values("pk")) | Q(owner=person)
        return self.filter(seen).exclude(student=person)

    def under_way(self) -> CaseQuerySet:
        """Open, or with the clock stopped: at most one for each student."""
        return self.filter(state__in=UNDER_WAY)

    def owned(self) -> CaseQuerySet:
        """Those in which somebody still has work to do."""
        return self.filter(state__in=OWNED)


class Case(models.Model):
    """The work on one student, whatever the department. It always has an owner and a day by which the next step is due."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    because = models.CharField(max_length=200, blank=True)
    """Why it was opened, in a person's words, which the student reads too; empty where a code says it."""
    because_code = models.CharField(max_length=8, blank=True, choices=[(b.value, b.value) for b in Because])
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    next_step = models.CharField(max_length=200)
    due_on = models.DateField()
    """By when the next step was to be done when it was planned. Days on which the clock stood still come on top."""
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in State], default=State.OPEN)
    outcome = models.CharField(max_length=16, blank=True, choices=[(o.value, o.value) for o in Outcome])
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    appeal_until = models.DateField(null=True)
    """The last day on which the student may appeal; empty where there is nothing to appeal against."""

    declared = declare(
        "student",
        Keep.CASES,
        For.SUPPORT,
        From.STAFF,
        facts="ref opened_at because_code due_on state outcome closed_at appeal_until",
        people="opened_by owner closed_by",
        words="because next_step",
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["student"], condition=Q(state__in=[State.OPEN, State.STOPPED]), name="one_open_case_per_student"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.OPEN, State.STOPPED], outcome="", closed_at=None)
                | (~Q(state__in=[State.OPEN, State.STOPPED]) & ~Q(outcome="") & Q(closed_at__isnull=False)),
                name="case_closed_has_outcome_and_when",
            ),
        ]
        indexes = [models.Index(fields=["student", "state"], name="case_by_student")]

    def __str__(self) -> str:
        return f"case {self.ref} ({self.state})"

    @property
    def why(self) -> str:
        """Why it was opened, in the language of who reads it."""
        if not self.because_code:
            return self.because
        return str(BECAUSE[Because(self.because_code)]) % {"name": self.opened_by}


class CaseStep(models.Model):
    """Append-only: one step in the life of a case, with what it was about. What is derived from it is never stored."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="steps")
    event = models.CharField(max_length=12, choices=[(e.value, e.value) for e in Event])
    at = models.DateTimeField()
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Empty when Adsum did it."""
    words = SealedText(blank=True, max_length=2000, person="case.student_id", keep=Keep.CASES)
    readers = models.CharField(max_length=8, choices=[(r.value, r.value) for r in Readers], default=Readers.SUPPORT)
    due_on = models.DateField(null=True)
    """The day that was set, of a plan."""
    stop = models.CharField(max_length=16, blank=True, choices=[(s.value, s.value) for s in Stop])
    """Why the clock was stopped."""
    owner = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Who owns the case from this step on, where that changed."""
    service = models.CharField(max_length=120, blank=True)
    """To which service the student was referred."""
    outcome = models.CharField(max_length=16, blank=True, choices=[(o.value, o.value) for o in Outcome])
    meeting = models.ForeignKey("Meeting", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    became = models.CharField(max_length=12, blank=True, choices=[(s.value, s.value) for s in MeetingState])
    """What became of that meeting in this step."""

    declared = declare(
        "case__student",
        Keep.CASES,
        For.SUPPORT,
        From.STAFF,
        facts="ref case event at readers due_on stop outcome meeting became",
        people="by owner",
        words="words service",
    )

    class Meta:
        indexes = [models.Index(fields=["case", "id"], name="case_step_in_order")]

    def __str__(self) -> str:
        return f"{self.event} in case {self.case_id}"


class Meeting(models.Model):
    """A meeting with a student: offered in slots, of which the student picks one. Its time is empty until then."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="meetings")
    host = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    formal = models.BooleanField(default=False)
    about = models.CharField(max_length=200)
    """What it is about, in words that the student reads."""
    place = models.CharField(max_length=200)
    """A room, or how to join."""
    offered_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in MeetingState], default=MeetingState.OFFERED)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    picked_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    """When what became of it was written down, by whom."""
    settled_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    declared = declare(
        "case__student",
        Keep.CASES,
        For.SUPPORT,
        From.STAFF,
        facts="ref case formal offered_at state starts_at ends_at picked_at settled_at",
        people="host settled_by",
        words="about place",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at=None, ends_at=None) | Q(ends_at__gt=F("starts_at")), name="meeting_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["offered", "called_off", "rearranged"]) | Q(starts_at__isnull=False),
                name="meeting_agreed_has_a_time",
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(state__in=["offered", "agreed"]), name="one_meeting_ahead_per_case"
            ),
        ]
        indexes = [models.Index(fields=["host", "starts_at"], name="meeting_of_host")]

    def __str__(self) -> str:
        return f"meeting {self.ref} ({self.state})"


class MeetingSlot(models.Model):
    """One time offered for a meeting."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    declared = declare("meeting__case__student", Keep.CASES, For.SUPPORT, From.STAFF, facts="meeting starts_at ends_at")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "starts_at"], name="one_slot_per_start"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="slot_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return f"slot {self.starts_at:%Y-%m-%d %H:%M} of {self.meeting_id}"


class Contacted(models.Model):
    """Append-only: staff got in touch with a student, or tried to, or the student answered. With or without a case."""

    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="contacts")
    """The case that was open then."""
    way = models.CharField(max_length=10, choices=[(w.value, w.value) for w in Way])
    reply = models.CharField(max_length=14, choices=[(r.value, r.value) for r in Reply])
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    words = SealedText(blank=True, max_length=500, person="student_id", keep=Keep.CASES)

    declared = declare("student", Keep.CASES, For.SUPPORT, From.STAFF, facts="case way reply at", people="by", words="words")

    class Meta:
        indexes = [models.Index(fields=["student", "at"], name="contacted_by_student")]

    def __str__(self) -> str:
        return f"{self.way} {self.reply} {self.student_id}"
