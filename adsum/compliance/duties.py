"""The verbs of a duty to report. Each asks `duty_life` whether it may, writes one step of history and one event."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.compliance.duty_life import (
    BY_HAND,
    DONE,
    REASONS,
    RESTS_ON_RECORD,
    TOLD,
    Doubt,
    Event,
    Happened,
    Kind,
    Outcome,
    Part,
    Reason,
    Result,
    State,
    Way,
    after,
    due_on,
    may_be,
    untried,
    was_told,
)
from adsum.compliance.duty_reports import doubts_of, is_officer, latest_tries, ways_to
from adsum.compliance.editions import edition_in_force, guidance
from adsum.compliance.guidance import Authority, Number
from adsum.compliance.models import Duty, DutyStep, Representation
from adsum.compliance.representation_life import Settled
from adsum.compliance.representations import About, announce, note_reached, open_about, settle
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date

ACTOR = "system:duties"
ABOUT = "duty"
"""How representations name a duty."""


@transaction.atomic
def open_duty(
    student: Person, kind: Kind, trigger: date, *, because: str | Happened, ref: str = "", act: Act | datetime
) -> Duty:
    """The duty about this; a new one where there is none. `because`: in an officer's words, or what Adsum found. `ref` names
    what opened it, so that the same thing found twice opens one; without it, the day of the trigger does. `act`: who opens it,
    or only when, where Adsum does."""
    by, at = (act.by, act.at) if isinstance(act, Act) else (None, act)
    cause = ref or trigger.isoformat()
    Person.objects.select_for_update().get(pk=student.pk)  # of two at once the second finds the first one's duty
    known = Duty.objects.filter(student=student, kind=kind, cause=cause).first()
    if known is not None:
        return known
    guided = guidance(Authority.UKVI, civil_date(at))
    duty = Duty.objects.create(
        student=student,
        kind=kind,
        cause=cause,
        **_said_of(because),
        trigger_on=trigger,
        nation=settings.NATION,
        due_on=due_on(trigger, guided.whole(Number.REPORT_WORKING_DAYS), working_days()),
        edition=guided.edition,
        opened_at=at,
        opened_by=by,
    )
    _step(duty, Event.OPENED, by=by, at=at, trigger_on=trigger, due_on=duty.due_on)
    return duty


def _said_of(because: str | Happened) -> dict[str, Any]:
    if isinstance(because, Happened):
        return {"happened": because.what, "facts": because.facts}
    return {"because": because.strip()[:300]}


@transaction.atomic
def correct_trigger(duty: Duty, trigger: date, words: str, *, act: Act) -> Duty:
    """Put the day of the trigger right, with the reason: the working days count from it, and never stop. Raises AdsumError
    `needs_words`, `future`, and `moved_on`, `not_authorised`, `own_record` as every verb here."""
    if trigger > civil_date(act.at):
        raise AdsumError("future", _("This day is still to come. Give the day on which it was known or decided."))
    duty = _moved(duty, Event.CORRECTED, act)
    guided = guidance(Authority.UKVI, civil_date(act.at))
    duty.trigger_on, duty.edition = trigger, guided.edition
    duty.due_on = due_on(trigger, guided.whole(Number.REPORT_WORKING_DAYS), working_days())
    duty.save(update_fields=["trigger_on", "due_on", "edition"])
    _step(duty, Event.CORRECTED, by=act.by, at=act.at, words=_said(words), trigger_on=trigger, due_on=duty.due_on)
    about = open_about(About(ABOUT, str(duty.ref)))
    if about is not None:
        announce(duty.student, About(ABOUT, str(duty.ref)), about.ground, act=act, deadline=duty.due_on)
    return duty


@transaction.atomic
def note(duty: Duty, words: str, *, act: Act) -> None:
    """Write a note, for officers. Raises AdsumError as `correct_trigger`."""
    duty = _moved(duty, Event.NOTED, act)
    _step(duty, Event.NOTED, by=act.by, at=act.at, words=_said(words))


@transaction.atomic
def reach(duty: Duty, words: str, *, act: Act) -> None:
    """Write down that the student, who had not opened the message, was told another way of the report that is proposed. Raises
    AdsumError as `note`, and `moved_on` when they have opened it."""
    told = told_of(duty)
    if told is None:
        raise _moved_on()
    note(duty, words, act=act)
    note_reached(told, act=act)


@transaction.atomic
def propose(duty: Duty, outcome: Outcome, reason: Reason, words: str, *, ground: str = "", act: Act) -> Duty:
    """Propose an outcome, for another officer to confirm. Of a report the student is told, with `ground`, and may answer.
    Raises AdsumError `doubted` while open questions allow further review alone, `wrong_reason`, `needs_ground`,
    `needs_words`."""
    duty = _moved(duty, Event.PROPOSED, act)
    if reason not in REASONS[outcome]:
        raise AdsumError("wrong_reason", _("This reason belongs to another outcome. Choose one of those beside the outcome."))
    _refuse_doubted(duty, outcome, act.at)
    duty.outcome, duty.reason, duty.proposal, duty.proposed_by = outcome, reason, uuid4(), act.by
    duty.edition = edition_in_force(Authority.UKVI, civil_date(act.at))
    duty.save(update_fields=["state", "outcome", "reason", "proposal", "proposed_by", "edition"])
    _step(duty, Event.PROPOSED, by=act.by, at=act.at, words=_said(words), outcome=outcome, reason=reason)
    if outcome == Outcome.REPORT:
        announce(duty.student, About(ABOUT, str(duty.ref)), ground, act=act, deadline=duty.due_on)
    return duty


@transaction.atomic
def take_back(duty: Duty, words: str, *, act: Act) -> Duty:
    """The officer who proposed takes it back."""
    return _undo(duty, Event.TAKEN_BACK, words, act)


@transaction.atomic
def give_back(duty: Duty, words: str, *, act: Act) -> Duty:
    """The second officer does not agree, and says why. Raises AdsumError `same_person` for the one who proposed."""
    return _undo(duty, Event.RETURNED, words, act)


def _undo(duty: Duty, event: Event, words: str, act: Act) -> Duty:
    duty = _moved(duty, event, act)
    duty.outcome = duty.reason = ""
    duty.proposal = duty.proposed_by = None
    duty.save(update_fields=["state", "outcome", "reason", "proposal", "proposed_by"])
    _step(duty, event, by=act.by, at=act.at, words=_said(words))
    return duty


@transaction.atomic
def confirm(duty: Duty, proposal: UUID, *, act: Act) -> Duty:
    """The second officer agrees with the proposal they have read. Raises AdsumError `same_person` for the one who proposed,
    `moved_on` when another proposal stands there now, `doubted`; of a report also why it cannot be final yet."""
    duty = _moved(duty, Event.CONFIRMED, act)
    if duty.proposal != proposal:
        raise _moved_on()
    outcome = Outcome(duty.outcome)
    _refuse_doubted(duty, outcome, act.at)
    told = open_about(About(ABOUT, str(duty.ref)))
    if outcome == Outcome.REPORT and told is None:
        raise AdsumError("not_told", _("The student was not told the ground. Give it back, so that it is proposed anew."))
    if told is not None and outcome != Outcome.FURTHER_REVIEW:
        settle(told, Settled.FINAL if outcome == Outcome.REPORT else Settled.DROPPED, act=act)
    duty.confirmed_by, duty.confirmed_at = act.by, act.at
    duty.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    _step(duty, Event.CONFIRMED, by=act.by, at=act.at, outcome=duty.outcome, reason=duty.reason)
    return duty


@transaction.atomic
def report(duty: Duty, reported_on: date, reference: str, words: str, *, act: Act) -> Duty:
    """Write down that it was entered in the sponsor system: when, by whom, and what it is called there. Raises AdsumError
    `future`, `needs_reference`, `needs_words` without what was reported."""
    if reported_on > civil_date(act.at):
        raise AdsumError("future", _("This day is still to come. Write it down once it is entered in the sponsor system."))
    if not reference.strip():
        raise AdsumError(
            "needs_reference", _("Give the reference that the sponsor system shows, so that it can be found again.")
        )
    duty = _moved(duty, Event.REPORTED, act)
    duty.reported_on, duty.reported_by, duty.reference = reported_on, act.by, reference.strip()[:80]
    duty.save(update_fields=["state", "reported_on", "reported_by", "reference"])
    _step(duty, Event.REPORTED, by=act.by, at=act.at, words=_said(words))
    return duty


# That the student was told


@transaction.atomic
def write_try(duty: Duty, way: Way, result: Result, *, act: Act) -> Duty:
    """Write down a call or a letter that told the student. Raises AdsumError `wrong_way` of ways that Adsum serves."""
    if result not in BY_HAND.get(way, ()):
        raise AdsumError("wrong_way", _("Choose how you tried to reach the student, and what came of it."))
    duty = _moved(duty, Event.TRIED, act)
    return _tried(duty, way, result, by=act.by, at=act.at)


@transaction.atomic
def hear_try(ref: UUID | str, way: Way, result: Result, *, at: datetime) -> None:
    """What became of the letter by mail that tells the student."""
    duty = Duty.objects.select_for_update(of=("self",)).select_related("student").filter(ref=ref).first()
    if duty is not None:
        _tried(duty, way, result, by=None, at=at)


def _tried(duty: Duty, way: Way, result: Result, *, by: Person | None, at: datetime) -> Duty:
    _step(duty, Event.TRIED, by=by, at=at, way=way, result=result)
    told = was_told(ways_to(duty.student), latest_tries(duty))
    if told and after(Part.ANY, State(duty.state), Event.CLOSED):
        _close(duty, by=by, at=at)
    elif not told and duty.state == State.CLOSED and result not in TOLD:
        duty.state, duty.closed_at = DONE[Outcome(duty.outcome)], None
        duty.save(update_fields=["state", "closed_at"])
        _step(duty, Event.REOPENED, by=by, at=at)
    return duty


@transaction.atomic
def close_unreachable(duty: Duty, words: str, *, act: Act) -> Duty:
    """Close a duty whose student nothing reaches, or nobody may write to any more, with the reason. Raises AdsumError `untold`
    while there is a way that was not tried."""
    duty = _moved(duty, Event.CLOSED, act)
    if untried(ways_to(duty.student), latest_tries(duty)):
        raise AdsumError(
            "untold", _("Nobody has tried yet to tell the student over every way that is recorded. Do that first.")
        )
    _close(duty, by=act.by, at=act.at, words=_said(words))
    return duty


def _close(duty: Duty, *, by: Person | None, at: datetime, words: str = "") -> None:
    duty.state, duty.closed_at = State.CLOSED, at
    duty.save(update_fields=["state", "closed_at"])
    _step(duty, Event.CLOSED, by=by, at=at, words=words)


def told_of(duty: Duty) -> Representation | None:
    """What the student was told last of this duty before it was final (one query)."""
    rows = Representation.objects.filter(about=ABOUT, about_ref=str(duty.ref)).exclude(settled=Settled.DROPPED)
    return rows.select_related("student", "considered_by").order_by("-pk").first()


# What every verb does


def _moved(duty: Duty, event: Event, act: Act) -> Duty:
    """The duty as it stands now, locked, with the state in which this leaves it; the caller saves it."""
    if not is_officer(act.by, act.at):
        raise AdsumError("not_authorised", _("Only an officer for sponsored students can do this."))
    duty = Duty.objects.select_for_update(of=("self",)).select_related("student", "proposed_by").get(pk=duty.pk)
    if duty.student_id == act.by.pk:
        raise AdsumError("own_record", _("This is about you. A colleague has to do it."))
    part = Part.PROPOSER if duty.proposed_by_id == act.by.pk else Part.SECOND
    outcome = Outcome(duty.outcome) if duty.outcome else None
    to = after(part, State(duty.state), event, outcome)
    if to is None and part is Part.PROPOSER and after(Part.SECOND, State(duty.state), event, outcome):
        raise AdsumError("same_person", _("You proposed this. Another officer has to look at it."))
    if to is None:
        raise _moved_on()
    duty.state = to
    return duty


def _refuse_doubted(duty: Duty, outcome: Outcome, at: datetime) -> None:
    doubts: Collection[Doubt] = doubts_of([duty.student_id], at)[duty.student_id] if duty.kind in RESTS_ON_RECORD else ()
    if outcome not in may_be(Kind(duty.kind), doubts):
        raise AdsumError("doubted", _("The record has open questions. Until they are settled only further review is possible."))


def _step(duty: Duty, event: Event, *, by: Person | None, at: datetime, words: str = "", **facts: Any) -> DutyStep:
    """One step of a duty's history, and its event. Words are in the step alone."""
    step = DutyStep.objects.create(duty=duty, event=event, at=at, by=by, words=words.strip()[:2000], **facts)
    detail = {name: str(value) for name, value in facts.items()}
    audit_log.record(
        actor=by.actor if by else ACTOR,
        verb=f"duty.{event}",
        subject=f"person:{duty.student_id}",
        at=at,
        duty=str(duty.ref),
        kind=str(duty.kind),
        **detail,
    )
    return step


def _moved_on() -> AdsumError:
    return AdsumError("moved_on", _("This duty has moved on meanwhile. Reload the page to see how it stands."))


def _said(words: str) -> str:
    if not words.strip():
        raise AdsumError("needs_words", _("Say it in a few words: the next officer who opens this needs them."))
    return words.strip()
