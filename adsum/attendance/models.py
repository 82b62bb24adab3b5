"""The register: one per class, one mark per student, every change kept."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from adsum.accounts.models import Person
from adsum.accounts.rules import KEEPS_REGISTERS, Access, Role
from adsum.attendance.digests import digest, instant, new_salt
from adsum.attendance.rules import LOOKED_FOR, OBSERVERS, Explanation, Reach, Reason, Source, Status
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.timetable.models import ClassSession, Room, Site

STATUSES = [(status.value, status.value) for status in Status]
SOURCES = [(source.value, source.value) for source in Source]


class Register(models.Model):
    """All marks of one class. `not_observed`: closed with nothing captured, so it counts for no student."""

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        NOT_OBSERVED = "not_observed"

    session = models.OneToOneField(ClassSession, on_delete=models.PROTECT, related_name="register", primary_key=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    headcount = models.PositiveIntegerField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True)
    explained = models.CharField(max_length=12, blank=True, choices=[(e.value, e.value) for e in Explanation])
    """Why nothing was captured, as a person says: this register no longer needs to be completed."""
    explained_note = models.CharField(max_length=500, blank=True)
    explained_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    explained_at = models.DateTimeField(null=True)

    declared = about_no_one(
        "session state headcount closed_at explained explained_at", people="explained_by", words="explained_note"
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["closed_at"], condition=models.Q(state="not_observed", explained=""), name="register_to_complete"
            )
        ]

    def __str__(self) -> str:
        return f"register of {self.session_id}: {self.state}"


class OutageQuerySet(models.QuerySet["Outage"]):
    def standing(self) -> OutageQuerySet:
        """Those not withdrawn."""
        return self.filter(withdrawn_at=None)


class Outage(models.Model):
    """When check-in could not be relied on: in the whole university, on one site or in one room (at most one of the two).
    `ends_at` is empty while its end is not known. Never deleted: marks were made because of it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, db_index=True)
    reason = models.CharField(max_length=200)
    """What happened, in words that students read."""
    declared_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField()
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """Who ended it, if a person did."""
    withdrawn_at = models.DateTimeField(null=True)
    """When it was withdrawn, as declared by mistake: from then on it is treated as if it had never touched a class."""
    withdrawn_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    declared = about_no_one(
        "ref site room starts_at ends_at declared_at withdrawn_at", people="declared_by ended_by withdrawn_by", words="reason"
    )

    objects = OutageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None) | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="withdrawn_outage_has_who_and_when",
            ),
            models.CheckConstraint(condition=Q(site=None) | Q(room=None), name="outage_of_a_site_or_a_room"),
            models.CheckConstraint(condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="outage_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"outage {self.ref}: {self.reason}"

    @property
    def reach(self) -> Reach:
        return Reach(self.starts_at, self.ends_at, self.site_id, self.room_id)


class MarkQuerySet(models.QuerySet["Mark"]):
    def observations(self) -> MarkQuerySet:
        """Marks that show that the register of their class was taken."""
        return self.filter(source__in=OBSERVERS, status__in=LOOKED_FOR)


class Mark(models.Model):
    """A student's current status in one class. `at` is when the student was there, as first seen (UTC)."""

    # The constraint and the index below already index both; more indexes would slow down every check-in.
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="marks", db_index=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="marks", db_index=False)
    status = models.CharField(max_length=24, choices=STATUSES)
    source = models.CharField(max_length=8, choices=SOURCES)
    at = models.DateTimeField()
    minutes_late = models.PositiveSmallIntegerField(default=0)
    left_at = models.DateTimeField(null=True)
    """When a student who left early went, if this is known."""
    changed_at = models.DateTimeField()

    declared = declare(
        "student", Keep.ATTENDANCE, For.TEACHING, From.STAFF, facts="session status source at minutes_late left_at changed_at"
    )

    objects = MarkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "student"], name="one_mark_per_student_and_session")]
        indexes = [models.Index(fields=["student", "session"], name="mark_by_student")]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.session_id}: {self.status}"


