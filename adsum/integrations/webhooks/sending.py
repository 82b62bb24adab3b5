"""Sends the messages of webhooks that are due: with the one HTTP client, to the address that was looked up, following nothing,
and without reading what is answered."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic

from django.conf import settings

from adsum.core.asking import Address, Failure, Unanswered, ask
from adsum.core.errors import AdsumError
from adsum.core.network import is_public, within
from adsum.integrations.webhooks import services
from adsum.integrations.webhooks.models import WebhookDelivery
from adsum.integrations.webhooks.rules import SECONDS, Topic, body_of, signed

AT_ONCE = 50
LONGEST = 45.0
"""Seconds after which one run begins no further message: the next run is near, and no job runs for long."""
SLOW = 2.0
"""Seconds: a receiver that takes longer comes last for the rest of the run, even where it takes what it is sent."""


def may_ask(address: Address) -> bool:
    """Public addresses, and the private networks that an administrator has named."""
    return is_public(address) or within(str(address), settings.FEED_NETWORKS)


def send_due(clock: Callable[[], datetime]) -> int:
    """Send what is due; how many messages were taken. An address that did not take one is left alone until the next run, and
    one that took its time comes last in this one, so that a slow receiver keeps nobody else waiting."""
    ends, taken = monotonic() + LONGEST, 0
    away, slow = set[int](), set[int]()
    last: list[WebhookDelivery] = []
    while monotonic() < ends and (found := services.claim(at=clock(), most=AT_ONCE)):
        later = []
        for one in found:
            if one.webhook_id in away or monotonic() >= ends:
                later.append(one)
            elif one.webhook_id in slow:
                last.append(one)
            else:
                taken += _in_time(one, clock, away, slow)
        services.give_back(later, due_at=clock() + services.SOON)
    later = []
    for one in last:
        if one.webhook_id in away or monotonic() >= ends:
            later.append(one)
        else:
            taken += _in_time(one, clock, away, slow)
    services.give_back(later, due_at=clock() + services.SOON)
    return taken


def _in_time(delivery: WebhookDelivery, clock: Callable[[], datetime], away: set[int], slow: set[int]) -> int:
    """One try, unless its webhook was ended meanwhile; how many were taken. Where it was not taken the receiver is `away`,
    where that took long, `slow`."""
    if not services.is_live(delivery):
        return 0
    began = monotonic()
    taken = _send(delivery, clock)
    if not taken:
        away.add(delivery.webhook_id)
    elif monotonic() - began > SLOW:
        slow.add(delivery.webhook_id)
    return int(taken)


def _send(delivery: WebhookDelivery, clock: Callable[[], datetime]) -> bool:
    """One try. Whether the receiver has it."""
    session = str(delivery.session.ref) if delivery.session else ""
    body = body_of(Topic(delivery.topic), delivery.at, session)
    status, problem = None, ""
    at = clock()
    try:
        headers = signed(services.secrets_of(delivery.webhook, at=at), delivery.message, at, body)
        headers["Content-Type"] = "application/json"
        status = ask(
            delivery.webhook.url, method="POST", headers=headers, body=body, seconds=SECONDS, most=0, may_ask=may_ask
        ).status
    except Unanswered as wrong:
        problem = PROBLEMS.get(wrong.failure, "unreachable")
    except AdsumError as wrong:
        problem = str(wrong.code)
    return services.settle(delivery, status=status, problem=problem, at=clock())


PROBLEMS = {
    Failure.ADDRESS: "address",
    Failure.NOT_ALLOWED: "not_allowed",
    Failure.CERTIFICATE: "certificate",
    Failure.SLOW: "slow",
    Failure.UNREADABLE: "unreadable",
}
"""What is kept of why there was no answer: a word, never what the other side said."""
