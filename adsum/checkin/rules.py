"""Codes, tickets, and whether a scan counts. Pure: no clock, no database. Source: docs/check-in.md.

Times here are whole milliseconds since 1970 in UTC, as the gate counts them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MAX_DISPLAYS = 4
SILENT_AFTER = timedelta(minutes=2)
"""A screen that was not heard from for so long does not count towards the most there may be, and makes room for another."""
MAX_TYPED_TRIES = 5
REMEMBER_DAYS = 30
"""For how many days without use a student's own browser stays known for checking in, where nothing else was decided."""
MOST_REMEMBER_DAYS = 180
"""A browser's tag lasts no longer, and what is tied to it ends with it."""
RENEWED_EVERY_MS = 12 * 3_600_000
"""A known browser's proof is renewed by use, this often."""
OUTAGE_TICKET_MS = 24 * 3_600_000
"""How long after the scan a ticket of a class in an outage can still finish, in milliseconds."""


def is_remembered(*, renewed_ms: int, now_ms: int, days: int) -> bool:
    """Whether a browser last renewed then is still known now, where browsers are known for so many days (0: never)."""
    return now_ms < renewed_ms + days * 86_400_000


def milliseconds(at: datetime) -> int:
    """An instant as the gate counts: whole milliseconds since 1970, UTC."""
    return int(at.timestamp() * 1000)


class Refusal(StrEnum):
    """Why an attempt did not become a mark at once. Each has a sentence on its page that says what to do next."""

    STALE_CODE = "stale_code"
    TOO_EARLY = "too_early"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    ALREADY_IN = "already_in"
    NOT_EXPECTED = "not_expected"
    SAME_DEVICE = "same_device"
    TICKET_USED = "ticket_used"
    TICKET_EXPIRED = "ticket_expired"
    TOO_MANY_TRIES = "too_many_tries"
    PAUSED = "paused"
    UNKNOWN_CODE = "unknown_code"
    AMENDED = "amended"
    OTHER_BROWSER = "other_browser"
    OFFLINE = "offline"
    RECOVERED = "recovered"


HELD = frozenset(
    {Refusal.NOT_EXPECTED, Refusal.SAME_DEVICE, Refusal.AMENDED, Refusal.OTHER_BROWSER, Refusal.OFFLINE, Refusal.RECOVERED}
)
"""Kept for the lecturer, who accepts or declines; neither lost nor a false success."""
UNDECIDED = frozenset({Refusal.SAME_DEVICE, Refusal.OTHER_BROWSER, Refusal.OFFLINE, Refusal.RECOVERED})
"""Held scans of students of the class: when nobody decides about one, the mark is under query."""


class Called(StrEnum):
    """The result of calling a name. "Not asked" differs from "not seen"."""

    NOT_ASKED = "not_asked"
    SEEN = "seen"
    NOT_SEEN = "not_seen"


class Void(StrEnum):
    """Why a second check says nothing about any student."""

    NOBODY = "nobody"
    """No student answered: its code was probably on no screen."""
    TAKEN_BACK = "taken_back"
    NO_MOMENT = "no_moment"
    """Its moment passed while no screen showed the class."""
    OUTAGE = "outage"


class AlarmKind(StrEnum):
    """What the gate noticed that an administrator must know of."""

    FUTURE_CODE = "future_code"
    CLOCK = "clock"
    RECOVERED = "recovered"
    """A phone brought back a scan that had been acknowledged and was gone."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the code changes and how long an old one is still good, in milliseconds."""

    period_ms: int
    grace_ms: int
    ticket_seconds: int = 600


PACES = {
    "standard": Pace(60_000, 15_000),
    "brisk": Pace(20_000, 10_000),
    "strict": Pace(10_000, 10_000, ticket_seconds=120),
    "very_strict": Pace(5_000, 10_000, ticket_seconds=120),
}
"""The presets a lecturer can choose for one class."""


def is_silent(heard_at: datetime, at: datetime) -> bool:
    """Whether a screen last heard from then counts as gone."""
    return at - heard_at >= SILENT_AFTER


