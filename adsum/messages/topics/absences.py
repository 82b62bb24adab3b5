"""Absences: recorded for a student, decided, evidence needed; and for those who decide, what has come and what is due.

No letter says why somebody was away: the reason, the words and the evidence are read here alone."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.absence.models import AbsenceDecision, AbsenceRequest
from adsum.absence.reports import covered, owner_of
from adsum.absence.rules import Outcome, State, Told
from adsum.accounts.models import Person
from adsum.accounts.rules import Role
from adsum.audit.following import Reader
from adsum.core.university import civil_date
from adsum.messages.letter import MOST, Facts, Item, Letter, named, rest
from adsum.messages.reports import over_departments
from adsum.messages.rules import KEPT_DUE, STALE, About, digest_at
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic, class_named
from adsum.timetable.models import Enrolment

RECORDED, DECIDED, EVIDENCE = "absence_recorded", "absence_decided", "absence_evidence"
WAITING, DUE = "absence_waiting", "absence_due"


def recorded(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Absences that staff recorded: one draft for each student."""
    found = AbsenceRequest.objects.standing().filter(told_at__gt=at - STALE, told_at__lte=at, student__is_active=True)
    requests = found.exclude(source=Told.STUDENT).select_related("student")
    return Pending([_about(RECORDED, one, f"{RECORDED}:{one.pk}", at, state=one.state) for one in requests])


