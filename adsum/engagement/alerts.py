"""The verbs of an alert's life. Each asks `alert_life.MOVES` whether it may, and writes its event in the same transaction."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.engagement.alert_life import MOVES, OPEN, TICKED_FROM, Back, State, Step, after, keeps_back
from adsum.engagement.case_rules import Because, Outcome
from adsum.engagement.cases import note_corrected, open_case
from adsum.engagement.keeping_back import known_of, unticked
from adsum.engagement.models import Alert, Tick, Told, WelfareHold
from adsum.engagement.not_checked import fingerprint, not_checked
from adsum.timetable.models import ClassSession

ACTOR = "system:alerts"
NO_DETAIL: Mapping[str, Any] = {}
NO_ONE_LETS_GO = {
    Back.NO_CONTACT: gettext_lazy("No message may reach this student, so this one cannot leave. Close it instead."),
    Back.WELFARE: gettext_lazy("A welfare hold is on for this student. The alert waits until a person ends the hold."),
    Back.SUSPENDED: gettext_lazy("The student is suspended, so nothing is expected of them now. The alert waits."),
    Back.DOUBT: gettext_lazy("It rests on a class that is under query or under decision. It waits until that is settled."),
    Back.UNTICKED: gettext_lazy("Look at each class first, and tick what was not checked about it."),
}
"""What keeps an alert back although a person wants to let it go; for anything else it leaves by itself when its time comes."""
PANEL_DECIDES = (Outcome.SUPPORT_AGREED, Outcome.REFERRED, Outcome.WARNED, Outcome.TO_PANEL, Outcome.LEFT)
"""What may be decided at stage 3. It is more than a letter could take back: when the record changes, a person looks again."""


def _locked(alert: Alert, step: Step) -> Alert:
    """The alert as it stands, until the transaction ends. Raises AdsumError `moved_on` where this step is not to be made."""
    now = Alert.objects.select_for_update(of=("self",)).select_related("student").get(pk=alert.pk)
    if after(State(now.state), step) is None:
        raise AdsumError("moved_on", _("This alert has moved on meanwhile. Reload the page to see how it stands."))
    return now


def _move(alert: Alert, step: Step, *, actor: str, at: datetime, detail: Mapping[str, Any] = NO_DETAIL, **values: Any) -> None:
    """Make a step that was found to be one, of an alert that is locked."""
    to = MOVES[step][State(alert.state)]
    if to not in OPEN:
        values.setdefault("ended_at", at)
    for name, value in {"state": to, **values}.items():
        setattr(alert, name, value)
    alert.save(update_fields=["state", *values])
    facts = {"stage": alert.stage, "student": alert.student_id, **detail}
    audit_log.record(actor=actor, verb=f"alert.{step}", subject=f"alert:{alert.ref}", at=at, **facts)
    if step == Step.WITHDRAW and alert.told_at is not None:
        note_corrected(alert.student_id, since=alert.found_at, at=at)


def hash_of(facts: Mapping[str, Any]) -> str:
    """The digest of what an alert rests on, which its event keeps: a change of its rows would show."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# By hand


@transaction.atomic
def tick(alert: Alert, shown: Mapping[ClassSession, str], *, act: Act) -> None:
    """The person was shown what was not checked about these classes, each with its fingerprint, and ticks it.

    Raises AdsumError `changed` when there is something else to show by now, `moved_on` when it no longer waits.
    """
    alert = _locked(alert, Step.RELEASE)
    wanted = set(alert.classes.filter(missed=True).values_list("session", flat=True))
    classes = [session for session in shown if session.pk in wanted]
    found = not_checked(alert.student_id, classes, act.at)
    if any(fingerprint(found[session.pk]) != shown[session] for session in classes):
        raise AdsumError("changed", _("Something has come in about these classes since you opened the page. Look once more."))
    Tick.objects.filter(alert=alert, session__in=[session.pk for session in classes]).delete()
    Tick.objects.bulk_create(
        [Tick(alert=alert, session=session, by=act.by, at=act.at, shown=shown[session]) for session in classes]
    )
    audit_log.record_all(
        [
            audit_log.Entry("alert.tick", f"alert:{alert.ref}", {"session": session.pk, "shown": shown[session]})
            for session in classes
        ],
        actor=act.by.actor,
        at=act.at,
    )


