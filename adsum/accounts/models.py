"""People, what they are called elsewhere, and what they may do."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from adsum.accounts.rules import BY_DEPARTMENT, Access, ContactBy, Purpose, Role, StopReason
from adsum.core.declared import For, From, Keep, about_no_one, declare
from adsum.core.university import civil_date


class PersonManager(BaseUserManager["Person"]):
    """Django's sign-in looks people up by their university e-mail, in any case."""

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(username=(username or "").strip().casefold())


class Person(AbstractBaseUser):
    """A student or a member of staff. `username` is the university e-mail, lower case; it may change, `ref` never does."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    username = models.CharField(max_length=254, unique=True)
    email = models.EmailField(blank=True)
    given_name = models.CharField(max_length=120, blank=True)
    family_name = models.CharField(max_length=120)
    preferred_name = models.CharField(max_length=120, blank=True)
    pronouns = models.CharField(max_length=60, blank=True)
    number = models.CharField(max_length=40, blank=True, db_index=True)
    """Student or staff number, as text: leading zeros stay."""
    language = models.CharField(max_length=8, blank=True)
    is_active = models.BooleanField(default=True)
    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=200, blank=True)
    in_source = models.BooleanField(default=True)
    """What the source last said: it has this person, enabled. Only a change of this opens or closes the account, so that an
    account closed by hand stays closed."""

    declared = declare(
        "id",
        Keep.ACCOUNTS,
        For.SERVICE,
        From.RECORDS,
        names="username email given_name family_name preferred_name number source source_id",
        special="pronouns",
        secrets="password",
        facts="ref language is_active in_source last_login",
        verb="adsum.accounts.erasing.empty_people",
    )

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = PersonManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], condition=~Q(source=""), name="one_person_per_source_id")
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The name the person goes by: the preferred name wins everywhere."""
        return f"{self.preferred_name or self.given_name} {self.family_name}".strip()

    @property
    def actor(self) -> str:
        """How the event log names this person."""
        return f"person:{self.pk}"

    def access(self, at: datetime) -> Access:
        """This person's roles at that instant, and the departments they are held over (one query; two when a role that reaches
        by department is held over some)."""
        held: dict[Role, set[int] | None] = {}
        on = civil_date(at)
        for grant in RoleGrant.objects.filter(person=self).held_on(on):
            role = Role(grant.role)
            if grant.department_id is None or role not in BY_DEPARTMENT:
                held[role] = None
            elif (over := held.setdefault(role, set())) is not None:
                over.add(grant.department_id)
        below = Department.objects.below(pk for over in held.values() if over for pk in over)
        reach = {
            role: None if over is None else frozenset[int]().union(*(below[pk] for pk in over)) for role, over in held.items()
        }
        return Access(on, reach)

    def roles(self, at: datetime) -> frozenset[Role]:
        """This person's roles at that instant, over any department."""
        return self.access(at).roles


class Identifier(models.Model):
    """What another system calls a person. Text, dated; `kind` says which number it is (`spr`, `card`, `oneroster`, …)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identifiers")
    system = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    value = models.CharField(max_length=200)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    declared = declare(
        "person", Keep.ACCOUNTS, For.SERVICE, From.RECORDS, facts="system kind valid_from valid_to", names="value", goes=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["system", "kind", "value"], condition=Q(valid_to=None), name="one_owner_per_identifier"
            )
        ]

    def __str__(self) -> str:
        return f"{self.system}/{self.kind}/{self.value}"


class DepartmentQuerySet(models.QuerySet["Department"]):
    def below(self, departments: Iterable[int]) -> dict[int, frozenset[int]]:
        """For each of these departments, its id and those of all below it (one query; none for no department)."""
        roots = set(departments)
        if not roots:
            return {}
        children: dict[int | None, list[int]] = {}
        for pk, parent in Department.objects.values_list("pk", "parent"):
            children.setdefault(parent, []).append(pk)

        def tree(root: int) -> frozenset[int]:
            found, waiting = set[int](), [root]
            while waiting:
                pk = waiting.pop()
                found.add(pk)
                waiting += children.get(pk, [])
            return frozenset(found)

        return {root: tree(root) for root in roots}


class Department(models.Model):
    """A faculty, school or department: a tree."""

    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    answers_to = models.EmailField(blank=True)
    """Where answers to its students' letters go: a mailbox that somebody reads. Empty: to that of the department above it."""

    declared = about_no_one("parent code name answers_to")

    objects = DepartmentQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class RoleGrantQuerySet(models.QuerySet["RoleGrant"]):
    def held_on(self, on: date) -> RoleGrantQuerySet:
        """Those in force on that day, both ends included."""
        return self.filter(Q(starts_on=None) | Q(starts_on__lte=on), Q(ends_on=None) | Q(ends_on__gte=on))


