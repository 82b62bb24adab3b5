"""The outbox: what people are told is written here once, sent when it is due, and kept with what became of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.accounts.reaching import personal_addresses, stopped_among
from adsum.audit.services import Entry, record, record_all
from adsum.core.errors import AdsumError
from adsum.messages.models import WEEK, HandOver, Message, MessageQuerySet, reader_is_stopped
from adsum.messages.phones import line_up
from adsum.messages.reports import choices_of
from adsum.messages.rules import (
    CLAIM,
    KEPT_DUE,
    MOVES,
    UNSEEN,
    Address,
    Closed,
    How,
    State,
    awake,
    chosen,
    retry_after,
    week_at,
)
from adsum.messages.topic import Draft, Outcome
from adsum.messages.topics.registry import KINDS, formal_kinds
from adsum.timetable.reports import university_zone

BATCH = 500
ACTOR = "system:outbox"


@transaction.atomic
def write(drafts: Sequence[Draft], *, at: datetime) -> int:
    """Put messages into the outbox, once each however often this is called; how many were new.

    Each is in its person's own language, and goes by mail as they chose: in the day unless its class is about to begin, with
    the week's letter, or not at all. None to those to whom nobody writes any more.
    """
    known = set(Message.objects.filter(key__in=[draft.key for draft in drafts]).values_list("key", flat=True))
    people = {draft.person.pk for draft in drafts}
    stopped = stopped_among(people)
    choices = choices_of(people)
    new = [
        _new(draft, choices.get((draft.person.pk, draft.kind)), at)
        for draft in drafts
        if draft.key not in known and draft.person.pk not in stopped
    ]
    add(new, at=at)
    add(_to_other_addresses(new, at), at=at)
    return len(new)


def _to_other_addresses(new: Sequence[Message], at: datetime) -> list[Message]:
    """The copies of what goes to every address of its reader (a query only where there is such a message)."""
    everywhere = [message for message in new if KINDS[message.kind].everywhere]
    others = personal_addresses([message.person for message in everywhere]) if everywhere else {}
    return [copy_of(message, at) for message in everywhere if message.person_id in others]


def copy_of(message: Message, at: datetime) -> Message:
    """The same letter to its reader's other address."""
    return Message(
        person=message.person,
        kind=message.kind,
        version=message.version,
        key=f"copy:{message.ref}",
        facts=message.facts,
        language=language_of(message.person),
        created_at=at,
        due_at=awake(at, university_zone()),
        useful_until=at + KEPT_DUE,
        address=Address.PERSONAL,
        copy_of=message,
    )


def _new(draft: Draft, choice: How | None, at: datetime) -> Message:
    kind, zone = KINDS[draft.kind], university_zone()
    how = chosen(formal=kind.formal, mutable=kind.mutable, digest=kind.digest, choice=choice)
    if how == How.WEEKLY and not draft.at_once:
        state, due_at = State.GATHERED, week_at(at, zone)
    else:
        state, due_at = (State.MUTED if how == How.NEVER else State.WAITING), at if draft.at_once else awake(at, zone)
    return Message(
        person=draft.person,
        kind=draft.kind,
        version=kind.version,
        key=draft.key,
        facts=draft.facts,
        language=language_of(draft.person),
        created_at=at,
        due_at=due_at,
        useful_until=draft.useful_until,
        state=state,
    )


def add(new: Sequence[Message], *, at: datetime) -> None:
    """Keep new messages, with an event for each."""
    Message.objects.bulk_create(new, batch_size=BATCH)
    line_up(new)
    record_all([Entry("message.write", f"message:{message.ref}", _written(message)) for message in new], actor=ACTOR, at=at)


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
    taken = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("person", "copy_of")[:most])
    until = at + CLAIM
    Message.objects.filter(pk__in=[message.pk for message in taken]).update(claimed_until=until)
    for message in taken:
        message.claimed_until = until
    return taken


def may_leave(message: Message) -> bool:
    """Whether a letter that was taken may still go out: nobody took it back meanwhile, or stopped all that goes to its reader
    (one query, asked just before it leaves)."""
    mine = Message.objects.filter(pk=message.pk, state=State.WAITING, claimed_until=message.claimed_until)
    return mine.exclude(reader_is_stopped()).exists()


