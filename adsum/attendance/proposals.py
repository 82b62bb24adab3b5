"""Changes that wait for a second person: written down, and decided."""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.models import Mark, Proposal, ProposedMark
from adsum.attendance.weighing import Act, Entry, Why
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession


@transaction.atomic
def propose(session: ClassSession, wanted: Sequence[Entry], current: Mapping[int, Mark], *, act: Act, why: Why) -> Proposal:
    """Ask a colleague to confirm that these students' marks become what is wanted, the same for all. Nothing changes until
    then. `current` are their marks: should one change meanwhile, it is not confirmed."""
    first = wanted[0]
    proposal = Proposal.objects.create(
        session=session,
        status=first.status,
        seen_at=first.seen_at,
        left_at=first.left_at,
        reason_code=why.code or "",
        reason=why.words,
        by=act.by,
        at=act.at,
    )
    ProposedMark.objects.bulk_create(
        [
            ProposedMark(
                proposal=proposal,
                student=one.student,
                before=current[one.student.pk].status if one.student.pk in current else "",
                before_changed_at=current[one.student.pk].changed_at if one.student.pk in current else None,
            )
            for one in wanted
        ]
    )
    audit_log.record(
        actor=act.by.actor,
        verb="amendment.propose",
        subject=f"session:{session.pk}",
        at=act.at,
        proposal=str(proposal.ref),
        after=first.status,
        students=[one.student.pk for one in wanted],
    )
    return proposal


def waiting(proposal: Proposal) -> Proposal:
    """The proposal, held until commit. Raises AdsumError `decided` when it is."""
    proposal = Proposal.objects.select_for_update(of=("self",)).select_related("session__module", "by").get(pk=proposal.pk)
    if proposal.state != Proposal.State.WAITING:
        raise AdsumError("decided", _("This has been decided already. Reload the page to see how."))
    return proposal


def decide(proposal: Proposal, state: Proposal.State, *, act: Act, answer: str = "") -> Proposal:
    """Write down what became of a proposal that the caller holds. What it does to the marks is the caller's."""
    proposal.state, proposal.decided_by, proposal.decided_at, proposal.answer = state, act.by, act.at, answer
    proposal.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    audit_log.record(
        actor=act.by.actor,
        verb=f"amendment.{state}",
        subject=f"session:{proposal.session_id}",
        at=act.at,
        proposal=str(proposal.ref),
    )
    return proposal
