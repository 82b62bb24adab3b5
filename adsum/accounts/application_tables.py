"""Applications: systems beside Adsum that read and write through its API, and the tokens by which they are known."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q

from adsum.accounts.application_rules import A_MINUTE, MOST_A_MINUTE, Scope, scopes_of
from adsum.accounts.models import Department, Person
from adsum.core.declared import For, From, Keep, about_no_one, declare


class Application(models.Model):
    """A system of the university, such as its data warehouse. What it does is recorded under an account of its own, with which
    nobody can sign in, and which holds the roles that its scopes rest on over its departments."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """Also its client id (OAuth 2.0)."""
    name = models.CharField(max_length=100, unique=True)
    purpose = models.CharField(max_length=300)
    """What it is for, in words that an auditor reads."""
    person = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="application")
    keeper = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The member of staff who answers for it. Neither they nor whoever added it or made a token for it can be the second person
    for what it proposes, and it cannot change their marks."""
    scopes = models.CharField(max_length=400, blank=True)
    departments = models.ManyToManyField(Department, related_name="+", blank=True)
    """Over which it reaches, those below included; none: the whole university."""
    a_minute = models.PositiveIntegerField(default=A_MINUTE)
    """How many calls it may make in a minute, to each process of the server."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)

    declared = about_no_one(
        "ref name scopes departments a_minute made_at ended_at", people="person keeper made_by", words="purpose"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(a_minute__gte=1, a_minute__lte=MOST_A_MINUTE), name="application_may_call_now_and_then"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def may(self) -> frozenset[Scope]:
        return scopes_of(self.scopes)


class TokenQuerySet(models.QuerySet["ApplicationToken"]):
    def good_at(self, at: datetime) -> TokenQuerySet:
        """Those that are neither over nor ended at that instant, of applications that are not ended."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=at), expires_at__gt=at, application__ended_at=None)


class ApplicationToken(models.Model):
    """One secret of an application. Only its fingerprint is kept: it is shown once, when it is made."""

    class Kind(models.TextChoices):
        TOKEN = "token"  # noqa: S105 - the kind, not one of them
        SECRET = "secret"  # noqa: S105
        """A client secret, which is good only for asking for an access token."""
        ACCESS = "access"
        """An access token that was given for a client secret."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    fingerprint = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    """Its last characters, by which people tell it from others."""
    scopes = models.CharField(max_length=400, blank=True)
    """What an access token was asked for, of what the application may; empty: all of it."""
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """Who made it; empty where the application asked for it itself."""
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    """When it was last used, to the minute."""

    declared = declare(
        "",
        Keep.SIGN_INS,
        For.SERVICE,
        From.STAFF,
        facts="ref application kind hint scopes made_at expires_at ended_at used_at",
        people="made_by",
        secrets="fingerprint",
        since="expires_at",
        goes=True,
        nightly="adsum.accounts.applications.forget_tokens",
    )

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="token_lives_for_a_while")]

    def __str__(self) -> str:
        return f"{self.kind} …{self.hint}"


class ApplicationCalls(models.Model):
    """How often an application called one operation with one answer in one minute. The log of the server has each call."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="calls", db_index=False)
    minute = models.DateTimeField(db_index=True)
    operation = models.CharField(max_length=60)
    status = models.PositiveSmallIntegerField()
    count = models.PositiveIntegerField()

    declared = declare(
        "", Keep.LOOKS, For.AUDIT, From.ADSUM, facts="application minute operation status count", since="minute", goes=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["application", "minute", "operation", "status"], name="calls_once_a_minute")
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.status} × {self.count}"
