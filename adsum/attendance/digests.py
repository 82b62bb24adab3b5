"""What the event of a mark keeps of its row in the history: neither changes alone without the other telling (docs/audit.md).

Pure: every writer of marks computes it, and so does the comparison. It names no people: the event does, by alias. The salt
stays with the row: once the row is gone, nothing can be guessed from what the event keeps.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex


def new_salt() -> str:
    """64 random bits for one row."""
    return token_hex(8)


def instant(at: datetime | None) -> str | None:
    """An instant as SQLite keeps it, and as it enters a digest: UTC, without a zone."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def digest(
    salt: str,
    session: int,
    before: str,
    after: str,
    source: str,
    seen_at: str | None,
    minutes_late: int,
    left_at: str | None,
    at: str | None,
    reason_code: str,
    reason: str,
) -> str:
    """128 bits of one step in the life of a mark; instants as `instant` writes them."""
    row = [salt, session, before, after, source, seen_at, minutes_late, left_at, at, reason_code, reason]
    return sha256(json.dumps(row).encode()).hexdigest()[:32]
