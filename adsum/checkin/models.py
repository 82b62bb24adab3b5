"""How a mark is earned by scanning: openings, their epochs, displays, scans, and the switches that stop them."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.checkin.rules import REMEMBER_DAYS, AlarmKind, Called, Refusal, Void
from adsum.checkin.slowness import CALM, Sign
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.timetable.models import ClassSession

DISPOSAL = "adsum.checkin.disposal.empty_evidence"
briefly = partial(declare, goes=True, nightly=DISPOSAL)


class Opening(models.Model):
    """Check-in of one class. A class has only one, whatever the number of displays. `handle` is 30 random bits."""

    session = models.OneToOneField(ClassSession, on_delete=models.PROTECT, related_name="opening")
    handle = models.PositiveIntegerField(unique=True)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    opens_at = models.DateTimeField()
    present_until = models.DateTimeField()
    late_until = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    """Set when a lecturer ends check-in before its window does."""
    relieved_at = models.DateTimeField(null=True)
    """When its grace was widened, because genuine codes kept arriving a little too old."""
    ticket_seconds = models.PositiveIntegerField(default=600)
    version = models.BigIntegerField(db_index=True)
    """The gate's version at the last change, by which every worker learns of it within a second."""

    declared = about_no_one(
        "session handle opened_at opens_at present_until late_until stopped_at relieved_at ticket_seconds version",
        people="opened_by",
    )

    def __str__(self) -> str:
        return f"opening of {self.session_id}"


class Epoch(models.Model):
    """A stretch of an opening with one key, period and grace. The latest one is shown; ended ones stay good for their grace."""

    opening = models.ForeignKey(Opening, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveIntegerField()
    kid = models.CharField(max_length=16)
    period_ms = models.PositiveIntegerField()
    grace_ms = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    killed = models.BooleanField(default=False)
    """Whether all its codes were refused at once, because of a leak and not of a change of pace."""
    of_check = models.BooleanField(default=False)
    """Shown for a second check."""

    declared = about_no_one("opening number kid period_ms grace_ms started_at ended_at killed of_check")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opening", "number"], name="one_epoch_per_number")]

    def __str__(self) -> str:
        return f"epoch {self.number} of {self.opening_id}"


class SecondCheck(models.Model):
    """Everyone who is in scans once more, for 90 seconds at some moment of the class. Missing it is a note on the mark and
    changes nothing. A planned one starts by itself, at a moment that no page shows."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    opening = models.ForeignKey(Opening, on_delete=models.PROTECT, related_name="second_checks")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    planned_for = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(null=True)
    """The epoch whose codes count for it; ordinary codes do not."""
    settled_at = models.DateTimeField(null=True)
    void = models.CharField(max_length=10, blank=True, choices=[(void.value, void.value) for void in Void])
    """Why it says nothing about any student; empty when it does."""

    declared = about_no_one("ref opening asked_at planned_for started_at ends_at epoch settled_at void", people="asked_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opening"], condition=Q(settled_at=None), name="one_second_check_at_a_time")
        ]

    def __str__(self) -> str:
        return f"second check {self.ref}"


class CheckAnswer(models.Model):
    """What a second check found of one student who was in when it began. Without `confirmed_at` they are unconfirmed, unless
    a person says that they were there."""

    second_check = models.ForeignKey(SecondCheck, on_delete=models.CASCADE, related_name="answers")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField(null=True)

    declared = briefly(
        "student",
        Keep.SCANS,
        For.FRAUD,
        From.BROWSER,
        facts="second_check confirmed_at seen_at",
        people="seen_by",
        since="second_check__settled_at",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["second_check", "student"], name="one_answer_per_second_check")]

    def __str__(self) -> str:
        return f"{self.student_id} in second check {self.second_check_id}"

    @property
    def unconfirmed(self) -> bool:
        return self.confirmed_at is None and self.seen_by_id is None


class SpotCheck(models.Model):
    """A lecturer calls a few names of those who are in, in random order. It changes no mark."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="spot_checks")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()

    declared = about_no_one("ref session asked_at", people="asked_by")

    def __str__(self) -> str:
        return f"spot check {self.ref}"


class SpotCall(models.Model):
    """One name of a spot check, and what came of it."""

    spot_check = models.ForeignKey(SpotCheck, on_delete=models.CASCADE, related_name="calls")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    place = models.PositiveSmallIntegerField()
    """In which order it is called."""
    result = models.CharField(max_length=9, choices=[(c.value, c.value) for c in Called], default=Called.NOT_ASKED)
    result_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    result_at = models.DateTimeField(null=True)

    declared = briefly(
        "student",
        Keep.SCANS,
        For.FRAUD,
        From.STAFF,
        facts="spot_check place result result_at",
        people="result_by",
        since="spot_check__asked_at",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["spot_check", "student"], name="one_call_per_spot_check")]

    def __str__(self) -> str:
        return f"{self.student_id} called: {self.result}"


