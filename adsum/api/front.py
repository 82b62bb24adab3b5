"""Answers that many ask for at once are made once: before Django, in the memory of each process, for a fifth of a second.

A thousand reads a second of one register would else be a thousand times the same work. Whoever asks is known by the token that
was read a moment ago; each call counts, and is limited, as any other. A change that this process makes through the API forgets
everything here before it is answered; a change on a page, or in another process, is seen a fifth of a second later.
"""

from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adsum.api import calls, limits
from adsum.api.callers import Caller
from adsum.api.problems import Problem

START = "/api/v1/"
KEPT_FOR = 0.2
"""Seconds: with those for which a token is believed, less than the second within which an ended one is refused."""
MOST = 1_000
LARGEST = 262_144
TELLS_APART = (b"authorization", b"if-none-match", b"accept-language", b"host")
OWN = (b"ratelimit", b"ratelimit-policy", b"x-request-id")
"""Headers that are of one answer alone."""
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Kept(NamedTuple):
    """An answer, and whose it is."""

    until: float
    caller: Caller
    operation: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


Offered = list[tuple[Caller, str]]
OFFERED = "adsum.again"
"""Where the door puts that an answer may be given again, in the scope of its request."""
Key = tuple[str, bytes, tuple[bytes | None, ...]]


class Front:
    """Stands before Django."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.kept: dict[Key, Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(START):
            await self.app(scope, receive, send)
            return
        if scope["method"] != "GET":
            changes = scope["method"] in CHANGES
            await self.app(scope, receive, self._forgetting(send) if changes else send)
            return
        given = dict(scope["headers"])
        key = (scope["path"], scope["query_string"], tuple(given.get(name) for name in TELLS_APART))
        kept = self.kept.get(key)
        if kept is not None and monotonic() < kept.until:
            await _again(kept, send)
            return
        offered: Offered = []
        await self.app({**scope, OFFERED: offered}, receive, _keeping(self.kept, key, offered, send))

    def _forgetting(self, send: Send) -> Send:
        """What is sent; all that is kept is forgotten before a change is answered. What is being read meanwhile is not kept."""

        async def forget_and_send(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                self.kept = {}
            await send(message)

        return forget_and_send


async def _again(kept: Kept, send: Send) -> None:
    """The kept answer, counted as a call of its own."""
    status, headers, body = kept.status, kept.headers, kept.body
    try:
        told = limits.count(kept.caller.application)
    except Problem as often:
        answer = often.answer()
        status, body, told = answer.status_code, answer.content, {}
        answer["Cache-Control"] = "no-store"
        for name, value in settings.SECURITY_HEADERS.items():
            answer.headers.setdefault(name, value)
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
        headers.append((b"content-length", b"%d" % len(body)))
    calls.note(kept.caller, kept.operation, "GET", status, datetime.now(UTC))
    headers = headers + [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _keeping(kept: dict[Key, Kept], key: Key, offered: Offered, send: Send) -> Send:
    """What is sent, and kept where the door has offered it and it is whole."""
    start: dict[str, Any] = {}

    async def send_and_keep(message: Message) -> None:
        await send(message)
        if message["type"] == "http.response.start":
            start.update(message)
        elif offered and start and not message.get("more_body") and len(message.get("body", b"")) <= LARGEST:
            caller, operation = offered[0]
            if len(kept) >= MOST:
                kept.clear()
            headers = [(name, value) for name, value in start["headers"] if name.lower() not in OWN]
            kept[key] = Kept(monotonic() + KEPT_FOR, caller, operation, start["status"], headers, message.get("body", b""))
            start.clear()

    return send_and_keep
