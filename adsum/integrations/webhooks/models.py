"""Webhooks: where an application wants to be told that something changed, and each message to it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from adsum.accounts.application_tables import Application
from adsum.accounts.models import Person
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.integrations.webhooks.rules import CHOSEN, State, Topic
from adsum.timetable.models import ClassSession


class Webhook(models.Model):
    """An address of an application. It is told of what the application may see, of these topics."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    topics = models.CharField(max_length=200)
    sealed = models.CharField(max_length=300)
    """The secret that signs, encrypted: it must be read again for each message."""
    earlier = models.CharField(max_length=300, blank=True)
    """The one before it, which signs too until then."""
    earlier_until = models.DateTimeField(null=True)
    position = models.BigIntegerField(default=0)
    """The place in the event log from which it has not been told."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    gone = models.BooleanField(default=False)
    """The receiver ended it, by answering 410."""

    declared = about_no_one(
        "ref application url topics earlier_until position made_at ended_at gone", people="made_by", secrets="sealed earlier"
    )

    def __str__(self) -> str:
        return self.url

    @property
    def about(self) -> frozenset[Topic]:
        return frozenset(one for one in CHOSEN if one in self.topics.split())


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, at: datetime) -> DeliveryQuerySet:
        """Those to be sent now, the longest waiting first; none to webhooks or of applications that are over."""
        live = self.filter(webhook__ended_at=None, webhook__application__ended_at=None)
        return live.filter(state=State.WAITING, due_at__lte=at).order_by("due_at", "pk")


class WebhookDelivery(models.Model):
    """One message to a webhook: that something about a class changed. It names nobody."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    topic = models.CharField(max_length=40, choices=[(one.value, one.value) for one in Topic])
    session = models.ForeignKey(ClassSession, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=[(one.value, one.value) for one in State], default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True)
    """What the receiver answered last."""
    problem = models.CharField(max_length=200, blank=True)
    """Why there was no answer, at the last try."""
    sent_at = models.DateTimeField(null=True)

    declared = declare(
        "",
        Keep.NETWORK,
        For.SERVICE,
        From.ADSUM,
        facts="ref webhook topic session at due_at state tries status problem sent_at",
        since="at",
        goes=True,
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="webhook_delivery_due"),
            models.Index(fields=["webhook", "-at"], name="webhook_delivery_latest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at=None)),
                name="sent_webhook_delivery_has_when",
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.ref}: {self.state}"

    @property
    def message(self) -> str:
        """Its id for the receiver, who may be sent it twice: the same at every try."""
        return f"msg_{self.ref.hex}"
