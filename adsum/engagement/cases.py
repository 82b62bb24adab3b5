"""The verbs of a case. Each asks `case_rules.MOVES` whether it may, writes one step of history and one event."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.engagement.case_rules import (
    FIRST_STEP_IN,
    HEARD_IN,
    STILL_AHEAD,
    Because,
    Event,
    MeetingState,
    Outcome,
    Part,
    Readers,
    State,
    Stop,
    after,
    appeal_until,
)
from adsum.engagement.models import Case, CaseStep, Meeting
from adsum.engagement.owners import Staffing, owner_of, stand_in

ACTOR = "system:cases"


@transaction.atomic
def open_case(student: Person, *, because: str | Because, act: Act) -> Case:
    """The student's open case; a new one where there is none, with an owner and a day by which its first step is due.

    `because` says why: a code, or words that the student reads too.
    """
    Person.objects.select_for_update().get(pk=student.pk)  # of two at once the second finds the first one's case
    known = Case.objects.under_way().filter(student=student).first()
    if known is not None:
        return known
    case = Case.objects.create(
        student=student,
        opened_at=act.at,
        opened_by=act.by,
        because="" if isinstance(because, Because) else because.strip()[:200],
        because_code=because if isinstance(because, Because) else "",
        owner=owner_of(student, act.at),
        next_step=_("Get in touch with the student"),
        due_on=working_days().after(civil_date(act.at), FIRST_STEP_IN),
    )
    write_step(case, Event.OPENED, by=act.by, at=act.at, owner=case.owner, due_on=case.due_on)
    return case


@transaction.atomic
def add_note(case: Case, words: str, readers: Readers, *, act: Act) -> CaseStep:
    """Write a note, for those who may read it. Raises AdsumError `needs_words`, and `moved_on` as every verb here."""
    case = moved(case, Part.STAFF, Event.NOTED)
    return write_step(case, Event.NOTED, by=act.by, at=act.at, words=_said(words), readers=readers)


@transaction.atomic
def plan_step(case: Case, next_step: str, due_on: date, *, act: Act) -> Case:
    """Say what comes next, and by when. Raises AdsumError `needs_words`, `past`, `moved_on`."""
    if due_on < civil_date(act.at):
        raise AdsumError("past", _("This day is over. Choose a day by which the next step can be done."))
    case = moved(case, Part.STAFF, Event.PLANNED)
    case.next_step, case.due_on = _said(next_step)[:200], due_on
    case.save(update_fields=["next_step", "due_on"])
    write_step(case, Event.PLANNED, by=act.by, at=act.at, words=case.next_step, due_on=due_on, readers=Readers.STUDENT)
    return case


@transaction.atomic
def refer(case: Case, service: str, agreed: str, *, act: Act) -> CaseStep:
    """Refer the student to another service, with what was agreed with them: they read it too. Raises AdsumError `needs_words`,
    `moved_on`."""
    case = moved(case, Part.STAFF, Event.REFERRED)
    agreed, service = _said(agreed), _said(service)[:120]
    return write_step(case, Event.REFERRED, by=act.by, at=act.at, words=agreed, service=service, readers=Readers.STUDENT)


@transaction.atomic
def hand_over(case: Case, to: Person, words: str, *, act: Act) -> Case:
    """Give the case to a colleague, with what they need to know. Raises AdsumError `not_there` when they have left or are
    away, `own_record` for the student, `decided` for an appeal against what they decided, and `moved_on`."""
    if to.pk == case.student_id:
        raise AdsumError("own_record", _("A case cannot be given to the student it is about. Choose a colleague."))
    refuse_not_there(to, at=act.at)
    case = moved(case, Part.STAFF, Event.HANDED_OVER)
    if case.state == State.APPEALED and to.pk == case.closed_by_id:
        raise AdsumError("decided", _("%(name)s decided what is appealed against. Choose another colleague.") % {"name": to})
    _give(case, to, by=act.by, at=act.at, words=words)
    return case


def refuse_not_there(person: Person, *, at: datetime) -> None:
    """Raises AdsumError `not_there` when a person has left or is away."""
    if not Staffing(civil_date(at)).there(person.pk):
        message = _("%(name)s is away or no longer works here. Choose a colleague who is there.")
        raise AdsumError("not_there", message % {"name": person})


def _give(case: Case, to: Person, *, by: Person | None, at: datetime, words: str = "") -> None:
    case.owner = to
    case.save(update_fields=["owner"])
    write_step(case, Event.HANDED_OVER, by=by, at=at, words=words, owner=to)


def settle_cases(staffing: Staffing, *, at: datetime) -> int:
    """Give the open cases of those who are not there to others; how many have moved."""
    moved_on = 0
    owned = Case.objects.owned().select_related("student")
    for case in owned.select_for_update(of=("self",)).order_by("pk"):
        to = stand_in(staffing, case.owner_id, case.student, at, besides=_decided_by(case))
        if to is not None:
            _give(case, to, by=None, at=at)
            moved_on += 1
    return moved_on


def _decided_by(case: Case) -> Collection[int]:
    """Who must not decide the appeal that is open."""
    return [case.closed_by_id] if case.state == State.APPEALED and case.closed_by_id else []


@transaction.atomic
def stop_clock(case: Case, why: Stop, words: str, *, act: Act) -> Case:
    """Let the clock stand still. The day once set stays as it is. Raises AdsumError `needs_words`, `moved_on`."""
    return _turn(case, Event.STOPPED, act=act, words=_said(words), stop=why)


@transaction.atomic
def restart_clock(case: Case, *, act: Act) -> Case:
    """Let the clock run again. Raises AdsumError `moved_on`."""
    return _turn(case, Event.RESTARTED, act=act)


def _turn(case: Case, event: Event, *, act: Act, **facts: Any) -> Case:
    case = moved(case, Part.STAFF, event)
    case.save(update_fields=["state"])
    write_step(case, event, by=act.by, at=act.at, readers=Readers.STUDENT, **facts)
    return case


@transaction.atomic
def close_case(case: Case, outcome: Outcome, words: str, *, act: Act) -> Case:
    """Close the case with an outcome and its reason, which the student reads. A meeting that is still ahead is called off.
    Raises AdsumError `needs_words`, `moved_on`."""
    case = moved(case, Part.STAFF, Event.CLOSED)
    words, today = _said(words), civil_date(act.at)
    case.outcome, case.closed_at, case.closed_by = outcome, act.at, act.by
    case.appeal_until = appeal_until(outcome, today, working_days())
    case.save(update_fields=["state", "outcome", "closed_at", "closed_by", "appeal_until"])
    ahead = Meeting.objects.filter(case=case, state__in=STILL_AHEAD)
    ahead.update(state=MeetingState.CALLED_OFF, settled_at=act.at, settled_by=act.by)
    write_step(case, Event.CLOSED, by=act.by, at=act.at, words=words, outcome=outcome, readers=Readers.STUDENT)
    return case


@transaction.atomic
def appeal(case: Case, words: str, *, act: Act) -> Case:
    """The student appeals. Until somebody else has decided, they stand as before the outcome. Raises AdsumError `too_late`,
    `needs_words`, `moved_on`."""
    case = moved(case, Part.STUDENT, Event.APPEALED)
    if case.student_id != act.by.pk or case.appeal_until is None or civil_date(act.at) > case.appeal_until:
        raise AdsumError("too_late", _("The time for an appeal is over. Your students’ union can say what else you can do."))
    case.owner = owner_of(case.student, act.at, besides=_decided_by(case))
    case.due_on = working_days().after(civil_date(act.at), HEARD_IN)
    case.next_step = _("Decide the appeal")
    case.save(update_fields=["state", "owner", "due_on", "next_step"])
    write_step(
        case,
        Event.APPEALED,
        by=act.by,
        at=act.at,
        words=_said(words),
        owner=case.owner,
        due_on=case.due_on,
        readers=Readers.STUDENT,
    )
    return case


@transaction.atomic
def decide_appeal(case: Case, words: str, *, uphold: bool, act: Act) -> Case:
    """Uphold an appeal, so that the outcome is taken back, or dismiss it. Raises AdsumError `same_person` for the person who
    gave the outcome, `needs_words`, `moved_on`."""
    if case.closed_by_id == act.by.pk:
        raise AdsumError("same_person", _("You decided what is appealed against. Hand the case to a colleague, who decides."))
    event = Event.UPHELD if uphold else Event.DISMISSED
    case = moved(case, Part.OTHERS, event)
    case.appeal_until = None
    case.save(update_fields=["state", "appeal_until"])
    write_step(case, event, by=act.by, at=act.at, words=_said(words), readers=Readers.STUDENT)
    return case


def note_corrected(student: int, *, since: datetime, at: datetime) -> None:
    """A reminder to this student, found then, was withdrawn: their case of that time says so, also when it is closed."""
    case = (
        Case.objects.filter(Q(closed_at=None) | Q(closed_at__gte=since), student=student).order_by("-opened_at", "-pk").first()
    )
    if case is not None:
        write_step(case, Event.CORRECTED, by=None, at=at, readers=Readers.STUDENT)


# What every verb does


def moved(case: Case, part: Part, event: Event) -> Case:
    """The case as it stands now, locked, with the state in which this leaves it; the caller saves it. Raises AdsumError
    `moved_on` where this cannot be done now."""
    case = Case.objects.select_for_update(of=("self",)).select_related("student", "owner", "closed_by").get(pk=case.pk)
    to = after(part, State(case.state), event)
    if to is None:
        raise AdsumError("moved_on", _("This case has moved on meanwhile. Reload the page to see how it stands."))
    case.state = to
    return case


def write_step(case: Case, event: Event, *, by: Person | None, at: datetime, words: str = "", **facts: Any) -> CaseStep:
    """One step of a case's history, and its event. Words are in the step alone."""
    step = CaseStep.objects.create(case=case, event=event, at=at, by=by, words=words.strip(), **facts)
    detail: dict[str, Any] = {"case": str(case.ref), "step": str(step.ref)}
    if step.owner_id is not None:
        detail["person"] = step.owner_id
    audit_log.record(
        actor=by.actor if by else ACTOR, verb=f"case.{event}", subject=f"person:{case.student_id}", at=at, **detail
    )
    return step


def _said(words: str) -> str:
    if not words.strip():
        raise AdsumError("needs_words", _("Say it in a few words: the next person who opens the case needs them."))
    return words.strip()
