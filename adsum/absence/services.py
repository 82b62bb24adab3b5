"""A student tells of an absence, or a member of staff records what they were told; and takes it back."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from adsum.absence import reports
from adsum.absence.linking import link
from adsum.absence.models import AbsenceDecision, AbsenceRequest, ChosenClass, Evidence
from adsum.absence.rules import (
    LONGEST_TEXT,
    MOVES,
    Category,
    Outcome,
    People,
    Spell,
    State,
    Told,
    Wrong,
    tell_by,
    wants_evidence,
    why_not,
    why_people,
)
from adsum.absence.terms import categories, limits_on
from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told: from when to when, or which classes; why; and by what way."""

    category: str
    starts_at: datetime
    ends_at: datetime
    first_day: date
    last_day: date
    text: str = ""
    source: Told = Told.STUDENT
    shared: bool = False
    chosen: Collection[ClassSession] | None = None
    """Only these classes of that time; None: all of them."""
    ref: UUID = field(default_factory=uuid4)

    @property
    def spell(self) -> Spell:
        return Spell(self.first_day, self.last_day)


@dataclass(frozen=True, slots=True)
class Foretold:
    """What will become of a telling, before it is one: for the page that shows it first."""

    category: Category
    classes: list[ClassSession]
    why: People | None
    late_since: date | None
    """The day by which it should have been told, where that is over."""
    evidence: bool
    due_on: date | None
    beside: list[AbsenceRequest] = field(default_factory=list)
    """What was told before of the same classes."""
    certified: list[Spell] = field(default_factory=list)


SENTENCES = {
    Wrong.BACKWARDS: lambda: _("The last day comes before the first. Check both."),
    Wrong.TOO_LONG: lambda: _(
        "One absence covers 60 days at most. For longer, talk to your department about a break in studies."
    ),
    Wrong.TOO_OLD: lambda: _("These days are more than a year ago. Write to the attendance team about them."),
    Wrong.NO_CLASS: lambda: _("There is no class in that time, so there is nothing to tell. Check the days."),
}


def foretell(student: Person, telling: Telling, *, at: datetime) -> Foretold:
    """What would become of this. Raises AdsumError with a code of `Wrong`, or `no_category`."""
    today, working = civil_date(at), working_days()
    limits, category = limits_on(today), categories().get(telling.category)
    if category is None or not category.offered:
        raise AdsumError("no_category", _("Choose a reason from the list."))
    there = list(
        reports.classes_in(student, telling.starts_at, telling.ends_at).select_related("module").prefetch_related("rooms")
    )
    chosen = None if telling.chosen is None else {session.pk for session in telling.chosen}
    classes = there if chosen is None else [session for session in there if session.pk in chosen]
    spell = telling.spell
    if wrong := why_not(spell, today=today, classes=len(classes)):
        raise AdsumError(wrong, SENTENCES[wrong]())
    known = reports.certified(student)
    why = why_people(spell, category, today=today, certified=known, limits=limits, working=working)
    has_it = reports.has_evidence(student, telling.category, spell)
    told_by = tell_by(spell.last, limits, working)
    return Foretold(
        category=category,
        classes=classes,
        why=why if category.authorises else None,
        late_since=told_by if today > told_by else None,
        evidence=wants_evidence(category, why, episode_has_it=has_it),
        due_on=working.after(today, limits.due_days) if category.authorises and why is not None else None,
        beside=_beside(student, spell, {session.pk for session in classes}),
        certified=known,
    )


def _beside(student: Person, spell: Spell, classes: set[int]) -> list[AbsenceRequest]:
    """The requests that speak of one of these classes already, other than those that were refused."""
    near = reports.standing_beside(student, spell)
    return [one for one in near if classes & set(reports.says_of(one))]


