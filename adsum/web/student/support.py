"""The student's side of a case: who has time for them, a meeting to pick, what was agreed, and how to appeal or answer."""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.attendance.weighing import Act
from adsum.compliance.models import Representation
from adsum.core.errors import AdsumError
from adsum.engagement import cases, conduct, meetings
from adsum.engagement.case_reports import dues_of, holds_now
from adsum.engagement.case_rules import OWNED, STILL_AHEAD, ConductState, MeetingState, State
from adsum.engagement.models import Case, Concern, Conduct, Meeting
from adsum.integrations.files.calendars import meeting_file
from adsum.web.acts import act_of
from adsum.web.case_labels import FINDINGS, OUTCOMES, STATES, worried
from adsum.web.case_timeline import told_to_student
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student import STUDENTS


@require_safe
@for_roles(STUDENTS)
def support(request: PersonRequest) -> HttpResponse:
    """What is open for the student, with the one thing that is theirs to do first."""
    own = list(Case.objects.filter(student=request.user).select_related("owner", "opened_by").order_by("-opened_at", "-pk"))
    open_ = [case for case in own if case.state in OWNED]
    ahead = Meeting.objects.filter(case__student=request.user, state__in=STILL_AHEAD).select_related("host")
    outcomes = [(case, OUTCOMES.get(outcome)) for case in own if (outcome := holds_now(case)) is not None]
    referrals = Conduct.objects.filter(student=request.user).order_by("-at").prefetch_related("classes__session")
    concerns = Concern.objects.filter(student=request.user).select_related("by").order_by("-at")
    dues = dues_of(open_, request.at)
    context = {
        "cases": [(case, STATES[State(case.state)], dues[case.pk], told_to_student(case)) for case in open_],
        "meetings": list(ahead.prefetch_related("slots").order_by("offered_at")),
        "outcomes": [
            (case, word, case.appeal_until is not None and request.today <= case.appeal_until, told_to_student(case))
            for case, word in outcomes
        ],
        "conduct": [(one, FINDINGS.get(one.finding), one.state != ConductState.DECIDED) for one in referrals],  # type: ignore[call-overload]
        "asked": Representation.objects.filter(student=request.user, settled="", answered_at=None).exists(),
        "concerns": [(one, worried(one.worry)) for one in concerns],
    }
    return render(request, "adsum/student/support.html", context)


Deed = Callable[[PersonRequest, UUID, Act], str]


def answering(deed: Deed) -> Callable[..., HttpResponse]:
    """A form of the Support page: what the service refuses, or what was done, is said there."""

    @require_POST
    @for_roles(STUDENTS)
    @wraps(deed)
    def checked(request: PersonRequest, /, ref: UUID) -> HttpResponse:
        try:
            messages.success(request, deed(request, ref, act_of(request)))
        except AdsumError as refused:
            messages.error(request, refused.message)
        return redirect("student_support")

    return checked


def _own_meeting(request: PersonRequest, ref: UUID) -> Meeting:
    own = Meeting.objects.filter(case__student=request.user).select_related("case__student", "host")
    return get_object_or_404(own, ref=ref)


@answering
def pick(request: PersonRequest, ref: UUID, act: Act) -> str:
    """Pick one of the times offered."""
    meeting = _own_meeting(request, ref)
    chosen = request.POST.get("slot", "")
    slot = meeting.slots.filter(pk=int(chosen)).first() if chosen.isascii() and chosen.isdecimal() else None
    if slot is None:
        raise AdsumError("unsaid", _("Choose one of the times first."))
    meetings.pick_slot(meeting, slot, act=act)
    return _("Agreed. Put it into your calendar with the button below.")


@answering
def cannot(request: PersonRequest, ref: UUID, act: Act) -> str:
    """Say that no time suits, or that the student cannot come."""
    meetings.settle_meeting(_own_meeting(request, ref), MeetingState.REARRANGED, act=act)
    return _("Thank you for saying so. You will be offered other times.")


@answering
def appeal(request: PersonRequest, ref: UUID, act: Act) -> str:
    """Appeal against an outcome."""
    case = get_object_or_404(Case.objects.filter(student=request.user), ref=ref)
    cases.appeal(case, request.POST.get("words", "")[:2000], act=act)
    return _("Your appeal is in. Until it is decided you stand as before.")


@answering
def answer(request: PersonRequest, ref: UUID, act: Act) -> str:
    """Say how it was, to a question about check-in."""
    referral = get_object_or_404(Conduct.objects.filter(student=request.user), ref=ref)
    conduct.hear(referral, request.POST.get("words", "")[:2000], act=act)
    return _("Thank you. A person who did not ask the question reads it and decides.")


@require_safe
@login_required
def calendar(request: PersonRequest, ref: UUID) -> HttpResponse:
    """A meeting as a file for a calendar, for the two who meet."""
    mine = Meeting.objects.filter(Q(case__student=request.user) | Q(host=request.user), starts_at__isnull=False)
    meeting = get_object_or_404(mine.select_related("host", "case__student"), ref=ref)
    answer = HttpResponse(meeting_file(meeting, request.user), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="meeting.ics"'
    return answer
