"""The only way a mark changes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import NamedTuple, ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.marks import write_marks
from adsum.attendance.models import Mark, MarkChange, Query, Register
from adsum.attendance.policies import terms_of
from adsum.attendance.reports import is_team_of, periods_of
from adsum.attendance.rules import (
    ATTENDED,
    MARKABLE,
    Needs,
    OpenFor,
    Reason,
    Source,
    Stands,
    Status,
    minutes_late,
    needs,
    why_not,
)
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_students

P = ParamSpec("P")
R = TypeVar("R")


def _beaten_once(verb: Callable[P, R]) -> Callable[P, R]:
    """In one transaction; and if a scan made the same mark in the same moment, once more, seeing it."""

    @wraps(verb)
    def verb_or_again(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic():
                return verb(*args, **kwargs)
        except IntegrityError:
            with transaction.atomic():
                return verb(*args, **kwargs)

    return verb_or_again


class Entry(NamedTuple):
    """What one student's mark is to be."""

    student: Person
    status: Status
    seen_at: datetime | None
    """When the student was there, if that is known."""
    left_at: datetime | None = None
    """When a student who left early did, if that is known."""


@_beaten_once
def mark_students(
    session: ClassSession,
    students: Collection[Person],
    status: Status,
    *,
    by: Person,
    at: datetime,
    reason_code: Reason | None = None,
    reason: str = "",
    seen_at: datetime | None = None,
    left_at: datetime | None = None,
    query: Query | None = None,
    confirmed_by: Person | None = None,
) -> list[Mark]:
    """Mark or amend by hand, one student or all of them: the lecturer's tick, the bulk mark and the amendment alike.

    `seen_at` is when the student was there, if not now, and `left_at` when they left early, if anyone knows; `at` is when the
    mark is made. A first mark needs no reason; changing one does (`needs_reason`). Students who already have this status
    keep their mark. A late mark made after the class, without `seen_at`, says nothing of how late. `query` is the student's
    query this answers: it came in time, and two people agree. `confirmed_by` is the second person, where one is needed
    (`amendments.confirm`): then it is they who must be allowed to change it now.

    Raises AdsumError `cancelled` for a cancelled class, `ahead` for what nobody can have seen yet, `own_record` when staff
    would mark themselves, `needs_reason` without a reason, and `team`, `reported` or `second_person` for what `rules.needs`
    says is missing.
    """
    refuse_cancelled(session)
    refuse_ahead(session, status, at)
    refuse_own_record(students, by, confirmed_by or by)
    register = Register.objects.get_or_create(session=session)[0]
    current = {mark.student_id: mark for mark in Mark.objects.select_for_update().filter(session=session, student__in=students)}
    left = left_at if status == Status.LEFT_EARLY else None
    changing = how_many_change(register, [Entry(one, status, seen_at, left) for one in students], current)
    missing = what_it_needs(session, students, changing, by=confirmed_by or by, at=at)
    if missing == Needs.REPORTED or (missing == Needs.TEAM and not query):
        raise refusal(missing)
    if missing == Needs.SECOND_PERSON and not query and not confirmed_by:
        raise refusal(missing)
    seen = seen_at or min(at, session.ends_at)
    made: list[Made] = []
    for student in students:
        mark = current.get(student.pk)
        if is_so(mark, Entry(student, status, seen_at, left)):
            continue
        if mark is not None and mark.source != Source.SYSTEM and not reason_code:
            raise AdsumError("needs_reason", _("A mark that is already there changes only with a reason. Choose one."))
        # Amending does not move the moment a student was seen, unless the amendment says when.
        when = mark.at if mark is not None and mark.status in ATTENDED and seen_at is None else seen
        known = when < session.ends_at
        late = minutes_late(starts_at=session.starts_at, at=when) if status == Status.LATE and known else 0
        made.append(_make(session, student.pk, mark, status, late, Source.STAFF, when, at, by, reason_code, reason, left))
    marks = _write(made, actor=(confirmed_by or by).actor, verb="mark.amend", at=at)
    _complete(register, by=by, at=at)
    return marks


