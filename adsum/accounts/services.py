"""The only code that changes people, their roles and their ways in; every change leaves one event.

`by` is an actor as the event log names it: `person.actor`, or `system:<part>`.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.generation import raise_generation, raises_generation
from adsum.accounts.models import BreakGlass, Department, Person, RoleGrant, UsedAssertion
from adsum.accounts.rules import BREAK_GLASS_FOR, STAFF, Access, Purpose, Role, break_glass_refusal, is_guessable
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date

CHANGEABLE = frozenset({"username", "email", "given_name", "family_name", "preferred_name", "pronouns", "number", "language"})


@raises_generation
def create_person(*, username: str, family_name: str, by: str, at: datetime, **more: Any) -> Person:
    """Add one person, without a way in yet. `more`: given_name, email, number, source, source_id, and so on.

    Raises AdsumError `known_already` when the e-mail or the source's id is someone's already.
    """
    person = Person(username=username.strip().casefold(), family_name=family_name, **more)
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as taken:
        raise AdsumError("known_already", f"{person.username} is already someone's university e-mail.") from taken
    audit_log.record(actor=by, verb="person.create", subject=person.actor, at=at, source=person.source)
    return person


@transaction.atomic
def update_person(person: Person, *, by: str, at: datetime, **changes: str) -> None:
    """Change what a person is called. The event names the fields, never their contents."""
    if unknown := changes.keys() - CHANGEABLE:
        raise ValueError(f"not changed here: {', '.join(sorted(unknown))}")
    changed = sorted(name for name, value in changes.items() if getattr(person, name) != value)
    if changed:
        raise_generation()
        for name in changed:
            setattr(person, name, changes[name])
        person.save(update_fields=changed)
        audit_log.record(actor=by, verb="person.change", subject=person.actor, at=at, fields=changed)


@transaction.atomic
def set_answers_to(department: Department, address: str, *, by: str, at: datetime) -> None:
    """Have answers to letters go to another address. Does nothing where it is the one there was."""
    if Department.objects.filter(pk=department.pk).exclude(answers_to=address).update(answers_to=address):
        audit_log.record(actor=by, verb="department.answers_to", subject=f"department:{department.pk}", at=at)


@raises_generation
def close_account(person: Person, *, by: str, at: datetime) -> None:
    """The person can no longer sign in, and every sign-in they have ends now. (The gate's passes end with
    `checkin.services`.) Does nothing the second time."""
    changed = Person.objects.filter(pk=person.pk, is_active=True).update(is_active=False)
    person.is_active = False
    end_sign_ins(person)
    if changed:
        audit_log.record(actor=by, verb="person.close", subject=person.actor, at=at)


@raises_generation
def reopen_account(person: Person, *, by: str, at: datetime) -> None:
    """Let a person whose account was closed sign in again. Does nothing when it is open."""
    changed = Person.objects.filter(pk=person.pk, is_active=False).update(is_active=True)
    person.is_active = True
    if changed:
        audit_log.record(actor=by, verb="person.reopen", subject=person.actor, at=at)


def end_sign_ins(person: Person) -> None:
    """End every sign-in of a person, in all browsers."""
    for sign_in in UserSession.objects.filter(user=person):
        sign_in.end()


@transaction.atomic
def end_sign_in(person: Person, sign_in: UserSession, *, by: str, at: datetime) -> None:
    """End one sign-in of a person. (Its pass at the gate ends with `checkin.services.revoke_passes`.)"""
    sign_in.end()
    audit_log.record(actor=by, verb="person.sign_in_ended", subject=person.actor, at=at, began=sign_in.created_at.isoformat())


def note_seen(session_key: str | None, *, at: datetime) -> None:
    """Note that a sign-in was used, so that its owner sees when. No event: no data of the university changes."""
    UserSession.objects.filter(session_key=session_key).update(last_seen_at=at)


def last_seen(session_key: str | None) -> datetime | None:
    """When a sign-in was last used (one query)."""
    seen: datetime | None = UserSession.objects.filter(session_key=session_key).values_list("last_seen_at", flat=True).first()
    return seen


PROVIDER_SESSION = "provider_session"
"""Where a sign-in keeps the one-way name of the provider's own session, if it told."""