def lapse(*, at: datetime) -> int:
    """Set aside letters that are of no use any more, such as those about a class that is over; how many."""
    return _set_aside(Message.objects.filter(useful_until__lte=at), State.LAPSED, "lapse", Outcome.LAPSED, at=at)


def stop(*, at: datetime) -> int:
    """Set aside what waits for people to whom nobody writes any more; how many. It has not gone out since they were stopped
    (`due`, `may_leave`); now its state says so."""
    return _set_aside(Message.objects.filter(reader_is_stopped()), State.STOPPED, "stop", None, at=at)


@transaction.atomic
def _set_aside(messages: MessageQuerySet, to: State, verb: str, outcome: Outcome | None, *, at: datetime) -> int:
    """Of these, what no worker is busy with."""
    from_ = [State.WAITING, State.GATHERED, State.HELD]
    free = messages.filter(state__in=from_).select_for_update(skip_locked=True, of=("self",))
    found = [message for message in free if message.claimed_until is None or message.claimed_until <= at]
    Message.objects.filter(pk__in=[message.pk for message in found]).update(state=to, claimed_until=None)
    record_all([Entry(f"message.{verb}", f"message:{message.ref}", {}) for message in found], actor=ACTOR, at=at)
    if outcome is not None:
        hear(found, outcome, at=at)
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
            hear([message, *_carried(message, to)], outcome, at=at)


def _carried(letter: Message, to: State) -> list[Message]:
    """What went out with a week's letter comes as far as the letter does."""
    if letter.kind != WEEK:
        return []
    carried = Message.objects.filter(carrier=letter).exclude(state__in=UNSEEN)
    carried.update(state=to, sent_at=letter.sent_at)
    return list(carried)


OUTCOMES = {
    State.SENT: Outcome.SENT,
    State.DELIVERED: Outcome.DELIVERED,
    State.REFUSED: Outcome.REFUSED,
    State.BOUNCED: Outcome.BOUNCED,
}


def hear(messages: Iterable[Message], outcome: Outcome, *, at: datetime) -> None:
    """Tell the feature that a message is about what became of it, where its kind says whom; in the same transaction. Of a copy
    it hears nothing, for the message itself goes on: but for what goes to every address."""
    for message in messages:
        kind = KINDS.get(message.kind)
        if kind is not None and kind.heard is not None and (message.copy_of_id is None or kind.everywhere):
            kind.heard(message, outcome, at)


def delivered(message: Message, *, at: datetime) -> None:
    """The reader's mail server says that it has the letter. Raises AdsumError `moved_on`."""
    _move_on(message, State.DELIVERED, at=at, actor=ACTOR, verb="deliver")


def bounced(message: Message, problem: str, *, at: datetime) -> None:
    """The letter came back. Raises AdsumError `moved_on`."""
    _move_on(message, State.BOUNCED, at=at, actor=ACTOR, verb="bounce", problem=problem[:300])


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
    """A person has read everything there is for them, but for what is formal, which is opened one by one; how many messages
    that were."""
    new = Message.objects.of(person).filter(opened_at=None).exclude(kind__in=formal_kinds())
    heard = list(new.filter(kind__in=[kind.name for kind in KINDS.values() if kind.heard]).select_for_update())
    read = new.update(opened_at=at)
    if read:
        record(actor=person.actor, verb="message.open", subject=f"person:{person.pk}", at=at, messages=read)
        hear(heard, Outcome.OPENED, at=at)
    return read


@transaction.atomic
def open_message(message: Message, *, at: datetime) -> bool:
    """Its reader, signed in, opens one message; whether this was the first time. A task of reaching them is done by it."""
    if not Message.objects.of(message.person).filter(pk=message.pk, opened_at=None).update(opened_at=at):
        return False
    message.opened_at = at
    record(actor=message.person.actor, verb="message.open", subject=f"message:{message.ref}", at=at)
    HandOver.objects.filter(message=message, closed_at=None).update(closed_at=at, closed_as=Closed.OPENED)
    hear([message], Outcome.OPENED, at=at)
    return True
