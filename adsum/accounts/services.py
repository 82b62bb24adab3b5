"""The only code that changes people, their roles and their ways in; every change leaves one event.

`by` is an actor as the event log names it: `person.actor`, or `system:<part>`.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import BreakGlass, Department, Person, RoleGrant, UsedAssertion
from adsum.accounts.rules import BREAK_GLASS_FOR, STAFF, Access, Purpose, Role, break_glass_refusal, is_guessable
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.university import civil_date

PROVIDER_SECRETS = frozenset({"secret", "key"})
"""Settings of a provider that are sealed: the client secret of OpenID Connect, the private key of SAML."""
UNUSED = "unused"
"""Where a linked identity notes that nobody has signed in with it yet."""
CHANGEABLE = frozenset({"username", "email", "given_name", "family_name", "preferred_name", "pronouns", "number", "language"})


@transaction.atomic
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
        for name in changed:
            setattr(person, name, changes[name])
        person.save(update_fields=changed)
        audit_log.record(actor=by, verb="person.change", subject=person.actor, at=at, fields=changed)


@transaction.atomic
def close_account(person: Person, *, by: str, at: datetime) -> None:
    """The person can no longer sign in, and every sign-in they have ends now. (The gate's passes end with
    `checkin.services`.) Does nothing the second time."""
    changed = Person.objects.filter(pk=person.pk, is_active=True).update(is_active=False)
    person.is_active = False
    end_sign_ins(person)
    if changed:
        audit_log.record(actor=by, verb="person.close", subject=person.actor, at=at)


@transaction.atomic
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
    """A sign-in was used: its owner sees when. No event: nothing of the university's changes."""
    UserSession.objects.filter(session_key=session_key).update(last_seen_at=at)


AT_ONCE = 1_000
"""Sign-ins forgotten in one transaction: nobody's check-in waits long for it."""


def forget_sign_ins(*, at: datetime) -> int:
    """Delete sign-ins whose time is over, what people typed before they were signed in, where they came from and the tries
    that were counted; how many sign-ins there were. No event: nothing of the university's changes."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=at)
    forgotten = 0
    for over in (Session.objects.filter(expire_date__lte=at), UserSession.objects.filter(~Exists(alive))):
        while keys := list(over.values_list("pk", flat=True)[:AT_ONCE]):
            over.model.objects.filter(pk__in=keys).delete()
            forgotten += len(keys)
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


@transaction.atomic
def grant_role(
    person: Person, role: Role, *, by: str, at: datetime, department: Department | None = None,
    starts_on: date | None = None, ends_on: date | None = None, source: str = "",
) -> RoleGrant:  # fmt: skip
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
    audit_log.record(
        actor=by, verb="role.grant", subject=person.actor, at=at, role=role, department=department and department.pk,
        starts_on=str(starts_on or ""), ends_on=str(ends_on or ""),
    )  # fmt: skip
    return grant


@transaction.atomic
def change_role_dates(grant: RoleGrant, *, starts_on: date | None, ends_on: date | None, by: str, at: datetime) -> None:
    """Give a role that was given before other first and last days."""
    RoleGrant.objects.filter(pk=grant.pk).update(starts_on=starts_on, ends_on=ends_on)
    grant.starts_on, grant.ends_on = starts_on, ends_on
    audit_log.record(
        actor=by, verb="role.change", subject=f"person:{grant.person_id}", at=at, role=grant.role,
        department=grant.department_id, starts_on=str(starts_on or ""), ends_on=str(ends_on or ""),
    )  # fmt: skip


@transaction.atomic
def end_role(grant: RoleGrant, *, last_day: date, by: str, at: datetime) -> None:
    """End a role after `last_day` (which is still included)."""
    RoleGrant.objects.filter(pk=grant.pk).update(ends_on=last_day)
    grant.ends_on = last_day
    audit_log.record(
        actor=by, verb="role.end", subject=f"person:{grant.person_id}", at=at, role=grant.role, last_day=str(last_day)
    )


REFUSALS = {
    "not_staff": gettext_lazy("Only members of staff can open the record of a student."),
    "own_record": gettext_lazy("This is your own record. You find it under “My record”."),
    "not_a_student": gettext_lazy("Only students have a record."),
    "needs_reason": gettext_lazy("Say in a few words why you need this record. The data-protection officer reads it."),
}


@transaction.atomic
def break_glass(
    student: Person, *, viewer: Person, access: Access, purpose: Purpose, reason: str, at: datetime
) -> BreakGlass:  # fmt: skip
    """Open a student's record to somebody outside the usual relationship, for half an hour and with a reason.

    Once open it stays what it is: asking again gives the same one. Raises AdsumError `not_staff`, `own_record`,
    `not_a_student` or `needs_reason`.
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
        viewer=viewer, student=student, role=role, purpose=purpose, reason=" ".join(reason.split())[:500], opened_at=at,
        ends_at=at + BREAK_GLASS_FOR,
    )  # fmt: skip
    audit_log.record(
        actor=viewer.actor, verb="record.break_glass", subject=student.actor, at=at, purpose=purpose, ref=str(opened.ref)
    )
    return opened


