"""Limits on what is sent to us: its size, its time, and only text that a database can store."""

import asyncio
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.request import UnreadablePostError
from starlette.types import Message, Receive, Scope, Send

from adsum.checkin.gate.http import RAW_HEADERS
from adsum.web.entered import DIGITS
from adsum.web.middleware import Handler

MOST_BYTES = 30 * 1024 * 1024
"""Of a whole request: the largest file we take, and its form. Without this, uploads could fill the disk before a page looks."""
BODY_SECONDS = 15.0
BYTES_A_SECOND = 32 * 1024
"""How long a body may take: so long, and a second more for each so many bytes that came. A form is there at once, and 25 MB
over a slow line within a quarter of an hour; without a limit, thousands that never come would leave no room for others."""
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
GONE = {"type": "http.disconnect"}
REFUSALS = {
    400: b"Content-Length is no number.",
    408: b"What was to be sent did not arrive in time. Please send it again.",
    413: b"This is more than 30 MB, which is more than we take.",
}


class Bounded:
    """Wraps an application so that it gets at most MOST_BYTES of a request, within the time that a body may take.

    A request that announces more is answered 413 at once; one that sends more unannounced is cut off; one too slow gets 408."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or len(declared) > DIGITS or int(declared) > MOST_BYTES:
            await _refuse(send, 413 if declared.isdigit() else 400)
            return
        body = _Body(receive, send)
        await self.inner(scope, body.receive, body.send)
        if body.late and not body.answered:
            await _refuse(send, 408)


class _Body:
    """One request's body as it arrives. Who waits for one that is too large or too late hears that the browser has gone."""

    __slots__ = ("_receive", "_room", "_send", "_until", "_whole", "answered", "late")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._room = MOST_BYTES
        self._until = asyncio.get_running_loop().time() + BODY_SECONDS
        self._whole = False
        self.late = False
        self.answered = False

    async def receive(self) -> Message:
        if self.late:
            return GONE
        if self._whole:  # from here on only a browser that goes away is listened for, and that may take its time
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.late = True
            return GONE
        arrived = len(message.get("body", b""))
        self._room -= arrived
        self._until += arrived / BYTES_A_SECOND
        self._whole = not message.get("more_body", False)
        return message if self._room >= 0 else GONE

    async def send(self, message: Message) -> None:
        if not self.late or self.answered:  # nothing that was made of half a body
            self.answered = True
            await self._send(message)


async def _refuse(send: Send, status: int) -> None:
    text = REFUSALS[status]
    headers = [*RAW_HEADERS, (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def plain_text(get_response: Handler) -> Handler:
    """No NUL in an address or a form: PostgreSQL keeps none, and no keyboard types one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or _has_nul(request.GET):
            raise BadRequest("NUL in the address")
        if request.method == "POST" and request.content_type in FORMS:
            try:
                if _has_nul(request.POST):
                    raise BadRequest("NUL in the form")
            except UnreadablePostError as gone:  # the sender is no longer there
                raise BadRequest("the form did not arrive") from gone
        return get_response(request)

    return middleware


def _has_nul(fields: QueryDict) -> bool:
    return any("\0" in text for name, values in fields.lists() for text in (name, *values))
