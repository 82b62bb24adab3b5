"""The SLC officer's first page: deadlines, what is to do, and what stands in the way of it."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from adsum.accounts.rules import Role
from adsum.audit.rules import Page
from adsum.compliance.funding_reports import not_registered, on_lists
from adsum.compliance.models import ChangeOfCircumstance, Confirmation, Funding, LiabilityPoint
from adsum.compliance.slc_codes import BY_ITSELF, TO_DO, AttendanceCode, ConfirmationState
from adsum.compliance.slc_numbers import slc_numbers
from adsum.compliance.suggestions import due_points
from adsum.compliance.worklists import layout_in_force
from adsum.core.errors import AdsumError
from adsum.timetable.reports import Relation
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.viewing import looked_through

OFFICERS = frozenset({Role.COMPLIANCE_SLC})
OPEN, PROPOSED = ConfirmationState.OPEN, ConfirmationState.PROPOSED
SAID = Q(state__in=[ConfirmationState.CONFIRMED, ConfirmationState.LOCKED])
SOON = 10
"""Days before a deadline from which it is shown as near."""


def looked_at_funding(request: PersonRequest, students: Iterable[int], *, page: Page = Page.FUNDED) -> None:
    """Note that the officer saw these students' funding."""
    looked_through(request, page, [(pk, Relation(Role.COMPLIANCE_SLC)) for pk in students])


class Deadline(NamedTuple):
    """A liability point, and how far its worklist has come."""

    point: LiabilityPoint
    students: int
    ready: int
    """Suggested A, to be confirmed together."""
    to_look_at: int
    proposed: int
    said: int
    near: bool
    late: bool


def deadlines(today: date) -> list[Deadline]:
    """The liability points that are due, the next deadline first (three queries)."""
    points = due_points(today)
    waiting = Q(state=OPEN)
    ready = waiting & Q(suggested=AttendanceCode.ATTENDING)
    rows = Confirmation.objects.filter(point__in=points).order_by().values("point")
    counted = rows.annotate(
        whole=Count("pk"),
        ready=Count("pk", filter=ready),
        others=Count("pk", filter=waiting & ~ready & ~Q(because__in=BY_ITSELF)),
        proposed=Count("pk", filter=Q(state=PROPOSED)),
        said=Count("pk", filter=SAID),
    )
    counts = {row["point"]: row for row in counted}
    found = []
    for point in sorted(points, key=lambda one: (one.deadline, one.product)):
        count = counts.get(point.pk, dict.fromkeys(("whole", "ready", "others", "proposed", "said"), 0))
        left = bool(count["ready"] + count["others"] + count["proposed"])
        days = (point.deadline - today).days
        near, late = left and 0 <= days <= SOON, left and days < 0
        found.append(
            Deadline(point, count["whole"], count["ready"], count["others"], count["proposed"], count["said"], near, late)
        )
    return found


@require_safe
@for_roles(OFFICERS)
def overview(request: PersonRequest) -> HttpResponse:
    """Deadlines first; then tasks, registrations, lists; and what is not set up yet."""
    context: dict[str, Any] = {"today": request.today, "deadlines": deadlines(request.today)}
    try:
        numbers = slc_numbers(request.today)
    except AdsumError as missing:
        context["missing"] = missing.message
    else:
        context["timers"] = not_registered(request.today, numbers)
    tasks = ChangeOfCircumstance.objects.filter(state__in=TO_DO)
    context |= {
        "tasks": tasks.count(),
        "late_tasks": tasks.filter(due_on__lt=request.today).count(),
        "lists": [(name, LISTS[name], count) for name, count in on_lists(request.today).items()],
        "funded": Funding.objects.count(),
        "has_points": LiabilityPoint.objects.exists(),
        "layout": layout_in_force(),
    }
    return render(request, "adsum/compliance/funding.html", context)


LISTS = {
    "left_over": gettext_lazy("Profiles that match no student or course"),
    "differs": gettext_lazy("Another course or fee than ours"),
    "missing": gettext_lazy("Funded, but not on the worklist"),
    "not_ours": gettext_lazy("On the worklist, but not ours"),
}
