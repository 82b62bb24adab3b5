"""Cases, meetings, concerns and questions about check-in: who has something to do, and what was decided about a student. No
letter holds a word that a person wrote."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.audit.following import Reader
from adsum.engagement.case_rules import ConductState, Event, MeetingState
from adsum.engagement.models import CaseStep, Concern, Conduct
from adsum.messages.letter import Facts, Letter, when
from adsum.messages.rules import KEPT_DUE, STALE, About
from adsum.messages.topic import Draft, Kind, Pending, Reading, Topic

OFFERED, FORMAL, AGREED, CHANGED = "meeting_offered", "meeting_formal", "meeting_agreed", "meeting_changed"
GIVEN, CLOSED, DECIDED = "case_given", "case_closed", "appeal_decided"
CONCERN, ACKNOWLEDGED = "concern_raised", "concern_acknowledged"
ASKED, HEARD, FOUND = "conduct_asked", "conduct_heard", "conduct_decided"


def case_steps(reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """What happened in cases, to those whose turn it is now."""
    rows = reader.left(CaseStep.objects.filter(at__gt=at - STALE))
    steps = list(rows.select_related("case__student", "case__owner", "owner", "meeting__host"))
    drafts = [
        Draft(person, kind, f"{kind}:{step.pk}:{person.pk}", facts, at + KEPT_DUE)
        for step in steps
        for person, kind, facts in _told(step)
        if person.is_active and person.pk != step.by_id
    ]
    return Pending(drafts, [step.pk for step in steps])


def _told(step: CaseStep) -> Iterator[tuple[Person, str, dict[str, Any]]]:
    """Whom a step concerns, and what they are told; the person who made it is left out by the caller."""
    case, meeting = step.case, step.meeting
    about = {"case": str(case.ref)}
    if step.owner is not None:
        yield step.owner, GIVEN, {**about, "event": step.event}
    match step.event:
        case Event.OFFERED if meeting is not None:
            yield case.student, FORMAL if meeting.formal else OFFERED, about
        case Event.PICKED if meeting is not None:
            yield meeting.host, AGREED, {**about, **_when(step)}
            yield case.student, AGREED, {**_when(step)}
        case Event.MET if meeting is not None and step.became in {MeetingState.REARRANGED, MeetingState.CALLED_OFF}:
            yield meeting.host, CHANGED, {**about, **_when(step)}
            yield case.student, CHANGED, {**_when(step), "off": step.became == MeetingState.CALLED_OFF}
        case Event.CLOSED:
            until = case.appeal_until.isoformat() if case.appeal_until else ""
            yield case.student, CLOSED, {**about, "until": until}
        case Event.UPHELD | Event.DISMISSED:
            yield case.student, DECIDED, {"upheld": step.event == Event.UPHELD}


def _when(step: CaseStep) -> dict[str, str]:
    starts_at = step.meeting.starts_at if step.meeting else None
    return {"starts_at": starts_at.isoformat() if starts_at else ""}


def concerns_raised(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Concerns, at once: to the tutor and the wellbeing contact, and to whoever has them when neither was in time."""
    waiting = Concern.objects.waiting().filter(at__gt=at - STALE).select_related("owner", "wellbeing")
    people = [(one, person) for one in waiting for person in (one.owner, one.wellbeing) if person is not None]
    return Pending([_concerned(one, person, at) for one, person in people])


def _concerned(one: Concern, person: Person, at: datetime) -> Draft:
    key = f"{CONCERN}:{one.pk}:{person.pk}"
    return Draft(person, CONCERN, key, {"due": one.due_on.isoformat()}, at + KEPT_DUE, at_once=True)


