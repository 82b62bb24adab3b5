"""Requests by the people whose data we hold, complaints among them, and until when they are answered: for a data-protection
officer to be read.

Sources: docs/rules.md D 6 and G 5; UK GDPR Articles 12A and 15 to 21; Data Protection Act 2018 s.164A.
"""

import calendar
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from adsum.core.working_days import WorkingDays

ACKNOWLEDGED_IN = timedelta(days=30)
"""A complaint is acknowledged within so many days, the first of which is the day after it came (s.164A)."""
MONTHS, EXTENDED_MONTHS = 1, 3
"""In how many months a request is answered, and in how many where it was extended by two more, and the person told why."""
COMPLAINT_MONTHS = 3
"""The law says "without undue delay" of a complaint's outcome. This is our own measure of that."""
YOUNG_ACKNOWLEDGED_IN = 5
"""Working days in which we mean to acknowledge whatever comes from someone under 18, who is owed higher protection."""
LONGEST_WORDS = 4000


class Kind(StrEnum):
    """What is asked for."""

    ACCESS = "access"
    """What is kept about the person, where an officer has to look through it first."""
    COMPLAINT = "complaint"
    """That their data was used wrongly."""
    RECTIFICATION = "rectification"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    ERASURE = "erasure"


class Came(StrEnum):
    """How it came. Nobody has to use our form."""

    FORM = "form"
    EMAIL = "email"
    LETTER = "letter"
    TELEPHONE = "telephone"
    IN_PERSON = "in_person"


class State(StrEnum):
    """How a request stands."""

    OPEN = "open"
    WAITING = "waiting"
    """For the person, who was asked who they are or what they mean. The clock stands still."""
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


UNDER_WAY = frozenset({State.OPEN, State.WAITING})
"""Somebody still has to do something."""


