"""What people are told: the outbox."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from adsum.accounts.models import Person
from adsum.messages.rules import LEFT, UNSEEN, State


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, person: Person) -> MessageQuerySet:
        """What this person reads here, whether or not it has gone out by mail."""
        return self.filter(person=person).exclude(state__in=UNSEEN)

    def due(self, at: datetime) -> MessageQuerySet:
        """Letters to be sent now that no worker is busy with."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=at)
        return self.filter(free, state=State.WAITING, due_at__lte=at)


class Message(models.Model):
    """One thing one person is told, once. Written in the language of the person when it is read or sent; never holds another
    person's name."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """Also its Message-ID, so that a letter sent twice is known to be one."""
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    """What it is about: one of the kinds of `topics.registry`, of which there may be more without a change of this table."""
    version = models.PositiveSmallIntegerField(default=1)
    """Of the wording of its kind, when it was written."""
    key = models.CharField(max_length=120, unique=True)
    """What it tells, and to whom, so that a person is not told the same thing twice."""
    facts = models.JSONField(default=dict)
    """What it says, in no language: ids, codes, times (ISO 8601, UTC), titles of modules and rooms."""
    language = models.CharField(max_length=8)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    """When it is to be sent, or tried again."""
    useful_until = models.DateTimeField()
    """After this it is no longer sent: the class is over."""
    state = models.CharField(max_length=10, choices=[(state.value, state.value) for state in State], default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    """Until then a worker is sending it."""
    sent_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    """What the mail server said the last time it refused, or why a person kept it back."""
    opened_at = models.DateTimeField(null=True)
    """When its reader, signed in, read it here."""

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="sent_message_has_when",
                condition=Q(state__in=sorted(LEFT), sent_at__isnull=False) | (~Q(state__in=sorted(LEFT)) & Q(sent_at=None)),
            )
        ]
        indexes = [
            models.Index(fields=["person", "-created_at"], name="message_by_person"),
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="message_waiting"),
            models.Index(fields=["state", "-created_at"], name="message_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.person_id}: {self.state}"
