"""After marking by hand: undo, and changes that wait for a second person, on the register and in the team's list."""

from typing import NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.rules import COMPLIANCE, KEEPS_REGISTERS
from adsum.attendance import amendments, reported
from adsum.attendance.labels import reason_label
from adsum.attendance.models import Correction, MarkChange, Proposal
from adsum.attendance.reports import declined_lately, unseen, waiting_proposals
from adsum.attendance.rules import Reason
from adsum.attendance.services import Done
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.timetable.models import ClassSession
from adsum.timetable.reports import as_one_of
from adsum.web.acts import act_of, carry_out, not_done
from adsum.web.entered import number_of
from adsum.web.guards import for_roles, of_class, said
from adsum.web.middleware import PersonRequest
from adsum.web.templatetags.adsum_ui import status_label
from adsum.web.viewing import looked_through

PAGE = 25


class Undo(NamedTuple):
    """An offer to take a person's last change back."""

    change: int
    text: str
    students: frozenset[int]


def undo_offer(session: ClassSession, request: PersonRequest) -> Undo | None:
    """What this person could undo in this register (four queries at most)."""
    act, kept = amendments.undoable(session, request.user, request.at)
    return None if kept is not None else Undo(act[-1].pk, _told(act), frozenset(step.student_id for step in act))


def undo_at_the_head(session: ClassSession, request: PersonRequest) -> Undo | None:
    """The same while it is fresh, at the head of the register; on the history it stays. One query when there is nothing."""
    fresh = MarkChange.objects.filter(session=session, by=request.user, at__gt=request.at - amendments.UNDO_FRESH_FOR)
    return undo_offer(session, request) if fresh.exclude(reason_code=Reason.UNDONE).exists() else None


def _told(act: list[MarkChange]) -> str:
    text = ngettext("You marked %(count)s student: %(status)s.", "You marked %(count)s students: %(status)s.", len(act))
    return text % {"count": len(act), "status": status_label(act[-1].after)}


@of_class("POST")
def undo(request: PersonRequest, session: ClassSession) -> HttpResponse:
    """Take a person's last change of this register back; for many marks, or old ones, they first prove who they are."""
    step = number_of(request.POST.get("change", "")) or 0
    count = carry_out(request, lambda act: amendments.undo(session, step, act=act))
    if not isinstance(count, int):
        return not_done(request, count, session)
    told = ngettext("Undone: %(count)s mark is what it was.", "Undone: %(count)s marks are what they were.", count)
    messages.success(request, told % {"count": count})
    return redirect("class_register", session.ref)


# A second person


class Waiting(NamedTuple):
    """A change that waits for a second person, as pages show it."""

    proposal: Proposal
    names: list[str]
    label: str
    why: str
    mine: bool


def waiting(found: list[Proposal], request: PersonRequest) -> list[Waiting]:
    """These proposals in words; no query where they come from `waiting_proposals`."""
    return [
        Waiting(
            one,
            sorted(row.student.display_name for row in one.marks.all()),
            status_label(one.status),
            reason_label(one.reason_code, one.reason),
            one.by_id == request.user.pk,
        )
        for one in found
    ]


def waiting_in(session: ClassSession, request: PersonRequest) -> list[Waiting]:
    """The changes of one register that wait, and the reader's own that a colleague has just declined (two queries)."""
    found = waiting_proposals(ClassSession.objects.filter(pk=session.pk))
    return waiting(list(found | declined_lately(session, request.user, request.at)), request)


@of_class("POST")
def decide_proposal(request: PersonRequest, session: ClassSession, proposal: UUID) -> HttpResponse:
    """Confirm a colleague's change (with a fresh proof, as it is of many marks, or of old ones), decline it with a reason, or
    take the person's own back."""
    asked = get_object_or_404(Proposal, session=session, ref=proposal)
    if request.POST.get("decision") == "confirm":
        answer = carry_out(request, lambda act: amendments.confirm(asked, act=act))
        if not isinstance(answer, Done):
            return not_done(request, answer, session)
        count = len(answer.marks)
        told = ngettext("Confirmed: %(count)s mark has changed.", "Confirmed: %(count)s marks have changed.", count)
        messages.success(request, told % {"count": count})
    else:
        decided = amendments.decline(asked, act=act_of(request), answer=request.POST.get("answer", ""))
        withdrawn = decided.state == Proposal.State.WITHDRAWN
        messages.success(request, _("Taken back. Nothing has changed.") if withdrawn else _("Declined. Nothing has changed."))
    return redirect("class_register", session.ref)


@require_safe
@for_roles(KEEPS_REGISTERS | COMPLIANCE)
def worklist(request: PersonRequest) -> HttpResponse:
    """Changes that wait for a second person, and corrections that those who reported have not seen."""
    sessions = ClassSession.objects.visible_to(request.user, request.access)
    proposals = Paginator(waiting_proposals(sessions), PAGE).get_page(request.GET.get("page"))
    officer = request.access.holds(*COMPLIANCE)
    made = unseen(Correction.objects.visible_to(request.user, request.access))
    corrections = Paginator(made, PAGE).get_page(request.GET.get("corrections"))
    seen = [(row.student_id, one.session) for one in proposals for row in one.marks.all()]
    seen += [(one.change.student_id, one.change.session) for one in corrections]
    roles = KEEPS_REGISTERS | COMPLIANCE
    looked_through(request, Page.CHANGES, [(pk, as_one_of(request.access, roles, of.module.department_id)) for pk, of in seen])
    context = {
        "proposals": proposals,
        "waiting": waiting(list(proposals), request),
        "corrections": corrections,
        "may_note": officer,
    }
    return render(request, "adsum/teaching/amendments.html", context)


@require_POST
@for_roles(COMPLIANCE)
def note_correction(request: PersonRequest, change: int) -> HttpResponse:
    """Note that the person has seen a correction of what was reported."""
    correction = get_object_or_404(Correction.objects.visible_to(request.user, request.access), pk=change)
    try:
        reported.note_correction(correction, by=request.user, at=request.at)
    except AdsumError as refused:
        return said(request, refused, reverse("amendments"))
    messages.success(request, _("Noted. It no longer waits here."))
    return redirect("amendments")