def note_provider_session(session_key: str | None, name: str) -> None:
    """Note in which session of its provider a sign-in was made. No event: no data of the university changes."""
    UserSession.objects.filter(session_key=session_key).update(data={PROVIDER_SESSION: name})


AT_ONCE = 1_000
"""Sign-ins forgotten in one transaction: few enough that check-in does not wait long for it."""


def forget_sign_ins(*, at: datetime) -> int:
    """Delete sign-ins whose time is over, what people typed before they were signed in, where they came from and the tries
    that were counted. Returns how many sign-ins were deleted. No event: no data of the university changes."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=at)
    forgotten = 0
    for over in (Session.objects.filter(expire_date__lte=at), UserSession.objects.filter(~Exists(alive))):
        while keys := list(over.values_list("pk", flat=True)[:AT_ONCE]):
            over.model.objects.filter(pk__in=keys).delete()
            forgotten += len(keys)
    UsedAssertion.objects.filter(expires_at__lt=at).delete()  # by now nobody would believe them
    with connection.cursor() as cursor:  # Django empties this table only when it is full
        cursor.execute("DELETE FROM adsum_cache WHERE expires < %s", [connection.ops.adapt_datetimefield_value(at)])
    return forgotten


@transaction.atomic
def set_password(person: Person, password: str, *, by: str, at: datetime) -> None:
    """Give a person a local account, or a new password for it; sign-ins made with the old one end.

    Raises AdsumError `weak_password` with what to do.
    """
    try:
        validate_password(password, person)
    except ValidationError as weak:
        raise AdsumError("weak_password", " ".join(weak.messages)) from weak
    known = f"{settings.UNIVERSITY} {person.username} {person.given_name} {person.family_name} {person.preferred_name}"
    if is_guessable(password, re.split(r"[\W_]+", known)):
        message = _(
            "That is mostly words anyone would try: your name, or the university’s. Add words that only you would choose."
        )
        raise AdsumError("weak_password", message)
    person.set_password(password)
    person.save(update_fields=["password"])
    audit_log.record(actor=by, verb="person.password", subject=person.actor, at=at)


@raises_generation
def grant_role(
    person: Person,
    role: Role,
    *,
    by: str,
    at: datetime,
    department: Department | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    source: str = "",
) -> RoleGrant:
    """Give a role, over a department or everywhere, from one day to another (both included, None: open).

    Raises AdsumError `known_already` when the same source has granted it already.
    """
    try:
        with transaction.atomic():
            grant = RoleGrant.objects.create(
                person=person, role=role, department=department, starts_on=starts_on, ends_on=ends_on, source=source
            )
    except IntegrityError as taken:
        raise AdsumError("known_already", f"{person} holds this role there already. Change its dates.") from taken
    audit_log.record_all([entry_of(grant, "role.grant")], actor=by, at=at)
    return grant


def entry_of(grant: RoleGrant, verb: str) -> audit_log.Entry:
    """The event for a role that was given, changed or ended: it holds everything in the role's row."""
    told = {
        "role": grant.role,
        "department": grant.department_id,
        "starts_on": str(grant.starts_on or ""),
        "ends_on": str(grant.ends_on or ""),
        "source": grant.source,
    }
    return audit_log.Entry(verb, f"person:{grant.person_id}", told)


@raises_generation
def change_role_dates(grant: RoleGrant, *, starts_on: date | None, ends_on: date | None, by: str, at: datetime) -> None:
    """Give a role that was given before other first and last days."""
    RoleGrant.objects.filter(pk=grant.pk).update(starts_on=starts_on, ends_on=ends_on)
    grant.starts_on, grant.ends_on = starts_on, ends_on
    audit_log.record_all([entry_of(grant, "role.change")], actor=by, at=at)


@raises_generation
def end_role(grant: RoleGrant, *, last_day: date, by: str, at: datetime) -> None:
    """End a role after `last_day` (which is still included)."""
    RoleGrant.objects.filter(pk=grant.pk).update(ends_on=last_day)
    grant.ends_on = last_day
    audit_log.record_all([entry_of(grant, "role.end")], actor=by, at=at)


