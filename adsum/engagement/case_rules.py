"""What may happen to a case, by whom, and until when: for a person who has to answer for it, to be read.

Sources: docs/rules.md A 14 (notice, appeal), A 18 (owner, due date, outcome).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from adsum.core.working_days import WorkingDays

FIRST_STEP_IN = 3
"""Working days in which a new case needs its first step."""
ACKNOWLEDGED_IN = 1
"""Working days in which a concern is acknowledged."""
FORMAL_NOTICE = 5
"""Working days between the offer of a formal meeting and the earliest slot (docs/rules.md A 14)."""
APPEAL_IN = 10
"""Working days in which a student may appeal against an outcome (docs/rules.md A 14)."""
HEARD_IN = 5
"""Working days in which a student may say how it was, before a conduct referral is decided without their words."""
SPOKEN_HOLDS = timedelta(days=7)
"""How long after somebody spoke to a student stages 0 and 1 say nothing."""


class State(StrEnum):
    """How a case stands."""

    OPEN = "open"
    STOPPED = "stopped"
    """The clock stands still, for a reason that is written down."""
    CLOSED = "closed"
    APPEALED = "appealed"
    """Until the appeal is decided the student stands as before the outcome."""
    OVERTURNED = "overturned"
    """The appeal was upheld: the outcome is taken back."""


UNDER_WAY = frozenset({State.OPEN, State.STOPPED})
"""A student has one case in these states at most."""
OWNED = UNDER_WAY | {State.APPEALED}
"""Somebody still has work to do."""


class Part(StrEnum):
    """As what a person acts on a case."""

    STUDENT = "student"
    STAFF = "staff"
    """The owner, the student's tutor and those who keep the records of the student's department."""
    OTHERS = "others"
    """Staff as above who did not decide the outcome that is appealed against."""


class Because(StrEnum):
    """Why a case was opened, where no person said it in words: each reader reads it in their language."""

    MEETING = "meeting"
    """A reminder that asks to a meeting was let go."""
    TALK = "talk"
    """The person who opened it would like to talk with the student."""


class Event(StrEnum):
    """What happens to a case."""

    OPENED = "opened"
    NOTED = "noted"
    PLANNED = "planned"
    """A next step and a day by which it is due."""
    OFFERED = "offered"
    """Slots for a meeting."""
    PICKED = "picked"
    MET = "met"
    """What became of a meeting is written down."""
    REFERRED = "referred"
    HANDED_OVER = "handed_over"
    STOPPED = "stopped"
    RESTARTED = "restarted"
    CLOSED = "closed"
    APPEALED = "appealed"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    CORRECTED = "corrected"
    """A reminder of that time was withdrawn, because the record was put right. Adsum writes it, in a closed case too."""


BY_ADSUM = frozenset({Event.OPENED, Event.CORRECTED})
"""What moves no case, so that no state has to allow it."""
_STAY = (Event.NOTED, Event.PLANNED, Event.OFFERED, Event.MET, Event.REFERRED, Event.HANDED_OVER)

MOVES: Mapping[Part, Mapping[State, Mapping[Event, State]]] = {
    Part.STUDENT: {
        State.OPEN: {Event.PICKED: State.OPEN, Event.MET: State.OPEN},
        State.STOPPED: {Event.PICKED: State.STOPPED, Event.MET: State.STOPPED},
        State.CLOSED: {Event.APPEALED: State.APPEALED},
    },
    Part.STAFF: {
        State.OPEN: {**dict.fromkeys(_STAY, State.OPEN), Event.STOPPED: State.STOPPED, Event.CLOSED: State.CLOSED},
        State.STOPPED: {
            Event.NOTED: State.STOPPED,
            Event.MET: State.STOPPED,
            Event.HANDED_OVER: State.STOPPED,
            Event.RESTARTED: State.OPEN,
            Event.CLOSED: State.CLOSED,
        },
        State.CLOSED: {Event.NOTED: State.CLOSED},
        State.APPEALED: {Event.NOTED: State.APPEALED, Event.HANDED_OVER: State.APPEALED},
    },
    Part.OTHERS: {State.APPEALED: {Event.UPHELD: State.OVERTURNED, Event.DISMISSED: State.CLOSED}},
}
"""Who may do what to a case in which state, and how it stands then. What is not here cannot be done."""


def after(part: Part, state: State, event: Event) -> State | None:
    """How a case stands after this; None: this person cannot do that now."""
    return MOVES.get(part, {}).get(state, {}).get(event)


class Outcome(StrEnum):
    """With what a case is closed."""

    RECOVERED = "recovered"
    SUPPORT_AGREED = "support_agreed"
    REFERRED = "referred"
    NOT_NEEDED = "not_needed"
    """It was opened by mistake, or the record was wrong."""
    NOT_REACHED = "not_reached"
    WARNED = "warned"
    """A formal warning about attendance."""
    TO_PANEL = "to_panel"
    LEFT = "left"
    """The student has left, or is leaving."""


APPEALABLE = frozenset({Outcome.WARNED, Outcome.TO_PANEL})
"""Outcomes with a consequence: the student may appeal against these."""


def appeal_until(outcome: Outcome, closed_on: date, days: WorkingDays) -> date | None:
    """The last day on which a student may appeal; None: there is nothing to appeal against."""
    return days.after(closed_on, APPEAL_IN) if outcome in APPEALABLE else None


def in_force(state: State, outcome: Outcome | None) -> Outcome | None:
    """The outcome that holds now: none while an appeal is open, none after it was upheld (docs/rules.md A 14)."""
    return outcome if state == State.CLOSED else None


class Stop(StrEnum):
    """Why a clock stands still."""

    ABSENCE = "absence"
    SUSPENDED = "suspended"
    OTHER_SERVICE = "other_service"
    """Another service of the university has asked us to wait."""
    RECORD = "record"
    """The record is being looked into."""
    OTHER = "other"


class Pause(NamedTuple):
    """From which day to which a clock stood still; None: it still does."""

    since: date
    until: date | None


def days_stopped(pauses: Iterable[Pause], days: WorkingDays, today: date) -> int:
    """How many working days a clock stood still, computed from what happened and never stored."""
    return sum(days.passed(pause.since, pause.until or today) for pause in pauses)


def due_now(due_on: date, pauses: Collection[Pause], days: WorkingDays, today: date) -> date:
    """The day by which the next step is due: the day once set, moved by the working days on which the clock stood still."""
    stopped = days_stopped(pauses, days, today)
    return days.after(due_on, stopped) if stopped else due_on


class Way(StrEnum):
    """How staff got in touch with a student, or tried to."""

    CALL = "call"
    EMAIL = "email"
    VISIT = "visit"
    LETTER = "letter"
    IN_PERSON = "in_person"


class Reply(StrEnum):
    """What came of it."""

    SPOKE = "spoke"
    NO_ANSWER = "no_answer"
    SENT = "sent"
    """It is on its way: nothing has come back yet."""
    THEY_ANSWERED = "they_answered"
    """The student wrote or called back."""


IN_TOUCH = frozenset({Reply.SPOKE, Reply.THEY_ANSWERED})
"""Somebody and the student have heard from each other."""


class Readers(StrEnum):
    """Who reads a note."""

    STUDENT = "student"
    """The student too."""
    SUPPORT = "support"
    """The owner, the tutor, and those who keep the records of the department."""
    TEAM = "team"
    """The attendance team alone."""


class Channel(StrEnum):
    """Over which channel a student was in contact with the university."""

    CLASS = "class"
    MEETING = "meeting"
    CONVERSATION = "conversation"
    SUPERVISION = "supervision"
    SUBMISSION = "submission"
    EXAM = "exam"
    VLE = "vle"


READ = frozenset({Channel.CLASS, Channel.MEETING, Channel.CONVERSATION})
"""Read where they happen (marks, meetings, the contact log), never copied."""
COUNTS = frozenset(Channel) - {Channel.VLE}
"""Channels that count as contact. Opening a page of the learning environment is kept and is no contact."""


class MeetingState(StrEnum):
    """How a meeting stands."""

    OFFERED = "offered"
    AGREED = "agreed"
    CAME = "came"
    DID_NOT_COME = "did_not_come"
    REARRANGED = "rearranged"
    """Another one is offered in its place."""
    CALLED_OFF = "called_off"


STILL_AHEAD = frozenset({MeetingState.OFFERED, MeetingState.AGREED})

MEETING_MOVES: Mapping[MeetingState, frozenset[MeetingState]] = {
    MeetingState.OFFERED: frozenset({MeetingState.AGREED, MeetingState.CALLED_OFF, MeetingState.REARRANGED}),
    MeetingState.AGREED: frozenset(MeetingState) - {MeetingState.OFFERED, MeetingState.AGREED},
    MeetingState.CAME: frozenset(),
    MeetingState.DID_NOT_COME: frozenset({MeetingState.CAME}),  # came late, or the wrong button
    MeetingState.REARRANGED: frozenset(),
    MeetingState.CALLED_OFF: frozenset(),
}


class Span(NamedTuple):
    """From when to when something is."""

    starts_at: datetime
    ends_at: datetime


BETWEEN_ROOMS = timedelta(minutes=10)
"""What a student needs to get from one room to another."""


class Unfit(StrEnum):
    """Why a slot cannot be offered."""

    PAST = "past"
    NOTICE = "notice"
    CLASS = "class"
    """The student has a class then, or needs the time to get there."""
    BACKWARDS = "backwards"


def why_unfit(slot: Span, busy: Iterable[Span], *, at: datetime, on: date, earliest: date) -> Unfit | None:
    """Why this slot (on the civil day `on`) cannot be offered to a student who has these classes; None: it can. `earliest` is
    the first day on which the meeting may be."""
    if slot.ends_at <= slot.starts_at:
        return Unfit.BACKWARDS
    if slot.starts_at <= at:
        return Unfit.PAST
    if on < earliest:
        return Unfit.NOTICE
    clashes = any(slot.starts_at < one.ends_at + BETWEEN_ROOMS and one.starts_at - BETWEEN_ROOMS < slot.ends_at for one in busy)
    return Unfit.CLASS if clashes else None


def earliest_day(today: date, *, formal: bool, days: WorkingDays) -> date:
    """The first day on which a meeting offered today may be (docs/rules.md A 14)."""
    return days.after(today, FORMAL_NOTICE) if formal else today


class Worry(StrEnum):
    """What a teacher noticed. No medical words: what was seen, not what it may mean."""

    NOT_THEMSELVES = "not_themselves"
    SAID_SOMETHING = "said_something"
    STOPPED_COMING = "stopped_coming"
    OTHER = "other"


class ConductState(StrEnum):
    """How a conduct referral stands."""

    ASKED = "asked"
    """The student is asked how it was."""
    HEARD = "heard"
    DECIDED = "decided"


CONDUCT_MOVES: Mapping[ConductState, frozenset[ConductState]] = {
    ConductState.ASKED: frozenset({ConductState.HEARD, ConductState.DECIDED}),
    ConductState.HEARD: frozenset({ConductState.HEARD, ConductState.DECIDED}),
    ConductState.DECIDED: frozenset(),
}


class Finding(StrEnum):
    """What a person found in a conduct referral."""

    NOTHING = "nothing"
    """There is a good explanation, or no proof."""
    ADVICE = "advice"
    MISUSE = "misuse"


class Unheard(StrEnum):
    """Why a conduct referral cannot be decided yet."""

    TOO_EARLY = "too_early"
    """The student has not answered, and still has time to."""
    SAME_PERSON = "same_person"
    """The person who referred it does not decide it."""


def why_not_decide(state: ConductState, *, due_on: date, today: date, referred_by: int, by: int) -> Unheard | None:
    """Why this person may not decide now; None: they may. The student is heard first, or had the time to be."""
    if by == referred_by:
        return Unheard.SAME_PERSON
    return Unheard.TOO_EARLY if state == ConductState.ASKED and today <= due_on else None


def check() -> None:
    """Each state can be reached, each event does something, and no state keeps work without a way out. Called at import, so
    that a table that does not hold together never serves a page."""
    moves = [
        (before, event, to) for states in MOVES.values() for before, events in states.items() for event, to in events.items()
    ]
    reached = {State.OPEN}
    while more := {to for before, _event, to in moves if before in reached} - reached:
        reached |= more
    if missing := set(State) - reached:
        raise ValueError(f"no case ever gets to {sorted(missing)}")
    if idle := set(Event) - {event for _before, event, _to in moves} - BY_ADSUM:
        raise ValueError(f"nobody can ever do {sorted(idle)}")
    if stuck := {state for state in OWNED if not any(before == state and to != state for before, _event, to in moves)}:
        raise ValueError(f"a case never leaves {sorted(stuck)}")


check()
