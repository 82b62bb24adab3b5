"""Formal messages that nobody opened: each is a named person's task, who rings, and may let the matter go on."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import ContactDetail
from adsum.accounts.rules import KEEPS_RECORDS, STAFF, ContactBy, Role
from adsum.attendance.weighing import Act
from adsum.audit.rules import Page
from adsum.core.errors import AdsumError
from adsum.engagement.case_rules import Reply, Way
from adsum.engagement.contacts import log_contact
from adsum.engagement.models import Contacted
from adsum.messages.models import HandOver
from adsum.messages.rules import State, may_go_on
from adsum.messages.topics.registry import KINDS
from adsum.messages.unopened import calls_since, go_on
from adsum.timetable.reports import as_one_of, students_visible_to
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

PER_PAGE = 25


class Row(NamedTuple):
    """One task, with what its owner needs to do it."""

    task: HandOver
    label: object
    telephone: str
    call: Contacted | None
    may: bool
    mine: bool
    returned: bool


def open_to(request: PersonRequest) -> QuerySet[HandOver]:
    """A person's own tasks; for those who keep records also those of their departments' students."""
    theirs = Q(owner=request.user)
    if request.access.holds(*KEEPS_RECORDS):
        theirs |= Q(message__person__in=students_visible_to(request.user, request.access).values("pk"))
    return HandOver.objects.filter(theirs, closed_at=None).select_related("message__person", "owner")


@require_safe
@for_roles(STAFF)
def unopened(request: PersonRequest) -> HttpResponse:
    """The messages that were not opened, those due first, with the number to ring."""
    page = Paginator(open_to(request).order_by("due_on", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    students = {task.message.person_id for task in page}
    numbers = ContactDetail.objects.filter(person__in=students, by=ContactBy.TELEPHONE, ended_at=None)
    telephones, calls = dict(numbers.values_list("person", "value")), calls_since(page)
    looked_through(request, Page.MAIL, [(pk, as_one_of(request.access, STAFF)) for pk in students])
    rows = [_row(request, task, telephones, calls, request.today) for task in page]
    everywhere = request.access.departments(Role.ATTENDANCE_TEAM) is None
    return render(request, "adsum/support/unopened.html", {"page": page, "rows": rows, "brings_contacts": everywhere})


def _row(
    request: PersonRequest, task: HandOver, telephones: Mapping[int, str], calls: Mapping[int, Contacted], today: date
) -> Row:
    call = calls.get(task.pk)
    return Row(
        task=task,
        label=KINDS[task.message.kind].label,
        telephone=telephones.get(task.message.person_id, ""),
        call=call,
        may=may_go_on(called=call is not None, today=today, due_on=task.due_on),
        mine=task.owner_id == request.user.pk,
        returned=task.message.state in {State.BOUNCED, State.REFUSED},
    )


@require_POST
@for_roles(STAFF)
def decide(request: PersonRequest, ref: UUID) -> HttpResponse:
    """Write down a call, or let the matter go on."""
    task = get_object_or_404(open_to(request), ref=ref)
    replies = {"spoke": Reply.SPOKE, "no_answer": Reply.NO_ANSWER}
    try:
        if reply := replies.get(request.POST.get("action", "")):
            log_contact(task.message.person, Way.CALL, reply, act=Act(request.user, request.at))
            messages.success(request, _("The call is written down. You may now let the matter go on, if that is right."))
        elif request.POST.get("action") == "go_on":
            go_on(task, by=request.user, at=request.at)
            messages.success(request, _("The matter goes on. The message stays there to be opened."))
    except AdsumError as refused:
        messages.error(request, refused.message)
    return redirect("unopened")