class MarkChange(models.Model):
    """Append-only: one step in the history of a mark. `before` is empty in the first step."""

    # The mark has foreign keys to both; checking them a second time for every check-in has no benefit.
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    before = models.CharField(max_length=24, blank=True)
    after = models.CharField(max_length=24, choices=STATUSES)
    minutes_late = models.PositiveSmallIntegerField(default=0)
    left_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=8, choices=SOURCES)
    seen_at = models.DateTimeField(null=True)
    """When the student was there, as the mark had it after this step."""
    at = models.DateTimeField()
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The person who made the change; empty for a scan (the student's own) and for the system."""
    reason_code = models.CharField(max_length=24, blank=True, choices=[(r.value, r.value) for r in Reason])
    reason = models.CharField(max_length=500, blank=True)
    salt = models.CharField(max_length=16, blank=True, default=new_salt, db_default="", editable=False)
    """The random start of the digest in its event; empty in rows from before there were digests."""
    kept_digest = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)
    """That digest, from when the words of its reason were over: they can then no longer be worked out from it."""

    declared = declare(
        "student",
        Keep.ATTENDANCE,
        For.TEACHING,
        From.STAFF,
        facts="session before after minutes_late left_at source seen_at at reason_code salt kept_digest",
        people="by",
        words="reason",
        verb="adsum.attendance.erasing.empty_reasons",
    )

    class Meta:
        indexes = [
            models.Index(fields=["session", "id"], name="mark_change_by_session"),
            # Only students whose first mark was undone: few rows, and a scan never writes one.
            models.Index(fields=["student"], condition=Q(after=Status.EXPECTED), name="mark_change_undone"),
            # Only what was marked by hand, for what an application changed in a day: a scan never writes one.
            models.Index(fields=["by", "at"], condition=Q(source=Source.STAFF), name="mark_change_by_hand"),
        ]

    def __str__(self) -> str:
        return f"{self.student_id} in {self.session_id}: {self.before or '·'} → {self.after}"

    @property
    def digest(self) -> str:
        """The digest that its event keeps of it."""
        return self.kept_digest or digest(
            self.salt,
            self.session_id,
            self.before,
            self.after,
            self.source,
            instant(self.seen_at),
            self.minutes_late,
            instant(self.left_at),
            instant(self.at),
            self.reason_code,
            self.reason,
        )


class Proposal(models.Model):
    """A change of marks by hand that a second person must confirm, because the marks are many or old."""

    class State(models.TextChoices):
        WAITING = "waiting"
        CONFIRMED = "confirmed"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="proposals")
    status = models.CharField(max_length=24, choices=STATUSES)
    seen_at = models.DateTimeField(null=True)
    """When the students were there, if the proposal says so."""
    left_at = models.DateTimeField(null=True)
    reason_code = models.CharField(max_length=24, choices=[(r.value, r.value) for r in Reason])
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    """Why it was declined."""

    declared = declare(
        "marks__student",
        Keep.ATTENDANCE,
        For.TEACHING,
        From.STAFF,
        facts="ref session status seen_at left_at reason_code at state decided_at",
        people="by decided_by",
        words="reason answer",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", decided_by=None, decided_at=None)
                | (~Q(state="waiting") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="proposal_decided_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | ~Q(decided_by=F("by")), name="proposal_is_confirmed_by_another"
            ),
        ]
        indexes = [models.Index(fields=["session"], condition=Q(state="waiting"), name="proposal_waiting")]

    def __str__(self) -> str:
        return f"proposal {self.ref} ({self.state})"


