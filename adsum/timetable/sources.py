"""Where the timetable comes from: files brought in, feeds polled, and what each of them said."""

from __future__ import annotations

import uuid

from django.db import models

from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.timetable.rules import Change, ImportState, PollOutcome

FORGET = "adsum.timetable.services.forget_imports"


class FeedMapping(models.Model):
    """One source: how its iCalendar fields become module, kind, rooms and groups, its address, and how polling it goes."""

    class Format(models.TextChoices):
        ICALENDAR = "icalendar"
        EVENTS = "events"

    name = models.CharField(max_length=80, unique=True)
    """The source name its classes are stored under."""
    url = models.URLField(max_length=1000, blank=True)
    mapping = models.JSONField(default=dict)
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.ICALENDAR)
    partial = models.BooleanField(default=False)
    """What is not in it stays as it is."""
    every_minutes = models.PositiveIntegerField(null=True, blank=True)
    """Between two polls; empty: fetched only when a person asks."""
    apply_below = models.PositiveSmallIntegerField(default=20)
    """It is applied automatically when at most this percentage of its classes would be cancelled or vanish, and at most as
    many move; 0: never automatically."""
    alarm_hours = models.PositiveIntegerField(default=24)
    """After so long without a success it is stale."""
    etag = models.CharField(max_length=200, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    """Of what was last read from the address."""
    next_poll_at = models.DateTimeField(null=True, blank=True, db_index=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    """Until when one worker has it: a worker that was killed gives it back by this."""
    watched_since = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_change_at = models.DateTimeField(null=True, blank=True)
    """When what it says was last different."""
    failures = models.PositiveIntegerField(default=0)
    """Polls that failed since the last that did not."""
    last_error = models.TextField(blank=True)
    stale_since = models.DateTimeField(null=True, blank=True)
    """Since when there has been an alarm about it."""

    declared = about_no_one(
        "name mapping format partial every_minutes apply_below alarm_hours etag last_modified sha256 "
        "next_poll_at claimed_until watched_since last_success_at last_change_at failures stale_since",
        words="last_error",
        secrets="url",
    )

    def __str__(self) -> str:
        return self.name


class Poll(models.Model):
    """One poll of a feed and its result, in plain words."""

    feed = models.ForeignKey(FeedMapping, on_delete=models.CASCADE, related_name="polls")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=[(o.value, o.value) for o in PollOutcome])
    message = models.TextField(blank=True)
    size = models.PositiveIntegerField(null=True, blank=True)
    """Bytes; empty when the address sent nothing new."""
    import_run = models.ForeignKey("Import", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    declared = about_no_one("feed at outcome size import_run", words="message")

    class Meta:
        indexes = [models.Index(fields=["feed", "-at"], name="poll_newest_first")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.feed_id}"


class Import(models.Model):
    """One file brought in: what it was, what it would do, what it did."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=20)
    """`oneroster`, `events`, `roles` or `icalendar`."""
    source = models.CharField(max_length=40, blank=True)
    filename = models.CharField(max_length=250)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=[(s.value, s.value) for s in ImportState], default=ImportState.WAITING)
    actor = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    stop_reason = models.TextField(blank=True)
    """Why the import was refused or asks before going on, in a sentence."""
    digest = models.CharField(max_length=64, blank=True)
    """Of the diff a person was shown: only that diff is applied."""

    declared = declare(
        "",
        Keep.IMPORTS,
        For.SERVICE,
        From.STAFF,
        facts="ref kind source sha256 options state created_at finished_at done total counts digest",
        people="actor",
        words="filename content stop_reason",
        since="created_at",
        nightly=FORGET,
    )

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="import_newest_first")]

    def __str__(self) -> str:
        return f"{self.kind} {self.filename}"

    @property
    def called(self) -> str:
        """The name of its file; once that is forgotten, what it was and of which day."""
        return self.filename or f"{self.kind}, {self.created_at:%Y-%m-%d}"


class ImportChange(models.Model):
    """One row of the diff a person reads before an import is applied."""

    import_run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="changes")
    change = models.CharField(max_length=12, choices=[(c.value, c.value) for c in Change])
    what = models.CharField(max_length=20)
    """`class`, `person`, `group`, `place`, …"""
    label = models.CharField(max_length=250)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    declared = declare(
        "",
        Keep.IMPORTS,
        For.SERVICE,
        From.RECORDS,
        facts="import_run change what",
        words="label before after",
        goes=True,
        since="import_run__created_at",
        nightly=FORGET,
    )

    class Meta:
        indexes = [models.Index(fields=["import_run", "change"], name="import_change_by_kind")]

    def __str__(self) -> str:
        return f"{self.change} {self.what} {self.label}"


class ImportProblem(models.Model):
    """One row that could not be used: where it is, what is wrong, what to do. The row itself is kept.

    A `notice` is only information: the row was used. Line 0 means the whole file.
    """

    import_run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems")
    file = models.CharField(max_length=120, blank=True)
    line = models.PositiveIntegerField()
    code = models.CharField(max_length=40)
    message = models.TextField()
    row = models.TextField(blank=True)
    notice = models.BooleanField(default=False)

    declared = declare(
        "",
        Keep.IMPORTS,
        For.SERVICE,
        From.RECORDS,
        facts="import_run file line code notice",
        words="message row",
        goes=True,
        since="import_run__created_at",
        nightly=FORGET,
    )

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.code}"