def needs_relief(*, late: int, came: int) -> bool:
    """Whether a class gets its grace widened: `late` of the `came` students expected in it read a code a little too old.

    At least ten people and more than one in twenty (docs/check-in.md, relief), so that it cannot be widened by one person
    alone or by people outside the class.
    """
    return late >= 10 and 20 * late > came


NETWORKS = ("other", "campus", "mobile")


@dataclass(slots=True)
class Ticket:
    """Proof that this browser read a code at `first_seen_ms`. With `refusal`, proof of an attempt that was refused."""

    id: bytes
    opening: int
    epoch: int
    slot: int
    counter: int
    first_seen_ms: int
    age_ms: int
    network: int
    typed: bool
    new_device: bool
    device: bytes
    """The hash of that browser's tag, which a first scan gives it."""
    person: int
    """The id of the person signed in at the scan; 0 if the browser was not signed in yet."""
    expires_ms: int
    refusal: Refusal | None = None
    bound: bool = False
    """Scanned before any sign-in: it counts in the browser that made it, and in no other."""
    unproven: bool = False
    """Kept by a phone without a network: when it was scanned, only the phone says. Such a ticket is never sealed."""

    def is_of(self, device: bytes | None) -> bool:
        """Whether the browser with this tag may finish it."""
        return not self.bound or self.device == device


@dataclass(slots=True)
class OpeningFacts:
    """What the gate must know of an opening to judge a ticket."""

    opens_ms: int
    late_until_ms: int
    stopped_ms: int | None
    cancelled: bool
    frozen: bool
    expected: bool
    outage: bool = False
    """An outage touched its check-in, or signing in was slow: tickets live a day, however short they were made."""


def judge(ticket: Ticket, *, person: int, facts: OpeningFacts, now_ms: int, device: bytes | None = None) -> Refusal | None:
    """Why this person's ticket, shown by this browser, cannot become a mark; None when it can. Of several reasons, the one
    most useful to the student comes first.

    The moment of the scan decides whether check-in was open, never the moment at which sign-in ended. What only the register
    knows (already in, a second account on one device) is decided when the scan is written.
    """
    if ticket.person and ticket.person != person:
        return Refusal.TICKET_USED
    if ticket.refusal is not None:
        return ticket.refusal
    if facts.frozen:
        return Refusal.PAUSED
    if facts.cancelled:
        return Refusal.CANCELLED
    if ticket.first_seen_ms < facts.opens_ms:
        return Refusal.TOO_EARLY
    if ticket.first_seen_ms >= facts.late_until_ms:
        return Refusal.CLOSED
    if facts.stopped_ms is not None and ticket.first_seen_ms >= facts.stopped_ms:
        return Refusal.CLOSED
    if now_ms >= (ticket.first_seen_ms + OUTAGE_TICKET_MS if facts.outage else ticket.expires_ms):
        closed = now_ms >= facts.late_until_ms or (facts.stopped_ms is not None and now_ms >= facts.stopped_ms)
        return Refusal.CLOSED if closed else Refusal.TICKET_EXPIRED
    if not facts.expected:
        return Refusal.NOT_EXPECTED
    if ticket.unproven:
        return Refusal.OFFLINE
    return None if ticket.is_of(device) else Refusal.OTHER_BROWSER