@transaction.atomic
def release(alert: Alert, *, act: Act) -> Alert:
    """A person lets it go: it leaves at the next working hour, once its window is over. From a meeting on the student has a
    case from now on, so that somebody owns what comes of it.

    Raises AdsumError with a code of `alert_life.Back` where a person may not let it go, or `moved_on`.
    """
    alert = _locked(alert, Step.RELEASE)
    back = keeps_back(replace(known_of([alert], act.at)[alert.pk], by_hand=False), act.at)
    if alert.stage >= TICKED_FROM and back not in NO_ONE_LETS_GO and unticked(alert, act.at):
        back = Back.UNTICKED
    if back in NO_ONE_LETS_GO:
        raise AdsumError(back, str(NO_ONE_LETS_GO[back]))
    _move(alert, Step.RELEASE, actor=act.by.actor, at=act.at, released_at=act.at, released_by=act.by, held_by=None, held_why="")
    if alert.stage >= TICKED_FROM:
        open_case(alert.student, because=Because.MEETING, act=act)
    return alert


@transaction.atomic
def hold(alert: Alert, why: str, *, act: Act) -> Alert:
    """A person keeps it back until they or a colleague let it go. Raises AdsumError `needs_reason`, or `moved_on`."""
    if not why.strip():
        raise AdsumError("needs_reason", _("Say in a few words why it waits: your colleagues read it."))
    alert = Alert.objects.select_for_update(of=("self",)).get(pk=alert.pk)
    alert.held_by, alert.held_why = act.by, why.strip()[:300]
    if alert.state == State.RELEASED:
        held: dict[str, Any] = {"held_by": act.by, "held_why": alert.held_why}
        _move(alert, Step.HOLD, actor=act.by.actor, at=act.at, released_at=None, released_by=None, **held)
        return alert
    _locked(alert, Step.RELEASE)
    alert.save(update_fields=["held_by", "held_why"])
    facts = {"stage": alert.stage, "student": alert.student_id}
    audit_log.record(actor=act.by.actor, verb="alert.hold", subject=f"alert:{alert.ref}", at=act.at, **facts)
    return alert


@transaction.atomic
def close(alert: Alert, why: str, *, act: Act, outcome: str = "") -> Alert:
    """A person closes it, with a reason that the student reads. `outcome` is the code of what was decided at stage 3.

    Raises AdsumError `needs_reason`, `no_such_outcome`, or `moved_on`.
    """
    if outcome and outcome not in PANEL_DECIDES:
        raise AdsumError("no_such_outcome", _("Choose what was decided from the list."))
    if not why.strip():
        raise AdsumError("needs_reason", _("Say in a few words why it is closed: the student reads it."))
    alert = _locked(alert, Step.CLOSE)
    _move(
        alert,
        Step.CLOSE,
        actor=act.by.actor,
        at=act.at,
        detail={"outcome": outcome},
        ended_by=act.by,
        ended_why=why.strip()[:300],
        outcome=outcome,
    )
    return alert


@transaction.atomic
def take_back_outcome(alert: Alert, *, act: Act) -> None:
    """An appeal was upheld: what was decided holds no more. Should the record change later, nothing has followed from it."""
    if Alert.objects.filter(pk=alert.pk).exclude(outcome="").update(outcome=""):
        facts = {"stage": alert.stage, "student": alert.student_id, "was": alert.outcome}
        audit_log.record(actor=act.by.actor, verb="alert.outcome_taken_back", subject=f"alert:{alert.ref}", at=act.at, **facts)


@transaction.atomic
def close_all(student: Person, why: str, *, act: Act) -> int:
    """Close every alert of a student, because nothing may reach them any more; how many there were."""
    found = list(Alert.objects.open().filter(student=student).select_for_update(of=("self",)))
    for alert in found:
        _move(alert, Step.CLOSE, actor=act.by.actor, at=act.at, ended_by=act.by, ended_why=why.strip()[:300])
    return len(found)


