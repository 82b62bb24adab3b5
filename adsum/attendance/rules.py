"""What a mark may be, which source wins, when a scan is present, late or neither, and how attendance is counted.

Sources: docs/rules.md A (recording 1–7, counting 8 to 10, precedence).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum


class Status(StrEnum):
    """A student's mark in one class: exactly one at a time (docs/rules.md A 4)."""

    EXPECTED = "expected"
    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent_unauthorised"
    AUTHORISED = "absent_authorised"
    PENDING = "absent_pending"
    LEFT_EARLY = "left_early"
    OTHER_GROUP = "attended_other_group"
    SWAPPED = "swapped"
    """The student attended another group's class instead. That one counts, so this one does not (docs/rules.md A 7)."""
    REMOTE = "attended_remote"
    NOT_OBSERVED = "not_captured"
    CANCELLED = "cancelled"
    NOT_EXPECTED = "not_expected"


ATTENDED = frozenset({Status.PRESENT, Status.LATE, Status.LEFT_EARLY, Status.OTHER_GROUP, Status.REMOTE})
"""The student took part."""

MARKABLE = (Status.PRESENT, Status.LATE, Status.ABSENT, Status.AUTHORISED, Status.LEFT_EARLY, Status.REMOTE, Status.SWAPPED)
"""What staff may choose by hand, in the order pages offer it."""


class Source(StrEnum):
    """Who made a mark. The source does not change what the mark means, only what may replace it."""

    SCAN = "scan"
    STAFF = "staff"
    ABSENCE = "absence"
    IMPORT = "import"
    SYSTEM = "system"


class Precedence(IntEnum):
    """A person's amendment > approved absence > scan > import > system at close (docs/rules.md A, precedence)."""

    SYSTEM = 0
    IMPORT = 1
    SCAN = 2
    ABSENCE = 3
    STAFF = 4


def may_replace(*, current: Source, new: Source) -> bool:
    """Whether a mark made by `current` gives way to `new`: an equal or higher source wins."""
    return Precedence[new.name] >= Precedence[current.name]


OBSERVERS = frozenset({Source.SCAN, Source.STAFF, Source.IMPORT})
LOOKED_FOR = ATTENDED | {Status.ABSENT}
"""A mark by one of those sources, with one of these statuses, shows that a register was taken: a student was seen, or missed
(docs/rules.md A 5). An absence agreed beforehand does not show it, nor does a swap of groups, nor a mark that closing gave."""

OF_THE_CLASS = frozenset({Status.CANCELLED, Status.NOT_EXPECTED})
"""Statuses no mark ever has: they are read off the class, or off the list of who is expected."""

BY_HAND = frozenset({*MARKABLE, Status.OTHER_GROUP})
"""What a person may give: the markable statuses, and "other group" for a student of another group whom they let in."""


def _moves() -> dict[Source, dict[Status, frozenset[Status]]]:
    foreseen = frozenset({Status.PENDING, Status.AUTHORISED, Status.SWAPPED})
    taken_back = frozenset({Status.ABSENT, Status.NOT_OBSERVED})
    missed = {Status.ABSENT, Status.NOT_OBSERVED, *foreseen}
    return {
        Source.STAFF: {one: BY_HAND - {one} for one in Status if one not in OF_THE_CLASS},
        Source.ABSENCE: {
            **dict.fromkeys((Status.EXPECTED, Status.ABSENT, Status.NOT_OBSERVED), foreseen),
            **{one: (foreseen | taken_back) - {one} for one in foreseen},
        },
        Source.SCAN: {one: frozenset({Status.PRESENT, Status.LATE}) for one in (Status.EXPECTED, *missed)},
        Source.IMPORT: {one: BY_HAND - {one} for one in Status if one not in OF_THE_CLASS},
        Source.SYSTEM: {
            Status.EXPECTED: foreseen | taken_back,
            Status.ABSENT: frozenset({Status.NOT_OBSERVED}),  # an outage, or an undo, takes back what closing gave
        },
    }


MOVES = _moves()
"""For each source, which status may become which; `expected` means "no mark yet". Printed as docs/states.md."""


class Stands(StrEnum):
    """Why a mark stays as it is."""

    BEATEN = "beaten"
    """The mark was made by a source of higher rank."""
    NO_MOVE = "no_move"
    """This source never makes this change."""


def why_not(*, status: Status, source: Source | None, to: Status, by: Source) -> Stands | None:
    """Why `by` may not turn a mark with this status, made by `source` (None: no mark yet), into `to`; None if it may."""
    if source is not None and not may_replace(current=source, new=by):
        return Stands.BEATEN
    return None if to in MOVES[by].get(status, ()) else Stands.NO_MOVE


