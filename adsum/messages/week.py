"""The week's letter: what was gathered for a person goes out as one."""

from collections import defaultdict
from datetime import datetime

from django.db import transaction

from adsum.messages.models import WEEK, Message, reader_is_stopped
from adsum.messages.rules import KEPT_DUE, State
from adsum.messages.services import add, language_of


@transaction.atomic
def gather(*, at: datetime) -> int:
    """Write the week's letters that are due; how many. What its reader has read here meanwhile is left out of them."""
    due = Message.objects.filter(~reader_is_stopped(), state=State.GATHERED, carrier=None, due_at__lte=at)
    locked = due.select_for_update(skip_locked=True, of=("self",)).select_related("person")
    waiting: dict[int, list[Message]] = defaultdict(list)
    for message in locked.order_by("created_at", "pk"):
        waiting[message.person_id].append(message)
    letters = []
    for messages in waiting.values():
        read = [one.pk for one in messages if one.opened_at is not None]
        Message.objects.filter(pk__in=read).update(state=State.MUTED)
        if new := [one for one in messages if one.opened_at is None]:
            letters.append((_letter(new, at), [one.pk for one in new]))
    add([letter for letter, _carried in letters], at=at)
    for letter, carried in letters:
        Message.objects.filter(pk__in=carried).update(carrier=letter)
    return len(letters)


def _letter(messages: list[Message], at: datetime) -> Message:
    person = messages[0].person
    return Message(
        person=person,
        kind=WEEK,
        key=f"{WEEK}:{person.pk}:{messages[0].pk}",
        facts={"messages": [[one.kind, one.facts] for one in messages]},
        language=language_of(person),
        created_at=at,
        due_at=at,
        useful_until=at + KEPT_DUE,
    )