@transaction.atomic
def tell(student: Person, telling: Telling, *, act: Act) -> AbsenceRequest:
    """Tell of an absence. Within the limits of self-certification the policy authorises it at once; otherwise it goes to
    people, or is noted where there is nothing to decide.

    Raises what `foretell` raises; `told_already` where one of the classes was told of before, so that no episode is told twice;
    `own_record` for staff who record an absence of their own.
    """
    if telling.source != Told.STUDENT and act.by == student:
        raise AdsumError("own_record", _("You cannot record your own absence as staff. Tell it as a student."))
    # Two tellings at once would both be within the limits. A scan of the student waits for neither.
    Person.objects.select_for_update(no_key=True).get(pk=student.pk)
    known = foretell(student, telling, at=act.at)
    if known.beside:
        days = date_format(known.beside[0].first_day, "j F")
        raise AdsumError(
            "told_already",
            _("Some of these classes were told of already (from %(day)s). If it lasts longer, tell of the days after it only.")
            % {"day": days},
        )
    today = civil_date(act.at)
    state = State.TOLD if not known.category.authorises else State.UNDER_DECISION if known.why else State.DECIDED
    route = reports.route_for(student, telling.category, today) if state == State.UNDER_DECISION else None
    request = AbsenceRequest.objects.create(
        ref=telling.ref,
        student=student,
        category=telling.category,
        text=telling.text.strip()[:LONGEST_TEXT],
        source=telling.source,
        told_at=act.at,
        told_by=act.by,
        starts_at=telling.starts_at,
        ends_at=telling.ends_at,
        first_day=telling.first_day,
        last_day=telling.last_day,
        by_class=telling.chosen is not None,
        state=state,
        why_people=known.why or "",
        late=known.late_since is not None,
        due_on=known.due_on,
        decider=route.decider if route else None,
        deputy=route.deputy if route else None,
        shared=telling.shared,
    )
    if telling.chosen is not None:
        ChosenClass.objects.bulk_create(
            [ChosenClass(request=request, session=session, day=session.starts_on) for session in known.classes]
        )
    if state == State.DECIDED:
        AbsenceDecision.objects.create(request=request, outcome=Outcome.WHOLE, at=act.at)
    note("absence.tell", request, act, source=telling.source, state=state, classes=len(known.classes))
    link(request, act=act)
    return request


def note(verb: str, request: AbsenceRequest, act: Act, **detail: object) -> None:
    """One event about a request: never its category, its words, or who sponsors its student."""
    audit_log.record(
        actor=act.by.actor, verb=verb, subject=f"absence:{request.ref}", at=act.at, student=request.student_id, **detail
    )


def locked(request: AbsenceRequest) -> AbsenceRequest:
    """The request as it is now, and ours until the transaction ends."""
    return AbsenceRequest.objects.select_for_update(of=("self",)).select_related("student", "told_by").get(pk=request.pk)


@transaction.atomic
def withdraw(request: AbsenceRequest, *, act: Act) -> None:
    """Take a request back: its classes are as if nothing had been told, and its evidence is deleted. Raises AdsumError
    `decided` once people have decided."""
    request = locked(request)
    if request.state == State.WITHDRAWN:
        return
    if AbsenceDecision.objects.filter(request=request, by__isnull=False).exclude(outcome=Outcome.EVIDENCE).exists():
        raise AdsumError(
            "decided", _("This has been decided, so it stays. Write to the attendance team if it is no longer right.")
        )
    request.state, request.due_on, request.evidence_asked_at = State.WITHDRAWN, None, None
    request.save(update_fields=["state", "due_on", "evidence_asked_at"])
    gone = Evidence.objects.filter(request=request, deleted_at=None).update(sealed=b"", deleted_at=act.at)
    note("absence.withdraw", request, act, evidence=gone)
    link(request, act=act)


@transaction.atomic
def share(request: AbsenceRequest, shared: bool, *, act: Act) -> None:
    """The student lets their tutor read category, words and evidence, or no longer."""
    if AbsenceRequest.objects.filter(pk=request.pk).exclude(shared=shared).update(shared=shared):
        note("absence.share", request, act, shared=shared)


def movable(request: AbsenceRequest, outcome: Outcome) -> bool:
    """Whether this may be decided now."""
    return outcome in MOVES[State(request.state)]
