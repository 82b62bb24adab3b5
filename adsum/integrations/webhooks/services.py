"""Webhooks are made, changed and ended here; messages to them are written, claimed and settled. `sending` sends them."""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts import applications
from adsum.accounts.application_rules import Scope
from adsum.accounts.application_tables import Application
from adsum.accounts.models import Person
from adsum.audit import services as audit_log
from adsum.audit.reports import next_place, placed_from
from adsum.core import vault
from adsum.core.addresses import split
from adsum.core.errors import AdsumError
from adsum.integrations.webhooks.changed import changed
from adsum.integrations.webhooks.models import Webhook, WebhookDelivery
from adsum.integrations.webhooks.rules import CHOSEN, GONE, OVERLAP, State, Topic, is_taken, next_try, secret_of
from adsum.messages.rules import CLAIM, RETRIES
from adsum.timetable.models import ClassSession

PURPOSE = "webhook-secret/v1"
AT_ONCE = 2_000
"""Events of the log gone through in one transaction."""
SCOPES = {
    Topic.REGISTER: frozenset({Scope.REGISTERS_READ, Scope.CHANGES_READ}),
    Topic.CLASS: frozenset({Scope.CLASSES_READ, Scope.CHANGES_READ}),
}
"""By topic, the scopes of which an application needs one to be told."""
MOST = 5
"""Webhooks of one application."""


class New(NamedTuple):
    """A webhook, and its secret: it is shown this once."""

    webhook: Webhook
    secret: str


def _subject(webhook: Webhook) -> str:
    return f"webhook:{webhook.pk}"


@transaction.atomic
def create(application: Application, url: str, topics: Iterable[Topic], *, by: Person, at: datetime) -> New:
    """Have an application told at an address, from now on. Raises AdsumError `ended`, `url`, `topics`,
    `too_many`."""
    application = Application.objects.select_for_update().get(pk=application.pk)
    _refuse_switched_off(application)
    if Webhook.objects.filter(application=application, ended_at=None).count() >= MOST:
        raise AdsumError("too_many", _("An application has at most five webhooks. End one of them first."))
    secret = secret_of(os.urandom(32))
    made = Webhook.objects.create(
        application=application,
        url=_checked(url),
        topics=_text(application, topics),
        sealed=vault.seal(secret, purpose=PURPOSE),
        position=next_place(),
        made_at=at,
        made_by=by,
    )
    host = split(made.url).hostname or ""
    audit_log.record(
        actor=by.actor,
        verb="webhook.create",
        subject=_subject(made),
        at=at,
        application=application.pk,
        topics=made.topics,
        host=host,
    )
    return New(made, secret)


def _checked(url: str) -> str:
    """The address. Raises AdsumError `url` for one that is not https, or that holds a password."""
    try:
        parts = split(url.strip())
        good = parts.scheme in {"https", *(() if settings.SECURE else ("http",))} and bool(parts.hostname)
        good = good and "@" not in parts.netloc and not parts.fragment
    except ValueError:
        good = False
    if not good or len(url.strip()) > 500:
        raise AdsumError("url", _("Give the whole address, beginning with https:// and without a password in it."))
    return url.strip()


def _text(application: Application, topics: Iterable[Topic]) -> str:
    """Topics as they are kept. Raises AdsumError `topics` for one of which the application may not know."""
    chosen = [one for one in CHOSEN if one in set(topics)]
    if not chosen or any(not SCOPES[one] & application.may for one in chosen):
        raise AdsumError("topics", _("Choose what it is told of, among what the application may read."))
    return " ".join(chosen)


