"""The event log: who did what, when; and the access log: who looked at whose record. Append-only; ids, never names; no foreign
keys, so it sits below everything. Also how far readers that act on new rows have read.

Events are only inserted. A job gives each its place in a Merkle tree a moment later (docs/adr/0009)."""

from typing import Any

from django.db import models

from adsum.audit.encoding import Differs, Facts, Wrong
from adsum.core.declared import For, From, Keep, about_no_one, declare

LOG = "The log proves what happened, and is never changed. It names people by alias: once that is destroyed, nobody."


class Event(models.Model):
    """One change, written in the same transaction as the change itself."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    """`person:<alias>`, or `system:<part>` for changes that no person asked for."""
    verb = models.CharField(max_length=64)
    subject = models.CharField(max_length=96)
    detail = models.JSONField(default=dict)

    declared = declare("", Keep.FOREVER, For.AUDIT, From.ADSUM, facts="at actor verb subject detail", ground=LOG)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id__gt=0), name="event_ids_begin_at_one")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.verb} {self.subject}"

    @property
    def facts(self) -> Facts:
        return Facts(self.pk, self.at, self.actor, self.verb, self.subject, self.detail)


class Alias(models.Model):
    """The random name by which the event log knows one person. Without this row, the person can no longer be identified.

    The row alone does not identify them either: the person's id is sealed with a key that is kept outside the database.
    """

    token = models.CharField(max_length=26, primary_key=True)
    """What stands after `person:` in events."""
    kid = models.CharField(max_length=16)
    """Which of those keys seals this row."""
    finder = models.CharField(max_length=32, db_index=True)
    """A keyed hash of the person's id, to find the alias by. Not unique: no transaction waits for another to name someone."""
    sealed = models.BinaryField()
    """The person's id, encrypted."""

    declared = declare(
        "",
        Keep.ATTENDANCE,
        For.AUDIT,
        From.ADSUM,
        facts="token kid",
        secrets="finder sealed",
        goes=True,
        verb="adsum.audit.services.erase_all",
    )

    def __str__(self) -> str:
        return self.token


class Leaf(models.Model):
    """An event's place in the tree, given once; and the index by which an auditor finds it."""

    index = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    hash = models.BinaryField()
    at = models.DateTimeField(db_index=True)
    """The event's own time."""
    actor_key = models.BigIntegerField(db_index=True)
    verb_key = models.BigIntegerField(db_index=True)
    subject_key = models.BigIntegerField(db_index=True)
    about_key = models.BigIntegerField(db_index=True)

    declared = about_no_one("index event_id hash at actor_key verb_key subject_key about_key")

    def __str__(self) -> str:
        return f"{self.index}: event {self.event_id}"


class Node(models.Model):
    """One complete node of each eighth level of the tree, so that appending and proving stay cheap."""

    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField()

    declared = about_no_one("level index hash")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="one_node_per_place")]

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class Checkpoint(models.Model):
    """The size and root of the tree at one moment, signed. One with each sealing; those of a day are published."""

    at = models.DateTimeField(db_index=True)
    origin = models.CharField(max_length=120)
    size = models.BigIntegerField(db_index=True)
    root = models.BinaryField()
    kid = models.CharField(max_length=16)
    signature = models.BinaryField()
    published = models.BooleanField(default=False)
    last_event = models.BigIntegerField()
    """The highest id among the events in the tree."""
    complete = models.BooleanField()
    """Whether no other event was waiting for its place at that moment."""
    settled = models.BigIntegerField()
    """Every event up to this id is in the tree, or will never be there: its transaction was rolled back."""

    declared = about_no_one("at origin size root kid signature published last_event complete settled")

    class Meta:
        indexes = [models.Index(fields=["size"], condition=models.Q(published=True), name="published_checkpoints")]

    def __str__(self) -> str:
        return f"{self.size} events at {self.at:%Y-%m-%d %H:%M}"


class Verification(models.Model):
    """One verification of the log, and what it found first."""

    at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=64)
    size = models.BigIntegerField()
    since = models.BigIntegerField(default=0)
    """The place from which it looked: everything before was already verified, as a signed checkpoint says."""
    outside = models.PositiveIntegerField()
    """How many checkpoints kept elsewhere were compared."""
    wrong = models.CharField(max_length=16, blank=True, choices=[(wrong.value, wrong.value) for wrong in Wrong])
    place = models.BigIntegerField(null=True)
    event_id = models.BigIntegerField(null=True)

    declared = about_no_one("at by size since outside wrong place event_id")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}: {self.wrong or 'good'}"