def decided(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """What people decided, and the evidence they ask for: one draft each."""
    found = AbsenceDecision.objects.filter(at__gt=at - STALE, at__lte=at, by__isnull=False, request__student__is_active=True)
    pending = Pending()
    for one in found.exclude(request__state=State.WITHDRAWN).select_related("request__student"):
        kind = EVIDENCE if one.outcome == Outcome.EVIDENCE else DECIDED
        pending.drafts.append(_about(kind, one.request, f"{kind}:{one.pk}", at, outcome=one.outcome))
    return pending


def _about(kind: str, request: AbsenceRequest, key: str, at: datetime, **more: str) -> Draft:
    classes = covered(request).select_related("module")[: MOST + 1]
    facts = {
        "absence": str(request.ref),
        "first": request.first_day.isoformat(),
        "last": request.last_day.isoformat(),
        "classes": [class_named(session) for session in classes],
        **more,
    }
    return Draft(request.student, kind, key, facts, at + KEPT_DUE)


def waiting(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """What has come to be decided, gathered until the next digest: one draft for each who decides."""
    pending, new = Pending(), list[AbsenceRequest]()
    rows = reader.left(AbsenceRequest.objects.filter(told_at__gt=at - STALE))
    for request in rows.select_related("decider", "deputy"):
        if request.state != State.UNDER_DECISION:
            pending.done.append(request.pk)
        elif digest_at(request.told_at, zone) <= at:
            new.append(request)
            pending.done.append(request.pk)
        else:
            pending.first_left = pending.first_left or request.pk
    for person, theirs in _by_decider(new, at, deputies=False).items():
        pending.drafts.append(_for_decider(WAITING, person, theirs, at))
    return pending


def due(reader: Reader, at: datetime, zone: ZoneInfo) -> Pending:
    """What is to be decided today, at the first digest of the day: for those who decide, and their deputies."""
    undecided = AbsenceRequest.objects.filter(state=State.UNDER_DECISION)
    rows = reader.left(undecided.filter(due_on__lte=civil_date(at))).select_related("decider", "deputy")
    now = [one for one in rows if digest_at(datetime.combine(one.due_on or date.max, time(0), tzinfo=zone), zone) <= at]
    pending = Pending(done=[one.pk for one in now], standing=undecided.values("pk"))
    for person, theirs in _by_decider(now, at, deputies=True).items():
        pending.drafts.append(_for_decider(DUE, person, theirs, at))
    return pending


def _by_decider(requests: Iterable[AbsenceRequest], at: datetime, *, deputies: bool) -> dict[Person, list[AbsenceRequest]]:
    """Requests by who decides: those named, or else the attendance team over a department of the student."""
    found: dict[Person, list[AbsenceRequest]] = defaultdict(list)
    unnamed = []
    for request in requests:
        owner = owner_of(request)
        people = {owner, request.deputy} if deputies else {owner}
        named_ = [one for one in people if one is not None and one.is_active and one.pk != request.student_id]
        for person in named_:
            found[person].append(request)
        if not named_:
            unnamed.append(request)
    if unnamed:
        departments: dict[int, set[int | None]] = defaultdict(set)
        courses = Enrolment.objects.filter(person__in={one.student_id for one in unnamed})
        for student, department in courses.values_list("person", "course__department"):
            departments[student].add(department)
        for person, over in over_departments(Role.ATTENDANCE_TEAM, at):
            theirs = [one for one in unnamed if over is None or over & departments[one.student_id]]
            if theirs := [one for one in theirs if one.student_id != person.pk]:
                found[person] += theirs
    return found


def _for_decider(kind: str, person: Person, requests: list[AbsenceRequest], at: datetime) -> Draft:
    facts: dict[str, Any] = {"absences": len(requests)}
    return Draft(person, kind, f"{kind}:{person.pk}:{max(one.pk for one in requests)}", facts, at + KEPT_DUE)


# What it says


def _days(facts: Facts) -> str:
    first, last = (date.fromisoformat(facts[name]) for name in ("first", "last"))
    return date_format(first, "j F") if first == last else f"{date_format(first, 'j F')} – {date_format(last, 'j F')}"


def _letter(facts: Facts, subject: str, opening: str, closing: str) -> Letter:
    path = f"/absences/{facts['absence']}/"
    items = [Item(named(one), [], f"/record/classes/{one['session']}/") for one in facts["classes"][:MOST]]
    return Letter(subject, opening, items, [*rest(len(facts["classes"])), closing], (_("See your absence"), path))


def _recorded(facts: Facts) -> Letter:
    days = {"days": _days(facts)}
    opening = _("You told the university that you were away, or would be. It was recorded for you, for these classes:")
    closing = {
        State.DECIDED: _("It is authorised: nothing else is to be done."),
        State.TOLD: _("Your lecturers see that you told us."),
    }.get(State(facts["state"]), _("It is under decision. You hear from us when it is decided."))
    wrong = _("Is something wrong? You can take it back on its page.")
    return _letter(facts, _("Your absence was recorded: %(days)s") % days, opening, f"{closing} {wrong}")


OPENINGS = {
    Outcome.WHOLE: gettext_lazy("Your absence is authorised. These classes do not count as missed:"),
    Outcome.PART: gettext_lazy("Your absence is authorised in part. Which of these classes are is on its page:"),
    Outcome.REFUSED: gettext_lazy("Your absence is not authorised. These classes count as missed:"),
}
SUBJECTS = {
    Outcome.WHOLE: gettext_lazy("Your absence is authorised: %(days)s"),
    Outcome.PART: gettext_lazy("Your absence is authorised in part: %(days)s"),
    Outcome.REFUSED: gettext_lazy("Your absence is not authorised: %(days)s"),
}


def _decided(facts: Facts) -> Letter:
    outcome = Outcome(facts["outcome"])
    closing = _("What was said about it is on its page. Is it wrong? Write to the attendance team.")
    return _letter(facts, str(SUBJECTS[outcome]) % {"days": _days(facts)}, str(OPENINGS[outcome]), closing)


def _evidence(facts: Facts) -> Letter:
    subject = _("Evidence is needed for your absence: %(days)s") % {"days": _days(facts)}
    opening = _("Your absence can be decided once your evidence is here. Until then these classes are under decision:")
    return _letter(facts, subject, opening, _("What is needed is on its page. A photo of the letter is enough."))


def _waiting(facts: Facts) -> Letter:
    n = facts["absences"]
    return Letter(
        ngettext("%(n)s absence to decide", "%(n)s absences to decide", n) % {"n": n},
        ngettext("%(n)s student told of an absence.", "%(n)s absences were told.", n) % {"n": n},
        closing=[_("The days by which each is decided are on the list.")],
        action=(_("See the absences"), "/office/absences/?show=mine"),
    )


def _due(facts: Facts) -> Letter:
    n = facts["absences"]
    return Letter(
        ngettext("%(n)s absence is to be decided today", "%(n)s absences are to be decided today", n) % {"n": n},
        _("Until then the classes are under decision, and the student does not know."),
        closing=[_("Is something missing? Ask for evidence: then the days begin again when it is there.")],
        action=(_("See the absences"), "/office/absences/"),
    )


TOPIC = Topic(
    kinds=(
        Kind(RECORDED, gettext_lazy("An absence recorded for you"), _recorded),
        Kind(DECIDED, gettext_lazy("A decision about an absence"), _decided, pushed=About.ANSWERS),
        Kind(EVIDENCE, gettext_lazy("Evidence that is needed"), _evidence, mutable=False),
        Kind(WAITING, gettext_lazy("Absences to decide"), _waiting),
        Kind(DUE, gettext_lazy("Absences to decide today"), _due),
    ),
    readings=(
        Reading("absence_recorded", recorded),
        Reading("absence_decided", decided),
        Reading("absence_waiting", waiting, follows=AbsenceRequest),
        Reading("absence_due", due),
    ),
)