@transaction.atomic
def note_break_glass_seen(opened: BreakGlass, *, by: Person, at: datetime) -> None:
    """The data-protection officer has read why a record was opened. Said once; a second time changes nothing."""
    if BreakGlass.objects.filter(pk=opened.pk, seen_at=None).update(seen_at=at, seen_by=by):
        audit_log.record(
            actor=by.actor, verb="record.break_glass_seen", subject=f"person:{opened.student_id}", at=at, ref=str(opened.ref)
        )


@transaction.atomic
def replace_roles(
    person: Person, roles: Iterable[tuple[Role, Department | None]], *, source: str, by: str, at: datetime
) -> None:
    """From today this source gives exactly these roles: new ones are granted, ended ones granted again, others end.

    What a role that ends was good for is over at once, so its last day was yesterday. One event per role that changes.
    """
    if not source:
        raise ValueError("grants by hand are not replaced")
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
            audit_log.record(
                actor=by, verb="role.grant", subject=person.actor, at=at, role=grant.role,
                department=department and department.pk, starts_on=str(today), ends_on="",
            )  # fmt: skip
    for (role, _scope), department in wanted.items():
        grant_role(person, role, department=department, starts_on=today, source=source, by=by, at=at)


@transaction.atomic
def link_identity(
    person: Person, *, provider: str, subject: str, issuer: str, by: str, at: datetime, unused: bool = False
) -> None:
    """From now on, this subject of this provider is this person. One subject per person and provider, for ever: who
    was given a former student's name at the provider is not that student.

    `unused`: nobody has signed in with it yet. Raises AdsumError `known_already` when either side is linked already.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    said = {"iss": issuer} | ({UNUSED: True} if unused else {})  # a sign-in leaves the issuer alone
    held = SocialAccount.objects.filter(user=person, provider=provider).first()
    if held and held.uid == subject:
        return
    if held:
        raise AdsumError("known_already", _("This person signs in with another account of that provider. Unlink it first."))
    try:
        with transaction.atomic():
            SocialAccount.objects.create(user=person, provider=provider, uid=subject, extra_data=said)
    except IntegrityError as taken:
        raise AdsumError("known_already", _("That account of the provider already belongs to someone.")) from taken
    audit_log.record(actor=by, verb="person.link", subject=person.actor, at=at, provider=provider)


@transaction.atomic
def unlink_identity(account: SocialAccount, *, by: str, at: datetime) -> None:
    """That subject of a provider is nobody here any more, and the person's sign-ins end. (The gate's passes end with
    `checkin.services`.)"""
    person = account.user
    account.delete()
    end_sign_ins(person)
    audit_log.record(actor=by, verb="person.unlink", subject=person.actor, at=at, provider=account.provider)


@transaction.atomic
def use_assertion(fingerprint: str, *, expires_at: datetime, at: datetime) -> bool:
    """Note that an assertion is used up; False when it was already, also when it comes twice at once. (No event: the
    sign-in has one of its own kind in the log, and this says nothing about anybody.)"""
    UsedAssertion.objects.filter(expires_at__lt=at).delete()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(fingerprint=fingerprint, expires_at=expires_at)
    except IntegrityError:
        return False
    return True


@transaction.atomic
def save_provider(app: SocialApp, *, by: str, at: datetime, **more: int) -> None:
    """Add a sign-in provider, or change its settings. The event names what it is for, never its secrets, and `more`."""
    app.save()
    told = {name: value for name, value in app.settings.items() if name not in PROVIDER_SECRETS}
    audit_log.record(actor=by, verb="provider.save", subject=f"provider:{app.provider_id}"[:96], at=at, settings=told, **more)


@transaction.atomic
def remove_provider(app: SocialApp, *, by: str, at: datetime, **more: int) -> None:
    """Nobody signs in through this provider any more. Who was who there is kept, in case it returns. `more` goes with the
    event."""
    app.delete()
    audit_log.record(actor=by, verb="provider.remove", subject=f"provider:{app.provider_id}"[:96], at=at, **more)


# Codes from an authenticator app (RFC 6238) and recovery codes

STEP_SECONDS = 30
DRIFT = 1
"""Steps a phone's clock may be ahead or behind."""


def matching_step(secret: str, code: str, *, at: datetime) -> int | None:
    """Which 30-second step `code` belongs to, within the drift; None when it does not match."""
    now = int(at.timestamp()) // STEP_SECONDS
    for step in range(now - DRIFT, now + DRIFT + 1):
        if constant_time_compare(format_hotp_value(hotp_value(secret, step)), code):
            return step
    return None