@transaction.atomic
def rotate(webhook: Webhook, *, by: Person, at: datetime) -> New:
    """Give a webhook a new secret. For a day messages are signed with both. Raises AdsumError `ended`, and `rotated`
    within that day: the one before it would stop signing too early."""
    webhook = _live(webhook)
    if webhook.earlier and webhook.earlier_until is not None and at < webhook.earlier_until:
        detail = _(
            "Its secret was changed less than a day ago. Wait until that day is over, or end this webhook and add it anew."
        )
        raise AdsumError("rotated", detail)
    secret = secret_of(os.urandom(32))
    webhook.earlier, webhook.earlier_until = webhook.sealed, at + OVERLAP
    webhook.sealed = vault.seal(secret, purpose=PURPOSE)
    webhook.save(update_fields=["earlier", "earlier_until", "sealed"])
    audit_log.record(actor=by.actor, verb="webhook.rotate", subject=_subject(webhook), at=at)
    return New(webhook, secret)


@transaction.atomic
def end(webhook: Webhook, *, by: Person, at: datetime) -> None:
    """Tell an address no more: what waits for it is dropped. Raises AdsumError `ended`."""
    webhook = _held(webhook)
    _end(webhook, actor=by.actor, at=at, gone=False)


def _end(webhook: Webhook, *, actor: str, at: datetime, gone: bool) -> None:
    webhook.ended_at, webhook.gone, webhook.sealed, webhook.earlier = at, gone, "", ""
    webhook.save(update_fields=["ended_at", "gone", "sealed", "earlier"])
    WebhookDelivery.objects.filter(webhook=webhook, state=State.WAITING).update(state=State.DROPPED)
    audit_log.record(actor=actor, verb="webhook.end", subject=_subject(webhook), at=at, gone=gone)


@transaction.atomic
def switch_off(application: Application, *, by: Person, at: datetime) -> None:
    """Switch an application off for good, with its webhooks. Raises AdsumError `ended`."""
    applications.end(application, by=by, at=at)
    for webhook in Webhook.objects.select_for_update().filter(application=application, ended_at=None).order_by("pk"):
        _end(webhook, actor=by.actor, at=at, gone=False)


def _live(webhook: Webhook) -> Webhook:
    """The webhook, held, of an application that is not switched off. Raises AdsumError `ended`."""
    held = _held(webhook)
    _refuse_switched_off(held.application)
    return held


def _refuse_switched_off(application: Application) -> None:
    if application.ended_at is not None:
        raise AdsumError("ended", _("This application is switched off. Add it anew if it is needed again."))


def _held(webhook: Webhook) -> Webhook:
    held = Webhook.objects.select_for_update(of=("self",)).select_related("application__person").get(pk=webhook.pk)
    if held.ended_at is not None:
        raise AdsumError("ended", _("This webhook is ended. Add it anew if it is needed again."))
    return held


# Messages


@transaction.atomic
def send_test(webhook: Webhook, *, by: Person, at: datetime) -> WebhookDelivery:
    """Have a test sent. Raises AdsumError `ended`."""
    webhook = _live(webhook)
    made = WebhookDelivery.objects.create(webhook=webhook, topic=Topic.TEST, at=at, due_at=at)
    audit_log.record(actor=by.actor, verb="webhook.test", subject=_subject(webhook), at=at)
    return made


@transaction.atomic
def replay(delivery: WebhookDelivery, *, by: Person, at: datetime) -> None:
    """Have a message sent again, with the same id. Raises AdsumError `ended`, and `waiting` for one that is still to leave."""
    webhook = _live(delivery.webhook)
    changed_rows = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(state=State.WAITING)
    if not changed_rows.update(state=State.WAITING, due_at=at, tries=0, sent_at=None, status=None, problem=""):
        raise AdsumError("waiting", _("It is still to be sent. Reload the page to see how it stands."))
    audit_log.record(actor=by.actor, verb="webhook.replay", subject=_subject(webhook), at=at, message=delivery.message)


def write_messages(*, at: datetime) -> int:
    """Write a message for each webhook and class about which something changed since it was last told; how many."""
    return sum(_write(pk, at) for pk in Webhook.objects.filter(ended_at=None).order_by("pk").values_list("pk", flat=True))


