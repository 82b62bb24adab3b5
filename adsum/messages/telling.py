"""From what happened to messages: each topic reads what there is to tell, by one worker at a time, and may be told again.

What there is to tell is found on a snapshot, while others write; then it is kept, many messages in parts, unless another worker
has been faster. On SQLite, where one process at a time may write, no check-in waits for more than one such part.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from adsum.audit.following import Reader, look, take_up
from adsum.core.turns import let_others_write, snapshot
from adsum.messages.rules import STALE
from adsum.messages.services import write
from adsum.messages.topic import Pending, Reading, Topic
from adsum.timetable.reports import university_zone

PART = 200
"""Messages written at once: about a fifth of a second."""


def tell(topic: Topic, *, at: datetime) -> int:
    """Write the messages of one topic that are due; how many."""
    return sum(_read(reading, at) for reading in topic.readings)


@transaction.atomic
def _move_and_tell(reading: Reading, at: datetime) -> int:
    """The same under the lock from the first look on."""
    reader = take_up(reading.source, reading.follows)
    pending = reading.find(reader, at, university_zone())
    _finish(reading, reader, pending, at)
    return write(pending.drafts, at=at)


def _read(reading: Reading, at: datetime) -> int:
    """Nothing is written where another worker has read on meanwhile: what is left is found a minute later."""
    if reading.moves:
        return _move_and_tell(reading, at)
    with snapshot():
        reader = look(reading.source, reading.follows)
        pending = reading.find(reader, at, university_zone())
        if _is_nothing(reading, reader, pending, at):
            return 0
    written = 0
    parts: Sequence[int] = range(0, len(pending.drafts), PART) or [0]
    for first in parts:
        drafts = pending.drafts[first : first + PART]
        with transaction.atomic():
            if not reader.hold():
                return written
            written += write(drafts, at=at)
            if first == parts[-1]:
                _finish(reading, reader, pending, at)
        if first != parts[-1]:
            let_others_write()
    return written


def _is_nothing(reading: Reading, reader: Reader, pending: Pending, at: datetime) -> bool:
    """Whether there is nothing to write at all, so that nobody waits for it."""
    if pending.drafts or pending.done:
        return False
    if reading.follows is not None:
        return not reader.is_due(at)
    if pending.standing is not None:
        return not reader.lists_others(pending.standing)
    return not reader.lists(before=at - 2 * STALE)


def _finish(reading: Reading, reader: Reader, pending: Pending, at: datetime) -> None:
    """What is done with, and how far was read, are kept with the last of the messages."""
    reader.done(pending.done, at=at)
    if reading.follows is not None:
        reader.move(pending.first_left, at=at)
    elif pending.standing is not None:
        reader.forget_all_but(pending.standing)
    else:
        reader.forget(before=at - 2 * STALE)
