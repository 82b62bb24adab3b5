"""An absence that staff record for a student who telephones, writes or stands at the desk; and what a tutor may read."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from adsum.absence import evidence
from adsum.absence.models import AbsenceRequest
from adsum.absence.rules import State
from adsum.absence.terms import limits_on
from adsum.accounts.rules import HELPS, KEEPS_RECORDS, Role
from adsum.audit.rules import Page
from adsum.timetable.reports import relation_to, students_helped_by
from adsum.web.absences import Asked, file_answer
from adsum.web.acts import act_of
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.support import Opened, of_student
from adsum.web.support.desk import AS_DESK
from adsum.web.viewing import looked_at


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(KEEPS_RECORDS | HELPS)
def record(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Record what a student told, in the form they have themselves; the student is told of it."""
    student = get_object_or_404(students_helped_by(request.user, request.access), ref=ref)
    asked = Asked(request, student, by_staff=True, initial={"first": request.today})
    at_desk = request.access.holds(Role.HELP_DESK)
    if asked.made is not None:
        told = _("Recorded, and authorised at once. The student is told.") if asked.made.state == State.DECIDED else _(
            "Recorded. The student is told, and those who decide have it on their list."
        )  # fmt: skip
        messages.success(request, told if asked.made.state != State.TOLD else _("Recorded. The student is told."))
        return redirect("desk_student" if at_desk else "person_record", ref=student.ref)
    relation = AS_DESK if at_desk else relation_to(request.user, request.access, student)
    if relation is not None:
        looked_at(request, student, Page.DESK, relation)
    context = {**asked.context(), "student": student, "at_desk": at_desk, "limits": limits_on(request.today)}
    return render(request, "adsum/support/absence_record.html", context, status=asked.status)


@require_POST
@of_student
def shared_evidence(request: PersonRequest, opened: Opened, absence: UUID, file: UUID) -> HttpResponse:
    """A file that the student lets their tutor read."""
    if opened.role != Role.TUTOR:
        raise Http404
    shared = AbsenceRequest.objects.standing().filter(student=opened.student, shared=True)
    one = get_object_or_404(shared, ref=absence)
    found = get_object_or_404(one.evidence.filter(deleted_at=None), ref=file)
    return file_answer(found, evidence.read(found, act=act_of(request)))