class Reconciliation(models.Model):
    """One comparison of the tables with the log: what was compared, and what was found first."""

    at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=64)
    whole = models.BooleanField()
    """Whether it compared everything; otherwise only classes in which something had happened since the one before."""
    last_event = models.BigIntegerField()
    """Up to which event it looked,"""
    last_step = models.BigIntegerField(default=0)
    """and up to which step of a mark's history."""
    seconds = models.FloatField()
    compared = models.JSONField(default=dict)
    """How many rows of each kind."""
    differs = models.CharField(max_length=16, blank=True, choices=[(one.value, one.value) for one in Differs])
    table = models.CharField(max_length=32, blank=True)
    row = models.BigIntegerField(null=True)
    event_id = models.BigIntegerField(null=True)
    about = models.CharField(max_length=96, blank=True)

    declared = about_no_one("at by whole last_event last_step seconds compared differs table row event_id about")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}: {self.differs or 'good'}"

    @property
    def finding(self) -> dict[str, Any]:
        """What was found first, as letters and pages tell it."""
        return {"differs": self.differs, "table": self.table, "row": self.row, "event": self.event_id, "about": self.about}


class LookSeal(models.Model):
    """The random start of the digest of one day's looks. It is deleted with them, so that the event then reveals nothing."""

    day = models.DateField(primary_key=True)
    """In UTC."""
    salt = models.CharField(max_length=32)

    declared = declare(
        "",
        Keep.LOOKS,
        For.AUDIT,
        From.ADSUM,
        facts="day",
        secrets="salt",
        goes=True,
        since="day",
        nightly="adsum.audit.looks.forget_views",
    )

    def __str__(self) -> str:
        return f"{self.day}"


class AccessLog(models.Model):
    """One look at one person's record, or at the list of one class, by a member of staff. Never changed, and removed only when
    it is old.

    Looks at the same page within ten minutes are one row, so that a page that is reloaded does not fill the log.
    """

    at = models.DateTimeField()
    """The first of the looks."""
    viewer = models.PositiveBigIntegerField()
    """The id of the person who looked."""
    role = models.CharField(max_length=32)
    """The role that opened it."""
    department = models.PositiveBigIntegerField(null=True)
    """The department over which the role is held, where that is what opened it."""
    subject = models.CharField(max_length=96)
    """`person:<id>`; `session:<id>` or `module:<id>` for the list of a class or module."""
    page = models.CharField(max_length=24)
    purpose = models.CharField(max_length=24, blank=True)
    """Why, when it was outside the usual relationship; empty otherwise."""
    slot = models.PositiveIntegerField()
    """Which ten minutes, counted from the epoch."""

    declared = declare(
        "",
        Keep.LOOKS,
        For.AUDIT,
        From.ADSUM,
        facts="at role department page purpose slot",
        people="viewer subject",
        goes=True,
        since="at",
        nightly="adsum.audit.looks.forget_views",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "viewer", "page", "purpose", "slot"], name="one_look_in_ten_minutes")
        ]
        indexes = [models.Index(fields=["at"], name="access_by_time")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} person:{self.viewer} looked at {self.subject} ({self.page})"


class AccessReport(models.Model):
    """What was unusual in the access log of one week, as it was found when the week was over."""

    monday = models.DateField(unique=True)
    made_at = models.DateTimeField()
    findings = models.JSONField()

    declared = declare(
        "", Keep.LOOKS, For.AUDIT, From.ADSUM, facts="monday made_at", people="findings", goes=True, since="made_at"
    )

    def __str__(self) -> str:
        return f"unusual views in the week of {self.monday}"


class Cursor(models.Model):
    """How far one reader has read the rows of a table, each of which it acts on once: every row up to `row` is finished.

    Ids become visible out of order: a row gets its number when it is written, but is seen when it is committed. So the cursor
    moves to an id only long after that id was first seen.
    """

    source = models.CharField(max_length=24, primary_key=True)
    """The name of the reader."""
    row = models.BigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)
    """The highest id there was at `seen_at`."""
    seen_at = models.DateTimeField(null=True)

    declared = about_no_one("source row seen seen_at")

    def __str__(self) -> str:
        return f"{self.source} read up to {self.row}"


class Processed(models.Model):
    """One row above the cursor that is finished: acted on, or found to need nothing. Kept until the cursor is past it."""

    source = models.CharField(max_length=24)
    row = models.BigIntegerField()
    at = models.DateTimeField()

    declared = about_no_one("source row at")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "row"], name="each_row_is_processed_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.row}"


APPEND_ONLY = (Event, Leaf, Node, Checkpoint)
"""Tables whose rows are never changed or removed; Verification and Reconciliation may be tidied."""


def stored(value: bytes | memoryview) -> bytes:
    """Binary columns as bytes: PostgreSQL gives a view."""
    return bytes(value)
