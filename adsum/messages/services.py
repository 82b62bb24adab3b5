"""The outbox: what people are told is written here once, sent when it is due, and kept with what became of it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from adsum.accounts.models import BreakGlass, Person
from adsum.attendance.models import MarkChange, Query
from adsum.audit.services import Entry, record, record_all
from adsum.core.errors import AdsumError
from adsum.messages import reports
from adsum.messages.models import Bookmark, Message, Told
from adsum.messages.reports import Draft, Pending
from adsum.messages.rules import CLAIM, MOVES, OVERLAP, STALE, State, awake, retry_after
from adsum.messages.topics import amendments as offices
from adsum.messages.topics import feeds as timetabling
from adsum.messages.topics import oversight
from adsum.timetable.models import ClassChange, ClassReport
from adsum.timetable.reports import university_zone

BATCH = 500
ACTOR = "system:outbox"
Reading = Callable[[int, datetime, ZoneInfo], Pending]


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
    record_all(
        [
            Entry("message.write", f"message:{message.ref}", {"kind": message.kind, "person": message.person_id})
            for message in new
        ],
        actor=ACTOR,
        at=at,
    )
    return len(new)


def language_of(person: Person) -> str:
    """The language a person is written to in: their own, or else the university's."""
    return person.language if person.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


# From rows to messages: each reading is done by one worker at a time, and may be done again


def tell_class_changes(*, at: datetime) -> int:
    """Write messages about changes of the timetable that are due; how many."""
    return _read("class_change", ClassChange, reports.class_changes, at)


def tell_mark_changes(*, at: datetime) -> int:
    """Write messages about marks that somebody changed; how many."""
    return _read("mark_change", MarkChange, reports.mark_changes, at)


def tell_of_queries(*, at: datetime) -> int:
    """Write messages about queries, to lecturers when they are raised, to the attendance team when no lecturer has answered
    in time, and to students when they are answered; how many."""
    raised = _read("query", Query, reports.queries_raised, at)
    with transaction.atomic():
        _lock("query_answered")
        answered = write(reports.queries_answered(at), at=at)
    with transaction.atomic():
        _lock("query_team")
        pending = reports.queries_escalated(at, university_zone())
        told = Told.objects.filter(source="query_team")
        told.exclude(row__in=Query.objects.filter(state=Query.State.OPEN).values("pk")).delete()
        Told.objects.bulk_create([Told(source="query_team", row=row, at=at) for row in pending.done], batch_size=BATCH)
        return raised + answered + write(pending.drafts, at=at)


def tell_of_oversight(*, at: datetime) -> int:
    """Write to data protection about records opened from outside and about last week's unusual looks, and to auditors too
    about a log that is wrong; how many."""
    opened = _read("break_glass", BreakGlass, oversight.records_opened, at)
    with transaction.atomic():
        _lock("oversight")
        return opened + write([*oversight.unusual_looks(at, university_zone()), *oversight.log_wrong(at)], at=at)


def tell_timetabling(*, at: datetime) -> int:
    """Write to the timetabling team about feeds that have fallen silent or wait to be read, and what was reported of classes;
    how many."""
    reported = _read("class_report", ClassReport, timetabling.reports_waiting, at)
    with transaction.atomic():
        _lock("feed")
        waiting = timetabling.waiting_feeds()
        Told.objects.filter(source="feed_waits").exclude(row__in=waiting).delete()
        pending = timetabling.feeds_that_wait(waiting, at, university_zone())
        Told.objects.bulk_create([Told(source="feed_waits", row=row, at=at) for row in pending.done])
        return reported + write([*timetabling.feeds_silent(at), *pending.drafts], at=at)


def ask_for_registers(*, at: datetime) -> int:
    """Write to lecturers whose class goes on without a sign of a register, or closed without one; how many."""
    with transaction.atomic():
        _lock("register")
        asked = write(reports.classes_without_code(at), at=at)
        pending = reports.registers_not_observed(at, university_zone())
        Told.objects.bulk_create([Told(source="register", row=row, at=at) for row in pending.done], batch_size=BATCH)
        Told.objects.filter(source="register", at__lt=at - 2 * STALE).delete()
        return asked + write(pending.drafts, at=at)


