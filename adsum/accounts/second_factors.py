"""Second factors kept here: authenticator apps, recovery codes and passkeys, added, used and removed."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from adsum.accounts.allauth_internals import TOTP, RecoveryCodes, format_hotp_value, hotp_value
from adsum.accounts.models import Person
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError

DRIFT = 1
"""Steps a phone's clock may be ahead or behind."""
MOST_PASSKEYS = 10
STEP_SECONDS = 30


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
    """Remove one of a person's passkeys; False when they have none with that number. If it was their last second step, their
    recovery codes are removed too."""
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
