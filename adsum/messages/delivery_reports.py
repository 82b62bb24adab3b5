"""What mail servers say of a letter later on: reports as RFC 3464 has them, read without believing more than they prove."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from enum import StrEnum
from uuid import UUID

LARGEST = 1_000_000
"""Bytes of a report that are read. The largest come with the whole letter."""
OURS = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]+>")


class Said(StrEnum):
    """What became of a letter, by a mail server further on."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """Of which message, and what."""

    ref: UUID
    said: Said
    reason: str = ""


def ref_in(message_id: str) -> UUID | None:
    """Which message of ours a Message-ID names, if it is one of ours."""
    found = OURS.search(message_id.casefold())
    return UUID(found[1]) if found else None


def read_report(content: bytes) -> DeliveryReport | None:
    """What a mail in the mailbox for reports says; None: it is none, or not of a letter of ours, or the last word is not spoken
    (`delayed`): somebody may have answered."""
    mail = message_from_bytes(content[:LARGEST], policy=policy.default)
    if mail.get_content_type() != "multipart/report":
        return None
    fields = [block for part in _parts(mail, "message/delivery-status") for block in _blocks(part)]
    actions = [str(block["Action"]).strip().casefold() for block in fields if block["Action"]]
    ref = next((found for part in mail.walk() if (found := _of_ours(part))), None)
    if ref is None or not actions:
        return None
    if "failed" in actions:
        return DeliveryReport(ref, Said.BOUNCED, _reason(fields))
    return DeliveryReport(ref, Said.DELIVERED) if set(actions) == {"delivered"} else None


def _parts(mail: Message, kind: str) -> list[Message]:
    return [part for part in mail.walk() if part.get_content_type() == kind]


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a delivery status: one about the message, then one for each recipient."""
    payload = part.get_payload()
    return [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []


def _of_ours(part: Message) -> UUID | None:
    """The letter that a report gives back, whole or only its header."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        held = inner[0] if isinstance(inner, list) and inner else None
        return ref_in(str(held["Message-ID"] or "")) if isinstance(held, Message) else None
    if part.get_content_type() == "text/rfc822-headers" and isinstance(part, EmailMessage):
        text = part.get_payload(decode=True)
        head = message_from_bytes(text if isinstance(text, bytes) else b"")
        return ref_in(str(head["Message-ID"] or ""))
    return None


def _reason(fields: list[Message]) -> str:
    """What the server said, as one line for the page of mail."""
    said = next((str(block["Diagnostic-Code"]) for block in fields if block["Diagnostic-Code"]), "")
    status = next((str(block["Status"]) for block in fields if block["Status"]), "")
    return " ".join((said.partition(";")[2] or said or status).split())[:300]
