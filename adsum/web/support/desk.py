"""The help desk: a student who calls or comes, their classes of these days, why a scan did not count, and a query passed on.

No sums and no records: what a student is told at the desk is what their own page of the day says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from adsum.accounts.models import Person
from adsum.accounts.rules import HELPS, Role
from adsum.attendance.record import OwnClass, classes_of, own_classes
from adsum.attendance.reports import outages_of
from adsum.audit.rules import Page
from adsum.checkin.models import Scan
from adsum.checkin.reports import attempts_among
from adsum.checkin.services import query_mark
from adsum.core.clock import civil_day
from adsum.engagement.checklist import may_query_until
from adsum.timetable.reports import Relation, students_helped_by, university_zone
from adsum.web.attempts import attempts
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.searching import LONGEST_SEARCH, named
from adsum.web.viewing import looked_at, looked_through

MOST_FOUND = 25
SHORTEST_SEARCH = 2
DAYS_BACK = 7
"""Besides today: a student often comes the day after."""
AS_DESK = Relation(Role.HELP_DESK)


@require_safe
@for_roles(HELPS)
def find(request: PersonRequest) -> HttpResponse:
    """Find a student by name, number or e-mail: the first 25, with nothing but what tells them apart."""
    text = " ".join(request.GET.get("q", "").split())[:LONGEST_SEARCH]
    found: list[Person] = []
    if len(text) >= SHORTEST_SEARCH:
        students = named(students_helped_by(request.user, request.access), text)
        found = list(students.order_by("family_name", "given_name", "pk")[: MOST_FOUND + 1])
    looked_through(request, Page.FOUND, [(one.pk, AS_DESK) for one in found[:MOST_FOUND]])
    context = {
        "q": text,
        "found": found[:MOST_FOUND],
        "more": len(found) > MOST_FOUND,
        "short": 0 < len(text) < SHORTEST_SEARCH,
    }
    return render(request, "adsum/support/desk.html", context)


def helped(request: PersonRequest, ref: UUID) -> Person:
    """The student at this address. Raises Http404 for others."""
    return get_object_or_404(students_helped_by(request.user, request.access), ref=ref)


@require_safe
@for_roles(HELPS)
def student(request: PersonRequest, ref: UUID) -> HttpResponse:
    """One student: whether they can sign in, the classes of today and of the week before, and what became of each scan."""
    person = helped(request, ref)
    looked_at(request, person, Page.DESK, AS_DESK)
    start, _end = civil_day(request.today - timedelta(days=DAYS_BACK), university_zone())
    __, end = civil_day(request.today, university_zone())
    classes = own_classes(person, classes_of(person).filter(starts_at__gte=start, starts_at__lt=end))
    scans: dict[int, list[Scan]] = {}
    for scan in attempts_among([one.session.pk for one in classes], person):
        scans.setdefault(scan.session_id, []).append(scan)
    outages = outages_of([one.session for one in classes], request.at)
    longer = may_query_until(person, request.at)

    def row(one: OwnClass) -> dict[str, Any]:
        return {
            "one": one,
            "attempts": attempts(scans.get(one.session.pk, [])),
            "outage": outages.get(one.session.pk),
            "may_query": one.may_query(request.at, until=longer.get(one.session.pk)),
        }

    today = [one for one in classes if localtime(one.session.starts_at).date() == request.today]
    earlier = [one for one in reversed(classes) if one not in today]
    context = {"student": person, "today_rows": [row(one) for one in today], "earlier_rows": [row(one) for one in earlier]}
    return render(request, "adsum/support/desk_student.html", context)


@require_POST
@for_roles(HELPS)
def pass_on(request: PersonRequest, ref: UUID, session: UUID) -> HttpResponse:
    """Pass on what the student says at the desk: "I was there". The lecturer answers, as if it had come from the student."""
    person = helped(request, ref)
    one = next(iter(own_classes(person, classes_of(person).filter(ref=session))), None)
    if one is not None and one.may_query(request.at, until=may_query_until(person, request.at).get(one.session.pk)):
        text = " ".join(request.POST.get("text", "").replace("\0", "").split())[:500]
        query_mark(one.session, person, at=request.at, text=text, actor=request.user.actor)
        messages.success(request, _("Passed on. The lecturer answers, and the student is told."))
    else:
        messages.warning(
            request,
            _("This mark cannot be queried: it is under query already, or it is too late. The attendance team can help."),
        )
    return redirect("desk_student", ref=ref)