def concerns_acknowledged(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Somebody has it: to the teacher who raised it."""
    found = Concern.objects.filter(acknowledged_at__gt=at - STALE, acknowledged_at__lte=at).select_related("by")
    return Pending([Draft(one.by, ACKNOWLEDGED, f"{ACKNOWLEDGED}:{one.pk}", {}, at + KEPT_DUE) for one in found])


def conduct_steps(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """Questions about check-in: asked and decided to the student, answered to the person who has it."""
    fresh = Conduct.objects.select_related("student", "owner")
    asked = fresh.filter(at__gt=at - STALE, state=ConductState.ASKED)
    heard = fresh.filter(heard_at__gt=at - STALE, state=ConductState.HEARD)
    decided = fresh.filter(decided_at__gt=at - STALE, decided_at__lte=at)
    kinds = [(one.student, ASKED, one, {"until": one.due_on.isoformat()}) for one in asked]
    kinds += [(one.owner, HEARD, one, {"conduct": str(one.ref)}) for one in heard]
    kinds += [(one.student, FOUND, one, {}) for one in decided]
    return Pending([Draft(who, kind, f"{kind}:{one.pk}:{who.pk}", facts, at + KEPT_DUE) for who, kind, one, facts in kinds])


# What it says


def _case(facts: Facts) -> tuple[str, str]:
    return _("Open the case"), f"/cases/{facts['case']}/"


def _own() -> tuple[str, str]:
    return _("Go to Support"), "/support/"


def _day(iso: str) -> str:
    return date_format(datetime.fromisoformat(iso), "l j F")


def _offered(_facts: Facts) -> Letter:
    return Letter(
        subject=_("Shall we talk? Pick a time that suits you"),
        opening=_("We would like to hear how you are getting on, and whether something is in the way."),
        closing=[_("None of the times falls into a class of yours. If none suits you, say so there: you get others.")],
        action=_own(),
    )


def _formal(_facts: Facts) -> Letter:
    return Letter(
        subject=_("A formal meeting about your attendance: please pick a time"),
        opening=_("You are asked to a formal meeting. The page says what it is about, and you may bring somebody with you."),
        closing=[_("None of the times falls into a class of yours. If none suits you, say so there: you get others.")],
        action=_own(),
    )


def _agreed(facts: Facts) -> Letter:
    return Letter(
        subject=_("Agreed: we meet on %(when)s") % {"when": when(facts["starts_at"])},
        opening=_("The time is agreed. Where you meet is on the page, with a button that puts it into your calendar."),
        action=_case(facts) if "case" in facts else _own(),
    )


def _changed(facts: Facts) -> Letter:
    words = {"when": when(facts["starts_at"]) if facts["starts_at"] else _("no time agreed yet")}
    off = facts.get("off")
    return Letter(
        subject=_("The meeting is called off: %(when)s") % words
        if off
        else _("Another time for the meeting: %(when)s") % words,
        opening=_("Nothing to do.") if off else _("This time does not hold any more. Another one is to be found."),
        action=_case(facts) if "case" in facts else _own(),
    )


def _given(facts: Facts) -> Letter:
    subject = {Event.OPENED: _("A new case is with you"), Event.APPEALED: _("An appeal is with you to decide")}.get(
        facts["event"], _("A case was handed over to you")
    )
    return Letter(subject, _("The page says why, what comes next and by when."), action=_case(facts))


def _closed(facts: Facts) -> Letter:
    closing = []
    if facts["until"]:
        closing = [_("If you think it is wrong, you can appeal there until %(day)s.") % {"day": _day(facts["until"])}]
    return Letter(
        subject=_("What we decided about your attendance"),
        opening=_("The conversation about your attendance is closed. The page says with what outcome, and why."),
        closing=closing,
        action=_own(),
    )


def _appeal(facts: Facts) -> Letter:
    upheld = _("Your appeal is upheld: the outcome is taken back")
    return Letter(
        subject=upheld if facts["upheld"] else _("Your appeal is decided: the outcome stands"),
        opening=_("A colleague who had not decided before has looked at it. The page says why."),
        action=_own(),
    )


def _concern(facts: Facts) -> Letter:
    return Letter(
        subject=_("A teacher is concerned about a student"),
        opening=_("Please say by %(day)s that you have it: the teacher is told so.") % {"day": _day(facts["due"])},
        action=(_("Read it"), "/concerns/"),
    )


def _acknowledged(_facts: Facts) -> Letter:
    return Letter(
        subject=_("Somebody has your concern in hand"),
        opening=_("Thank you for noticing. You need do nothing more."),
        action=(_("Your concerns"), "/concerns/"),
    )


def _asked(facts: Facts) -> Letter:
    return Letter(
        subject=_("Can you tell us how a check-in of yours was?"),
        opening=_("Somebody has a question. Nothing about your marks has changed, and a person decides."),
        closing=[_("Your answer is read first if it is there by %(day)s.") % {"day": _day(facts["until"])}],
        action=_own(),
    )


def _heard(facts: Facts) -> Letter:
    return Letter(
        subject=_("A student has answered a question about check-in"),
        opening=_("It can be decided now, by a colleague who did not ask."),
        action=(_("Read the answer"), f"/office/conduct/{facts['conduct']}/"),
    )


def _found(_facts: Facts) -> Letter:
    return Letter(
        subject=_("The question about your check-in is decided"),
        opening=_("The page says what was found, and why."),
        action=_own(),
    )


TOPIC = Topic(
    kinds=(
        Kind(OFFERED, gettext_lazy("Times for a meeting"), _offered, pushed=About.REMINDERS),
        Kind(FORMAL, gettext_lazy("A formal meeting"), _formal, formal=True, mutable=False),
        Kind(AGREED, gettext_lazy("An agreed meeting"), _agreed, pushed=About.CHANGES),
        Kind(CHANGED, gettext_lazy("A meeting that changes"), _changed, pushed=About.CHANGES),
        Kind(GIVEN, gettext_lazy("Cases that come to you"), _given, mutable=False),
        Kind(CLOSED, gettext_lazy("What was decided about your attendance"), _closed, mutable=False),
        Kind(DECIDED, gettext_lazy("An appeal, decided"), _appeal, mutable=False, pushed=About.ANSWERS),
        Kind(CONCERN, gettext_lazy("Concerns"), _concern, mutable=False),
        Kind(ACKNOWLEDGED, gettext_lazy("Your concerns, acknowledged"), _acknowledged),
        Kind(ASKED, gettext_lazy("A question about your check-in"), _asked, mutable=False),
        Kind(HEARD, gettext_lazy("Answers about check-in"), _heard, pushed=About.ANSWERS),
        Kind(FOUND, gettext_lazy("A question about your check-in, decided"), _found, mutable=False),
    ),
    readings=(
        Reading("case_step", case_steps, follows=CaseStep),
        Reading("concern_raised", concerns_raised),
        Reading("concern_acknowledged", concerns_acknowledged),
        Reading("conduct", conduct_steps),
    ),
)
