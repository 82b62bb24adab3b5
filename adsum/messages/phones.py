"""Browsers that are told at once, by web push, of what their owners chose; and what waits to be sent to them."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.audit.services import record
from adsum.core import keyring, vault
from adsum.core.addresses import split
from adsum.core.errors import AdsumError
from adsum.core.signing import fingerprint
from adsum.core.webpush import BadKeys, Keys, plain
from adsum.messages.models import Message, Phone, Push
from adsum.messages.rules import MOST_PHONES, About, State, awake
from adsum.messages.topics.registry import KINDS
from adsum.timetable.reports import university_zone

PURPOSE = "push/v1"
LONGEST = 1_000
"""Characters of an address; those of today have about 200."""


def _may_be_asked(endpoint: str) -> bool:
    """Whether it can be the address of a push service: https; or anything where private networks are allowed, as in tests.
    Where its name leads is looked at each time it is asked."""
    where = split(endpoint)
    schemes = {"https", "http"} if settings.PUSH_NETWORKS else {"https"}
    whole = where.scheme in schemes and where.hostname and not where.username and not where.password
    return bool(whole) and len(endpoint) <= LONGEST and endpoint.isascii() and endpoint.isprintable()


@transaction.atomic
def begin(person: Person, *, endpoint: str, public: str, secret: str, wants: Collection[About], at: datetime) -> Phone:
    """Tell this browser of what its owner wants from now on. Another account's browser becomes this person's. Raises AdsumError
    `address` for what no push service gives, `nothing` without anything wanted, `phones` when there are five already."""
    try:
        keys = Keys.read(public, secret)
    except BadKeys as wrong:
        raise _not_an_address() from wrong
    if not _may_be_asked(endpoint):
        raise _not_an_address()
    if not wants:
        raise AdsumError("nothing", _("Tick at least one kind of message."))
    Person.objects.select_for_update().get(pk=person.pk)
    name = fingerprint(endpoint)
    for before in Phone.objects.filter(name=name):
        end(before, actor=person.actor, at=at)
    if Phone.objects.filter(person=person).count() >= MOST_PHONES:
        raise AdsumError("phones", _("Five phones and browsers are told already: stop one of them first."))
    sealed = json.dumps({"endpoint": endpoint, "public": plain(keys.public), "secret": plain(keys.secret)})
    phone = Phone.objects.create(
        person=person,
        name=name,
        sealed=vault.seal(sealed, purpose=PURPOSE),
        kid=next(iter(keyring.push_keys())),
        wants=",".join(sorted(wants)),
        made_at=at,
    )
    record(actor=person.actor, verb="phone.begin", subject=person.actor, at=at, wants=sorted(wants))
    return phone


def _not_an_address() -> AdsumError:
    return AdsumError("address", _("This browser gave no address that messages can be sent to."))


@transaction.atomic
def end(phone: Phone, *, actor: str, at: datetime) -> None:
    """Tell this browser no more: its owner says so, or its push service knows it no more."""
    if Phone.objects.filter(pk=phone.pk).delete()[0]:
        record(actor=actor, verb="phone.end", subject=f"person:{phone.person_id}", at=at)


def reach(phone: Phone) -> tuple[str, Keys]:
    """Where a browser is reached, and its keys."""
    told: Mapping[str, str] = json.loads(vault.reveal(phone.sealed, purpose=PURPOSE))
    return told["endpoint"], Keys.read(told["public"], told["secret"])


def line_up(new: Sequence[Message]) -> None:
    """Have new messages told to the browsers of those who want their kind (a query, where there is such a kind); nothing where
    the phone app is switched off."""
    told = [(one, kind.pushed) for one in new if (kind := KINDS[one.kind]).pushed and one.copy_of_id is None]
    if not told or not settings.PHONE_APP:
        return
    phones: dict[int, list[Phone]] = {}
    for phone in Phone.objects.filter(person__in={message.person_id for message, _about in told}):
        phones.setdefault(phone.person_id, []).append(phone)
    zone = university_zone()
    Push.objects.bulk_create(
        Push(
            message=message,
            phone=phone,
            due_at=message.due_at if message.state == State.WAITING else awake(message.created_at, zone),
        )
        for message, about in told
        for phone in phones.get(message.person_id, ())
        if about in phone.kinds
    )