class Display(models.Model):
    """One screen showing the code. Holds one class; its credential is kept only as a fingerprint."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    opening = models.ForeignKey(Opening, on_delete=models.CASCADE, related_name="displays")
    slot = models.PositiveSmallIntegerField()
    credential = models.CharField(max_length=64)
    opened_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    """When it was last heard from; empty: not since it was opened."""
    revoked_at = models.DateTimeField(null=True)

    declared = about_no_one("ref opening slot opened_at seen_at revoked_at", people="opened_by", secrets="credential")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opening", "slot"], name="one_display_per_slot")]

    def __str__(self) -> str:
        return f"display {self.slot} of {self.opening_id}"

    @property
    def heard_at(self) -> datetime:
        """The last sign of it."""
        return self.seen_at or self.opened_at


class Kiosk(models.Model):
    """A browser at the front of a class where students without a phone enter their number or card, one at a time, in front of
    the lecturer who opened it. Ends with the class; its credential is kept only as a fingerprint."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    opening = models.ForeignKey(Opening, on_delete=models.CASCADE, related_name="kiosks")
    credential = models.CharField(max_length=64)
    opened_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    wrong = models.PositiveSmallIntegerField(default=0)
    """How many numbers since `wrong_since` belonged to no student of this class."""
    wrong_since = models.DateTimeField(null=True)
    last = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    """The student marked last here, at `last_at`: only this mark can be taken back."""
    last_at = models.DateTimeField(null=True)

    declared = declare(
        "last",
        Keep.ATTENDANCE,
        For.SERVICE,
        From.STAFF,
        facts="ref opening opened_at revoked_at wrong wrong_since last_at",
        people="opened_by",
        secrets="credential",
    )

    def __str__(self) -> str:
        return f"kiosk of {self.opening_id}"


class Pairing(models.Model):
    """A screen waiting to be told which class to show: it shows `code`, the lecturer confirms it on their phone."""

    code = models.CharField(max_length=8, unique=True)
    credential = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    display = models.OneToOneField(Display, null=True, on_delete=models.CASCADE, related_name="pairing")
    kiosk = models.OneToOneField(Kiosk, null=True, on_delete=models.CASCADE, related_name="pairing")
    """The kiosk that the screen became, if it did."""

    declared = declare(
        "",
        Keep.SIGN_INS,
        For.SERVICE,
        From.BROWSER,
        facts="created_at display kiosk",
        secrets="code credential",
        goes=True,
        since="created_at",
        nightly="adsum.checkin.pairing.forget_pairings",
    )

    def __str__(self) -> str:
        return self.code