class Step(StrEnum):
    """What happens to a request."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    ASKED_IDENTITY = "asked_identity"
    """Who the person is has to be shown. The clock stops."""
    ASKED_SCOPE = "asked_scope"
    """What is meant has to be said more closely. The clock stops."""
    REPLIED = "replied"
    """The person has written. A clock that stood goes on."""
    TAKEN = "taken"
    """A step that the person reads: what was looked into, what was found."""
    NOTED = "noted"
    """For those who answer it alone."""
    EXTENDED = "extended"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


STOPS = frozenset({Step.ASKED_IDENTITY, Step.ASKED_SCOPE})
TOLD = frozenset(Step) - {Step.NOTED}
"""Steps that the person reads, and is told of when staff take them."""

OFFICERS = frozenset(
    {
        Step.ACKNOWLEDGED,
        Step.ASKED_IDENTITY,
        Step.ASKED_SCOPE,
        Step.REPLIED,
        Step.TAKEN,
        Step.NOTED,
        Step.EXTENDED,
        Step.ANSWERED,
    }
)
"""What staff write down. That the person replied they write where the reply came another way than by the form."""
THEIRS = frozenset({Step.REPLIED, Step.WITHDRAWN})
"""What the person does."""

MOVES: dict[State, dict[Step, State]] = {
    State.OPEN: {
        Step.ACKNOWLEDGED: State.OPEN,
        Step.ASKED_IDENTITY: State.WAITING,
        Step.ASKED_SCOPE: State.WAITING,
        Step.REPLIED: State.OPEN,
        Step.TAKEN: State.OPEN,
        Step.NOTED: State.OPEN,
        Step.EXTENDED: State.OPEN,
        Step.ANSWERED: State.ANSWERED,
        Step.WITHDRAWN: State.WITHDRAWN,
    },
    State.WAITING: {
        Step.ACKNOWLEDGED: State.WAITING,
        Step.REPLIED: State.OPEN,
        Step.TAKEN: State.WAITING,
        Step.NOTED: State.WAITING,
        Step.ANSWERED: State.ANSWERED,
        Step.WITHDRAWN: State.WITHDRAWN,
    },
    State.ANSWERED: {Step.NOTED: State.ANSWERED},
    State.WITHDRAWN: {Step.NOTED: State.WITHDRAWN},
}
"""How a request stands after each step. What is not here cannot be done."""


class Outcome(StrEnum):
    """With what it is answered."""

    DONE = "done"
    """All that was asked for; of a complaint: it was right."""
    IN_PART = "in_part"
    REFUSED = "refused"
    """With the reason, and where one can turn; of a complaint: we found nothing wrong."""


class Ground(StrEnum):
    """Why something is kept out of what a person is given (Data Protection Act 2018, schedules 2 and 3)."""

    ABOUT_OTHERS = "about_others"
    """It would tell of another person, who did not agree."""
    HARM = "harm"
    """It would be likely to harm somebody’s health (a health professional has said so)."""
    INVESTIGATION = "investigation"
    """It would prejudice an investigation that is still open."""
    LEGAL_ADVICE = "legal_advice"
    CONFIDENCE = "confidence"
    """It was given in confidence, such as a reference."""


class Decision(StrEnum):
    """What an officer decides about one text that the self-service leaves out."""

    RELEASE = "release"
    REDACT = "redact"
    WITHHOLD = "withhold"


class Taken(NamedTuple):
    """A step and its civil day."""

    step: Step
    on: date


class Clock(NamedTuple):
    """By when a request is answered, and what moved that day."""

    due_on: date
    before_stops: date
    """What it would be without the days on which the clock stood still."""
    stopped_days: int
    acknowledge_by: date | None
    """None: it was acknowledged, or it need not be."""
    stands_still: bool


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last day where it has none."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def stopped_days(steps: Iterable[Taken], today: date) -> int:
    """On how many days the clock stood still: from the day on which the person was asked to the day of their reply, that day
    not included. Derived from the steps each time, never stored."""
    total, since = 0, None
    for step, on in steps:
        if step in STOPS and since is None:
            since = on
        elif step not in STOPS and step in {Step.REPLIED, Step.ANSWERED, Step.WITHDRAWN} and since is not None:
            total, since = total + (on - since).days, None
    return total + ((max(today, since) - since).days if since is not None else 0)


def clock_of(
    kind: Kind, received_on: date, steps: Collection[Taken], *, under_18: bool, today: date, days: WorkingDays
) -> Clock:
    """The clock of a request that came on that day. A day on which nobody works becomes the next on which people do."""
    done = {step for step, _ in steps}
    months = EXTENDED_MONTHS if Step.EXTENDED in done else COMPLAINT_MONTHS if kind == Kind.COMPLAINT else MONTHS
    stood = stopped_days(steps, today)
    plain = months_after(received_on, months)
    acknowledge: date | None = None
    if not done & {Step.ACKNOWLEDGED, Step.ANSWERED, Step.WITHDRAWN}:
        if under_18:
            acknowledge = days.after(received_on, YOUNG_ACKNOWLEDGED_IN)
        elif kind == Kind.COMPLAINT:
            acknowledge = received_on + ACKNOWLEDGED_IN
    standing = [step for step, _ in steps if step in STOPS or step == Step.REPLIED]
    return Clock(
        due_on=worked(plain + timedelta(days=stood), days),
        before_stops=worked(plain, days),
        stopped_days=stood,
        acknowledge_by=acknowledge,
        stands_still=bool(standing) and standing[-1] in STOPS,
    )


def worked(day: date, days: WorkingDays) -> date:
    """That day, or the next on which people work."""
    return day if days.is_one(day) else days.after(day, 1)


def after(state: State, step: Step) -> State | None:
    """How a request stands after this step; None: it cannot be taken now."""
    return MOVES[state].get(step)


def why_not(kind: Kind, step: Step, *, words: str, outcome: Outcome | None, undecided: int) -> str | None:
    """Why staff cannot take this step as they want to, as a code; None when they can. `undecided`: texts of an access request
    about which nothing is decided yet."""
    if step not in {Step.RECEIVED, Step.ACKNOWLEDGED, Step.WITHDRAWN} and not words.strip():
        return "needs_words"
    if step == Step.ANSWERED and outcome is None:
        return "needs_outcome"
    if step == Step.ANSWERED and kind == Kind.ACCESS and undecided and outcome != Outcome.REFUSED:
        return "needs_review"
    if step == Step.EXTENDED and kind == Kind.COMPLAINT:
        return "no_extension"
    return None
