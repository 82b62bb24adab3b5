"""The words of the Student Loans Company: codes, states and kinds, as its pages and files have them. Pure.

Sources: docs/rules.md C (codes of the attendance worklist, statuses and kinds of a change of circumstance), G 1–3.
"""

from enum import StrEnum


class RegistrationCode(StrEnum):
    """What the registration worklist is told. Its N is not that of the attendance worklist: never mix the two."""

    REGISTERED = "Y"
    NOT_REGISTERED = "N"
    """The student has not registered: told at the latest 28 calendar days after the course began."""


class AttendanceCode(StrEnum):
    """What the attendance worklist is told at a liability point."""

    ATTENDING = "A"
    """In attendance, course and fee correct."""
    LIABILITY_RESOLVED = "L"
    """In attendance, liability disputed, the provider will resolve it."""
    COURSE_MISMATCH = "C"
    FEE_MISMATCH = "F"
    LIABILITY_DISPUTED = "N"
    """In attendance, liability disputed, the provider will not resolve it. Not the N of the registration worklist."""
    NOT_ATTENDING = "X"
    SUSPENDED = "S"
    NEVER_ATTENDED = "D"
    """First liability point only; it removes the entitlement."""


POSITIVE = frozenset({AttendanceCode.ATTENDING, AttendanceCode.LIABILITY_RESOLVED})
"""They release the payment, and lock once they have gone out: what changes later is a change of circumstance."""
STOPS_MONEY = frozenset({AttendanceCode.NOT_ATTENDING, AttendanceCode.SUSPENDED, AttendanceCode.NEVER_ATTENDED})
"""The student loses money by them, so that they are told before, and can answer."""


class Registration(StrEnum):
    """Whether the student has registered, as we told the Student Loans Company."""

    OPEN = "open"
    REGISTERED = "registered"
    NOT_REGISTERED = "not_registered"


class ConfirmationState(StrEnum):
    """How far the code of one student at one liability point has come."""

    OPEN = "open"
    PROPOSED = "proposed"
    """A code that costs the student money: they are told, and can answer before it is confirmed."""
    CONFIRMED = "confirmed"
    LOCKED = "locked"
    """A positive code that has gone out."""


class Because(StrEnum):
    """Why a code is suggested, or none."""

    GOES_ON = "goes_on"
    BEGAN = "began"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    NEVER_CAME = "never_came"
    COURSE_DIFFERS = "course_differs"
    FEE_DIFFERS = "fee_differs"
    WITHDRAWN = "withdrawn"
    """No code: a change of circumstance."""
    EARLIER_OPEN = "earlier_open"
    NOT_LIABLE = "not_liable"
    COOLING_OFF = "cooling_off"
    NOT_REGISTERED = "not_registered"
    NOT_ENROLLED = "not_enrolled"
    NOTHING_OBSERVED = "nothing_observed"
    DOUBTFUL = "doubtful"
    TOO_THIN = "too_thin"
    NOT_LATELY = "not_lately"
    NEVER_CAME_LATE = "never_came_late"
    NOT_JUDGED = "not_judged"


BY_ITSELF = frozenset({Because.NOT_LIABLE, Because.COOLING_OFF, Because.EARLIER_OPEN})
"""Why there is no code that time, or another liability point, settles: nobody has to look."""


class Finding(StrEnum):
    """What is to say of a row of their worklist."""

    FINE = "fine"
    NOT_OURS = "not_ours"
    """Its number belongs to none of our funding: it gets no code."""
    TWICE = "twice"
    """The number stands on more than one row: none of them gets a code until a person has looked."""
    COURSE = "course"
    FEE = "fee"


class ChangeKind(StrEnum):
    """What changed about a funded student."""

    WITHDRAWAL = "withdrawal"
    SUSPENSION = "suspension"
    RESUMPTION = "resumption"
    TRANSFER = "transfer"
    REPEAT = "repeat"
    FEE = "fee"
    COURSE = "course"
    CREDIT = "credit"
    LIABILITY = "liability"
    """The provider does not resolve a dispute about who is liable."""


LEAVES = frozenset({ChangeKind.WITHDRAWAL, ChangeKind.SUSPENSION})
"""Changes that need the date of last attendance, and move money."""


class ChangeState(StrEnum):
    """How far a change of circumstance has come; from submitted on as the portal says."""

    OPEN = "open"
    PREPARED = "prepared"
    """A person has confirmed the dates."""
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"
    NOT_NEEDED = "not_needed"


TO_DO = frozenset({ChangeState.OPEN, ChangeState.PREPARED, ChangeState.SUBMITTED, ChangeState.FAILED})


class LeftFor(StrEnum):
    """Why a student is suspended or leaves, as the portal asks it."""

    ACADEMIC = "academic"
    DISCIPLINARY = "disciplinary"
    HEALTH = "health"
    OTHER = "other"


class Encoding(StrEnum):
    """How their file is written."""

    UTF_8 = "utf-8"
    WINDOWS = "cp1252"
    LATIN_1 = "latin-1"
