"""Compares what every phone was told with what is stored. Pure."""

from collections.abc import Iterable
from uuid import UUID

from adsum.core import ids
from tests.faults.campus import Stored
from tests.faults.phones import Phone


def receipt_of(ref: str) -> str:
    """What the receipt of this scan says."""
    text = ids.encode(UUID(ref).int >> 98, 6)
    return f"{text[:4]}-{text[4:]}"


def violations(phones: Iterable[Phone], stored: Stored) -> list[str]:
    """Everything that must not be: lost, doubled, invented or mistaken check-ins, and students who could not finish."""
    found = []
    told = {(phone.student, phone.session): phone for phone in phones}
    for key, phone in told.items():
        scans = stored.scans.get(key, [])
        counts = {"scans": len(scans), "marks": stored.marks[key], "changes": stored.changes[key], "events": stored.events[key]}
        if phone.refused:
            found.append(f"{key} was refused: {phone.refused}")
        elif not phone.receipt:
            found.append(f"{key} could not finish: {dict(phone.heard)}")
        if phone.receipt or scans:
            found += [f"{key} has {number} {what}" for what, number in counts.items() if number != 1]
        elif any(counts.values()):
            found.append(f"{key} has half a check-in: {counts}")
        if phone.receipt and scans and phone.receipt not in map(receipt_of, scans):
            found.append(f"{key} holds receipt {phone.receipt}, stored is {list(map(receipt_of, scans))}")
        if scans and not phone.taps:
            found.append(f"{key} is stored and never tapped")
        if phone.scans > 1:
            found.append(f"{key} needed {phone.scans} tickets")
    everyone = stored.scans.keys() | stored.marks.keys() | stored.changes.keys() | stored.events.keys()
    return found + [f"{key} is stored and unheard of" for key in sorted(everyone - told.keys())]
