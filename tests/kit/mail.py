"""A real mail server on loopback: it takes letters, refuses some, is away, as the test says."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.message import Message as HeaderMessage
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from mailbox import Maildir
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from django.test import override_settings

HANGS, DROPS = "hangs", "drops"
"""What `on_data` may answer too: nothing, with the line open; and the line cut in the middle of the letter."""


def comes_back(letter: EmailMessage, maildir: Path, *, action: str = "failed", said: str = "550 5.1.1 no such mailbox") -> None:
    """The report that a mail server further on sends of this letter, as RFC 3464 has it, in the mailbox for reports."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["To"] = "MAILER-DAEMON@elsewhere.example", "bounces@uni.example"
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report.attach(MIMEText("This is the mail system at host elsewhere.example."))
    status = MIMEBase("message", "delivery-status")
    about, recipient = HeaderMessage(), HeaderMessage()
    about["Reporting-MTA"] = "dns; elsewhere.example"
    recipient["Final-Recipient"] = f"rfc822; {letter['To'].addresses[0].addr_spec}"
    recipient["Action"], recipient["Status"] = action, "5.1.1" if action == "failed" else "4.0.0"
    recipient["Diagnostic-Code"] = f"smtp; {said}"
    status.set_payload([about, recipient])
    report.attach(status)
    report.attach(MIMEText("".join(f"{name}: {value}\n" for name, value in letter.items()), "rfc822-headers"))
    Maildir(maildir).add(report.as_bytes())


@dataclass
class Post:
    """What arrived, in order; `answer` decides about each recipient, `on_data` about each letter."""

    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    """Whom they would be sent back to."""
    answer: Callable[[str], str] = lambda _address: "250 OK"
    on_data: Callable[[], str] = lambda: "250 OK"
    port: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        said = self.answer(address)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    def text(self, number: int = -1) -> str:
        """The plain part of a letter; of the last one, unless another is named."""
        part = self.letters[number].get_body(("plain",))
        assert part is not None
        content = part.get_content()
        assert isinstance(content, str)
        return content

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:
        said = self.on_data()
        if said == HANGS:
            await asyncio.sleep(30)
        if said == DROPS:
            server.transport.abort()
            await asyncio.sleep(30)
        if said.startswith("250"):
            self.recipients += envelope.rcpt_tos
            self.senders.append(envelope.mail_from or "")
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