class Reason(StrEnum):
    """Why a person changed a mark. Every amendment carries one."""

    SEEN_IN_CLASS = "seen_in_class"
    NO_PHONE = "no_phone"
    KIOSK = "kiosk"
    WITHDRAWN = "withdrawn"
    SCAN_ACCEPTED = "scan_accepted"
    """A person accepted a held scan. The decision sets this reason; it is not chosen."""
    SCAN_TROUBLE = "scan_trouble"
    NOT_IN_CLASS = "not_in_class"
    LEFT_EARLY = "left_early"
    WRONG_STUDENT = "wrong_student"
    ABSENCE_AGREED = "absence_agreed"
    ABSENCE_DECIDED = "absence_decided"
    """An absence, a placement or a swap was told, decided or taken back. The system sets this reason; it is not chosen."""
    FORESEEN = "foreseen"
    """A person accepted in the register what was foreseen of the student; it is not chosen either."""
    OTHER_GROUP_AGREED = "other_group_agreed"
    QUERY_UPHELD = "query_upheld"
    PAPER = "paper_register"
    OUTAGE = "outage"
    UNDONE = "undone"
    OTHER = "other"


GIVEN_BY_THEMSELVES = frozenset(
    {
        Reason.ABSENCE_DECIDED,
        Reason.FORESEEN,
        Reason.KIOSK,
        Reason.OUTAGE,
        Reason.QUERY_UPHELD,
        Reason.SCAN_ACCEPTED,
        Reason.UNDONE,
        Reason.WITHDRAWN,
    }
)
"""Reasons that are set by what is done, and cannot be chosen."""


class Explanation(StrEnum):
    """Why a class has no register and will not get one."""

    NOT_HELD = "not_held"
    NO_REGISTER = "no_register"
    TECHNICAL = "technical"
    OUTAGE = "outage"
    OTHER = "other"


TO_DEPARTMENT_AFTER = 3
"""Working days after which a register that its lecturer has not completed is the department's task (docs/rules.md A 5)."""
QUERY_TO_TEAM_AFTER = 3
"""Working days after which a query that its lecturers have not answered is the attendance team's too (docs/rules.md A 6)."""
QUERY_ANSWERED_IN = 5
"""Working days in which a query is to be answered."""


@dataclass(frozen=True, slots=True)
class Windows:
    """When check-in is open, in minutes from the start of the class (docs/rules.md A 1: −10 / +15 / +30)."""

    opens_before: int = 10
    present_until: int = 15
    late_until: int = 30


class Moment(StrEnum):
    """Where an instant falls in a class's windows."""

    TOO_EARLY = "too_early"
    PRESENT = "present"
    LATE = "late"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class OpenFor:
    """The same windows as instants in UTC. Starts are included, ends are not: 10:15:00 sharp is late."""

    opens_at: datetime
    present_until: datetime
    late_until: datetime

    @classmethod
    def of(cls, windows: Windows, *, starts_at: datetime, ends_at: datetime) -> "OpenFor":
        """Instants of `windows` for a class; check-in never outlasts the class itself. Minutes are real ones, also on the
        night the clocks change: arithmetic is done in UTC."""
        starts_at, ends_at = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
        return cls(
            opens_at=starts_at - timedelta(minutes=windows.opens_before),
            present_until=min(starts_at + timedelta(minutes=windows.present_until), ends_at),
            late_until=min(starts_at + timedelta(minutes=windows.late_until), ends_at),
        )

    def longer(self, minutes: int, *, ends_at: datetime) -> "OpenFor":
        """The same for a student with so many minutes more: in time and late alike, never past the end of the class."""
        if not minutes:
            return self
        more = timedelta(minutes=minutes)
        return OpenFor(self.opens_at, min(self.present_until + more, ends_at), min(self.late_until + more, ends_at))

    def moment(self, at: datetime) -> Moment:
        if at < self.opens_at:
            return Moment.TOO_EARLY
        if at < self.present_until:
            return Moment.PRESENT
        return Moment.LATE if at < self.late_until else Moment.CLOSED


@dataclass(frozen=True, slots=True)
class Reach:
    """When and where check-in could not be relied on: everywhere, on one site, or in one room. `ends_at` is None while
    the end is not known. The start is included, the end is not."""

    starts_at: datetime
    ends_at: datetime | None
    site: int | None = None
    room: int | None = None

    def covers(self, window: OpenFor, rooms: Iterable[tuple[int, int | None]]) -> bool:
        """Whether this touched a class with this check-in, in these rooms (each with its site): part of its check-in fell
        into that time. An outage after check-in has closed does not touch the class."""
        if self.starts_at >= window.late_until or (self.ends_at is not None and self.ends_at <= window.opens_at):
            return False
        if self.room is not None:
            return any(room == self.room for room, _site in rooms)
        return self.site is None or any(site == self.site for _room, site in rooms)