def tell_offices(*, at: datetime) -> int:
    """Write to the attendance team about changes that wait for a second person, to whoever asked for one what became of it,
    and to departments about registers nobody has completed in time; how many."""
    with transaction.atomic():
        _lock("proposal")
        waiting, overdue = offices.proposals_waiting(at), offices.registers_overdue(at)
        done = [("proposal", row) for row in waiting.done] + [("register_late", row) for row in overdue.done]
        Told.objects.bulk_create([Told(source=source, row=row, at=at) for source, row in done], batch_size=BATCH)
        Told.objects.filter(source__in=["proposal", "register_late"], at__lt=at - 2 * STALE).delete()
        return write([*waiting.drafts, *offices.proposals_decided(at), *overdue.drafts], at=at)


def _lock(source: str) -> Bookmark:
    """The bookmark, held until the transaction ends: whoever comes second sees what the first has told."""
    Bookmark.objects.get_or_create(source=source)
    return Bookmark.objects.select_for_update().get(source=source)


@transaction.atomic
def _read(source: str, model: type[Model], reading: Reading, at: datetime) -> int:
    bookmark = _lock(source)
    newest = reports.newest(model)
    pending = reading(bookmark.row, at, university_zone())
    Told.objects.bulk_create([Told(source=source, row=row, at=at) for row in pending.done], batch_size=BATCH)
    written = write(pending.drafts, at=at)
    _move(bookmark, newest, pending.first_left, at)
    return written


def _move(bookmark: Bookmark, newest: int, first_left: int | None, at: datetime) -> None:
    """Every id up to the highest one seen long enough ago is committed or never will be; those of them that are done with
    need not be read again."""
    if bookmark.seen_at is not None and at - bookmark.seen_at < OVERLAP:
        return
    done = bookmark.seen if first_left is None else min(bookmark.seen, first_left - 1)
    bookmark.row, bookmark.seen, bookmark.seen_at = max(bookmark.row, done), newest, at
    bookmark.save()
    Told.objects.filter(source=bookmark.source, row__lte=bookmark.row).delete()


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
    return len(found)


def sent(message: Message, *, at: datetime) -> None:
    """The mail server has taken the letter."""
    _move_on(message, State.SENT, at=at, actor=ACTOR, verb="send", sent_at=at, problem="", claimed_until=None)


def refused(message: Message, problem: str, *, at: datetime, for_good: bool) -> None:
    """The mail server has not taken the letter: it is tried again later, or has failed."""
    tries = message.tries + 1
    wait = None if for_good else retry_after(tries)
    if wait is None:
        _move_on(message, State.FAILED, at=at, actor=ACTOR, verb="fail", tries=tries, problem=problem[:300], claimed_until=None)
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


# By hand


def withdraw(message: Message, *, by: Person, at: datetime) -> None:
    """Take a message back before it is sent. Raises AdsumError `moved_on`."""
    _move_on(message, State.WITHDRAWN, at=at, actor=by.actor, verb="withdraw")


def hold(message: Message, *, by: Person, at: datetime) -> None:
    """Keep a message back until somebody lets it go. Raises AdsumError `moved_on`."""
    _move_on(message, State.HELD, at=at, actor=by.actor, verb="hold")


def send_again(message: Message, *, by: Person, at: datetime) -> None:
    """Let a held message go, or try a failed one again, now. Raises AdsumError `moved_on`."""
    _move_on(message, State.WAITING, at=at, actor=by.actor, verb="retry", due_at=at, tries=0, claimed_until=None)


@transaction.atomic
def mark_read(person: Person, *, at: datetime) -> int:
    """A person has read everything there is for them; how many messages that were."""
    read = Message.objects.of(person).filter(read_at=None).update(read_at=at)
    if read:
        record(actor=person.actor, verb="message.read", subject=f"person:{person.pk}", at=at, messages=read)
    return read