@transaction.atomic
def enable_totp(person: Person, secret: str, *, step: int, by: str, at: datetime) -> list[str]:
    """Ask this person for a code at each sign-in; `step` is that of the code they proved it with.

    Returns the recovery codes, if they are new. Raises AdsumError `known_already` when a phone is set up already.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    if Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).exists():
        raise AdsumError("known_already", _("An authenticator app is set up already. Remove it first."))
    authenticator = TOTP.activate(person, secret).instance
    authenticator.data["step"] = step
    authenticator.save(update_fields=["data"])
    codes = _first_recovery_codes(person)
    audit_log.record(actor=by, verb="person.totp", subject=person.actor, at=at)
    return codes


@transaction.atomic
def disable_totp(person: Person, *, by: str, at: datetime) -> None:
    """No more codes from the phone at sign-in. The recovery codes go too, unless there are passkeys."""
    Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).delete()
    _drop_last_recovery_codes(person)
    audit_log.record(actor=by, verb="person.totp_removed", subject=person.actor, at=at)


@transaction.atomic
def disable_second_step(person: Person, *, by: str, at: datetime) -> None:
    """Take away the authenticator app, every passkey and the recovery codes: the password alone signs this person in."""
    gone = Authenticator.objects.filter(user=person)
    passkeys = gone.filter(type=Authenticator.Type.WEBAUTHN).count()
    gone.delete()
    audit_log.record(actor=by, verb="person.second_step_removed", subject=person.actor, at=at, passkeys=passkeys)


def has_second_step(person: Person) -> bool:
    """Whether this person has an authenticator app or a passkey here."""
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return bool(Authenticator.objects.filter(user=person, type__in=kinds).exists())


def _first_recovery_codes(person: Person) -> list[str]:
    """Recovery codes for a first second step; none when there are some already."""
    if Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).exists():
        return []
    codes: list[str] = RecoveryCodes.activate(person).generate_codes()
    return codes


def _drop_last_recovery_codes(person: Person) -> None:
    if not has_second_step(person):
        Authenticator.objects.filter(user=person).delete()


@transaction.atomic
def new_recovery_codes(person: Person, *, by: str, at: datetime) -> list[str]:
    """Ten new recovery codes; the old ones are void. Raises AdsumError `no_second_step` without a second step."""
    Person.objects.select_for_update().get(pk=person.pk)
    if not has_second_step(person):
        raise AdsumError("no_second_step", _("Set up a second step first; its recovery codes come with it."))
    Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).delete()
    codes = _first_recovery_codes(person)
    audit_log.record(actor=by, verb="person.recovery_codes", subject=person.actor, at=at)
    return codes


# Passkeys: integrations/passkeys.py checks them

MOST_PASSKEYS = 10


@transaction.atomic
def add_passkey(
    person: Person, credential: dict[str, Any], *, key: str, name: str, synced: bool, counter: int, by: str, at: datetime
) -> list[str]:
    """Keep a new passkey as the browser answered; `key` is its id, `synced` whether the owner's other devices have it.

    Returns the recovery codes, if they are new. Raises AdsumError `known_already` when this passkey is known, `too_many` at
    the eleventh.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    held = Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN)
    if held.filter(data__key=key).exists():
        raise AdsumError("known_already", _("This passkey is one of yours already."))
    if held.count() >= MOST_PASSKEYS:
        raise AdsumError("too_many", _("You have ten passkeys. Remove one you no longer use first."))
    data = {"name": name, "credential": credential, "key": key, "synced": synced, "counter": counter}
    Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data=data, created_at=at)
    codes = _first_recovery_codes(person)
    audit_log.record(actor=by, verb="person.passkey", subject=person.actor, at=at, synced=synced)
    return codes


@transaction.atomic
def use_passkey(passkey: Authenticator, *, counter: int, at: datetime) -> bool:
    """Note that a passkey signed with this counter. False when its counter should have grown and did not: there is a copy."""
    kept = Authenticator.objects.select_for_update().get(pk=passkey.pk)
    last = kept.data.get("counter", 0)
    if (counter or last) and counter <= last:
        return False
    kept.data["counter"], kept.last_used_at = counter, at
    kept.save(update_fields=["data", "last_used_at"])
    return True


@transaction.atomic
def remove_passkey(person: Person, passkey: int, *, by: str, at: datetime) -> bool:
    """Take one of a person's passkeys away; False when they have none of that number. The last second step takes the
    recovery codes with it."""
    Person.objects.select_for_update().get(pk=person.pk)
    gone, _each = Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN, pk=passkey).delete()
    if not gone:
        return False
    _drop_last_recovery_codes(person)
    audit_log.record(actor=by, verb="person.passkey_removed", subject=person.actor, at=at, passkey=passkey)
    return True


@transaction.atomic
def use_code(person: Person, code: str, *, at: datetime) -> Authenticator | None:
    """The authenticator `code` belongs to, and use it up: each step and each recovery code works once (RFC 6238, 5.2),
    also when sent twice at once. None when it does not match."""
    code = "".join(code.replace("-", " ").split())
    for authenticator in Authenticator.objects.select_for_update().filter(user=person):
        if authenticator.type == Authenticator.Type.TOTP:
            step = matching_step(decrypt(authenticator.data["secret"]), code, at=at)
            if step is None or step <= authenticator.data.get("step", 0):
                continue
            authenticator.data["step"] = step
            authenticator.save(update_fields=["data"])
            return authenticator
        if authenticator.type == Authenticator.Type.RECOVERY_CODES and authenticator.wrap().validate_code(code):
            audit_log.record(actor=person.actor, verb="person.recovery_code", subject=person.actor, at=at)
            return authenticator
    return None
