"""The life of a duty to report: what may happen to it and by whom, and how many working days are left. Pure.

Sources: docs/rules.md B (rules 5 and 6) and G 7.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from adsum.core.working_days import WorkingDays


class Kind(StrEnum):
    """What happened that may have to be reported."""

    NO_ENROLMENT = "no_enrolment"
    WITHDRAWAL = "withdrawal"
    SUSPENSION = "suspension"
    NON_ENGAGEMENT = "non_engagement"
    EARLY_COMPLETION = "early_completion"
    CHANGE_OF_LOCATION = "change_of_location"
    PLACEMENT_CHANGE = "placement_change"
    COURSE_CHANGE = "course_change"
    PERMISSION = "permission"
    OTHER = "other"


class Because(StrEnum):
    """What Adsum found, when it opened a duty by itself."""

    NOT_ENGAGED = "not_engaged"
    NOT_ENROLLED = "not_enrolled"
    PERMISSION_ENDED = "permission_ended"
    ELSEWHERE = "elsewhere"
    OTHER_COURSE = "other_course"
    ENDED = "ended"
    SUSPENDED = "suspended"
    COMPLETED = "completed"


class Happened(NamedTuple):
    """The same with its number or its day, so that everyone reads it in their own language."""

    what: Because
    days: int | None = None
    on: date | None = None

    @property
    def facts(self) -> dict[str, int | str]:
        """As it is kept."""
        days: dict[str, int | str] = {} if self.days is None else {"days": self.days}
        return days if self.on is None else {**days, "on": self.on.isoformat()}


class State(StrEnum):
    """How a duty stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    """One officer has proposed an outcome; another confirms it or gives it back."""
    REVIEW = "review"
    """Two officers have agreed that more has to be found out first. The days go on."""
    TO_REPORT = "to_report"
    """Two officers have agreed that it is reported: now it is entered in the sponsor system."""
    REPORTED = "reported"
    NOT_REPORTED = "not_reported"
    """Two officers have agreed that there is nothing to report; the student has not been told yet."""
    CLOSED = "closed"
    """The student was told."""


class Outcome(StrEnum):
    """What two officers agree on."""

    REPORT = "report"
    NO_REPORT = "no_report"
    FURTHER_REVIEW = "further_review"


class Reason(StrEnum):
    """Why, as a code."""

    AS_RECORDED = "as_recorded"
    """It happened as the record says."""
    CONFIRMED = "confirmed"
    """The student says so too."""
    NOT_RE_ENGAGED = "not_re_engaged"
    """What was done to bring the student back has not."""
    RE_ENGAGED = "re_engaged"
    RECORD_WRONG = "record_wrong"
    REVERSED = "reversed"
    """What opened the duty has been taken back."""
    NOT_REPORTABLE = "not_reportable"
    """The guidance does not ask for it."""
    REPORTED_ALREADY = "reported_already"
    """Under another duty."""
    DOUBTED = "doubted"
    """The record has open questions."""
    ANSWER_TO_CHECK = "answer_to_check"
    """The student has said something that has to be looked into."""
    ADVICE = "advice"
    """Advice was asked for."""


REASONS: Mapping[Outcome, tuple[Reason, ...]] = {
    Outcome.REPORT: (Reason.AS_RECORDED, Reason.CONFIRMED, Reason.NOT_RE_ENGAGED),
    Outcome.NO_REPORT: (
        Reason.RE_ENGAGED,
        Reason.RECORD_WRONG,
        Reason.REVERSED,
        Reason.NOT_REPORTABLE,
        Reason.REPORTED_ALREADY,
    ),
    Outcome.FURTHER_REVIEW: (Reason.DOUBTED, Reason.ANSWER_TO_CHECK, Reason.ADVICE),
}
"""Which reasons each outcome may have."""


class Event(StrEnum):
    """What happens to a duty."""

    OPENED = "opened"
    CORRECTED = "corrected"
    """The day of the trigger."""
    NOTED = "noted"
    PROPOSED = "proposed"
    TAKEN_BACK = "taken_back"
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    """The second officer does not agree."""
    REPORTED = "reported"
    TRIED = "tried"
    """Somebody tried to tell the student."""
    CLOSED = "closed"
    REOPENED = "reopened"
    """A letter came back: the student was not told after all."""


class Part(StrEnum):
    """As what an officer acts on a duty."""

    ANY = "any"
    PROPOSER = "proposer"
    SECOND = "second"
    """An officer who did not propose what is to be confirmed."""


_UNDECIDED = (State.OPEN, State.REVIEW)
_RUNNING = (*_UNDECIDED, State.PROPOSED, State.TO_REPORT)

MOVES: Mapping[Event, Mapping[tuple[Part, State], State | None]] = {
    Event.CORRECTED: {(Part.ANY, state): state for state in _RUNNING},
    Event.NOTED: {(Part.ANY, state): state for state in State},
    Event.PROPOSED: {(Part.ANY, state): State.PROPOSED for state in _UNDECIDED},
    Event.TAKEN_BACK: {(Part.PROPOSER, State.PROPOSED): State.OPEN},
    Event.CONFIRMED: {(Part.SECOND, State.PROPOSED): None},
    Event.RETURNED: {(Part.SECOND, State.PROPOSED): State.OPEN},
    Event.REPORTED: {(Part.ANY, State.TO_REPORT): State.REPORTED},
    Event.TRIED: {(Part.ANY, state): state for state in (State.REPORTED, State.NOT_REPORTED)},
    Event.CLOSED: {(Part.ANY, state): State.CLOSED for state in (State.REPORTED, State.NOT_REPORTED)},
    Event.REOPENED: {(Part.ANY, State.CLOSED): None},
}
"""For each event, who may do it in which state, and how the duty stands then; None: as the outcome says. What is not here
cannot be done."""

