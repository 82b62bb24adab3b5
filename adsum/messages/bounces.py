"""Letters that come back: read from a mailbox (IMAP, or a maildir on this machine), or told by the mail service.

A report is no proof: anybody who has a letter knows its Message-ID. So it never closes anything; a formal message that bounced
goes on to the next channel, and to a person in the end.
"""

import imaplib
import mailbox
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings

from adsum.core.errors import AdsumError
from adsum.messages.delivery_reports import DeliveryReport, Said, read_report
from adsum.messages.models import Message
from adsum.messages.services import bounced, delivered

log = structlog.get_logger("adsum.bounces")

AT_ONCE = 200
"""Mails read at a time."""
PATIENCE = 20
"""Seconds to wait for the mail server."""


class Box(Protocol):
    """A mailbox: what nobody has looked at yet, and what was found of it. Nothing is deleted."""

    def unread(self) -> Iterator[tuple[str, bytes]]: ...

    def done(self, name: str, *, understood: bool) -> None:
        """Mark a mail as read; or else for a person to look at."""


class Maildir:
    """A maildir on this machine."""

    def __init__(self, path: Path) -> None:
        self.box = mailbox.Maildir(path, create=False)

    def unread(self) -> Iterator[tuple[str, bytes]]:
        for name in sorted(self.box.keys()):
            if not set(self.box.get_message(name).get_flags()) & {"S", "F"}:
                yield name, self.box.get_bytes(name)

    def done(self, name: str, *, understood: bool) -> None:
        mail = self.box.get_message(name)
        mail.set_subdir("cur")
        mail.add_flag("S" if understood else "F")
        self.box[name] = mail


class Imap:
    """A mailbox at the university's mail server."""

    def __init__(self, client: imaplib.IMAP4, folder: str) -> None:
        self.client = client
        _ask(client.select(f'"{folder}"'))

    def unread(self) -> Iterator[tuple[str, bytes]]:
        found = _ask(self.client.uid("SEARCH", "UNSEEN", "UNFLAGGED"))
        for name in found[0].decode().split():
            parts = _ask(self.client.uid("FETCH", name, "(BODY.PEEK[])"))
            if held := next((part[1] for part in parts if isinstance(part, tuple)), None):
                yield name, held

    def done(self, name: str, *, understood: bool) -> None:
        _ask(self.client.uid("STORE", name, "+FLAGS", "(\\Seen)" if understood else "(\\Flagged)"))


def _ask(answer: tuple[str, list[Any]]) -> list[Any]:
    """What the server answered. Raises OSError when it refused."""
    word, found = answer
    if word != "OK":
        raise OSError(f"the mail server answered {word}")
    return [part for part in found if part is not None] or [b""]


@contextmanager
def open_box(address: str, password: str) -> Iterator[Box]:
    """The mailbox of the setting. Raises OSError or imaplib.IMAP4.error when it cannot be opened."""
    parts = urlsplit(address)
    if parts.scheme == "maildir":
        yield Maildir(Path(parts.path))
        return
    kind = imaplib.IMAP4_SSL if parts.scheme == "imaps" else imaplib.IMAP4
    host, port = parts.hostname or "", parts.port or (993 if parts.scheme == "imaps" else 143)
    with kind(host, port, timeout=PATIENCE) as client:
        client.login(unquote(parts.username or ""), password)
        yield Imap(client, unquote(parts.path.strip("/")) or "INBOX")


def read_bounces(*, at: datetime) -> int:
    """Read the mailbox for reports; how many messages came a step further by it. A mailbox that is away is read next time."""
    try:
        with open_box(settings.MAIL_BOUNCES, settings.MAIL_BOUNCES_PASSWORD) as box:
            return sum(_take(box, name, content, at) for name, content in islice(box.unread(), AT_ONCE))
    except (OSError, imaplib.IMAP4.error, mailbox.Error) as away:
        log.warning("bounces.away", why=type(away).__name__)
        return 0


def _take(box: Box, name: str, content: bytes, at: datetime) -> bool:
    report = read_report(content)
    moved = report is not None and take_report(report, at=at)
    box.done(name, understood=report is not None)
    return moved


def take_report(report: DeliveryReport, *, at: datetime) -> bool:
    """Have a message come as far as a mail server says; whether it did. Reports about others, or twice, change nothing."""
    message = Message.objects.filter(ref=report.ref).first()
    if message is None:
        return False
    try:
        if report.said == Said.BOUNCED:
            bounced(message, report.reason, at=at)
        else:
            delivered(message, at=at)
    except AdsumError as moved:
        if moved.code != "moved_on":
            raise
        return False
    return True
