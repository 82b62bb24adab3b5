"""Decisions that matter about a student, and duties to report: the student is told and may answer; officers hear what is due.
No letter names the ground, the authority or what a person wrote: those are on the page."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from adsum.accounts.models import Person
from adsum.audit.following import Reader
from adsum.compliance.duties import ABOUT, hear_try
from adsum.compliance.duty_life import Result, State, Way, left
from adsum.compliance.duty_reports import officers
from adsum.compliance.models import Duty, Representation
from adsum.compliance.representation_life import Settled
from adsum.compliance.representations import note_delivered, note_opened
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.messages.letter import Facts, Letter
from adsum.messages.models import Message
from adsum.messages.rules import KEPT_DUE, STALE, Address
from adsum.messages.topic import Draft, Kind, Outcome, Pending, Reading, Topic

ANNOUNCED, WEIGHED, DROPPED, DONE = "decision_announced", "decision_weighed", "decision_dropped", "decision_done"
OPENED, DUE, SECOND, ANSWERED = "duty_opened", "duty_due", "duty_second", "decision_answered"


def announced_key(representation: Representation) -> str:
    """How the message that tells of a decision is called: its page opens it."""
    return f"{ANNOUNCED}:{representation.pk}:{representation.student_id}"


# To the student


def decisions(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """What is about to be decided, what was made of an answer, and what is not pursued: to the student."""
    rows = Representation.objects.select_related("student")
    announced = rows.filter(settled="", opened_at=None)
    weighed = rows.filter(considered_at__gt=at - STALE)
    dropped = rows.filter(settled=Settled.DROPPED, settled_at__gt=at - STALE)
    drafts = [Draft(one.student, ANNOUNCED, announced_key(one), {"decision": str(one.ref)}, at + KEPT_DUE) for one in announced]
    for kind, found in ((WEIGHED, weighed), (DROPPED, dropped)):
        drafts += [Draft(one.student, kind, f"{kind}:{one.pk}", {"decision": str(one.ref)}, at + KEPT_DUE) for one in found]
    return Pending(drafts)


def done(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """What became of a duty: to the student, over every address. Only then is it closed."""
    ended = Duty.objects.filter(state__in=[State.REPORTED, State.NOT_REPORTED]).select_related("student")
    return Pending([Draft(one.student, DONE, f"{DONE}:{one.pk}", {"duty": str(one.ref)}, at + 4 * KEPT_DUE) for one in ended])


def heard_of_announced(message: Message, outcome: Outcome, at: datetime) -> None:
    """The term for an answer begins when the message was delivered and opened."""
    if outcome == Outcome.DELIVERED:
        note_delivered(message.facts["decision"], at=at)
    elif outcome == Outcome.OPENED:
        note_opened(message.facts["decision"], at=at)


RESULTS = {
    Outcome.SENT: Result.SENT,
    Outcome.DELIVERED: Result.DELIVERED,
    Outcome.OPENED: Result.OPENED,
    Outcome.BOUNCED: Result.BOUNCED,
    Outcome.REFUSED: Result.REFUSED,
}


def heard_of_done(message: Message, outcome: Outcome, at: datetime) -> None:
    """Each attempt to tell the student is kept with what came of it."""
    if outcome in RESULTS:
        way = Way.PERSONAL_EMAIL if message.address == Address.PERSONAL else Way.UNIVERSITY_MAIL
        hear_try(message.facts["duty"], way, RESULTS[outcome], at=at)


# To officers


def to_officers(_reader: Reader, at: datetime, _zone: ZoneInfo) -> Pending:
    """A duty that opened, that is due in five or two working days or is over, that waits for a second officer, or whose student
    has answered."""
    there, today, days = list(officers(at)), civil_date(at), working_days()
    drafts: list[Draft] = []
    running = list(Duty.objects.running().select_related("student"))
    for one in running:
        about = {"duty": str(one.ref), "due": one.due_on.isoformat()}
        others = [person for person in there if person.pk != one.student_id]
        if one.opened_at > at - STALE:
            first = [person for person in others if person.pk != one.opened_by_id]
            drafts += _each(first, OPENED, f"{one.pk}", about, at)
        step = left(one.due_on, today, days).step
        if step is not None:
            drafts += _each(others, DUE, f"{one.pk}:{one.due_on}:{step}", {**about, "step": step}, at)
        if one.state == State.PROPOSED:
            second = [person for person in others if person.pk != one.proposed_by_id]
            drafts += _each(second, SECOND, f"{one.proposal}", about, at)
    answered = Representation.objects.filter(about=ABOUT, answered_at__gt=at - STALE)
    for answer in answered:
        drafts += _each(
            [person for person in there if person.pk != answer.student_id],
            ANSWERED,
            f"{answer.pk}",
            {"duty": answer.about_ref},
            at,
        )
    return Pending(drafts)


def _each(people: Iterable[Person], kind: str, key: str, facts: dict[str, Any], at: datetime) -> list[Draft]:
    return [Draft(person, kind, f"{kind}:{key}:{person.pk}", facts, at + KEPT_DUE) for person in people]


# What it says


def _read(facts: Facts) -> tuple[str, str]:
    return _("Read it and answer"), f"/decisions/{facts['decision']}/"


def _announced(facts: Facts) -> Letter:
    return Letter(
        subject=_("Please read this: something about your studies is about to be decided"),
        opening=_("Before it is final you can say how you see it. The page says what it is about and what it rests on."),
        closing=[_("It also says until when you can answer, and who can help you.")],
        action=_read(facts),
    )


def _weighed(facts: Facts) -> Letter:
    return Letter(
        subject=_("Your answer was read"),
        opening=_("The page says what was made of it."),
        action=(_("Read it"), f"/decisions/{facts['decision']}/"),
    )


def _dropped(facts: Facts) -> Letter:
    return Letter(
        subject=_("What we wrote to you about is not pursued"),
        opening=_("You need do nothing. Should there be something new, you get a message about that."),
        action=(_("Read it"), f"/decisions/{facts['decision']}/"),
    )


def _done(_facts: Facts) -> Letter:
    return Letter(
        subject=_("Please read this: something about your studies was decided"),
        opening=_("The page says what was decided, what it rests on, and what you can do."),
        action=(_("Read it"), "/decisions/"),
    )


def _duty(facts: Facts) -> tuple[str, str]:
    return _("Open it"), f"/compliance/duties/{facts['duty']}/"


def _day(iso: str) -> str:
    return date_format(datetime.fromisoformat(iso), "l j F")


def _opened(facts: Facts) -> Letter:
    return Letter(
        subject=_("Something may have to be reported by %(day)s") % {"day": _day(facts["due"])},
        opening=_("A new duty is on your list. The page says what happened and what comes next."),
        action=_duty(facts),
    )


def _due(facts: Facts) -> Letter:
    n, words = facts["step"], {"day": _day(facts["due"])}
    subject = ngettext("%(n)s working day left for a report", "%(n)s working days left for a report", n) % {"n": n}
    return Letter(
        subject=subject if n else _("Overdue: a report was due on %(day)s") % words,
        opening=_("The last day is %(day)s. The days go on while something is found out.") % words
        if n
        else _("Report it now, and write down why it is late."),
        action=_duty(facts),
    )


def _second(facts: Facts) -> Letter:
    return Letter(
        subject=_("A colleague has proposed an outcome: please look at it"),
        opening=_("It needs a second officer by %(day)s.") % {"day": _day(facts["due"])},
        action=_duty(facts),
    )


def _answered(facts: Facts) -> Letter:
    return Letter(
        subject=_("A student has answered before a decision is final"),
        opening=_("Read the answer, and write down what you make of it: the student reads that."),
        action=_duty(facts),
    )


TOPIC = Topic(
    kinds=(
        Kind(
            ANNOUNCED,
            gettext_lazy("Something about your studies that is about to be decided"),
            _announced,
            heard_of_announced,
            formal=True,
            mutable=False,
            everywhere=True,
        ),
        Kind(WEIGHED, gettext_lazy("What was made of your answer"), _weighed, mutable=False),
        Kind(DROPPED, gettext_lazy("What is not pursued"), _dropped, mutable=False),
        Kind(
            DONE,
            gettext_lazy("What was decided about your studies"),
            _done,
            heard_of_done,
            formal=True,
            mutable=False,
            everywhere=True,
        ),
        Kind(OPENED, gettext_lazy("Duties to report"), _opened, mutable=False),
        Kind(DUE, gettext_lazy("Reports that are due"), _due, mutable=False),
        Kind(SECOND, gettext_lazy("Outcomes that need a second officer"), _second, mutable=False),
        Kind(ANSWERED, gettext_lazy("Answers before a decision"), _answered, mutable=False),
    ),
    readings=(Reading("decision", decisions), Reading("duty_done", done), Reading("duty_officers", to_officers)),
)