def minutes_late(*, starts_at: datetime, at: datetime) -> int:
    """Whole minutes between the start of the class and `at`; never negative."""
    return max(0, int((at.astimezone(UTC) - starts_at.astimezone(UTC)).total_seconds() // 60))


# Amendments

SECOND_PERSON_ABOVE = 20
"""Marks one person may change at once; more need a colleague who confirms (docs/rules.md A 6)."""
SECOND_PERSON_AFTER = timedelta(days=14)
"""How long after a class a change needs a colleague who confirms."""
PROOF_ABOVE = 5
"""Marks a person may change at once without having proved who they are in the last minutes."""
LATELY = timedelta(hours=24)
"""How far back what an application changed in a class counts as changed at once: it could else change all of it bit by bit."""
BY_TOKEN_ABOVE = 200
"""Marks that an application may change in that time over all classes; more need a colleague who confirms."""


class Needs(StrEnum):
    """What a change by hand still needs before it can be made, in the order in which it is asked for."""

    REPORTED = "reported"
    """Its period was reported to SLC or UKVI: only the team may change it, as a correction after the report."""
    TEAM = "team"
    """The deadline is over: only the attendance team changes marks now."""
    REASON = "needs_reason"
    """People who read the history, or confirm the change, must learn why."""
    PROOF = "needs_proof"
    """A person who changes so many marks, or such old ones, first proves who they are (docs/adr/0012)."""
    SECOND_PERSON = "second_person"


REFUSED = frozenset({Needs.REPORTED, Needs.TEAM})
"""The person who asks cannot meet these needs: the change is refused."""


def is_change(before: str, *, closed: bool) -> bool:
    """Whether replacing a mark with this status ('' : there is none) changes what a register says. Where nothing was observed,
    a mark only completes the register. A register that has `closed` says something about everyone."""
    if before in {"", Status.EXPECTED}:
        return closed
    return before != Status.NOT_OBSERVED


class Standing(StrEnum):
    """Whether a person makes a change alone, or why fewer conditions apply to it."""

    ALONE = "alone"
    ASKED = "asked"
    """The student asked for it, in time: two agree, and no deadline is over."""
    CONFIRMED = "confirmed"
    """A second person confirms a change of many or old marks, and proves who they are."""
    OWN_SLIP = "own_slip"
    """A person takes back what they have just done themselves."""


def needs(
    *,
    at: datetime,
    ends_at: datetime,
    amend_hours: int,
    team: bool,
    changing: int,
    reported: bool,
    reason: bool = True,
    amends: bool = False,
    proved: bool = True,
    standing: Standing = Standing.ALONE,
    from_file: bool = False,
) -> Needs | None:
    """The first thing that a change by hand still needs; None if it can be made. Every page, file and device uses this rule.

    `changing` is how many marks it changes (`is_change`), `amends` that one of them was made by a person, a scan or a file,
    `reason` that one is given, `proved` that the person has just proved who they are. `from_file`: a file says so, and not the
    person. Nothing here asks who the student is: a teacher must not learn from it who is sponsored.
    """
    old = at >= ends_at + SECOND_PERSON_AFTER
    alone = changing <= SECOND_PERSON_ABOVE and not old and not (from_file and changing and at >= ends_at)
    alone = alone or standing != Standing.ALONE
    if reported and not team:
        return Needs.REPORTED
    if changing and not team and standing != Standing.ASKED and at >= ends_at + timedelta(hours=amend_hours):
        return Needs.TEAM
    if not reason and (amends or not alone):
        return Needs.REASON
    if not proved and (changing > PROOF_ABOVE or old or standing == Standing.CONFIRMED):
        return Needs.PROOF
    return None if alone else Needs.SECOND_PERSON


class Kept(StrEnum):
    """Why a person's last change cannot be undone."""

    NOTHING = "nothing_to_undo"
    NEWER = "newer"
    ANSWERED = "answered_someone"
    CONFIRMED = "confirmed"
    ALONE = "not_alone"


def why_kept(*, steps: int, undo_itself: bool, newer: bool, answers: bool, confirmed: bool, alone: bool) -> Kept | None:
    """Why a person's last change by hand of a register cannot be undone; None: it can. `steps` is how many marks it made,
    `newer` that one of them changed since, `answers` that it answered a query or a held scan, `alone` that one person may
    not change so many marks, or such old ones."""
    if not steps or undo_itself:
        return Kept.NOTHING
    if newer:
        return Kept.NEWER
    if answers:
        return Kept.ANSWERED
    return Kept.CONFIRMED if confirmed else Kept.ALONE if alone else None


# Counting


# Policies