NEEDED: dict[Needs, Callable[[], str]] = {
    Needs.TEAM: lambda: _("It is too late to change marks of this class here. Ask the attendance team, who still can."),
    Needs.REPORTED: lambda: _(
        "The attendance of these days has been reported to another authority. Only the attendance team can correct it now."
    ),
    Needs.SECOND_PERSON: lambda: _("So many marks, or such old ones, change only when a colleague confirms it."),
}


def refusal(missing: Needs) -> AdsumError:
    """To raise where a change by hand lacks this."""
    return AdsumError(missing, NEEDED[missing]())


def refuse_own_record(students: Collection[Person], *people: Person) -> None:
    """Nobody changes their own mark, alone or with a colleague's help. Raises AdsumError `own_record`."""
    if {student.pk for student in students} & {person.pk for person in people}:
        raise AdsumError("own_record", _("You cannot change your own mark. Ask a colleague or the attendance team."))


def how_many_change(register: Register, wanted: Iterable[Entry], current: Mapping[int, Mark]) -> int:
    """How many of these marks are there already and would be another one. Nothing was observed: nothing changes."""
    return sum(_is_change(register, one, current.get(one.student.pk)) for one in wanted)


def is_so(mark: Mark | None, wanted: Entry) -> bool:
    """Whether the mark says that already."""
    if mark is None or mark.status != wanted.status:
        return False
    return wanted.seen_at in {None, mark.at} and wanted.left_at in {None, mark.left_at}


def _is_change(register: Register, wanted: Entry, mark: Mark | None) -> bool:
    if mark is None:
        return register.state == Register.State.CLOSED
    return mark.status != Status.NOT_OBSERVED and not is_so(mark, wanted)


class _Facts(NamedTuple):
    """What decides over a change by hand of a class's marks (no query while the class is on; five at most after it)."""

    at: datetime
    ends_at: datetime
    amend_hours: int
    team: bool
    reported: Collection[int]
    """Students whose attendance of that day was reported outside."""

    @classmethod
    def of(cls, session: ClassSession, students: Iterable[Person], *, by: Person, at: datetime) -> "_Facts":
        if at < session.ends_at:
            return cls(at, session.ends_at, 0, True, frozenset())
        pks = {student.pk for student in students}
        reported = set(periods_of(session, pks).values_list("student", flat=True))
        everyone = None in reported
        return cls(
            at, session.ends_at, terms_of(session).amend_hours, is_team_of(session, by, at), pks if everyone else reported
        )

    def needs(self, students: Iterable[Person], changing: int) -> Needs | None:
        reported = any(student.pk in self.reported for student in students)
        return needs(
            at=self.at, ends_at=self.ends_at, amend_hours=self.amend_hours, team=self.team, changing=changing, reported=reported
        )


def what_it_needs(
    session: ClassSession, students: Collection[Person], changing: int, *, by: Person, at: datetime
) -> Needs | None:
    """What a change by hand of so many marks still needs (no query while the class is on; five at most after it)."""
    return _Facts.of(session, students, by=by, at=at).needs(students, changing)


def what_each_needs(
    session: ClassSession, wanted: Sequence[Entry], current: Mapping[int, Mark], *, by: Person, at: datetime
) -> dict[int, Needs]:
    """Which of these marks cannot be made by hand now, by student, and what each still needs; the others can be made
    together (six queries at most)."""
    register = Register.objects.filter(session=session).first() or Register(session=session)
    facts = _Facts.of(session, [one.student for one in wanted], by=by, at=at)
    missing: dict[int, Needs] = {}
    rest: list[Entry] = []
    for one in wanted:
        lacks = facts.needs([one.student], _is_change(register, one, current.get(one.student.pk)))
        if lacks is None:
            rest.append(one)
        else:
            missing[one.student.pk] = lacks
    together = facts.needs([], how_many_change(register, rest, current))
    if together is not None:
        changing = [one.student.pk for one in rest if _is_change(register, one, current.get(one.student.pk))]
        missing |= dict.fromkeys(changing, together)
    return missing


