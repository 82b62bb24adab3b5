"""When people are told something, how often a letter is tried, and how a message moves on (docs/rules.md A 15).

Times of day are the university's.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class State(StrEnum):
    """How far a message has come on its way by mail. Its reader can read it here in every state but two."""

    WAITING = "waiting"
    """To be sent, or to be tried again, when it is due."""
    GATHERED = "gathered"
    """To go out with the week’s letter."""
    SENT = "sent"
    """The mail server has taken it."""
    DELIVERED = "delivered"
    """The reader’s mail server says that it has it."""
    REFUSED = "refused"
    """By the mail server, for good or too often. A person may try again."""
    BOUNCED = "bounced"
    """Taken, and sent back later. A person may try again."""
    MUTED = "muted"
    """To be read here only: its reader wants none of these by mail, or had read it before the week's letter went out."""
    HELD = "held"
    """Kept back by a person."""
    WITHDRAWN = "withdrawn"
    """Taken back by a person before it was sent."""
    LAPSED = "lapsed"
    """Too late to be of use: never sent, still to be read here."""
    STOPPED = "stopped"
    """Its reader is not to be written to any more."""


MOVES: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.SENT, State.REFUSED, State.HELD, State.WITHDRAWN, State.LAPSED, State.STOPPED}),
    State.GATHERED: frozenset({State.SENT, State.REFUSED, State.MUTED, State.WITHDRAWN, State.LAPSED, State.STOPPED}),
    State.HELD: frozenset({State.WAITING, State.WITHDRAWN, State.LAPSED, State.STOPPED}),
    State.REFUSED: frozenset({State.WAITING, State.WITHDRAWN, State.STOPPED}),
    State.SENT: frozenset({State.DELIVERED, State.BOUNCED}),
    State.DELIVERED: frozenset({State.BOUNCED}),
    State.BOUNCED: frozenset({State.WAITING}),
    State.MUTED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.LAPSED: frozenset(),
    State.STOPPED: frozenset(),
}
"""Which state may follow which."""

UNSEEN = frozenset({State.HELD, State.WITHDRAWN, State.STOPPED})
"""States in which its reader cannot read it here either."""
LEFT = frozenset({State.SENT, State.DELIVERED, State.BOUNCED})
"""States of a letter that the mail server took."""


class Address(StrEnum):
    """Which of a person's addresses a letter goes to."""

    UNIVERSITY = "university"
    PERSONAL = "personal"


class How(StrEnum):
    """How a person wants one kind of message by mail. Here they read it in any case."""

    EACH = "each"
    WEEKLY = "weekly"
    NEVER = "never"


class About(StrEnum):
    """What a message that may be told to a phone at once is about. Its owner chooses by this."""

    CHANGES = "changes"
    """Classes and meetings that change."""
    REMINDERS = "reminders"
    ANSWERS = "answers"
    """What became of what one asked: a query, an absence, an appeal."""


MOST_PHONES = 5


class Closed(StrEnum):
    """How the task of reaching the reader of an unopened message ended."""

    OPENED = "opened"
    GONE_ON = "gone_on"
    STOPPED = "stopped"


RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
"""How long after each temporary refusal a letter is tried again; after the last one it has failed."""
SERVER_AWAY = timedelta(minutes=2)
"""How long to wait before the next try when the mail server does not answer at all."""
CLAIM = timedelta(minutes=10)
"""How long a worker may take over one letter. A worker that died in the middle leaves it to the next after this time."""

DAY_BEGINS, DAY_ENDS = time(7), time(21)
"""No letters are sent outside these hours, except about a class that is about to begin."""
URGENT = timedelta(hours=3)
"""A class that begins within this time: what changed is told at once, also at night."""
QUIET = timedelta(minutes=5)
"""Changes of the timetable are gathered until none has come for this long,"""
LONGEST = timedelta(minutes=20)
"""or until the first of them has waited for this long."""
DIGESTS = (time(8), time(17), time(20))
"""What is gathered over a day goes out at these times: a change made in the day is told that day."""
STALE = timedelta(days=3)
"""Events older than this when they are first seen (a restored backup, a first start) are not told."""
KEPT_DUE = timedelta(days=14)
"""How long a letter about marks and registers is of use, should the mail be away."""
NO_CODE_AFTER = timedelta(minutes=8)
"""How long a class has been going on without any sign of a register before its lecturer is asked about it."""