REFUSALS = {
    "not_staff": gettext_lazy("Only members of staff can open the record of a student."),
    "own_record": gettext_lazy("This is your own record. You find it under “Your attendance”."),
    "not_a_student": gettext_lazy("Only students have a record."),
    "needs_reason": gettext_lazy("Say in a few words why you need this record. The data-protection officer reads it."),
}


@transaction.atomic
def break_glass(student: Person, *, viewer: Person, access: Access, purpose: Purpose, reason: str, at: datetime) -> BreakGlass:
    """Open a student's record to a person outside the usual relationship, for half an hour and with a reason.

    While one is open, asking again returns that one unchanged. Raises AdsumError `not_staff`, `own_record`, `not_a_student` or
    `needs_reason`.
    """
    is_student = RoleGrant.objects.filter(person=student, role=Role.STUDENT).exists()
    own = student.pk == viewer.pk
    if refusal := break_glass_refusal(roles=access.roles, own=own, is_student=is_student, reason=reason):
        raise AdsumError(refusal, str(REFUSALS[refusal]))
    Person.objects.select_for_update().get(pk=viewer.pk)
    if opened := BreakGlass.objects.open_to(viewer, at).filter(student=student).first():
        return opened
    role = next(role for role in Role if role in access.roles & STAFF)
    opened = BreakGlass.objects.create(
        viewer=viewer,
        student=student,
        role=role,
        purpose=purpose,
        reason=" ".join(reason.split())[:500],
        opened_at=at,
        ends_at=at + BREAK_GLASS_FOR,
    )
    audit_log.record(
        actor=viewer.actor, verb="record.break_glass", subject=student.actor, at=at, purpose=purpose, ref=str(opened.ref)
    )
    return opened


@transaction.atomic
def note_break_glass_seen(opened: BreakGlass, *, by: Person, at: datetime) -> None:
    """Note that the data-protection officer has read why a record was opened. A second time changes nothing."""
    if BreakGlass.objects.filter(pk=opened.pk, seen_at=None).update(seen_at=at, seen_by=by):
        audit_log.record(
            actor=by.actor, verb="record.break_glass_seen", subject=f"person:{opened.student_id}", at=at, ref=str(opened.ref)
        )


def _has_just(person: Person, roles: Iterable[tuple[Role, Department | None]], source: str, today: date) -> bool:
    """Whether a source already gives exactly these roles."""
    grants = RoleGrant.objects.filter(person=person, source=source).exclude(ends_on__lt=today)
    wanted = {(str(role), department.pk if department else None) for role, department in roles}
    return set(grants.values_list("role", "department")) == wanted


@transaction.atomic
def replace_roles(
    person: Person, roles: Iterable[tuple[Role, Department | None]], *, source: str, by: str, at: datetime
) -> None:
    """Make this source give exactly these roles from today: new ones are granted, ended ones granted again, others end.

    A role that ends must stop at once, so its last day is yesterday. One event per role that changes.
    """
    if not source:
        raise ValueError("grants by hand are not replaced")
    if _has_just(person, roles := list(roles), source, civil_date(at)):
        return
    raise_generation()
    Person.objects.select_for_update().get(pk=person.pk)
    today = civil_date(at)
    wanted = {(role, department.pk if department else None): department for role, department in roles}
    for grant in RoleGrant.objects.filter(person=person, source=source):
        scope = (Role(grant.role), grant.department_id)
        over = grant.ends_on is not None and grant.ends_on < today
        if scope not in wanted:
            if not over:
                end_role(grant, last_day=today - timedelta(days=1), by=by, at=at)
            continue
        department = wanted.pop(scope)
        if over:
            RoleGrant.objects.filter(pk=grant.pk).update(starts_on=today, ends_on=None)
            grant.starts_on, grant.ends_on = today, None
            audit_log.record_all([entry_of(grant, "role.grant")], actor=by, at=at)
    for (role, _scope), department in wanted.items():
        grant_role(person, role, department=department, starts_on=today, source=source, by=by, at=at)


# Codes from an authenticator app (RFC 6238) and recovery codes


# Passkeys: integrations/passkeys.py checks them