@transaction.atomic
def stand(alert: Alert, why: str, *, act: Act) -> Alert:
    """A person has reviewed it, and what followed from it stands: it is closed, and only a further change of the record brings
    it back. What was said when it was first closed is kept. Raises AdsumError `needs_reason`, or `moved_on`."""
    if not why.strip():
        raise AdsumError("needs_reason", _("Say in a few words why it stands: the student reads it."))
    alert = _locked(alert, Step.STAND)
    reviewed: dict[str, Any] = {"reviewed_at": act.at, "reviewed_by": act.by, "reviewed_why": why.strip()[:300]}
    _move(alert, Step.STAND, actor=act.by.actor, at=act.at, ended_at=alert.ended_at or act.at, **reviewed)
    return alert


@transaction.atomic
def take_back(alert: Alert, why: str, *, act: Act) -> Alert:
    """A person has reviewed it and finds that it was never so: everyone who was told hears it.

    Raises AdsumError `needs_reason`, or `moved_on`.
    """
    if not why.strip():
        raise AdsumError("needs_reason", _("Say in a few words what was wrong: the student reads it."))
    alert = _locked(alert, Step.WITHDRAW)
    _move(alert, Step.WITHDRAW, actor=act.by.actor, at=act.at, ended_by=act.by, ended_why=why.strip()[:300])
    return alert


# The student has answered


@transaction.atomic
def resume_all(student: Person, *, act: Act) -> int:
    """What the student answered is dealt with; how many alerts go on."""
    found = list(Alert.objects.filter(student=student, state=State.PAUSED).select_for_update(of=("self",)))
    for alert in found:
        _move(alert, Step.RESUME, actor=act.by.actor, at=act.at)
    return len(found)


def reached(alert: Alert, *, at: datetime) -> None:
    """The student has read it, or a person has taken the matter on because they had not: from now on the stage runs."""
    Alert.objects.filter(pk=alert.pk, opened_at=None).update(opened_at=at)


# By itself


@transaction.atomic
def tell(alert: Alert, people: Iterable[tuple[Person, str]], *, at: datetime) -> Alert:
    """Its messages are written, in the same transaction: to these people, each in a capacity."""
    alert = _locked(alert, Step.TELL)
    told = [Told(alert=alert, person=person, capacity=capacity, at=at) for person, capacity in people]
    Told.objects.bulk_create(told)
    _move(alert, Step.TELL, actor=ACTOR, at=at, detail={"people": len(told)}, told_at=at)
    return alert


def move_by_itself(alert: Alert, step: Step, *, at: datetime, because: str = "") -> None:
    """A step that needs no person; the alert is locked. `because`: the codes of what led to it."""
    values: dict[str, Any] = {"released_at": at} if step == Step.RELEASE else {}
    _move(alert, step, actor=ACTOR, at=at, detail={"because": because} if because else NO_DETAIL, **values)


def corrected(told: Collection[Told], *, at: datetime) -> None:
    """The corrections to these people are written, in the same transaction."""
    Told.objects.filter(pk__in=[one.pk for one in told]).update(corrected_at=at)


# A welfare hold


@transaction.atomic
def hold_for_welfare(student: Person, *, review_on: date, act: Act) -> WelfareHold:
    """No reminder leaves to this student for now; while one is on, its day of review is moved. Why is kept in the case."""
    held, made = WelfareHold.objects.select_for_update().get_or_create(
        student=student, ended_at=None, defaults={"begun_at": act.at, "begun_by": act.by, "review_on": review_on}
    )
    if not made:
        held.review_on = review_on
        held.save(update_fields=["review_on"])
    verb = "welfare_hold.begin" if made else "welfare_hold.extend"
    audit_log.record(actor=act.by.actor, verb=verb, subject=f"person:{student.pk}", at=act.at, review_on=str(review_on))
    return held


@transaction.atomic
def end_welfare_hold(student: Person, *, act: Act) -> bool:
    """Reminders may leave again, after what else keeps them back. False when none was on."""
    ended = WelfareHold.objects.filter(student=student, ended_at=None).update(ended_at=act.at, ended_by=act.by)
    if ended:
        audit_log.record(actor=act.by.actor, verb="welfare_hold.end", subject=f"person:{student.pk}", at=act.at)
    return bool(ended)
