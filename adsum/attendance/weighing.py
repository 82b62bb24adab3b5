"""What a change of marks by hand still needs, decided before anything is written. Nothing here writes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from adsum.accounts.applications import answerable_for
from adsum.accounts.models import Person
from adsum.accounts.rules import is_proved
from adsum.attendance.models import Mark, MarkChange, Proposal, Register
from adsum.attendance.policies import terms_of, window_of
from adsum.attendance.reports import is_team_of, periods_of
from adsum.attendance.rules import (
    BY_TOKEN_ABOVE,
    LATELY,
    MARKABLE,
    REFUSED,
    SECOND_PERSON_ABOVE,
    Needs,
    OpenFor,
    Reason,
    Source,
    Standing,
    Stands,
    Status,
    is_change,
    needs,
    why_not,
)
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import university_zone


class Act(NamedTuple):
    """Who changes marks by hand, when, and what they bring."""

    by: Person
    at: datetime
    proved_at: datetime | None = None
    """When they last proved who they are. Only pages know this; a token or a kiosk does not."""
    proposes: bool = True
    """Where a second person is needed: True asks a colleague, False only answers that one is needed."""
    token: bool = False
    """An application does it. It proves nobody: for what needs a proof a colleague is asked, who gives theirs."""

    @property
    def proved(self) -> bool:
        return is_proved(self.proved_at, self.at)


class Why(NamedTuple):
    """The reason that a person gives for a change, and their own words."""

    code: Reason | None = None
    words: str = ""


UNSAID = Why()


class Entry(NamedTuple):
    """What one student's mark is to be."""

    student: Person
    status: Status
    seen_at: datetime | None = None
    """When the student was there, if that is known."""
    left_at: datetime | None = None
    """When a student who left early went, if that is known."""


def is_so(mark: Mark | None, wanted: Entry) -> bool:
    """Whether the mark says that already."""
    if mark is None or mark.status != wanted.status:
        return False
    return wanted.seen_at in {None, mark.at} and wanted.left_at in {None, mark.left_at}


def stands(mark: Mark | None, wanted: Entry, source: Source) -> Stands | None:
    """Why this mark stays although paper or a file says otherwise; None when it gives way. A new time for the same status
    only needs a source of equal or higher rank."""
    before = Status(mark.status) if mark else Status.EXPECTED
    why = why_not(status=before, source=Source(mark.source) if mark else None, to=wanted.status, by=source)
    return None if why == Stands.NO_MOVE and wanted.status == before else why


def how_many_change(wanted: Iterable[Entry], current: Mapping[int, Mark], *, closed: bool) -> int:
    """How many marks of a register would change (`rules.is_change`): the one sum for pages, files and undo alike."""
    changed = (one for one in wanted if not is_so(current.get(one.student.pk), one))
    return sum(is_change(_status(current.get(one.student.pk)), closed=closed) for one in changed)


def _status(mark: Mark | None) -> str:
    return mark.status if mark is not None else ""


def is_closed(register: Register | None) -> bool:
    """Whether the register says something of everyone who is expected."""
    return register is not None and register.state == Register.State.CLOSED


def instant_of(session: ClassSession, window: OpenFor, clock: time) -> datetime | None:
    """A time of day as an instant of this class, from when its check-in opens until it ends: also past midnight, and in the
    hour that the night of a clock change has twice. None outside of it."""
    zone = university_zone()
    days = {moment.astimezone(zone).date() for moment in (window.opens_at, session.ends_at)}
    instants = [
        datetime.combine(day, clock.replace(fold=fold), tzinfo=zone).astimezone(UTC) for day in sorted(days) for fold in (0, 1)
    ]
    return next((at for at in instants if window.opens_at <= at <= session.ends_at), None)


# What is refused


NEEDED: dict[Needs, Callable[[], str]] = {
    Needs.TEAM: lambda: _("It is too late to change marks of this class here. Ask the attendance team, who still can."),
    Needs.REPORTED: lambda: _(
        "The attendance of these days has been reported to another authority. Only the attendance team can correct it now."
    ),
    Needs.REASON: lambda: _("A mark that is already there changes only with a reason. Choose one."),
    Needs.PROOF: lambda: _("To change this many marks, or marks this old, first confirm that it is you."),
    Needs.SECOND_PERSON: lambda: _("So many marks, or such old ones, change only when a colleague confirms it."),
}
"""What to say where a change by hand still needs something."""


def refusal(missing: Needs) -> AdsumError:
    """The error to raise where a change by hand lacks this."""
    return AdsumError(missing, NEEDED[missing]())


def refuse_own_record(students: Collection[Person], *people: Person) -> None:
    """Staff cannot change their own mark, alone, with a colleague's help, or by an application that they answer for. Raises
    AdsumError `own_record`."""
    marked = {student.pk for student in students}
    if marked & {person.pk for person in people}:
        raise AdsumError("own_record", _("You cannot change your own mark. Ask a colleague or the attendance team."))
    if any(marked & answerable_for(person) for person in people):
        message = _("An application cannot change a mark of somebody who answers for it. The attendance team can.")
        raise AdsumError("own_record", message)


def refuse_cancelled(session: ClassSession) -> None:
    """Raises AdsumError `cancelled`."""
    if session.cancelled:
        raise AdsumError("cancelled", _("This class is cancelled, so it has no register. Nobody is counted absent."))