class ProposedMark(models.Model):
    """One student of a proposal, and their mark when it was made. It can only be confirmed while the mark is still the same."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="marks")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    before = models.CharField(max_length=24, blank=True)
    before_changed_at = models.DateTimeField(null=True)

    declared = declare("student", Keep.ATTENDANCE, For.TEACHING, From.STAFF, facts="proposal before before_changed_at")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "student"], name="one_proposed_mark_per_student")]

    def __str__(self) -> str:
        return f"{self.student_id} in proposal {self.proposal_id}"


class ReportedPeriodQuerySet(models.QuerySet["ReportedPeriod"]):
    def visible_to(self, access: Access) -> ReportedPeriodQuerySet:
        """Those reported to an authority that the person deals with. Others must not learn who is sponsored or funded."""
        return self.filter(body__in=ReportedPeriod.bodies_of(access))

    def standing(self) -> ReportedPeriodQuerySet:
        """Those not withdrawn."""
        return self.filter(withdrawn_at=None)


class ReportedPeriod(models.Model):
    """A period whose attendance was reported outside: its marks are locked, for one student or for everyone."""

    class Body(models.TextChoices):
        SLC = "slc"
        UKVI = "ukvi"
        OTHER = "other"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    body = models.CharField(max_length=8, choices=Body.choices)
    student = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    reference = models.CharField(max_length=120, blank=True)
    reported_at = models.DateTimeField()
    reported_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    """When it was withdrawn, as entered by mistake: from then on it locks nothing. Corrections noted before stay."""
    withdrawn_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    declared = declare(
        "student",
        Keep.COMPLIANCE,
        For.SPONSOR,
        From.STAFF,
        facts="ref body starts_on ends_on reported_at withdrawn_at",
        people="reported_by withdrawn_by",
        words="reference",
    )

    objects = ReportedPeriodQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="reported_period_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None) | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="withdrawn_period_has_who_and_when",
            ),
        ]
        indexes = [models.Index(fields=["starts_on", "ends_on"], name="reported_period_days")]

    def __str__(self) -> str:
        return f"{self.body} {self.starts_on} to {self.ends_on}"

    @staticmethod
    def bodies_of(access: Access) -> list[ReportedPeriod.Body]:
        """The authorities to which a person with these roles reports."""
        body = ReportedPeriod.Body
        by_role = {Role.COMPLIANCE_SLC: body.SLC, Role.COMPLIANCE_UKVI: body.UKVI}
        own = [one for role, one in by_role.items() if access.holds(role)]
        return [*own, body.OTHER] if own else []


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def visible_to(self, person: Person, access: Access) -> CorrectionQuerySet:
        """Corrections of what was reported to an authority the person deals with, and of classes whose registers they keep."""
        mine = Q(period__body__in=ReportedPeriod.bodies_of(access))
        if access.holds(*KEEPS_REGISTERS):
            mine |= Q(change__session__in=ClassSession.objects.visible_to(person, access).values("pk"))
        return self.filter(mine)


class Correction(models.Model):
    """A change made after its period was reported: the people who report must know of it. Never deleted."""

    change = models.OneToOneField(MarkChange, on_delete=models.PROTECT, related_name="correction", primary_key=True)
    period = models.ForeignKey(ReportedPeriod, on_delete=models.PROTECT, related_name="corrections")
    seen_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """Which of the people who report has taken note."""

    declared = declare(
        "change__student", Keep.COMPLIANCE, For.SPONSOR, From.ADSUM, facts="change period seen_at", people="seen_by"
    )

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(seen_at=None, seen_by=None) | Q(seen_at__isnull=False, seen_by__isnull=False),
                name="correction_seen_has_who_and_when",
            )
        ]

    def __str__(self) -> str:
        return f"correction {self.change_id}"


class Query(models.Model):
    """A student's "my mark is wrong". While open the mark is under query."""

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld"
        DECLINED = "declined"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="queries")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField()
    text = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict)
    """The failed scan it came from, if any: what was refused, and when."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=500, blank=True)
    unsure_at = models.DateTimeField(null=True)
    """When its lecturer said that they cannot say: from then on it is the attendance team's, and still open."""
    unsure_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "student",
        Keep.ATTENDANCE,
        For.TEACHING,
        From.PERSON,
        facts="ref session raised_at evidence state answered_at unsure_at",
        people="answered_by unsure_by",
        words="text answer",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "student"], condition=models.Q(state="open"), name="one_open_query_per_mark"
            )
        ]

    def __str__(self) -> str:
        return f"query {self.ref} ({self.state})"
