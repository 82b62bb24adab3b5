"""What is sent to our pages: no more than we take, and text that a database takes."""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.request import UnreadablePostError
from starlette.types import Message, Receive, Scope, Send

from adsum.checkin.gate.http import RAW_HEADERS
from adsum.web.middleware import Handler

MOST_BYTES = 30 * 1024 * 1024
"""Of a whole request: the largest file we take, and its form. Without this, uploads could fill the disk before a page looks."""
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


class Bounded:
    """An application that hears no more than MOST_BYTES of a request: one that announces more is answered 413 at once, one that
    sends more unannounced is cut off."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > MOST_BYTES:
            await _refuse(send, 413 if declared.isdigit() else 400)
            return
        room = MOST_BYTES

        async def receive_within() -> Message:
            nonlocal room
            message = await receive()
            room -= len(message.get("body", b""))
            return message if room >= 0 else {"type": "http.disconnect"}

        await self.inner(scope, receive_within, send)


async def _refuse(send: Send, status: int) -> None:
    text = b"This is more than 30 MB, which is more than we take." if status == 413 else b"Content-Length is no number."
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
            except UnreadablePostError as gone:  # whoever sent it is no longer there
                raise BadRequest("the form did not arrive") from gone
        return get_response(request)

    return middleware


def _has_nul(fields: QueryDict) -> bool:
    return any("\0" in text for name, values in fields.lists() for text in (name, *values))
