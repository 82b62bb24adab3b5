"""Who a person is at the university's sign-in, and the providers that may say so."""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.accounts.services import end_sign_ins
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError

PROVIDER_SECRETS = frozenset({"secret", "key"})
"""Settings of a provider that are sealed: the client secret of OpenID Connect, the private key of SAML."""
UNUSED, GUEST = "unused", "guest"
"""Keys under which a linked identity notes that it was never used to sign in; and that its provider does not speak for the
person's domain, so that only an administrator's word links it to them."""


@transaction.atomic
def link_identity(
    person: Person,
    *,
    provider: str,
    subject: str,
    issuer: str,
    by: str,
    at: datetime,
    unused: bool = False,
    guest: bool = False,
) -> None:
    """Link a subject of a provider to a person, from now on. One subject per person and provider, for ever: a person who is
    given a former student's name at the provider is not that student.

    `unused`, `guest`: see these constants. Raises AdsumError `known_already` when either side is linked already.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    said = {"iss": issuer} | {name: True for name, true in ((UNUSED, unused), (GUEST, guest)) if true}
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
    told = {"guest": True} if guest else {}
    audit_log.record(actor=by, verb="person.link", subject=person.actor, at=at, provider=provider, **told)


def kept_of(provider: str, subject: str, issuer: str) -> dict[str, object]:
    """What is kept of an identity at each sign-in: its issuer, and whether it is a guest's. It is no longer noted as unused."""
    linked = SocialAccount.objects.filter(provider=provider, uid=subject).first()
    return {"iss": issuer} | ({GUEST: True} if linked and linked.extra_data.get(GUEST) else {})


def spelled(provider: str, subject: str) -> str:
    """A subject that is compared without case, as it was linked; a new one in small letters. (Where two people were linked by
    subjects that differ only in case, each subject means its own person.)"""
    linked = set(SocialAccount.objects.filter(provider=provider, uid__iexact=subject).values_list("uid", flat=True))
    if not linked:
        return subject.casefold()
    return linked.pop() if len(linked) == 1 else subject


@transaction.atomic
def unlink_identity(account: SocialAccount, *, by: str, at: datetime) -> None:
    """Unlink a subject of a provider from its person, and end the person's sign-ins. (The gate's passes end with
    `checkin.services`.)"""
    person = account.user
    account.delete()
    end_sign_ins(person)
    audit_log.record(actor=by, verb="person.unlink", subject=person.actor, at=at, provider=account.provider)


def note_used(account: SocialAccount, issuer: str, *, at: datetime) -> None:
    """Note that a linked identity has signed in. No event: who it is does not change."""
    said = {"iss": issuer} | ({GUEST: True} if account.extra_data.get(GUEST) else {})
    SocialAccount.objects.filter(pk=account.pk).update(last_login=at, extra_data=said)


def use_once(fingerprint: str, *, expires_at: datetime) -> bool:
    """Note that what goes by this one-way name (an assertion, a state, a provider's word that somebody signed out) is used up;
    False when it was already, also when it comes twice at once. (No event: this says nothing about a person.)"""
    with connection.cursor() as cursor:  # in one statement: every sign-in of a morning passes here
        cursor.execute(
            "INSERT INTO adsum_usedassertion (fingerprint, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [fingerprint, connection.ops.adapt_datetimefield_value(expires_at)],
        )
        return bool(cursor.rowcount)


@transaction.atomic
def save_provider(app: SocialApp, *, by: str, at: datetime, **more: int) -> None:
    """Add a sign-in provider, or change its settings. The event names what it is for, never its secrets, and `more`."""
    app.save()
    told = {name: value for name, value in app.settings.items() if name not in PROVIDER_SECRETS}
    audit_log.record(actor=by, verb="provider.save", subject=f"provider:{app.provider_id}"[:96], at=at, settings=told, **more)


@transaction.atomic
def remove_provider(app: SocialApp, *, by: str, at: datetime, **more: int) -> None:
    """Remove a provider: people no longer sign in through it. Its links to people are kept, in case it returns. `more` goes
    with the event."""
    app.delete()
    audit_log.record(actor=by, verb="provider.remove", subject=f"provider:{app.provider_id}"[:96], at=at, **more)