def _write(pk: int, at: datetime) -> int:
    made = 0
    while True:
        with transaction.atomic():
            webhook = Webhook.objects.select_for_update(of=("self",)).select_related("application__person").get(pk=pk)
            if webhook.ended_at is not None or webhook.application.ended_at is not None:
                return made
            events = placed_from(webhook.position, AT_ONCE)
            if not events:
                return made
            new = _new(webhook, {(one.topic, one.session): one.at for one in changed(events)}, at)
            WebhookDelivery.objects.bulk_create(new)
            webhook.position = events[-1][0] + 1
            webhook.save(update_fields=["position"])
        made += len(new)
        if len(events) < AT_ONCE:
            return made


def _new(webhook: Webhook, found: dict[tuple[Topic, int], datetime], at: datetime) -> list[WebhookDelivery]:
    """The messages about these classes: of the webhook's topics, as far as its application may know and see."""
    person, may = webhook.application.person, webhook.application.may
    topics = {one for one in webhook.about if SCOPES[one] & may}
    classes = {session for topic, session in found if topic in topics}
    visible = ClassSession.objects.visible_to(person, person.access(at)).filter(pk__in=classes)
    pks = set(visible.values_list("pk", flat=True))
    return [
        WebhookDelivery(webhook=webhook, topic=topic, session_id=session, at=when, due_at=at)
        for (topic, session), when in found.items()
        if topic in topics and session in pks
    ]


@transaction.atomic
def claim(*, at: datetime, most: int) -> list[WebhookDelivery]:
    """Messages that are due, for this worker alone until `CLAIM` is over."""
    due = WebhookDelivery.objects.due(at).select_for_update(skip_locked=True, of=("self",))
    found = list(due.select_related("webhook", "session")[:most])
    WebhookDelivery.objects.filter(pk__in=[one.pk for one in found]).update(due_at=at + CLAIM)
    return found


def is_live(delivery: WebhookDelivery) -> bool:
    """Whether a claimed message is still to be sent (one query)."""
    live = WebhookDelivery.objects.filter(pk=delivery.pk, state=State.WAITING, webhook__ended_at=None)
    return live.filter(webhook__application__ended_at=None).exists()


def give_back(deliveries: Sequence[WebhookDelivery], *, due_at: datetime) -> None:
    """Leave claimed messages for a later run: nothing was tried."""
    WebhookDelivery.objects.filter(pk__in=[one.pk for one in deliveries], state=State.WAITING).update(due_at=due_at)


def secrets_of(webhook: Webhook, *, at: datetime) -> list[str]:
    """The secrets that sign a message now: the current one first. Raises AdsumError `unreadable_secret`."""
    sealed = [webhook.sealed]
    if webhook.earlier and webhook.earlier_until is not None and at < webhook.earlier_until:
        sealed.append(webhook.earlier)
    return [vault.reveal(one, purpose=PURPOSE) for one in sealed]


@transaction.atomic
def settle(delivery: WebhookDelivery, *, status: int | None, problem: str, at: datetime) -> bool:
    """Write down what became of a try; whether the receiver has it. No event: no data of the university changes, except that a
    receiver which answers 410 is told no more."""
    tries = delivery.tries + 1
    taken = status is not None and is_taken(status)
    wait = None if taken else next_try(tries, RETRIES)
    values: dict[str, object] = {"tries": tries, "status": status, "problem": problem[:200]}
    if taken:
        values |= {"state": State.SENT, "sent_at": at}
    elif wait is None:
        values |= {"state": State.FAILED}
    else:
        values |= {"due_at": at + wait}
    WebhookDelivery.objects.filter(pk=delivery.pk, state=State.WAITING).update(**values)
    if status == GONE:
        webhook = Webhook.objects.select_for_update().get(pk=delivery.webhook_id)
        if webhook.ended_at is None:
            _end(webhook, actor="system:webhooks", at=at, gone=True)
    return taken


SOON = timedelta(minutes=1)
"""When messages are tried that had to wait because an earlier one to the same address did not arrive."""