AHEAD = (Status.AUTHORISED, Status.SWAPPED)
"""What is known before a class: an absence that was agreed, and a visit to another group's class that counts instead."""


def markable(session: ClassSession, at: datetime) -> tuple[Status, ...]:
    """What a person may mark by hand at that instant, in the order pages offer it. Until check-in opens, no student can have
    been seen, or missed (no query once the class has begun; two at most before)."""
    ahead = at < session.starts_at and at < window_of(session).opens_at
    return AHEAD if ahead else MARKABLE


def refuse_ahead(session: ClassSession, statuses: Collection[Status], at: datetime) -> None:
    """Raises AdsumError `ahead` for what cannot have been seen yet."""
    if set(statuses) - set(AHEAD) and markable(session, at) == AHEAD:
        opens = date_format(timezone.localtime(window_of(session).opens_at), "j F, H:i")
        message = _("Until check-in opens (%(time)s) only an authorised absence or a swap of groups can be marked.")
        raise AdsumError("ahead", message % {"time": opens})


def refuse_not_begun(session: ClassSession, at: datetime, message: str) -> None:
    """Raises AdsumError `not_started`."""
    if at < session.starts_at:
        raise AdsumError("not_started", message)


# What is needed


class _Facts(NamedTuple):
    """The facts that decide a change by hand of a class's marks (no query while the class is on; five at most after it)."""

    act: Act
    ends_at: datetime
    amend_hours: int
    team: bool
    reported: Collection[int]
    """Students whose attendance of that day was reported outside."""

    @classmethod
    def of(cls, session: ClassSession, students: Collection[int], act: Act) -> "_Facts":
        if act.at < session.ends_at:
            return cls(act, session.ends_at, 0, True, frozenset())
        reported = set(periods_of(session, students).values_list("student", flat=True))
        everyone = None in reported
        team = is_team_of(session, act.by, act.at)
        return cls(act, session.ends_at, terms_of(session).amend_hours, team, students if everyone else reported)

    def needs(
        self,
        students: Iterable[int],
        changing: int,
        *,
        reason: bool = True,
        amends: bool = False,
        proved: bool = True,
        standing: Standing = Standing.ALONE,
        from_file: bool = False,
    ) -> Needs | None:
        return needs(
            at=self.act.at,
            ends_at=self.ends_at,
            amend_hours=self.amend_hours,
            team=self.team,
            changing=changing,
            reported=any(student in self.reported for student in students),
            reason=reason,
            amends=amends,
            proved=proved,
            standing=standing,
            from_file=from_file,
        )


def weigh(
    session: ClassSession,
    students: Collection[int],
    changing: int,
    *,
    act: Act,
    reason: bool = True,
    amends: bool = False,
    standing: Standing = Standing.ALONE,
    from_file: bool = False,
) -> Needs | None:
    """What a change by hand of these students' marks still needs (arguments as in `rules.needs`); None: it can be made (no
    query while the class is on; five at most after it). Raises AdsumError `team` or `reported` where it is refused."""
    facts = _Facts.of(session, students, act)
    missing = facts.needs(
        students, changing, reason=reason, amends=amends, proved=act.proved, standing=standing, from_file=from_file
    )
    if missing in REFUSED:
        raise refusal(missing)
    if missing == Needs.PROOF and act.token:
        return Needs.SECOND_PERSON if reason else Needs.REASON  # whoever confirms it learns why
    return missing


def with_lately(session: ClassSession, changing: int, *, act: Act) -> int:
    """How many marks an application changes, with those that it changed lately in this class; as many as need a colleague where
    it has changed more than it may over all classes. What a colleague confirmed does not count (three queries). Of two calls at
    once, the second waits for the first, and counts it."""
    Person.objects.select_for_update(no_key=True).filter(pk=act.by.pk).first()
    since = act.at - LATELY
    confirmed = Proposal.objects.filter(by=act.by, state=Proposal.State.CONFIRMED, decided_at__gt=since).values("decided_at")
    steps = MarkChange.objects.filter(by=act.by, source=Source.STAFF, at__gt=since).exclude(at__in=confirmed)
    steps = steps.exclude(before__in=["", Status.EXPECTED, Status.NOT_OBSERVED])
    found = steps.aggregate(here=Count("pk", filter=Q(session=session)), everywhere=Count("pk"))
    if found["everywhere"] + changing > BY_TOKEN_ABOVE:
        return max(changing, SECOND_PERSON_ABOVE + 1)
    return int(found["here"]) + changing


def what_each_needs(
    session: ClassSession, wanted: Sequence[Entry], current: Mapping[int, Mark], *, act: Act
) -> dict[int, Needs]:
    """By student, the marks that cannot be made by hand now, and what each still needs. The others can be made together,
    with a proof where they are many (six queries at most)."""
    closed = is_closed(Register.objects.filter(session=session).first())
    facts = _Facts.of(session, [one.student.pk for one in wanted], act)
    missing: dict[int, Needs] = {}
    rest: list[Entry] = []
    for one in wanted:
        lacks = facts.needs([one.student.pk], how_many_change([one], current, closed=closed))
        if lacks is None:
            rest.append(one)
        else:
            missing[one.student.pk] = lacks
    together = facts.needs([], how_many_change(rest, current, closed=closed))
    if together is not None:
        missing |= {one.student.pk: together for one in rest if how_many_change([one], current, closed=closed)}
    return missing
