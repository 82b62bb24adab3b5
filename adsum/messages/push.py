"""Messages on their way to phones, by web push: encrypted for one browser, and handed to the service that carries them."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from time import monotonic

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from adsum.audit.services import record
from adsum.core import keyring, webpush
from adsum.core.addresses import split
from adsum.core.asking import Address, Failure, Unanswered, ask
from adsum.core.errors import AdsumError
from adsum.core.network import is_public, within
from adsum.messages.models import Message, Phone, Push
from adsum.messages.phones import end, reach
from adsum.messages.reports import unread
from adsum.messages.rules import CLAIM, About, retry_after
from adsum.messages.services import ACTOR
from adsum.messages.topics.registry import KINDS, letter_of

AT_ONCE = 50
BESIDE = 8
"""How many are sent at the same time."""
SECONDS = 8.0
"""Until one service is given up for now."""
WHOLE = 40.0
"""Seconds after which the rest waits for the next turn."""
LONGEST = 86_400
"""Seconds for which a service keeps what it cannot deliver."""
GONE = {404, 410}
REFUSED = {400, 401, 403}

log = structlog.get_logger("adsum.push")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is posted for one browser."""

    push: Push
    url: str
    headers: dict[str, str]
    body: bytes


def send_due(clock: Callable[[], datetime]) -> int:
    """Send what is due; how many were taken. Services that do not answer are asked again later, browsers that are gone not."""
    until, sent = monotonic() + WHOLE, 0
    while monotonic() < until and (waiting := _claim(at=clock())):
        parcels = [parcel for push in waiting if (parcel := _packed(push, at=clock()))]
        with ThreadPoolExecutor(BESIDE) as pool:  # the threads speak to services, and never to the database
            for parcel, answer in zip(parcels, pool.map(_post, parcels), strict=True):
                sent += _done(parcel.push, answer, at=clock())
    return sent


@transaction.atomic
def _claim(*, at: datetime) -> list[Push]:
    due = Push.objects.due(at).order_by("due_at", "pk").select_related("message__person", "phone")
    taken = list(due.select_for_update(skip_locked=True, of=("self",))[:AT_ONCE])
    Push.objects.filter(pk__in=[push.pk for push in taken]).update(claimed_until=at + CLAIM)
    return taken


def _packed(push: Push, *, at: datetime) -> Parcel | None:
    """The parcel; None for a message that is of no use any more, was read or taken back, or whose browser cannot be reached."""
    message, phone = push.message, push.phone
    if message.useful_until <= at or not Message.objects.of(message.person).filter(pk=message.pk, opened_at=None).exists():
        Push.objects.filter(pk=push.pk).delete()
        return None
    try:
        key = keyring.push_keys()[phone.kid]
        url, keys = reach(phone)
    except (KeyError, AdsumError):  # a key of ours was retired since
        end(phone, actor=ACTOR, at=at)
        return None
    said = json.dumps(said_of(message), ensure_ascii=False).encode()
    contact = parseaddr(settings.MAIL_REPLY_TO or settings.DEFAULT_FROM_EMAIL)[1]
    seconds = min(LONGEST, int((message.useful_until - at).total_seconds()))
    headers = {
        "Authorization": webpush.authorization(url, key, contact=f"mailto:{contact}", now=int(at.timestamp())),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(seconds),
        "Urgency": "normal",
    }
    own = ec.generate_private_key(webpush.CURVE)
    return Parcel(push, url, headers, webpush.encrypt(said, keys, own=own, salt=os.urandom(16)))


def said_of(message: Message) -> dict[str, object]:
    """What the phone shows, in its reader's language. Phones lie on tables: of reminders, and of what is too weighty to be
    switched off by mail, only that there is one."""
    with translation.override(message.language):
        kind = KINDS[message.kind]
        quiet = kind.formal or not kind.mutable or kind.pushed == About.REMINDERS
        title = _("A message from your university") if quiet else letter_of(message.kind, message.facts).subject
    return {
        "title": title[:200],
        "body": settings.UNIVERSITY,
        "url": f"/messages/{message.ref}/",
        "tag": str(message.ref),
        "unread": unread(message.person),
        "language": message.language,
    }


def _may_ask(address: Address) -> bool:
    return is_public(address) or within(str(address), settings.PUSH_NETWORKS)


def _post(parcel: Parcel) -> int | Failure:
    """The service's status, or why there was none."""
    try:
        return ask(
            parcel.url, method="POST", headers=parcel.headers, body=parcel.body, seconds=SECONDS, most=0, may_ask=_may_ask
        ).status
    except Unanswered as away:
        return away.failure


@transaction.atomic
def _done(push: Push, answer: int | Failure, *, at: datetime) -> bool:
    """Keep what became of it; whether it was taken."""
    mine = Push.objects.filter(pk=push.pk)
    if isinstance(answer, int) and 200 <= answer < 300:
        mine.delete()
        Phone.objects.filter(pk=push.phone_id).update(told_at=at)
        record(actor=ACTOR, verb="message.push", subject=f"message:{push.message.ref}", at=at)
        return True
    if answer in GONE or answer in {Failure.ADDRESS, Failure.NOT_ALLOWED}:
        end(push.phone, actor=ACTOR, at=at)
        return False
    later = isinstance(answer, Failure) or answer == 429 or answer >= 500
    wait = retry_after(push.tries + 1) if later else None
    if answer in REFUSED:  # most likely of our keys or of what we send, so those who run the servers look at it
        url, _keys = reach(push.phone)
        log.error("push.refused", status=answer, host=split(url).hostname)
    if wait is None:
        mine.delete()
    else:
        mine.update(tries=push.tries + 1, due_at=at + wait, claimed_until=None)
    return False
