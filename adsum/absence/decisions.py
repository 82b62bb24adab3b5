"""People decide about absences: in whole, in part, not; or they ask for evidence first. Several together, each with its own
history; and again, when a decision changes."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.absence.linking import link
from adsum.absence.models import AbsenceDecision, AbsenceRequest, Evidence
from adsum.absence.reports import covered, has_evidence
from adsum.absence.rules import LONGEST_TEXT, Outcome, State
from adsum.absence.services import locked, movable, note
from adsum.absence.terms import limits_on
from adsum.accounts.models import Person
from adsum.attendance.weighing import Act
from adsum.core.errors import AdsumError
from adsum.core.holidays import working_days
from adsum.core.university import civil_date
from adsum.timetable.models import ClassSession

NEEDS_WORDS = frozenset({Outcome.PART, Outcome.REFUSED, Outcome.EVIDENCE})
"""The student must learn why, or what is missing."""


@transaction.atomic
def decide(
    request: AbsenceRequest, outcome: Outcome, *, words: str = "", refused: Collection[ClassSession] = (), act: Act
) -> AbsenceDecision:
    """Decide about one request; its marks follow. `refused` are the classes that a decision in part does not authorise.

    Raises AdsumError: `own_record`; `settled` when it was withdrawn, or decided and only evidence is asked for; `no_words`
    without words where the student needs them; `not_in_part` where a part is none of it or all; `evidence_known` when evidence
    of the same episode is there.
    """
    request = locked(request)
    if request.student_id == act.by.pk:
        raise AdsumError("own_record", _("You cannot decide about your own absence. A colleague does."))
    if not movable(request, outcome):
        raise AdsumError("settled", _("This was settled meanwhile. Look at it again before you decide."))
    if outcome in NEEDS_WORDS and not words.strip():
        raise AdsumError("no_words", _("Say in a few words why, or what is missing: the student reads it."))
    chosen = list(covered(request).filter(pk__in=[session.pk for session in refused])) if outcome == Outcome.PART else []
    if outcome == Outcome.PART and not 0 < len(chosen) < covered(request).count():
        raise AdsumError("not_in_part", _("Choose some of the classes, or decide about all of them."))
    if outcome == Outcome.EVIDENCE and has_evidence(request.student, request.category, request.spell):
        raise AdsumError(
            "evidence_known", _("There is evidence of this episode already. Nobody is asked twice for one episode.")
        )
    decision = AbsenceDecision.objects.create(
        request=request, outcome=outcome, by=act.by, at=act.at, words=words.strip()[:LONGEST_TEXT]
    )
    decision.refused.set(chosen)
    if outcome == Outcome.EVIDENCE:
        request.evidence_asked_at, request.due_on = act.at, None
    else:
        request.state, request.evidence_asked_at, request.due_on = State.DECIDED, None, None
        keep = civil_date(act.at) + timedelta(days=limits_on(civil_date(act.at)).evidence_days)
        Evidence.objects.filter(request=request, deleted_at=None).update(delete_on=keep)
    request.save(update_fields=["state", "evidence_asked_at", "due_on"])
    note("absence.decide", request, act, outcome=outcome, refused=len(chosen))
    link(request, act=act)
    return decision


@transaction.atomic
def decide_together(requests: Collection[AbsenceRequest], outcome: Outcome, *, words: str, act: Act) -> list[AbsenceRequest]:
    """Decide about several with one outcome and the same words; those decided. One that was settled meanwhile, or whose episode
    has evidence, is left alone. Otherwise raises what `decide` raises."""
    done = []
    for request in sorted(requests, key=lambda one: one.pk):
        try:
            with transaction.atomic():
                decide(request, outcome, words=words, act=act)
        except AdsumError as refused:
            if refused.code not in {"settled", "evidence_known"}:
                raise
        else:
            done.append(request)
    return done


def due_again(request: AbsenceRequest, *, act: Act) -> None:
    """What was asked for has come: the working days to decide begin again. The caller holds the request."""
    today = civil_date(act.at)
    request.evidence_asked_at, request.due_on = None, working_days().after(today, limits_on(today).due_days)
    request.save(update_fields=["evidence_asked_at", "due_on"])


@transaction.atomic
def give_absence(request: AbsenceRequest, to: Person, *, act: Act) -> None:
    """A colleague decides about it from now on; by when stays as it is. Does nothing once it is settled."""
    request = locked(request)
    if request.state != State.UNDER_DECISION or request.decider_id == to.pk:
        return
    request.decider = to
    request.save(update_fields=["decider"])
    note("absence.give", request, act, person=to.pk)
