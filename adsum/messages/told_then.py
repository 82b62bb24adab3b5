"""What a person had been told by an instant, and how far each message had come then."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from adsum.audit.encoding import Facts
from adsum.messages.models import Message

STEPS = {
    "send": "sent",
    "deliver": "delivered",
    "bounce": "bounced",
    "refuse": "refused",
    "hold": "held",
    "withdraw": "withdrawn",
    "retry": "waiting",
    "lapse": "lapsed",
    "stop": "stopped",
}
"""By event, the state that it leaves a message in."""


class ToldThen(NamedTuple):
    """One message, as it stood: `since` is when it came into its state."""

    message: Message
    state: str
    since: datetime
    opened_at: datetime | None


def told_then(messages: Iterable[Message], events: Iterable[Facts], at: datetime) -> list[ToldThen]:
    """These messages, in their order, as they stood. `events`: what the log had of them."""
    last = {event.subject: event for event in events if event.verb.partition(".")[2] in STEPS and event.at <= at}
    found = []
    for one in messages:
        event = last.get(f"message:{one.ref}")
        state = STEPS[event.verb.partition(".")[2]] if event is not None else "written"
        opened = one.opened_at if one.opened_at is not None and one.opened_at <= at else None
        found.append(ToldThen(one, state, event.at if event is not None else one.created_at, opened))
    return found