def _complete(register: Register, *, by: Person, at: datetime) -> None:
    """A register that closed without any observation is complete once nobody is left not observed."""
    left = Mark.objects.filter(session=register.session_id, status=Status.NOT_OBSERVED)
    if register.state == Register.State.NOT_OBSERVED and not left.exists():
        register.state = Register.State.CLOSED
        register.save(update_fields=["state"])
        audit_log.record(actor=by.actor, verb="register.complete", subject=f"session:{register.session_id}", at=at)


def refuse_cancelled(session: ClassSession) -> None:
    if session.cancelled:
        raise AdsumError("cancelled", _("This class is cancelled, so it has no register. Nobody is counted absent."))


AHEAD = (Status.AUTHORISED, Status.SWAPPED)
"""What is known before a class: an absence that was agreed, and a visit to another group's class that counts instead."""


def markable(session: ClassSession, at: datetime) -> tuple[Status, ...]:
    """What a person may mark by hand at that instant, in the order pages offer it: until check-in opens nobody can have been
    seen, or missed (no query once the class has begun; two at most before)."""
    ahead = at < session.starts_at and at < opens_at(session)
    return AHEAD if ahead else MARKABLE


def opens_at(session: ClassSession) -> datetime:
    """When check-in of a class opens, as its policy says now."""
    return OpenFor.of(terms_of(session).windows, starts_at=session.starts_at, ends_at=session.ends_at).opens_at


def refuse_ahead(session: ClassSession, status: Status, at: datetime) -> None:
    if status not in AHEAD and markable(session, at) == AHEAD:
        opens = date_format(timezone.localtime(opens_at(session)), "j F, H:i")
        message = _("Until check-in opens (%(time)s) only an authorised absence or a swap of groups can be marked.")
        raise AdsumError("ahead", message % {"time": opens})


class Made(NamedTuple):
    """A mark as it is to be, and the step that makes it so; neither is saved yet."""

    mark: Mark
    step: MarkChange


def _make(
    session: ClassSession,
    student_id: int,
    mark: Mark | None,
    status: Status,
    late: int,
    source: Source,
    seen: datetime,
    at: datetime,
    by: Person,
    reason_code: Reason | None = None,
    reason: str = "",
    left: datetime | None = None,
) -> Made:
    step = MarkChange(
        session=session,
        student_id=student_id,
        before=mark.status if mark else "",
        after=status,
        minutes_late=late,
        source=source,
        seen_at=seen,
        at=at,
        by=by,
        reason_code=reason_code or "",
        reason=reason,
        left_at=left,
    )
    mark = mark or Mark(session=session, student_id=student_id)
    mark.status, mark.source, mark.at, mark.minutes_late, mark.changed_at = status, source, seen, late, at
    mark.left_at = left
    return Made(mark, step)


def _write(made: list[Made], *, actor: str, verb: str, at: datetime) -> list[Mark]:
    marks = [one.mark for one in made]
    write_marks(marks, [one.step for one in made], actor=actor, verb=verb, at=at)
    return marks


@_beaten_once
def mark_rest_absent(session: ClassSession, *, by: Person, at: datetime) -> int:
    """Mark everyone expected who has no mark yet absent, but not oneself; how many they were. In a register that closed
    without any observation, whoever is still not observed has none either.

    Whoever scans in the same moment keeps their scan. Raises AdsumError `cancelled` for a cancelled class, `not_started`
    before it begins, and `reported` or `second_person` for what `rules.needs` says is missing.
    """
    refuse_cancelled(session)
    if at < session.starts_at:
        raise AdsumError("not_started", _("This class has not begun. Nobody can be absent from it yet."))
    register = Register.objects.get_or_create(session=session)[0]
    marks = {mark.student_id: mark for mark in Mark.objects.select_for_update().filter(session=session)}
    rest = rest_of(session, marks, by=by)
    seen = min(at, session.ends_at)
    needed = what_it_needs(session, rest, 0, by=by, at=at)
    if needed is not None:
        raise refusal(needed)
    made = [_make(session, one.pk, marks.get(one.pk), Status.ABSENT, 0, Source.STAFF, seen, at, by) for one in rest]
    _write(made, actor=by.actor, verb="mark.rest_absent", at=at)
    _complete(register, by=by, at=at)
    return len(rest)