class Scan(models.Model):
    """Append-only: one attempt to check in, accepted, held or refused, with its evidence. Times are UTC.

    `refusal` is empty for an accepted scan. The evidence has a short life and is emptied after it: null or empty is "no
    longer known". How long a sign-in after the scan took is the time from `first_seen_at` to `finished_at`.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # There is one opening for each class, so checking the foreign key of the class is enough.
    opening = models.ForeignKey(Opening, on_delete=models.PROTECT, related_name="scans", db_index=False, db_constraint=False)
    session = models.ForeignKey(ClassSession, on_delete=models.PROTECT, related_name="scans", db_index=False)
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    ticket = models.UUIDField()
    refusal = models.CharField(max_length=16, blank=True, choices=[(r.value, r.value) for r in Refusal])
    first_seen_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    typed = models.BooleanField(null=True, default=False)
    slot = models.PositiveSmallIntegerField(null=True)
    age_ms = models.IntegerField(null=True)
    """How old the code was when first seen, in milliseconds since its interval began."""
    device = models.CharField(max_length=32, blank=True)
    new_device = models.BooleanField(null=True, default=False)
    network = models.CharField(max_length=8, blank=True)
    network_changed = models.BooleanField(null=True, default=False)
    signed_in_after = models.BooleanField(null=True, default=False)
    agent = models.CharField(max_length=12, blank=True)
    remembered = models.BooleanField(null=True, default=False)
    """Finished without signing in, in a browser that was known."""

    declared = declare(
        "student",
        Keep.ATTENDANCE,
        For.TEACHING,
        From.BROWSER,
        facts="ref opening session ticket refusal first_seen_at finished_at typed slot age_ms device new_device "
        "network network_changed signed_in_after agent remembered",
        sooner={
            Keep.NETWORK: "new_device network network_changed signed_in_after agent remembered",
            Keep.SCANS: "device typed slot age_ms",
        },
        since="first_seen_at",
        nightly=DISPOSAL,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "student"], condition=Q(refusal=""), name="one_accepted_scan_per_student_and_session"
            ),
            models.UniqueConstraint(fields=["ticket"], condition=Q(refusal=""), name="one_use_per_ticket"),
            models.UniqueConstraint(
                fields=["session", "device"], condition=Q(refusal="") & ~Q(device=""), name="one_account_per_device_and_session"
            ),
        ]
        indexes = [
            models.Index(fields=["session", "id"], name="scan_by_session"),
            models.Index(fields=["ticket"], name="scan_by_ticket"),
        ]

    def __str__(self) -> str:
        return f"scan {self.ref} {self.refusal or 'accepted'}"


class HeldDecision(models.Model):
    """A person's decision about a held scan; at most one for each."""

    scan = models.OneToOneField(Scan, on_delete=models.PROTECT, related_name="decision", primary_key=True)
    accepted = models.BooleanField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    declared = declare("scan__student", Keep.ATTENDANCE, For.FRAUD, From.STAFF, facts="scan accepted at", people="by")

    def __str__(self) -> str:
        return f"{'accepted' if self.accepted else 'declined'} {self.scan_id}"


class LateCode(models.Model):
    """An expected student, signed in, whose genuine code was a little too old: counted towards relief, then deleted."""

    opening = models.ForeignKey(Opening, on_delete=models.CASCADE, related_name="+")
    student = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")

    declared = briefly("student", Keep.SCANS, For.SERVICE, From.BROWSER, facts="opening", since="opening__late_until")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opening", "student"], name="one_late_code_per_student")]

    def __str__(self) -> str:
        return f"late code of {self.student_id}"


class TypedTries(models.Model):
    """How many wrong codes a student typed for a class: five, then their lecturer helps."""

    student = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(ClassSession, on_delete=models.CASCADE, related_name="+")
    tries = models.PositiveSmallIntegerField(default=0)

    declared = briefly("student", Keep.SCANS, For.FRAUD, From.BROWSER, facts="session tries", since="session__ends_at")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["student", "session"], name="one_counter_of_tries")]

    def __str__(self) -> str:
        return f"{self.tries} tries of {self.student_id}"