class RoleGrant(models.Model):
    """One role of one person, over a department (or the whole university when empty), from one day to another."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=32, choices=[(role.value, role.value) for role in Role])
    department = models.ForeignKey(Department, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=40, blank=True)
    """Where the grant came from: an import's source, or '' when given by hand."""

    declared = declare("person", Keep.ACCOUNTS, For.SERVICE, From.RECORDS, facts="role department starts_on ends_on source")

    objects = RoleGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "role", "department", "source"], name="one_grant_per_scope"),
            models.UniqueConstraint(
                fields=["person", "role", "source"], condition=Q(department=None), name="one_grant_everywhere"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.person_id}"


class UsedAssertion(models.Model):
    """A SAML assertion that was used to sign in: it is good for one sign-in. Kept until it is too old to be believed."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    """One-way name of the provider and the assertion's id."""
    expires_at = models.DateTimeField(db_index=True)

    declared = declare(
        "",
        Keep.SIGN_INS,
        For.SERVICE,
        From.BROWSER,
        facts="expires_at",
        secrets="fingerprint",
        goes=True,
        since="expires_at",
        nightly="adsum.accounts.services.forget_sign_ins",
    )

    def __str__(self) -> str:
        return self.fingerprint[:12]


class BreakGlassQuerySet(models.QuerySet["BreakGlass"]):
    def open_to(self, viewer: Person, at: datetime) -> BreakGlassQuerySet:
        """Those of this person that are open at that instant."""
        return self.filter(viewer=viewer, opened_at__lte=at, ends_at__gt=at)


class BreakGlass(models.Model):
    """A student's record, opened for a while by a person outside the usual relationship, and why."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    viewer = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    student = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=32, choices=[(role.value, role.value) for role in Role])
    """The viewer's role at that time; the first of several."""
    purpose = models.CharField(max_length=24, choices=[(purpose.value, purpose.value) for purpose in Purpose])
    reason = models.CharField(max_length=500)
    """In the viewer's words: for the data-protection officer, not for the student."""
    opened_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    """When the data-protection officer had read of it."""
    seen_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    declared = declare(
        "student",
        Keep.LOOKS,
        For.AUDIT,
        From.STAFF,
        facts="ref role purpose opened_at ends_at seen_at",
        people="viewer seen_by",
        words="reason",
        since="opened_at",
    )

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("opened_at")), name="break_glass_ends"),
            models.CheckConstraint(
                condition=Q(seen_at=None, seen_by=None) | Q(seen_at__isnull=False, seen_by__isnull=False),
                name="break_glass_seen_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.viewer_id} opened {self.student_id}: {self.purpose}"


class ContactDetail(models.Model):
    """One way to reach a person, from one day to another. What was entered before stays, ended."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    by = models.CharField(max_length=16, choices=[(way.value, way.value) for way in ContactBy])
    value = models.CharField(max_length=300)
    source = models.CharField(max_length=40, blank=True)
    """Where it came from: an import's source, or '' when a person entered it."""
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    """When its owner last said that it is right."""
    ended_at = models.DateTimeField(null=True)

    declared = declare(
        "person",
        Keep.CONTACT,
        For.SERVICE,
        From.PERSON,
        facts="by source entered_at confirmed_at ended_at",
        people="entered_by",
        names="value",
        goes=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "by"], condition=Q(ended_at=None), name="one_contact_detail_at_a_time")
        ]
        indexes = [models.Index(fields=["person", "by"], name="contact_detail_by_person")]

    def __str__(self) -> str:
        return f"{self.by} of {self.person_id}"


class ContactStop(models.Model):
    """Nobody writes to this person any more, from one instant to another. Whatever sends asks this."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=12, choices=[(reason.value, reason.value) for reason in StopReason])
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    declared = declare("person", Keep.CONTACT, For.SERVICE, From.STAFF, facts="reason at ended_at", people="by ended_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(ended_at=None), name="one_contact_stop_at_a_time"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="contact_stop_ended_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.reason}"


class Generation(models.Model):
    """One row: how often people, roles, groups, places or classes have changed. See `generation`."""

    number = models.PositiveBigIntegerField(default=0)

    declared = about_no_one("number")

    def __str__(self) -> str:
        return str(self.number)
