"""The life of an alert: which state follows which, what keeps it back, and when its message may leave. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from adsum.core.working_days import WorkingDays
from adsum.engagement.case_rules import SPOKEN_HOLDS


class State(StrEnum):
    """Where an alert stands."""

    HELD = "held"
    """Found, and told to nobody."""
    RELEASED = "released"
    """Let go: its message leaves at the next hour at which one may."""
    TOLD = "told"
    PAUSED = "paused"
    """The student has answered: no stage goes on meanwhile."""
    RECOVERED = "recovered"
    """Enough classes were attended since, or before anything was said the rule had ceased to hold."""
    WITHDRAWN = "withdrawn"
    """The record changed, and what it said was never so."""
    CLOSED = "closed"
    """Closed by a person, with a reason."""
    REVIEW = "review"
    """It was never so, and something has followed from it that a letter does not put right: a person has to."""


OPEN = frozenset({State.HELD, State.RELEASED, State.TOLD, State.PAUSED, State.REVIEW})
"""Not over yet; a student has at most one of these for each stage."""
STANDING = frozenset({State.TOLD, State.PAUSED, State.REVIEW})
"""States in which the student was told and the reminder is open."""
REACHED = frozenset({State.TOLD, State.PAUSED, State.RECOVERED, State.CLOSED})
"""States in which people may have been told, so that a record put right has to be said to them."""


class Step(StrEnum):
    """What may happen to an alert."""

    RELEASE = "release"
    HOLD = "hold"
    TELL = "tell"
    PAUSE = "pause"
    RESUME = "resume"
    RECOVER = "recover"
    WITHDRAW = "withdraw"
    REVIEW = "review"
    STAND = "stand"
    """A person has reviewed it, and what followed from it stands."""
    CLOSE = "close"


MOVES: dict[Step, dict[State, State]] = {
    Step.RELEASE: {State.HELD: State.RELEASED},
    Step.HOLD: {State.RELEASED: State.HELD},
    Step.TELL: {State.RELEASED: State.TOLD},
    Step.PAUSE: {State.TOLD: State.PAUSED},
    Step.RESUME: {State.PAUSED: State.TOLD},
    Step.RECOVER: dict.fromkeys((State.HELD, State.RELEASED, State.TOLD, State.PAUSED), State.RECOVERED),
    Step.WITHDRAW: dict.fromkeys({*OPEN, *REACHED}, State.WITHDRAWN),
    Step.REVIEW: dict.fromkeys(REACHED, State.REVIEW),
    Step.STAND: {State.REVIEW: State.CLOSED},
    Step.CLOSE: dict.fromkeys(OPEN, State.CLOSED),
}
"""For each step, from where it leads where. Anything else is refused."""


def after(state: State, step: Step) -> State | None:
    """The state that follows; None where the step is not to be made."""
    return MOVES[step].get(state)


def disproved(state: State, *, told: bool, grave: bool) -> Step | None:
    """What becomes of an alert that turns out never to have been so. `told`: somebody has read it; `grave`: an outcome of
    stage 3, or a report to an authority, has followed. None: it is over, and said nothing to anybody."""
    if grave and told:
        return Step.REVIEW if state in REACHED else None
    if state in OPEN and state != State.REVIEW:
        return Step.WITHDRAW
    return Step.WITHDRAW if told and state in REACHED else None


# What keeps it back

TICKED_FROM = 2
"""From this stage on, a person first looks at what was not checked."""

APART = timedelta(days=7)
"""Between two messages of one stage to one student."""


class Back(StrEnum):
    """Why an alert does not leave yet."""

    NO_CONTACT = "no_contact"
    """No message may reach this student."""
    BY_HAND = "by_hand"
    """A person holds it."""
    WELFARE = "welfare"
    SUSPENDED = "suspended"
    DOUBT = "doubt"
    """Without the classes that are under query or under decision it would not be so."""
    SPOKEN_TO = "spoken_to"
    WINDOW = "window"
    """Mistakes are mostly found in the first day."""
    UNTICKED = "unticked"
    """Nobody has looked yet at what was not checked."""
    RECENT = "recent"
    """The student had a message of this stage within a week."""
    HOURS = "hours"
    """It is not a working hour."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an alert and its student at an instant."""

    stage: int
    held_until: datetime
    no_contact: bool = False
    by_hand: bool = False
    welfare: bool = False
    suspended: bool = False
    doubted: bool = False
    ticked: bool = False
    spoken_at: datetime | None = None
    told_at: datetime | None = None
    """When the student last had a message of this stage."""


def keeps_back(known: Known, at: datetime, *, working: bool = True) -> Back | None:
    """The first reason why an alert may not leave at that instant; None: it may. The page says it, and the verbs ask it."""
    alone = known.stage < TICKED_FROM
    spoken = known.spoken_at is not None and at - known.spoken_at < SPOKEN_HOLDS
    reasons = (
        (Back.NO_CONTACT, known.no_contact),
        (Back.BY_HAND, known.by_hand),
        (Back.WELFARE, known.welfare),
        (Back.SUSPENDED, known.suspended),
        (Back.DOUBT, known.doubted),
        (Back.SPOKEN_TO, alone and spoken),
        (Back.WINDOW, at < known.held_until),
        (Back.UNTICKED, not alone and not known.ticked),
        (Back.RECENT, known.told_at is not None and at - known.told_at < APART),
        (Back.HOURS, not working),
    )
    return next((reason for reason, holds in reasons if holds), None)


# When it may leave

BEGINS, ENDS = time(9), time(17)


def is_office_hour(at: datetime, zone: ZoneInfo, days: WorkingDays) -> bool:
    """Whether the university writes to students about reminders at that instant: 09:00 to 17:00 on a working day on which
    it is not closed."""
    local = at.astimezone(zone)
    return days.is_one(local.date()) and BEGINS <= local.time() < ENDS


def held_until(found_at: datetime, hold_days: int, zone: ZoneInfo, days: WorkingDays) -> datetime:
    """Until when an alert that was found then waits in any case: 09:00, so many working days later. Days on which the
    university is closed make the wait longer, for mistakes are not found on them."""
    return datetime.combine(days.after(found_at.astimezone(zone).date(), hold_days), BEGINS, tzinfo=zone)
