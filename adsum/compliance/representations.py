"""The verbs of a representation: a student is told of a decision with its ground, answers, and is heard before it is final."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.models import Representation
from adsum.compliance.representation_life import Settled, Stance, Why, answer_until, may_answer, term_begins, why_not_final
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date

ACTOR = "system:representations"
LONGEST_ANSWER = 4000


class About(NamedTuple):
    """The decision: what kind of thing it is about, and which one."""

    kind: str
    ref: str


@transaction.atomic
def announce(student: Person, about: About, ground: str, *, act: Act, deadline: date | None = None) -> Representation:
    """Tell a student what is about to be decided and on which ground; the message leaves by itself. Again, on the same ground:
    nothing changes; on another one: the earlier is dropped and they are told anew, so that no decision rests on a ground they
    were not told. `deadline`: the last day of a duty to an authority, which waits for no answer.

    Raises AdsumError `needs_ground`.
    """
    ground = ground.strip()[:2000]
    if not ground:
        raise AdsumError("needs_ground", _("Say what the decision rests on: the student reads it and may answer."))
    Person.objects.select_for_update().get(pk=student.pk)  # two at once make one
    known = open_about(about)
    if known is not None and known.ground == ground:
        if known.deadline != deadline:
            Representation.objects.filter(pk=known.pk).update(deadline=deadline)
            known.deadline = deadline
        return known
    if known is not None:
        settle(known, Settled.DROPPED, act=act)
    made = Representation.objects.create(
        student=student,
        about=about.kind,
        about_ref=about.ref,
        ground=ground,
        deadline=deadline,
        announced_at=act.at,
        announced_by=act.by,
    )
    _record("announce", made, act.by, act.at)
    return made


def open_about(about: About) -> Representation | None:
    """What the student was told of this decision, unless it is settled (one query)."""
    return Representation.objects.filter(about=about.kind, about_ref=about.ref, settled="").select_related("student").first()


def may_be_final(representation: Representation, at: datetime) -> Why | None:
    """Why the decision cannot be final yet; None: it can. The page says it and the verb that decides asks it."""
    return why_not_final(representation.known, civil_date(at))


@transaction.atomic
def answer(representation: Representation, stance: Stance, words: str, *, act: Act) -> Representation:
    """The student answers: agrees, or contests it in their own words. Raises AdsumError `needs_words` when they contest without
    any, `too_late`, `moved_on`."""
    row = _locked(representation)
    if row.answered_at is not None:
        raise AdsumError("moved_on", _("You have answered already. Your answer is below."))
    if act.by.pk != row.student_id or not may_answer(row.known, civil_date(act.at)):
        raise AdsumError("too_late", _("The time for an answer is over. Your students’ union can say what else you can do."))
    if stance == Stance.CONTESTS and not words.strip():
        raise AdsumError("needs_words", _("Say in your own words what is wrong, so that it can be looked into."))
    row.stance, row.answer, row.answered_at = stance, words.strip()[:LONGEST_ANSWER], act.at
    row.opened_at = row.opened_at or act.at  # they are reading it
    row.save(update_fields=["stance", "answer", "answered_at", "opened_at"])
    _record("answer", row, act.by, act.at, stance=stance)
    return row


@transaction.atomic
def consider(representation: Representation, words: str, *, act: Act) -> Representation:
    """Write down what was made of the answer: the student reads it. Raises AdsumError `needs_words`, `own_record`,
    `moved_on`."""
    row = _locked(representation)
    if row.answered_at is None or row.considered_at is not None:
        raise AdsumError("moved_on", _("There is no answer here that waits. Reload the page to see how it stands."))
    if act.by.pk == row.student_id:
        raise AdsumError("own_record", _("This is about you. A colleague weighs your answer."))
    if not words.strip():
        raise AdsumError("needs_words", _("Say what you made of the answer: the student reads it."))
    row.considered, row.considered_at, row.considered_by = words.strip()[:2000], act.at, act.by
    row.save(update_fields=["considered", "considered_at", "considered_by"])
    _record("consider", row, act.by, act.at)
    return row


def settle(representation: Representation, how: Settled, *, act: Act) -> None:
    """The decision is final, or is not taken. Raises AdsumError with the code of the reason when it cannot be final yet, and
    `moved_on` when it is settled. Called in the transaction of the decision."""
    row = _locked(representation)
    why = may_be_final(row, act.at)
    if why is Why.SETTLED:
        raise AdsumError("moved_on", _("This is settled already. Reload the page to see how it stands."))
    if how is Settled.FINAL and why is not None:
        raise AdsumError(why, said(why, row))
    row.settled, row.settled_at = how, act.at
    row.save(update_fields=["settled", "settled_at"])
    _record("settle", row, act.by, act.at, how=how)


def said(why: Why, row: Representation) -> str:
    """Why a decision cannot be final, as a sentence for those who take it."""
    if why is Why.NOT_CONSIDERED:
        return _("The student has answered. Read the answer and write down what you made of it first.")
    if why is Why.NOT_OPENED:
        return _("The student has not opened the message yet, so their time for an answer has not begun.")
    if why is Why.TERM:
        return _("The student may still answer, until %(day)s.") % {"day": f"{row.until:%d/%m/%Y}"}
    return _("This is settled already. Reload the page to see how it stands.")


# What became of the message


@transaction.atomic
def note_delivered(ref: UUID | str, *, at: datetime) -> None:
    """The message has reached the student's mailbox."""
    row = _locked_by(ref)
    if row is not None and row.delivered_at is None:
        row.delivered_at = at
        _begin(row)
        row.save(update_fields=["delivered_at", "until"])


@transaction.atomic
def note_opened(ref: UUID | str, *, at: datetime) -> None:
    """The student has opened it: their term begins."""
    row = _locked_by(ref)
    if row is not None and row.opened_at is None:
        _opened(row, at)
        _record("open", row, None, at)


@transaction.atomic
def note_reached(representation: Representation, *, act: Act) -> None:
    """A person has told the student of it, who had not opened it: their term begins. Raises AdsumError `moved_on` when they
    have opened it meanwhile."""
    row = _locked(representation)
    if row.opened_at is not None:
        raise AdsumError("moved_on", _("The student has opened it meanwhile. Their time for an answer has begun."))
    _opened(row, act.at)
    _record("reach", row, act.by, act.at)


def _opened(row: Representation, at: datetime) -> None:
    row.opened_at = at
    _begin(row)
    row.save(update_fields=["opened_at", "until"])


def _begin(row: Representation) -> None:
    begins = term_begins(row.delivered_at, row.opened_at)
    if begins is not None and row.until is None:
        row.until = answer_until(civil_date(begins), working_days())


def _locked_by(ref: UUID | str) -> Representation | None:
    return Representation.objects.select_for_update(of=("self",)).filter(ref=ref).first()


def _locked(representation: Representation) -> Representation:
    return Representation.objects.select_for_update(of=("self",)).select_related("student").get(pk=representation.pk)


def _record(verb: str, row: Representation, by: Person | None, at: datetime, **detail: object) -> None:
    audit_log.record(
        actor=by.actor if by else ACTOR,
        verb=f"representation.{verb}",
        subject=f"person:{row.student_id}",
        at=at,
        representation=str(row.ref),
        about=row.about,
        **detail,
    )
