"""The outbox: what people are told is written here once, sent when it is due, and kept with what became of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.audit.services import Entry, record, record_all
from adsum.core.errors import AdsumError
from adsum.messages.models import Message
from adsum.messages.rules import CLAIM, MOVES, State, awake, retry_after
from adsum.messages.topic import Draft, Outcome
from adsum.messages.topics.registry import KINDS
from adsum.timetable.reports import university_zone

BATCH = 500
ACTOR = "system:outbox"


@transaction.atomic
def write(drafts: Sequence[Draft], *, at: datetime) -> int:
    """Put messages into the outbox, once each however often this is called; how many were new.

    Each is in its person's own language, and goes by mail in the day unless its class is about to begin.
    """
    known = set(Message.objects.filter(key__in=[draft.key for draft in drafts]).values_list("key", flat=True))
    new = [
        Message(
            person=draft.person,
            kind=draft.kind,
            version=KINDS[draft.kind].version,
            key=draft.key,
            facts=draft.facts,
            language=language_of(draft.person),
            created_at=at,
            due_at=at if draft.at_once else awake(at, university_zone()),
            useful_until=draft.useful_until,
        )
        for draft in drafts
        if draft.key not in known
    ]
    Message.objects.bulk_create(new, batch_size=BATCH)
    record_all([Entry("message.write", f"message:{message.ref}", _written(message)) for message in new], actor=ACTOR, at=at)
    return len(new)


def _written(message: Message) -> dict[str, object]:
    return {"kind": message.kind, "version": message.version, "person": message.person_id}


def language_of(person: Person) -> str:
    """The language a person is written to in: their own, or else the university's."""
    return person.language if person.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


# On its way


@transaction.atomic
def claim(*, at: datetime, most: int) -> list[Message]:
    """Take some letters that are due, the oldest first: no other worker takes them for ten minutes."""
    due = Message.objects.due(at).filter(useful_until__gt=at).order_by("due_at", "pk")
    taken = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("person")[:most])
    until = at + CLAIM
    Message.objects.filter(pk__in=[message.pk for message in taken]).update(claimed_until=until)
    for message in taken:
        message.claimed_until = until
    return taken


def lapse(*, at: datetime) -> int:
    """Set aside letters that are of no use any more, such as those about a class that is over; how many."""
    with transaction.atomic():
        late = Message.objects.filter(state__in=[State.WAITING, State.HELD], useful_until__lte=at)
        late = late.select_for_update(skip_locked=True)
        found = [message for message in late if message.claimed_until is None or message.claimed_until <= at]
        Message.objects.filter(pk__in=[message.pk for message in found]).update(state=State.LAPSED, claimed_until=None)
        record_all([Entry("message.lapse", f"message:{message.ref}", {}) for message in found], actor=ACTOR, at=at)
        _hear(found, Outcome.LAPSED, at=at)
    return len(found)


def sent(message: Message, *, at: datetime) -> None:
    """The mail server has taken the letter."""
    _move_on(message, State.SENT, at=at, actor=ACTOR, verb="send", sent_at=at, problem="", claimed_until=None)


def refused(message: Message, problem: str, *, at: datetime, for_good: bool) -> None:
    """The mail server has not taken the letter: it is tried again later, or not at all."""
    tries = message.tries + 1
    wait = None if for_good else retry_after(tries)
    if wait is None:
        _move_on(
            message, State.REFUSED, at=at, actor=ACTOR, verb="refuse", tries=tries, problem=problem[:300], claimed_until=None
        )
        return
    with transaction.atomic():
        mine = Message.objects.filter(pk=message.pk, state=State.WAITING, claimed_until=message.claimed_until)
        if mine.update(tries=tries, problem=problem[:300], due_at=at + wait, claimed_until=None):
            record(actor=ACTOR, verb="message.postpone", subject=f"message:{message.ref}", at=at, tries=tries)


def give_back(messages: Iterable[Message], problem: str, *, due_at: datetime) -> None:
    """No fault of these letters: the mail server is away. They are as they were, and due again then."""
    pks = [message.pk for message in messages]
    Message.objects.filter(pk__in=pks, state=State.WAITING).update(claimed_until=None, due_at=due_at, problem=problem[:300])


def _move_on(message: Message, to: State, *, at: datetime, actor: str, verb: str, **values: object) -> None:
    """Raises AdsumError `moved_on` when the message is no longer where its caller saw it."""
    allowed = [state for state, after in MOVES.items() if to in after]
    with transaction.atomic():
        here = Message.objects.filter(pk=message.pk, state__in=allowed)
        if not here.update(state=to, **values):
            raise AdsumError("moved_on", _("This message has moved on meanwhile. Reload the page to see how it stands."))
        record(actor=actor, verb=f"message.{verb}", subject=f"message:{message.ref}", at=at)
        message.refresh_from_db()
        if outcome := OUTCOMES.get(to):
            _hear([message], outcome, at=at)


OUTCOMES = {
    State.SENT: Outcome.SENT,
    State.DELIVERED: Outcome.DELIVERED,
    State.REFUSED: Outcome.REFUSED,
    State.BOUNCED: Outcome.BOUNCED,
}


def _hear(messages: Iterable[Message], outcome: Outcome, *, at: datetime) -> None:
    """Tell the feature that a message is about what became of it, where its kind says whom; in the same transaction."""
    for message in messages:
        kind = KINDS.get(message.kind)
        if kind is not None and kind.heard is not None:
            kind.heard(message, outcome, at)


# By hand


def withdraw(message: Message, *, by: Person, at: datetime) -> None:
    """Take a message back before it is sent. Raises AdsumError `moved_on`."""
    _move_on(message, State.WITHDRAWN, at=at, actor=by.actor, verb="withdraw")


def hold(message: Message, *, by: Person, at: datetime) -> None:
    """Keep a message back until a person releases it. Raises AdsumError `moved_on`."""
    _move_on(message, State.HELD, at=at, actor=by.actor, verb="hold")


def send_again(message: Message, *, by: Person, at: datetime) -> None:
    """Let a held message go, or try a refused one again, now. Raises AdsumError `moved_on`."""
    _move_on(message, State.WAITING, at=at, actor=by.actor, verb="retry", due_at=at, tries=0, sent_at=None, claimed_until=None)


@transaction.atomic
def mark_read(person: Person, *, at: datetime) -> int:
    """A person has read everything there is for them; how many messages that were."""
    new = Message.objects.of(person).filter(opened_at=None)
    heard = list(new.filter(kind__in=[kind.name for kind in KINDS.values() if kind.heard]).select_for_update())
    read = new.update(opened_at=at)
    if read:
        record(actor=person.actor, verb="message.open", subject=f"person:{person.pk}", at=at, messages=read)
        _hear(heard, Outcome.OPENED, at=at)
    return read
