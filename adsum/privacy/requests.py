"""A person asks about their own data, or complains; staff answer step by step. Each step is kept, and leaves an event."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.privacy import rights_rules as rules
from adsum.privacy.models import RightsRequest, RightsStep
from adsum.privacy.reviewing import undecided
from adsum.privacy.rights_rules import (
    LONGEST_WORDS,
    OFFICERS,
    THEIRS,
    UNDER_WAY,
    Came,
    Clock,
    Kind,
    Outcome,
    State,
    Step,
    Taken,
    clock_of,
)

WORDED = {
    "needs_words": gettext_lazy("Write what is to be said. The person reads it, unless it is a note."),
    "needs_outcome": gettext_lazy("Choose how it is answered."),
    "needs_review": gettext_lazy("Look through the texts first: about some of them nothing is decided."),
    "no_extension": gettext_lazy("A complaint is not extended. Say what is done, and when more is known."),
}


@transaction.atomic
def open_request(
    person: Person,
    kind: Kind,
    words: str,
    *,
    act: Act,
    came: Came = Came.FORM,
    received_on: date | None = None,
    under_18: bool = False,
) -> RightsRequest:
    """Take a request of a person about their own data: from them, or from the member of staff whom they told.

    Raises AdsumError `needs_words` where nothing is said, `not_yet` for a day to come.
    """
    words, today = words.strip(), civil_date(act.at)
    if not words and kind != Kind.ACCESS:
        raise AdsumError("needs_words", _("Say in a few words what this is about, so that it can be looked into."))
    if len(words) > LONGEST_WORDS:
        raise AdsumError("too_long", _("This is longer than %(most)s characters.") % {"most": LONGEST_WORDS})
    if received_on is not None and received_on > today:
        raise AdsumError("not_yet", _("It cannot have come on a day that is still to come."))
    request = RightsRequest.objects.create(
        person=person,
        kind=kind,
        came=came,
        words=words,
        received_on=received_on or today,
        under_18=under_18,
        entered_at=act.at,
        entered_by=act.by,
    )
    _step(request, Step.RECEIVED, "", act=act, person=person.pk, kind=kind, came=came)
    return request


@transaction.atomic
def take_step(request: RightsRequest, step: Step, words: str = "", *, act: Act, outcome: Outcome | None = None) -> RightsStep:
    """Staff take a step. Raises AdsumError with what is missing, `moved_on` when it cannot be taken any more."""
    if step not in OFFICERS:
        raise ValueError(f"{step} is not taken by staff")
    request = _locked(request)
    if request.person_id == act.by.pk:
        raise AdsumError("own", _("This is about your own data: a colleague answers it."))
    refused = rules.why_not(Kind(request.kind), step, words=words, outcome=outcome, undecided=_undecided(request, step))
    if refused:
        raise AdsumError(refused, str(WORDED[refused]))
    if step == Step.ANSWERED and outcome is not None:
        request.outcome = outcome
    detail = {"outcome": str(outcome)} if step == Step.ANSWERED else {}
    return _move(request, step, words, act=act, **detail)


@transaction.atomic
def reply(request: RightsRequest, words: str, *, act: Act) -> RightsStep:
    """The person writes to their own request. Raises AdsumError."""
    if not words.strip():
        raise AdsumError("needs_words", _("Write something first."))
    return _move(_locked(request), Step.REPLIED, words, act=act)


@transaction.atomic
def withdraw(request: RightsRequest, *, act: Act) -> RightsStep:
    """The person takes it back. Raises AdsumError."""
    return _move(_locked(request), Step.WITHDRAWN, "", act=act)


def _undecided(request: RightsRequest, step: Step) -> int:
    return len(undecided(request)) if step == Step.ANSWERED and request.kind == Kind.ACCESS else 0


def _locked(request: RightsRequest) -> RightsRequest:
    return RightsRequest.objects.select_for_update(of=("self",)).select_related("person").get(pk=request.pk)


def _move(request: RightsRequest, step: Step, words: str, *, act: Act, **detail: str) -> RightsStep:
    if step in THEIRS - OFFICERS and act.by.pk != request.person_id:
        raise ValueError(f"{step} is the person's own")
    to = rules.after(State(request.state), step)
    if to is None:
        raise AdsumError("moved_on", _("This has moved on meanwhile. Reload the page to see how it stands."))
    if len(words) > LONGEST_WORDS:
        raise AdsumError("too_long", _("This is longer than %(most)s characters.") % {"most": LONGEST_WORDS})
    request.state = to
    request.save(update_fields=["state", "outcome"])
    return _step(request, step, words.strip(), act=act, **detail)


def _step(request: RightsRequest, step: Step, words: str, *, act: Act, **detail: object) -> RightsStep:
    taken = RightsStep.objects.create(request=request, step=step, at=act.at, by=act.by, words=words)
    audit_log.record(actor=act.by.actor, verb=f"rights.{step}", subject=f"rights:{request.ref}", at=act.at, **detail)
    return taken


# Reading them


def clock(request: RightsRequest, at: datetime) -> Clock:
    """By when it is answered (one query for its steps, unless they were prefetched)."""
    steps = [Taken(Step(one.step), civil_date(one.at)) for one in sorted(request.steps.all(), key=lambda one: one.pk)]
    until = civil_date(at)
    if request.state not in UNDER_WAY and steps:
        until = steps[-1].on
    return clock_of(Kind(request.kind), request.received_on, steps, under_18=request.under_18, today=until, days=working_days())