WEEKLY_ON, WEEKLY_AT = 0, time(9)
"""The week's letter goes out on Mondays at this time."""
UNOPENED_FOR = 2
"""Working days a formal message waits to be opened before it goes on to the next channel."""
GONE_ON_AFTER = 5
"""Working days a named person waits for an answer, if they have not rung, before the matter may go on (docs/rules.md A 15)."""


class Next(StrEnum):
    """Where a formal message goes that is not opened."""

    COPY = "copy"
    """To the person's other address."""
    HAND_OVER = "hand_over"
    """To a named person, who rings."""


def next_channel(*, failed: bool, waited: int, other_address: bool, copied: bool) -> Next | None:
    """Where an unopened formal message goes now; None: it waits. `failed` and `waited` (working days) are of the last letter
    that went out: to the other address once it is `copied`. In the product it stood from the first day."""
    if not failed and waited < UNOPENED_FOR:
        return None
    return Next.COPY if other_address and not copied else Next.HAND_OVER


def may_go_on(*, called: bool, today: date, due_on: date) -> bool:
    """Whether the named person may let a matter go on whose message was never opened."""
    return called or today >= due_on


def chosen(*, formal: bool, mutable: bool, digest: bool, choice: How | None) -> How:
    """How a message of such a kind goes by mail, to a person who chose that (None: nothing)."""
    if formal:
        return How.EACH
    allowed = {How.EACH} | ({How.NEVER} if mutable else set()) | ({How.WEEKLY} if digest else set())
    return choice if choice in allowed else How.WEEKLY if digest else How.EACH


def week_at(at: datetime, zone: ZoneInfo) -> datetime:
    """When the next week's letter goes out."""
    local = at.astimezone(zone)
    monday = local.date() + timedelta(days=(WEEKLY_ON - local.weekday()) % 7)
    slot = datetime.combine(monday, WEEKLY_AT, tzinfo=zone)
    return slot if slot > local else datetime.combine(monday + timedelta(days=7), WEEKLY_AT, tzinfo=zone)


def retry_after(tries: int) -> timedelta | None:
    """How long to wait after so many temporary refusals; None: no more."""
    return RETRIES[tries - 1] if tries <= len(RETRIES) else None


def is_night(at: datetime, zone: ZoneInfo) -> bool:
    """Whether it is night at that instant, when no letters are sent."""
    return not DAY_BEGINS <= at.astimezone(zone).time() < DAY_ENDS


def is_urgent(*, starts_at: datetime, at: datetime) -> bool:
    """Whether a class begins so soon that what changed cannot wait."""
    return starts_at - at <= URGENT


def is_settled(*, first: datetime, latest: datetime, at: datetime, zone: ZoneInfo) -> bool:
    """Whether changes of the timetable, the first and the latest of them made then, are told now: when it has been quiet
    for a while, or they have waited long enough; not at night."""
    return not is_night(at, zone) and (at - latest >= QUIET or at - first >= LONGEST)


def awake(at: datetime, zone: ZoneInfo) -> datetime:
    """That instant, or at night the morning after it."""
    if not is_night(at, zone):
        return at
    local = at.astimezone(zone)
    day = local.date() if local.time() < DAY_BEGINS else local.date() + timedelta(days=1)
    return datetime.combine(day, DAY_BEGINS, tzinfo=zone)


def digest_at(changed_at: datetime, zone: ZoneInfo) -> datetime:
    """When a change made then is told: at the next of DIGESTS, in the university's time."""
    local = changed_at.astimezone(zone)
    for days in (0, 1):
        for hour in DIGESTS:
            slot = datetime.combine(local.date() + timedelta(days=days), hour, tzinfo=zone)
            if slot >= local:
                return slot
    raise AssertionError("a day has digests")  # pragma: no cover
