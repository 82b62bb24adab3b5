"""Marks by hand and from paper. Each function checks the whole change before it writes anything, and answers: done, proposed
to a colleague, or what is still needed. Pages, files, devices and the API only show the answer (docs/adr/0027)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import NamedTuple, ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.known import KnownBefore, known_before
from adsum.attendance.marks import write_marks
from adsum.attendance.models import Mark, MarkChange, Proposal, Register
from adsum.attendance.proposals import propose
from adsum.attendance.reports import elsewhere_then
from adsum.attendance.rules import ATTENDED, Needs, Reason, Source, Standing, Status, minutes_late
from adsum.attendance.weighing import (
    UNSAID,
    Act,
    Entry,
    Why,
    how_many_change,
    is_closed,
    is_so,
    refuse_ahead,
    refuse_cancelled,
    refuse_not_begun,
    refuse_own_record,
    stands,
    weigh,
    with_lately,
)
from adsum.audit import services as audit_log
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import expected_students

P = ParamSpec("P")
R = TypeVar("R")


def _beaten_once(verb: Callable[P, R]) -> Callable[P, R]:
    """Run in one transaction. If a scan made the same mark in the same moment, run once more, now with that scan in view."""

    @wraps(verb)
    def verb_or_again(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with transaction.atomic():
                return verb(*args, **kwargs)
        except IntegrityError:
            with transaction.atomic():
                return verb(*args, **kwargs)

    return verb_or_again


class Done(NamedTuple):
    """The marks that have changed. Marks that already were as wanted are not among them."""

    marks: list[Mark]


class Proposed(NamedTuple):
    """Nothing has changed: a colleague is asked to confirm it."""

    proposal: Proposal


Answer = Done | Proposed | Needs
"""What became of a change. `Needs` (`needs_reason`, `needs_proof`, `second_person`): nothing was written; the change can be
made once this is supplied. If nothing could allow the change, it is refused with an AdsumError."""


class _Way(NamedTuple):
    """How marks are made: by hand, or from paper or a file."""

    verb: str
    source: Source
    seen: Callable[[ClassSession, Mark | None, Entry, datetime], tuple[datetime, int]]
    """When a student was there, and how many minutes late."""


def _as_it_looks(session: ClassSession, mark: Mark | None, wanted: Entry, at: datetime) -> tuple[datetime, int]:
    """Now, unless a time is given. Amending a mark keeps the time at which the student was seen. A late mark made after the
    class without a time does not say how late."""
    seen = wanted.seen_at or min(at, session.ends_at)
    if mark is not None and mark.status in ATTENDED and wanted.seen_at is None:
        seen = mark.at
    known = wanted.status == Status.LATE and seen < session.ends_at
    return seen, minutes_late(starts_at=session.starts_at, at=seen) if known else 0


def _as_it_stands_there(session: ClassSession, _mark: Mark | None, wanted: Entry, _at: datetime) -> tuple[datetime, int]:
    """A student who attended was there from the start, unless the paper gives a time. Only the paper says how late."""
    late = wanted.status == Status.LATE
    if wanted.seen_at is None:
        return (session.ends_at if late else session.starts_at), 0
    return wanted.seen_at, minutes_late(starts_at=session.starts_at, at=wanted.seen_at) if late else 0


BY_HAND = _Way("mark.amend", Source.STAFF, _as_it_looks)
AS_FORESEEN = _Way("mark.foreseen", Source.ABSENCE, _as_it_looks)
THE_REST = _Way("mark.rest_absent", Source.STAFF, _as_it_looks)


@_beaten_once
def mark(
    session: ClassSession,
    wanted: Sequence[Entry],
    *,
    act: Act,
    why: Why = UNSAID,
    asked: bool = False,
    wanted_by: Person | None = None,
) -> Answer:
    """Mark or amend by hand, one student or all of them: the lecturer's tick, the bulk mark and the amendment alike.

    A first mark needs no reason; changing one does. Students who already have this mark keep it. `asked`: it answers a
    student's query that came in time, so two people agree. `wanted_by` is who proposed it, where `act` is the second person's
    (`amendments.confirm`): then the second person must be allowed to change it now, and must prove who they are.

    Raises AdsumError `cancelled` for a cancelled class, `ahead` for what cannot have been seen yet, `own_record` when staff
    would mark themselves, and `team` or `reported` where this person may not change these marks any more.
    """
    refuse_cancelled(session)
    refuse_ahead(session, {one.status for one in wanted}, act.at)
    refuse_own_record([one.student for one in wanted], act.by, wanted_by or act.by)
    entries = [one if one.status == Status.LEFT_EARLY else one._replace(left_at=None) for one in wanted]
    current = _held(session, [one.student for one in entries])
    standing = Standing.CONFIRMED if wanted_by else Standing.ASKED if asked else Standing.ALONE
    return _change(session, entries, current, BY_HAND, act=act, why=why, standing=standing, wanted_by=wanted_by)


@_beaten_once
def mark_rest_absent(session: ClassSession, *, act: Act) -> Answer:
    """Mark everyone expected who has no mark yet absent, except the person who does this. Of whom something else is foreseen
    becomes that, and who is not expected after all gets no mark. In a register that closed without any observation, "not
    observed" counts as no mark. A student who scans in the same moment keeps their scan.

    Raises AdsumError `cancelled` for a cancelled class, `not_started` before it begins, and `team` or `reported` as `mark`.
    """
    refuse_cancelled(session)
    refuse_not_begun(session, act.at, _("This class has not begun. Nobody can be absent from it yet."))
    current = {mark.student_id: mark for mark in Mark.objects.select_for_update().filter(session=session)}
    rest, known = _rest_of(session, current, by=act.by), known_before([session])
    absent = [Entry(one, Status.ABSENT) for one in rest if known.at_close(session.pk, one.pk) == Status.ABSENT]
    answer = _change(session, absent, current, THE_REST, act=act, why=Why(Reason.NOT_IN_CLASS))
    if not isinstance(answer, Done):
        return answer
    accepted = _accept(session, rest, current, known, (), act=act)
    if not isinstance(accepted, Done):
        return answer if answer.marks else accepted
    return Done(answer.marks + accepted.marks)


@_beaten_once
def accept_foreseen(session: ClassSession, students: Collection[int] | None = None, *, act: Act) -> Answer:
    """Mark these students, or all of them, as what is foreseen of them, if they are expected and have no mark yet; those who
    attended another class at the time become *swapped*. An absence that is decided later still changes such a mark, as its
    source is the absence.

    Raises AdsumError `cancelled` for a cancelled class, `not_started` until its check-in opens, and `team` or `reported` as
    `mark`.
    """
    refuse_cancelled(session)
    refuse_not_begun(session, act.at, _("This class has not begun. What is expected becomes marks then."))
    current = {mark.student_id: mark for mark in Mark.objects.select_for_update().filter(session=session)}
    rest = _rest_of(session, current, by=act.by)
    chosen = rest if students is None else [one for one in rest if one.pk in students]
    elsewhere = elsewhere_then(session, [one.pk for one in chosen])
    return _accept(session, chosen, current, known_before([session]), elsewhere, act=act)


def _accept(
    session: ClassSession,
    students: Collection[Person],
    current: Mapping[int, Mark],
    known: KnownBefore,
    elsewhere: Collection[int],
    *,
    act: Act,
) -> Answer:
    wanted = []
    for one in students:
        status = known.at_close(session.pk, one.pk)
        if status == Status.ABSENT and one.pk in elsewhere:
            status = Status.SWAPPED
        if status is not None and status != Status.ABSENT:
            wanted.append(Entry(one, status))
    return _change(session, wanted, current, AS_FORESEEN, act=act._replace(proposes=False), why=Why(Reason.FORESEEN))


def _rest_of(session: ClassSession, marks: Mapping[int, Mark], *, by: Person) -> list[Person]:
    """The students who are expected and have no mark, or only "not observed", except `by` themselves (two queries)."""
    unseen = {pk for pk, mark in marks.items() if mark.status == Status.NOT_OBSERVED and mark.source == Source.SYSTEM}
    return [one for pk, one in expected_students(session).items() if (pk not in marks or pk in unseen) and pk != by.pk]


@_beaten_once
def enter_marks(session: ClassSession, entries: Collection[Entry], *, source: Source, act: Act) -> Answer:
    """Enter marks from paper or from a file, each with the time written there, not the time at which it is entered.

    `source` is STAFF for what a lecturer copies from their own sheet, IMPORT for a file. Marks that must stay (`stands`), and
    marks that already say this, are left alone. Marks that a file changes after the class need a colleague, who is asked once
    for each kind of mark; of what a lecturer copied no colleague is asked: where a second person is needed, the answer says so.

    Raises AdsumError `cancelled`, `not_started`, `own_record`, and `team` or `reported` as `mark`.
    """
    refuse_cancelled(session)
    refuse_not_begun(session, act.at, _("This class has not begun. Nobody can be marked in it yet."))
    students = [entry.student for entry in entries]
    refuse_own_record(students, act.by)
    current = _held(session, students)
    wanted = [one for one in entries if stands(current.get(one.student.pk), one, source) is None]
    way = _Way("mark.enter", source, _as_it_stands_there)
    act = act._replace(proposes=act.proposes and source == Source.IMPORT)
    return _change(session, wanted, current, way, act=act, why=Why(Reason.PAPER))


def _held(session: ClassSession, students: Collection[Person]) -> dict[int, Mark]:
    """The marks of these students, locked until commit."""
    marks = Mark.objects.select_for_update().filter(session=session, student__in=students)
    return {mark.student_id: mark for mark in marks}


def _change(
    session: ClassSession,
    wanted: Sequence[Entry],
    current: Mapping[int, Mark],
    way: _Way,
    *,
    act: Act,
    why: Why,
    standing: Standing = Standing.ALONE,
    wanted_by: Person | None = None,
) -> Answer:
    """Every change by hand comes through here: it is checked first, then proposed, or written."""
    changed = [one for one in wanted if not is_so(current.get(one.student.pk), one)]
    if not changed and standing != Standing.CONFIRMED:
        return Done([])
    register = Register.objects.filter(session=session).first()
    found = [current[one.student.pk] for one in changed if one.student.pk in current]
    changing = how_many_change(changed, current, closed=is_closed(register))
    missing = weigh(
        session,
        [one.student.pk for one in changed],
        with_lately(session, changing, act=act) if act.token and changing else changing,
        act=act,
        reason=why.code is not None,
        amends=any(mark.source != Source.SYSTEM for mark in found),
        standing=standing,
        from_file=way.source == Source.IMPORT,
    )
    alike = {one[1:]: [other for other in changed if other[1:] == one[1:]] for one in changed}
    if missing == Needs.SECOND_PERSON and act.proposes and (len(alike) == 1 or way.source == Source.IMPORT):
        asked = [propose(session, some, current, act=act, why=why) for some in alike.values()]
        return Proposed(asked[0])
    if missing is not None:
        return missing
    register = register or Register.objects.get_or_create(session=session)[0]
    made = [_make(session, current.get(one.student.pk), one, way, act, why, wanted_by or act.by) for one in changed]
    marks = [mark for mark, _step in made]
    write_marks(marks, [step for _mark, step in made], actor=act.by.actor, verb=way.verb, at=act.at)
    _complete(register, act=act)
    return Done(marks)


def _make(
    session: ClassSession, mark: Mark | None, wanted: Entry, way: _Way, act: Act, why: Why, by: Person
) -> tuple[Mark, MarkChange]:
    """The mark as it will be, and the step of its history; neither is saved yet."""
    seen, late = way.seen(session, mark, wanted, act.at)
    step = MarkChange(
        session=session,
        student_id=wanted.student.pk,
        before=mark.status if mark else "",
        after=wanted.status,
        minutes_late=late,
        source=way.source,
        seen_at=seen,
        at=act.at,
        by=by,
        reason_code=why.code or "",
        reason=why.words,
        left_at=wanted.left_at,
    )
    mark = mark or Mark(session=session, student_id=wanted.student.pk)
    mark.status, mark.source, mark.at, mark.minutes_late, mark.changed_at = wanted.status, way.source, seen, late, act.at
    mark.left_at = wanted.left_at
    return mark, step


def _complete(register: Register, *, act: Act) -> None:
    """A register that closed without any observation is complete once no student is left not observed."""
    left = Mark.objects.filter(session=register.session_id, status=Status.NOT_OBSERVED)
    if register.state == Register.State.NOT_OBSERVED and not left.exists():
        register.state = Register.State.CLOSED
        register.save(update_fields=["state"])
        audit_log.record(actor=act.by.actor, verb="register.complete", subject=f"session:{register.session_id}", at=act.at)


@transaction.atomic
def count_heads(session: ClassSession, headcount: int | None, *, by: Person, at: datetime) -> None:
    """Write down how many people the lecturer counts in the room; None takes the number back."""
    register = Register.objects.get_or_create(session=session)[0]
    register.headcount = headcount
    register.save(update_fields=["headcount"])
    audit_log.record(actor=by.actor, verb="register.headcount", subject=f"session:{session.pk}", at=at, headcount=headcount)
