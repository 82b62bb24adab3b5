"""The file with everything that is kept about one person."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, declare
from adsum.privacy.models.rights import RightsRequest


class AccessFile(models.Model):
    """What a person asked for, how far it is made, and, for some days, the file itself, encrypted."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"
        DELETED = "deleted"

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    request = models.ForeignKey(RightsRequest, null=True, on_delete=models.PROTECT, related_name="files")
    """The request that it answers, once an officer has looked through everything. Empty: the person's own, at once."""
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    language = models.CharField(max_length=8)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    parts = models.PositiveSmallIntegerField(default=0)
    """How many parts it has, and how many are done."""
    done = models.PositiveSmallIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    """How many texts are not in it: an officer reads them first, or decided against them."""
    rows = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField(default=0)
    """Bytes of the file before it was encrypted."""
    sealed = models.BinaryField(default=b"")
    delete_on = models.DateField(null=True, db_index=True)

    declared = declare(
        "person",
        Keep.RIGHTS,
        For.RIGHTS,
        From.ADSUM,
        facts="ref request asked_at language state parts done left_out rows size delete_on",
        people="asked_by",
        special="sealed",
        verb="adsum.privacy.access_files.empty",
        nightly="adsum.privacy.access_files.forget_files",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state="ready") | Q(sealed=b""), name="only_ready_access_file_has_content")
        ]
        indexes = [models.Index(fields=["person", "-asked_at"], name="access_file_by_person")]

    def __str__(self) -> str:
        return f"access file {self.ref}: {self.state}"
