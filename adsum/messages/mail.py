"""The outbox by mail: each letter as plain text and as HTML, in its reader's language, to the mail server."""

import smtplib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import translation

from adsum.accounts.reaching import details_of
from adsum.accounts.rules import ContactBy
from adsum.core.errors import AdsumError
from adsum.messages import services
from adsum.messages.models import Message
from adsum.messages.reports import answers_of
from adsum.messages.rules import SERVER_AWAY, Address
from adsum.messages.topics.registry import KINDS, letter_of

AT_ONCE = 50
"""How many letters a worker takes at a time, over one connection."""
OTHER_LANGUAGE = {"en-gb": "Mae’r neges hon ar gael yn Gymraeg hefyd:", "cy": "This message is available in English too:"}
"""Said in the other language, in every letter: both are there, and as good as each other (Welsh Language Standards 1–2)."""


def is_configured() -> bool:
    """Whether letters leave at all. If not they wait, and are read in the product."""
    return bool(settings.EMAIL_HOST)


def send_due(clock: Callable[[], datetime], *, most: int = 5_000) -> int:
    """Send what is due, but at most so many. Returns how many the server took.

    A letter is marked as sent once the server has taken it. A worker that dies between the two leaves it to be sent again,
    under the same Message-ID.
    """
    done = sent = 0
    while done < most and (messages := services.claim(at=clock(), most=AT_ONCE)):
        done += len(messages)
        connection = get_connection()
        try:
            connection.open()
        except (OSError, smtplib.SMTPException) as away:
            services.give_back(messages, _said(away), due_at=clock() + SERVER_AWAY)
            return sent
        try:
            replies = answers_to(messages)
            for number, message in enumerate(messages):
                try:
                    sent += _send(message, replies, connection, clock)
                except (OSError, smtplib.SMTPException) as away:
                    _refused(message, _said(away), clock, for_good=False)  # it may be the reason: no letter stops the others
                    services.give_back(messages[number + 1 :], _said(away), due_at=clock() + SERVER_AWAY)
                    return sent
        finally:
            _close(connection)
    return sent


def _send(message: Message, replies: Mapping[int, str], connection: BaseEmailBackend, clock: Callable[[], datetime]) -> bool:
    """Send one letter. Raises OSError or SMTPException for errors that need not be this letter's fault."""
    if not services.may_leave(message):
        return False
    try:
        letter = compose(message, reply_to=replies[message.person_id])
    except AdsumError as problem:
        return _refused(message, problem.message, clock, for_good=True)
    letter.connection = connection
    try:
        letter.send()
    except smtplib.SMTPRecipientsRefused as refused:
        code, _text = next(iter(refused.recipients.values()))
        return _refused(message, _said(refused), clock, for_good=500 <= code < 600)
    except smtplib.SMTPDataError as refused:
        return _refused(message, _said(refused), clock, for_good=500 <= refused.smtp_code < 600)
    with _moved_on_is_fine():
        services.sent(message, at=clock())
    return True


def _refused(message: Message, problem: str, clock: Callable[[], datetime], *, for_good: bool) -> bool:
    with _moved_on_is_fine():
        services.refused(message, problem, at=clock(), for_good=for_good)
    return False


@contextmanager
def _moved_on_is_fine() -> Iterator[None]:
    """Another worker, or a person, has decided about this message meanwhile."""
    try:
        yield
    except AdsumError as moved:
        if moved.code != "moved_on":
            raise


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        return


def _said(problem: Exception) -> str:
    """What the server said, as one line for the administrators' page."""
    parts: list[Any] = list(problem.args)
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        parts = list(next(iter(problem.recipients.values())))
    words = [part.decode(errors="replace") if isinstance(part, bytes) else str(part) for part in parts]
    return " ".join(" ".join(words).split()) or type(problem).__name__


def address_of(message: Message) -> str:
    """Where the letter goes. Raises AdsumError `no_address`."""
    address = message.person.email or message.person.username
    if message.address == Address.PERSONAL:
        detail = details_of(message.person).get(ContactBy.PERSONAL_EMAIL)
        address = detail.value if detail else ""
    try:
        validate_email(address)
    except ValidationError as wrong:
        raise AdsumError("no_address", "This person has no e-mail address that mail can be sent to.") from wrong
    return address


def answers_to(messages: Collection[Message]) -> dict[int, str]:
    """By reader, where answers to their letters go: somebody reads them (two queries)."""
    people = {message.person_id for message in messages}
    of_departments = answers_of(people)
    default = settings.MAIL_REPLY_TO or settings.DEFAULT_FROM_EMAIL
    return {person: of_departments.get(person, default) for person in people}


def compose(message: Message, *, reply_to: str) -> EmailMultiAlternatives:
    """The letter. No attachment, nothing that is fetched when it is read. Raises AdsumError `no_address`."""
    address = address_of(message)
    language = message.language
    with translation.override(language):
        letter = letter_of(message.kind, message.facts)
        context = {
            "letter": letter,
            "name": message.person.display_name,
            "origin": settings.ORIGIN,
            "language": language,
            "university": settings.UNIVERSITY,
            "formal": KINDS[message.kind].formal,
            "page": f"/messages/{(message.copy_of or message).ref}/",
            "reply_to": parseaddr(reply_to)[1],
            "other": OTHER_LANGUAGE[language],
            "other_code": "cy" if language == "en-gb" else "en-GB",
        }
        text = render_to_string("adsum/mail/letter.txt", context)
        html = render_to_string("adsum/mail/letter.html", context)
    host = urlsplit(settings.ORIGIN).hostname
    mail = EmailMultiAlternatives(
        subject=_one_line(letter.subject),
        body=text,
        from_email=settings.MAIL_BOUNCES_TO or _mailbox(settings.DEFAULT_FROM_EMAIL),
        to=[str(Mailbox(_one_line(message.person.display_name), addr_spec=address))],
        reply_to=[_mailbox(reply_to)],
        headers={
            "From": _mailbox(settings.DEFAULT_FROM_EMAIL),
            "Message-ID": f"<{message.ref}@{host}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "List-Id": f"{_one_line(settings.UNIVERSITY)} <adsum.{host}>",
            "Content-Language": language,
        },
    )
    mail.attach_alternative(html, "text/html")
    return mail


def _mailbox(text: str) -> str:
    name, address = parseaddr(text)
    return str(Mailbox(_one_line(name), addr_spec=address))


def _one_line(text: str) -> str:
    """No line break or control character of a name or title begins a header of its own."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
