"""A real mail server on loopback: it takes letters, refuses some, is away, as the test says."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from django.test import override_settings


@dataclass
class Post:
    """What arrived, in order; `answer` decides about each recipient, `on_data` about each letter."""

    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answer: Callable[[str], str] = lambda _address: "250 OK"
    on_data: Callable[[], str] = lambda: "250 OK"
    port: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        said = self.answer(address)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        said = self.on_data()
        if said.startswith("250"):
            self.recipients += envelope.rcpt_tos
            assert isinstance(envelope.content, bytes)
            letter = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
        return said


@contextmanager
def mail_server(*, origin: str = "https://here.uni.example") -> Iterator[Post]:
    """Mail of this test goes to a server of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        post = Post(port=free.getsockname()[1])
    controller = Controller(post, hostname="127.0.0.1", port=post.port)
    controller.start()
    try:
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=post.port,
            EMAIL_HOST_USER="",
            EMAIL_HOST_PASSWORD="",
            EMAIL_USE_TLS=False,
            EMAIL_USE_SSL=False,
            ORIGIN=origin,
            DEFAULT_FROM_EMAIL="Attendance <attendance@uni.example>",
            EMAIL_TIMEOUT=5,
        ):
            yield post
    finally:
        controller.stop()