AGREED: Mapping[Outcome, State] = {
    Outcome.REPORT: State.TO_REPORT,
    Outcome.NO_REPORT: State.NOT_REPORTED,
    Outcome.FURTHER_REVIEW: State.REVIEW,
}
"""How a duty stands once its outcome is confirmed."""
DONE: Mapping[Outcome, State] = {Outcome.REPORT: State.REPORTED, Outcome.NO_REPORT: State.NOT_REPORTED}
"""How it stands once there is only the student to tell."""

RUNNING = frozenset(_RUNNING)
"""States in which the working days count: nothing has been decided, or what was decided is not done."""


def after(part: Part, state: State, event: Event, outcome: Outcome | None = None) -> State | None:
    """How a duty stands after this; None: this officer cannot do that now. `outcome`: the one that is confirmed."""
    moves = MOVES[event]
    if (part, state) not in moves and (Part.ANY, state) not in moves:
        return None
    to = moves.get((part, state), moves.get((Part.ANY, state)))
    if to is not None:
        return to
    return (DONE if event == Event.REOPENED else AGREED).get(outcome) if outcome is not None else None


# Which outcomes


class Doubt(StrEnum):
    """What in the record is an open question."""

    HELD_SCAN = "held_scan"
    OUTAGE = "outage"
    """A class of the student's was in an outage and has not been settled."""
    QUERY = "query"
    ABSENCE = "absence"
    """An absence that nobody has decided yet."""


RESTS_ON_RECORD = frozenset({Kind.NON_ENGAGEMENT})
"""Kinds that rest on the record of attendance. A withdrawal, a suspension, a missing enrolment or an early completion is a fact
of its own, which no open question about a class changes."""


def may_be(kind: Kind, doubts: Collection[Doubt]) -> tuple[Outcome, ...]:
    """The outcomes that may be proposed and confirmed now."""
    if kind in RESTS_ON_RECORD and doubts:
        return (Outcome.FURTHER_REVIEW,)
    return tuple(Outcome)


# Working days

REMINDED_AT = (5, 2)
"""So many working days before the last one officers are reminded."""


def due_on(trigger: date, count: int, days: WorkingDays) -> date:
    """The last day for the report: so many working days after the trigger. They never stop."""
    return days.after(trigger, count)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left until the last day: working days, or by how many it is over."""

    days: int
    """0 on the last day itself."""
    over: int

    @property
    def step(self) -> int | None:
        """Of which reminder it is time: 5, 2, or 0 once it is over. None: it is early yet."""
        if self.over:
            return 0
        return min((step for step in REMINDED_AT if self.days <= step), default=None)


def left(due: date, today: date, days: WorkingDays) -> Left:
    """How many working days are left, today not counted; over a weekend after the last day it is over by one."""
    if today <= due:
        return Left(days.passed(today, due), 0)
    return Left(0, max(1, days.passed(due, today)))


# That the student was told


class Way(StrEnum):
    """A recorded way to reach the student."""

    UNIVERSITY_MAIL = "university_mail"
    PERSONAL_EMAIL = "personal_email"
    TELEPHONE = "telephone"
    ADDRESS = "address"


class Result(StrEnum):
    """What became of one attempt."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    BOUNCED = "bounced"
    REFUSED = "refused"
    POSTED = "posted"
    SPOKE = "spoke"
    NO_ANSWER = "no_answer"


BY_MAIL = frozenset({Way.UNIVERSITY_MAIL, Way.PERSONAL_EMAIL})
BY_HAND: Mapping[Way, tuple[Result, ...]] = {Way.TELEPHONE: (Result.SPOKE, Result.NO_ANSWER), Way.ADDRESS: (Result.POSTED,)}
"""What an officer may write down of the ways that no machine serves."""


TOLD = frozenset({Result.SENT, Result.DELIVERED, Result.OPENED, Result.POSTED, Result.SPOKE})
"""What says that something is on its way to the student, or has arrived."""


def untried(recorded: Iterable[Way], latest: Mapping[Way, Result]) -> tuple[Way, ...]:
    """Over which recorded ways nobody has tried yet to tell the student."""
    there = set(recorded)
    return tuple(way for way in Way if way in there and way not in latest)


def was_told(recorded: Collection[Way], latest: Mapping[Way, Result]) -> bool:
    """Whether the student counts as told: tried over every recorded way, and over one of them nothing has come back. It waits
    for no answer and for no opening. `latest`: what came last of each way."""
    return not untried(recorded, latest) and any(result in TOLD for result in latest.values())


# The status board


class Standing(StrEnum):
    """How a sponsored student stands, in one word."""

    COMPLIANT = "compliant"
    AT_RISK = "at_risk"
    """The days without engagement have reached the first step of the ladder."""
    CROSSED = "crossed"
    """A duty is open."""
    REPORTED = "reported"
    """Reported, and the student is still to be told over some way."""
    CLOSED = "closed"
    """The last duty of theirs is closed, after a report."""


def standing(states: Iterable[tuple[State, Outcome | None]], *, at_risk: bool) -> Standing:
    """How a student with duties in these states stands: what is most urgent wins."""
    found = set(states)
    if any(state in RUNNING for state, _outcome in found):
        return Standing.CROSSED
    if (State.REPORTED, Outcome.REPORT) in found:
        return Standing.REPORTED
    if at_risk:
        return Standing.AT_RISK
    return Standing.CLOSED if (State.CLOSED, Outcome.REPORT) in found else Standing.COMPLIANT