class GateState(models.Model):
    """One row: the gate's version, raised by every change it must know of, and whether check-in is frozen."""

    version = models.BigIntegerField(default=1)
    frozen_at = models.DateTimeField(null=True)
    frozen_reason = models.CharField(max_length=200, blank=True)
    rosters_version = models.BigIntegerField(default=1)
    """The version at which places or groups last changed: registers read before it are read again."""
    remember_days = models.PositiveSmallIntegerField(default=REMEMBER_DAYS)
    """For how many days without use a student's own browser stays known for checking in; 0: for none."""

    declared = about_no_one("version frozen_at rosters_version remember_days", words="frozen_reason")

    def __str__(self) -> str:
        return f"gate at {self.version}"


class RetiredKey(models.Model):
    """A key id whose codes and tickets no longer count."""

    kid = models.CharField(max_length=16, unique=True)
    at = models.DateTimeField()

    declared = about_no_one("kid at")

    def __str__(self) -> str:
        return self.kid


class Alarm(models.Model):
    """Something the gate noticed that an administrator must know of; once an hour for each kind and class."""

    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in AlarmKind])
    opening = models.ForeignKey(Opening, null=True, on_delete=models.CASCADE, related_name="+")
    detail = models.CharField(max_length=80)
    at = models.DateTimeField(db_index=True)

    declared = briefly("", Keep.SCANS, For.FRAUD, From.ADSUM, facts="kind opening detail at", since="at")

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}"


class SlowSpell(models.Model):
    """A time at which signing in was slow, as the servers saw it: tickets of that time live as in an outage."""

    began_at = models.DateTimeField()
    """When it was noticed."""
    seen_at = models.DateTimeField(db_index=True)
    """When it was last noticed."""
    sign = models.CharField(max_length=8, choices=[(sign.value, sign.value) for sign in Sign])
    """By what it was noticed first."""
    seconds = models.PositiveIntegerField()
    """How long half of those who signed in then waited, at the worst."""

    declared = briefly("", Keep.SCANS, For.SERVICE, From.ADSUM, facts="began_at seen_at sign seconds", since="seen_at")

    def __str__(self) -> str:
        return f"slow {self.sign} {self.seconds} s"

    @property
    def until(self) -> datetime:
        """When it is over, unless it is noticed again."""
        return self.seen_at + CALM


class RevokedPass(models.Model):
    """A sign-in (or, with an empty `sign_in`, every sign-in of a person before `at`) that the gate no longer believes."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    sign_in = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()
    version = models.BigIntegerField(db_index=True)

    declared = briefly("person", Keep.NETWORK, For.SERVICE, From.ADSUM, facts="at version", secrets="sign_in", since="at")

    def __str__(self) -> str:
        return f"revoked {self.person_id}"


class KnownBrowser(models.Model):
    """A browser in which a student signed in on the way from a scan. Its sign-in, and what it is remembered for afterwards,
    go by one name and end together."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=32, unique=True)
    """What its pass and its remembered proof call it, as hexadecimal."""
    device = models.CharField(max_length=32)
    """A one-way name of the browser's tag."""
    remembered = models.BooleanField()
    """Known beyond the sign-in itself. Never on a screen or a kiosk."""
    provider = models.CharField(max_length=200, blank=True)
    """The provider that said who it is, by its name in our addresses; empty: a password or passkey here."""
    provider_session = models.CharField(max_length=64, blank=True)
    """A one-way name of the provider's own session, if it told."""
    strong = models.BooleanField()
    """Two factors were proved."""
    user_agent = models.CharField(max_length=200, blank=True)
    session_key = models.CharField(max_length=40, blank=True)
    """The session of its pages, once one was opened."""
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    """When it was last used to check in, to within half a day."""
    ended_at = models.DateTimeField(null=True)
    version = models.BigIntegerField(default=0, db_index=True)
    """The gate's version with which it ended."""

    declared = briefly(
        "person",
        Keep.SIGN_INS,
        For.SERVICE,
        From.BROWSER,
        facts="remembered provider strong user_agent began_at seen_at ended_at version",
        secrets="name device provider_session session_key",
        since="seen_at",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["device"], condition=Q(ended_at=None), name="one_account_at_a_time_per_known_browser"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.name[:8]}"
