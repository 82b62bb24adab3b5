"""What webhooks tell, how a message is signed, and when one is tried again: the Standard Webhooks form. Pure.

Messages hold ids alone, never names or statuses of people: who wants to know more asks the API, with the scopes for it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Topic(StrEnum):
    """What a message is about."""

    REGISTER = "register.changed"
    """Marks of a class changed."""
    CLASS = "class.changed"
    """A class was moved, cancelled, restored or otherwise changed."""
    TEST = "test"
    """Somebody pressed the button."""


CHOSEN = (Topic.REGISTER, Topic.CLASS)
"""Those that a webhook may be for."""


class State(StrEnum):
    """How a message stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """Tried too often. A person may send it again."""
    DROPPED = "dropped"
    """Its webhook was ended before it left."""


OVERLAP = timedelta(days=1)
"""How long messages are signed with the earlier secret too, once there is a new one."""
SECONDS = 10.0
"""The longest that a receiver may take."""
SECRET = "whsec_"  # noqa: S105 - how each begins


def body_of(topic: Topic, at: datetime, session: str) -> bytes:
    """What is sent: the same at every try."""
    data = {"class": session} if session else {}
    told = {"type": topic.value, "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"), "data": data}
    return json.dumps(told, separators=(",", ":")).encode()


def signed(secrets: Iterable[str], message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message: its id, the instant it is sent, and a signature for each of these secrets."""
    stamp = str(int(at.timestamp()))
    content = f"{message}.{stamp}.".encode() + body
    signatures = [base64.b64encode(hmac.new(key_of(one), content, hashlib.sha256).digest()).decode() for one in secrets]
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": " ".join(f"v1,{one}" for one in signatures)}


def key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(SECRET))


def secret_of(key: bytes) -> str:
    """A secret as it is shown, and as libraries for this form take it."""
    return SECRET + base64.b64encode(key).decode()


def is_taken(status: int) -> bool:
    """Whether the receiver has it. A redirect is not followed: it says where else somebody wants it sent."""
    return 200 <= status < 300


GONE = 410
"""The receiver wants no more of these."""


def next_try(tries: int, retries: tuple[timedelta, ...]) -> timedelta | None:
    """How long after the try of that number the next comes; None: it has failed."""
    return retries[tries - 1] if 0 < tries <= len(retries) else None
