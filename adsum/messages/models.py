"""What people are told: the outbox."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Exists, OuterRef, Q

from adsum.accounts.models import ContactStop, Department, Person
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.messages.report_rules import Ended, Every, Report
from adsum.messages.rules import LEFT, UNSEEN, About, Address, Closed, How, State

WEEK = "week"
"""The kind of the week's letter, which carries what was gathered for it."""


def reader_is_stopped() -> Exists:
    """Whether nobody writes to the reader of a message any more."""
    return Exists(ContactStop.objects.filter(person=OuterRef("person"), ended_at=None))


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, person: Person) -> MessageQuerySet:
        """What this person reads here, whether or not it has gone out by mail: each once, however it was sent."""
        unsent = Q(reader_is_stopped(), sent_at=None)
        return self.filter(person=person, copy_of=None).exclude(state__in=UNSEEN).exclude(kind=WEEK).exclude(unsent)

    def due(self, at: datetime) -> MessageQuerySet:
        """Letters to be sent now that no worker is busy with, to people who may be written to."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=at)
        return self.filter(free, ~reader_is_stopped(), state=State.WAITING, due_at__lte=at)


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
    address = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Address], default=Address.UNIVERSITY)
    copy_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="copies")
    """The message that was not opened, and goes to another address by this one."""
    carrier = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="carried")
    """The week's letter that it goes out with."""
    opened_at = models.DateTimeField(null=True)
    """When its reader, signed in, read it here."""

    declared = declare(
        "person",
        Keep.MESSAGES,
        For.SERVICE,
        From.ADSUM,
        facts="ref kind version key language created_at due_at useful_until state tries claimed_until sent_at "
        "address copy_of carrier opened_at",
        words="facts problem",
    )

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


class MailChoice(models.Model):
    """How one person wants one kind of message by mail, where they chose."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    how = models.CharField(max_length=8, choices=[(how.value, how.value) for how in How])

    declared = declare("person", Keep.CONTACT, For.SERVICE, From.PERSON, facts="kind how", goes=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="one_choice_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.person_id}: {self.how}"


class ReportOrderQuerySet(models.QuerySet["ReportOrder"]):
    def standing(self) -> ReportOrderQuerySet:
        """Those that still come."""
        return self.filter(ended_at=None)


class ReportOrder(models.Model):
    """A report that a person wants by mail: totals and a link."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    what = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Report])
    department = models.ForeignKey(Department, null=True, on_delete=models.CASCADE, related_name="+")
    """Empty: all that its owner may see."""
    every = models.CharField(max_length=5, choices=[(one.value, one.value) for one in Every])
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_as = models.CharField(max_length=10, blank=True, choices=[(one.value, one.value) for one in Ended])

    declared = about_no_one("ref what department every made_at ended_at ended_as", people="owner")

    objects = ReportOrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "what", "department"], condition=Q(ended_at=None), name="one_order_of_a_report"
            ),
            models.UniqueConstraint(
                fields=["owner", "what"], condition=Q(ended_at=None, department=None), name="one_order_of_a_whole_report"
            ),
            models.CheckConstraint(
                name="report_ended_has_how",
                condition=Q(ended_at=None, ended_as="") | (Q(ended_at__isnull=False) & ~Q(ended_as="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} every {self.every} to {self.owner_id}"


class Phone(models.Model):
    """A browser whose owner wants some messages told there at once. Where it is reached, and its keys, are sealed."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64, unique=True)
    """A one-way name of the address: a browser has one owner."""
    sealed = models.TextField()
    kid = models.CharField(max_length=16)
    """The key of ours that it was told to believe."""
    wants = models.CharField(max_length=60)
    """What its owner wants to be told of, with commas between."""
    made_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)

    declared = declare(
        "person",
        Keep.CONTACT,
        For.SERVICE,
        From.PERSON,
        facts="ref kid wants made_at told_at",
        secrets="name sealed",
        goes=True,
    )

    def __str__(self) -> str:
        return f"a phone of {self.person_id}: {self.wants}"

    @property
    def kinds(self) -> frozenset[About]:
        """What its owner wants to be told of."""
        return frozenset(map(About, self.wants.split(",")))


class PushQuerySet(models.QuerySet["Push"]):
    def due(self, at: datetime) -> PushQuerySet:
        """Those to be sent now that no worker is busy with, to people who may be written to."""
        stopped = Exists(ContactStop.objects.filter(person=OuterRef("phone__person"), ended_at=None))
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lte=at), ~stopped, due_at__lte=at)


class Push(models.Model):
    """One message on its way to one browser. The row goes when it was taken, or is of no use any more."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    phone = models.ForeignKey(Phone, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField(db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)

    declared = declare(
        "phone__person", Keep.CONTACT, For.SERVICE, From.ADSUM, facts="message phone due_at tries claimed_until", goes=True
    )

    objects = PushQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "phone"], name="one_push_per_phone")]

    def __str__(self) -> str:
        return f"message {self.message_id} to phone {self.phone_id}"


class HandOver(models.Model):
    """A formal message was opened over no channel: a named person has the task of reaching its reader. Until it is opened, or
    they let it go on, no stage goes on."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message = models.OneToOneField(Message, on_delete=models.PROTECT, related_name="hand_over")
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    due_on = models.DateField()
    """From this day on they may let it go on without a call."""
    closed_at = models.DateTimeField(null=True)
    closed_as = models.CharField(max_length=8, blank=True, choices=[(one.value, one.value) for one in Closed])
    closed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare(
        "message__person",
        Keep.MESSAGES,
        For.SUPPORT,
        From.ADSUM,
        facts="ref message at due_on closed_at closed_as",
        people="owner closed_by",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="hand_over_closed_has_how",
                condition=Q(closed_at=None, closed_as="") | (Q(closed_at__isnull=False) & ~Q(closed_as="")),
            )
        ]
        indexes = [models.Index(fields=["owner", "due_on"], condition=Q(closed_at=None), name="hand_over_open")]

    def __str__(self) -> str:
        return f"message {self.message_id} with {self.owner_id}"
