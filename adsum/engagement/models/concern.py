"""What a teacher is worried about, and what may be a breach of the rules: two things that never meet in one table."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Person
from adsum.accounts.rules import Access, Role
from adsum.attendance.models import MarkChange
from adsum.checkin.models import Scan
from adsum.core.declared import For, From, Keep, declare
from adsum.core.sealed import SealedText
from adsum.engagement.case_rules import ConductState, Finding
from adsum.engagement.models.case import Case
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import students_visible_to


class ConcernQuerySet(models.QuerySet["Concern"]):
    def visible_to(self, person: Person, access: Access) -> ConcernQuerySet:
        """Those given to the person, those they raised, and those of students whose record they may open."""
        mine = Q(owner=person) | Q(wellbeing=person) | Q(by=person)
        return self.filter(mine | Q(student__in=students_visible_to(person, access).values("pk"))).exclude(student=person)

    def waiting(self) -> ConcernQuerySet:
        """Those not acknowledged yet."""
        return self.filter(acknowledged_at=None)


class Concern(models.Model):
    """A teacher noticed something. It goes to the tutor and the wellbeing contact, and one of them acknowledges it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    session = models.ForeignKey(ClassSession, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """In which class, if it was in one."""
    worry = SealedText(max_length=16, person="student_id", keep=Keep.CASES)
    words = SealedText(blank=True, max_length=500, person="student_id", keep=Keep.CASES)
    """What was seen, without medical detail. The student may read it."""
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    wellbeing = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """The wellbeing contact; empty where the university has named none."""
    due_on = models.DateField()
    passed_on_at = models.DateTimeField(null=True)
    """When it went to the stand-in as well, because neither had acknowledged it in time."""
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="concerns")
    """The case it belongs to, where there is one."""

    declared = declare(
        "student",
        Keep.CASES,
        For.SUPPORT,
        From.STAFF,
        facts="ref at session due_on passed_on_at acknowledged_at case",
        people="by owner wellbeing acknowledged_by",
        special="worry",
        words="words",
    )

    objects = ConcernQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="concern_acknowledged_has_who_and_when",
            )
        ]
        indexes = [models.Index(fields=["due_on"], condition=Q(acknowledged_at=None), name="concern_waiting")]

    def __str__(self) -> str:
        return f"concern {self.ref}"


class ConductQuerySet(models.QuerySet["Conduct"]):
    def visible_to(self, person: Person, access: Access) -> ConductQuerySet:
        """For the attendance team over the student's department, and the one who has it; tutors and teachers never see them."""
        departments = access.departments(Role.ATTENDANCE_TEAM)
        team = Access(access.on, {Role.ATTENDANCE_TEAM: departments})
        seen = Q(student__in=students_visible_to(person, team).values("pk")) | Q(owner=person)
        return self.filter(seen).exclude(student=person)


class Conduct(models.Model):
    """A suspicion that check-in was misused: apart from every case, heard before it is decided, and the start of no stage."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = SealedText(max_length=1000, person="student_id", keep=Keep.CASES)
    """What it looks like, as the student is told."""
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    """The last day on which the student's words are waited for."""
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in ConductState], default=ConductState.ASKED)
    answer = SealedText(blank=True, max_length=2000, person="student_id", keep=Keep.CASES)
    """How it was, in the student's words."""
    heard_at = models.DateTimeField(null=True)
    finding = models.CharField(max_length=8, blank=True, choices=[(f.value, f.value) for f in Finding])
    reasons = SealedText(blank=True, max_length=1000, person="student_id", keep=Keep.CASES)
    """Why, as the student reads it."""
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    declared = declare(
        "student",
        Keep.CASES,
        For.FRAUD,
        From.STAFF,
        facts="ref at due_on state heard_at finding decided_at",
        people="by owner decided_by",
        words="words answer reasons",
    )

    objects = ConductQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(~Q(state="decided") & Q(finding="", decided_at=None, decided_by=None))
                | (Q(state="decided") & ~Q(finding="") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="conduct_decided_has_who_and_when",
            ),
            models.CheckConstraint(condition=Q(decided_by=None) | ~Q(decided_by=F("by")), name="conduct_is_decided_by_another"),
        ]

    def __str__(self) -> str:
        return f"conduct referral {self.ref} ({self.state})"


class ConductClass(models.Model):
    """One class that a conduct referral is about: the scan that was held, if there is one, and the step that changed its mark
    after the outcome."""

    conduct = models.ForeignKey(Conduct, on_delete=models.CASCADE, related_name="classes")
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+")
    scan = models.ForeignKey(Scan, null=True, on_delete=models.PROTECT, related_name="+")
    change = models.ForeignKey(MarkChange, null=True, on_delete=models.PROTECT, related_name="+")

    declared = declare("conduct__student", Keep.CASES, For.FRAUD, From.STAFF, facts="conduct session scan change")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conduct", "session"], name="one_row_per_class_of_conduct")]

    def __str__(self) -> str:
        return f"class {self.session_id} of conduct {self.conduct_id}"