@dataclass(slots=True)
class Attempt:
    """One try to check in, as the gate hands it to the writer. `verdict` is what `judge` said; times are UTC. Evidence is None
    where it is not known."""

    ref: UUID
    opening: int
    session: int
    student: int
    ticket: UUID
    verdict: Refusal | None
    late: bool
    minutes_late: int
    first_seen_at: datetime
    finished_at: datetime
    typed: bool | None
    slot: int | None
    age_ms: int | None
    device: str
    new_device: bool | None
    network: str
    network_changed: bool | None
    signed_in_after: bool | None
    agent: str
    remembered: bool | None = False
    """Finished without signing in, in a browser that was known."""
    elsewhere: bool = False
    """A scan for a second check that was finished in another browser than the one it was scanned in, or whose time only the
    phone knows: it does not count."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt: the scan it is kept as, and the mark's status and time when there is one."""

    scan: UUID
    refusal: Refusal | None
    status: str = ""
    at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether the student is in, either just now or from before."""
        return self.refusal in {None, Refusal.ALREADY_IN}


@dataclass(frozen=True, slots=True)
class KnownMark:
    """A mark that is already there."""

    status: str
    attended: bool
    at: datetime
    gives_way: bool
    """Whether a scan outranks the source of this mark."""


@dataclass(frozen=True, slots=True)
class Before:
    """What the register already knows about the attempts of one batch."""

    marks: dict[tuple[int, int], KnownMark]
    """By (class, student)."""
    tickets: dict[UUID, tuple[int, Outcome]]
    """By ticket: the scan with which it counted, or else the latest scan made with it: the student, and the outcome."""
    devices: dict[tuple[int, str], int]
    """The student accepted from a device in a class."""


@dataclass(slots=True)
class Settled:
    """One attempt decided: `kept` when it becomes a row of its own, `marks` when it makes or replaces a mark."""

    attempt: Attempt
    outcome: Outcome
    kept: bool
    marks: bool
    replaces: KnownMark | None = None


def settle(attempts: Iterable[Attempt], before: Before) -> list[Settled]:
    """Decide a batch in order; each attempt sees what the ones before it did. `before` is updated on the way.

    A ticket counts once. The same ticket of the same student always gets the same answer; once the student is in, the answer
    is that they are in.
    """
    settled = []
    for attempt in attempts:
        one = _settle(attempt, before)
        known = before.tickets.get(attempt.ticket)
        if one.kept and not (known and known[1].counts):
            before.tickets[attempt.ticket] = (attempt.student, one.outcome)
        if one.marks:
            status = "late" if attempt.late else "present"
            before.marks[attempt.session, attempt.student] = KnownMark(status, True, attempt.first_seen_at, True)
            if attempt.device:
                before.devices[attempt.session, attempt.device] = attempt.student
        settled.append(one)
    return settled


def _settle(attempt: Attempt, before: Before) -> Settled:
    used_by, earlier = before.tickets.get(attempt.ticket, (None, None))
    mine = used_by == attempt.student
    standing = before.marks.get((attempt.session, attempt.student))
    here = standing if standing is not None and standing.attended else None
    if earlier is not None and mine and (earlier.counts or earlier.refusal in HELD or earlier.refusal == attempt.verdict):
        if earlier.refusal in HELD and here is not None and not attempt.elsewhere:
            earlier = Outcome(earlier.scan, Refusal.ALREADY_IN, here.status, here.at)
        return Settled(attempt, earlier, kept=False, marks=False)
    refusal = attempt.verdict
    if earlier is not None and not mine and earlier.counts:
        refusal = Refusal.TICKET_USED
    elif refusal in _OVERTAKEN and here is not None:
        away = Refusal.OFFLINE if refusal == Refusal.OFFLINE else Refusal.OTHER_BROWSER
        refusal = away if attempt.elsewhere else Refusal.ALREADY_IN
    elif refusal is None and standing is not None and not standing.gives_way:
        refusal = Refusal.AMENDED
    elif refusal is None and before.devices.get((attempt.session, attempt.device), attempt.student) != attempt.student:
        refusal = Refusal.SAME_DEVICE
    if refusal is None:
        status = "late" if attempt.late else "present"
        outcome = Outcome(attempt.ref, None, status, attempt.first_seen_at)
        return Settled(attempt, outcome, kept=True, marks=True, replaces=standing)
    shown = here if refusal == Refusal.ALREADY_IN else None
    outcome = Outcome(attempt.ref, refusal, shown.status if shown else "", shown.at if shown else None)
    return Settled(attempt, outcome, kept=True, marks=False)


_OVERTAKEN = frozenset({None, Refusal.NOT_EXPECTED, Refusal.CLOSED, Refusal.OTHER_BROWSER, Refusal.OFFLINE, Refusal.RECOVERED})
"""Refusals that no longer matter once the student is in."""