def rest_of(session: ClassSession, marks: Mapping[int, Mark], *, by: Person) -> list[Person]:
    """Whom this person marks absent with the rest, given the marks there are: whoever is expected and has none, or closed
    without any observation, but for themselves (two queries)."""
    unseen = {pk for pk, mark in marks.items() if mark.status == Status.NOT_OBSERVED and mark.source == Source.SYSTEM}
    return [one for pk, one in expected_students(session).items() if (pk not in marks or pk in unseen) and pk != by.pk]


@transaction.atomic
def count_heads(session: ClassSession, headcount: int | None, *, by: Person, at: datetime) -> None:
    """Write down how many people the lecturer counts in the room; None takes the number back."""
    register = Register.objects.get_or_create(session=session)[0]
    register.headcount = headcount
    register.save(update_fields=["headcount"])
    audit_log.record(actor=by.actor, verb="register.headcount", subject=f"session:{session.pk}", at=at, headcount=headcount)


# From paper and from files


def stands(mark: Mark | None, wanted: Entry, source: Source) -> Stands | None:
    """Why this mark stays although paper or a file says otherwise; None when it gives way. A new time of the same mark only
    needs the weight."""
    before = Status(mark.status) if mark else Status.EXPECTED
    why = why_not(status=before, source=Source(mark.source) if mark else None, to=wanted.status, by=source)
    return None if why == Stands.NO_MOVE and wanted.status == before else why


@_beaten_once
def enter_marks(session: ClassSession, entries: Collection[Entry], *, source: Source, by: Person, at: datetime) -> list[Mark]:
    """Marks from paper or from a file, each with the time that stands on it, not the time at which it is entered.

    `source` is STAFF for what a lecturer copies from their own sheet, IMPORT for a file. What `stands` is left alone, and so
    is what is so already. Raises AdsumError `cancelled`, `not_started`, `own_record`, and `team`, `reported` or
    `second_person` for what `rules.needs` says is missing, as every change by hand.
    """
    refuse_cancelled(session)
    if at < session.starts_at:
        raise AdsumError("not_started", _("This class has not begun. Nobody can be marked in it yet."))
    students = [entry.student for entry in entries]
    refuse_own_record(students, by)
    register = Register.objects.get_or_create(session=session)[0]
    current = {mark.student_id: mark for mark in Mark.objects.select_for_update().filter(session=session, student__in=students)}
    wanted = [
        one
        for one in entries
        if not is_so(current.get(one.student.pk), one) and stands(current.get(one.student.pk), one, source) is None
    ]
    changing = how_many_change(register, wanted, current)
    missing = what_it_needs(session, [one.student for one in wanted], changing, by=by, at=at) if wanted else None
    if missing is not None:
        raise refusal(missing)
    made: list[Made] = []
    for student, status, seen_at, left in wanted:
        mark = current.get(student.pk)
        # Whoever was there was there from the start, unless the paper says otherwise; how late, only the paper knows.
        late = minutes_late(starts_at=session.starts_at, at=seen_at) if status == Status.LATE and seen_at else 0
        seen = seen_at or (session.ends_at if status == Status.LATE else session.starts_at)
        why = Reason.PAPER if mark is not None else None
        made.append(_make(session, student.pk, mark, status, late, source, seen, at, by, why, left=left))
    marks = _write(made, actor=by.actor, verb="mark.enter", at=at)
    _complete(register, by=by, at=at)
    return marks
