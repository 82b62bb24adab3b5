"""From what happened to messages: each topic reads what there is to tell, by one worker at a time, and may be told again."""

from datetime import datetime

from django.db import transaction

from adsum.audit.following import take_up
from adsum.messages.rules import STALE
from adsum.messages.services import write
from adsum.messages.topic import Reading, Topic
from adsum.timetable.reports import university_zone


def tell(topic: Topic, *, at: datetime) -> int:
    """Write the messages of one topic that are due; how many."""
    return sum(_read(reading, at) for reading in topic.readings)


@transaction.atomic
def _read(reading: Reading, at: datetime) -> int:
    """What was found, what is done with, and how far was read are kept together."""
    reader = take_up(reading.source, reading.follows)
    pending = reading.find(reader, at, university_zone())
    reader.done(pending.done, at=at)
    written = write(pending.drafts, at=at)
    if reading.follows is not None:
        reader.move(pending.first_left, at=at)
    elif pending.standing is not None:
        reader.forget_all_but(pending.standing)
    else:
        reader.forget(before=at - 2 * STALE)
    return written
