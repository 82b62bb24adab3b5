"""Requests and answers of the gate. It handles only the HTTP that its doors need, for thousands of requests a second."""

import asyncio
from functools import lru_cache
from urllib.parse import parse_qs

from csp.utils import build_policy
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from starlette.responses import Response
from starlette.types import Receive, Scope

from adsum.core import addresses

HEADERS = {**settings.SECURITY_HEADERS, "Content-Security-Policy": build_policy(), "Cache-Control": "no-store"}
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
CAMERA_POLICY = build_policy(update={"script-src": ["'wasm-unsafe-eval'"]}).encode()
"""For the one page with a camera: its decoder is WebAssembly where the browser has no decoder built in."""
COOKIE_RULES = f"; Path=/; HttpOnly; SameSite=Lax{'; Secure' if settings.SECURE else ''}"
TICKET_COOKIE = f"{settings.COOKIE_PREFIX}adsum_ticket"
PASS_COOKIE = f"{settings.COOKIE_PREFIX}adsum_pass"
DEVICE_COOKIE = f"{settings.COOKIE_PREFIX}adsum_device"
KNOWN_COOKIE = f"{settings.COOKIE_PREFIX}adsum_known"
"""Proof that this browser is known for checking in."""
SHARED_COOKIE = f"{settings.COOKIE_PREFIX}adsum_shared"
"""This browser has been a screen or a kiosk: it belongs to a room, and is never known as anybody's."""
PROVIDER_COOKIE = f"{settings.COOKIE_PREFIX}adsum_provider"
"""Where this browser last signed in, by its name in our addresses."""
SCHEME = settings.ORIGIN.partition("://")[0]
"""The scheme of our public address; a proxy in front may still reach us by http."""
BODY_LIMIT = 8_192
FORM_SECONDS = 15.0
"""How long the whole of a form may take to arrive: it is a few hundred bytes."""
MOST_OF_A_HEADER = 500
"""Bytes that are looked at. Headers are remembered for the next request, and anyone can send any header."""


class NeverCame(Exception):
    """A form did not arrive in its time."""


class Ask:
    """One request, its headers and cookies read in one pass."""

    __slots__ = ("_headers", "_receive", "cookies", "device_tag", "path", "peer")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.path: str = scope["path"]
        self.peer: str = scope["client"][0] if scope.get("client") else ""
        self.cookies: dict[str, str] = {}
        self._receive = receive
        self._headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name == b"cookie":  # HTTP/2 may send several
                for part in value.decode("latin-1").split(";"):
                    cookie, _, text = part.partition("=")
                    self.cookies[cookie.strip()] = text.strip()
            else:
                self._headers[name] = value
        self.device_tag = self.cookies.get(DEVICE_COOKIE, "")[:64]
        """The name this browser was given at its first scan; '' before it."""

    def header(self, name: bytes) -> str:
        """The beginning of the last header of this lower-case name; '' without one."""
        return self._headers.get(name, b"")[:MOST_OF_A_HEADER].decode("latin-1")

    @property
    def forwarded_for(self) -> str:
        """The end of X-Forwarded-For: what the nearest proxies added."""
        return self._headers.get(b"x-forwarded-for", b"")[-MOST_OF_A_HEADER:].decode("latin-1")

    async def form(self) -> dict[str, str]:
        """The fields of a form; empty when it is larger than any of ours. Raises NeverCame when it does not arrive."""
        try:
            async with asyncio.timeout(FORM_SECONDS):
                return await self._form()
        except TimeoutError as late:
            raise NeverCame from late

    async def _form(self) -> dict[str, str]:
        body = b""
        while True:
            message = await self._receive()
            body += message.get("body", b"")
            if len(body) > BODY_LIMIT or message["type"] == "http.disconnect":
                return {}
            if not message.get("more_body", False):
                return {name: values[-1] for name, values in parse_qs(body.decode("ascii", "replace")).items()}

    def is_ours(self) -> bool:
        """Whether the form was on one of our own pages, by what the browser says about its origin."""
        return _same_site(self.header(b"host"), self.header(b"origin") or self.header(b"referer"))


@lru_cache(maxsize=1_024)
def _same_site(host: str, origin: str) -> bool:
    came_from = addresses.split(origin)
    ours = came_from.scheme == SCHEME and came_from.netloc.lower() == host.lower()
    return ours and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


class Answer(Response):
    """A page of the gate: its headers are the same on each, so they are encoded once."""

    def __init__(self, body: bytes, status: int = 200, kind: bytes = b"text/html; charset=utf-8") -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [*RAW_HEADERS, (b"content-type", kind), (b"content-length", b"%d" % len(body))]

    def add(self, name: bytes, value: str) -> None:
        """Add a header."""
        self.raw_headers.append((name, value.encode()))

    def keep(self, name: str, value: str, *, seconds: int) -> None:
        """Leave a cookie with the browser; `value` is of the URL-safe alphabet."""
        self.add(b"set-cookie", f"{name}={value}; Max-Age={seconds}{COOKIE_RULES}")

    def let_a_camera_in(self) -> None:
        """Allow the camera on this page."""
        self.raw_headers = [
            (name, CAMERA_POLICY if name == b"content-security-policy" else value) for name, value in self.raw_headers
        ]
